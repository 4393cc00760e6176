/* elvesctl exec: one function on one host, and its answer.
 *
 * Asks in the flat form: `sendSync`, or with --async `sendAsync` as a job of type queue, whose
 * result comes as a cast of its own. */
#include "cli/asker.h"
#include "cli/command.h"
#include "cli/print.h"
#include "common/error.h"
#include "common/job.h"

enum
{
  DEFAULT_TIMEOUT_S = 90,
  PATIENCE_S = 35 /* beyond the job's own time: the scheduler's thrift.outTime and a little */
};

typedef struct
{
  const char *ip, *app, *func, *param;
  char *proxy, *mode;
  int timeout_s;
  gboolean async, no_wait, json;
} Exec;

static void
exec_clear (Exec *self)
{
  g_free (self->proxy);
  g_free (self->mode);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Exec, exec_clear)

static gboolean
usage_error (GError **error, const char *text)
{
  g_set_error_literal (error, ELVES_ERROR, ELVES_ERROR_CONFIG, text);
  return FALSE;
}

static gboolean
parse_arguments (Exec *self, int argc, char **argv, GError **error)
{
  GOptionEntry entries[] = {
    { "timeout", 't', 0, G_OPTION_ARG_INT, &self->timeout_s, "The function's time limit",
      "SECONDS" },
    { "async", 'a', 0, G_OPTION_ARG_NONE, &self->async,
      "Ask for an asynchronous job, wait for its result", NULL },
    { "no-wait", 0, 0, G_OPTION_ARG_NONE, &self->no_wait,
      "With --async: only until the agent took the job", NULL },
    { "proxy", 'p', 0, G_OPTION_ARG_STRING, &self->proxy, "The worker entry, e.g. 'bash|run.sh'",
      "PROXY" },
    { "mode", 'm', 0, G_OPTION_ARG_STRING, &self->mode,
      "P: the app's processor gets the result too", "MODE" },
    { "json", 'j', 0, G_OPTION_ARG_NONE, &self->json, "Print the whole answer as JSON", NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("IP APP FUNC [PARAM]");

  g_option_context_set_summary (
      context,
      "Runs FUNC of APP on the host IP and prints its result.\n\n"
      "Examples:\n"
      "  elvesctl exec 10.0.0.7 hello greet '{\"name\":\"Ada\"}'\n"
      "  elvesctl exec 10.0.0.7 backup run --proxy 'bash|backup.sh' --timeout 600 --async\n\n"
      "Exit status: 0 success, 1 the function said no, 2 usage, 3 it could not be run or its\n"
      "outcome is not known, 4 broker not reachable or no answer in time.");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, error))
    return FALSE;
  if (argc < 4 || argc > 5)
    return usage_error (error, "exec needs IP APP FUNC and perhaps PARAM (elvesctl exec --help)");
  if (self->timeout_s < 1)
    return usage_error (error, "--timeout must be a number of seconds, 1 or more");
  if (self->no_wait && !self->async)
    return usage_error (error, "--no-wait goes with --async");
  self->ip = argv[1];
  self->app = argv[2];
  self->func = argv[3];
  self->param = argc == 5 ? argv[4] : "";
  return TRUE;
}

static void
add_text (JsonBuilder *builder, const char *name, const char *value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_string_value (builder, value != NULL ? value : "");
}

static JsonNode *
make_message (const Exec *self, const char *id)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autofree char *key =
      g_strdup_printf ("elvesctl.scheduler.%s.%s", self->async ? "sendAsync" : "sendSync", id);

  json_builder_begin_object (builder);
  add_text (builder, "mqkey", key);
  add_text (builder, "mqtype", "call");
  add_text (builder, "id", id);
  if (self->async)
    {
      add_text (builder, "job_type", "queue");
      add_text (builder, "rand_id", id);
    }
  add_text (builder, "agent_ip", self->ip);
  add_text (builder, "mode", self->mode != NULL ? self->mode : "NP");
  add_text (builder, "app", self->app);
  add_text (builder, "func", self->func);
  add_text (builder, "param", self->param);
  json_builder_set_member_name (builder, "timeout");
  json_builder_add_int_value (builder, self->timeout_s);
  add_text (builder, "proxy", self->proxy);
  json_builder_end_object (builder);
  return json_builder_get_root (builder);
}

/* The answer to a sync job; or the end of an async one: first the agent's acceptance, then the
   result. Results of other jobs of the same type come by: they are not ours. */
static int
wait_for_answer (const Exec *self, ElvesAsker *asker, const char *id, GError **error)
{
  gint64 deadline_us =
      g_get_monotonic_time () + (self->timeout_s + PATIENCE_S) * (gint64) G_USEC_PER_SEC;

  for (;;)
    {
      g_autoptr (JsonNode) message = elves_asker_wait (asker, deadline_us, error);

      if (message == NULL)
        return -1;
      if (elves_answer_is_result_of (message, id))
        return elves_print_answer (message, self->json);
      if (elves_answer_is_result_of (message, NULL))
        continue;
      if (!self->async || self->no_wait || !elves_answer_is_handed_over (message))
        return elves_print_answer (message, self->json);
    }
}

/**
 * elves_cli_exec:
 * @context: where the broker is.
 * @argc: number of arguments.
 * @argv: "exec", then the command's own.
 * @error: what went wrong before there was an answer.
 *
 * Returns: the exit status, or -1 with @error set.
 */
int
elves_cli_exec (const ElvesCliContext *context, int argc, char **argv, GError **error)
{
  g_auto (ElvesCliSettings) settings = { 0 };
  g_auto (Exec) self = { .timeout_s = DEFAULT_TIMEOUT_S };
  g_autofree char *id = elves_job_new_id ();
  g_autoptr (ElvesAsker) asker = NULL;
  g_autoptr (JsonNode) message = NULL;

  if (!parse_arguments (&self, argc, argv, error) ||
      !elves_cli_settings_load (&settings, context, error))
    return -1;
  asker = elves_asker_new (&settings, self.async && !self.no_wait ? "queue" : NULL, error);
  if (asker == NULL)
    return -1;
  message = make_message (&self, id);
  if (!elves_asker_publish (asker, message, error))
    return -1;
  return wait_for_answer (&self, asker, id, error);
}
