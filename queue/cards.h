/* What queueDetail, findQueues, queueTasks and queueChanges say: bodies of answers, made in a
   transaction. On the store's thread. */
#pragma once

#include "common/store.h"
#include "queue/changes.h"

G_BEGIN_DECLS

/* *out_body: (transfer full) (nullable) when the verdict is DONE. */
gboolean elves_queue_card_detail (ElvesStoreTx *tx,
                                  const char *queue_id,
                                  GString **out_body,
                                  ElvesQueueVerdict *out_verdict,
                                  GError **error);

typedef struct
{
  char *owner, *app, *name, *status; /* "": any */
  guint page, size;                  /* from 1; at least 1 */
  gsize max_bytes;                   /* an answer is shorter than asked for, rather than larger */
} ElvesQueueFind;

void elves_queue_find_clear (ElvesQueueFind *self);
gboolean elves_queue_card_find (ElvesStoreTx *tx,
                                const ElvesQueueFind *find,
                                GString **out_body,
                                GError **error);

/* Which tasks. The filter is the text of a state, which is that of finished tasks for the last
   three; or an id. */
typedef enum
{
  ELVES_TASKS_OF_STATE,
  ELVES_TASKS_OF_ID,
  ELVES_TASKS_SUCCEEDED,
  ELVES_TASKS_FAILED,
  ELVES_TASKS_CANCELLED
} ElvesQueueTasksKind;

/* Tasks in the order of their places, or of their changes. */
typedef struct
{
  gint64 after; /* a place; or the number of a change */
  guint limit;
  char *filter; /* (nullable) any */
  ElvesQueueTasksKind kind;
  gsize max_bytes; /* as above, but for one task */
} ElvesQueueTasksQuery;

gboolean elves_queue_card_tasks (ElvesStoreTx *tx,
                                 const char *queue_id,
                                 const ElvesQueueTasksQuery *query,
                                 GString **out_body,
                                 ElvesQueueVerdict *out_verdict,
                                 GError **error);

/* *out_news: there is something to say: tasks, or that the queue has ended. */
gboolean elves_queue_card_changes (ElvesStoreTx *tx,
                                   const char *queue_id,
                                   const ElvesQueueTasksQuery *query,
                                   GString **out_body,
                                   gboolean *out_news,
                                   ElvesQueueVerdict *out_verdict,
                                   GError **error);
/* What is said when there is none. */
GString *elves_queue_card_no_changes (gint64 since);

G_END_DECLS
