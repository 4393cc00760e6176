/* The agent's /metrics and /healthz.
 *
 * Healthy: it listens for jobs, and its journal takes what it is given. Whether ZooKeeper is there
 * is a number, not a matter of its health: schedulers go on calling an agent they know.
 *
 * A port that is taken keeps no agent from working: that is logged, and there is no status. */
#include "agent/status.h"

#include "agent/metrics.h"
#include "common/http-status.h"

struct ElvesAgentStatus
{
  ElvesAgentStatusParts parts;
  ElvesHttpStatus *server;
  gboolean stopping;
};

static void
on_metrics (GString *out, gpointer user_data)
{
  ElvesAgentStatus *self = user_data;

  elves_agent_metrics.running = elves_executor_running (self->parts.executor);
  elves_agent_metrics.waiting = elves_executor_waiting (self->parts.executor);
  elves_agent_metrics.outbox_results = elves_outbox_count (self->parts.outbox);
  elves_metrics_write (elves_agent_metric_table, &elves_agent_metrics, out);
}

static gboolean
on_health (GString *out, gpointer user_data)
{
  ElvesAgentStatus *self = user_data;
  g_autoptr (GPtrArray) problems = g_ptr_array_new ();

  if (self->stopping)
    g_ptr_array_add (problems, (gpointer) "stopping: not listening");
  if (elves_agent_metrics.journal_failing != 0)
    g_ptr_array_add (problems, (gpointer) "the journal cannot be written");
  return elves_http_status_write_health (out, "elves-agent", problems);
}

/**
 * elves_agent_status_new:
 * @parts: what it looks at; the struct is copied
 *
 * Returns: (transfer full) (nullable): the status, being served; %NULL when it is switched off, or
 *   cannot be, which is logged
 */
ElvesAgentStatus *
elves_agent_status_new (const ElvesAgentStatusParts *parts)
{
  static const ElvesHttpStatusCallbacks callbacks = { on_metrics, on_health };
  const ElvesAgentConfig *config = parts->config;
  ElvesHttpStatusOptions options = { .host = config->metrics_listen,
                                     .port = (guint16) config->metrics_port,
                                     .allowed = config->metrics_allowed };
  g_autofree ElvesAgentStatus *self = g_new0 (ElvesAgentStatus, 1);

  self->parts = *parts;
  self->server = elves_http_status_serve (&options, &callbacks, self);
  if (self->server == NULL)
    return NULL;
  return g_steal_pointer (&self);
}

/**
 * elves_agent_status_free:
 * @self: (nullable): the status
 */
void
elves_agent_status_free (ElvesAgentStatus *self)
{
  if (self == NULL)
    return;
  elves_http_status_free (self->server);
  g_free (self);
}

/**
 * elves_agent_status_stopping:
 * @self: (nullable): the status
 *
 * From now on /healthz says that the agent stops.
 */
void
elves_agent_status_stopping (ElvesAgentStatus *self)
{
  if (self != NULL)
    self->stopping = TRUE;
}
