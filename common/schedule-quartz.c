/* Quartz cron expressions, as Quartz 2.2.1 takes them: six fields and perhaps the year.
 *
 * What Quartz gives a meaning to has that meaning here, even where it is odd: with "#", "W" or an
 * "L" after a weekday in a list, only the smallest day of the list counts ("1,2#1" is the first
 * Sunday). What it reads over in silence ("MONDAY", "5x", "1,,2", a step of 0) is an
 * error here, and so is a rule that never fires. */

#include "common/error.h"
#include "common/schedule-field.h"
#include "common/schedule-private.h"

#include <string.h>

enum
{
  SECOND,
  MINUTE,
  HOUR,
  DAY_OF_MONTH,
  MONTH,
  DAY_OF_WEEK,
  YEAR,
  N_FIELDS,
  LAST_OFFSET_LIMIT = 30,
  NTH_LIMIT = 5
};

static const ElvesFieldSpec specs[N_FIELDS] = {
  [SECOND] = { "second", 0, 59, 0, NULL, 0 },
  [MINUTE] = { "minute", 0, 59, 0, NULL, 0 },
  [HOUR] = { "hour", 0, 23, 0, NULL, 0 },
  [DAY_OF_MONTH] = { "day of month", 1, 31, 0, NULL, 0 },
  [MONTH] = { "month", 1, 12, 0, elves_month_names, 1 },
  [DAY_OF_WEEK] = { "day of week", 1, 7, 1, elves_weekday_names, 1 },
  [YEAR] = { "year", ELVES_ZONE_FIRST_YEAR, ELVES_ZONE_LAST_YEAR, ELVES_ZONE_FIRST_YEAR, NULL, 0 },
};

typedef struct
{
  ElvesFieldBits bits[N_FIELDS];
  gboolean unspecified[N_FIELDS]; /* "?" */
  ElvesDayRule day_rule;
  guint number;
} Quartz;

/* --- days of the month ----------------------------------------------------------------------- */

/* "L", "LW", "L-3", "L-3W" */
static gboolean
parse_last_day (Quartz *self, const char *item, GError **error)
{
  static const ElvesFieldSpec offset = {
    "day of month, offset from the last day", 0, LAST_OFFSET_LIMIT, 0, NULL, 0
  };
  const char *at = item + 1;

  self->day_rule = ELVES_DAYS_LAST;
  if (*at == '-')
    {
      at++;
      if (!elves_field_read_value (&offset, item, &at, &self->number, error))
        return FALSE;
    }
  if (g_ascii_toupper (*at) == 'W')
    {
      self->day_rule = ELVES_DAYS_LAST_WORKDAY;
      at++;
    }
  return elves_field_at_end (&specs[DAY_OF_MONTH], item, at, error);
}

/* --- what may follow a single value ---------------------------------------------------------- */

static gboolean
read_nth (Quartz *self, const char *item, const char **at, GError **error)
{
  static const ElvesFieldSpec nth = { "day of week, number after \"#\"", 1, NTH_LIMIT, 0, NULL, 0 };

  (*at)++;
  self->day_rule = ELVES_DAYS_NTH_WEEKDAY;
  return elves_field_read_value (&nth, item, at, &self->number, error);
}

/* "6L", "6#3", "15W", "5C" */
static gboolean
read_suffix (Quartz *self, guint field, const char *item, const char **at, GError **error)
{
  char suffix = g_ascii_toupper (**at);

  if (field == DAY_OF_WEEK && suffix == '#')
    return read_nth (self, item, at, error);
  if (field == DAY_OF_WEEK && suffix == 'L')
    self->day_rule = ELVES_DAYS_LAST_WEEKDAY;
  else if (field == DAY_OF_MONTH && suffix == 'W')
    self->day_rule = ELVES_DAYS_NEAREST_WORKDAY;
  else if (suffix != 'C' || (field != DAY_OF_WEEK && field != DAY_OF_MONTH))
    return TRUE;
  (*at)++;
  return TRUE;
}

/* --- items ----------------------------------------------------------------------------------- */

