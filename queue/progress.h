/* How the tasks of committed queues go on: results, tasks that become ready, deadlines. For works
   of the store, on its thread. */
#pragma once

#include "queue/changes.h"

G_BEGIN_DECLS

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
G_END_DECLS
