/* Wiring: http-server -> the door that knows the path -> auth -> caller (AMQP) -> the answer. */
#include "openapi/openapi.h"

#include "common/http-status.h"
#include "openapi/doors.h"
#include "openapi/metrics.h"

struct ElvesOpenapi
{
  const ElvesOpenapiConfig *config;
  ElvesDaemon *daemon;
  ElvesDeadlines *deadlines;
  ElvesCaller *caller;
  ElvesAuth *auth;
  ElvesDoors *doors;
  ElvesHttpStatus *status; /* (nullable) */
};

/* ---- status ---- */

static void
on_metrics (GString *out, gpointer user_data)
{
  ElvesOpenapi *self = user_data;

  elves_openapi_metrics.waiting = elves_doors_waiting (self->doors);
  elves_openapi_metrics.streams = elves_doors_streams (self->doors);
  elves_openapi_metrics.calls = elves_caller_waiting (self->caller);
  elves_openapi_metrics.connected = elves_caller_is_connected (self->caller);
  elves_metrics_write (elves_openapi_metric_table, &elves_openapi_metrics, out);
}

static gboolean
on_health (GString *out, gpointer user_data)
{
  ElvesOpenapi *self = user_data;
  g_autoptr (GPtrArray) problems = g_ptr_array_new ();

  if (!elves_caller_is_connected (self->caller))
    g_ptr_array_add (problems, (gpointer) "not connected to the broker");
  return elves_http_status_write_health (out, "elves-openapi", problems);
}

static void
start_status (ElvesOpenapi *self)
{
  static const ElvesHttpStatusCallbacks callbacks = { on_metrics, on_health };
  const ElvesStatusConfig *metrics = &self->config->metrics;
  ElvesHttpStatusOptions options = { .host = metrics->listen,
                                     .port = (guint16) metrics->port,
                                     .allowed = metrics->allowed };

  self->status = elves_http_status_serve (&options, &callbacks, self);
}

/* ---- from start to end ---- */

static void
make_caller (ElvesOpenapi *self)
{
  const ElvesOpenapiConfig *config = self->config;
  /* A request waits for one call at a time, and so does a stream. */
  ElvesCallerOptions options = { .name = "openapi",
                                 .broker = &config->mq,
                                 .retry = &config->retry,
                                 .max_calls = config->max_requests + config->max_streams };

  self->caller = elves_caller_new (self->deadlines, &options);
}

static gboolean
open_doors (ElvesOpenapi *self, GError **error)
{
  ElvesDoorParts parts = { self->config, self->deadlines, self->caller, self->auth };

  self->doors = elves_doors_open (&parts, error);
  return self->doors != NULL;
}

/**
 * elves_openapi_new:
 * @config: must outlive it
 * @daemon: told when it serves
 * @error: why it cannot start
 *
 * Returns: (transfer full): serving
 */
ElvesOpenapi *
elves_openapi_new (const ElvesOpenapiConfig *config, ElvesDaemon *daemon, GError **error)
{
  g_autoptr (ElvesOpenapi) self = g_new0 (ElvesOpenapi, 1);

  self->config = config;
  self->daemon = daemon;
  self->deadlines = elves_deadlines_new ();
  make_caller (self);
  self->auth = elves_auth_new (config, self->caller);
  if (!open_doors (self, error))
    return NULL;
  start_status (self);
  elves_daemon_ready (daemon);
  return g_steal_pointer (&self);
}

/**
 * elves_openapi_stop:
 */
void
elves_openapi_stop (ElvesOpenapi *self)
{
  g_message ("stopping waiting=%u", elves_doors_waiting (self->doors));
  elves_daemon_quit (self->daemon, 0);
}

/**
 * elves_openapi_free:
 * @self: (nullable): perhaps half built
 */
void
elves_openapi_free (ElvesOpenapi *self)
{
  if (self == NULL)
    return;
  elves_http_status_free (self->status);
  elves_caller_free (self->caller);
  elves_doors_free (self->doors);
  elves_auth_free (self->auth);
  elves_deadlines_free (self->deadlines);
  g_free (self);
}
