/* Tasks that will never run, and running ones that are to be cancelled. On the store's thread. */
#pragma once

#include "queue/account.h"

G_BEGIN_DECLS

/* Why tasks are stopped: what their records say. */
typedef struct
{
  const char *error, *reason; /* "" of stopQueue, as in the original */
  gboolean withdraws;         /* running tasks that were never published are stopped, too */
} ElvesQueueStop;

extern const ElvesQueueStop elves_queue_stop_asked, elves_queue_stop_cancelled,
    elves_queue_stop_budget;

/* The queue is stopped, and with it all its tasks that have not started. Changes @account, and does
   not write it. */
gboolean elves_queue_tx_halt (ElvesStoreTx *tx,
                              const ElvesQueueChange *change,
                              const char *queue_id,
                              const ElvesQueueStop *why,
                              ElvesQueueAccount *account,
                              GError **error);
/* All tasks that can never become ready because @task_id does not succeed. As above. */
gboolean elves_queue_tx_skip (ElvesStoreTx *tx,
                              const ElvesQueueChange *change,
                              const char *task_id,
                              ElvesQueueAccount *account,
                              GError **error);

/* What cancelling has come to. */
typedef struct
{
  gint64 stopped;    /* tasks that never start */
  gint64 cancelling; /* running tasks that are asked to end */
} ElvesQueueCancelled;

/* Stops the queue, and asks all its running tasks to end; again has no effect. */
gboolean elves_queue_tx_cancel (ElvesStoreTx *tx,
                                const ElvesQueueChange *change,
                                const char *queue_id,
                                ElvesQueueCancelled *out_cancelled,
                                ElvesQueueVerdict *out_verdict,
                                GError **error);
/* The same for one task of it; of one that has ended nothing. Tasks behind it fare as behind one
   that failed. */
gboolean elves_queue_tx_cancel_task (ElvesStoreTx *tx,
                                     const ElvesQueueChange *change,
                                     const char *queue_id,
                                     const char *task_id,
                                     ElvesQueueCancelled *out_cancelled,
                                     ElvesQueueVerdict *out_verdict,
                                     GError **error);

G_END_DECLS
