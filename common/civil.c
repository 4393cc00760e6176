/* Days and dates after Howard Hinnant's "chrono-compatible low-level date algorithms": a year
   begins in March there, so that the leap day is its last one. */

#include "common/civil.h"

enum
{
  DAYS_TO_1970 = 719468, /* from 0000-03-01 */
  DAYS_OF_400_YEARS = 146097,
  THURSDAY = 4 /* 1970-01-01 */
};

static gint64
floor_div (gint64 a, gint64 b)
{
  return a / b - (a % b < 0);
}

/**
 * elves_civil_days:
 * @year: any year of the Gregorian calendar
 * @month: 1-12
 * @day: 1-31
 *
 * Returns: days since 1970-01-01.
 */
gint64
elves_civil_days (int year, guint month, guint day)
{
  gint64 y = (gint64) year - (month <= 2);
  gint64 era = floor_div (y, 400);
  gint64 year_of_era = y - era * 400;
  gint64 day_of_year = (153 * ((gint64) month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  gint64 day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

  return era * DAYS_OF_400_YEARS + day_of_era - DAYS_TO_1970;
}

/**
 * elves_civil_date:
 * @days: since 1970-01-01
 *
 * Returns: the date of that day.
 */
ElvesCivilDate
elves_civil_date (gint64 days)
{
  gint64 shifted = days + DAYS_TO_1970;
  gint64 era = floor_div (shifted, DAYS_OF_400_YEARS);
  gint64 doe = shifted - era * DAYS_OF_400_YEARS; /* day of era */
  gint64 yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  gint64 doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  gint64 month_from_march = (5 * doy + 2) / 153;
  guint month = (guint) (month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);

  return (ElvesCivilDate){
    .year = (gint32) (yoe + era * 400 + (month <= 2)),
    .month = (guint8) month,
    .day = (guint8) (doy - (153 * month_from_march + 2) / 5 + 1),
  };
}

/**
 * elves_civil_weekday:
 * @days: since 1970-01-01
 *
 * Returns: 0 for Sunday to 6 for Saturday.
 */
guint
elves_civil_weekday (gint64 days)
{
  gint64 weekday = (days + THURSDAY) % 7;

  return (guint) (weekday < 0 ? weekday + 7 : weekday);
}

/**
 * elves_civil_month_length:
 * @year: any year
 * @month: 1-12
 *
 * Returns: 28 to 31.
 */
guint
elves_civil_month_length (int year, guint month)
{
  static const guint8 lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
  gboolean leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

  return lengths[month - 1] + (month == 2 && leap);
}

/**
 * elves_civil_day_of:
 * @seconds: since 1970-01-01T00:00:00
 *
 * Returns: the day they are in, since 1970-01-01.
 */
gint64
elves_civil_day_of (gint64 seconds)
{
  return floor_div (seconds, ELVES_CIVIL_DAY_S);
}

/**
 * elves_civil_format:
 * @seconds: since 1970-01-01T00:00:00
 *
 * Returns: (transfer full): "2026-03-29 02:30:00".
 */
char *
elves_civil_format (gint64 seconds)
{
  gint64 days = elves_civil_day_of (seconds);
  int rest = (int) (seconds - days * ELVES_CIVIL_DAY_S);
  ElvesCivilDate date = elves_civil_date (days);

  return g_strdup_printf ("%04d-%02u-%02u %02d:%02d:%02d", date.year, date.month, date.day,
                          rest / 3600, rest / 60 % 60, rest % 60);
}
