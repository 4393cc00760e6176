/* What follows what in the life of a worker. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  ELVES_RUNNER_RUNNING,  /* perhaps with a timeout */
  ELVES_RUNNER_STOPPING, /* the stop signal was sent to the tree; the grace time runs */
  ELVES_RUNNER_KILLING,  /* KILL was sent; until the worker is reaped, or the drain time passed */
  ELVES_RUNNER_DRAINING, /* it has ended; until its pipes have, or the drain time passed */
  ELVES_RUNNER_CLEARING, /* the rest of the tree is killed, until it is gone or a short time passed
                          */
  ELVES_RUNNER_ENDED,    /* finished() was called */
  ELVES_N_RUNNER_STATES
} ElvesRunnerState;

typedef enum
{
  ELVES_RUNNER_WORKER_EXITED,
  ELVES_RUNNER_PIPES_ENDED,
  ELVES_RUNNER_TIME_PASSED, /* that of the state */
  ELVES_RUNNER_STOP_WANTED,
  ELVES_N_RUNNER_EVENTS
} ElvesRunnerEvent;

ElvesRunnerState elves_runner_next_state (ElvesRunnerState state, ElvesRunnerEvent event);

G_END_DECLS
