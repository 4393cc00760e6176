/* What becomes of planned instants: policies for missed ones and for overlap, counts, ends. */
#include "cron/decision.h"

#define S G_USEC_PER_SEC
#define ROOM 16

/* Every second from second 1 on. */
static ElvesCronEntry *
every_second (void)
{
  ElvesCronEntry *entry =
      elves_cron_entry_new (1, elves_schedule_new_interval (1 * S, 0, 1 * S, NULL));
  elves_cron_entry_plan (entry, 0);
  return entry;
}

/* "1F 2F 3-7M": what was decided until @now_s, when all before @missed_s was missed. */
static char *
decide_room (ElvesCronEntry *entry, gint64 now_s, gint64 missed_s, guint room)
{
  static const char letters[] = "FQOM";
  ElvesCronDecision out[ROOM];
  guint n = elves_cron_decide (entry, now_s * S, missed_s * S, out, room);
  GString *text = g_string_new (NULL);
  g_assert_cmpuint (n, <=, room);
  for (guint i = 0; i < n; i++)
    {
      g_string_append_printf (text, "%s%d", i > 0 ? " " : "", (int) (out[i].planned_us / S));
      if (out[i].until_us != out[i].planned_us)
        g_string_append_printf (text, "-%d", (int) (out[i].until_us / S));
      g_string_append_c (text, letters[out[i].verdict]);
    }
  return g_string_free (text, FALSE);
}

static void
assert_decides (ElvesCronEntry *entry, gint64 now_s, gint64 missed_s, const char *expected)
{
  g_autofree char *text = decide_room (entry, now_s, missed_s, ROOM);
  g_assert_cmpstr (text, ==, expected);
}

static void
test_in_time (void)
{
  g_autoptr (ElvesCronEntry) entry = every_second ();
  assert_decides (entry, 0, 0, "");
  assert_decides (entry, 1, 0, "1F");
  assert_decides (entry, 1, 0, "");
  assert_decides (entry, 4, 0, "2F 3F 4F");
  g_assert_cmpint (entry->next_us, ==, 5 * S);
}

static void
test_clock_set_back (void)
{
  g_autoptr (ElvesCronEntry) entry = every_second ();
  assert_decides (entry, 10, 0, "1F 2F 3F 4F 5F 6F 7F 8F 9F 10F");
  assert_decides (entry, 3, 0, "");
  assert_decides (entry, 11, 0, "11F");
}

static void
test_missed (void)
{
  static const struct
  {
    ElvesCronMissed missed;
    guint cap;
    const char *expected;
  } cases[] = {
    { ELVES_CRON_MISSED_SKIP, 0, "1-97M 98F 99F 100F" },
    { ELVES_CRON_MISSED_LAST, 0, "1-96M 97F 98F 99F 100F" },
    { ELVES_CRON_MISSED_ALL, 2, "1-95M 96F 97F 98F 99F 100F" },
    { ELVES_CRON_MISSED_ALL, 0, "1-97M 98F 99F 100F" },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (ElvesCronEntry) entry = every_second ();
      entry->missed = cases[i].missed;
      entry->missed_cap = cases[i].cap;
      assert_decides (entry, 100, 98, cases[i].expected);
      assert_decides (entry, 101, 99, "101F");
    }
}

static void
test_all_missed_within_the_cap (void)
{
  g_autoptr (ElvesCronEntry) entry = every_second ();
  entry->missed = ELVES_CRON_MISSED_ALL;
  entry->missed_cap = 5;
  assert_decides (entry, 5, 5, "1F 2F 3F 4F 5F");
}

/* A turn has room for less than all: the cap counts once. */
static void
test_little_room (void)
{
  g_autoptr (ElvesCronEntry) entry = every_second ();
  g_autofree char *first = NULL, *second = NULL, *third = NULL;
  entry->missed = ELVES_CRON_MISSED_ALL;
  entry->missed_cap = 3;
  first = decide_room (entry, 100, 101, 2);
  second = decide_room (entry, 100, 101, 1);
  third = decide_room (entry, 100, 101, 3);
  g_assert_cmpstr (first, ==, "1-97M 98F");
  g_assert_cmpstr (second, ==, "99F");
  g_assert_cmpstr (third, ==, "100F");
}

