/* The scheduler's /metrics and /healthz.
 *
 * Healthy: it consumes, it publishes, and it is connected to ZooKeeper, where it uses one. A
 * scheduler that has been told to stop consumes no more: load goes elsewhere.
 *
 * A port that is taken keeps no scheduler from working: that is logged, and there is no status. */
#include "scheduler/status.h"

#include "common/http-status.h"
#include "scheduler/metrics.h"

struct ElvesSchedulerStatus
{
  ElvesSchedulerStatusParts parts;
  ElvesHttpStatus *server;
};

static void
on_metrics (GString *out, gpointer user_data)
{
  ElvesSchedulerStatus *self = user_data;
  guint connected, waiting;

  elves_agent_pool_count (self->parts.pool, &connected, &waiting);
  elves_scheduler_metrics.in_flight = elves_job_table_size (self->parts.jobs);
  elves_scheduler_metrics.unconfirmed = elves_amqp_publisher_outstanding (self->parts.publisher);
  elves_scheduler_metrics.agents_registered = elves_agent_table_size (self->parts.agents);
  elves_scheduler_metrics.agents_with_journal = elves_agent_table_journals (self->parts.agents);
  elves_scheduler_metrics.agents_connected = connected;
  elves_scheduler_metrics.calls_waiting = waiting;
  elves_metrics_write (elves_scheduler_metric_table, &elves_scheduler_metrics, out);
}

static gboolean
on_health (GString *out, gpointer user_data)
{
  ElvesSchedulerStatus *self = user_data;
  g_autoptr (GPtrArray) problems = g_ptr_array_new ();

  if (elves_scheduler_metrics.consuming == 0)
    g_ptr_array_add (problems, (gpointer) "not consuming");
  if (elves_scheduler_metrics.publishing == 0)
    g_ptr_array_add (problems, (gpointer) "not publishing");
  if (elves_scheduler_config_uses_registry (self->parts.config) &&
      elves_scheduler_metrics.registered == 0)
    g_ptr_array_add (problems, (gpointer) "not connected to ZooKeeper");
  return elves_http_status_write_health (out, "elves-scheduler", problems);
}

/**
 * elves_scheduler_status_new:
 * @parts: what it looks at; the struct is copied
 *
 * Returns: (transfer full) (nullable): the status, being served; %NULL when it is switched off, or
 *   cannot be, which is logged
 */
ElvesSchedulerStatus *
elves_scheduler_status_new (const ElvesSchedulerStatusParts *parts)
{
  static const ElvesHttpStatusCallbacks callbacks = { on_metrics, on_health };
  const ElvesSchedulerConfig *config = parts->config;
  ElvesHttpStatusOptions options = { .host = config->metrics_listen,
                                     .port = (guint16) config->metrics_port,
                                     .allowed = config->metrics_allowed };
  g_autofree ElvesSchedulerStatus *self = g_new0 (ElvesSchedulerStatus, 1);

  self->parts = *parts;
  self->server = elves_http_status_serve (&options, &callbacks, self);
  if (self->server == NULL)
    return NULL;
  return g_steal_pointer (&self);
}

/**
 * elves_scheduler_status_free:
 * @self: (nullable): the status
 */
void
elves_scheduler_status_free (ElvesSchedulerStatus *self)
{
  if (self == NULL)
    return;

  elves_http_status_free (self->server);
  g_free (self);
}
