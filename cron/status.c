/* /metrics and /healthz of elves-cron.
 *
 * Healthy: the database works, and either it leads, consumes and publishes, or it waits for its
 * election and is connected to ZooKeeper. */
#include "cron/status.h"

#include "common/http-status.h"
#include "cron/metrics.h"

struct ElvesCronStatus
{
  ElvesCronStatusParts parts;
  ElvesHttpStatus *server;
};

static void
measure_store (ElvesCronStatus *self)
{
  ElvesStoreFigures figures;
  elves_store_get_figures (elves_cron_ledger_store (self->parts.ledger), &figures);
  elves_cron_metrics.store_waiting = figures.waiting;
  elves_cron_metrics.store_works = figures.works;
  elves_cron_metrics.store_commits = figures.commits;
  elves_cron_metrics.store_failures = figures.failures;
  elves_cron_metrics.store_refused = figures.refused;
  elves_cron_metrics.store_up = figures.is_failing ? 0 : 1;
}

static void
on_metrics (GString *out, gpointer user_data)
{
  ElvesCronStatus *self = user_data;
  measure_store (self);
  elves_cron_metrics.schedules = elves_cron_metrics.outstanding = 0;
  if (*self->parts.lead != NULL)
    elves_cron_lead_measure (*self->parts.lead);
  elves_metrics_write (elves_cron_metric_table, &elves_cron_metrics, out);
}

static gboolean
on_health (GString *out, gpointer user_data)
{
  ElvesCronStatus *self = user_data;
  g_autoptr (GPtrArray) problems = g_ptr_array_new ();
  gboolean elects = elves_cron_config_elects (self->parts.config);
  measure_store (self);
  if (elves_cron_metrics.store_up == 0)
    g_ptr_array_add (problems, (gpointer) "the database does not work");
  if (elects && elves_cron_metrics.registered == 0)
    g_ptr_array_add (problems, (gpointer) "not connected to ZooKeeper");
  if (*self->parts.lead != NULL && elves_cron_metrics.leading == 0)
    g_ptr_array_add (problems, (gpointer) "taking over");
  else if (*self->parts.lead != NULL)
    elves_cron_lead_add_problems (*self->parts.lead, problems);
  else if (!elects)
    g_ptr_array_add (problems, (gpointer) "not leading");
  return elves_http_status_write_health (out, "elves-cron", problems);
}

/**
 * elves_cron_status_new:
 * @parts: what it looks at; the struct is copied
 *
 * Returns: (transfer full) (nullable): the status, being served; %NULL when it is switched off, or
 *   cannot be, which is logged
 */
ElvesCronStatus *
elves_cron_status_new (const ElvesCronStatusParts *parts)
{
  static const ElvesHttpStatusCallbacks callbacks = { on_metrics, on_health };
  const ElvesStatusConfig *config = &parts->config->metrics;
  ElvesHttpStatusOptions options = { .host = config->listen,
                                     .port = (guint16) config->port,
                                     .allowed = config->allowed };
  g_autofree ElvesCronStatus *self = g_new0 (ElvesCronStatus, 1);
  self->parts = *parts;
  self->server = elves_http_status_serve (&options, &callbacks, self);
  return self->server != NULL ? g_steal_pointer (&self) : NULL;
}

/**
 * elves_cron_status_free:
 * @self: (nullable)
 */
void
elves_cron_status_free (ElvesCronStatus *self)
{
  if (self == NULL)
    return;
  elves_http_status_free (self->server);
  g_free (self);
}
