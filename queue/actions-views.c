/* queueDetail, findQueues, queueTasks: what is read, and what it answers. */
#include "queue/actions.h"

#define DEFAULT_PAGE 10
#define DEFAULT_LIMIT 100
#define MAX_PAGE 1000
#define MAX_WAIT_MS 60000

#define TOO_MANY "[412.6]Too Many Waiters"

/* ---- queueDetail ---------------------------------------------------------------------------- */

static gboolean
run_detail (ElvesStoreTx *tx, ElvesQueueErrand *self, GError **error)
{
  return elves_queue_card_detail (tx, self->queue_id, &self->body, &self->verdict, error);
}

static void
done_card (ElvesQueueErrand *self)
{
  if (self->verdict == ELVES_VERDICT_DONE)
    elves_queue_errand_answer (self, g_steal_pointer (&self->body));
  else
    elves_queue_errand_refuse_verdict (self, NULL);
}

const ElvesQueueErrandKind elves_queue_action_detail = { elves_queue_action_read_id, run_detail,
                                                         done_card, FALSE };

/* ---- findQueues ----------------------------------------------------------------------------- */

static gboolean
read_numbers (ElvesQueueErrand *self, ElvesRefusal *out_refusal)
{
  gint64 page, size;
  if (!elves_queue_member_number (elves_queue_member (self->request, "page"), 1, G_MAXINT32, 1,
                                  &page, out_refusal) ||
      !elves_queue_member_number (elves_queue_member (self->request, "size"), 1, MAX_PAGE,
                                  DEFAULT_PAGE, &size, out_refusal))
    return FALSE;
  self->find.page = (guint) page;
  self->find.size = (guint) size;
  self->find.max_bytes = self->desk->options.config->mq.max_message_bytes / 2;
  return TRUE;
}

static gboolean
read_find (ElvesQueueErrand *self, ElvesRefusal *out_refusal)
{
  ElvesQueueState state;
  const struct
  {
    const char *name;
    char **place;
  } texts[] = { { "owner", &self->find.owner },
                { "app", &self->find.app },
                { "name", &self->find.name },
                { "status", &self->find.status } };
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      *texts[i].place = elves_queue_member_optional (
          elves_queue_member (self->request, texts[i].name), "", ELVES_QUEUE_MAX_NAME, out_refusal);
      if (*texts[i].place == NULL)
        return FALSE;
    }
  if (*self->find.status != '\0' && !elves_queue_state_from_text (self->find.status, &state))
    return elves_queue_refuse (out_refusal, ELVES_QUEUE_FAULT_OTHER, "status",
                               "pendding, running or stopped");
  return read_numbers (self, out_refusal);
}

static gboolean
run_find (ElvesStoreTx *tx, ElvesQueueErrand *self, GError **error)
{
  self->verdict = ELVES_VERDICT_DONE;
  return elves_queue_card_find (tx, &self->find, &self->body, error);
}

const ElvesQueueErrandKind elves_queue_action_find = { read_find, run_find, done_card, FALSE };

/* ---- queueTasks ----------------------------------------------------------------------------- */

/* Of tasks that have finished it may be asked how. */
static gboolean
read_ending (const char *status, ElvesQueueTasksKind *out_kind)
{
  static const struct
  {
    const char *text;
    ElvesQueueTasksKind kind;
  } endings[] = { { "succeeded", ELVES_TASKS_SUCCEEDED },
                  { "failed", ELVES_TASKS_FAILED },
                  { "cancelled", ELVES_TASKS_CANCELLED } };
  for (guint i = 0; i < G_N_ELEMENTS (endings); i++)
    if (g_str_equal (status, endings[i].text))
      {
        *out_kind = endings[i].kind;
        return TRUE;
      }
  return FALSE;
}

