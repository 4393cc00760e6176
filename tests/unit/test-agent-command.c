/* Arguments, environment and parameter file of a worker. */
#include "agent/command.h"

#include <glib/gstdio.h>
#include <string.h>

typedef struct
{
  ElvesAgentConfig config;
  ElvesCommands *commands;
  ElvesInstruct *instruct;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  fixture->config.run_dir = g_dir_make_tmp ("elves-command-XXXXXX", &error);
  g_assert_no_error (error);
  fixture->config.worker_path = (char *) "/usr/bin:/bin";
  fixture->config.param_argv_limit_bytes = 100;
  fixture->commands = elves_commands_new (&fixture->config, &error);
  g_assert_no_error (error);
  fixture->instruct = elves_instruct_new ();
  elves_instruct_set (&fixture->instruct->id, "AB12");
  elves_instruct_set (&fixture->instruct->app, "demo");
  elves_instruct_set (&fixture->instruct->func, "-x $(id)");
  elves_instruct_set (&fixture->instruct->type, "rt");
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  elves_commands_free (fixture->commands);
  elves_instruct_unref (fixture->instruct);
  g_assert_cmpint (g_rmdir (fixture->config.run_dir), ==, 0); /* so it is empty */
  g_free (fixture->config.run_dir);
}

static void
set_param (Fixture *fixture, const char *param)
{
  g_bytes_unref (fixture->instruct->param);
  fixture->instruct->param = g_bytes_new (param, strlen (param));
}

static ElvesCommand *
build (Fixture *fixture, char *file)
{
  ElvesAppEntry entry = { (char *) "bash", file, (char *) "/apps/demo" };
  g_autoptr (GError) error = NULL;
  ElvesCommand *command =
      elves_commands_build (fixture->commands, fixture->instruct, &entry, NULL, 7, &error);
  g_assert_no_error (error);
  return command;
}

static void
test_arguments (Fixture *fixture, gconstpointer unused)
{
  set_param (fixture, "{\"my\":\"toryzen\"}");
  g_autoptr (ElvesCommand) command = build (fixture, (char *) "/apps/demo/run.sh");
  g_autofree char *line = g_strjoinv ("|", command->argv);
  g_assert_cmpstr (line, ==, "bash|/apps/demo/run.sh|demo|-x $(id)|eyJteSI6InRvcnl6ZW4ifQ==");
  g_assert_cmpstr (command->directory, ==, "/apps/demo");
  g_assert_null (command->param_file);

  set_param (fixture, "");
  g_autoptr (ElvesCommand) bare = build (fixture, NULL);
  g_autofree char *bare_line = g_strjoinv ("|", bare->argv);
  g_assert_cmpstr (bare_line, ==, "bash|demo|-x $(id)|");
}

static void
test_environment (Fixture *fixture, gconstpointer unused)
{
  g_setenv ("SECRET_OF_THE_AGENT", "x", TRUE);
  g_setenv ("TZ", "UTC", TRUE);
  g_autoptr (ElvesCommand) command = build (fixture, NULL);
  const char *const expected[] = { "PATH=/usr/bin:/bin", "LANG=C.UTF-8",   "TZ=UTC",
                                   "ELVES_ID=AB12",      "ELVES_APP=demo", "ELVES_FUNC=-x $(id)",
                                   "ELVES_TYPE=rt",      "ELVES_TIMEOUT=7" };
  const char *const *environment = (const char *const *) command->environment;
  for (guint i = 0; i < G_N_ELEMENTS (expected); i++)
    g_assert_true (g_strv_contains (environment, expected[i]));
  g_assert_nonnull (g_environ_getenv (command->environment, "HOME"));
  g_assert_null (g_environ_getenv (command->environment, "SECRET_OF_THE_AGENT"));
  g_assert_null (g_environ_getenv (command->environment, "ELVES_EXECUTION"));
  g_assert_null (g_environ_getenv (command->environment, "ELVES_PARAM_FILE"));
}

static void
test_large_param (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *fits = g_strnfill (75, 'x');
  set_param (fixture, fits);
  g_autoptr (ElvesCommand) by_argument = build (fixture, NULL);
  g_assert_cmpuint (strlen (by_argument->argv[3]), ==, 100);
  g_assert_null (by_argument->param_file);

  g_autofree char *large = g_strnfill (76, 'x');
  set_param (fixture, large);
  ElvesCommand *by_file = build (fixture, NULL);
  g_assert_cmpstr (by_file->argv[3], ==, "");
  const char *path = g_environ_getenv (by_file->environment, "ELVES_PARAM_FILE");
  g_assert_cmpstr (path, ==, by_file->param_file);
  g_autofree char *content = NULL;
  g_assert_true (g_file_get_contents (path, &content, NULL, NULL));
  g_assert_cmpstr (content, ==, large);
  GStatBuf status;
  g_assert_cmpint (g_stat (path, &status), ==, 0);
  g_assert_cmpint (status.st_mode & 0777, ==, 0600);

  g_autofree char *kept_path = g_strdup (path);
  elves_command_free (by_file);
  g_assert_false (g_file_test (kept_path, G_FILE_TEST_EXISTS));
}

static void
test_no_such_user (Fixture *fixture, gconstpointer unused)
{
  ElvesAppEntry entry = { (char *) "bash", NULL, (char *) "/" };
  g_autoptr (GError) error = NULL;
  g_assert_null (elves_commands_build (fixture->commands, fixture->instruct, &entry,
                                       "no-such-user-of-elves", 0, &error));
  g_assert_nonnull (strstr (error->message, "no-such-user-of-elves"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/agent/command/arguments", Fixture, NULL, set_up, test_arguments, tear_down);
  g_test_add ("/agent/command/environment", Fixture, NULL, set_up, test_environment, tear_down);
  g_test_add ("/agent/command/large-param", Fixture, NULL, set_up, test_large_param, tear_down);
  g_test_add ("/agent/command/no-such-user", Fixture, NULL, set_up, test_no_such_user, tear_down);
  return g_test_run ();
}
