/* Times as texts, and back. */
#include "cron/text.h"

#define LAST_YEAR 2199

gboolean
elves_cron_text_to_time (const char *text, gint64 *out_us)
{
  g_autoptr (GTimeZone) utc = g_time_zone_new_utc ();
  g_autoptr (GDateTime) time = g_date_time_new_from_iso8601 (text, utc);
  if (time == NULL || g_date_time_get_year (time) < 1970 || g_date_time_get_year (time) > LAST_YEAR)
    return FALSE;
  *out_us = g_date_time_to_unix (time) * G_USEC_PER_SEC + g_date_time_get_microsecond (time);
  return TRUE;
}

char *
elves_cron_time_to_text (gint64 time_us)
{
  g_autoptr (GDateTime) time = NULL;
  g_autofree char *seconds = NULL;
  if (time_us <= 0 || time_us == G_MAXINT64)
    return g_strdup ("");
  time = g_date_time_new_from_unix_utc (time_us / G_USEC_PER_SEC);
  seconds = time != NULL ? g_date_time_format (time, "%Y-%m-%dT%H:%M:%S") : g_strdup ("");
  return g_strdup_printf ("%s.%06dZ", seconds, (int) (time_us % G_USEC_PER_SEC));
}

char *
elves_cron_time_to_local_text (gint64 time_us)
{
  g_autoptr (GDateTime) time = NULL;
  if (time_us <= 0)
    return g_strdup ("");
  time = g_date_time_new_from_unix_local (time_us / G_USEC_PER_SEC);
  return time != NULL ? g_date_time_format (time, "%Y-%m-%d %H:%M:%S") : g_strdup ("");
}
