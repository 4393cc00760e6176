/* Both prefixes lead to the same: the documentation of taskcenter has the one, its code the other.
 */
#include "openapi/taskcenter-private.h"

#include "common/json-writer.h"

#include <string.h>

#define CONTENT_TYPE "application/json; charset=utf-8"
#define ID_LENGTH 24

typedef struct
{
  const char *name, *method;
  gboolean has_rest;
  ElvesTaskcenterFunc start;
} Endpoint;

static const Endpoint endpoints[] = {
  { "task", "POST", FALSE, elves_taskcenter_add },
  { "add-task", "POST", FALSE, elves_taskcenter_add },
  { "task/stat", "GET", FALSE, elves_taskcenter_stat },
  { "delete-task", "POST", FALSE, elves_taskcenter_delete },
  { "delete-task-by-name", "POST", FALSE, elves_taskcenter_delete_name },
  { "query-task-by-id", "GET", FALSE, elves_taskcenter_query_id },
  { "query-task-by-name", "GET", TRUE, elves_taskcenter_query_name },
};

/* ---- what the endpoints share ---- */

void
elves_taskcenter_ask (ElvesTaskcenter *self,
                      const char *action,
                      GString *body,
                      ElvesCallerFunc func,
                      gpointer user_data)
{
  elves_door_ask (&self->parts, "cron", action, body, func, user_data);
}

char *
elves_taskcenter_failure (const ElvesCallerAnswer *answer, const GError *error)
{
  g_autofree char *flag = NULL;

  if (answer == NULL)
    return g_strdup (error->message);
  flag = elves_json_value_to_text (elves_json_object_get (answer->members, "flag"));
  if (strcmp (flag, "true") == 0)
    return NULL;
  return elves_json_value_to_text (elves_json_object_get (answer->members, "error"));
}

void
elves_taskcenter_answer (ElvesHttpRequest *request, guint status, GString *body)
{
  elves_http_request_answer (request, status, CONTENT_TYPE, body);
}

void
elves_taskcenter_refuse (ElvesHttpRequest *request, guint status, const char *text)
{
  GString *body = g_string_new (NULL);

  elves_json_open (body, NULL);
  elves_json_add_number (body, "err", status);
  elves_json_add_text (body, "msg", text);
  elves_json_close (body);
  elves_taskcenter_answer (request, status, body);
}

ElvesJsonObject *
elves_taskcenter_read (ElvesHttpRequest *request)
{
  g_autoptr (GBytes) body = elves_http_request_body (request);
  gsize length;
  const char *text = g_bytes_get_data (body, &length);
  ElvesJsonObject *members = elves_json_object_parse_first (text != NULL ? text : "", length, NULL);

  if (members == NULL)
    elves_taskcenter_refuse (request, 400, "request body format error");
  return members;
}

gboolean
elves_taskcenter_is_id (const char *text)
{
  return strlen (text) == ID_LENGTH && strspn (text, "0123456789abcdefABCDEF") == ID_LENGTH;
}

/* ---- a request ---- */

/* What is behind the prefix; NULL: it has none of ours. */
static const char *
behind_prefix (const char *path)
{
  static const char *const prefixes[] = { "/v1/api/", "/api/v1/" };

  for (gsize i = 0; i < G_N_ELEMENTS (prefixes); i++)
    if (g_str_has_prefix (path, prefixes[i]))
      return path + strlen (prefixes[i]);
  return NULL;
}

/* What of @path is behind the name and a slash, where there may be such; NULL: another endpoint. */
static const char *
match (const Endpoint *endpoint, const char *path)
{
  gsize length = strlen (endpoint->name);

  if (strcmp (path, endpoint->name) == 0)
    return path + length;
  if (endpoint->has_rest && g_str_has_prefix (path, endpoint->name) && path[length] == '/')
    return path + length + 1;
  return NULL;
}

static gboolean
take (gpointer door, ElvesHttpRequest *request)
{
  const char *path = behind_prefix (elves_http_request_path (request));
  const char *rest = NULL;

  for (gsize i = 0; path != NULL && i < G_N_ELEMENTS (endpoints); i++)
    {
      rest = match (&endpoints[i], path);
      if (rest == NULL)
        continue;
      if (strcmp (elves_http_request_method (request), endpoints[i].method) != 0)
        elves_taskcenter_refuse (request, 405, "method not allowed");
      else
        endpoints[i].start (door, request, rest);
      return TRUE;
    }
  return FALSE;
}

static gpointer
open_door (const ElvesDoorParts *parts)
{
  ElvesTaskcenter *self = g_new0 (ElvesTaskcenter, 1);

  self->parts = *parts;
  return self;
}

const ElvesDoorType elves_taskcenter_door = {
  .name = "taskcenter",
  .settings = G_STRUCT_OFFSET (ElvesOpenapiConfig, taskcenter),
  .open = open_door,
  .close = g_free,
  .take = take,
};
