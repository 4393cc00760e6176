/* elvesctl cancel: ends a job that waits or runs on a host. */
#include "cli/command.h"
#include "cli/desk.h"
#include "cli/members.h"
#include "cli/print.h"
#include "common/error.h"

#include <stdio.h>

typedef struct
{
  char *ip, *id; /* @id: (nullable) */
  char *type, *execution;
  gboolean json;
} Question;

static void
question_clear (Question *self)
{
  g_free (self->ip);
  g_free (self->id);
  g_free (self->type);
  g_free (self->execution);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Question, question_clear)

static gboolean
parse_arguments (int argc, char **argv, Question *self, GError **error)
{
  GOptionEntry entries[] = {
    { "type", 't', 0, G_OPTION_ARG_STRING, &self->type, "Only a job of this type",
      "rt|queue|cron" },
    { "execution", 'x', 0, G_OPTION_ARG_STRING, &self->execution,
      "This one execution; no ID is needed then", "KEY" },
    { "json", 'j', 0, G_OPTION_ARG_NONE, &self->json, "Print the whole answer as JSON", NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("IP [ID]");

  g_option_context_set_summary (context, "Ends a job that waits or runs on a host.");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, error))
    return FALSE;
  if (argc == 3 || (argc == 2 && self->execution != NULL))
    {
      self->ip = g_strdup (argv[1]);
      self->id = g_strdup (argv[2]);
      return TRUE;
    }
  g_set_error_literal (error, ELVES_ERROR, ELVES_ERROR_CONFIG,
                       "cancel takes the host and the id of a job, or --execution");
  return FALSE;
}

static JsonBuilder *
body_of (const Question *self)
{
  JsonBuilder *body = elves_cli_body_new ();

  elves_cli_body_add (body, "ip", self->ip);
  elves_cli_body_add (body, "id", self->id);
  elves_cli_body_add (body, "type", self->type);
  elves_cli_body_add (body, "execution", self->execution);
  return body;
}

/* Whether there was something to end. */
static int
print_answer (const Question *self, JsonNode *answer)
{
  JsonObject *result = elves_cli_object (json_node_get_object (answer), "result");
  const char *state = elves_cli_text (result, "state");

  if (self->json)
    elves_print_json (answer);
  else
    puts (state);
  return g_str_has_prefix (state, "cancel") ? ELVES_EXIT_SUCCESS : ELVES_EXIT_WORKER_SAID_NO;
}

/**
 * elves_cli_cancel:
 * @context: where the broker is.
 * @argc: number of arguments.
 * @argv: "cancel", then the command's own.
 * @error: what went wrong.
 *
 * Returns: the exit status, or -1 with @error set.
 */
int
elves_cli_cancel (const ElvesCliContext *context, int argc, char **argv, GError **error)
{
  g_auto (Question) question = { 0 };
  g_autoptr (ElvesCliDesk) desk = NULL;
  g_autoptr (JsonNode) answer = NULL;

  if (!parse_arguments (argc, argv, &question, error) ||
      (desk = elves_cli_desk_open (context, "scheduler", error)) == NULL)
    return -1;
  answer = elves_cli_desk_ask (desk, "cancelJob", body_of (&question), error);
  if (answer == NULL)
    return -1;
  return elves_cli_is_refused (answer) ? ELVES_EXIT_NOT_RUN : print_answer (&question, answer);
}
