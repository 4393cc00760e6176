/* What a worker and its descendants do with its output. */
#include "tests/lib/runner-fixture.h"

static void
test_holds_stdout (Fixture *fixture, gconstpointer mode)
{
  fixture->spec.drain_ms = 100;
  if (!run_shell (fixture, "sleep 60 & echo done"))
    return;
  g_assert_cmpint (fixture->end, ==, ELVES_RUN_EXITED);
  g_assert_cmpstr (fixture->output->str, ==, "done\n");
  g_assert_cmpuint (fixture->killed, ==, 1);
  g_assert_cmpuint (fixture->cost_ms, >=, 100);
  g_assert_cmpuint (fixture->cost_ms, <, 5000);
}

/* A late line of a background child is still taken when it comes within the drain time. */
static void
test_late_output (Fixture *fixture, gconstpointer mode)
{
  fixture->spec.drain_ms = DEADLINE_MS;
  if (!run_shell (fixture, "(sleep 0.1; echo late) & echo early"))
    return;
  g_assert_cmpstr (fixture->output->str, ==, "early\nlate\n");
  g_assert_cmpuint (fixture->survivors, ==, 0); /* it may be met dying, and be killed */
}

static void
test_closes_stdout (Fixture *fixture, gconstpointer mode)
{
  if (!run_shell (fixture, "echo first; exec >&- 2>&-; sleep 0.1; exit 4"))
    return;
  g_assert_cmpint (fixture->end, ==, ELVES_RUN_EXITED);
  g_assert_cmpint (fixture->status, ==, 4);
  g_assert_cmpstr (fixture->output->str, ==, "first\n");
  g_assert_cmpuint (fixture->cost_ms, >=, 100);
}

static void
test_flood (Fixture *fixture, gconstpointer mode)
{
  if (!run_shell (fixture, "echo start; head -c 100000000 /dev/zero;"
                           "head -c 300000 /dev/zero >&2; echo end >&2"))
    return;
  g_assert_cmpint (fixture->end, ==, ELVES_RUN_EXITED);
  g_assert_cmpuint (fixture->output_bytes, ==, 100000006);
  g_assert_cmpuint (fixture->output->len, ==, OUTPUT_LIMIT_BYTES);
  g_assert_cmpint (memcmp (fixture->output->str, "start\n", 6), ==, 0);
  g_assert_cmpuint (fixture->error_output->len, ==, OUTPUT_LIMIT_BYTES);
  g_assert_cmpstr (fixture->error_output->str + OUTPUT_LIMIT_BYTES - 4, ==, "end\n");
}

/* An endless flood ends at the timeout. */
static void
test_flood_timeout (Fixture *fixture, gconstpointer mode)
{
  fixture->spec.timeout_ms = 50;
  fixture->spec.grace_ms = 50;
  if (!run_shell (fixture, "trap '' TERM; while :; do head -c 1000000 /dev/zero; done"))
    return;
  g_assert_cmpint (fixture->end, ==, ELVES_RUN_TIMED_OUT);
  g_assert_cmpuint (fixture->cost_ms, <, 5000);
}

static void
test_binary (Fixture *fixture, gconstpointer mode)
{
  if (!run_shell (fixture, "printf '\\000\\377\\376a\\000'"))
    return;
  g_assert_cmpmem (fixture->output->str, fixture->output->len, "\000\377\376a\000", 5);
}

static const Test tests[] = {
  { "holds-stdout", test_holds_stdout },   { "late-output", test_late_output },
  { "closes-stdout", test_closes_stdout }, { "flood", test_flood },
  { "flood-timeout", test_flood_timeout }, { "binary", test_binary },
};

int
main (int argc, char **argv)
{
  return run_tests (argc, argv, tests, G_N_ELEMENTS (tests));
}
