/* Which command is meant: tables of names, at the top and below "cron" and "queue". */
#include "cli/command.h"

#include "common/error.h"

#include <stdio.h>

/**
 * elves_cli_describe:
 * @commands: a table
 *
 * Returns: (transfer full): the lines of a help text.
 */
char *
elves_cli_describe (const ElvesCliCommand *commands)
{
  GString *text = g_string_new ("Commands (each has its own --help):\n");

  for (const ElvesCliCommand *command = commands; command->name != NULL; command++)
    g_string_append_printf (text, "  %-8s %s\n", command->name, command->summary);
  return g_string_free (text, FALSE);
}

static gboolean
asks_for_help (const char *word)
{
  return g_str_equal (word, "--help") || g_str_equal (word, "-h");
}

/**
 * elves_cli_dispatch:
 * @commands: a table
 * @parent: what was typed before, for messages
 * @context: handed on
 * @argc: number of arguments
 * @argv: the parent's name, then the command and its arguments
 * @error: what went wrong
 *
 * Returns: the exit status; -1 with @error set.
 */
int
elves_cli_dispatch (const ElvesCliCommand *commands,
                    const char *parent,
                    const ElvesCliContext *context,
                    int argc,
                    char **argv,
                    GError **error)
{
  g_autofree char *name = NULL;

  if (argc >= 2 && asks_for_help (argv[1]))
    {
      g_autofree char *text = elves_cli_describe (commands);

      printf ("Usage: %s COMMAND [ARGUMENT...]\n\n%s", parent, text);
      return ELVES_EXIT_SUCCESS;
    }
  for (const ElvesCliCommand *command = commands; argc >= 2 && command->name != NULL; command++)
    if (g_str_equal (command->name, argv[1]))
      {
        name = g_strdup_printf ("%s %s", parent, command->name);
        g_set_prgname (name);
        return command->run (context, argc - 1, argv + 1, error);
      }
  if (argc < 2)
    g_set_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG, "which command? (%s --help)", parent);
  else
    g_set_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG, "there is no command \"%s\" (%s --help)",
                 argv[1], parent);
  return -1;
}
