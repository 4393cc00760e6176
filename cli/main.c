/* elvesctl: what an operator types. Finds the command, prints its error, gives its exit status. */
#include "cli/command.h"
#include "common/error.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>

static const ElvesCliCommand commands[] = {
  { "exec", "run a function on a host and print its result", elves_cli_exec },
  { "run", "run a function on many hosts, print each result as it comes", elves_cli_run },
  { "send", "publish a message as it stands and print what comes back", elves_cli_send },
  { "agents", "list the registered agents", elves_cli_agents },
  { "cancel", "end a job that waits or runs", elves_cli_cancel },
  { "output", "print what a job prints", elves_cli_output },
  { "ping", "send a no-op to an agent or to all, and print where its time went", elves_cli_ping },
  { "cron", "when does a rule fire? and the timed tasks of elves-cron", elves_cli_cron },
  { "queue", "queues of tasks that wait for each other", elves_cli_queue },
  { "task", "timed tasks that programs have left through the HTTP interfaces", elves_cli_task },
  { NULL },
};

static const char *const default_files[] = { "/etc/elves/elvesctl.properties",
                                             "/etc/elves/elves-scheduler.properties" };

typedef struct
{
  char *config_file;
  char **overrides;
  gboolean version;
} Globals;

static void
globals_clear (Globals *self)
{
  g_free (self->config_file);
  g_strfreev (self->overrides);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Globals, globals_clear)

/**
 * elves_cli_status_of_error:
 * @error: why a command had no answer to print.
 *
 * Returns: the exit status it stands for.
 */
int
elves_cli_status_of_error (const GError *error)
{
  if (error->domain == G_OPTION_ERROR || g_error_matches (error, ELVES_ERROR, ELVES_ERROR_CONFIG) ||
      g_error_matches (error, ELVES_ERROR, ELVES_ERROR_INVALID) || error->domain != ELVES_ERROR)
    return ELVES_EXIT_USAGE;
  return ELVES_EXIT_UNREACHABLE;
}

static int
fail (const GError *error)
{
  fprintf (stderr, "elvesctl: %s\n", error->message);
  return elves_cli_status_of_error (error);
}

static char *
describe_commands (void)
{
  g_autofree char *list = elves_cli_describe (commands);

  return g_strconcat (
      list,
      "\nExamples:\n"
      "  elvesctl --config /etc/elves/elves-scheduler.properties agents\n"
      "  elvesctl exec 10.0.0.7 hello greet '{\"name\":\"Ada\"}' --timeout 30\n"
      "  elvesctl exec 10.0.0.7 elves ping hello\n"
      "  elvesctl cron next '0 30 2 * * ?' --tz Europe/Berlin\n"
      "  ELVES_MQ_IP=10.0.0.1 ELVES_MQ_USER=ops ELVES_MQ_PASSWORD=... elvesctl exec ...",
      NULL);
}

static gboolean
parse_globals (Globals *self, int *argc, char ***argv, GError **error)
{
  GOptionEntry entries[] = {
    { "config", 'c', 0, G_OPTION_ARG_FILENAME, &self->config_file,
      "Keys of mq.* and zookeeper.*; a scheduler's file serves", "FILE" },
    { "set", 's', 0, G_OPTION_ARG_STRING_ARRAY, &self->overrides, "Set a key", "KEY=VALUE" },
    { "version", 'V', 0, G_OPTION_ARG_NONE, &self->version, "Print the version", NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("COMMAND [ARGUMENT...]");
  g_autofree char *description = describe_commands ();

  g_option_context_set_summary (context, "Asks an Elves scheduler to do things.");
  g_option_context_set_description (context, description);
  g_option_context_set_strict_posix (context, TRUE);
  g_option_context_add_main_entries (context, entries, NULL);
  return g_option_context_parse (context, argc, argv, error);
}

static const char *
find_config (const Globals *globals)
{
  if (globals->config_file != NULL)
    return globals->config_file;
  for (guint i = 0; i < G_N_ELEMENTS (default_files); i++)
    if (g_file_test (default_files[i], G_FILE_TEST_EXISTS))
      return default_files[i];
  return NULL;
}

static int
run_command (const Globals *globals, int argc, char **argv)
{
  ElvesCliContext context = { find_config (globals), (const char *const *) globals->overrides };
  g_autoptr (GError) error = NULL;
  int status = elves_cli_dispatch (commands, "elvesctl", &context, argc, argv, &error);

  return error != NULL ? fail (error) : status;
}

int
main (int argc, char **argv)
{
  g_auto (Globals) globals = { 0 };
  g_autoptr (GError) error = NULL;

  setlocale (LC_ALL, "");
  if (!parse_globals (&globals, &argc, &argv, &error))
    return fail (error);
  if (globals.version)
    {
      puts ("elvesctl " ELVES_VERSION);
      return ELVES_EXIT_SUCCESS;
    }
  return run_command (&globals, argc, argv);
}
