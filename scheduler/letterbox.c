/* Messages on their way to the broker once more. What becomes of the delivery that such a message
 * replaces is said when the broker has confirmed the copy, never before: there is always one. */
#include "scheduler/letterbox.h"

#include "scheduler/letter.h"
#include "scheduler/metrics.h"

struct ElvesLetterbox
{
  ElvesReplies *replies;
  const char *queue, *dead_queue;
  const ElvesLetterboxCallbacks *callbacks;
  gpointer user_data;
  GQueue letters; /* of Letter, by its place: not yet confirmed */
};

typedef struct
{
  ElvesLetterbox *box;
  ElvesFlight *flight;
  guint64 epoch, tag;
  ElvesOutcome outcome; /* of a dead letter: what to say then */
  GList place;
} Letter;

/**
 * elves_letterbox_new:
 * @replies: what publishes.
 * @queue: our own; must outlive it.
 * @dead_queue: for messages that nobody shall get again; must outlive it.
 * @callbacks: what becomes of copies; not copied.
 * @user_data: for @callbacks.
 *
 * Returns: (transfer full): an empty letter-box.
 */
ElvesLetterbox *
elves_letterbox_new (ElvesReplies *replies,
                     const char *queue,
                     const char *dead_queue,
                     const ElvesLetterboxCallbacks *callbacks,
                     gpointer user_data)
{
  ElvesLetterbox *self = g_new0 (ElvesLetterbox, 1);

  self->replies = replies;
  self->queue = queue;
  self->dead_queue = dead_queue;
  self->callbacks = callbacks;
  self->user_data = user_data;
  return self;
}

static Letter *
new_letter (ElvesLetterbox *self, ElvesFlight *flight)
{
  Letter *letter = g_new0 (Letter, 1);

  letter->box = self;
  letter->flight = elves_flight_ref (flight);
  letter->epoch = flight->epoch;
  letter->tag = flight->tag;
  letter->place.data = letter;
  g_queue_push_tail_link (&self->letters, &letter->place);
  return letter;
}

static void
letter_free (Letter *letter)
{
  g_queue_unlink (&letter->box->letters, &letter->place);
  elves_outcome_clear (&letter->outcome);
  elves_flight_unref (letter->flight);
  g_free (letter);
}

/**
 * elves_letterbox_free:
 * @self: (nullable): a letter-box; what is on its way has nobody to tell any more.
 */
void
elves_letterbox_free (ElvesLetterbox *self)
{
  if (self == NULL)
    return;

  while (self->letters.head != NULL)
    letter_free (self->letters.head->data);
  g_free (self);
}

static void
send (ElvesLetterbox *self,
      const char *queue,
      guint attempts,
      ElvesReplyDoneFunc done,
      Letter *letter)
{
  const ElvesFlight *flight = letter->flight;

  elves_replies_send (
      self->replies,
      elves_letter_new (flight->message, queue, flight->job->instruct->execution, attempts), done,
      letter);
}

static gboolean
is_current (const Letter *letter)
{
  const ElvesFlight *flight = letter->flight;

  return flight->custody == ELVES_CUSTODY_HELD && flight->epoch == letter->epoch &&
         flight->tag == letter->tag && flight->state != ELVES_FLIGHT_DONE;
}

static void
on_republished (gboolean routed, gpointer user_data)
{
  Letter *letter = user_data;
  ElvesLetterbox *self = letter->box;

  if (!routed)
    g_warning ("a message could not be published again: no queue=%s", self->queue);
  self->callbacks->republished (letter->flight, letter->epoch, letter->tag, is_current (letter),
                                routed, self->user_data);
  letter_free (letter);
}

/**
 * elves_letterbox_republish:
 * @self: a letter-box.
 * @flight: one with its message.
 */
void
elves_letterbox_republish (ElvesLetterbox *self, ElvesFlight *flight)
{
  elves_scheduler_metrics.republished++;
  send (self, self->queue, 0, on_republished, new_letter (self, flight));
}

static void
on_put_aside (gboolean routed, gpointer user_data)
{
  Letter *letter = user_data;
  ElvesLetterbox *self = letter->box;

  if (!routed)
    g_warning ("a message could not be put aside: no queue=%s job=%s", self->dead_queue,
               letter->flight->job->instruct->id);
  elves_replies_outcome (self->replies, letter->flight, &letter->outcome);
  letter_free (letter);
}

/**
 * elves_letterbox_put_aside:
 * @self: a letter-box.
 * @flight: one with its message, which was delivered too often.
 * @outcome: how it has ended.
 *
 * First the copy for people to look at, then the answer, then the acknowledgement.
 */
void
elves_letterbox_put_aside (ElvesLetterbox *self, ElvesFlight *flight, const ElvesOutcome *outcome)
{
  Letter *letter = new_letter (self, flight);

  g_warning ("a message was delivered too often and is put aside: job=%s agent=%s queue=%s",
             flight->job->instruct->id, flight->job->instruct->ip, self->dead_queue);
  elves_outcome_copy (&letter->outcome, outcome);
  elves_scheduler_metrics.dead_lettered++;
  send (self, self->dead_queue, flight->message->attempts, on_put_aside, letter);
}
