/* What clients are told: components answer numbers and times as texts, or not at all. */
#include "openapi/v3-fields.h"

#include "common/json-writer.h"

#include <string.h>

void
elves_v3_add_null (GString *out, const char *name)
{
  elves_json_add_json (out, name, "null", 4);
}

void
elves_v3_add_boolean (GString *out, const char *name, gboolean value)
{
  elves_json_add_json (out, name, value ? "true" : "false", value ? 4 : 5);
}

static GDateTime *
parse_time (const char *text)
{
  g_autoptr (GTimeZone) local = g_time_zone_new_local ();
  gint64 ms;

  if (g_ascii_string_to_signed (text, 10, 1, G_MAXINT64 / 1000, &ms, NULL))
    return g_date_time_new_from_unix_utc (ms / 1000);
  return g_date_time_new_from_iso8601 (text, local);
}

/**
 * elves_v3_add_time:
 * @text: as components say it
 *
 * Adds a time of RFC 3339 in UTC, or null.
 */
void
elves_v3_add_time (GString *out, const char *name, const char *text)
{
  g_autoptr (GDateTime) time = *text != '\0' ? parse_time (text) : NULL;
  g_autoptr (GDateTime) utc = time != NULL ? g_date_time_to_utc (time) : NULL;
  g_autofree char *written = NULL;

  if (utc == NULL)
    {
      elves_v3_add_null (out, name);
      return;
    }
  written = g_date_time_get_microsecond (utc) == 0
                ? g_date_time_format (utc, "%Y-%m-%dT%H:%M:%SZ")
                : g_date_time_format (utc, "%Y-%m-%dT%H:%M:%S.%fZ");
  elves_json_add_text (out, name, written);
}

static void
tell_integer (GString *out, const char *name, const char *text, gboolean or_null)
{
  gint64 number = 0;

  if (g_ascii_string_to_signed (text, 10, G_MININT64, G_MAXINT64, &number, NULL) || !or_null)
    elves_json_add_number (out, name, number);
  else
    elves_v3_add_null (out, name);
}

static void
tell_lower_case (GString *out, const char *name, const char *text)
{
  g_autofree char *lower = g_ascii_strdown (text, -1);

  elves_json_add_text (out, name, lower);
}

static void
tell_json (GString *out, const char *name, ElvesJsonValue value)
{
  if (value.kind == ELVES_JSON_STRING)
    {
      g_autofree char *text = elves_json_value_to_text (value);
      elves_json_add_text (out, name, text);
    }
  else if (value.kind == ELVES_JSON_ABSENT)
    elves_v3_add_null (out, name);
  else
    elves_json_add_json (out, name, value.text, value.length);
}

static void
tell (GString *out, ElvesJsonValue value, const ElvesV3Member *member)
{
  g_autofree char *text = elves_json_value_to_text (value);

  switch (member->form)
    {
    case ELVES_V3_AS_INTEGER:
    case ELVES_V3_AS_INTEGER_OR_NULL:
      tell_integer (out, member->to, text, member->form == ELVES_V3_AS_INTEGER_OR_NULL);
      break;
    case ELVES_V3_AS_BOOLEAN:
      elves_v3_add_boolean (out, member->to, strcmp (text, "true") == 0);
      break;
    case ELVES_V3_AS_TIME:
      elves_v3_add_time (out, member->to, text);
      break;
    case ELVES_V3_AS_JSON:
      tell_json (out, member->to, value);
      break;
    case ELVES_V3_AS_LOWER_CASE:
      tell_lower_case (out, member->to, text);
      break;
    case ELVES_V3_AS_TEXT_OR_NULL:
    case ELVES_V3_AS_TEXT:
    default:
      if (*text == '\0' && member->form == ELVES_V3_AS_TEXT_OR_NULL)
        elves_v3_add_null (out, member->to);
      else
        elves_json_add_text (out, member->to, text);
    }
}

/**
 * elves_v3_tell:
 * @from: of a component
 * @members: what of it, and how
 */
void
elves_v3_tell (GString *out, const ElvesJsonObject *from, const ElvesV3Member *members)
{
  for (; members->from != NULL; members++)
    tell (out, elves_json_object_get (from, members->from), members);
}

ElvesJsonObject *
elves_v3_object (const ElvesJsonObject *object, const char *name)
{
  ElvesJsonValue value = elves_json_object_get (object, name);

  if (value.kind != ELVES_JSON_OBJECT)
    return NULL;
  return elves_json_object_parse (value.text, value.length, NULL);
}
