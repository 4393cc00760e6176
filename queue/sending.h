/* Which tasks the outbox sends, as it stands in the tables. On the store's thread.
 *
 * A task is claimed (sent = 2) before it is published and marked (sent = 1) when the broker has
 * confirmed it: what is claimed may be at the broker, after a crash as well; what is neither has
 * never been published. */
#pragma once

#include "queue/changes.h"

G_BEGIN_DECLS

/* Claims the next tasks, unless there are claimed ones already: they come first. */
gboolean elves_queue_tx_claim (ElvesStoreTx *tx, GError **error);

/* Calls @each with the next claimed tasks, a page at most, in their order. Columns: */
typedef enum
{
  ELVES_SENDING_SEQ,
  ELVES_SENDING_ID,
  ELVES_SENDING_IP,
  ELVES_SENDING_MODE,
  ELVES_SENDING_APP,
  ELVES_SENDING_FUNC,
  ELVES_SENDING_PARAM,
  ELVES_SENDING_PROXY,
  ELVES_SENDING_TIMEOUT
} ElvesQueueSendingColumn;

typedef void (*ElvesQueueSendingFunc) (ElvesStoreRows *row, gpointer user_data);
gboolean elves_queue_tx_each_claimed (ElvesStoreTx *tx,
                                      ElvesQueueSendingFunc each,
                                      gpointer user_data,
                                      GError **error);

/* The broker has all claimed tasks up to @last, or only @tasks (of char *): their deadlines count
   from now. */
gboolean elves_queue_tx_mark_page (ElvesStoreTx *tx,
                                   const ElvesQueueChange *change,
                                   gint64 last,
                                   GError **error);
gboolean elves_queue_tx_mark_some (ElvesStoreTx *tx,
                                   const ElvesQueueChange *change,
                                   const GPtrArray *tasks,
                                   GError **error);

G_END_DECLS
