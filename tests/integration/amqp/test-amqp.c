/* Consumer and publisher against a real broker. The other side is plain librabbitmq.
 *
 * The broker's address comes from the environment (tests/lib/with-services); without it the tests
 * are skipped, or fail when ELVES_REQUIRE_SERVICES=1. Every test has a queue and an exchange of its
 * own.
 */
#include "tests/integration/amqp/fixture.h"

static int
report_missing_broker (void)
{
  if (g_strcmp0 (g_getenv ("ELVES_REQUIRE_SERVICES"), "1") == 0)
    {
      g_print ("Bail out! no broker: ELVES_TEST_MQ_HOST is not set\n");
      return 1;
    }
  g_print ("1..0 # SKIP no broker: run under tests/lib/with-services\n");
  return 0;
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  if (!read_environment ())
    return report_missing_broker ();
  add_consumer_cases ();
  add_publisher_cases ();
  return g_test_run ();
}
