/* What may happen to queues and tasks, as changes of the tables in a transaction: for works of the
   store, on its thread. A change is whole or does not take place. */
#pragma once

#include "common/store.h"
#include "queue/effects.h"
#include "queue/life.h"

G_BEGIN_DECLS

/* FALSE is only for the database; what was asked and is not possible is a verdict. */
typedef enum
{
  ELVES_VERDICT_DONE,
  ELVES_VERDICT_NO_QUEUE,
  ELVES_VERDICT_WRONG_STATE,
  ELVES_VERDICT_NO_PARENT,
  ELVES_VERDICT_LIMIT, /* of queues, tasks or bytes */
  ELVES_VERDICT_LATE,  /* a result for a task that does not run */
  ELVES_VERDICT_NO_TASK,
  ELVES_VERDICT_OTHER_CONTENT /* the key of a queue with another content */
} ElvesQueueVerdict;

typedef struct
{
  guint max_open;   /* queues that have not ended */
  guint max_tasks;  /* in a queue */
  gint64 max_bytes; /* of a queue: of what its tasks are asked with */
  gint64 grace_ms;  /* beyond its timeout, until a task without a result is given up */
} ElvesQueueLimits;

/* One change: who asks, and when. */
typedef struct
{
  const ElvesQueueLimits *limits;
  gint64 now_ms; /* since the epoch */
  const char *fingerprint;
  gboolean may_repeat; /* the same fingerprint may have been here: then nothing is done twice */
  ElvesQueueEffects *effects; /* (nullable) */
} ElvesQueueChange;

typedef struct
{
  char *id;   /* (nullable) given when it is added */
  char *name; /* (nullable) none */
  char *app;  /* (nullable) the queue's */
  char *ip, *mode, *func, *param, *proxy;
  gint timeout_s;
  GPtrArray *needs; /* of char *, each once: tasks of the same queue */
  guint dependents; /* tasks that need it, as far as known */
} ElvesQueueTask;

void elves_queue_task_free (ElvesQueueTask *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesQueueTask, elves_queue_task_free)
gint64 elves_queue_task_bytes (const ElvesQueueTask *self); /* that count for max_bytes */

/* How a task that ran counts. */
typedef enum
{
  ELVES_ENDING_SUCCESS,
  ELVES_ENDING_FAILURE,
  ELVES_ENDING_CANCELLED
} ElvesQueueEnding;

/* What came of a task. */
typedef struct
{
  const char *flag; /* "true": the agent has answered */
  const char *error, *reason;
  gint worker_flag;
  const char *worker_message;
  gint worker_cost_ms;
} ElvesTaskOutcome;

gboolean elves_queue_tx_create (ElvesStoreTx *tx,
                                const ElvesQueueChange *change,
                                const char *app,
                                ElvesOnFailure on_failure,
                                char **out_id,
                                ElvesQueueVerdict *out_verdict,
                                GError **error);
gboolean elves_queue_tx_add (ElvesStoreTx *tx,
                             const ElvesQueueChange *change,
                             const char *queue_id,
                             const ElvesQueueTask *task,
                             char **out_id,
                             ElvesQueueVerdict *out_verdict,
                             GError **error);
gboolean elves_queue_tx_commit (ElvesStoreTx *tx,
                                const ElvesQueueChange *change,
                                const char *queue_id,
                                ElvesQueueVerdict *out_verdict,
                                GError **error);
gboolean elves_queue_tx_stop (ElvesStoreTx *tx,
                              const ElvesQueueChange *change,
                              const char *queue_id,
                              ElvesQueueVerdict *out_verdict,
                              GError **error);

G_END_DECLS