static gboolean
read_range_end (guint field,
                const char *item,
                const char **at,
                guint from,
                guint *to,
                GError **error)
{
  gboolean named = g_ascii_isalpha (*item);

  (*at)++;
  if (named != g_ascii_isalpha (**at))
    return elves_field_refuse (&specs[field], item, error,
                               "expected both ends as names or both as numbers");
  if (!elves_field_read_value (&specs[field], item, at, to, error))
    return FALSE;
  if (field == YEAR && *to < from)
    return elves_field_refuse (&specs[field], item, error, "the range runs backwards");
  return !named || **at != '/' ||
         elves_field_refuse (&specs[field], item, error, "expected numbers with a step, not names");
}

/* From a value on: "5", "5/10", "5-10", "5-10/2", "MON", "MON-FRI", and the suffixes. */
static gboolean
parse_value (Quartz *self, guint field, const char *item, GError **error)
{
  const ElvesFieldSpec *spec = &specs[field];
  const char *at = item;
  guint from, to, step;

  if (!elves_field_read_value (spec, item, &at, &from, error))
    return FALSE;
  to = *at == '/' && !g_ascii_isalpha (*item) ? spec->high : from;
  if (*at == '-' && !read_range_end (field, item, &at, from, &to, error))
    return FALSE;
  if (to == from && *at != '/' && !read_suffix (self, field, item, &at, error))
    return FALSE;
  if ((!g_ascii_isalpha (*item) && !elves_field_read_step (spec, item, &at, &step, error)) ||
      !elves_field_at_end (spec, item, at, error))
    return FALSE;
  elves_field_add (spec, &self->bits[field], from, to, g_ascii_isalpha (*item) ? 1 : step);
  return TRUE;
}

/* "*", "*" + "/5", "/5": only here the step has a limit. */
static gboolean
parse_all (Quartz *self, guint field, const char *item, GError **error)
{
  static const guint limits[N_FIELDS] = { 59, 59, 23, 31, 12, 7, ELVES_ZONE_LAST_YEAR };
  const ElvesFieldSpec *spec = &specs[field];
  const char *at = item + (*item == '*');
  guint step;

  if (!elves_field_read_step (spec, item, &at, &step, error) ||
      !elves_field_at_end (spec, item, at, error))
    return FALSE;
  if (step > limits[field])
    return elves_field_refuse (spec, item, error, "expected a step of at most %u", limits[field]);
  elves_field_add (spec, &self->bits[field], spec->low, spec->high, step);
  return TRUE;
}

static gboolean
parse_item (Quartz *self, guint field, const char *item, GError **error)
{
  gboolean is_last = g_ascii_toupper (*item) == 'L';

  if (*item == '*' || *item == '/')
    return parse_all (self, field, item, error);
  if (is_last && field == DAY_OF_MONTH)
    return parse_last_day (self, item, error);
  if (is_last && field == DAY_OF_WEEK && item[1] == '\0')
    return parse_value (self, field, "7", error);
  return parse_value (self, field, item, error);
}

/* --- fields ---------------------------------------------------------------------------------- */

static gboolean
parse_unspecified (Quartz *self, guint field, const char *text, GError **error)
{
  if (field != DAY_OF_MONTH && field != DAY_OF_WEEK)
    return elves_field_refuse (&specs[field], text, error,
                               "\"?\" is for day of month or day of week only");
  if (text[1] != '\0')
    return elves_field_refuse (&specs[field], text, error, "expected nothing after \"?\"");
  self->unspecified[field] = TRUE;
  return TRUE;
}

static gboolean
check_list (guint field, const char *text, GError **error)
{
  const char *nth = strchr (text, '#');

  if (field == DAY_OF_MONTH && strpbrk (text, "Ll") != NULL)
    return elves_field_refuse (&specs[field], text, error, "\"L\" does not stand in a list");
  if (field == DAY_OF_WEEK && strpbrk (text, "Ll") != NULL)
    return elves_field_refuse (&specs[field], text, error, "\"L\" does not stand in a list");
  return nth == NULL || strchr (nth + 1, '#') == NULL ||
         elves_field_refuse (&specs[field], text, error, "expected only one \"#\"");
}

