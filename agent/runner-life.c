/* The table of a worker's life; agent/runner does what belongs to entering a state.
 *
 * Every event may come in every state: pipes end while the worker runs, it exits while it is being
 * killed, and a second wish to stop it changes nothing. A state that follows itself is not entered
 * again. Nothing leads back, so a life has at most as many steps as there are states. Pure. */
#include "agent/runner-life.h"

#define RUNNING ELVES_RUNNER_RUNNING
#define STOPPING ELVES_RUNNER_STOPPING
#define KILLING ELVES_RUNNER_KILLING
#define DRAINING ELVES_RUNNER_DRAINING
#define CLEARING ELVES_RUNNER_CLEARING
#define ENDED ELVES_RUNNER_ENDED

static const ElvesRunnerState next_state[ELVES_N_RUNNER_STATES][ELVES_N_RUNNER_EVENTS] = {
  /*             exited    pipes ended  time passed  stop wanted */
  [RUNNING] = { DRAINING, RUNNING, STOPPING, STOPPING },
  [STOPPING] = { DRAINING, STOPPING, KILLING, STOPPING },
  [KILLING] = { DRAINING, KILLING, CLEARING, KILLING },
  [DRAINING] = { DRAINING, CLEARING, CLEARING, DRAINING },
  [CLEARING] = { CLEARING, CLEARING, ENDED, CLEARING },
  [ENDED] = { ENDED, ENDED, ENDED, ENDED },
};

/**
 * elves_runner_next_state:
 * @state: where a runner is
 * @event: what happened
 *
 * Returns: where it is then; @state itself: nothing is to be done.
 */
ElvesRunnerState
elves_runner_next_state (ElvesRunnerState state, ElvesRunnerEvent event)
{
  return next_state[state][event];
}
