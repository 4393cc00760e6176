/* The life of a job in the scheduler.
 *
 *   NEW -> CALLING -> PUBLISHING -> DONE               sync, and jobs that could not be handed over
 *   NEW -> CALLING -> ACCEPTED -> PUBLISHING -> DONE   async
 *
 * CALLING -> PAUSED -> CALLING: it was never started and shall be tried again, or the agent has a
 * journal and a call to it was lost: the same call again starts nothing twice. Before PUBLISHING a
 * job waits in HOLDING while somebody else may have its delivery, and goes back there when the
 * delivery is lost before its outcome has left. An agent's journal may say that
 * its result was taken by another scheduler: then it is DONE without publishing.
 *
 * An async job's result comes on a connection of its own and may be here before the agent's
 * acknowledgement of the job; the acknowledgement then changes nothing. */
#include "scheduler/flight.h"

#include "scheduler/metrics.h"

typedef struct
{
  ElvesFlightState from;
  ElvesFlightEvent event;
  ElvesFlightState to;
} Transition;

static const Transition transitions[] = {
  { ELVES_FLIGHT_NEW, ELVES_FLIGHT_DISPATCHED, ELVES_FLIGHT_CALLING },
  { ELVES_FLIGHT_NEW, ELVES_FLIGHT_PAUSE, ELVES_FLIGHT_PAUSED },

  { ELVES_FLIGHT_CALLING, ELVES_FLIGHT_TAKEN, ELVES_FLIGHT_ACCEPTED },
  { ELVES_FLIGHT_CALLING, ELVES_FLIGHT_PAUSE, ELVES_FLIGHT_PAUSED },
  { ELVES_FLIGHT_CALLING, ELVES_FLIGHT_HOLD, ELVES_FLIGHT_HOLDING },
  { ELVES_FLIGHT_CALLING, ELVES_FLIGHT_OUTCOME, ELVES_FLIGHT_PUBLISHING },
  { ELVES_FLIGHT_CALLING, ELVES_FLIGHT_SETTLED, ELVES_FLIGHT_DONE },

  { ELVES_FLIGHT_PAUSED, ELVES_FLIGHT_DISPATCHED, ELVES_FLIGHT_CALLING },
  { ELVES_FLIGHT_PAUSED, ELVES_FLIGHT_HOLD, ELVES_FLIGHT_HOLDING },
  { ELVES_FLIGHT_PAUSED, ELVES_FLIGHT_OUTCOME, ELVES_FLIGHT_PUBLISHING },

  { ELVES_FLIGHT_ACCEPTED, ELVES_FLIGHT_HOLD, ELVES_FLIGHT_HOLDING },
  { ELVES_FLIGHT_ACCEPTED, ELVES_FLIGHT_OUTCOME, ELVES_FLIGHT_PUBLISHING },
  { ELVES_FLIGHT_ACCEPTED, ELVES_FLIGHT_SETTLED, ELVES_FLIGHT_DONE },

  { ELVES_FLIGHT_HOLDING, ELVES_FLIGHT_OUTCOME, ELVES_FLIGHT_PUBLISHING },
  { ELVES_FLIGHT_HOLDING, ELVES_FLIGHT_SETTLED, ELVES_FLIGHT_DONE },

  { ELVES_FLIGHT_PUBLISHING, ELVES_FLIGHT_TAKEN, ELVES_FLIGHT_PUBLISHING },
  { ELVES_FLIGHT_PUBLISHING, ELVES_FLIGHT_HOLD, ELVES_FLIGHT_HOLDING },
  { ELVES_FLIGHT_PUBLISHING, ELVES_FLIGHT_CONFIRMED, ELVES_FLIGHT_DONE },

  { ELVES_FLIGHT_DONE, ELVES_FLIGHT_TAKEN, ELVES_FLIGHT_DONE },
};

/**
 * elves_flight_new:
 * @job: (transfer full): what was asked.
 * @epoch: which connection the delivery came on.
 * @tag: its delivery tag there.
 *
 * Returns: (transfer full): a flight that has not been dispatched.
 */
ElvesFlight *
elves_flight_new (ElvesJob *job, guint64 epoch, guint64 tag)
{
  ElvesFlight *self = g_rc_box_new0 (ElvesFlight);

  self->job = job;
  self->by_execution.data = self->by_type_id.data = self;
  self->state = ELVES_FLIGHT_NEW;
  self->epoch = epoch;
  self->tag = tag;
  self->started_us = g_get_real_time ();
  self->since_us = self->taken_us = self->heard_at_us = g_get_monotonic_time ();
  return self;
}

/**
 * elves_flight_ref:
 * @self: a flight.
 *
 * Returns: (transfer full): @self.
 */
ElvesFlight *
elves_flight_ref (ElvesFlight *self)
{
  return g_rc_box_acquire (self);
}

static void
flight_clear (gpointer data)
{
  ElvesFlight *self = data;

  g_assert (self->wake.place == 0);
  elves_outcome_clear (&self->held);
  elves_delivery_free (self->message);
  elves_job_unref (self->job);
}

/**
 * elves_flight_unref:
 * @self: (transfer full): a flight.
 */
void
elves_flight_unref (ElvesFlight *self)
{
  g_rc_box_release_full (self, flight_clear);
}

/**
 * elves_flight_owns_message:
 * @self: a flight.
 *
 * A message that was published again may be given to another scheduler at any moment, also before
 * we hear that the broker has it. One that the broker kept in memory only may be nowhere.
 *
 * Returns: whether nobody else has the message, or will get it.
 */
gboolean
elves_flight_owns_message (const ElvesFlight *self)
{
  switch (self->custody)
    {
    case ELVES_CUSTODY_HELD:
      return !self->is_republished;
    case ELVES_CUSTODY_ACKED:
      return TRUE;
    case ELVES_CUSTODY_LOST:
    default:
      return self->is_transient;
    }
}

/**
 * elves_flight_next_state:
 * @state: where a flight is.
 * @event: what happened.
 * @out_next: where it is then.
 *
 * Returns: FALSE when the pair is not in the table; @out_next is then untouched.
 */
gboolean
elves_flight_next_state (ElvesFlightState state, ElvesFlightEvent event, ElvesFlightState *out_next)
{
  for (guint i = 0; i < G_N_ELEMENTS (transitions); i++)
    if (transitions[i].from == state && transitions[i].event == event)
      {
        *out_next = transitions[i].to;
        return TRUE;
      }
  return FALSE;
}

/* The state that is left says which hop has been made. */
static void
count_time (ElvesFlight *self)
{
  gint64 now_us = g_get_monotonic_time ();

  if (self->state == ELVES_FLIGHT_ACCEPTED)
    elves_histogram_add (&elves_scheduler_metrics.accept_to_outcome, now_us - self->since_us);
  else if (self->state == ELVES_FLIGHT_PUBLISHING)
    elves_histogram_add (&elves_scheduler_metrics.outcome_to_confirm, now_us - self->since_us);
  self->since_us = now_us;
}

/**
 * elves_flight_advance:
 * @self: a flight.
 * @event: what happened.
 *
 * Returns: whether the state is another one now.
 */
gboolean
elves_flight_advance (ElvesFlight *self, ElvesFlightEvent event)
{
  ElvesFlightState next;

  if (!elves_flight_next_state (self->state, event, &next))
    {
      g_critical ("a job in state %d cannot take event %d job=%s", self->state, event,
                  self->job->instruct->id);
      return FALSE;
    }
  if (next == self->state)
    return FALSE;
  count_time (self);
  self->state = next;
  return TRUE;
}
