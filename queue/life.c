/*   queue: pendding --commit--> running --stop--> stopped (also from pendding, and again)
 *   task:  pendding --dispatch--> running --end--> finish
 *             +--stop--> stopped   +--skip--> skipped   (running, never published) --withdraw-->
 * stopped
 *
 * A result for a task that is not running is no event: it changes nothing. */
#include "queue/life.h"

#include <string.h>

const char *const elves_on_failure_texts[] = { "pendding", "skipped", NULL };

static const char *const queue_texts[] = {
  [ELVES_QUEUE_PENDDING] = "pendding",
  [ELVES_QUEUE_RUNNING] = "running",
  [ELVES_QUEUE_STOPPED] = "stopped",
};

static const char *const task_texts[] = {
  [ELVES_TASK_PENDDING] = "pendding", [ELVES_TASK_RUNNING] = "running",
  [ELVES_TASK_FINISH] = "finish",     [ELVES_TASK_STOPPED] = "stopped",
  [ELVES_TASK_SKIPPED] = "skipped",
};

static const struct
{
  ElvesQueueState from;
  ElvesQueueEvent event;
  ElvesQueueState to;
} queue_steps[] = {
  { ELVES_QUEUE_PENDDING, ELVES_QUEUE_COMMIT, ELVES_QUEUE_RUNNING },
  { ELVES_QUEUE_PENDDING, ELVES_QUEUE_STOP, ELVES_QUEUE_STOPPED },
  { ELVES_QUEUE_RUNNING, ELVES_QUEUE_STOP, ELVES_QUEUE_STOPPED },
  { ELVES_QUEUE_STOPPED, ELVES_QUEUE_STOP, ELVES_QUEUE_STOPPED },
};

static const struct
{
  ElvesTaskState from;
  ElvesTaskEvent event;
  ElvesTaskState to;
} task_steps[] = {
  { ELVES_TASK_PENDDING, ELVES_TASK_DISPATCH, ELVES_TASK_RUNNING },
  { ELVES_TASK_PENDDING, ELVES_TASK_STOP, ELVES_TASK_STOPPED },
  { ELVES_TASK_PENDDING, ELVES_TASK_SKIP, ELVES_TASK_SKIPPED },
  { ELVES_TASK_RUNNING, ELVES_TASK_END, ELVES_TASK_FINISH },
  { ELVES_TASK_RUNNING, ELVES_TASK_WITHDRAW, ELVES_TASK_STOPPED },
};

const char *
elves_queue_state_text (ElvesQueueState state)
{
  return queue_texts[state];
}

const char *
elves_task_state_text (ElvesTaskState state)
{
  return task_texts[state];
}

gboolean
elves_queue_state_next (ElvesQueueState state, ElvesQueueEvent event, ElvesQueueState *out_next)
{
  for (guint i = 0; i < G_N_ELEMENTS (queue_steps); i++)
    if (queue_steps[i].from == state && queue_steps[i].event == event)
      {
        *out_next = queue_steps[i].to;
        return TRUE;
      }
  return FALSE;
}

gboolean
elves_task_state_next (ElvesTaskState state, ElvesTaskEvent event, ElvesTaskState *out_next)
{
  for (guint i = 0; i < G_N_ELEMENTS (task_steps); i++)
    if (task_steps[i].from == state && task_steps[i].event == event)
      {
        *out_next = task_steps[i].to;
        return TRUE;
      }
  return FALSE;
}

static gboolean
find_text (const char *const *texts, guint n, const char *text, guint *out_index)
{
  for (guint i = 0; i < n; i++)
    if (g_strcmp0 (texts[i], text) == 0)
      {
        *out_index = i;
        return TRUE;
      }
  return FALSE;
}

gboolean
elves_queue_state_from_text (const char *text, ElvesQueueState *out_state)
{
  return find_text (queue_texts, ELVES_N_QUEUE_STATES, text, out_state);
}

gboolean
elves_task_state_from_text (const char *text, ElvesTaskState *out_state)
{
  return find_text (task_texts, ELVES_N_TASK_STATES, text, out_state);
}

gboolean
elves_on_failure_from_text (const char *text, ElvesOnFailure *out_policy)
{
  return find_text (elves_on_failure_texts, ELVES_N_ON_FAILURE, text, out_policy);
}
