#include "queue/watch.h"

#include "common/log.h"
#include "queue/history.h"
#include "queue/metrics.h"
#include "queue/progress.h"

#define ROUND_MS 5000 /* between two rounds, unless a deadline is nearer */
#define SOON_MS 20    /* when there is more to do */

struct ElvesQueueWatch
{
  ElvesQueueWatchOptions options;
  guint timer; /* GSource id */
  /* Of the round in the store. */
  gint64 now_ms, next_ms;
  guint expired;
  gboolean removed;
  ElvesQueueCounts counts;
  ElvesQueueEffects effects;
};

static void begin_round (ElvesQueueWatch *self);

/* On the store's thread. */
static gboolean
on_round (ElvesStoreTx *tx, gpointer user_data, GError **error)
{
  ElvesQueueWatch *self = user_data;
  ElvesQueueChange change = { .limits = self->options.limits,
                              .now_ms = self->now_ms,
                              .effects = &self->effects };
  elves_queue_effects_clear (&self->effects);
  return elves_queue_tx_expire (tx, &change, &self->expired, &self->next_ms, error) &&
         elves_queue_tx_forget (tx, self->now_ms - self->options.history_age_ms,
                                self->options.history_count, &self->removed, error) &&
         elves_queue_tx_count (tx, &self->counts, error);
}

static gboolean
on_timer (gpointer user_data)
{
  ElvesQueueWatch *self = user_data;
  self->timer = 0;
  begin_round (self);
  return G_SOURCE_REMOVE;
}

static void
note (ElvesQueueWatch *self)
{
  elves_queue_metrics.tasks_expired += self->expired;
  elves_queue_metrics.queues_removed += self->removed ? 1 : 0;
  elves_queue_metrics.queues_open = self->counts.queues_open;
  elves_queue_metrics.tasks_running = self->counts.tasks_running;
  elves_queue_metrics.tasks_unsent = self->counts.tasks_unsent;
  if (self->expired > 0)
    g_message ("tasks without a result were given up tasks=%u", self->expired);
}

static void
on_round_done (gpointer user_data, const GError *error)
{
  ElvesQueueWatch *self = user_data;
  gint64 delay_ms = ROUND_MS;
  if (error != NULL)
    g_info ("deadlines cannot be looked after: %s", error->message);
  else
    {
      note (self);
      elves_queue_herald_tell (self->options.herald, &self->effects);
      delay_ms = CLAMP (self->next_ms - self->now_ms, SOON_MS, ROUND_MS);
      if (self->removed)
        delay_ms = SOON_MS;
    }
  self->timer = g_timeout_add ((guint) delay_ms, on_timer, self);
}

static void
begin_round (ElvesQueueWatch *self)
{
  self->now_ms = g_get_real_time () / 1000;
  elves_store_submit (self->options.store, on_round, on_round_done, self, NULL);
}

ElvesQueueWatch *
elves_queue_watch_new (const ElvesQueueWatchOptions *options)
{
  ElvesQueueWatch *self = g_new0 (ElvesQueueWatch, 1);
  self->options = *options;
  begin_round (self);
  return self;
}

void
elves_queue_watch_free (ElvesQueueWatch *self)
{
  if (self == NULL)
    return;
  if (self->timer != 0)
    g_source_remove (self->timer);
  elves_queue_effects_clear (&self->effects);
  g_free (self);
}
