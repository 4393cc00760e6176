/* The started schedules in order of time, whatever is added, moved and removed. */
#include "cron/timetable.h"

static ElvesCronEntry *
add (ElvesCronTimetable *table, guint64 id, gint64 next_us)
{
  ElvesCronEntry *entry = elves_cron_entry_new (id, elves_schedule_new_once (1));
  entry->next_us = next_us;
  elves_cron_timetable_add (table, entry);
  return entry;
}

/* Takes all out in order of time; returns how many there were. */
static guint
drain (ElvesCronTimetable *table)
{
  gint64 last_us = 0;
  guint n = 0;
  ElvesCronEntry *first;
  while ((first = elves_cron_timetable_first (table)) != NULL)
    {
      g_assert_cmpint (first->next_us, >=, last_us);
      last_us = first->next_us;
      g_assert_true (elves_cron_timetable_remove (table, first->id));
      n++;
    }
  return n;
}

static void
test_order (void)
{
  g_autoptr (ElvesCronTimetable) table = elves_cron_timetable_new ();
  g_assert_null (elves_cron_timetable_first (table));
  for (guint i = 0; i < 2000; i++)
    add (table, i, g_test_rand_int_range (1, 500));
  for (guint i = 0; i < 2000; i += 3)
    {
      ElvesCronEntry *entry = elves_cron_timetable_find (table, i);
      entry->next_us = g_test_rand_int_range (1, 500);
      elves_cron_timetable_moved (table, entry);
    }
  for (guint i = 1; i < 2000; i += 3)
    g_assert_true (elves_cron_timetable_remove (table, i));
  g_assert_false (elves_cron_timetable_remove (table, 1));
  g_assert_cmpuint (drain (table), ==, elves_cron_timetable_size (table) + 1333);
  g_assert_cmpuint (elves_cron_timetable_size (table), ==, 0);
}

static void
test_never (void)
{
  g_autoptr (ElvesCronTimetable) table = elves_cron_timetable_new ();
  ElvesCronEntry *entry = add (table, 1, ELVES_SCHEDULE_NEVER);
  g_assert_null (elves_cron_timetable_first (table));
  g_assert_true (elves_cron_timetable_find (table, 1) == entry);
  entry->next_us = 5;
  elves_cron_timetable_moved (table, entry);
  g_assert_true (elves_cron_timetable_first (table) == entry);
  entry->next_us = ELVES_SCHEDULE_NEVER;
  elves_cron_timetable_moved (table, entry);
  g_assert_null (elves_cron_timetable_first (table));
  g_assert_true (elves_cron_timetable_remove (table, 1));
}

static void
test_same_id (void)
{
  g_autoptr (ElvesCronTimetable) table = elves_cron_timetable_new ();
  add (table, 1, 5);
  add (table, 1, 9);
  g_assert_cmpuint (elves_cron_timetable_size (table), ==, 1);
  g_assert_cmpint (elves_cron_timetable_first (table)->next_us, ==, 9);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/order", test_order);
  g_test_add_func ("/never", test_never);
  g_test_add_func ("/same-id", test_same_id);
  return g_test_run ();
}
