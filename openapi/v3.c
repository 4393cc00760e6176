/* What becomes of a request: route (404, 405), query (400), who calls (401, 403), media type (415),
 * body (400, 422), and then its operation.
 *
 * A signature says nothing about a body. So whoever signs a request with one gives its SHA-256 as
 * the parameter body_sha256, which is signed with the others. MD5 is not taken here. */
#include "openapi/v3-private.h"

#include "openapi/metrics.h"
#include "openapi/signature.h"

#include <string.h>

#define BEARER "Bearer "
#define SIGNED_NAMES "auth_id timestamp sign_type sign body_sha256"
#define DOCUMENT_PATH "/openapi.json"

enum
{
  ID_LIMIT_BYTES = 128
};

/* ---- routes ---- */

static gboolean
is_id (const char *text)
{
  gsize length = strlen (text);

  return length > 0 && length <= ID_LIMIT_BYTES &&
         strspn (text, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_.:") ==
             length;
}

/* @parts: of the path that was asked for. */
static gboolean
matches (const ElvesV3Route *route, char **parts)
{
  g_auto (GStrv) wanted = g_strsplit (route->path, "/", -1);
  guint i;

  for (i = 0; wanted[i] != NULL && parts[i] != NULL; i++)
    if (*wanted[i] == '{' ? !is_id (parts[i]) : strcmp (wanted[i], parts[i]) != 0)
      return FALSE;
  return wanted[i] == NULL && parts[i] == NULL;
}

/* (nullable). @out_allowed: methods of the routes of that path. */
static const ElvesV3Route *
find_route (char **parts, const char *method, GString *out_allowed)
{
  for (const ElvesV3Route *route = elves_v3_routes; route->method != NULL; route++)
    if (matches (route, parts))
      {
        if (strcmp (route->method, method) == 0)
          return route;
        g_string_append_printf (out_allowed, "%s%s", out_allowed->len > 0 ? ", " : "",
                                route->method);
      }
  return NULL;
}

static void
keep_ids (ElvesV3Call *call, char **parts)
{
  g_auto (GStrv) wanted = g_strsplit (call->route->path, "/", -1);
  guint found = 0;

  for (guint i = 0; wanted[i] != NULL; i++)
    if (*wanted[i] == '{')
      call->ids[found++] = g_strdup (parts[i]);
}

/* ---- the body ---- */

static gboolean
has_body (const ElvesV3Call *call)
{
  return g_bytes_get_size (call->bytes) > 0;
}

static gboolean
is_json (const ElvesV3Call *call)
{
  const char *type = elves_http_request_header (call->request, "Content-Type");
  g_auto (GStrv) parts = type != NULL ? g_strsplit (type, ";", 2) : NULL;

  return parts != NULL && parts[0] != NULL &&
         g_ascii_strcasecmp (g_strstrip (parts[0]), "application/json") == 0;
}

/* FALSE: the call has ended. */
static gboolean
read_body (ElvesV3Call *call)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GString) errors = g_string_new (NULL);
  gsize length;
  const char *text = g_bytes_get_data (call->bytes, &length);

  if (call->route->fields == NULL)
    return TRUE;
  if (!is_json (call))
    {
      elves_v3_fail_with (call, 415, "not-json", "Send Content-Type: application/json.", NULL);
      return FALSE;
    }
  call->body = elves_json_object_parse (text != NULL ? text : "", length, &error);
  if (call->body == NULL)
    elves_v3_fail_with (call, 400, "bad-json", error->message, NULL);
  else if (!elves_v3_fields_check (call->body, call->route->fields, "", errors))
    elves_v3_fail_with (call, 422, "invalid", "The body is not as it has to be.", errors);
  else
    return TRUE;
  return FALSE;
}

/* ---- who calls ---- */

/* The signature covers the body by its sum. */
static gboolean
body_is_signed (const ElvesV3Call *call)
{
  const char *given = elves_v3_query_text (call, "body_sha256");
  g_autofree char *expected = NULL, *lower = g_ascii_strdown (given, -1);

  if (!has_body (call) && *given == '\0')
    return TRUE;
  expected = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, call->bytes);
  return elves_sign_secrets_equal (expected, lower);
}

static void
on_checked (const char *auth_id, const char *error_text, gpointer user_data)
{
  ElvesV3Call *call = user_data;

  if (error_text != NULL)
    {
      elves_v3_fail (call, elves_v3_problem_of_auth (error_text));
      return;
    }
  call->auth_id = g_strdup (auth_id);
  if (read_body (call))
    call->route->start (call);
}

/* (nullable): the token of the Authorization header. */
static const char *
bearer_of (const ElvesV3Call *call)
{
  const char *header = elves_http_request_header (call->request, "Authorization");

  if (header == NULL || g_ascii_strncasecmp (header, BEARER, strlen (BEARER)) != 0)
    return NULL;
  header += strlen (BEARER);
  return header + strspn (header, " ");
}

