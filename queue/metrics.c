/* The names of the numbers. Each is in elves-queue(8), too; a test compares. */
#include "queue/metrics.h"

#define FIELD(name) G_STRUCT_OFFSET (ElvesQueueMetrics, name)
#define PREFIX "elves_queue_"

ElvesQueueMetrics elves_queue_metrics;

const ElvesMetric elves_queue_metric_table[] = {
  ELVES_COMPONENT_METRIC_ROWS (PREFIX, ElvesQueueMetrics, component),
  { PREFIX "queues_created_total", ELVES_METRIC_COUNTER, FIELD (queues_created),
    "Queues created." },
  { PREFIX "queues_committed_total", ELVES_METRIC_COUNTER, FIELD (queues_committed),
    "Queues committed." },
  { PREFIX "queues_stopped_total", ELVES_METRIC_COUNTER, FIELD (queues_stopped),
    "Requests to stop a queue that were granted." },
  { PREFIX "queues_removed_total", ELVES_METRIC_COUNTER, FIELD (queues_removed),
    "Queues removed because they are too old or too many." },
  { PREFIX "tasks_added_total", ELVES_METRIC_COUNTER, FIELD (tasks_added), "Tasks added." },
  { PREFIX "tasks_ended_total", ELVES_METRIC_COUNTER, FIELD (tasks_succeeded),
    "Tasks that have ended, by how.", "outcome=\"success\"" },
  { PREFIX "tasks_ended_total", ELVES_METRIC_COUNTER, FIELD (tasks_failed), NULL,
    "outcome=\"failure\"" },
  { PREFIX "tasks_ended_total", ELVES_METRIC_COUNTER, FIELD (tasks_expired), NULL,
    "outcome=\"expired\"" },
  { PREFIX "tasks_ended_total", ELVES_METRIC_COUNTER, FIELD (tasks_cancelled), NULL,
    "outcome=\"cancelled\"" },
  { PREFIX "queues_cancelled_total", ELVES_METRIC_COUNTER, FIELD (queues_cancelled),
    "Requests to cancel a queue or a task that were granted." },
  { PREFIX "cancels_asked_total", ELVES_METRIC_COUNTER, FIELD (cancels_asked),
    "Questions to the scheduler to cancel a running task." },
  { PREFIX "results_late_total", ELVES_METRIC_COUNTER, FIELD (results_late),
    "Results for tasks that did not run, which change nothing." },
  { PREFIX "waiters", ELVES_METRIC_GAUGE, FIELD (waiters),
    "Requests that wait for a queue to change." },
  { PREFIX "queues_open", ELVES_METRIC_GAUGE, FIELD (queues_open),
    "Queues that have not ended, a few seconds ago." },
  { PREFIX "tasks_running", ELVES_METRIC_GAUGE, FIELD (tasks_running),
    "Tasks that run, a few seconds ago." },
  { PREFIX "tasks_unsent", ELVES_METRIC_GAUGE, FIELD (tasks_unsent),
    "Running tasks that the broker has not confirmed yet, a few seconds ago." },
  { PREFIX "store_works_total", ELVES_METRIC_COUNTER, FIELD (store_works),
    "Works that the store has done." },
  { PREFIX "store_commits_total", ELVES_METRIC_COUNTER, FIELD (store_commits),
    "Groups of works that were one transaction." },
  { PREFIX "store_failures_total", ELVES_METRIC_COUNTER, FIELD (store_failures),
    "Transactions that failed, and attempts to reach the database that did." },
  { PREFIX "store_refused_total", ELVES_METRIC_COUNTER, FIELD (store_refused),
    "Works refused because too many waited." },
  { PREFIX "store_waiting", ELVES_METRIC_GAUGE, FIELD (store_waiting), "Works that wait." },
  { PREFIX "store_up", ELVES_METRIC_GAUGE, FIELD (store_up),
    "1 when the store can be written, else 0." },
  { NULL },
};