/* A year of seconds is one range, found from its end. */
static void
test_missed_for_long (void)
{
  g_autoptr (ElvesCronEntry) entry = every_second ();
  gint64 year_s = 365 * 86400;
  g_autofree char *expected = g_strdup_printf ("1-%dM %dF", (int) (year_s - 1), (int) year_s);
  entry->missed = ELVES_CRON_MISSED_LAST;
  assert_decides (entry, year_s, year_s + 1, expected);
}

static void
test_end (void)
{
  g_autoptr (ElvesCronEntry) entry = every_second ();
  entry->end_us = 3 * S;
  assert_decides (entry, 10, 0, "1F 2F 3F");
  g_assert_true (elves_cron_entry_is_over (entry));
}

static void
test_end_missed (void)
{
  g_autoptr (ElvesCronEntry) entry = every_second ();
  entry->end_us = 3 * S;
  assert_decides (entry, 100, 90, "1-3M");
  g_assert_true (elves_cron_entry_is_over (entry));
}

static void
test_count (void)
{
  g_autoptr (ElvesCronEntry) entry = every_second ();
  entry->left = 2;
  assert_decides (entry, 10, 0, "1F 2F");
  g_assert_true (elves_cron_entry_is_over (entry));
}

static void
test_overlap_allowed (void)
{
  g_autoptr (ElvesCronEntry) entry = every_second ();
  assert_decides (entry, 2, 0, "1F 2F");
  g_assert_cmpint (elves_cron_release (entry, 1 * S), ==, 0);
}

static void
test_overlap_skipped (void)
{
  g_autoptr (ElvesCronEntry) entry = every_second ();
  entry->overlap = ELVES_CRON_OVERLAP_SKIP;
  entry->left = 2;
  assert_decides (entry, 3, 0, "1F 2O 3O");
  g_assert_cmpint (elves_cron_release (entry, 2 * S), ==, 0); /* not the one that runs */
  assert_decides (entry, 4, 0, "4O");
  g_assert_cmpint (elves_cron_release (entry, 1 * S), ==, 0);
  assert_decides (entry, 6, 0, "5F"); /* what was passed over does not count */
}

static void
test_overlap_queued (void)
{
  g_autoptr (ElvesCronEntry) entry = every_second ();
  entry->overlap = ELVES_CRON_OVERLAP_QUEUE;
  entry->left = 3;
  assert_decides (entry, 4, 0, "1F 2Q 3O 4O");
  g_assert_cmpint (elves_cron_release (entry, 1 * S), ==, 2 * S);
  assert_decides (entry, 6, 0, "5Q");
  g_assert_false (elves_cron_entry_is_over (entry)); /* one waits still */
  g_assert_cmpint (elves_cron_release (entry, 2 * S), ==, 5 * S);
  g_assert_cmpint (elves_cron_release (entry, 5 * S), ==, 0);
  g_assert_true (elves_cron_entry_is_over (entry));
}

static void
test_ids (void)
{
  char text[ELVES_CRON_ID_SIZE];
  guint64 id = 0;
  g_assert_true (elves_cron_id_parse ("00ffABCDEF012345", &id));
  elves_cron_id_write (id, text);
  g_assert_cmpstr (text, ==, "00FFABCDEF012345");
  g_assert_false (elves_cron_id_parse ("", &id));
  g_assert_false (elves_cron_id_parse ("0x12345678901234", &id));
  g_assert_false (elves_cron_id_parse ("00ffABCDEF0123456", &id));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/in-time", test_in_time);
  g_test_add_func ("/clock-set-back", test_clock_set_back);
  g_test_add_func ("/missed", test_missed);
  g_test_add_func ("/all-missed-within-the-cap", test_all_missed_within_the_cap);
  g_test_add_func ("/little-room", test_little_room);
  g_test_add_func ("/missed-for-long", test_missed_for_long);
  g_test_add_func ("/end", test_end);
  g_test_add_func ("/end-missed", test_end_missed);
  g_test_add_func ("/count", test_count);
  g_test_add_func ("/overlap-allowed", test_overlap_allowed);
  g_test_add_func ("/overlap-skipped", test_overlap_skipped);
  g_test_add_func ("/overlap-queued", test_overlap_queued);
  g_test_add_func ("/ids", test_ids);
  return g_test_run ();
}
