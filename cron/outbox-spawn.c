/* Tasks that make a task at each of their instants: the new one goes out in place of its maker. */
#include "cron/outbox-private.h"

#include "common/backoff.h"
#include "common/error.h"

/* A question to the store. */
typedef struct
{
  ElvesCronFlight *flight; /* NULL: it was given up */
} Spawning;

static void
on_again_due (ElvesDeadline *deadline, gpointer user_data)
{
  elves_cron_flight_spawn (user_data);
}

static void
spawn_again_later (ElvesCronFlight *flight, const GError *error)
{
  const ElvesCronConfig *config = flight->outbox->config;
  guint delay_ms = elves_backoff_delay_ms (flight->attempts++, config->retry.first_ms,
                                           config->retry.cap_ms, g_random_double ());
  g_warning ("a task is not made: %s by=%s retry_ms=%u", error->message, flight->shot->plan->id,
             delay_ms);
  elves_deadlines_arm (flight->outbox->deadlines, &flight->again,
                       g_get_monotonic_time () + (gint64) delay_ms * 1000, on_again_due, flight);
}

static void
on_spawned (GPtrArray *shots, const GError *error, gpointer user_data)
{
  Spawning *spawning = user_data;
  ElvesCronFlight *flight = spawning->flight;
  ElvesCronOutbox *self;
  g_free (spawning);
  if (flight == NULL)
    return;
  self = flight->outbox;
  flight->pending = NULL;
  if (error != NULL && !g_error_matches (error, ELVES_ERROR, ELVES_ERROR_REFUSED))
    {
      spawn_again_later (flight, error);
      return;
    }
  if (error == NULL)
    {
      elves_cron_outbox_send (self, shots);
      self->callbacks.ended (flight->shot->id, flight->shot->planned_us, self->user_data);
    }
  elves_cron_flight_land (flight);
}

void
elves_cron_flight_spawn (ElvesCronFlight *flight)
{
  Spawning *spawning = g_new0 (Spawning, 1);
  spawning->flight = flight;
  flight->pending = &spawning->flight;
  elves_cron_firings_spawn (flight->outbox->ledger, flight->shot, on_spawned, spawning);
}
