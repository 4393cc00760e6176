#include "queue/pacer.h"

#include "common/log.h"
#include "queue/herald.h"
#include "queue/starting.h"

#define LONGEST_MS 60000 /* then it looks again: clocks are set */

struct ElvesQueuePacer
{
  ElvesQueuePacerOptions options;
  guint timer;       /* GSource id */
  gint64 at_ms;      /* of the timer; 0: none */
  gboolean busy;     /* a work is in the store */
  gint64 expects_ms; /* told meanwhile; 0: nothing */
  /* Of the work in the store. */
  gint64 now_ms, next_ms;
  ElvesQueueEffects effects;
};

/* On the store's thread. */
static gboolean
on_wake (ElvesStoreTx *tx, gpointer user_data, GError **error)
{
  ElvesQueuePacer *self = user_data;
  ElvesQueueChange change = { .limits = self->options.limits,
                              .now_ms = self->now_ms,
                              .effects = &self->effects };
  elves_queue_effects_clear (&self->effects);
  return elves_queue_tx_wake (tx, &change, &self->next_ms, error);
}

static void
expect (ElvesQueuePacer *self, gint64 at_ms)
{
  if (at_ms > 0)
    elves_queue_pacer_expect (self, at_ms);
}

static void
on_woken (gpointer user_data, const GError *error)
{
  ElvesQueuePacer *self = user_data;
  gint64 told_ms = self->expects_ms;
  self->busy = FALSE;
  self->expects_ms = 0;
  if (error != NULL)
    {
      g_info ("queues cannot go on: %s", error->message);
      elves_queue_pacer_expect (self, g_get_real_time () / 1000 + self->options.retry_ms);
      return;
    }
  expect (self, self->next_ms);
  expect (self, told_ms);
  self->effects.wake_ms = 0; /* it is in next_ms */
  elves_queue_herald_tell (self->options.herald, &self->effects);
}

static void
wake (ElvesQueuePacer *self)
{
  self->busy = TRUE;
  self->now_ms = g_get_real_time () / 1000;
  elves_store_submit (self->options.store, on_wake, on_woken, self, NULL);
}

static gboolean
on_timer (gpointer user_data)
{
  ElvesQueuePacer *self = user_data;
  self->timer = 0;
  self->at_ms = 0;
  wake (self);
  return G_SOURCE_REMOVE;
}

void
elves_queue_pacer_expect (ElvesQueuePacer *self, gint64 at_ms)
{
  if (self->busy)
    {
      self->expects_ms = self->expects_ms == 0 ? at_ms : MIN (self->expects_ms, at_ms);
      return;
    }
  if (self->at_ms != 0 && self->at_ms <= at_ms)
    return;
  if (self->timer != 0)
    g_source_remove (self->timer);
  self->at_ms = at_ms;
  gint64 delay_ms = at_ms - g_get_real_time () / 1000;
  self->timer = g_timeout_add ((guint) CLAMP (delay_ms, 0, LONGEST_MS), on_timer, self);
}

ElvesQueuePacer *
elves_queue_pacer_new (const ElvesQueuePacerOptions *options)
{
  ElvesQueuePacer *self = g_new0 (ElvesQueuePacer, 1);
  self->options = *options;
  wake (self);
  return self;
}

void
elves_queue_pacer_free (ElvesQueuePacer *self)
{
  if (self == NULL)
    return;
  if (self->timer != 0)
    g_source_remove (self->timer);
  elves_queue_effects_clear (&self->effects);
  g_free (self);
}
