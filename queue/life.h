/* The states of queues and tasks, and what may happen to them. Pure. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Spelled as the interface spells them. */
typedef enum
{
  ELVES_QUEUE_PENDDING, /* tasks may be added */
  ELVES_QUEUE_RUNNING,  /* committed; stays so after the last task has ended */
  ELVES_QUEUE_STOPPED,
  ELVES_N_QUEUE_STATES
} ElvesQueueState;

typedef enum
{
  ELVES_QUEUE_COMMIT,
  ELVES_QUEUE_STOP,
  ELVES_N_QUEUE_EVENTS
} ElvesQueueEvent;

typedef enum
{
  ELVES_TASK_PENDDING, /* waits for the commit, or for the tasks it depends on */
  ELVES_TASK_RUNNING,  /* given to the scheduler, or just about to be */
  ELVES_TASK_FINISH,   /* has a result, good or bad */
  ELVES_TASK_STOPPED,  /* it, or its queue, was stopped before it could start */
  ELVES_TASK_SKIPPED,  /* a task it depends on has failed, and the queue settles such tasks */
  ELVES_N_TASK_STATES
} ElvesTaskState;

typedef enum
{
  ELVES_TASK_DISPATCH,
  ELVES_TASK_END,
  ELVES_TASK_STOP,
  ELVES_TASK_SKIP,
  ELVES_TASK_WITHDRAW, /* it runs, but was never published */
  ELVES_N_TASK_EVENTS
} ElvesTaskEvent;

/* What becomes of tasks behind one that failed. */
typedef enum
{
  ELVES_ON_FAILURE_LEAVE, /* they stay pendding */
  ELVES_ON_FAILURE_SKIP,
  ELVES_N_ON_FAILURE
} ElvesOnFailure;

extern const char *const elves_on_failure_texts[]; /* NULL-terminated: "pendding", "skipped" */

const char *elves_queue_state_text (ElvesQueueState state);
const char *elves_task_state_text (ElvesTaskState state);
/* FALSE: that cannot happen in this state. */
gboolean
elves_queue_state_next (ElvesQueueState state, ElvesQueueEvent event, ElvesQueueState *out_next);
gboolean
elves_task_state_next (ElvesTaskState state, ElvesTaskEvent event, ElvesTaskState *out_next);
/* (nullable). FALSE: no such text. */
gboolean elves_queue_state_from_text (const char *text, ElvesQueueState *out_state);
gboolean elves_task_state_from_text (const char *text, ElvesTaskState *out_state);
gboolean elves_on_failure_from_text (const char *text, ElvesOnFailure *out_policy);

G_END_DECLS
