/* Every change of every zone's clock in thirty years: what the policies make of a daily time that
   is missing or comes twice, against a plain walk through the quarters of an hour around it, of
   which the C library says the local time. */

#include "common/civil.h"
#include "common/schedule.h"
#include "common/zone.h"

#include <string.h>
#include <time.h>

#define ZONE_LIST "/usr/share/zoneinfo/zone1970.tab"
#define FROM_S G_GINT64_CONSTANT (820454400) /* 1996 */
#define TO_S G_GINT64_CONSTANT (1830297600)  /* 2028 */

enum
{
  QUARTER_S = 15 * 60,
  WINDOW_S = 50 * 3600, /* before a change, and after it */
  MOST = 16             /* daily instants in a window */
};

typedef struct
{
  gint64 at[MOST];
  guint n;
} Instants;

static gint64
local_of (gint64 utc_s)
{
  time_t time = (time_t) utc_s;
  struct tm local;

  g_assert_nonnull (localtime_r (&time, &local));
  return utc_s + local.tm_gmtoff;
}

static gint64
floor_quarter (gint64 seconds)
{
  return seconds - (seconds % QUARTER_S + QUARTER_S) % QUARTER_S;
}

static void
add (Instants *self, gint64 at_s)
{
  g_assert_cmpuint (self->n, <, MOST);
  self->at[self->n++] = at_s;
}

/* All quarters whose local time of day is @time_s; with @once, of each local time the first. */
static Instants
walk (gint64 change_s, gint64 time_s, gboolean once)
{
  Instants found = { .n = 0 };
  gint64 highest = G_MININT64;

  for (gint64 at = floor_quarter (change_s) - WINDOW_S; at <= change_s + WINDOW_S; at += QUARTER_S)
    {
      gint64 local = local_of (at);

      if (local - elves_civil_day_of (local) * ELVES_CIVIL_DAY_S == time_s &&
          (!once || local > highest))
        add (&found, at);
      highest = MAX (highest, local);
    }
  return found;
}

static Instants
ask (const char *zone_name,
     gint64 change_s,
     gint64 time_s,
     ElvesScheduleGap gap,
     ElvesScheduleFold fold)
{
  ElvesScheduleZone zone = { zone_name, gap, fold };
  g_autofree char *rule =
      g_strdup_printf ("%d %d * * *", (int) (time_s / 60 % 60), (int) (time_s / 3600));
  g_autoptr (ElvesSchedule) schedule =
      elves_schedule_new_rule (ELVES_SCHEDULE_CRONTAB, rule, &zone, NULL);
  gint64 at_us = (floor_quarter (change_s) - WINDOW_S) * G_USEC_PER_SEC - 1;
  Instants found = { .n = 0 };

  g_assert_nonnull (schedule);
  for (;;)
    {
      gint64 next_us = elves_schedule_next (schedule, at_us);

      g_assert_cmpint (next_us, >, at_us);
      g_assert_cmpint (elves_schedule_next (schedule, next_us - 1), ==, next_us);
      at_us = next_us;
      if (at_us > (change_s + WINDOW_S) * G_USEC_PER_SEC)
        return found;
      add (&found, at_us / G_USEC_PER_SEC);
    }
}

static void
assert_same (const char *zone, gint64 change_s, const Instants *found, const Instants *expected)
{
  if (found->n != expected->n ||
      memcmp (found->at, expected->at, found->n * sizeof found->at[0]) != 0)
    g_error ("%s, change at %" G_GINT64_FORMAT ": %u instants, expected %u", zone, change_s,
             found->n, expected->n);
}

/* Where the walk has none for a day, "first valid" puts the change itself. */
static Instants
with_change (const Instants *walked, gint64 change_s, gboolean missing)
{
  Instants all = { .n = 0 };
  guint i = 0;

  for (; i < walked->n && walked->at[i] < change_s; i++)
    add (&all, walked->at[i]);
  if (missing)
    add (&all, change_s);
  for (i += missing && i < walked->n && walked->at[i] == change_s; i < walked->n; i++)
    add (&all, walked->at[i]);
  return all;
}

/* The local time at which the gap or the fold begins. */
static void
check_change (const char *name, const ElvesZoneSpan *before, const ElvesZoneSpan *span)
{
  gint64 local_s = span->start_s + MIN (before->offset_s, span->offset_s);
  gint64 time_s = local_s - elves_civil_day_of (local_s) * ELVES_CIVIL_DAY_S;
  gboolean is_gap = span->offset_s > before->offset_s;
  Instants twice = walk (span->start_s, time_s, FALSE);
  Instants once = walk (span->start_s, time_s, TRUE);
  Instants found;

  if (time_s % QUARTER_S != 0 || span->start_s % QUARTER_S != 0)
    return;
  found = ask (name, span->start_s, time_s, ELVES_SCHEDULE_GAP_SKIP, ELVES_SCHEDULE_FOLD_TWICE);
  assert_same (name, span->start_s, &found, &twice);
  found = ask (name, span->start_s, time_s, ELVES_SCHEDULE_GAP_SKIP, ELVES_SCHEDULE_FOLD_ONCE);
  assert_same (name, span->start_s, &found, &once);
  found =
      ask (name, span->start_s, time_s, ELVES_SCHEDULE_GAP_FIRST_VALID, ELVES_SCHEDULE_FOLD_ONCE);
  once = with_change (&once, span->start_s, is_gap);
  assert_same (name, span->start_s, &found, &once);
}

/* Changes that are nearer to each other than the window would count for each other. */
static gboolean
stands_alone (const ElvesZone *zone, guint index)
{
  gint64 start_s = elves_zone_span (zone, index)->start_s;

  return start_s - elves_zone_span (zone, index - 1)->start_s > 2 * WINDOW_S &&
         elves_zone_span_end (zone, index) - start_s > 2 * WINDOW_S;
}

static guint
check_zone (const char *name)
{
  const ElvesZone *zone = elves_zone_get (name, NULL);
  guint n_changes = 0;

  g_assert_nonnull (zone);
  g_setenv ("TZ", name, TRUE);
  tzset ();
  for (guint i = 1; elves_zone_span (zone, i) != NULL; i++)
    {
      const ElvesZoneSpan *span = elves_zone_span (zone, i);

      if (span->start_s < FROM_S || span->start_s > TO_S || !stands_alone (zone, i))
        continue;
      check_change (name, elves_zone_span (zone, i - 1), span);
      n_changes++;
    }
  return n_changes;
}

static void
test_every_change (void)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  guint n_changes = 0;

  if (!g_file_get_contents (ZONE_LIST, &text, NULL, NULL))
    {
      g_test_skip ("there is no " ZONE_LIST);
      return;
    }
  lines = g_strsplit (text, "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    {
      g_auto (GStrv) words = g_strsplit (*line, "\t", -1);

      if (**line != '#' && g_strv_length (words) >= 3)
        n_changes += check_zone (words[2]);
    }
  g_test_message ("%u changes", n_changes);
  g_assert_cmpuint (n_changes, >, 5000);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/schedule-zone/every-change", test_every_change);
  return g_test_run ();
}
