/* What the tests of agent/runner share: a runner with all that it needs, scripts as workers, and
   the look afterwards that no child, zombie, descriptor or cgroup is left. */
#pragma once

#include "agent/runner.h"

#include <glib-unix.h>

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEADLINE_MS 20000
#define OUTPUT_LIMIT_BYTES 4096

typedef struct
{
  guint n_descriptors;
  ElvesPoller *poller;
  ElvesReaper *reaper;
  ElvesContainment *containment; /* NULL: this kind is not to be had here */
  ElvesDeadlines *deadlines;
  ElvesRunnerSpec spec;
  const char *argv[8];
  ElvesRunner *runner;
  GThread *thread;

  /* the result */
  guint n_finished;
  ElvesRunEnd end;
  int status;
  int error_code;
  char *error;
  GString *output, *error_output;
  guint64 output_bytes;
  guint killed, survivors, cost_ms;
} Fixture;

static const char *const environment[] = { "PATH=/usr/bin:/bin", "LANG=C", NULL };

static inline guint
count_descriptors (void)
{
  guint n = 0;
  DIR *folder = opendir ("/proc/self/fd");
  g_assert_nonnull (folder);
  while (readdir (folder) != NULL)
    n++;
  closedir (folder);
  return n;
}

static inline void
set_up (Fixture *fixture, gconstpointer mode)
{
  g_autoptr (GError) error = NULL;
  fixture->n_descriptors = count_descriptors ();
  fixture->poller = elves_poller_new (&error);
  g_assert_no_error (error);
  fixture->reaper = elves_reaper_new (fixture->poller, &error);
  g_assert_no_error (error);
  fixture->containment = elves_containment_new (GPOINTER_TO_INT (mode), NULL, &error);
  fixture->deadlines = elves_deadlines_new ();
  fixture->output = g_string_new (NULL);
  fixture->error_output = g_string_new (NULL);
  fixture->spec = (ElvesRunnerSpec){
    .argv = fixture->argv,
    .environment = environment,
    .directory = "/",
    .timeout_ms = DEADLINE_MS,
    .stop_signal = SIGTERM,
    .grace_ms = 300,
    .drain_ms = 300,
    .output_limit_bytes = OUTPUT_LIMIT_BYTES,
    .stderr_limit_bytes = OUTPUT_LIMIT_BYTES,
  };
}

static inline gboolean
on_deadline_passed (gpointer user_data)
{
  g_error ("the test did not end in time");
  return G_SOURCE_REMOVE;
}

