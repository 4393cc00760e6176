/* What becomes of a request, in the order of the original's filters: signature and rights (auth.c),
 * whether the module is switched on, the parameters, and then its endpoint. Whatever was understood
 * has HTTP status 200; "flag" says how it went. */
#include "openapi/v2-private.h"

#include "common/crash-point.h"
#include "common/json-writer.h"
#include "openapi/errors.h"

#include <string.h>

#define PREFIX "/api/v2/"
#define BEARER "Bearer"

struct ElvesV2
{
  ElvesDoorParts parts;
};

static void
call_free (ElvesV2Call *self)
{
  elves_parameters_free (self->parameters);
  g_free (self->auth_id);
  g_free (self->id);
  g_free (self->task_id);
  if (self->agent != NULL)
    g_string_free (self->agent, TRUE);
  g_free (self);
}

const ElvesOpenapiConfig *
elves_v2_call_config (const ElvesV2Call *self)
{
  return self->api->parts.config;
}

void
elves_v2_call_answer (ElvesV2Call *self, GString *body)
{
  ELVES_CRASH_POINT ("openapi-before-answer");
  elves_door_answer (self->request, 200, body);
  call_free (self);
}

static GString *
refusal (const char *error_text)
{
  GString *body = g_string_new (NULL);

  elves_json_open (body, NULL);
  elves_json_add_text (body, "flag", "false");
  elves_json_add_text (body, "error", error_text);
  elves_json_close (body);
  return body;
}

void
elves_v2_call_refuse (ElvesV2Call *self, const char *error_text)
{
  elves_v2_call_answer (self, refusal (error_text));
}

void
elves_v2_call_fail (ElvesV2Call *self, const GError *error)
{
  g_autofree char *text = elves_api_failure_text (error);

  g_info ("a request failed path=%s: %s", self->endpoint->path, error->message);
  elves_v2_call_refuse (self, text);
}

void
elves_v2_call_ask (ElvesV2Call *self,
                   const char *to,
                   const char *action,
                   GString *body,
                   guint timeout_ms,
                   ElvesCallerFunc func)
{
  ElvesCallerRequest request = { to, action, body, timeout_ms };

  ELVES_CRASH_POINT ("openapi-before-ask");
  elves_caller_call (self->api->parts.caller, &request, func, self);
  g_string_free (body, TRUE);
}

/* ---- the checks ---- */

/* NULL: it is served. */
static const char *
module_refusal (const ElvesV2Call *self)
{
  const ElvesOpenapiConfig *config = self->api->parts.config;
  const char *path = self->endpoint->path + strlen (PREFIX);

  if (g_str_has_prefix (path, "cron/") && !config->cron_enabled)
    return ELVES_API_NO_CRON;
  if (g_str_has_prefix (path, "queue/") && !config->queue_enabled)
    return ELVES_API_NO_QUEUE;
  if (g_str_has_prefix (path, "info/") && !elves_openapi_config_asks_supervisor (config))
    return ELVES_API_NO_SUPERVISOR;
  return NULL;
}

static const char *
parameter_refusal (const ElvesV2Call *self)
{
  const ElvesV2Check *const *check = self->endpoint->checks;

  for (; *check != NULL; check++)
    if (!(*check)->is_valid (elves_parameters_get (self->parameters, (*check)->name)))
      {
        if (self->api->parts.config->swapped_codes && (*check)->original_text != NULL)
          return (*check)->original_text;
        return (*check)->error_text;
      }
  return NULL;
}

static void
on_checked (const char *auth_id, const char *error_text, gpointer user_data)
{
  ElvesV2Call *self = user_data;

  if (error_text == NULL)
    error_text = module_refusal (self);
  if (error_text == NULL)
    error_text = parameter_refusal (self);
  if (error_text != NULL)
    {
      elves_v2_call_refuse (self, error_text);
      return;
    }
  self->auth_id = g_strdup (auth_id);
  self->endpoint->start (self);
}

/* ---- a request ---- */

static gboolean
is_form (const ElvesHttpRequest *request)
{
  const char *type = elves_http_request_header (request, "Content-Type");

  return type != NULL && g_ascii_strncasecmp (type, "application/x-www-form-urlencoded", 33) == 0;
}

static ElvesParameters *
read_parameters (const ElvesHttpRequest *request, GError **error)
{
  g_autoptr (ElvesParameters) parameters = elves_parameters_new ();
  g_autoptr (GBytes) body = elves_http_request_body (request);
  const char *query = elves_http_request_query (request);
  gsize length;
  const char *text = g_bytes_get_data (body, &length);

  if (query != NULL && !elves_parameters_add (parameters, query, strlen (query), error))
    return NULL;
  if (is_form (request) && !elves_parameters_add (parameters, text, length, error))
    return NULL;
  return g_steal_pointer (&parameters);
}

static const ElvesV2Endpoint *
find_endpoint (const char *path)
{
  const char *clean = path;

  while (g_str_has_prefix (clean, "//"))
    clean++;
  for (const ElvesV2Endpoint *endpoint = elves_v2_endpoints; endpoint->path != NULL; endpoint++)
    if (strcmp (endpoint->path, clean) == 0)
      return endpoint;
  return NULL;
}

static void
answer_refusal (ElvesHttpRequest *request, guint status, const char *error_text)
{
  elves_door_answer (request, status, refusal (error_text));
}

/* The token of an Authorization header; NULL: it is none of tokens. */
static const char *
bearer_of (const char *authorization)
{
  const char *token;

  if (authorization == NULL || g_ascii_strncasecmp (authorization, BEARER, strlen (BEARER)) != 0)
    return NULL;
  token = authorization + strlen (BEARER);
  return token + strspn (token, " ");
}

static void
start_call (ElvesV2 *self, ElvesHttpRequest *request, const ElvesV2Endpoint *endpoint)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ElvesParameters) parameters = read_parameters (request, &error);
  ElvesAuthRequest claim = {
    .path = elves_http_request_path (request),
    .bearer = bearer_of (elves_http_request_header (request, "Authorization")),
  };
  ElvesV2Call *call;

  if (parameters == NULL)
    {
      answer_refusal (request, 400, error->message);
      return;
    }
  call = g_new0 (ElvesV2Call, 1);
  *call = (ElvesV2Call){ .api = self, .request = request, .endpoint = endpoint };
  claim.parameters = call->parameters = g_steal_pointer (&parameters);
  elves_auth_check (self->parts.auth, &claim, on_checked, call);
}

static gboolean
take (gpointer door, ElvesHttpRequest *request)
{
  const char *method = elves_http_request_method (request);
  const ElvesV2Endpoint *endpoint = find_endpoint (elves_http_request_path (request));

  if (endpoint == NULL)
    return FALSE;
  if (strcmp (method, "GET") != 0 && strcmp (method, "POST") != 0)
    answer_refusal (request, 405, "[405]Method Not Allowed");
  else
    start_call (door, request, endpoint);
  return TRUE;
}

static gpointer
open_v2 (const ElvesDoorParts *parts)
{
  ElvesV2 *self = g_new0 (ElvesV2, 1);

  self->parts = *parts;
  return self;
}

const ElvesDoorType elves_v2_door = { .name = "v2",
                                      .settings = -1,
                                      .open = open_v2,
                                      .close = g_free,
                                      .take = take };
