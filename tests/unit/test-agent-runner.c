/* What a worker gets, how it ends, and what is said when it cannot start. */
#include "tests/lib/runner-fixture.h"

#include "agent/spawn.h"
#include "common/error.h"

#include <pwd.h>
#include <sys/resource.h>

static void
test_ok (Fixture *fixture, gconstpointer mode)
{
  if (!run_shell (fixture, "echo out; echo err >&2; readlink /proc/self/fd/0; umask; cat"))
    return;
  g_assert_cmpint (fixture->end, ==, ELVES_RUN_EXITED);
  g_assert_cmpint (fixture->status, ==, 0);
  g_assert_cmpstr (fixture->output->str, ==, "out\n/dev/null\n0022\n");
  g_assert_cmpuint (fixture->output_bytes, ==, fixture->output->len);
  g_assert_cmpstr (fixture->error_output->str, ==, "err\n");
  g_assert_cmpuint (fixture->killed, ==, 0);
  g_assert_cmpuint (fixture->survivors, ==, 0);
}

/* What the worker gets is what it should, and nothing of ours. */
static void
test_clean_child (Fixture *fixture, gconstpointer mode)
{
  signal (SIGPIPE, SIG_IGN);
  gboolean ran = run_shell (fixture, "env | sort | cut -c1-15; ls -m /proc/$$/fd;"
                                     "grep -E 'Sig(Blk|Ign)' /proc/$$/status | cut -f2;"
                                     "cut -d' ' -f5,6 /proc/$$/stat; echo $$ $$; pwd");
  signal (SIGPIPE, SIG_DFL);
  if (!ran)
    return;
  g_auto (GStrv) lines = g_strsplit (fixture->output->str, "\n", -1);
  g_assert_cmpuint (g_strv_length (lines), >=, 8);
  g_assert_cmpstr (lines[0], ==, "ELVES_TRACKING=");
  g_assert_cmpstr (lines[1], ==, "LANG=C");
  g_assert_cmpstr (lines[2], ==, "PATH=/usr/bin:/");
  g_assert_cmpstr (lines[3], ==, "PWD=/");
  g_assert_nonnull (strstr (fixture->output->str, "\n0, 1, 2\n"));
  g_assert_nonnull (strstr (fixture->output->str, "0000000000000000\n0000000000000000\n"));
  guint n = g_strv_length (lines);
  g_assert_cmpstr (lines[n - 4], ==, lines[n - 3]); /* group, session == its pid, twice */
  g_assert_cmpstr (lines[n - 2], ==, "/");
}

/* What the agent was started with, although it has raised its own. */
static void
test_descriptor_limit (Fixture *fixture, gconstpointer mode)
{
  struct rlimit before;
  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &before), ==, 0);
  struct rlimit low = { .rlim_cur = 200, .rlim_max = before.rlim_max };
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &low), ==, 0);
  elves_spawn_prepare ();
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &before), ==, 0);
  gboolean ran = run_shell (fixture, "ulimit -Sn; ulimit -Hn");
  elves_spawn_prepare ();
  if (!ran)
    return;
  g_autofree char *wanted =
      g_strdup_printf ("200\n%" G_GUINT64_FORMAT "\n", (guint64) before.rlim_max);
  g_assert_cmpstr (fixture->output->str, ==, wanted);
}

static void
test_exit_status (Fixture *fixture, gconstpointer mode)
{
  if (!run_shell (fixture, "exit 3"))
    return;
  g_assert_cmpint (fixture->end, ==, ELVES_RUN_EXITED);
  g_assert_cmpint (fixture->status, ==, 3);
}

static void
test_signalled (Fixture *fixture, gconstpointer mode)
{
  if (!run_shell (fixture, "echo before; kill -SEGV $$"))
    return;
  g_assert_cmpint (fixture->end, ==, ELVES_RUN_SIGNALLED);
  g_assert_cmpint (fixture->status, ==, SIGSEGV);
  g_assert_cmpstr (fixture->output->str, ==, "before\n");
}

