/* Every pair of state and event of a worker's life. */
#include "agent/runner-life.h"

typedef struct
{
  ElvesRunnerState from;
  ElvesRunnerEvent event;
  ElvesRunnerState to;
} Step;

/* Those that move; every other pair must stay. */
static const Step steps[] = {
  { ELVES_RUNNER_RUNNING, ELVES_RUNNER_WORKER_EXITED, ELVES_RUNNER_DRAINING },
  { ELVES_RUNNER_RUNNING, ELVES_RUNNER_TIME_PASSED, ELVES_RUNNER_STOPPING },
  { ELVES_RUNNER_RUNNING, ELVES_RUNNER_STOP_WANTED, ELVES_RUNNER_STOPPING },
  { ELVES_RUNNER_STOPPING, ELVES_RUNNER_WORKER_EXITED, ELVES_RUNNER_DRAINING },
  { ELVES_RUNNER_STOPPING, ELVES_RUNNER_TIME_PASSED, ELVES_RUNNER_KILLING },
  { ELVES_RUNNER_KILLING, ELVES_RUNNER_WORKER_EXITED, ELVES_RUNNER_DRAINING },
  { ELVES_RUNNER_KILLING, ELVES_RUNNER_TIME_PASSED, ELVES_RUNNER_CLEARING },
  { ELVES_RUNNER_DRAINING, ELVES_RUNNER_PIPES_ENDED, ELVES_RUNNER_CLEARING },
  { ELVES_RUNNER_DRAINING, ELVES_RUNNER_TIME_PASSED, ELVES_RUNNER_CLEARING },
  { ELVES_RUNNER_CLEARING, ELVES_RUNNER_TIME_PASSED, ELVES_RUNNER_ENDED },
};

static ElvesRunnerState
find_expected (ElvesRunnerState state, ElvesRunnerEvent event)
{
  for (guint i = 0; i < G_N_ELEMENTS (steps); i++)
    if (steps[i].from == state && steps[i].event == event)
      return steps[i].to;
  return state;
}

static void
test_every_pair (void)
{
  for (guint state = 0; state < ELVES_N_RUNNER_STATES; state++)
    for (guint event = 0; event < ELVES_N_RUNNER_EVENTS; event++)
      {
        g_test_message ("state %u, event %u", state, event);
        g_assert_cmpint (elves_runner_next_state (state, event), ==, find_expected (state, event));
      }
}

/* Time alone ends every life: no process can keep a result back. */
static void
test_time_ends_it (void)
{
  for (guint start = 0; start < ELVES_N_RUNNER_STATES; start++)
    {
      ElvesRunnerState state = start;
      for (guint n = 0; n < ELVES_N_RUNNER_STATES; n++)
        {
          ElvesRunnerState next = elves_runner_next_state (state, ELVES_RUNNER_TIME_PASSED);
          g_assert_cmpint (next, >=, state);
          state = next;
        }
      g_assert_cmpint (state, ==, ELVES_RUNNER_ENDED);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/runner-life/every-pair", test_every_pair);
  g_test_add_func ("/runner-life/time-ends-it", test_time_ends_it);
  return g_test_run ();
}
