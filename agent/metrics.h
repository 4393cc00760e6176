/* What the agent counts about itself. One for the process, as the log is: who sees something happen
   adds to its field. Main thread only. */
#pragma once

#include "common/instruct.h"
#include "common/metrics.h"

G_BEGIN_DECLS

typedef struct
{
  /* Calls. */
  guint64 sync_calls, async_jobs;
  guint64 duplicates; /* jobs whose execution was known: not run again */
  guint64 refused;    /* jobs refused as busy, whatever was full */

  /* Executions that have ended. */
  guint64 ended_succeeded, ended_failed;
  guint64 ended_in_error[ELVES_N_REASONS];
  guint64 leftovers_killed; /* processes that outlived their worker */

  /* Warm workers. */
  guint64 warm_calls; /* handed to one */
  guint64 warm_starts;
  guint64 warm_failures; /* ends that were not meant */

  /* Results. */
  guint64 results_taken;     /* by a scheduler */
  guint64 reports_failed;    /* tries that ended without an answer, or with another one */
  guint64 results_set_aside; /* no scheduler knew their job */

  /* The journal. */
  guint64 journal_commits; /* transactions */
  guint64 journal_errors;  /* of them, those that failed */

  /* Connections. */
  guint64 registry_connects;

  /* As it is now; filled in when somebody asks. */
  guint64 running, waiting;
  guint64 warm_workers;
  guint64 outbox_results;
  guint64 journal_records, journal_bytes;
  guint64 registered, journal_failing;

  /* Times. */
  ElvesHistogram wait_for_turn;
  ElvesHistogram run;
  ElvesHistogram accept_to_durable;
  ElvesHistogram finish_to_taken;
} ElvesAgentMetrics;

extern ElvesAgentMetrics elves_agent_metrics;
extern const ElvesMetric elves_agent_metric_table[];

void elves_agent_metrics_count_result (const ElvesReinstruct *result);

G_END_DECLS
