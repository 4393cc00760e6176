/* What the scheduler counts about itself. One for the process, as the log is: who sees something
   happen adds to its field. Main thread only. */
#pragma once

#include "common/job.h"
#include "common/metrics.h"

G_BEGIN_DECLS

/* Where the canary did not come back from. */
typedef enum
{
  ELVES_CANARY_OUT,   /* through the broker */
  ELVES_CANARY_AGENT, /* to the agent, and back */
  ELVES_CANARY_BACK,  /* through the broker again */
  ELVES_N_CANARY_STEPS
} ElvesCanaryStep;

typedef struct
{
  /* Messages. */
  guint64 deliveries;        /* messages taken from the broker */
  guint64 redelivered;       /* of them, those the broker says it gave out before */
  guint64 redelivered_known; /* of them, those recognised: their job was not sent again */
  guint64 messages_refused;  /* no job, and the asker was told so */
  guint64 messages_dropped;  /* no job, and nobody could be told */
  guint64 acks;              /* deliveries acknowledged */
  guint64 republished;       /* deliveries replaced by a message of our own, with their key */
  guint64 dead_lettered;     /* messages put into the dead-letter queue */
  guint64 retries;           /* jobs tried again because they provably never started */
  guint64 unrouted;          /* results and replies that reached no queue */
  guint64 results;           /* results that agents have reported */
  guint64 results_duplicate; /* of them, those dropped: their job had its outcome */
  guint64 results_unusable;  /* of them, those dropped: they belong to no job */
  guint64 results_sent_away; /* of them, those not taken: their message is not here */

  /* Jobs that have ended. */
  guint64 jobs_succeeded, jobs_failed;
  guint64 jobs_in_error[ELVES_N_REASONS];

  /* Connections. */
  guint64 consumer_connects, publisher_connects, registry_connects;
  guint64 watchdog_sent, consumer_stalled, publisher_stalled;

  guint64 canary_sent, canary_failed[ELVES_N_CANARY_STEPS];
  guint64 canary_last_us; /* of the last that came back */

  /* As it is now; filled in when somebody asks. */
  guint64 in_flight, unconfirmed;
  guint64 agents_registered, agents_with_journal, agents_connected;
  guint64 calls_waiting;
  guint64 consuming, publishing, registered;

  /* Times. */
  ElvesHistogram wait_for_call;     /* intake -> the call is on its way */
  ElvesHistogram call_to_answer;    /* -> its answer */
  ElvesHistogram accept_to_outcome; /* async: acknowledged by the agent -> its result */
  ElvesHistogram outcome_to_confirm;
  ElvesHistogram watchdog_round_trip;
  ElvesHistogram canary_total, canary_out, canary_agent, canary_back;
} ElvesSchedulerMetrics;

extern ElvesSchedulerMetrics elves_scheduler_metrics;
extern const ElvesMetric elves_scheduler_metric_table[];

const char *elves_canary_step_text (guint step);
void elves_scheduler_metrics_count_outcome (const ElvesOutcome *outcome);

G_END_DECLS
