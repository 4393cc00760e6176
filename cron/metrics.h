/* What elves-cron counts about itself. One for the process. Main thread only. */
#pragma once

#include "common/component.h"

G_BEGIN_DECLS

typedef struct
{
  ElvesComponentMetrics component;

  /* Planned instants, by what became of them. */
  guint64 fired, queued, overlapped;
  guint64 missed_ranges; /* each one or more instants of one task */
  guint64 late;          /* published later than cron.lateAfter */
  guint64 doubled;       /* decided twice: the store has refused the second */
  guint64 recovered;     /* decided by an earlier leader and published by this one */
  guint64 witnessed;     /* published by an earlier leader: not published again */

  /* Executions. */
  guint64 ended_well, ended_badly;
  guint64 results_unknown, results_late; /* of no task; of an execution that had ended */
  guint64 outcomes_retried;              /* written again, because the store had refused them */
  guint64 given_up;                      /* no result within the limit */
  guint64 callbacks, callback_retries, callbacks_refused;

  guint64 clock_jumps;
  guint64 elections, depositions;

  /* As it is now. */
  guint64 leading, registered;
  guint64 schedules;   /* started, in memory */
  guint64 outstanding; /* decided and not out */
  guint64 store_waiting, store_works, store_commits, store_failures, store_refused, store_up;

  ElvesHistogram record_to_commit; /* decided -> the store has it */
  ElvesHistogram lateness;         /* planned -> the broker has it */
} ElvesCronMetrics;

extern ElvesCronMetrics elves_cron_metrics;
extern const ElvesMetric elves_cron_metric_table[];

G_END_DECLS
