#include "openapi/door.h"

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
