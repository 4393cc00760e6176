/* Which path is what, and the form of all answers. Errors have status 200 and a code, as clients
 * expect it; but a task that is not there 404, and 503 when elves-cron cannot be asked. */
#include "openapi/qbasecron-private.h"

#include "common/json-writer.h"

#include <string.h>

#define PREFIX "/api/v0.1.0/"
#define TASK_PREFIX PREFIX "tasks/"
#define SEND_SUFFIX "/request/send"

typedef struct
{
  const char *method;
  const char *path; /* "*": one word, the id */
  void (*start) (ElvesQbasecronCall *call);
} Route;

static const Route routes[] = {
  { "POST", PREFIX "tasks", elves_qbasecron_create },
  { "GET", PREFIX "tasks", elves_qbasecron_list },
  { "GET", TASK_PREFIX "*", elves_qbasecron_detail },
  { "DELETE", TASK_PREFIX "*", elves_qbasecron_remove },
  { "GET", TASK_PREFIX "*" SEND_SUFFIX, elves_qbasecron_send },
  { "POST", PREFIX "push", elves_qbasecron_push },
  { "POST", PREFIX "push/api", elves_qbasecron_push },
};

/* ---- answers ---- */

static void
call_free (ElvesQbasecronCall *call)
{
  g_free (call->id);
  g_clear_pointer (&call->seen, g_hash_table_unref);
  if (call->body != NULL)
    g_string_free (call->body, TRUE);
  g_free (call);
}

static void
add_status (GString *body, guint code, const char *message)
{
  elves_json_open (body, "status");
  elves_json_add_number (body, "code", code);
  elves_json_add_text (body, "msg", message);
  elves_json_close (body);
}

void
elves_qbasecron_answer (ElvesQbasecronCall *call,
                        guint status,
                        GString *body,
                        guint code,
                        const char *message)
{
  add_status (body, code, message);
  elves_json_close (body);
  elves_door_answer (call->request, status, body);
  call_free (call);
}

void
elves_qbasecron_refuse (ElvesQbasecronCall *call, guint status, guint code, const char *message)
{
  GString *body = g_string_new (NULL);

  elves_json_open (body, NULL);
  elves_qbasecron_answer (call, status, body, code, message);
}

void
elves_qbasecron_not_found (ElvesQbasecronCall *call)
{
  elves_qbasecron_refuse (call, 404, ELVES_QBASECRON_NOT_FOUND, "not found");
}

void
elves_qbasecron_fail (ElvesQbasecronCall *call, const char *why)
{
  g_info ("a request failed path=%s: %s", elves_http_request_path (call->request), why);
  elves_qbasecron_refuse (call, 503, ELVES_QBASECRON_UNAVAILABLE, why);
}

ElvesParameters *
elves_qbasecron_read (ElvesQbasecronCall *call)
{
  g_autoptr (GError) error = NULL;
  ElvesParameters *parameters = elves_door_read_parameters (call->request, &error);

  if (parameters == NULL)
    elves_qbasecron_refuse (call, 200, ELVES_QBASECRON_BAD, error->message);
  return parameters;
}

/* ---- requests ---- */

/* @out_id: (nullable): what stands for the star. */
static gboolean
matches (const char *pattern, const char *path, char **out_id)
{
  const char *star = strchr (pattern, '*');
  gsize before = star != NULL ? (gsize) (star - pattern) : 0, length;

  if (star == NULL)
    return strcmp (pattern, path) == 0;
  if (strncmp (pattern, path, before) != 0)
    return FALSE;
  length = strcspn (path + before, "/");
  if (length == 0 || strcmp (star + 1, path + before + length) != 0)
    return FALSE;
  g_free (*out_id);
  *out_id = g_strndup (path + before, length);
  return TRUE;
}

/* NULL: none; @out_is_path: but another method has this path. */
static const Route *
find_route (const char *method, const char *path, char **out_id, gboolean *out_is_path)
{
  for (gsize i = 0; i < G_N_ELEMENTS (routes); i++)
    if (matches (routes[i].path, path, out_id))
      {
        *out_is_path = TRUE;
        if (strcmp (routes[i].method, method) == 0)
          return &routes[i];
      }
  return NULL;
}

static void
start (ElvesQbasecron *self, ElvesHttpRequest *request, const Route *route, char *id)
{
  ElvesQbasecronCall *call = g_new0 (ElvesQbasecronCall, 1);

  *call = (ElvesQbasecronCall){ .door = self, .request = request, .id = id };
  if (route != NULL)
    route->start (call);
  else
    elves_qbasecron_refuse (call, 405, ELVES_QBASECRON_METHOD, "method not allowed");
}

/* A slash at the end does not count. */
static gboolean
take (gpointer door, ElvesHttpRequest *request)
{
  g_autofree char *path = g_strdup (elves_http_request_path (request));
  g_autofree char *id = NULL;
  gboolean is_path = FALSE;
  const Route *route;

  if (!g_str_has_prefix (path, PREFIX))
    return FALSE;
  if (g_str_has_suffix (path, "/"))
    path[strlen (path) - 1] = '\0';
  route = find_route (elves_http_request_method (request), path, &id, &is_path);
  if (!is_path)
    return FALSE;
  start (door, request, route, g_steal_pointer (&id));
  return TRUE;
}

/* Before it is a call: there are too many, or it is too large. */
static GString *
refusal (const char *path, guint status, const char *why, const char **out_content_type)
{
  GString *body;

  if (!g_str_has_prefix (path, PREFIX))
    return NULL;
  body = g_string_new (NULL);
  elves_json_open (body, NULL);
  add_status (body, ELVES_QBASECRON_HTTP + status, why);
  elves_json_close (body);
  *out_content_type = ELVES_DOOR_CONTENT_TYPE;
  return body;
}

/* ---- from start to end ---- */

/* elves-cron may have another zone: it is told ours by name, if it has one. */
static void
find_zone (ElvesQbasecron *self)
{
  self->zone = elves_zone_get (self->parts.config->qbasecron_timezone, NULL);
  self->zone_name = elves_zone_name (self->zone);
  if (elves_zone_get (self->zone_name, NULL) == NULL)
    self->zone_name = "";
}

static gpointer
open_door (const ElvesDoorParts *parts)
{
  ElvesQbasecron *self = g_new0 (ElvesQbasecron, 1);

  self->parts = *parts;
  self->turns = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  find_zone (self);
  if (parts->config->qbasecron_push_driver == ELVES_PUSH_LOG)
    {
      self->driver = &elves_push_log_driver;
      self->push = self->driver->open (parts->config);
    }
  return self;
}

static void
close_door (gpointer door)
{
  ElvesQbasecron *self = door;

  if (self->push != NULL)
    self->driver->close (self->push);
  g_hash_table_unref (self->turns);
  g_free (self);
}

const ElvesDoorType elves_qbasecron_door = { .name = "qbasecron",
                                             .settings =
                                                 G_STRUCT_OFFSET (ElvesOpenapiConfig, qbasecron),
                                             .open = open_door,
                                             .close = close_door,
                                             .take = take,
                                             .refusal = refusal };
