/* Queues that nobody needs any more, and how many of everything there are. For works of the store,
 * on its thread. */
#pragma once

#include "common/store.h"
#include "queue/changes.h"

G_BEGIN_DECLS

/* Removes one queue at most: one that ended, or was created and never committed, before
   @before_ms; or the oldest of more than @keep that have ended. So no transaction is long. */
gboolean elves_queue_tx_forget (ElvesStoreTx *tx,
                                gint64 before_ms,
                                guint keep,
                                gboolean *out_removed,
                                GError **error);

/* Removes a queue that was never committed or has ended; another one is in the wrong state. */
gboolean elves_queue_tx_delete (ElvesStoreTx *tx,
                                const char *queue_id,
                                ElvesQueueVerdict *out_verdict,
                                GError **error);

typedef struct
{
  gint64 queues_open, tasks_running, tasks_unsent;
} ElvesQueueCounts;

gboolean elves_queue_tx_count (ElvesStoreTx *tx, ElvesQueueCounts *out_counts, GError **error);

G_END_DECLS