static gboolean
read_status (ElvesQueueErrand *self, ElvesRefusal *out_refusal)
{
  ElvesQueueTasksQuery *query = &self->tasks_query;
  ElvesTaskState state = ELVES_TASK_FINISH;
  g_autofree char *status = elves_queue_member_optional (
      elves_queue_member (self->request, "status"), "", ELVES_QUEUE_MAX_NAME, out_refusal);
  if (status == NULL || *status == '\0')
    return status != NULL;
  if (!read_ending (status, &query->kind) && !elves_task_state_from_text (status, &state))
    return elves_queue_refuse (out_refusal, ELVES_QUEUE_FAULT_OTHER, "status",
                               "the state of a task, succeeded, failed or cancelled");
  query->filter = g_strdup (elves_task_state_text (state));
  return TRUE;
}

/* One task by its id, or those of a status. */
static gboolean
read_filter (ElvesQueueErrand *self, ElvesRefusal *out_refusal)
{
  ElvesQueueTasksQuery *query = &self->tasks_query;
  g_autofree char *task = elves_queue_member_optional (elves_queue_member (self->request, "task"),
                                                       "", ELVES_QUEUE_MAX_NAME, out_refusal);
  if (task == NULL || *task == '\0')
    return task != NULL && read_status (self, out_refusal);
  query->kind = ELVES_TASKS_OF_ID;
  query->filter = g_steal_pointer (&task);
  return TRUE;
}

gboolean
elves_queue_action_read_range (ElvesQueueErrand *self, const char *after, ElvesRefusal *out_refusal)
{
  gint64 limit;
  ElvesQueueTasksQuery *query = &self->tasks_query;
  query->max_bytes = self->desk->options.config->mq.max_message_bytes / 2;
  if (!elves_queue_action_read_id (self, out_refusal) ||
      !elves_queue_member_number (elves_queue_member (self->request, after), 0, G_MAXINT64, 0,
                                  &query->after, out_refusal) ||
      !elves_queue_member_number (elves_queue_member (self->request, "limit"), 1, MAX_PAGE,
                                  DEFAULT_LIMIT, &limit, out_refusal))
    return FALSE;
  query->limit = (guint) limit;
  return TRUE;
}

static gboolean
read_tasks (ElvesQueueErrand *self, ElvesRefusal *out_refusal)
{
  return elves_queue_action_read_range (self, "after", out_refusal) &&
         read_filter (self, out_refusal);
}

static gboolean
run_tasks (ElvesStoreTx *tx, ElvesQueueErrand *self, GError **error)
{
  return elves_queue_card_tasks (tx, self->queue_id, &self->tasks_query, &self->body,
                                 &self->verdict, error);
}

const ElvesQueueErrandKind elves_queue_action_tasks = { read_tasks, run_tasks, done_card, FALSE };

/* ---- queueChanges --------------------------------------------------------------------------- */

static gboolean
read_changes (ElvesQueueErrand *self, ElvesRefusal *out_refusal)
{
  gint64 wait_ms;
  if (!elves_queue_action_read_range (self, "since", out_refusal) ||
      !elves_queue_member_number (elves_queue_member (self->request, "wait_ms"), 0, MAX_WAIT_MS, 0,
                                  &wait_ms, out_refusal))
    return FALSE;
  self->until_us = g_get_monotonic_time () + wait_ms * 1000;
  return TRUE;
}

static gboolean
run_changes (ElvesStoreTx *tx, ElvesQueueErrand *self, GError **error)
{
  return elves_queue_card_changes (tx, self->queue_id, &self->tasks_query, &self->body,
                                   &self->has_news, &self->verdict, error);
}

/* Without news it is run again when there may be some. */
static void
done_changes (ElvesQueueErrand *self)
{
  gboolean waits = self->verdict == ELVES_VERDICT_DONE && !self->has_news &&
                   g_get_monotonic_time () < self->until_us;
  if (self->verdict == ELVES_VERDICT_WRONG_STATE)
    elves_queue_errand_refuse (self, ELVES_QUEUE_FAULT_OTHER,
                               "since: expected a number that this queue has answered");
  else if (!waits)
    done_card (self);
  else if (!elves_queue_errand_wait (self))
    elves_queue_errand_refuse (self, TOO_MANY, "ask again later (queue.maxWaiters, mq.prefetch)");
}

const ElvesQueueErrandKind elves_queue_action_changes = { read_changes, run_changes, done_changes,
                                                          FALSE };