static inline gboolean
have_no_children (Fixture *fixture)
{
  return waitid (P_ALL, 0, &(siginfo_t){ 0 }, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD;
}

static inline gboolean
has_finished (Fixture *fixture)
{
  return fixture->n_finished > 0;
}

static inline gboolean
has_output (Fixture *fixture)
{
  return elves_runner_pid (fixture->runner) != 0;
}

static inline void
run_until (Fixture *fixture, gboolean (*condition) (Fixture *))
{
  guint alarm_id = g_timeout_add (DEADLINE_MS, on_deadline_passed, NULL);
  /* Wakes the loop where the condition is not an event of ours. */
  while (!condition (fixture))
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (alarm_id);
}

static inline void
tear_down (Fixture *fixture, gconstpointer mode)
{
  elves_runner_free (fixture->runner);
  run_until (fixture, have_no_children);
  elves_reaper_free (fixture->reaper);
  g_autofree char *path = fixture->containment == NULL
                              ? NULL
                              : g_strdup (elves_containment_describe (fixture->containment));
  elves_containment_free (fixture->containment);
  if (path != NULL && g_str_has_prefix (path, "cgroup "))
    g_assert_false (g_file_test (path + strlen ("cgroup "), G_FILE_TEST_EXISTS));
  elves_deadlines_free (fixture->deadlines);
  elves_poller_free (fixture->poller);
  g_assert_cmpuint (count_descriptors (), ==, fixture->n_descriptors);
  g_string_free (fixture->output, TRUE);
  g_string_free (fixture->error_output, TRUE);
  g_free (fixture->error);
}

static inline void
on_finished (ElvesRunner *runner, const ElvesRunResult *result, gpointer user_data)
{
  Fixture *fixture = user_data;
  gsize length;
  g_assert_true (runner == fixture->runner);
  fixture->n_finished++;
  fixture->end = result->end;
  fixture->status = result->status;
  fixture->output_bytes = result->output_bytes;
  fixture->killed = result->killed;
  fixture->survivors = result->survivors;
  fixture->cost_ms = result->cost_ms;
  if (result->error != NULL)
    {
      fixture->error_code = result->error->code;
      fixture->error = g_strdup (result->error->message);
    }
  const char *bytes = g_bytes_get_data (result->output, &length);
  g_string_append_len (fixture->output, bytes, length);
  bytes = g_bytes_get_data (result->error_output, &length);
  g_string_append_len (fixture->error_output, bytes, length);
}

static inline void
start (Fixture *fixture)
{
  fixture->runner = elves_runner_start (fixture->poller, fixture->reaper, fixture->containment,
                                        fixture->deadlines, &fixture->spec, on_finished, fixture);
  g_assert_cmpuint (fixture->n_finished, ==, 0);
}

/* FALSE: skipped. */
static inline gboolean
start_shell (Fixture *fixture, const char *script)
{
  if (fixture->containment == NULL)
    {
      g_test_skip ("no cgroup can be made here");
      return FALSE;
    }
  fixture->argv[0] = "sh";
  fixture->argv[1] = "-c";
  fixture->argv[2] = script;
  start (fixture);
  return TRUE;
}

static inline gboolean
run_shell (Fixture *fixture, const char *script)
{
  if (!start_shell (fixture, script))
    return FALSE;
  run_until (fixture, has_finished);
  g_assert_cmpuint (fixture->n_finished, ==, 1);
  g_assert_cmpint (elves_runner_pid (fixture->runner), ==, 0);
  return TRUE;
}

static inline gboolean
on_worker_told (gpointer user_data)
{
  Fixture *fixture = user_data;
  elves_runner_cancel (fixture->runner);
  return G_SOURCE_CONTINUE;
}

/* Cancelled as soon as the worker says, by "kill -USR1 $PPID", that it is ready for it. */
static inline gboolean
run_shell_until_told (Fixture *fixture, const char *script)
{
  guint signal_id = g_unix_signal_add (SIGUSR1, on_worker_told, fixture);
  gboolean ran = run_shell (fixture, script);
  g_source_remove (signal_id);
  if (ran)
    g_assert_cmpint (fixture->end, ==, ELVES_RUN_CANCELLED);
  return ran;
}

typedef struct
{
  const char *name;
  void (*func) (Fixture *, gconstpointer);
} Test;

static inline void
add_tests (const char *kind, ElvesContainmentMode mode, const Test *tests, guint n_tests)
{
  for (guint i = 0; i < n_tests; i++)
    {
      g_autofree char *path = g_strdup_printf ("/runner/%s/%s", kind, tests[i].name);
      g_test_add (path, Fixture, GINT_TO_POINTER (mode), set_up, tests[i].func, tear_down);
    }
}

/* Each test with a cgroup for each job, and without. */
static inline int
run_tests (int argc, char **argv, const Test *tests, guint n_tests)
{
  g_test_init (&argc, &argv, NULL);
  /* GLib's own descriptors and those of agent/spawn, kept for ever, are not leaks. */
  elves_spawn_prepare ();
  g_source_remove (g_unix_signal_add (SIGUSR1, on_worker_told, NULL));
  add_tests ("cgroup", ELVES_CONTAIN_CGROUP, tests, n_tests);
  add_tests ("process", ELVES_CONTAIN_PROCESS, tests, n_tests);
  return g_test_run ();
}
