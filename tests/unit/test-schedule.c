/* Kinds of schedules, what the dialects take and refuse, and the words of the refusal. The instants
   of daylight saving stand in test-schedule-zone, other implementations in tests/schedule. */

#include "common/error.h"
#include "common/schedule.h"

#include <string.h>

#define S(seconds) ((gint64) (seconds) *G_USEC_PER_SEC)

static gint64
instant (const char *iso8601)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_iso8601 (iso8601, NULL);

  g_assert_nonnull (time);
  return S (g_date_time_to_unix (time));
}

static ElvesSchedule *
rule (ElvesScheduleDialect dialect, const char *text)
{
  ElvesScheduleZone zone = { .name = "UTC" };
  g_autoptr (GError) error = NULL;
  ElvesSchedule *self = elves_schedule_new_rule (dialect, text, &zone, &error);

  g_assert_no_error (error);
  return self;
}

/* --- rules that are right -------------------------------------------------------------------- */

typedef struct
{
  ElvesScheduleDialect dialect;
  const char *rule;
  const char *after;
  const char *expected[3];
} NextCase;

static const NextCase next_cases[] = {
  { ELVES_SCHEDULE_QUARTZ,
    "0/5 * * * * ?",
    "2026-01-01T00:00:01Z",
    { "2026-01-01T00:00:05Z", "2026-01-01T00:00:10Z", "2026-01-01T00:00:15Z" } },
  { ELVES_SCHEDULE_QUARTZ,
    "0 15 10 L-2 * ?",
    "2024-02-01T00:00:00Z",
    { "2024-02-27T10:15:00Z", "2024-03-29T10:15:00Z", "2024-04-28T10:15:00Z" } },
  { ELVES_SCHEDULE_QUARTZ,
    "0 0 0 15W * ?",
    "2026-02-01T00:00:00Z",
    { "2026-02-16T00:00:00Z", "2026-03-16T00:00:00Z", "2026-04-15T00:00:00Z" } },
  { ELVES_SCHEDULE_QUARTZ,
    "0 0 0 1W * ?",
    "2026-07-30T00:00:00Z",
    { "2026-08-03T00:00:00Z", "2026-09-01T00:00:00Z", "2026-10-01T00:00:00Z" } },
  { ELVES_SCHEDULE_QUARTZ,
    "0 0 0 LW * ?",
    "2026-01-01T00:00:00Z",
    { "2026-01-30T00:00:00Z", "2026-02-27T00:00:00Z", "2026-03-31T00:00:00Z" } },
  { ELVES_SCHEDULE_QUARTZ,
    "0 0 0 ? * 6#3",
    "2026-01-01T00:00:00Z",
    { "2026-01-16T00:00:00Z", "2026-02-20T00:00:00Z", "2026-03-20T00:00:00Z" } },
  { ELVES_SCHEDULE_QUARTZ,
    "0 0 0 ? * 6#5",
    "2026-01-01T00:00:00Z",
    { "2026-01-30T00:00:00Z", "2026-05-29T00:00:00Z", "2026-07-31T00:00:00Z" } },
  { ELVES_SCHEDULE_QUARTZ,
    "0 0 0 ? * FRIL",
    "2026-01-01T00:00:00Z",
    { "2026-01-30T00:00:00Z", "2026-02-27T00:00:00Z", "2026-03-27T00:00:00Z" } },
  { ELVES_SCHEDULE_QUARTZ,
    "0 0 0 ? * L",
    "2026-01-01T00:00:00Z",
    { "2026-01-03T00:00:00Z", "2026-01-10T00:00:00Z", "2026-01-17T00:00:00Z" } },
  { ELVES_SCHEDULE_QUARTZ,
    "0 0 12 ? * MON-FRI 2099",
    "2026-01-01T00:00:00Z",
    { "2099-01-01T12:00:00Z", "2099-01-02T12:00:00Z", "2099-01-05T12:00:00Z" } },
  { ELVES_SCHEDULE_QUARTZ,
    "0 0 22-2 ? * FRI-MON",
    "2026-01-01T00:00:00Z",
    { "2026-01-02T00:00:00Z", "2026-01-02T01:00:00Z", "2026-01-02T02:00:00Z" } },
  { ELVES_SCHEDULE_QUARTZ,
    "0/60 * * * * ?",
    "2026-01-01T00:00:00Z",
    { "2026-01-01T00:01:00Z", "2026-01-01T00:02:00Z", "2026-01-01T00:03:00Z" } },
  { ELVES_SCHEDULE_QUARTZ,
    "0 0 0 ? * 1,2#1",
    "2026-01-01T00:00:00Z",
    { "2026-01-04T00:00:00Z", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z" } },
  { ELVES_SCHEDULE_QUARTZ,
    "0 0 0 29 2 ? 2096-2104",
    "2026-01-01T00:00:00Z",
    { "2096-02-29T00:00:00Z", "2104-02-29T00:00:00Z", NULL } },
  { ELVES_SCHEDULE_CRONTAB,
    "*/20 4 * * *",
    "2026-01-01T00:00:00Z",
    { "2026-01-01T04:00:00Z", "2026-01-01T04:20:00Z", "2026-01-01T04:40:00Z" } },
  { ELVES_SCHEDULE_CRONTAB,
    "0 0 13 * fri",
    "2026-01-01T00:00:00Z",
    { "2026-01-02T00:00:00Z", "2026-01-09T00:00:00Z", "2026-01-13T00:00:00Z" } },
  { ELVES_SCHEDULE_CRONTAB,
    "0 0 * * 7",
    "2026-01-01T00:00:00Z",
    { "2026-01-04T00:00:00Z", "2026-01-11T00:00:00Z", "2026-01-18T00:00:00Z" } },
  { ELVES_SCHEDULE_CRONTAB,
    "0 0 */2 * mon",
    "2026-01-01T00:00:00Z",
    { "2026-01-05T00:00:00Z", "2026-01-19T00:00:00Z", "2026-02-09T00:00:00Z" } },
  { ELVES_SCHEDULE_CRONTAB,
    " @yearly ",
    "2026-01-01T00:00:00Z",
    { "2027-01-01T00:00:00Z", "2028-01-01T00:00:00Z", "2029-01-01T00:00:00Z" } },
  { ELVES_SCHEDULE_CRONTAB_SECONDS,
    "*/2 * * * * *",
    "2026-01-01T00:00:00Z",
    { "2026-01-01T00:00:02Z", "2026-01-01T00:00:04Z", "2026-01-01T00:00:06Z" } },
  { ELVES_SCHEDULE_CRONTAB_SECONDS,
    "1,5,3 * 1-10 * *",
    "2026-01-01T00:00:00Z",
    { "2026-01-01T00:01:00Z", "2026-01-01T00:03:00Z", "2026-01-01T00:05:00Z" } },
  { ELVES_SCHEDULE_CRONTAB_SECONDS,
    "@every 1h30m",
    "2026-01-01T00:00:00Z",
    { "2026-01-01T01:30:00Z", "2026-01-01T03:00:00Z", "2026-01-01T04:30:00Z" } },
  { ELVES_SCHEDULE_CRONTAB_SECONDS,
    "TZ=Asia/Shanghai 0 8 ? * *",
    "2026-01-01T00:00:00Z",
    { "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z", "2026-01-04T00:00:00Z" } },
  { ELVES_SCHEDULE_TIMECLOUD,
    "0 0 0 1 0 *",
    "2026-01-01T00:00:00Z",
    { "2027-01-01T00:00:00Z", "2028-01-01T00:00:00Z", "2029-01-01T00:00:00Z" } },
  { ELVES_SCHEDULE_TIMECLOUD,
    "0 0 0 13 * 4",
    "2026-01-01T00:00:00Z",
    { "2026-02-13T00:00:00Z", "2026-03-13T00:00:00Z", "2026-11-13T00:00:00Z" } },
  { ELVES_SCHEDULE_TIMECLOUD_SUNDAY,
    "0 0 0 13 * 5",
    "2026-01-01T00:00:00Z",
    { "2026-02-13T00:00:00Z", "2026-03-13T00:00:00Z", "2026-11-13T00:00:00Z" } },
  { ELVES_SCHEDULE_TIMECLOUD,
    "30 5/7 * * * *",
    "2026-01-01T00:00:00Z",
    { "2026-01-01T00:05:30Z", "2026-01-01T01:05:30Z", "2026-01-01T02:05:30Z" } },
  { ELVES_SCHEDULE_TIMECLOUD,
    "0 0 * * 6",
    "2026-01-01T00:00:00Z",
    { "2026-01-04T00:00:00Z", "2026-01-11T00:00:00Z", "2026-01-18T00:00:00Z" } },
  { ELVES_SCHEDULE_TIMECLOUD,
    "1 hour and 30 minutes",
    "2026-01-01T00:00:00Z",
    { "2026-01-01T01:30:00Z", "2026-01-01T03:00:00Z", "2026-01-01T04:30:00Z" } },
  { ELVES_SCHEDULE_CRONJOB,
    "{\"second\":\"0\",\"minute\":0,\"hour\":\"0\",\"dom\":\"*\",\"month\":\"*\",\"dow\":\"*\"}",
    "2026-01-01T00:00:00Z",
    { "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z", "2026-01-04T00:00:00Z" } },
  { ELVES_SCHEDULE_CRONJOB,
    "{}",
    "2026-01-01T00:00:00Z",
    { "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z", "2026-01-04T00:00:00Z" } },
  { ELVES_SCHEDULE_CRONJOB,
    "{\"dom\":\"13\",\"dow\":\"FRI\"}",
    "2026-01-01T00:00:00Z",
    { "2026-01-02T00:00:00Z", "2026-01-09T00:00:00Z", "2026-01-13T00:00:00Z" } },
};

static void
test_next (gconstpointer data)
{
  const NextCase *c = data;
  g_autoptr (ElvesSchedule) self = rule (c->dialect, c->rule);
  gint64 at_us = instant (c->after);

  for (guint i = 0; i < G_N_ELEMENTS (c->expected); i++)
    {
      gint64 expected_us = c->expected[i] != NULL ? instant (c->expected[i]) : ELVES_SCHEDULE_NEVER;

      at_us = elves_schedule_next (self, at_us);
      g_assert_cmpint (at_us, ==, expected_us);
    }
}

/* --- rules that are not ---------------------------------------------------------------------- */

static const struct
{
  ElvesScheduleDialect dialect;
  const char *rule;
  const char *says; /* which field, and what was expected */
} refused[] = {
  { ELVES_SCHEDULE_QUARTZ, "0/5 * * * * *", "expected \"?\" for one of them" },
  { ELVES_SCHEDULE_QUARTZ, "* * *", "3 fields, expected 6 or 7" },
  { ELVES_SCHEDULE_QUARTZ, "", "empty" },
  { ELVES_SCHEDULE_QUARTZ, "60 * * * * ?", "second \"60\": expected 0-59" },
  { ELVES_SCHEDULE_QUARTZ, "0 0 0 L * 6L", "day of month and day of week are both given" },
  { ELVES_SCHEDULE_QUARTZ, "0 0 0 ? * 8", "day of week \"8\": expected 1-7 or SUN-SAT" },
  { ELVES_SCHEDULE_QUARTZ, "0 0 0 ? * 0", "day of week \"0\"" },
  { ELVES_SCHEDULE_QUARTZ, "0 0 0 ? * ?", "both \"?\"" },
  { ELVES_SCHEDULE_QUARTZ, "0 0 0 L,1 * ?",
    "day of month \"L,1\": \"L\" does not stand in a list" },
  { ELVES_SCHEDULE_QUARTZ, "0 0 0 ? * 6#1,2#2", "only one \"#\"" },
  { ELVES_SCHEDULE_QUARTZ, "0 0 0 ? * 6#6", "expected 1-5" },
  { ELVES_SCHEDULE_QUARTZ, "0 0 0 L-31 * ?", "expected 0-30" },
  { ELVES_SCHEDULE_QUARTZ, "@daily", "expected 6 or 7" },
  { ELVES_SCHEDULE_QUARTZ, "*/60 * * * * ?", "second \"*/60\": expected a step of at most 59" },
  { ELVES_SCHEDULE_QUARTZ, "0 0 ? * * ?", "hour \"?\"" },
  { ELVES_SCHEDULE_QUARTZ, "0 0 0 31 2 ?", "never fire" },
  { ELVES_SCHEDULE_QUARTZ, "0 0 0 1 1 ? 2200", "year \"2200\": expected 1970-2199" },
  { ELVES_SCHEDULE_QUARTZ, "0 0 0 ? * MONDAY", "\"DAY\" is not expected there" },
  { ELVES_SCHEDULE_QUARTZ, "0 0 0 ? * MON-6", "both ends" },
  { ELVES_SCHEDULE_QUARTZ, "0 0 0 1,,2 * ?", "day of month \"\": expected 1-31" },
  { ELVES_SCHEDULE_QUARTZ, "0 */0 * * * ?", "step of 1 or more" },
  { ELVES_SCHEDULE_QUARTZ, "0 0 0 * * \xc3\xa4", "byte 11 of the rule is 0xc3" },
  { ELVES_SCHEDULE_CRONTAB, "* * * *", "4 fields, expected 5" },
  { ELVES_SCHEDULE_CRONTAB, "* * * * * *", "6 fields, expected 5" },
  { ELVES_SCHEDULE_CRONTAB, "* * 34 * *", "day of month \"34\": expected 1-31" },
  { ELVES_SCHEDULE_CRONTAB, "* * * 0 *", "month \"0\": expected 1-12 or JAN-DEC" },
  { ELVES_SCHEDULE_CRONTAB, "5-1 * * * *", "runs backwards" },
  { ELVES_SCHEDULE_CRONTAB, "0 0 31 2 *", "never fire" },
  { ELVES_SCHEDULE_CRONTAB, "0 0 ? * *", "day of month \"?\"" },
  { ELVES_SCHEDULE_CRONTAB, "@reboot", "@daily" },
  { ELVES_SCHEDULE_CRONTAB, "1/ * * * *", "step" },
  { ELVES_SCHEDULE_CRONTAB, "99999999999999999999 * * * *", "minute" },
  { ELVES_SCHEDULE_CRONTAB_SECONDS, "* * * * 7", "day of week \"7\": expected 0-6" },
  { ELVES_SCHEDULE_CRONTAB_SECONDS, "* 25 * * *", "hour \"25\": expected 0-23" },
  { ELVES_SCHEDULE_CRONTAB_SECONDS, "* * *", "expected 5 or 6" },
  { ELVES_SCHEDULE_CRONTAB_SECONDS, "* * * * * * *", "expected 5 or 6" },
  { ELVES_SCHEDULE_CRONTAB_SECONDS, "@every -1s", "a duration such as" },
  { ELVES_SCHEDULE_CRONTAB_SECONDS, "@every 0s", "above zero" },
  { ELVES_SCHEDULE_CRONTAB_SECONDS, "@every 99999999h", "above zero" },
  { ELVES_SCHEDULE_CRONTAB_SECONDS, "TZ=Mars/Olympus * * * * *", "time zone \"Mars/Olympus\"" },
  { ELVES_SCHEDULE_CRONTAB_SECONDS, "TZ= * * * * *", "name of a time zone" },
  { ELVES_SCHEDULE_CRONTAB_SECONDS, "TZ=../../etc/passwd * * * * *", "time zone" },
  { ELVES_SCHEDULE_TIMECLOUD, "0 0 0 1 12 *", "month \"12\": expected 0-11" },
  { ELVES_SCHEDULE_TIMECLOUD, "0 0 0 ? 1 *", "day of month \"?\"" },
  { ELVES_SCHEDULE_TIMECLOUD, "70 * * * * *", "second \"70\"" },
  { ELVES_SCHEDULE_TIMECLOUD, "0 0 0 * * 7", "day of week \"7\": expected 0-6 or MON-SUN" },
  { ELVES_SCHEDULE_TIMECLOUD, "@daily", "1 field, expected 5 or 6" },
  { ELVES_SCHEDULE_TIMECLOUD, "0 0 0 30 1 *", "never fire" },
  { ELVES_SCHEDULE_CRONJOB, "[]", "cronJob object" },
  { ELVES_SCHEDULE_CRONJOB, "{\"dow\":8}", "dow \"8\": expected 0-7" },
  { ELVES_SCHEDULE_CRONJOB, "{\"hour\":[1]}", "hour: expected a string or a number" },
};

static void
test_refused (void)
{
  ElvesScheduleZone zone = { .name = "UTC" };

  for (guint i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (elves_schedule_new_rule (refused[i].dialect, refused[i].rule, &zone, &error));
      g_assert_error (error, ELVES_ERROR, ELVES_ERROR_INVALID);
      if (strstr (error->message, refused[i].says) == NULL)
        g_error ("\"%s\": \"%s\" does not say: %s", refused[i].rule, error->message,
                 refused[i].says);
    }
}

static void
test_long_text (void)
{
  g_autofree char *text = g_strnfill (ELVES_SCHEDULE_TEXT_LIMIT + 1, '1');
  g_autoptr (GError) error = NULL;

  g_assert_null (elves_schedule_new_rule (ELVES_SCHEDULE_QUARTZ, text, NULL, &error));
  g_assert_error (error, ELVES_ERROR, ELVES_ERROR_INVALID);
}

/* --- instants by themselves ------------------------------------------------------------------ */

static void
test_once (void)
{
  g_autoptr (ElvesSchedule) self = elves_schedule_new_once (1500);

  g_assert_cmpint (elves_schedule_next (self, 0), ==, 1500);
  g_assert_cmpint (elves_schedule_next (self, 1499), ==, 1500);
  g_assert_cmpint (elves_schedule_next (self, 1500), ==, ELVES_SCHEDULE_NEVER);
}

static void
test_interval (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ElvesSchedule) self = elves_schedule_new_interval (S (100), S (130), S (10), &error);

  g_assert_no_error (error);
  g_assert_cmpint (elves_schedule_next (self, G_MININT64), ==, S (100));
  g_assert_cmpint (elves_schedule_next (self, S (100) - 1), ==, S (100));
  g_assert_cmpint (elves_schedule_next (self, S (100)), ==, S (110));
  g_assert_cmpint (elves_schedule_next (self, S (109) + 5), ==, S (110));
  g_assert_cmpint (elves_schedule_next (self, S (120)), ==, S (130));
  g_assert_cmpint (elves_schedule_next (self, S (130)), ==, ELVES_SCHEDULE_NEVER);
}

static void
test_interval_without_end (void)
{
  g_autoptr (ElvesSchedule) self = elves_schedule_new_interval (0, 0, 7, NULL);

  g_assert_cmpint (elves_schedule_next (self, 7 * G_GINT64_CONSTANT (1000000000000)), ==,
                   7 * G_GINT64_CONSTANT (1000000000001));
  g_assert_cmpint (elves_schedule_next (self, G_MAXINT64 - 1), ==, ELVES_SCHEDULE_NEVER);
}

static void
test_bad_intervals (void)
{
  g_autoptr (GError) backwards = NULL;
  g_autoptr (GError) nothing = NULL;

  g_assert_null (elves_schedule_new_interval (S (2), S (1), S (1), &backwards));
  g_assert_error (backwards, ELVES_ERROR, ELVES_ERROR_INVALID);
  g_assert_null (elves_schedule_new_interval (0, 0, 0, &nothing));
  g_assert_error (nothing, ELVES_ERROR, ELVES_ERROR_INVALID);
}

static void
test_every_is_cut_to_seconds (void)
{
  g_autoptr (ElvesSchedule) self = rule (ELVES_SCHEDULE_CRONTAB_SECONDS, "@every 1500ms");
  g_autoptr (ElvesSchedule) shortest = rule (ELVES_SCHEDULE_CRONTAB_SECONDS, "@every 1ms");

  g_assert_cmpint (elves_schedule_next (self, S (10) + 999999), ==, S (11));
  g_assert_cmpint (elves_schedule_next (shortest, S (10)), ==, S (11));
}

/* --- the ends of time ------------------------------------------------------------------------ */

static void
test_ends (void)
{
  g_autoptr (ElvesSchedule) self = rule (ELVES_SCHEDULE_CRONTAB, "0 0 * * *");
  g_autoptr (ElvesSchedule) past = rule (ELVES_SCHEDULE_QUARTZ, "0 0 0 1 1 ? 1999");

  g_assert_cmpint (elves_schedule_next (self, G_MININT64), ==, 0);
  g_assert_cmpint (elves_schedule_next (self, G_MAXINT64), ==, ELVES_SCHEDULE_NEVER);
  g_assert_cmpint (elves_schedule_next (self, instant ("2199-12-31T00:00:00Z")), ==,
                   ELVES_SCHEDULE_NEVER);
  g_assert_cmpint (elves_schedule_next (past, instant ("1999-01-01T00:00:00Z")), ==,
                   ELVES_SCHEDULE_NEVER);
}

static void
test_within_a_second (void)
{
  g_autoptr (ElvesSchedule) self = rule (ELVES_SCHEDULE_CRONTAB_SECONDS, "* * * * * *");

  g_assert_cmpint (elves_schedule_next (self, S (5) - 1), ==, S (5));
  g_assert_cmpint (elves_schedule_next (self, S (5)), ==, S (6));
  g_assert_cmpint (elves_schedule_next (self, S (5) + 1), ==, S (6));
}

/* --- names ----------------------------------------------------------------------------------- */

static void
test_names (void)
{
  for (guint i = 0; i < ELVES_N_SCHEDULE_DIALECTS; i++)
    {
      ElvesScheduleDialect back;

      g_assert_true (elves_schedule_dialect_from_name (elves_schedule_dialect_name (i), &back));
      g_assert_cmpint (back, ==, i);
    }
  for (guint i = 0; i < ELVES_N_SCHEDULE_GAPS; i++)
    {
      ElvesScheduleGap back;

      g_assert_true (elves_schedule_gap_from_name (elves_schedule_gap_name (i), &back));
      g_assert_cmpint (back, ==, i);
    }
  for (guint i = 0; i < ELVES_N_SCHEDULE_FOLDS; i++)
    {
      ElvesScheduleFold back;

      g_assert_true (elves_schedule_fold_from_name (elves_schedule_fold_name (i), &back));
      g_assert_cmpint (back, ==, i);
    }
}

static void
test_unknown_names (void)
{
  ElvesScheduleDialect dialect = ELVES_SCHEDULE_TIMECLOUD;
  ElvesScheduleGap gap;
  ElvesScheduleFold fold;

  g_assert_false (elves_schedule_dialect_from_name ("cron", &dialect));
  g_assert_false (elves_schedule_dialect_from_name (NULL, &dialect));
  g_assert_cmpint (dialect, ==, ELVES_SCHEDULE_TIMECLOUD);
  g_assert_false (elves_schedule_gap_from_name ("", &gap));
  g_assert_false (elves_schedule_fold_from_name ("thrice", &fold));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (next_cases); i++)
    {
      g_autofree char *name = g_strdup_printf (
          "/schedule/next/%s/%u", elves_schedule_dialect_name (next_cases[i].dialect), i);

      g_test_add_data_func (name, &next_cases[i], test_next);
    }
  g_test_add_func ("/schedule/refused", test_refused);
  g_test_add_func ("/schedule/long-text", test_long_text);
  g_test_add_func ("/schedule/once", test_once);
  g_test_add_func ("/schedule/interval", test_interval);
  g_test_add_func ("/schedule/interval-without-end", test_interval_without_end);
  g_test_add_func ("/schedule/bad-intervals", test_bad_intervals);
  g_test_add_func ("/schedule/every-is-cut-to-seconds", test_every_is_cut_to_seconds);
  g_test_add_func ("/schedule/ends", test_ends);
  g_test_add_func ("/schedule/within-a-second", test_within_a_second);
  g_test_add_func ("/schedule/names", test_names);
  g_test_add_func ("/schedule/unknown-names", test_unknown_names);
  return g_test_run ();
}
