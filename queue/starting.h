/* Which tasks of a queue start now: as many as its width leaves room for, one at each instant of
 * its stagger. On the store's thread. */
#pragma once

#include "queue/account.h"

G_BEGIN_DECLS

/* How many more tasks may start at @now_ms. Pure. */
gint64 elves_queue_room (const ElvesQueueAccount *account, gint64 now_ms);
/* @started tasks have started at @now_ms: when may the next ones? Pure. */
void elves_queue_pace (ElvesQueueAccount *account, gint64 started, gint64 now_ms);

/* Starts what may start, and sets the end of a queue in which nothing can happen any more. Changes
   @account, and does not write it. */
gboolean elves_queue_tx_go_on (ElvesStoreTx *tx,
                               const ElvesQueueChange *change,
                               const char *queue_id,
                               ElvesQueueAccount *account,
                               GError **error);

/* Queues whose instant to go on has come, some at a time. @out_next_ms: the nearest one that is
   left; 0: none. */
gboolean elves_queue_tx_wake (ElvesStoreTx *tx,
                              const ElvesQueueChange *change,
                              gint64 *out_next_ms,
                              GError **error);

G_END_DECLS
