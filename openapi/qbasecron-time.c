#include "openapi/qbasecron-time.h"

#include "common/civil.h"

#include <string.h>

/* ---- the text ---- */

static gboolean
take_number (const char **at, guint max_digits, guint min, guint max, guint *out_number)
{
  const char *start = *at;
  guint number = 0;

  while (g_ascii_isdigit (**at) && (guint) (*at - start) < max_digits)
    number = number * 10 + (guint) (*(*at)++ - '0');
  *out_number = number;
  return *at > start && number >= min && number <= max;
}

static gboolean
take_one_of (const char **at, const char *wanted)
{
  if (**at == '\0' || strchr (wanted, **at) == NULL)
    return FALSE;
  (*at)++;
  return TRUE;
}

static void
skip_blanks (const char **at)
{
  *at += strspn (*at, " \t");
}

static gboolean
take_date (const char **at, gint64 *out_days)
{
  guint year, month, day;

  if (!take_number (at, 4, ELVES_ZONE_FIRST_YEAR, ELVES_ZONE_LAST_YEAR, &year) ||
      !take_one_of (at, "-/") || !take_number (at, 2, 1, 12, &month) || !take_one_of (at, "-/") ||
      !take_number (at, 2, 1, elves_civil_month_length ((int) year, month), &day))
    return FALSE;
  *out_days = elves_civil_days ((int) year, month, day);
  return TRUE;
}

static gboolean
take_time (const char **at, gint64 *out_s)
{
  guint hour, minute, second = 0;

  if (!take_number (at, 2, 0, 23, &hour) || !take_one_of (at, ":") ||
      !take_number (at, 2, 0, 59, &minute))
    return FALSE;
  if (take_one_of (at, ":") && !take_number (at, 2, 0, 59, &second))
    return FALSE;
  *out_s = hour * 3600 + minute * 60 + second;
  return TRUE;
}

/* ---- the zone ---- */

/* A day before it no clock shows less than a day less. */
static gint64
instant_of (const ElvesZone *zone, gint64 local_s)
{
  gint64 before = MAX (local_s - ELVES_CIVIL_DAY_S, ELVES_ZONE_BEGIN_S);
  const ElvesZoneSpan *span;

  for (guint i = elves_zone_find (zone, before); (span = elves_zone_span (zone, i)) != NULL; i++)
    {
      gint64 utc_s = local_s - span->offset_s;

      if (utc_s < elves_zone_span_end (zone, i))
        return MAX (utc_s, span->start_s);
    }
  return ELVES_ZONE_END_S;
}

/**
 * elves_qbasecron_time_parse:
 * @out_s: (out): UTC, since 1970
 *
 * Returns: whether @text is a time
 */
gboolean
elves_qbasecron_time_parse (const ElvesZone *zone, const char *text, gint64 *out_s)
{
  gint64 days, seconds;

  skip_blanks (&text);
  if (!take_date (&text, &days) || !take_one_of (&text, " \tT"))
    return FALSE;
  skip_blanks (&text);
  if (!take_time (&text, &seconds))
    return FALSE;
  skip_blanks (&text);
  if (*text != '\0')
    return FALSE;
  *out_s = instant_of (zone, days * ELVES_CIVIL_DAY_S + seconds);
  return *out_s < ELVES_ZONE_END_S;
}

/**
 * elves_qbasecron_time_format:
 *
 * Returns: (transfer full): as the clock of @zone shows it
 */
char *
elves_qbasecron_time_format (const ElvesZone *zone, gint64 utc_s)
{
  const ElvesZoneSpan *span = elves_zone_span (zone, elves_zone_find (zone, utc_s));

  return elves_civil_format (utc_s + (span != NULL ? span->offset_s : 0));
}
