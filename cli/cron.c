/* elvesctl cron: which of its commands. */
#include "cli/command.h"

static const ElvesCliCommand commands[] = {
  { "next", "print the coming instants of a rule", elves_cli_cron_next },
  { NULL },
};

/**
 * elves_cli_cron:
 * @context: handed on
 * @argc: number of arguments.
 * @argv: "cron", then the command.
 * @error: what went wrong.
 *
 * Returns: the exit status, or -1 with @error set.
 */
int
elves_cli_cron (const ElvesCliContext *context, int argc, char **argv, GError **error)
{
  return elves_cli_dispatch (commands, "elvesctl cron", context, argc, argv, error);
}
