/* A listener has the doors behind it in order; the first that knows the path takes the request. The
 * listener of server.port has those without a port of their own. */
#include "openapi/doors.h"

#include "openapi/errors.h"
#include "openapi/metrics.h"
#include "openapi/qbasecron.h"
#include "openapi/romens.h"
#include "openapi/taskcenter.h"
#include "openapi/v2.h"
#include "openapi/v3.h"

#include <string.h>

typedef struct
{
  const ElvesDoorType *type;
  gpointer door;
} Door;

typedef struct
{
  ElvesDoors *doors;
  GArray *behind;   /* of Door */
  gboolean is_main; /* has the front page */
  ElvesAddressList *allowed;
  ElvesHttpServer *server;
} Listener;

struct ElvesDoors
{
  ElvesDoorParts parts;
  GPtrArray *listeners; /* of Listener; the first is that of server.port */
};

static const ElvesDoorType *const types[] = {
  &elves_v2_door, &elves_v3_door, &elves_taskcenter_door, &elves_romens_door, &elves_qbasecron_door,
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

/* ---- requests ---- */

static void
answer_text (ElvesHttpRequest *request, guint status, const char *type, const char *text)
{
  elves_http_request_answer (request, status, type, g_string_new (text));
}

static void
answer_without_door (const Listener *self, ElvesHttpRequest *request)
{
  const char *path = elves_http_request_path (request);

  if (self->is_main && strcmp (path, "/") == 0)
    answer_text (request, 200, "text/html;charset=UTF-8", front_page);
  else if (self->is_main && strcmp (path, "/doc") == 0)
    answer_text (request, 200, "text/plain;charset=UTF-8", documentation);
  else
    {
      elves_openapi_metrics.not_found++;
      elves_door_answer (
          request, 404,
          g_string_new ("{\"flag\":\"false\",\"error\":\"" ELVES_API_NOT_FOUND "\"}"));
    }
}

static void
on_request (ElvesHttpRequest *request, gpointer user_data)
{
  const Listener *self = user_data;

  elves_openapi_metrics.requests++;
  for (guint i = 0; i < self->behind->len; i++)
    {
      const Door *door = &g_array_index (self->behind, Door, i);
      if (door->type->take (door->door, request))
        return;
    }
  answer_without_door (self, request);
}

static GString *
on_refusal (const char *path,
            guint status,
            const char *why,
            const char **out_content_type,
            gpointer user_data)
{
  const Listener *self = user_data;
  GString *body = NULL;

  for (guint i = 0; i < self->behind->len && body == NULL; i++)
    {
      const Door *door = &g_array_index (self->behind, Door, i);
      if (door->type->refusal != NULL)
        body = door->type->refusal (path, status, why, out_content_type);
    }
  if (body != NULL)
    return body;
  body = g_string_new (NULL);
  g_string_printf (body, "{\"flag\":\"false\",\"error\":\"[%u]%s\"}", status, why);
  *out_content_type = ELVES_DOOR_CONTENT_TYPE;
  return body;
}

/* ---- from start to end ---- */

static void
listener_free (gpointer data)
{
  Listener *self = data;

  elves_http_server_free (self->server);
  for (guint i = 0; i < self->behind->len; i++)
    {
      Door *door = &g_array_index (self->behind, Door, i);
      door->type->close (door->door);
    }
  g_array_unref (self->behind);
  elves_address_list_free (self->allowed);
  g_free (self);
}

static Listener *
add_listener (ElvesDoors *self, gboolean is_main)
{
  Listener *listener = g_new0 (Listener, 1);

  listener->doors = self;
  listener->is_main = is_main;
  listener->behind = g_array_new (FALSE, FALSE, sizeof (Door));
  g_ptr_array_add (self->listeners, listener);
  return listener;
}

static gboolean
listen_on (Listener *self, const char *host, guint port, const char *allowed, GError **error)
{
  static const ElvesHttpServerCallbacks callbacks = { on_request, on_refusal };
  const ElvesDoorParts *parts = &self->doors->parts;
  const ElvesOpenapiConfig *config = parts->config;
  ElvesHttpServerOptions options = {
    .host = host,
    .port = (guint16) port,
    .tls_certificate = config->tls_certificate,
    .tls_key = config->tls_key,
    .max_connections = config->max_connections,
    .max_requests = config->max_requests,
    .max_streams = config->max_streams,
    .max_body_bytes = config->max_body_bytes,
    .client_timeout_s = config->client_timeout_s,
  };

  self->allowed = elves_address_list_parse (allowed, error);
  if (self->allowed == NULL)
    return FALSE;
  options.allowed = self->allowed;
  self->server = elves_http_server_new (parts->deadlines, &options, &callbacks, self, error);
  if (self->server != NULL)
    g_message ("serving HTTP address=%s:%u", host, elves_http_server_port (self->server));
  return self->server != NULL;
}

static gboolean
open_door (ElvesDoors *self, const ElvesDoorType *type, GError **error)
{
  const ElvesDoorConfig *settings =
      type->settings < 0 ? NULL : G_STRUCT_MEMBER_P (self->parts.config, type->settings);
  Listener *listener = self->listeners->pdata[0];
  Door door = { .type = type };

  if (settings != NULL && !settings->enabled)
    return TRUE;
  if (settings != NULL && settings->port != 0)
    listener = add_listener (self, FALSE);
  door.door = type->open (&self->parts);
  g_array_append_val (listener->behind, door);
  return listener->is_main ||
         listen_on (listener, settings->listen, settings->port, settings->allowed, error);
}

/**
 * elves_doors_open:
 * @parts: copied; what it names outlives the doors, but for the caller
 *
 * Returns: (transfer full): serving
 */
ElvesDoors *
elves_doors_open (const ElvesDoorParts *parts, GError **error)
{
  const ElvesOpenapiConfig *config = parts->config;
  g_autoptr (ElvesDoors) self = g_new0 (ElvesDoors, 1);
  Listener *main_listener;

  self->parts = *parts;
  self->listeners = g_ptr_array_new_with_free_func (listener_free);
  main_listener = add_listener (self, TRUE);
  for (gsize i = 0; i < G_N_ELEMENTS (types); i++)
    if (!open_door (self, types[i], error))
      return NULL;
  if (!listen_on (main_listener, config->listen, config->port, config->allowed, error))
    return NULL;
  return g_steal_pointer (&self);
}

/**
 * elves_doors_free:
 * @self: (nullable): perhaps half opened
 */
void
elves_doors_free (ElvesDoors *self)
{
  if (self == NULL)
    return;
  g_ptr_array_unref (self->listeners);
  g_free (self);
}

guint
elves_doors_waiting (const ElvesDoors *self)
{
  guint waiting = 0;

  for (guint i = 0; i < self->listeners->len; i++)
    {
      const Listener *listener = self->listeners->pdata[i];
      waiting += listener->server != NULL ? elves_http_server_waiting (listener->server) : 0;
    }
  return waiting;
}

guint
elves_doors_streams (const ElvesDoors *self)
{
  guint streams = 0;

  for (guint i = 0; i < self->listeners->len; i++)
    {
      const Listener *listener = self->listeners->pdata[i];
      streams += listener->server != NULL ? elves_http_server_streams (listener->server) : 0;
    }
  return streams;
}
