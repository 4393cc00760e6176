/* Delays between tries: doubling, cap, jitter, and the ends of the ranges. */

#include "common/backoff.h"

static void
test_table (void)
{
  static const struct
  {
    guint attempt, first_ms, cap_ms;
    double random;
    guint expected_ms;
  } cases[] = {
    { 0, 200, 10000, 0.0, 100 },
    { 0, 200, 10000, 0.5, 150 },
    { 1, 200, 10000, 0.0, 200 },
    { 5, 200, 10000, 0.0, 3200 },
    { 6, 200, 10000, 0.0, 5000 },         /* 12800 is over the cap */
    { G_MAXUINT, 200, 10000, 0.0, 5000 }, /* no overflow, no long loop */
    { 40, 1, G_MAXUINT, 0.0, G_MAXUINT / 2 },
    { 0, 500, 100, 0.0, 50 }, /* the cap counts from the first attempt on */
    { 3, 0, 1000, 0.9, 1 },
    { G_MAXUINT, 0, 1000, 0.9, 1 },
    { 0, 1, 1, 0.0, 1 },
    { 2, 100, 0, 0.5, 1 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmpuint (elves_backoff_delay_ms (cases[i].attempt, cases[i].first_ms, cases[i].cap_ms,
                                              cases[i].random),
                      ==, cases[i].expected_ms);
}

static void
test_bounds (void)
{
  for (guint attempt = 0; attempt < 12; attempt++)
    {
      guint full_ms = MIN (100u << attempt, 30000u);
      for (double random = 0; random < 1; random += 0.0625)
        {
          guint delay_ms = elves_backoff_delay_ms (attempt, 100, 30000, random);
          g_assert_cmpuint (delay_ms, >=, full_ms / 2);
          g_assert_cmpuint (delay_ms, <=, full_ms);
        }
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/backoff/table", test_table);
  g_test_add_func ("/backoff/bounds", test_bounds);
  return g_test_run ();
}
