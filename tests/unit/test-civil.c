/* The calendar against GLib's, and against itself. */

#include "common/civil.h"

static void
test_known_days (void)
{
  g_assert_cmpint (elves_civil_days (1970, 1, 1), ==, 0);
  g_assert_cmpint (elves_civil_days (1969, 12, 31), ==, -1);
  g_assert_cmpint (elves_civil_days (2000, 2, 29), ==, 11016);
  g_assert_cmpint (elves_civil_days (0, 3, 1), ==, -719468);
  g_assert_cmpuint (elves_civil_weekday (elves_civil_days (2026, 11, 21)), ==, 6);
  g_assert_cmpuint (elves_civil_weekday (-1), ==, 3);
}

/* Every day of 800 years, counted on its own. */
static void
test_every_day (void)
{
  gint64 days = elves_civil_days (1600, 1, 1);
  guint weekday = 6; /* a Saturday */

  for (int year = 1600; year < 2400; year++)
    for (guint month = 1; month <= 12; month++)
      for (guint day = 1; day <= elves_civil_month_length (year, month); day++, days++)
        {
          ElvesCivilDate date = elves_civil_date (days);

          g_assert_cmpint (date.year, ==, year);
          g_assert_cmpuint (date.month, ==, month);
          g_assert_cmpuint (date.day, ==, day);
          g_assert_cmpint (elves_civil_days (year, month, day), ==, days);
          g_assert_cmpuint (elves_civil_weekday (days), ==, weekday);
          weekday = (weekday + 1) % 7;
        }
}

static void
test_glib_agrees (void)
{
  for (int year = 1; year < 3000; year += 7)
    {
      GDate date;

      g_date_clear (&date, 1);
      g_date_set_dmy (&date, 28, G_DATE_FEBRUARY, (GDateYear) year);
      g_assert_cmpint (elves_civil_days (year, 2, 28), ==,
                       (gint64) g_date_get_julian (&date) - 719163);
      g_assert_cmpuint (elves_civil_month_length (year, 2), ==,
                        g_date_get_days_in_month (G_DATE_FEBRUARY, (GDateYear) year));
    }
}

static void
test_days_of_seconds (void)
{
  g_assert_cmpint (elves_civil_day_of (0), ==, 0);
  g_assert_cmpint (elves_civil_day_of (-1), ==, -1);
  g_assert_cmpint (elves_civil_day_of (86399), ==, 0);
  g_assert_cmpint (elves_civil_day_of (-86400), ==, -1);
}

static void
test_format (void)
{
  g_autofree char *first = elves_civil_format (1774751400);
  g_autofree char *early = elves_civil_format (-1);

  g_assert_cmpstr (first, ==, "2026-03-29 02:30:00");
  g_assert_cmpstr (early, ==, "1969-12-31 23:59:59");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/civil/known-days", test_known_days);
  g_test_add_func ("/civil/every-day", test_every_day);
  g_test_add_func ("/civil/glib-agrees", test_glib_agrees);
  g_test_add_func ("/civil/days-of-seconds", test_days_of_seconds);
  g_test_add_func ("/civil/format", test_format);
  return g_test_run ();
}
