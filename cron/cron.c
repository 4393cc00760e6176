/* Wiring. A process waits until it leads: at once with a database of its own, else until it is
 * elected; then the lead does everything. When it leads no longer (the election says so, or the
 * fence in the database does) the lead is freed, and the process waits again. What the lead had on
 * its way is in the store, where the next one finds it.
 *
 * A process that waits is ready and healthy: it says so, and what it waits for, at /healthz. */
#include "cron/cron.h"

#include "common/backoff.h"
#include "common/config-check.h"
#include "common/deadlines.h"
#include "common/election.h"
#include "common/names.h"
#include "cron/lead.h"
#include "cron/metrics.h"
#include "cron/status.h"

#include <unistd.h>

enum
{
  DRAIN_CHECK_MS = 20,
  STORE_DRAIN_MS = 5000
};

struct ElvesCron
{
  const ElvesCronConfig *config;
  ElvesDaemon *daemon;
  char *holder;
  ElvesCronLedger *ledger;
  ElvesRegistry *registry; /* (nullable) no election */
  ElvesElection *election; /* (nullable) */
  ElvesCronLead *lead;     /* (nullable) while it waits */
  ElvesCronStatus *status; /* (nullable) none is served */
  gboolean is_elected;     /* or needs no election */
  GSource *step;           /* (nullable) the lead begins or ends outside of its own callbacks */
  guint attempt;
  GSource *drain; /* (nullable) while stopping */
  gint64 drain_until_us;
};

static void plan_step (ElvesCron *self, guint delay_ms);

/* ---- leading -------------------------------------------------------------------------------- */

static void
on_lead_ready (gpointer user_data)
{
  ElvesCron *self = user_data;
  self->attempt = 0;
  elves_cron_metrics.leading = 1;
  elves_cron_metrics.elections++;
  elves_daemon_ready (self->daemon);
}

static void
end_lead (ElvesCron *self)
{
  elves_cron_metrics.leading = 0;
  elves_cron_lead_free (g_steal_pointer (&self->lead));
}

/* It leads no more, or could not begin to: from within a callback of the lead. */
static void
depose (ElvesCron *self, const char *why)
{
  guint delay_ms = elves_backoff_delay_ms (self->attempt++, self->config->retry.first_ms,
                                           self->config->retry.cap_ms, g_random_double ());
  if (self->lead == NULL)
    return;
  g_warning ("not leading: %s", why);
  elves_cron_metrics.depositions += elves_cron_metrics.leading;
  elves_cron_metrics.leading = 0;
  elves_cron_lead_stop (self->lead);
  plan_step (self, delay_ms);
}

static void
on_lead_failed (const GError *error, gpointer user_data)
{
  depose (user_data, error->message);
}

static void
on_deposed (gpointer user_data)
{
  depose (user_data, "another elves-cron has taken over");
}

static const ElvesCronLeadCallbacks lead_callbacks = { on_lead_ready, on_lead_failed };

static void
begin_lead (ElvesCron *self)
{
  g_autoptr (GError) error = NULL;
  self->lead = elves_cron_lead_new (self->config, self->ledger, &lead_callbacks, self, &error);
  if (self->lead != NULL)
    return;
  g_warning ("cannot lead: %s", error->message);
  plan_step (self, self->config->retry.cap_ms);
}

/* Makes what is out of what should be; a lead that was deposed is replaced by a new one if this
   process is still the elected one. */
static gboolean
on_step (gpointer user_data)
{
  ElvesCron *self = user_data;
  g_clear_pointer (&self->step, g_source_unref);
  if (self->lead != NULL)
    end_lead (self);
  if (self->is_elected && self->drain == NULL)
    begin_lead (self);
  return G_SOURCE_REMOVE;
}

static void
cancel_step (ElvesCron *self)
{
  if (self->step == NULL)
    return;
  g_source_destroy (self->step);
  g_clear_pointer (&self->step, g_source_unref);
}

static void
plan_step (ElvesCron *self, guint delay_ms)
{
  cancel_step (self);
  self->step = g_timeout_source_new (delay_ms);
  g_source_set_callback (self->step, on_step, self, NULL);
  g_source_attach (self->step, g_main_context_get_thread_default ());
}

/* ---- the election --------------------------------------------------------------------------- */

static void
on_election (gboolean leads, gpointer user_data)
{
  ElvesCron *self = user_data;
  self->is_elected = leads;
  g_message (leads ? "elected" : "no longer elected");
  elves_cron_metrics.depositions += !leads && elves_cron_metrics.leading != 0 ? 1 : 0;
  if (!leads && self->lead != NULL)
    elves_cron_lead_stop (self->lead);
  plan_step (self, 0);
}

static void
on_registry_state (ElvesRegistry *registry,
                   gboolean connected,
                   const char *detail,
                   gpointer user_data)
{
  ElvesCron *self = user_data;
  elves_cron_metrics.registered = connected;
  if (connected)
    g_message ("connected to ZooKeeper");
  else
    g_warning ("not connected to ZooKeeper: %s", detail != NULL ? detail : "no answer yet");
  if (self->election != NULL)
    elves_election_connected (self->election, connected);
}

