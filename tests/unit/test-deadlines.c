#include "common/deadlines.h"

#include <stdlib.h>

enum
{
  MANY = 500
};

typedef struct
{
  ElvesDeadline deadline;
  int number;
} Item;

static GArray *fired;

static void
on_fired (ElvesDeadline *deadline, gpointer user_data)
{
  Item *item = user_data;

  g_assert_cmpuint (deadline->place, ==, 0);
  g_array_append_val (fired, item->number);
}

static void
run_until_fired (guint count)
{
  gint64 end_us = g_get_monotonic_time () + 5 * G_USEC_PER_SEC;

  while (fired->len < count && g_get_monotonic_time () < end_us)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (fired->len, ==, count);
}

static void
test_order (void)
{
  g_autoptr (ElvesDeadlines) deadlines = elves_deadlines_new ();
  Item items[MANY] = { 0 };
  int order[MANY];
  gint64 now_us = g_get_monotonic_time ();

  fired = g_array_new (FALSE, FALSE, sizeof (int));
  for (int i = 0; i < MANY; i++)
    order[i] = i;
  for (int i = MANY - 1; i > 0; i--)
    {
      int other = g_test_rand_int_range (0, i + 1), kept = order[i];

      order[i] = order[other];
      order[other] = kept;
    }
  for (int i = 0; i < MANY; i++)
    {
      Item *item = &items[order[i]];

      item->number = order[i];
      elves_deadlines_arm (deadlines, &item->deadline, now_us + order[i] * 10, on_fired, item);
    }
  for (int i = 0; i < MANY; i += 5)
    elves_deadlines_disarm (deadlines, &items[i].deadline);
  elves_deadlines_disarm (deadlines, &items[0].deadline);

  run_until_fired (MANY - MANY / 5);
  for (guint i = 1; i < fired->len; i++)
    g_assert_cmpint (g_array_index (fired, int, i - 1), <, g_array_index (fired, int, i));
  for (guint i = 0; i < fired->len; i++)
    g_assert_cmpint (g_array_index (fired, int, i) % 5, !=, 0);
  g_array_unref (fired);
}

static void
test_rearm (void)
{
  g_autoptr (ElvesDeadlines) deadlines = elves_deadlines_new ();
  Item first = { .number = 1 }, second = { .number = 2 };
  gint64 now_us = g_get_monotonic_time ();

  fired = g_array_new (FALSE, FALSE, sizeof (int));
  elves_deadlines_arm (deadlines, &first.deadline, now_us + 1000, on_fired, &first);
  elves_deadlines_arm (deadlines, &second.deadline, now_us + 2000, on_fired, &second);
  elves_deadlines_arm (deadlines, &first.deadline, now_us + 3000, on_fired, &first);
  run_until_fired (2);
  g_assert_cmpint (g_array_index (fired, int, 0), ==, 2);
  g_assert_cmpint (g_array_index (fired, int, 1), ==, 1);
  g_array_unref (fired);
}

static void
on_fired_freeing (ElvesDeadline *deadline, gpointer user_data)
{
  ElvesDeadlines **deadlines = user_data;

  g_clear_pointer (deadlines, elves_deadlines_free);
}

static void
test_freed_inside (void)
{
  ElvesDeadlines *deadlines = elves_deadlines_new ();
  ElvesDeadline deadline = { 0 }, never = { 0 };

  elves_deadlines_arm (deadlines, &deadline, 0, on_fired_freeing, &deadlines);
  elves_deadlines_arm (deadlines, &never, 1, on_fired_freeing, NULL);
  while (deadlines != NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (never.place, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/deadlines/order", test_order);
  g_test_add_func ("/deadlines/rearm", test_rearm);
  g_test_add_func ("/deadlines/freed-inside", test_freed_inside);
  return g_test_run ();
}
