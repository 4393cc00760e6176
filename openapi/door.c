#include "openapi/door.h"

#include <string.h>

void
elves_door_ask (const ElvesDoorParts *parts,
                const char *to,
                const char *action,
                GString *body,
                ElvesCallerFunc func,
                gpointer user_data)
{
  ElvesCallerRequest request = { to, action, body, parts->config->call_timeout_ms };

  elves_caller_call (parts->caller, &request, func, user_data);
  g_string_free (body, TRUE);
}

void
elves_door_answer (ElvesHttpRequest *request, guint status, GString *body)
{
  elves_http_request_answer (request, status, ELVES_DOOR_CONTENT_TYPE, body);
}

ElvesJsonObject *
elves_door_read_json (const ElvesHttpRequest *request, GError **error)
{
  g_autoptr (GBytes) body = elves_http_request_body (request);
  gsize length;
  const char *text = g_bytes_get_data (body, &length);

  return elves_json_object_parse (text != NULL ? text : "", length, error);
}

/* By its type; without one, by its first character. */
static gboolean
is_json (const ElvesHttpRequest *request, const char *text, gsize length)
{
  const char *type = elves_http_request_header (request, "Content-Type");

  if (type == NULL)
    return length > 0 && *text == '{';
  return g_ascii_strncasecmp (type, "application/json", strlen ("application/json")) == 0;
}

ElvesParameters *
elves_door_read_parameters (const ElvesHttpRequest *request, GError **error)
{
  g_autoptr (ElvesParameters) parameters = elves_parameters_new ();
  g_autoptr (GBytes) body = elves_http_request_body (request);
  const char *query = elves_http_request_query (request);
  gsize length;
  const char *text = g_bytes_get_data (body, &length);
  gboolean ok = query == NULL || elves_parameters_add (parameters, query, strlen (query), error);

  if (ok && length > 0)
    ok = is_json (request, text, length)
             ? elves_parameters_add_json (parameters, text, length, error)
             : elves_parameters_add (parameters, text, length, error);
  return ok ? g_steal_pointer (&parameters) : NULL;
}
