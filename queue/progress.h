/* How the tasks of committed queues go on: results, tasks that become ready, deadlines. For works
   of the store, on its thread. */
#pragma once

#include "queue/changes.h"

G_BEGIN_DECLS

/* Tasks of @queue_id that wait for nothing any more become running. */
gboolean elves_queue_tx_dispatch_roots (ElvesStoreTx *tx,
                                        const ElvesQueueChange *change,
                                        const char *queue_id,
                                        gint64 *out_started,
                                        GError **error);
gboolean elves_queue_tx_end_task (ElvesStoreTx *tx,
                                  const ElvesQueueChange *change,
                                  const char *task_id,
                                  const ElvesTaskOutcome *outcome,
                                  ElvesQueueVerdict *out_verdict,
                                  GError **error);
/* Ends tasks whose deadline has passed, some at a time. @out_next_ms: the nearest deadline that is
   left; G_MAXINT64: none. */
gboolean elves_queue_tx_expire (ElvesStoreTx *tx,
                                const ElvesQueueChange *change,
                                guint *out_expired,
                                gint64 *out_next_ms,
                                GError **error);
/* The broker has the jobs of these tasks: their deadlines count from now. @tasks: of char * */
gboolean elves_queue_tx_mark_sent (ElvesStoreTx *tx,
                                   const ElvesQueueChange *change,
                                   const GPtrArray *tasks,
                                   GError **error);

G_END_DECLS
