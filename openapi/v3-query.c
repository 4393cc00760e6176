#include "openapi/v3-private.h"

#include <string.h>

enum
{
  PAGE_MAX = 1000000,
  SIZE_MAX_ = 1000,
  SIZE_DEFAULT = 20,
  WAIT_MAX_S = 60
};

const char *
elves_v3_query_text (const ElvesV3Call *self, const char *name)
{
  const char *text = elves_parameters_get (self->query, name);

  return text != NULL ? text : "";
}

gboolean
elves_v3_query_number (ElvesV3Call *self,
                       const char *name,
                       gint64 min,
                       gint64 max,
                       gint64 fallback,
                       gint64 *out_number)
{
  const char *text = elves_parameters_get (self->query, name);
  g_autofree char *detail = NULL;

  *out_number = fallback;
  if (text == NULL || g_ascii_string_to_signed (text, 10, min, max, out_number, NULL))
    return TRUE;
  detail = g_strdup_printf (
      "%s: expected an integer from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT ".", name, min, max);
  elves_v3_fail_with (self, 400, "bad-query", detail, NULL);
  return FALSE;
}

gboolean
elves_v3_query_page (ElvesV3Call *self, GString *body, gint64 *out_page, gint64 *out_size)
{
  if (!elves_v3_query_number (self, "page", 1, PAGE_MAX, 1, out_page) ||
      !elves_v3_query_number (self, "size", 1, SIZE_MAX_, SIZE_DEFAULT, out_size))
    return FALSE;
  elves_json_add_number (body, "page", *out_page);
  elves_json_add_number (body, "size", *out_size);
  return TRUE;
}

void
elves_v3_add_page (GString *out, const ElvesCallerAnswer *answer, gint64 page, gint64 size)
{
  static const ElvesV3Member total[] = { { "total", "total", ELVES_V3_AS_INTEGER }, { NULL } };

  elves_v3_tell (out, answer->members, total);
  elves_json_add_number (out, "page", page);
  elves_json_add_number (out, "size", size);
}

/* RFC 7240: Prefer: respond-async, wait=10. What is not understood is passed over. */
static guint
preferred_wait_s (const ElvesV3Call *self)
{
  const char *header = elves_http_request_header (self->request, "Prefer");
  g_auto (GStrv) preferences = header != NULL ? g_strsplit (header, ",", 16) : NULL;
  gint64 wait_s = 0;

  for (guint i = 0; preferences != NULL && preferences[i] != NULL; i++)
    {
      const char *one = g_strstrip (preferences[i]);
      if (g_ascii_strncasecmp (one, "wait=", 5) == 0 &&
          !g_ascii_string_to_signed (one + 5, 10, 0, G_MAXINT, &wait_s, NULL))
        wait_s = 0;
    }
  return (guint) MIN (wait_s, WAIT_MAX_S);
}

gboolean
elves_v3_query_wait (ElvesV3Call *self, guint *out_wait_ms)
{
  gint64 wait_s;

  if (!elves_v3_query_number (self, "wait", 0, WAIT_MAX_S, preferred_wait_s (self), &wait_s))
    return FALSE;
  *out_wait_ms = (guint) wait_s * 1000;
  return TRUE;
}

gboolean
elves_v3_wants_events (const ElvesV3Call *self)
{
  const char *accept = elves_http_request_header (self->request, "Accept");

  return accept != NULL && strstr (accept, "text/event-stream") != NULL;
}
