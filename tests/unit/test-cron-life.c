/* Every pair of states: what may follow what. */
#include "cron/life.h"

static void
test_pairs (void)
{
  GString *allowed = g_string_new (NULL);
  for (guint from = 1; from < ELVES_CRON_N_LIVES; from++)
    for (guint to = 1; to < ELVES_CRON_N_LIVES; to++)
      if (elves_cron_life_may_follow (from, to))
        g_string_append_printf (allowed, "%s>%s ", elves_cron_life_name (from),
                                elves_cron_life_name (to));
  g_assert_cmpstr (allowed->str, ==,
                   "decided>sent decided>ended sent>ended queued>decided queued>overlapped ");
  g_string_free (allowed, TRUE);
}

/* The numbers stand in databases. */
static void
test_numbers (void)
{
  g_assert_cmpint (ELVES_CRON_DECIDED, ==, 1);
  g_assert_cmpint (ELVES_CRON_SENT, ==, 2);
  g_assert_cmpint (ELVES_CRON_ENDED, ==, 3);
  g_assert_cmpint (ELVES_CRON_PASSED_OVER, ==, 4);
  g_assert_cmpint (ELVES_CRON_WAS_MISSED, ==, 5);
  g_assert_cmpint (ELVES_CRON_WAS_PAUSED, ==, 6);
  g_assert_cmpint (ELVES_CRON_QUEUED, ==, 7);
  g_assert_cmpstr (elves_cron_life_name (0), ==, "");
  g_assert_cmpstr (elves_cron_life_name (99), ==, "");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/pairs", test_pairs);
  g_test_add_func ("/numbers", test_numbers);
  return g_test_run ();
}
