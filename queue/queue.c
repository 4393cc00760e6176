/* Wiring: a request comes from the component to the desk, is done in the store, and is answered;
 * what has become ready goes through the outbox to the scheduler, whose results are requests again.
 *
 * All that is known is in the store: nothing is restored at the start but by looking there. When
 * another process has taken the database over while it was out of our reach, we end: it goes on. */
#include "queue/queue.h"

#include "common/http-status.h"
#include "common/names.h"
#include "queue/desk.h"
#include "queue/metrics.h"
#include "queue/outbox.h"
#include "queue/tables.h"
#include "queue/watch.h"

#define NAME "queue"
#define TICK_MS 1000
#define DRAIN_CHECK_MS 20

struct ElvesQueue
{
  const ElvesQueueConfig *config;
  ElvesDaemon *daemon;
  ElvesQueueLimits limits;
  ElvesStore *store;
  ElvesQueueDesk *desk;
  ElvesComponent *component;
  ElvesQueueOutbox *outbox;
  ElvesQueueWatch *watch;
  ElvesQueuePacer *pacer;
  ElvesDeadlines *deadlines; /* of the caller */
  ElvesCaller *caller;
  ElvesQueueCanceller *canceller;
  ElvesQueueHerald herald;
  ElvesHttpStatus *status;
  guint tick, drain; /* GSource ids */
  gint64 drain_until_us;
};

/* ---- status --------------------------------------------------------------------------------- */

static void
measure (ElvesQueue *self)
{
  ElvesStoreFigures figures;
  elves_store_get_figures (self->store, &figures);
  elves_queue_metrics.store_waiting = figures.waiting;
  elves_queue_metrics.store_works = figures.works;
  elves_queue_metrics.store_commits = figures.commits;
  elves_queue_metrics.store_failures = figures.failures;
  elves_queue_metrics.store_refused = figures.refused;
  elves_queue_metrics.store_up = !figures.is_failing;
  elves_queue_metrics.waiters = elves_queue_desk_waiting (self->desk);
  elves_component_measure (self->component);
}

static void
on_metrics (GString *out, gpointer user_data)
{
  measure (user_data);
  elves_metrics_write (elves_queue_metric_table, &elves_queue_metrics, out);
}

static gboolean
on_health (GString *out, gpointer user_data)
{
  ElvesQueue *self = user_data;
  g_autoptr (GPtrArray) problems = g_ptr_array_new ();
  measure (self);
  elves_component_add_problems (self->component, problems);
  if (elves_queue_metrics.store_up == 0)
    g_ptr_array_add (problems, (gpointer) "the store cannot be written");
  return elves_http_status_write_health (out, "elves-queue", problems);
}

static void
start_status (ElvesQueue *self)
{
  static const ElvesHttpStatusCallbacks callbacks = { on_metrics, on_health };
  const ElvesStatusConfig *config = &self->config->metrics;
  ElvesHttpStatusOptions options = { .host = config->listen,
                                     .port = (guint16) config->port,
                                     .allowed = config->allowed };
  self->status = elves_http_status_serve (&options, &callbacks, self);
}

static gboolean
on_tick (gpointer user_data)
{
  ElvesQueue *self = user_data;
  ElvesStoreFigures figures;
  elves_store_get_figures (self->store, &figures);
  if (!figures.is_taken)
    return G_SOURCE_CONTINUE;
  g_warning ("another elves-queue has taken the database over: this one ends");
  self->tick = 0;
  elves_daemon_quit (self->daemon, 1);
  return G_SOURCE_REMOVE;
}

/* ---- the parts ------------------------------------------------------------------------------ */

static gboolean
open_store (ElvesQueue *self, GError **error)
{
  const ElvesQueueConfig *config = self->config;
  ElvesStoreOptions options = {
    .url = config->store.url,
    .schema = ELVES_QUEUE_SCHEMA,
    .exclusive = TRUE,
    .queue_limit = config->store.queue_limit,
    .timeout_ms = config->store.timeout_ms,
    .retry_first_ms = config->retry.first_ms,
    .retry_cap_ms = config->retry.cap_ms,
  };
  self->store = elves_store_open (&options, elves_queue_migrations, error);
  return self->store != NULL;
}

static void
make_component (ElvesQueue *self)
{
  ElvesComponentOptions options = {
    .name = NAME,
    .broker = &self->config->mq,
    .retry = &self->config->retry,
    .actions = elves_queue_actions (),
    .metrics = &elves_queue_metrics.component,
    .consuming = elves_queue_desk_on_consuming,
    .user_data = self->desk,
  };
  self->component = elves_component_new (&options);
}

static void
make_outbox (ElvesQueue *self)
{
  ElvesQueueOutboxOptions options = {
    .store = self->store,
    .component = self->component,
    .limits = &self->limits,
    .retry_ms = self->config->retry.cap_ms,
  };
  self->outbox = elves_queue_outbox_new (&options);
  self->herald.outbox = self->outbox;
}

