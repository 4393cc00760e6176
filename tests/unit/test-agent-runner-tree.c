/* Timeout and cancellation, and processes that try to outlive them. */
#include "tests/lib/runner-fixture.h"

static void
test_timeout (Fixture *fixture, gconstpointer mode)
{
  fixture->spec.timeout_ms = 50;
  fixture->spec.grace_ms = DEADLINE_MS;
  if (!run_shell (fixture, "sleep 60 & sleep 60"))
    return;
  g_assert_cmpint (fixture->end, ==, ELVES_RUN_TIMED_OUT);
  g_assert_cmpuint (fixture->cost_ms, >=, 50);
  g_assert_cmpuint (fixture->cost_ms, <, 5000);
  g_assert_cmpuint (fixture->survivors, ==, 0);
}

/* The stop signal gives the worker the time to say something. */
static void
test_heeds_signal (Fixture *fixture, gconstpointer mode)
{
  fixture->spec.stop_signal = SIGINT;
  fixture->spec.grace_ms = DEADLINE_MS;
  if (!run_shell_until_told (fixture,
                             "trap 'echo bye; exit 5' INT; kill -USR1 $PPID; while :; do :; done"))
    return;
  g_assert_cmpstr (fixture->output->str, ==, "bye\n");
}

static void
test_ignores_term (Fixture *fixture, gconstpointer mode)
{
  fixture->spec.grace_ms = 100;
  if (!run_shell_until_told (fixture, "trap '' TERM; sleep 60 & sleep 60 & kill -USR1 $PPID;"
                                      "while :; do sleep 1; done"))
    return;
  g_assert_cmpuint (fixture->killed, >=, 3);
  g_assert_cmpuint (fixture->survivors, ==, 0);
  g_assert_cmpuint (fixture->cost_ms, >=, 100);
  g_assert_cmpuint (fixture->cost_ms, <, 5000);
}

static void
test_stopped_worker (Fixture *fixture, gconstpointer mode)
{
  fixture->spec.timeout_ms = 50;
  fixture->spec.grace_ms = DEADLINE_MS;
  if (!run_shell (fixture, "kill -STOP $$"))
    return;
  g_assert_cmpint (fixture->end, ==, ELVES_RUN_TIMED_OUT);
  g_assert_cmpuint (fixture->cost_ms, <, 5000);
}

static void
test_cancel_at_once (Fixture *fixture, gconstpointer mode)
{
  if (!start_shell (fixture, "sleep 60"))
    return;
  elves_runner_cancel (fixture->runner);
  elves_runner_cancel (fixture->runner);
  g_assert_cmpuint (fixture->n_finished, ==, 0);
  run_until (fixture, has_finished);
  g_assert_cmpint (fixture->end, ==, ELVES_RUN_CANCELLED);
  g_assert_cmpuint (fixture->cost_ms, <, 5000);
}

static void
test_cancel_midway (Fixture *fixture, gconstpointer mode)
{
  if (!run_shell_until_told (fixture,
                             "(setsid sleep 60 &); echo begun; kill -USR1 $PPID; sleep 60"))
    return;
  g_assert_cmpstr (fixture->output->str, ==, "begun\n");
  g_assert_cmpuint (fixture->survivors, ==, 0);
}

/* tear_down() frees it, and sees that nothing is left. */
static void
test_freed_running (Fixture *fixture, gconstpointer mode)
{
  if (!start_shell (fixture, "trap '' TERM; sleep 60 & sleep 60"))
    return;
  run_until (fixture, has_output);
  g_clear_pointer (&fixture->runner, elves_runner_free);
  run_until (fixture, have_no_children);
  g_assert_cmpuint (fixture->n_finished, ==, 0);
}

static void
test_daemon (Fixture *fixture, gconstpointer mode)
{
  fixture->spec.drain_ms = DEADLINE_MS;
  if (!run_shell (fixture, "(setsid sleep 60 </dev/null >/dev/null 2>&1 &); echo done"))
    return;
  g_assert_cmpint (fixture->end, ==, ELVES_RUN_EXITED);
  g_assert_cmpstr (fixture->output->str, ==, "done\n");
  g_assert_cmpuint (fixture->killed, ==, 1);
  g_assert_cmpuint (fixture->survivors, ==, 0);
  g_assert_cmpuint (fixture->cost_ms, <, 5000);
}

/* Alive until it is reaped; killed here, by the pid that it wrote. */
static void
test_daemon_left (Fixture *fixture, gconstpointer mode)
{
  fixture->spec.leave_leftovers = TRUE;
  if (!run_shell (fixture, "setsid sleep 60 </dev/null >/dev/null 2>&1 & echo $!"))
    return;
  g_assert_cmpuint (fixture->killed, ==, 0);
  g_assert_cmpuint (fixture->survivors, ==, 1);
  g_assert_cmpint (kill (atoi (fixture->output->str), SIGKILL), ==, 0);
}

/* Forks as fast as it can, in sessions of their own, and heeds nothing. */
static void
test_fork_storm (Fixture *fixture, gconstpointer mode)
{
  fixture->spec.grace_ms = 50;
  if (!run_shell_until_told (fixture, "trap '' TERM; n=0; while [ $n -lt 60 ]; do n=$((n + 1));"
                                      "[ $n != 20 ] || kill -USR1 $PPID;"
                                      "setsid sleep 60 & done; wait"))
    return;
  g_assert_cmpuint (fixture->killed, >=, 2);
  g_assert_cmpuint (fixture->survivors, ==, 0);
}

static const Test tests[] = {
  { "timeout", test_timeout },
  { "heeds-signal", test_heeds_signal },
  { "ignores-term", test_ignores_term },
  { "stopped-worker", test_stopped_worker },
  { "cancel-at-once", test_cancel_at_once },
  { "cancel-midway", test_cancel_midway },
  { "freed-running", test_freed_running },
  { "daemon", test_daemon },
  { "daemon-left", test_daemon_left },
  { "fork-storm", test_fork_storm },
};

int
main (int argc, char **argv)
{
  return run_tests (argc, argv, tests, G_N_ELEMENTS (tests));
}
