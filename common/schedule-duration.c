/* Durations in words: Go's "1h30m" after @every, and timecloud's "1 hour and 30 minutes". */

#include "common/error.h"
#include "common/schedule-private.h"

#include <math.h>
#include <string.h>

typedef struct
{
  const char *name;
  double us;
} Unit;

#define SECOND_US 1e6

/* Where one begins like another, the longer one comes first. */
static const Unit go_units[] = {
  { "ns", 1e-3 },          { "us", 1 },
  { "ms", 1e3 },           { "s", SECOND_US },
  { "m", 60 * SECOND_US }, { "h", 3600 * SECOND_US },
};

static const Unit word_units[] = {
  { "second", SECOND_US },      { "minute", 60 * SECOND_US },      { "hour", 3600 * SECOND_US },
  { "day", 86400 * SECOND_US }, { "week", 7 * 86400 * SECOND_US },
};

static gboolean
refuse (const char *text, const char *expected, GError **error)
{
  g_autofree char *shown = g_strescape (text, NULL);

  g_set_error (error, ELVES_ERROR, ELVES_ERROR_INVALID, "\"%s\": expected %s", shown, expected);
  return FALSE;
}

/* Digits, perhaps with a point. */
static gboolean
read_number (const char **at, double *out_number)
{
  gsize length = strspn (*at, "0123456789.");
  g_autofree char *digits = g_strndup (*at, length);
  char *end;

  *out_number = g_ascii_strtod (digits, &end);
  if (end == digits || *end != '\0')
    return FALSE;
  *at += length;
  return TRUE;
}

static gboolean
read_unit (const Unit *units, guint n_units, const char **at, double *out_us)
{
  for (guint i = 0; i < n_units; i++)
    if (g_str_has_prefix (*at, units[i].name))
      {
        *at += strlen (units[i].name);
        *out_us = units[i].us;
        return TRUE;
      }
  return FALSE;
}

/* Whole seconds, at least one. */
static gboolean
set_seconds (double us, gint64 *out_us)
{
  if (!(us > 0) || us > (double) ELVES_ZONE_END_S * SECOND_US)
    return FALSE;
  *out_us = (gint64) MAX (floor (us / SECOND_US), 1) * G_USEC_PER_SEC;
  return TRUE;
}

/**
 * elves_duration_parse_go: (skip)
 * @text: "1h30m", "90s", "1.5h"
 * @out_us: microseconds: whole seconds, at least one
 * @error: return location
 *
 * Returns: %FALSE with @error set when it is no duration above zero.
 */
gboolean
elves_duration_parse_go (const char *text, gint64 *out_us, GError **error)
{
  g_autofree char *trimmed = g_strstrip (g_strdup (text));
  const char *at = trimmed;
  double total_us = 0;

  do
    {
      double number, unit_us;

      if (!read_number (&at, &number) ||
          !read_unit (go_units, G_N_ELEMENTS (go_units), &at, &unit_us))
        return refuse (trimmed, "a duration such as 1h30m, 90s or 500ms", error);
      total_us += number * unit_us;
    }
  while (*at != '\0');
  return set_seconds (total_us, out_us) || refuse (trimmed, "a duration above zero", error);
}

static void
skip_joint (const char **at)
{
  *at += strspn (*at, " \t,");
  if (g_str_has_prefix (*at, "and "))
    *at += strlen ("and ");
  *at += strspn (*at, " \t");
}

/**
 * elves_duration_parse_words: (skip)
 * @text: "5 minutes", "1 hour and 30 minutes"
 * @out_us: microseconds: whole seconds, at least one
 * @error: return location
 *
 * Returns: %FALSE with @error set when it is no duration above zero.
 */
gboolean
elves_duration_parse_words (const char *text, gint64 *out_us, GError **error)
{
  g_autofree char *trimmed = g_strstrip (g_strdup (text));
  const char *at = trimmed;
  double total_us = 0;

  do
    {
      double number, unit_us;

      if (!read_number (&at, &number))
        return refuse (trimmed, "a duration such as \"5 minutes\"", error);
      at += strspn (at, " \t");
      if (!read_unit (word_units, G_N_ELEMENTS (word_units), &at, &unit_us))
        return refuse (trimmed, "seconds, minutes, hours, days or weeks", error);
      at += *at == 's';
      total_us += number * unit_us;
      skip_joint (&at);
    }
  while (*at != '\0');
  return set_seconds (total_us, out_us) || refuse (trimmed, "a duration above zero", error);
}
