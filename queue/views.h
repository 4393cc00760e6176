/* What is said about queues: bodies of answers, made in a transaction. On the store's thread. */
#pragma once

#include "common/store.h"

G_BEGIN_DECLS

typedef struct
{
  guint page_size; /* 0: all */
  guint page;      /* from 1 */
  gsize max_bytes; /* of an answer */
} ElvesQueuePage;

typedef enum
{
  ELVES_VIEW_DONE,
  ELVES_VIEW_NO_QUEUE,
  ELVES_VIEW_TOO_LARGE /* to be asked for in pages */
} ElvesQueueViewVerdict;

/* queueResult. @out_body: (transfer full) (nullable) when the verdict is DONE */
gboolean elves_queue_view_result (ElvesStoreTx *tx,
                                  const char *queue_id,
                                  const ElvesQueuePage *page,
                                  GString **out_body,
                                  ElvesQueueViewVerdict *out_verdict,
                                  GError **error);
/* queueList: newest first. */
gboolean elves_queue_view_list (ElvesStoreTx *tx,
                                const ElvesQueuePage *page,
                                GString **out_body,
                                GError **error);

G_END_DECLS
