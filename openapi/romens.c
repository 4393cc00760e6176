/* A path and a method are a row of the table. Everything is answered with JSON, faults too:
 * {"code":400,"message":"..."}. */
#include "openapi/romens.h"

#include "openapi/romens-private.h"

#include <string.h>

#define PREFIX "/v1/task"

enum
{
  SEGMENTS_MAX = 3,
  ID_LIMIT_BYTES = 64
};

typedef struct
{
  const char *method;
  const char *pattern; /* what follows the prefix; "*": an id */
  void (*start) (ElvesRomensCall *call);
} Route;

/* Of several that match the first counts. */
static const Route routes[] = {
  { "POST", "", elves_romens_start_create },
  { "POST", "quick", elves_romens_start_quick },
  { "POST", "list", elves_romens_start_list },
  { "POST", "status/*", elves_romens_start_report },
  { "GET", "*/history", elves_romens_start_history },
  { "PUT", "*", elves_romens_start_replace },
  { "DELETE", "*", elves_romens_start_delete },
};

static gboolean
is_id (const char *segment)
{
  gsize length = strlen (segment);

  return length > 0 && length <= ID_LIMIT_BYTES &&
         strspn (segment, "0123456789ABCDEFabcdef") == length;
}

/* @out_id: (transfer full) (nullable) */
static gboolean
matches (const Route *route, char *const *segments, char **out_id)
{
  g_auto (GStrv) wanted = g_strsplit (route->pattern, "/", SEGMENTS_MAX);
  const char *id = NULL;

  if (g_strv_length (wanted) != g_strv_length ((char **) segments))
    return FALSE;
  for (gsize i = 0; wanted[i] != NULL; i++)
    if (strcmp (wanted[i], "*") == 0)
      id = segments[i];
    else if (strcmp (wanted[i], segments[i]) != 0)
      return FALSE;
  if (id != NULL && !is_id (id))
    return FALSE;
  *out_id = g_strdup (id);
  return TRUE;
}

static void
start (const ElvesRomens *self, ElvesHttpRequest *request, const Route *route, char *id)
{
  ElvesRomensCall *call = g_new0 (ElvesRomensCall, 1);

  *call = (ElvesRomensCall){ .door = self, .request = request, .id = id };
  route->start (call);
}

/* What follows the prefix, without the slashes around it, in its parts. */
static char **
segments_of (const char *path)
{
  g_autofree char *rest = g_strdup (path + strlen (PREFIX));
  gsize length = strlen (rest);

  if (length > 0 && rest[length - 1] == '/')
    rest[length - 1] = '\0';
  return g_strsplit (*rest == '/' ? rest + 1 : rest, "/", SEGMENTS_MAX);
}

static void
refuse_method (ElvesHttpRequest *request, const char *allowed)
{
  elves_http_request_add_header (request, "Allow", allowed);
  elves_door_answer (request, 405, elves_romens_fault_body (405, "this method is not served here"));
}

static void
route_request (const ElvesRomens *self, ElvesHttpRequest *request)
{
  g_auto (GStrv) segments = segments_of (elves_http_request_path (request));
  g_autoptr (GString) allowed = g_string_new (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (routes); i++)
    {
      char *id;
      if (!matches (&routes[i], segments, &id))
        continue;
      if (strcmp (routes[i].method, elves_http_request_method (request)) == 0)
        {
          start (self, request, &routes[i], id);
          return;
        }
      g_free (id);
      g_string_append_printf (allowed, "%s%s", allowed->len > 0 ? ", " : "", routes[i].method);
    }
  if (allowed->len > 0)
    refuse_method (request, allowed->str);
  else
    elves_door_answer (request, 404,
                       elves_romens_fault_body (404, "there is nothing of this name"));
}

static gboolean
is_mine (const char *path)
{
  return g_str_has_prefix (path, PREFIX) &&
         (path[strlen (PREFIX)] == '\0' || path[strlen (PREFIX)] == '/');
}

static gboolean
take (gpointer door, ElvesHttpRequest *request)
{
  if (!is_mine (elves_http_request_path (request)))
    return FALSE;
  route_request (door, request);
  return TRUE;
}

static GString *
refusal (const char *path, guint status, const char *why, const char **out_content_type)
{
  *out_content_type = ELVES_DOOR_CONTENT_TYPE;
  return is_mine (path) ? elves_romens_fault_body (status, why) : NULL;
}

static gpointer
open_romens (const ElvesDoorParts *parts)
{
  ElvesRomens *self = g_new0 (ElvesRomens, 1);

  self->parts = *parts;
  return self;
}

const ElvesDoorType elves_romens_door = { .name = "romens",
                                          .settings = G_STRUCT_OFFSET (ElvesOpenapiConfig, romens),
                                          .open = open_romens,
                                          .close = g_free,
                                          .take = take,
                                          .refusal = refusal };
