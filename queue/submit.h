/* submitQueue in the tables: a queue, all its tasks and what starts of them, in one transaction. On
   the store's thread. */
#pragma once

#include "queue/submission.h"

G_BEGIN_DECLS

typedef struct
{
  char *queue_id;      /* (nullable) the verdict is not DONE */
  gboolean existed;    /* by its key: nothing was done */
  GPtrArray *task_ids; /* of char *, in the order of the request */
} ElvesQueueSubmitted;

void elves_queue_submitted_clear (ElvesQueueSubmitted *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ElvesQueueSubmitted, elves_queue_submitted_clear)

gboolean elves_queue_tx_submit (ElvesStoreTx *tx,
                                const ElvesQueueChange *change,
                                const ElvesQueueSubmission *submission,
                                ElvesQueueSubmitted *out_submitted,
                                ElvesQueueVerdict *out_verdict,
                                GError **error);

G_END_DECLS
