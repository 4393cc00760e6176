/* Fields of a rule -> local times, as if there were no time zones.
 *
 * A month's days become one word of 31 bits, whatever the rule for them is; then the next day,
 * month or second is the next bit. */

#include "common/civil.h"
#include "common/schedule-private.h"

enum
{
  SATURDAY = 6,
  SUNDAY = 0
};

static int
first_bit_from (guint64 bits, guint from)
{
  guint64 rest = from < 64 ? bits >> from << from : 0;

  return rest != 0 ? __builtin_ctzll (rest) : -1;
}

/* --- days of a month ------------------------------------------------------------------------- */

typedef struct
{
  guint first_weekday; /* of day 1 */
  guint length;
} Month;

static Month
month_of (int year, guint month)
{
  return (Month){ elves_civil_weekday (elves_civil_days (year, month, 1)),
                  elves_civil_month_length (year, month) };
}

/* Bit d is set when day d is one of the weekdays. */
static guint32
days_of_weekdays (guint weekdays, Month month)
{
  guint64 weeks = weekdays * G_GUINT64_CONSTANT (0x0000040810204081); /* every 7 bits, 7 times */

  return (guint32) (weeks >> month.first_weekday << 1);
}

static guint32
bit_of_day (int day, Month month)
{
  return day >= 1 && day <= (int) month.length ? 1u << day : 0;
}

/* Monday to Friday next to @day, without leaving the month. */
static guint32
nearest_workday (int day, Month month)
{
  guint weekday;

  if (bit_of_day (day, month) == 0)
    return 0;
  weekday = (month.first_weekday + (guint) day - 1) % 7;
  if (weekday == SATURDAY)
    day += day == 1 ? 2 : -1;
  else if (weekday == SUNDAY)
    day += day == (int) month.length ? -2 : 1;
  return 1u << day;
}

static guint32
last_bit (guint32 bits)
{
  return bits != 0 ? 1u << (31 - __builtin_clz (bits)) : 0;
}

static guint32
nth_bit (guint32 bits, guint n)
{
  while (n-- > 1)
    bits &= bits - 1;
  return bits & -bits;
}

/* Bit d is set when the rule has day d of that month. */
static guint32
days_of (const ElvesFields *self, int year, guint month_number)
{
  Month month = month_of (year, month_number);
  guint32 all = (guint32) ((G_GUINT64_CONSTANT (2) << month.length) - 2);
  guint32 by_week = days_of_weekdays (self->weekdays, month) & all;

  switch ((ElvesDayRule) self->day_rule)
    {
    case ELVES_DAYS_BOTH:
      return self->days_of_month & by_week;
    case ELVES_DAYS_EITHER:
      return (self->days_of_month & all) | by_week;
    case ELVES_DAYS_LAST:
      return bit_of_day ((int) month.length - self->number, month);
    case ELVES_DAYS_LAST_WORKDAY:
      return nearest_workday ((int) month.length - self->number, month);
    case ELVES_DAYS_NEAREST_WORKDAY:
      return nearest_workday (self->number, month);
    case ELVES_DAYS_LAST_WEEKDAY:
      return last_bit (by_week);
    case ELVES_DAYS_NTH_WEEKDAY:
      return nth_bit (by_week, self->number);
    }
  g_assert_not_reached ();
}

/* --- days ------------------------------------------------------------------------------------ */

/* The first year from @year on that the rule has; 0: none. */
static int
year_from (const ElvesFields *self, int year)
{
  guint index = (guint) (MAX (year, ELVES_ZONE_FIRST_YEAR) - ELVES_ZONE_FIRST_YEAR);
  guint from = index % 64;

  if (year > ELVES_ZONE_LAST_YEAR)
    return 0;
  if (self->years == NULL)
    return MAX (year, ELVES_ZONE_FIRST_YEAR);
  for (guint word = index / 64; word < G_N_ELEMENTS (self->years->years); word++, from = 0)
    {
      int bit = first_bit_from (self->years->years[word], from);

      if (bit >= 0)
        return ELVES_ZONE_FIRST_YEAR + (int) word * 64 + bit;
    }
  return 0;
}

/* The first day from that date on; ELVES_SCHEDULE_NEVER. @date need not exist. */
static gint64
day_from (const ElvesFields *self, ElvesCivilDate date)
{
  guint from_month = date.month;
  guint from_day = date.day;
  int year = date.year;

  while ((year = year_from (self, year)) != 0)
    {
      int month;

      if (year != date.year)
        from_month = from_day = 1;
      while ((month = first_bit_from (self->months, from_month)) > 0)
        {
          int day;

          if (month != date.month || year != date.year)
            from_day = 1;
          day = first_bit_from (days_of (self, year, (guint) month), from_day);
          if (day > 0)
            return elves_civil_days (year, (guint) month, (guint) day);
          from_month = (guint) month + 1;
        }
      year++;
    }
  return ELVES_SCHEDULE_NEVER;
}

/* --- times of day ---------------------------------------------------------------------------- */

/* The first second of the day from @from on; -1: none. */
static int
second_from (const ElvesFields *self, int from)
{
  guint hour = (guint) from / 3600;
  guint minute = (guint) from / 60 % 60;
  guint second = (guint) from % 60;
  int first_second = __builtin_ctzll (self->seconds);
  int first_minute = __builtin_ctzll (self->minutes);
  int match;

  if ((self->hours >> hour & 1) != 0)
    {
      match = first_bit_from (self->seconds, second);
      if ((self->minutes >> minute & 1) != 0 && match >= 0)
        return from - (int) second + match;
      match = first_bit_from (self->minutes, minute + 1);
      if (match >= 0)
        return (int) hour * 3600 + match * 60 + first_second;
    }
  match = first_bit_from (self->hours, hour + 1);
  return match < 0 ? -1 : match * 3600 + first_minute * 60 + first_second;
}

/**
 * elves_fields_next:
 * @self: fields, none of them empty
 * @local_s: local seconds since 1970
 *
 * Returns: the first local second from @local_s on that matches; %ELVES_SCHEDULE_NEVER when there
 *   is none up to 2199.
 */
gint64
elves_fields_next (const ElvesFields *self, gint64 local_s)
{
  gint64 today = elves_civil_day_of (local_s);
  int second = second_from (self, (int) (local_s - today * ELVES_CIVIL_DAY_S));
  gint64 day = day_from (self, elves_civil_date (second < 0 ? today + 1 : today));

  if (day == ELVES_SCHEDULE_NEVER)
    return ELVES_SCHEDULE_NEVER;
  if (day != today)
    second = second_from (self, 0);
  return day * ELVES_CIVIL_DAY_S + second;
}

/**
 * elves_fields_clear:
 * @self: fields, or zero-filled
 */
void
elves_fields_clear (ElvesFields *self)
{
  g_clear_pointer (&self->years, g_free);
}
