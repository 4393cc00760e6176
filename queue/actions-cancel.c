/* cancelQueue, cancelTask: what is read, and what they answer. */
#include "queue/actions.h"

#include "common/json-writer.h"
#include "queue/metrics.h"

static gboolean
run_cancel (ElvesStoreTx *tx, ElvesQueueErrand *self, GError **error)
{
  return elves_queue_tx_cancel (tx, &self->change, self->queue_id, &self->cancelled, &self->verdict,
                                error);
}

static void
done_cancel (ElvesQueueErrand *self)
{
  if (self->verdict != ELVES_VERDICT_DONE)
    {
      elves_queue_errand_refuse_verdict (self, NULL);
      return;
    }
  GString *body = elves_queue_card_begin ();
  elves_json_open (body, "result");
  elves_json_add_number (body, "stopped", self->cancelled.stopped);
  elves_json_add_number (body, "cancelling", self->cancelled.cancelling);
  elves_json_close (body);
  elves_json_close (body);
  elves_queue_metrics.queues_cancelled++;
  elves_queue_errand_answer (self, body);
}

static gboolean
read_cancel_task (ElvesQueueErrand *self, ElvesRefusal *out_refusal)
{
  if (!elves_queue_action_read_id (self, out_refusal))
    return FALSE;
  self->task_id = elves_queue_member_word (elves_queue_member (self->request, "task"),
                                           ELVES_QUEUE_FAULT_OTHER, out_refusal);
  return self->task_id != NULL;
}

/* A queue that is not there has no such task. */
static gboolean
run_cancel_task (ElvesStoreTx *tx, ElvesQueueErrand *self, GError **error)
{
  return elves_queue_tx_cancel_task (tx, &self->change, self->queue_id, self->task_id,
                                     &self->cancelled, &self->verdict, error);
}

const ElvesQueueErrandKind elves_queue_action_cancel = { elves_queue_action_read_id, run_cancel,
                                                         done_cancel, FALSE };
const ElvesQueueErrandKind elves_queue_action_cancel_task = { read_cancel_task, run_cancel_task,
                                                              done_cancel, FALSE };
