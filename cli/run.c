/* elvesctl run: one function on many agents, as a queue of elves-queue: it goes on without us. */
#include "cli/command.h"
#include "cli/desk.h"
#include "cli/members.h"
#include "cli/run-targets.h"
#include "cli/run-watch.h"
#include "common/error.h"

#include <glib/gstdio.h>
#include <stdio.h>

typedef struct
{
  const char *target, *app, *func, *param;
  char *mode, *proxy, *out;
  int timeout_s, width, stagger_ms, max_failures;
  gboolean json, detach;
} Run;

static const char summary[] =
    "Runs FUNC of APP on every agent that TARGET means, and prints each result as it comes.\n\n"
    "TARGET: all; ips with commas between them; or a label expression such as\n"
    "'role=db,zone in (a,b),!old'.\n\n"
    "The job is a queue of elves-queue: when elvesctl is ended, it goes on (elvesctl queue show,\n"
    "elvesctl queue cancel).\n\n"
    "Exit status: 0 all succeeded, 1 a function said no, 2 bad usage, 3 a job could not be run\n"
    "or its outcome is not known, 4 no answer.";

static gboolean
take_words (Run *self, int argc, char **argv, GError **error)
{
  if (argc < 4 || argc > 5)
    {
      g_set_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG,
                   "run needs TARGET APP FUNC, and perhaps PARAM (elvesctl run --help)");
      return FALSE;
    }
  self->target = argv[1];
  self->app = argv[2];
  self->func = argv[3];
  self->param = argc == 5 ? argv[4] : "";
  return TRUE;
}

static gboolean
parse_arguments (Run *self, int argc, char **argv, GError **error)
{
  GOptionEntry entries[] = {
    { "timeout", 't', 0, G_OPTION_ARG_INT, &self->timeout_s, "Of each job; the queue's default",
      "S" },
    { "mode", 'm', 0, G_OPTION_ARG_STRING, &self->mode, "P: the app's processor gets the result",
      "NP" },
    { "proxy", 'p', 0, G_OPTION_ARG_STRING, &self->proxy, "Worker entry of the app", "ENTRY" },
    { "width", 'w', 0, G_OPTION_ARG_INT, &self->width, "So many at one time (no limit)", "N" },
    { "stagger", 0, 0, G_OPTION_ARG_INT, &self->stagger_ms, "So long between two starts", "MS" },
    { "max-failures", 'f', 0, G_OPTION_ARG_INT, &self->max_failures,
      "When more have failed, no further one is started", "N" },
    { "json", 'j', 0, G_OPTION_ARG_NONE, &self->json, "Print an object of JSON for each agent",
      NULL },
    { "out", 'o', 0, G_OPTION_ARG_FILENAME, &self->out, "Write each result to a file DIR/IP",
      "DIR" },
    { "detach", 'd', 0, G_OPTION_ARG_NONE, &self->detach, "Print the queue's id, do not wait",
      NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("TARGET APP FUNC [PARAM]");

  g_option_context_set_summary (context, summary);
  g_option_context_add_main_entries (context, entries, NULL);
  return g_option_context_parse (context, &argc, &argv, error) &&
         take_words (self, argc, argv, error);
}

static void
run_clear (Run *self)
{
  g_free (self->mode);
  g_free (self->proxy);
  g_free (self->out);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Run, run_clear)

/* ---- asking -----------------------------------------------------------------------------------
 */

static void
add_task (JsonBuilder *body, const Run *self, const char *ip)
{
  json_builder_begin_object (body);
  elves_cli_body_add (body, "ip", ip);
  elves_cli_body_add (body, "func", self->func);
  elves_cli_body_add (body, "param", self->param);
  elves_cli_body_add (body, "mode", self->mode);
  elves_cli_body_add (body, "proxy", self->proxy);
  if (self->timeout_s > 0)
    elves_cli_body_add_number (body, "timeout", self->timeout_s);
  json_builder_end_object (body);
}

static JsonBuilder *
make_queue (const Run *self, const GPtrArray *ips)
{
  JsonBuilder *body = elves_cli_body_new ();

  elves_cli_body_add (body, "app", self->app);
  elves_cli_body_add (body, "owner", "elvesctl");
  elves_cli_body_add_number (body, "width", MAX (self->width, 0));
  elves_cli_body_add_number (body, "stagger_ms", MAX (self->stagger_ms, 0));
  if (self->max_failures >= 0)
    elves_cli_body_add_number (body, "max_failures", self->max_failures);
  json_builder_set_member_name (body, "tasks");
  json_builder_begin_array (body);
  for (guint i = 0; i < ips->len; i++)
    add_task (body, self, ips->pdata[i]);
  json_builder_end_array (body);
  return body;
}

static gboolean
make_folder (const Run *self, GError **error)
{
  if (self->out == NULL || g_mkdir_with_parents (self->out, 0700) == 0)
    return TRUE;
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG, "cannot make the folder %s", self->out);
  return FALSE;
}

static int
watch (const Run *self, ElvesCliDesk *queue, JsonObject *answer, guint n_tasks, GError **error)
{
  const char *id = elves_cli_text (answer, "id");
  ElvesRunOutput output = { .json = self->json, .out = self->out };

  if (self->detach)
    {
      puts (id);
      return ELVES_EXIT_SUCCESS;
    }
  fprintf (stderr, "queue %s, %u agents\n", id, n_tasks);
  return elves_run_watch (queue, id, n_tasks, &output, error);
}

/**
 * elves_cli_run:
 * @context: where the broker is.
 * @argc: number of arguments.
 * @argv: "run", then the command's own.
 * @error: what went wrong.
 *
 * Returns: the exit status, or -1 with @error set.
 */
int
elves_cli_run (const ElvesCliContext *context, int argc, char **argv, GError **error)
{
  g_auto (Run) self = { .max_failures = -1 };
  g_autoptr (GPtrArray) ips = NULL;
  g_autoptr (ElvesCliDesk) queue = NULL;
  g_autoptr (JsonNode) answer = NULL;

  if (!parse_arguments (&self, argc, argv, error) || !make_folder (&self, error) ||
      (ips = elves_run_targets (context, self.target, error)) == NULL ||
      (queue = elves_cli_desk_open (context, "queue", error)) == NULL ||
      (answer = elves_cli_desk_ask (queue, "submitQueue", make_queue (&self, ips), error)) == NULL)
    return -1;
  if (elves_cli_is_refused (answer))
    return ELVES_EXIT_NOT_RUN;
  return watch (&self, queue, json_node_get_object (answer), ips->len, error);
}
