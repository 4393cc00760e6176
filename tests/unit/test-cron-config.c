/* The keys of elves-cron: documentation, rules between keys; and its metrics. */

#include "common/error.h"
#include "cron/config.h"
#include "cron/metrics.h"
#include "tests/lib/config-documentation.h"

#define NEEDED "mq.ip=1\nmq.user=u\nmq.password=p\n"

static gboolean
is_good (const char *text)
{
  ElvesCronConfig config = { 0 };
  g_autoptr (GError) error = NULL;
  gboolean good;
  documentation_load (elves_cron_options, &config, text, &error);
  g_assert_no_error (error);
  good = elves_cron_config_check (&config, &error);
  g_assert_true (good == (error == NULL));
  elves_config_clear (elves_cron_options, &config);
  return good;
}

static gboolean
elects (const char *text)
{
  ElvesCronConfig config = { 0 };
  gboolean answer;
  documentation_load (elves_cron_options, &config, text, NULL);
  answer = elves_cron_config_elects (&config);
  elves_config_clear (elves_cron_options, &config);
  return answer;
}

static void
test_rules (void)
{
  g_assert_true (is_good (NEEDED));
  g_assert_false (is_good (NEEDED "store.url=mysql://x\n"));
  g_assert_false (is_good (NEEDED "zookeeper.enabled=true\n"));
  g_assert_false (is_good (NEEDED "metrics.listen=0.0.0.0\n"));
  g_assert_false (is_good (NEEDED "retry.first=5000\nretry.cap=100\n"));
}

static void
test_exchanges (void)
{
  ElvesCronConfig config = { .messages_exchange = (char *) "m",
                             .messages_exchanges = (char *) " a,b  m,, c" };
  g_auto (GStrv) names = elves_cron_config_exchanges (&config);
  g_autofree char *text = g_strjoinv ("|", names);
  g_assert_cmpstr (text, ==, "m|a|b|c");
  g_assert_true (is_good (NEEDED "messages.exchanges=\n"));
  g_assert_false (is_good (NEEDED "messages.exchanges=amq.topic\n"));
  g_assert_false (is_good (NEEDED "messages.exchanges=a b c d e f g h i j k l m n o p q\n"));
}

static void
test_elects (void)
{
  g_assert_false (elects (NEEDED));
  g_assert_false (elects (NEEDED "zookeeper.host=z\n"));
  g_assert_false (elects (NEEDED "store.url=postgresql://h/d\n"));
  g_assert_true (elects (NEEDED "store.url=postgresql://h/d\nzookeeper.host=z\n"));
}

static void
test_documentation (void)
{
  ElvesCronConfig config = { 0 };
  documentation_assert_manual (elves_cron_options, "elves-cron.properties.5");
  documentation_assert_example (elves_cron_options, "elves-cron.properties");
  documentation_assert_example_loads (elves_cron_options, &config, "elves-cron.properties",
                                      elves_cron_config_check);
}

static void
test_metrics (void)
{
  g_autofree char *text = documentation_read ("man", "elves-cron.8");
  for (const ElvesMetric *metric = elves_cron_metric_table; metric->name != NULL; metric++)
    {
      g_autofree char *item = g_strdup_printf (".It Li %s\n%s\n", metric->name,
                                               metric->help != NULL ? metric->help : "");
      g_test_message ("%s", metric->name);
      g_assert_true (metric->help == NULL || strstr (text, item) != NULL);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/rules", test_rules);
  g_test_add_func ("/exchanges", test_exchanges);
  g_test_add_func ("/elects", test_elects);
  g_test_add_func ("/documentation", test_documentation);
  g_test_add_func ("/metrics", test_metrics);
  return g_test_run ();
}