static void
check_caller (ElvesV3Call *call)
{
  ElvesAuthRequest claim = { .path = elves_http_request_path (call->request),
                             .bearer = bearer_of (call),
                             .parameters = call->query };
  ElvesV3Problem unsigned_body = { 401, "bad-credentials",
                                   "Sign by hmac-sha256, and the body by body_sha256." };

  if (claim.bearer == NULL && *elves_v3_query_text (call, "sign") != '\0' &&
      (g_ascii_strcasecmp (elves_v3_query_text (call, "sign_type"), "hmac-sha256") != 0 ||
       !body_is_signed (call)))
    elves_v3_fail (call, unsigned_body);
  else
    elves_auth_check (call->api->parts.auth, &claim, on_checked, call);
}

/* ---- a request ---- */

/* FALSE: the call has ended. */
static gboolean
read_query (ElvesV3Call *call)
{
  const char *query = elves_http_request_query (call->request);
  g_autofree char *names = g_strconcat (SIGNED_NAMES " ", call->route->query, NULL);
  g_auto (GStrv) allowed = g_strsplit (names, " ", -1);
  g_autofree char *unknown = NULL, *detail G_GNUC_UNUSED = NULL;

  if (query != NULL && !elves_parameters_add (call->query, query, strlen (query), NULL))
    {
      elves_v3_fail_with (call, 400, "bad-query", "The query cannot be read.", NULL);
      return FALSE;
    }
  unknown = elves_parameters_to_sorted_text (call->query, (const char *const *) allowed);
  if (*unknown == '\0')
    return TRUE;
  elves_v3_fail_with (call, 400, "bad-query", "A parameter of the query is not known here.", NULL);
  return FALSE;
}

static gboolean
is_enabled (const ElvesV3Call *call)
{
  const ElvesOpenapiConfig *config = call->api->parts.config;

  if (g_str_has_prefix (call->route->path, "/schedules"))
    return config->cron_enabled;
  return config->queue_enabled ||
         (!elves_v3_is_job (call) && !g_str_has_prefix (call->route->path, "/queues"));
}

static void
start_call (ElvesV3 *self, ElvesHttpRequest *request, const ElvesV3Route *route, char **parts)
{
  ElvesV3Call *call = g_new0 (ElvesV3Call, 1);

  call->api = self;
  call->request = request;
  call->route = route;
  call->query = elves_parameters_new ();
  call->bytes = elves_http_request_body (request);
  keep_ids (call, parts);
  if (!read_query (call))
    return;
  if (!is_enabled (call))
    elves_v3_fail_with (call, 404, "not-enabled", "This is switched off here.", NULL);
  else if (route->open)
    route->start (call);
  else
    check_caller (call);
}

static void
refuse (ElvesHttpRequest *request, guint status, const char *code, const char *detail)
{
  elves_http_request_answer (request, status, ELVES_V3_PROBLEM_TYPE,
                             elves_v3_problem_write (status, code, detail, NULL));
}

static void
route_call (ElvesV3 *self, ElvesHttpRequest *request, const char *path)
{
  g_auto (GStrv) parts = g_strsplit (path, "/", 8);
  g_autoptr (GString) allowed = g_string_new (NULL);
  const ElvesV3Route *route = find_route (parts, elves_http_request_method (request), allowed);

  if (route != NULL)
    start_call (self, request, route, parts);
  else if (allowed->len > 0)
    {
      elves_http_request_add_header (request, "Allow", allowed->str);
      refuse (request, 405, "bad-method", "See the header Allow.");
    }
  else
    {
      elves_openapi_metrics.not_found++;
      refuse (request, 404, "not-found", "There is nothing at this path.");
    }
}

static gboolean
is_ours (const char *path)
{
  return strcmp (path, ELVES_V3_PREFIX) == 0 || g_str_has_prefix (path, ELVES_V3_PREFIX "/") ||
         strcmp (path, DOCUMENT_PATH) == 0;
}

static gboolean
take (gpointer door, ElvesHttpRequest *request)
{
  const char *path = elves_http_request_path (request);

  if (!is_ours (path))
    return FALSE;
  if (strcmp (path, DOCUMENT_PATH) != 0)
    path += strlen (ELVES_V3_PREFIX);
  route_call (door, request, path);
  return TRUE;
}

static GString *
refusal (const char *path, guint status, const char *why G_GNUC_UNUSED, const char **out_type)
{
  if (!is_ours (path))
    return NULL;
  *out_type = ELVES_V3_PROBLEM_TYPE;
  if (status == 413)
    return elves_v3_problem_write (status, "too-large", "The body is larger than server.maxBody.",
                                   NULL);
  return elves_v3_problem_write (status, "busy", "Too many requests are being answered.", NULL);
}

static gpointer
open_v3 (const ElvesDoorParts *parts)
{
  ElvesV3 *self = g_new0 (ElvesV3, 1);

  self->parts = *parts;
  return self;
}

const ElvesDoorType elves_v3_door = { .name = "v3",
                                      .settings = -1,
                                      .open = open_v3,
                                      .close = g_free,
                                      .take = take,
                                      .refusal = refusal };