static const ElvesRegistryCallbacks registry_callbacks = { on_registry_state };

static gboolean
stand_for_election (ElvesCron *self, GError **error)
{
  const ElvesRegistryConfig *zookeeper = &self->config->zookeeper;
  ElvesRegistrySettings settings = {
    .hosts = zookeeper->host,
    .root = zookeeper->root,
    .session_timeout_ms = zookeeper->session_ms,
    .retry_first_ms = self->config->retry.first_ms,
    .retry_cap_ms = self->config->retry.cap_ms,
  };
  self->registry = elves_registry_new (&settings, &registry_callbacks, self, error);
  if (self->registry == NULL)
    return FALSE;
  self->election = elves_election_new (self->registry, ELVES_ZNODE_CRON, self->holder,
                                       zookeeper->session_ms, on_election, self);
  elves_daemon_ready (self->daemon);
  return TRUE;
}

/* ---- from start to end ---------------------------------------------------------------------- */

static gboolean
open_ledger (ElvesCron *self, GError **error)
{
  ElvesCronLedgerOptions options = {
    .url = self->config->store_url,
    .exclusive = !elves_cron_config_elects (self->config),
    .holder = self->holder,
    .queue_limit = self->config->store_queue,
    .timeout_ms = self->config->store_timeout_ms,
    .retry_first_ms = self->config->retry.first_ms,
    .retry_cap_ms = self->config->retry.cap_ms,
  };
  self->ledger = elves_cron_ledger_open (&options, error);
  if (self->ledger == NULL)
    return FALSE;
  elves_cron_ledger_on_deposed (self->ledger, on_deposed, self);
  return TRUE;
}

static void
start_status (ElvesCron *self)
{
  ElvesCronStatusParts parts = { .config = self->config,
                                 .ledger = self->ledger,
                                 .lead = &self->lead };
  self->status = elves_cron_status_new (&parts);
}

/**
 * elves_cron_new:
 * @config: must outlive it
 * @daemon: told when it works, or waits for its election, and when stopping is done
 * @error: why it cannot start
 *
 * Returns: (transfer full): elves-cron; it connects on its own.
 */
ElvesCron *
elves_cron_new (const ElvesCronConfig *config, ElvesDaemon *daemon, GError **error)
{
  g_autoptr (ElvesCron) self = g_new0 (ElvesCron, 1);
  self->config = config;
  self->daemon = daemon;
  self->holder = g_strdup_printf ("%s:%d", g_get_host_name (), (int) getpid ());
  if (!open_ledger (self, error))
    return NULL;
  start_status (self);
  if (elves_cron_config_elects (config))
    return stand_for_election (self, error) ? g_steal_pointer (&self) : NULL;
  self->is_elected = TRUE;
  begin_lead (self);
  return g_steal_pointer (&self);
}

static gboolean
on_drain_check (gpointer user_data)
{
  ElvesCron *self = user_data;
  guint outstanding = self->lead != NULL ? elves_cron_lead_outstanding (self->lead) : 0;
  if (outstanding > 0 && g_get_monotonic_time () < self->drain_until_us)
    return G_SOURCE_CONTINUE;
  g_message ("stopped outstanding=%u", outstanding);
  elves_daemon_quit (self->daemon, 0);
  return G_SOURCE_REMOVE;
}

/**
 * elves_cron_stop:
 *
 * Fires nothing more, and quits its daemon when what is on its way is out, or shutdown.timeout has
 * passed: then the next one finds it.
 */
void
elves_cron_stop (ElvesCron *self)
{
  if (self->drain != NULL)
    return;
  g_message ("stopping");
  cancel_step (self);
  if (self->lead != NULL)
    elves_cron_lead_stop (self->lead);
  self->drain_until_us =
      g_get_monotonic_time () + self->config->shutdown_timeout_s * (gint64) G_USEC_PER_SEC;
  self->drain = g_timeout_source_new (DRAIN_CHECK_MS);
  g_source_set_callback (self->drain, on_drain_check, self, NULL);
  g_source_attach (self->drain, g_main_context_get_thread_default ());
}

/**
 * elves_cron_free:
 * @self: (nullable): perhaps half built
 *
 * The lead ends before its candidature does: who comes next begins after it.
 */
void
elves_cron_free (ElvesCron *self)
{
  if (self == NULL)
    return;
  cancel_step (self);
  if (self->drain != NULL)
    {
      g_source_destroy (self->drain);
      g_source_unref (self->drain);
    }
  elves_cron_status_free (self->status);
  elves_cron_lead_free (self->lead);
  if (self->ledger != NULL)
    elves_store_drain (elves_cron_ledger_store (self->ledger), STORE_DRAIN_MS);
  elves_registry_free (self->registry);
  elves_election_free (self->election);
  elves_cron_ledger_free (self->ledger);
  g_free (self->holder);
  g_free (self);
}
