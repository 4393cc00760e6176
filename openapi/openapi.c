/* Wiring: http-server -> an API that knows the path -> auth -> caller (AMQP) -> the answer. */
#include "openapi/openapi.h"

#include "common/http-status.h"
#include "openapi/errors.h"
#include "openapi/metrics.h"
#include "openapi/v2.h"

#include <string.h>

struct ElvesOpenapi
{
  const ElvesOpenapiConfig *config;
  ElvesDaemon *daemon;
  ElvesDeadlines *deadlines;
  ElvesAddressList *allowed;
  ElvesCaller *caller;
  ElvesAuth *auth;
  ElvesV2 *v2;
  ElvesHttpServer *server;
  ElvesHttpStatus *status; /* (nullable) */
};

/* As the original: a page that leads on to the documentation. */
static const char front_page[] =
    "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Elves</title>"
    "<meta http-equiv=\"refresh\" content=\"5; url=/doc\"></head>"
    "<body><h1>Elves openapi</h1><p><a href=\"/doc\">Documentation</a></p></body></html>\n";

static const char documentation[] =
    "Elves openapi\n\n"
    "/api/v2/rt/exec       ip app func [param timeout proxy]\n"
    "/api/v2/queue/create  app\n"
    "/api/v2/queue/addtask queue_id ip func [mode param timeout proxy depend_task_id]\n"
    "/api/v2/queue/commit|stop|result  queue_id\n"
    "/api/v2/queue/qksqueue ip app func [mode param timeout proxy depend_task_id]\n"
    "/api/v2/cron/add      ip app func rule [mode param timeout proxy]\n"
    "/api/v2/cron/start|stop|delete|detail  cron_id\n"
    "/api/v2/info/app|agents, /api/v2/info/agents/detail  ip [showcron]\n\n"
    "GET or POST (application/x-www-form-urlencoded). Each request is signed: auth_id,\n"
    "timestamp, sign_type (md5, hmac-sha256), sign; or has Authorization: Bearer TOKEN.\n"
    "See elves-openapi(8).\n";

static void
answer_text (ElvesHttpRequest *request, guint status, const char *type, const char *text)
{
  elves_http_request_answer (request, status, type, g_string_new (text));
}

static void
on_request (ElvesHttpRequest *request, gpointer user_data)
{
  ElvesOpenapi *self = user_data;
  const char *path = elves_http_request_path (request);

  elves_openapi_metrics.requests++;
  if (elves_v2_take (self->v2, request))
    return;
  if (strcmp (path, "/") == 0)
    answer_text (request, 200, "text/html;charset=UTF-8", front_page);
  else if (strcmp (path, "/doc") == 0)
    answer_text (request, 200, "text/plain;charset=UTF-8", documentation);
  else
    {
      elves_openapi_metrics.not_found++;
      answer_text (request, 404, "application/json;charset=UTF-8",
                   "{\"flag\":\"false\",\"error\":\"" ELVES_API_NOT_FOUND "\"}");
    }
}

/* ---- status ---- */

static void
on_metrics (GString *out, gpointer user_data)
{
  ElvesOpenapi *self = user_data;

  elves_openapi_metrics.waiting = elves_http_server_waiting (self->server);
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
  /* A request waits for one call at a time. */
  ElvesCallerOptions options = { .name = "openapi",
                                 .broker = &config->mq,
                                 .retry = &config->retry,
                                 .max_calls = config->max_requests };

  self->caller = elves_caller_new (self->deadlines, &options);
}

static gboolean
make_server (ElvesOpenapi *self, GError **error)
{
  static const ElvesHttpServerCallbacks callbacks = { on_request };
  const ElvesOpenapiConfig *config = self->config;
  ElvesHttpServerOptions options = {
    .host = config->listen,
    .port = (guint16) config->port,
    .tls_certificate = config->tls_certificate,
    .tls_key = config->tls_key,
    .max_connections = config->max_connections,
    .max_requests = config->max_requests,
    .max_body_bytes = config->max_body_bytes,
    .client_timeout_s = config->client_timeout_s,
  };

  self->allowed = elves_address_list_parse (config->allowed, error);
  if (self->allowed == NULL)
    return FALSE;
  options.allowed = self->allowed;
  self->server = elves_http_server_new (self->deadlines, &options, &callbacks, self, error);
  if (self->server == NULL)
    return FALSE;
  g_message ("serving HTTP address=%s:%u", config->listen, elves_http_server_port (self->server));
  return TRUE;
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
  self->v2 = elves_v2_new (config, self->auth, self->caller);
  if (!make_server (self, error))
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
  g_message ("stopping waiting=%u", elves_http_server_waiting (self->server));
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
  elves_http_server_free (self->server);
  elves_v2_free (self->v2);
  elves_auth_free (self->auth);
  elves_address_list_free (self->allowed);
  elves_deadlines_free (self->deadlines);
  g_free (self);
}
