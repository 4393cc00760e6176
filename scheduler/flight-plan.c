/* When a flight has to be looked at again: the nearest of what it waits for. Pure. */
#include "scheduler/flight-plan.h"

enum
{
  NO_TIMEOUT_S = 24 * 60 * 60 /* of a job that names none: silence for a day */
};

/**
 * elves_flight_is_waiting:
 * @self: a flight.
 *
 * Returns: whether its agent has to say something, or to be asked again.
 */
gboolean
elves_flight_is_waiting (const ElvesFlight *self)
{
  return self->state == ELVES_FLIGHT_PAUSED || self->state == ELVES_FLIGHT_ACCEPTED;
}

/**
 * elves_flight_silence_ends_us:
 * @self: a flight.
 * @grace_s: what a job may take beyond its timeout.
 *
 * Returns: the monotonic time when nothing has been heard of it for too long.
 */
gint64
elves_flight_silence_ends_us (const ElvesFlight *self, guint grace_s)
{
  gint32 timeout_s = self->job->instruct->timeout_s;
  gint64 patience_s = (timeout_s > 0 ? timeout_s : NO_TIMEOUT_S) + (gint64) grace_s;

  return self->heard_at_us + patience_s * G_USEC_PER_SEC;
}

static void
add_due (gint64 *nearest_us, gint64 due_us)
{
  if (due_us != 0 && (*nearest_us == 0 || due_us < *nearest_us))
    *nearest_us = due_us;
}

/**
 * elves_flight_due_us:
 * @self: a flight.
 * @grace_s: what a job may take beyond its timeout.
 *
 * Returns: the monotonic time when something is to be done with it; 0: never.
 */
gint64
elves_flight_due_us (const ElvesFlight *self, guint grace_s)
{
  gint64 nearest_us = 0;

  if (self->state == ELVES_FLIGHT_HOLDING)
    add_due (&nearest_us, self->hold_until_us);
  else if (self->state < ELVES_FLIGHT_HOLDING && self->custody == ELVES_CUSTODY_HELD)
    add_due (&nearest_us, self->republish_at_us);
  if (elves_flight_is_waiting (self))
    {
      add_due (&nearest_us, self->ask_at_us);
      add_due (&nearest_us, elves_flight_silence_ends_us (self, grace_s));
    }
  return nearest_us;
}