static gboolean
parse_field (Quartz *self, guint field, const char *text, GError **error)
{
  g_auto (GStrv) items = g_strsplit (text, ",", -1);

  if (*text == '?')
    return parse_unspecified (self, field, text, error);
  if (items[1] != NULL && !check_list (field, text, error))
    return FALSE;
  for (char **item = items; *item != NULL; item++)
    if (!parse_item (self, field, *item, error))
      return FALSE;
  return TRUE;
}

/* More than seven are not looked at. */
static gboolean
check_words (guint n_words, GError **error)
{
  if (n_words >= YEAR)
    return TRUE;
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_INVALID,
               "the rule has %u field%s, expected 6 or 7: second, minute, hour, day of month, "
               "month, day of week and perhaps year",
               n_words, n_words == 1 ? "" : "s");
  return FALSE;
}

static gboolean
check_days (const Quartz *self, GError **error)
{
  if (self->unspecified[DAY_OF_MONTH] != self->unspecified[DAY_OF_WEEK])
    return TRUE;
  g_set_error_literal (error, ELVES_ERROR, ELVES_ERROR_INVALID,
                       self->unspecified[DAY_OF_MONTH]
                           ? "day of month and day of week are both \"?\", expected one of them"
                           : "day of month and day of week are both given, expected \"?\" for one "
                             "of them");
  return FALSE;
}

/* --- the rule -------------------------------------------------------------------------------- */

static ElvesYears *
years_of (const ElvesFieldBits *bits)
{
  ElvesYears *years = g_new0 (ElvesYears, 1);

  G_STATIC_ASSERT (sizeof years->years == sizeof bits->words);
  memcpy (years->years, bits->words, sizeof years->years);
  return years;
}

/* Quartz looks at the first of a list only. */
static guint64
smallest_bit (guint64 bits)
{
  return bits & -bits;
}

static void
fill_days (const Quartz *self, ElvesFields *out)
{
  guint64 days = self->bits[DAY_OF_MONTH].words[0];
  guint64 weekdays = self->bits[DAY_OF_WEEK].words[0];

  out->day_rule = self->day_rule;
  out->number = (guint8) self->number;
  if (self->day_rule == ELVES_DAYS_NEAREST_WORKDAY)
    out->number = (guint8) __builtin_ctzll (days);
  if (self->day_rule == ELVES_DAYS_LAST_WEEKDAY || self->day_rule == ELVES_DAYS_NTH_WEEKDAY)
    weekdays = smallest_bit (weekdays);
  out->days_of_month = self->unspecified[DAY_OF_MONTH] ? ELVES_EVERY_DAY : (guint32) days;
  out->weekdays = self->unspecified[DAY_OF_WEEK] ? ELVES_EVERY_WEEKDAY : (guint8) weekdays;
}

/**
 * elves_rule_parse_quartz: (skip)
 * @self: zero-filled
 * @text: the rule
 * @error: return location
 *
 * Returns: %FALSE with @error set when it is not right.
 */
gboolean
elves_rule_parse_quartz (ElvesRule *self, const char *text, GError **error)
{
  g_auto (GStrv) words = elves_rule_split (text, error);
  Quartz quartz = { .day_rule = ELVES_DAYS_BOTH };
  guint n_words = words != NULL ? g_strv_length (words) : 0;

  if (words == NULL || !check_words (n_words, error))
    return FALSE;
  for (guint i = 0; i < MIN (n_words, N_FIELDS); i++)
    if (!parse_field (&quartz, i, words[i], error))
      return FALSE;
  if (!check_days (&quartz, error))
    return FALSE;

  self->fields.seconds = quartz.bits[SECOND].words[0];
  self->fields.minutes = quartz.bits[MINUTE].words[0];
  self->fields.hours = (guint32) quartz.bits[HOUR].words[0];
  self->fields.months = (guint16) quartz.bits[MONTH].words[0];
  fill_days (&quartz, &self->fields);
  if (n_words > YEAR && !g_str_equal (words[YEAR], "*"))
    self->fields.years = years_of (&quartz.bits[YEAR]);
  return TRUE;
}
