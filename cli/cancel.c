/* elvesctl cancel: ends a job that waits or runs on a host. */
#include "cli/command.h"
#include "cli/desk.h"
#include "cli/members.h"
#include "cli/named.h"
#include "cli/print.h"

#include <stdio.h>

/* Whether there was something to end. */
static int
print_answer (JsonNode *answer, gboolean json)
{
  JsonObject *result = elves_cli_object (json_node_get_object (answer), "result");
  const char *state = elves_cli_text (result, "state");

  if (json)
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
  gboolean json = FALSE;
  const GOptionEntry more[] = {
    { "json", 'j', 0, G_OPTION_ARG_NONE, &json, "Print the whole answer as JSON", NULL },
    { NULL },
  };
  g_auto (ElvesCliNamed) job = { 0 };
  g_autoptr (ElvesCliDesk) desk = NULL;
  g_autoptr (JsonNode) answer = NULL;

  if (!elves_cli_named_parse (&job, "Ends a job that waits or runs on a host.", more, argc, argv,
                              error) ||
      (desk = elves_cli_desk_open (context, "scheduler", error)) == NULL)
    return -1;
  answer = elves_cli_desk_ask (desk, "cancelJob", elves_cli_named_body (&job), error);
  if (answer == NULL)
    return -1;
  return elves_cli_is_refused (answer) ? ELVES_EXIT_NOT_RUN : print_answer (answer, json);
}