typedef struct
{
  const char *program, *directory;
  int code;
  const char *text;
} NotStartedCase;

static const NotStartedCase not_started_cases[] = {
  { "nointerp", "/", ELVES_ERROR_NOT_FOUND,
    "exec: \"nointerp\": executable file not found in $PATH" },
  { "/no/such", "/", ELVES_ERROR_NOT_FOUND, "fork/exec /no/such: no such file or directory" },
  { "/etc/passwd", "/", ELVES_ERROR_UNAVAILABLE, "fork/exec /etc/passwd: permission denied" },
  { "", "/", ELVES_ERROR_NOT_FOUND, "exec: no command" },
  { "sh", "/no/such", ELVES_ERROR_NOT_FOUND, "chdir /no/such: no such file or directory" },
};

static void
test_not_started (Fixture *fixture, gconstpointer mode)
{
  for (guint i = 0; fixture->containment != NULL && i < G_N_ELEMENTS (not_started_cases); i++)
    {
      const NotStartedCase *wanted = &not_started_cases[i];
      fixture->argv[0] = wanted->program;
      fixture->spec.directory = wanted->directory;
      fixture->n_finished = 0;
      start (fixture);
      elves_runner_cancel (fixture->runner);
      run_until (fixture, has_finished);
      g_assert_cmpint (fixture->end, ==, ELVES_RUN_NOT_STARTED);
      g_assert_cmpstr (fixture->error, ==, wanted->text);
      g_assert_cmpint (fixture->error_code, ==, wanted->code);
      g_clear_pointer (&fixture->error, g_free);
      g_clear_pointer (&fixture->runner, elves_runner_free);
    }
}

static void
test_other_user (Fixture *fixture, gconstpointer mode)
{
  if (geteuid () != 0)
    {
      g_test_skip ("only root may");
      return;
    }
  const struct passwd *nobody = getpwnam ("nobody");
  g_assert_nonnull (nobody);
  gid_t group = nobody->pw_gid;
  ElvesSpawnUser user = { nobody->pw_uid, group, &group, 1 };
  fixture->spec.user = &user;
  if (!run_shell (fixture, "id -un; id -Gn"))
    return;
  g_assert_cmpstr (fixture->output->str, ==, "nobody\nnogroup\n");
}

static gsize
resident_pages (void)
{
  g_autofree char *text = NULL;
  g_assert_true (g_file_get_contents ("/proc/self/statm", &text, NULL, NULL));
  return g_ascii_strtoull (strchr (text, ' '), NULL, 10);
}

static void
run_many (Fixture *fixture, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      fixture->n_finished = 0;
      start (fixture);
      run_until (fixture, has_finished);
      g_assert_cmpint (fixture->end, ==, ELVES_RUN_EXITED);
      g_clear_pointer (&fixture->runner, elves_runner_free);
    }
}

static void
test_many (Fixture *fixture, gconstpointer mode)
{
  if (fixture->containment == NULL)
    return;
  guint n = g_test_thorough () ? 10000 : 300;
  fixture->argv[0] = "true";
  run_many (fixture, 100);
  gsize before = resident_pages ();
  gint64 begun_us = g_get_monotonic_time ();
  run_many (fixture, n);
  double seconds = (g_get_monotonic_time () - begun_us) / 1e6;
  gsize after = resident_pages ();
  g_test_message ("%u runs, %.0f per second, %zu -> %zu pages", n, n / seconds, before, after);
#ifndef __SANITIZE_ADDRESS__
  g_assert_cmpuint (after, <, before + 64);
#endif
  g_assert_cmpuint (elves_reaper_adopted (fixture->reaper), ==, 0);
}

static const Test tests[] = {
  { "ok", test_ok },
  { "clean-child", test_clean_child },
  { "descriptor-limit", test_descriptor_limit },
  { "exit-status", test_exit_status },
  { "signalled", test_signalled },
  { "not-started", test_not_started },
  { "other-user", test_other_user },
  { "many", test_many },
};

int
main (int argc, char **argv)
{
  return run_tests (argc, argv, tests, G_N_ELEMENTS (tests));
}
