/* Every key of elves-queue's configuration, as a plain struct. */
#pragma once

#include "common/config-parts.h"

G_BEGIN_DECLS

typedef struct
{
  ElvesBrokerConfig mq;
  ElvesStoreConfig store;
  ElvesStatusConfig metrics;
  ElvesRetryConfig retry;
  guint max_open;          /* queue.maxOpen: queues that have not ended */
  guint max_tasks;         /* queue.maxTasks: in a queue */
  guint64 max_bytes;       /* queue.maxBytes: of the tasks of a queue */
  guint max_result_bytes;  /* queue.maxResult: of a worker's message that are kept */
  int on_failure;          /* queue.onFailure: ElvesOnFailure */
  guint max_waiters;       /* queue.maxWaiters: requests of queueChanges */
  guint grace_s;           /* queue.grace */
  guint history_age_s;     /* queue.history.age */
  guint history_count;     /* queue.history.count */
  guint default_timeout_s; /* job.defaultTimeout */
  guint shutdown_timeout_s;
} ElvesQueueConfig;

extern const ElvesOption elves_queue_options[];

/* Rules between keys. */
gboolean elves_queue_config_check (gconstpointer config, GError **error);

G_END_DECLS
