/* The rule for the years to come, in the form of POSIX's TZ with the extensions of RFC 8536: times
   from -167 to 167 hours. */

#include "common/civil.h"
#include "common/error.h"
#include "common/zone-private.h"

#include <string.h>

enum
{
  HOUR_S = 3600,
  DEFAULT_TIME_S = 2 * HOUR_S,
  HOURS_LIMIT = 167,
  LAST_WEEK = 5
};

typedef enum
{
  DAY_OF_WEEK,     /* Mm.w.d */
  DAY_OF_YEAR,     /* Jn: 1-365, never February 29 */
  DAY_OF_LEAP_YEAR /* n: 0-365 */
} DateKind;

typedef struct
{
  DateKind kind;
  int month, week, day;
  int time_s; /* from midnight, local time */
} Change;

typedef struct
{
  int standard_s, daylight_s; /* offsets from UTC */
  gboolean has_daylight;
  Change start, end;
} Rule;

/* --- reading --------------------------------------------------------------------------------- */

static gboolean
read_number (const char **at, int low, int high, int *out)
{
  int value = 0;
  const char *start = *at;

  while (g_ascii_isdigit (**at) && *at - start < 4)
    value = value * 10 + *(*at)++ - '0';
  *out = value;
  return *at > start && value >= low && value <= high;
}

static gboolean
skip_name (const char **at)
{
  gboolean quoted = **at == '<';
  const char *start = *at + quoted;

  *at = start;
  while (g_ascii_isalpha (**at) ||
         (quoted && (g_ascii_isdigit (**at) || strchr ("+-", **at) != NULL) && **at != '\0'))
    (*at)++;
  if (*at == start || (quoted && **at != '>'))
    return FALSE;
  *at += quoted;
  return TRUE;
}

/* [+-]hh[:mm[:ss]] */
static gboolean
read_time (const char **at, int *out_s)
{
  int sign = **at == '-' ? -1 : 1;
  int hours, minutes = 0, seconds = 0;

  *at += **at == '-' || **at == '+';
  if (!read_number (at, 0, HOURS_LIMIT, &hours))
    return FALSE;
  if (**at == ':' && ((*at)++, !read_number (at, 0, 59, &minutes)))
    return FALSE;
  if (**at == ':' && ((*at)++, !read_number (at, 0, 59, &seconds)))
    return FALSE;
  *out_s = sign * (hours * HOUR_S + minutes * 60 + seconds);
  return TRUE;
}

static gboolean
read_sign (const char **at, char sign)
{
  if (**at != sign)
    return FALSE;
  (*at)++;
  return TRUE;
}

static gboolean
read_date (const char **at, Change *out)
{
  if (read_sign (at, 'M'))
    {
      out->kind = DAY_OF_WEEK;
      return read_number (at, 1, 12, &out->month) && read_sign (at, '.') &&
             read_number (at, 1, LAST_WEEK, &out->week) && read_sign (at, '.') &&
             read_number (at, 0, 6, &out->day);
    }
  out->kind = read_sign (at, 'J') ? DAY_OF_YEAR : DAY_OF_LEAP_YEAR;
  return read_number (at, out->kind == DAY_OF_YEAR, 365, &out->day);
}

static gboolean
read_change (const char **at, Change *out)
{
  out->time_s = DEFAULT_TIME_S;
  return read_sign (at, ',') && read_date (at, out) &&
         (!read_sign (at, '/') || read_time (at, &out->time_s));
}

/* West is positive there, east is here. */
static gboolean
read_offset (const char **at, int *out_s)
{
  if (!read_time (at, out_s))
    return FALSE;
  *out_s = -*out_s;
  return TRUE;
}

static gboolean
read_rule (const char *at, Rule *out)
{
  if (!skip_name (&at) || !read_offset (&at, &out->standard_s))
    return FALSE;
  out->has_daylight = *at != '\0';
  if (!out->has_daylight)
    return TRUE;

  out->daylight_s = out->standard_s + HOUR_S;
  if (!skip_name (&at) || (*at != ',' && !read_offset (&at, &out->daylight_s)))
    return FALSE;
  return read_change (&at, &out->start) && read_change (&at, &out->end) && *at == '\0';
}

/* --- years ----------------------------------------------------------------------------------- */

static gint64
day_of_week_in (int year, const Change *change)
{
  gint64 first = elves_civil_days (year, (guint) change->month, 1);
  int skip = (change->day - (int) elves_civil_weekday (first) + 7) % 7;
  int day = skip + 7 * (change->week - 1);

  if (day >= (int) elves_civil_month_length (year, (guint) change->month))
    day -= 7;
  return first + day;
}

static gint64
day_of (int year, const Change *change)
{
  gint64 new_year = elves_civil_days (year, 1, 1);
  gboolean leap = elves_civil_month_length (year, 2) == 29;

  switch (change->kind)
    {
    case DAY_OF_WEEK:
      return day_of_week_in (year, change);
    case DAY_OF_YEAR:
      return new_year + change->day - 1 + (leap && change->day > 31 + 28);
    case DAY_OF_LEAP_YEAR:
      return new_year + change->day;
    }
  g_assert_not_reached ();
}

/* Those before @from_s are known better already. */
static void
add_change (ElvesZoneBuilder *builder, gint64 from_s, gint64 at_s, int offset_s)
{
  if (at_s > from_s)
    elves_zone_builder_add (builder, at_s, offset_s);
}

static void
add_year (ElvesZoneBuilder *builder, gint64 from_s, int year, const Rule *rule)
{
  gint64 start_s =
      day_of (year, &rule->start) * ELVES_CIVIL_DAY_S + rule->start.time_s - rule->standard_s;
  gint64 end_s =
      day_of (year, &rule->end) * ELVES_CIVIL_DAY_S + rule->end.time_s - rule->daylight_s;

  if (end_s < start_s)
    add_change (builder, from_s, end_s, rule->standard_s);
  add_change (builder, from_s, start_s, rule->daylight_s);
  if (end_s >= start_s)
    add_change (builder, from_s, end_s, rule->standard_s);
}

/**
 * elves_zone_rule_apply: (skip)
 * @text: the rule
 * @from_s: what is before is not touched
 * @builder: where the spans from there on are added
 * @error: return location
 *
 * Returns: %FALSE with @error set when it is no such rule.
 */
gboolean
elves_zone_rule_apply (const char *text, gint64 from_s, ElvesZoneBuilder *builder, GError **error)
{
  Rule rule = { 0 };
  gint64 begin_s = MAX (from_s, ELVES_ZONE_BEGIN_S);
  int first = elves_civil_date (elves_civil_day_of (begin_s)).year;

  if (!read_rule (text, &rule))
    {
      g_set_error (error, ELVES_ERROR, ELVES_ERROR_INVALID,
                   "\"%s\" is no rule for a time zone, expected one like "
                   "CET-1CEST,M3.5.0,M10.5.0/3",
                   text);
      return FALSE;
    }
  if (builder->spans->len == 0)
    elves_zone_builder_add (builder, from_s, rule.standard_s);
  for (int year = first - 1; rule.has_daylight && year <= ELVES_ZONE_LAST_YEAR; year++)
    add_year (builder, from_s, year, &rule);
  return TRUE;
}
