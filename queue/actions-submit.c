/* submitQueue: what is read, and what it answers. */
#include "queue/actions.h"

#include "common/json-writer.h"
#include "queue/metrics.h"

static gboolean
read_nothing (ElvesQueueErrand *self, ElvesRefusal *out_refusal)
{
  return TRUE;
}

/* On the thread: ten thousand tasks take a tenth of a second, for which the loop has no time. */
static void
read_submission (ElvesQueueErrand *self)
{
  const ElvesQueueConfig *config = self->desk->options.config;
  ElvesQueueSubmissionRules rules = {
    .on_failure = (ElvesOnFailure) config->on_failure,
    .default_timeout_s = (gint) config->default_timeout_s,
    .max_tasks = config->max_tasks,
  };
  elves_refusal_clear (&self->refusal);
  self->submission = elves_queue_submission_read (self->request, &rules, &self->refusal);
}

static gboolean
run_submit (ElvesStoreTx *tx, ElvesQueueErrand *self, GError **error)
{
  if (self->submission == NULL)
    read_submission (self);
  return self->submission == NULL ||
         elves_queue_tx_submit (tx, &self->change, self->submission, &self->submitted,
                                &self->verdict, error);
}

static void
answer_submitted (ElvesQueueErrand *self)
{
  const ElvesQueueSubmitted *submitted = &self->submitted;
  GString *body = elves_queue_card_begin ();
  elves_json_add_text (body, "id", submitted->queue_id);
  elves_json_add_text (body, "existed", submitted->existed ? "true" : "false");
  elves_json_open_array (body, "tasks");
  for (guint i = 0; i < submitted->task_ids->len; i++)
    elves_json_add_text (body, NULL, submitted->task_ids->pdata[i]);
  elves_json_close_array (body);
  elves_json_close (body);
  elves_queue_errand_answer (self, body);
}

static void
done_submit (ElvesQueueErrand *self)
{
  if (self->submission == NULL)
    {
      elves_queue_errand_refuse (self, self->refusal.error_text, self->refusal.detail);
      return;
    }
  if (self->verdict != ELVES_VERDICT_DONE)
    {
      elves_queue_errand_refuse_verdict (
          self, self->verdict == ELVES_VERDICT_LIMIT
                    ? "too many queues have not ended, or it is too large (queue.maxOpen,"
                      " queue.maxTasks, queue.maxBytes)"
                    : NULL);
      return;
    }
  if (!self->submitted.existed)
    {
      elves_queue_metrics.queues_created++;
      elves_queue_metrics.queues_committed++;
      elves_queue_metrics.tasks_added += self->submission->tasks->len;
    }
  answer_submitted (self);
}

const ElvesQueueErrandKind elves_queue_action_submit = { read_nothing, run_submit, done_submit,
                                                         FALSE };
