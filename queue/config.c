/* The option table of elves-queue. Every key is explained in conf/elves-queue.properties and in
   elves-queue.properties(5); a unit test sees to it. */
#include "queue/config.h"

#include "common/config-check.h"
#include "common/store.h"
#include "queue/life.h"

#define FIELD(name) G_STRUCT_OFFSET (ElvesQueueConfig, name)

const ElvesOption elves_queue_options[] = {
  ELVES_BROKER_OPTIONS (ElvesQueueConfig, mq, "queue"),
  ELVES_STORE_OPTIONS (ElvesQueueConfig, store, "sqlite:/var/lib/elves-queue/queue.db"),
  { "queue.maxOpen", ELVES_OPTION_UINT, FIELD (max_open), "10000", 1, 10000000, "queues",
    .help = "queues that have not ended, at most" },
  { "queue.maxTasks", ELVES_OPTION_UINT, FIELD (max_tasks), "10000", 1, 1000000, "tasks",
    .help = "tasks in a queue, at most" },
  { "queue.maxBytes", ELVES_OPTION_UINT64, FIELD (max_bytes), "67108864", 1024, 1 << 30, "bytes",
    .help = "texts of all the tasks of a queue, at most" },
  { "queue.maxResult", ELVES_OPTION_UINT, FIELD (max_result_bytes), "1048576", 256, 64 << 20,
    "bytes", .help = "of the message of a worker so much is kept" },
  { "queue.maxWaiters", ELVES_OPTION_UINT, FIELD (max_waiters), "256", 1, 32767, "requests",
    .help = "requests that wait for a queue to change, at most; and at most half of mq.prefetch" },
  { "queue.onFailure", ELVES_OPTION_CHOICE, FIELD (on_failure), "pendding",
    .choices = elves_on_failure_texts,
    .help = "tasks behind one that failed, if their queue does not say: leave them, or end them" },
  { "queue.grace", ELVES_OPTION_UINT, FIELD (grace_s), "600", 1, 604800, "s",
    .help = "a task without a result for so long beyond its timeout has failed" },
  { "queue.history.age", ELVES_OPTION_UINT, FIELD (history_age_s), "604800", 1, 315360000, "s",
    .help = "queues that ended before are removed" },
  { "queue.history.count", ELVES_OPTION_UINT, FIELD (history_count), "100000", 0, 100000000,
    "queues", .help = "queues that have ended are kept, at most" },
  { "job.defaultTimeout", ELVES_OPTION_UINT, FIELD (default_timeout_s), "90", 1, 2147483, "s",
    .help = "timeout of a task that names none" },
  ELVES_STATUS_OPTIONS (ElvesQueueConfig, metrics, "10114"),
  ELVES_RETRY_OPTIONS (ElvesQueueConfig, retry),
  { "shutdown.timeout", ELVES_OPTION_UINT, FIELD (shutdown_timeout_s), "10", 0, 3600, "s",
    .help = "wait for what is being recorded and published when told to end" },
  { NULL },
};

/**
 * elves_queue_config_check:
 * @data: an #ElvesQueueConfig
 *
 * Errors: %ELVES_ERROR_CONFIG names the key that is wrong and what it conflicts with.
 */
gboolean
elves_queue_config_check (gconstpointer data, GError **error)
{
  const ElvesQueueConfig *self = data;
  return elves_store_url_check (self->store.url, error) &&
         elves_config_check_metrics (self->metrics.listen, self->metrics.allowed, error) &&
         elves_config_check_retry (self->retry.first_ms, self->retry.cap_ms, error);
}