static void
make_watch (ElvesQueue *self)
{
  ElvesQueueWatchOptions options = {
    .store = self->store,
    .limits = &self->limits,
    .herald = &self->herald,
    .history_age_ms = (gint64) self->config->history_age_s * 1000,
    .history_count = self->config->history_count,
  };
  self->watch = elves_queue_watch_new (&options);
}

static void
make_pacer (ElvesQueue *self)
{
  ElvesQueuePacerOptions options = {
    .store = self->store,
    .limits = &self->limits,
    .herald = &self->herald,
    .retry_ms = self->config->retry.cap_ms,
  };
  self->pacer = elves_queue_pacer_new (&options);
  self->herald.pacer = self->pacer;
}

static void
make_canceller (ElvesQueue *self)
{
  ElvesCallerOptions caller = { NAME, &self->config->mq, &self->config->retry,
                                ELVES_CANCELLER_CALLS };
  self->deadlines = elves_deadlines_new ();
  self->caller = elves_caller_new (self->deadlines, &caller);
  ElvesQueueCancellerOptions options = { self->store, self->caller };
  self->canceller = elves_queue_canceller_new (&options);
  self->herald.canceller = self->canceller;
}

static void
make_parts (ElvesQueue *self)
{
  ElvesQueueDeskOptions options = { self->config, &self->limits, self->store, self->daemon };
  self->desk = elves_queue_desk_new (&options);
  make_component (self);
  make_outbox (self);
  elves_queue_desk_set_out (self->desk, self->component, &self->herald);
  make_watch (self);
  make_pacer (self);
  make_canceller (self);
  start_status (self);
  self->tick = g_timeout_add (TICK_MS, on_tick, self);
}

/**
 * elves_queue_new:
 * @config: must outlive it
 * @daemon: told when requests are taken, and when stopping is done
 *
 * Opens the store, which blocks; goes on with what is there; takes requests.
 *
 * Returns: (transfer full): an elves-queue; it connects to the broker on its own
 * Errors: those of elves_store_open()
 */
ElvesQueue *
elves_queue_new (const ElvesQueueConfig *config, ElvesDaemon *daemon, GError **error)
{
  g_autoptr (ElvesQueue) self = g_new0 (ElvesQueue, 1);
  self->config = config;
  self->daemon = daemon;
  self->limits = (ElvesQueueLimits){
    .max_open = config->max_open,
    .max_tasks = config->max_tasks,
    .max_bytes = (gint64) config->max_bytes,
    .grace_ms = (gint64) config->grace_s * 1000,
  };
  if (!open_store (self, error))
    return NULL;
  make_parts (self);
  elves_queue_outbox_kick (self->outbox);
  elves_queue_canceller_kick (self->canceller);
  elves_component_start (self->component);
  return g_steal_pointer (&self);
}

/* ---- the end -------------------------------------------------------------------------------- */

static gboolean
on_drain_check (gpointer user_data)
{
  ElvesQueue *self = user_data;
  guint open = elves_queue_desk_open (self->desk);
  guint unconfirmed = elves_component_outstanding (self->component);
  gboolean busy = open > 0 || unconfirmed > 0 || elves_queue_outbox_is_busy (self->outbox);
  if (busy && g_get_monotonic_time () < self->drain_until_us)
    return G_SOURCE_CONTINUE;
  g_message ("stopped given_back=%u unconfirmed=%u", open, unconfirmed);
  self->drain = 0;
  elves_daemon_quit (self->daemon, 0);
  return G_SOURCE_REMOVE;
}

/**
 * elves_queue_stop:
 * @self: takes no more requests, and quits its daemon when what it has in hand is recorded and
 * published, or shutdown.timeout has passed
 */
void
elves_queue_stop (ElvesQueue *self)
{
  if (self->drain != 0)
    return;
  g_message ("stopping");
  elves_queue_desk_let_go (self->desk);
  elves_component_stop (self->component);
  self->drain_until_us =
      g_get_monotonic_time () + self->config->shutdown_timeout_s * (gint64) G_USEC_PER_SEC;
  self->drain = g_timeout_add (DRAIN_CHECK_MS, on_drain_check, self);
}

/**
 * elves_queue_free:
 * @self: (nullable): an elves-queue, perhaps half built
 *
 * Component and store go first: they may still call the others.
 */
void
elves_queue_free (ElvesQueue *self)
{
  if (self == NULL)
    return;
  if (self->drain != 0)
    g_source_remove (self->drain);
  if (self->tick != 0)
    g_source_remove (self->tick);
  elves_http_status_free (self->status);
  elves_component_free (self->component);
  elves_caller_free (self->caller);
  elves_store_free (self->store);
  elves_queue_canceller_free (self->canceller);
  elves_deadlines_free (self->deadlines);
  elves_queue_pacer_free (self->pacer);
  elves_queue_watch_free (self->watch);
  elves_queue_outbox_free (self->outbox);
  elves_queue_desk_free (self->desk);
  g_free (self);
}
