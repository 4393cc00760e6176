/* What elves-queue counts about itself. Main thread only. */
#pragma once

#include "common/component.h"
#include "common/metrics.h"
#include "queue/life.h"

G_BEGIN_DECLS

typedef struct
{
  ElvesComponentMetrics component;
  guint64 queues_created, queues_committed, queues_stopped, queues_removed;
  guint64 tasks_added, tasks_succeeded, tasks_failed, tasks_expired, tasks_cancelled;
  guint64 queues_cancelled, cancels_asked;
  guint64 results_late;
  guint64 waiters;
  guint64 queues_open, tasks_running, tasks_unsent; /* filled in every few seconds */
  guint64 store_waiting, store_works, store_commits, store_failures, store_refused, store_up;
} ElvesQueueMetrics;

extern ElvesQueueMetrics elves_queue_metrics;
extern const ElvesMetric elves_queue_metric_table[];

G_END_DECLS
