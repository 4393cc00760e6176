/* The scheduler's keys: the original's file, defaults, rules between keys, documentation. */

#include "common/error.h"
#include "scheduler/config.h"
#include "tests/lib/config-documentation.h"

static gboolean
load (const char *text, ElvesSchedulerConfig *config, GError **error)
{
  memset (config, 0, sizeof *config);
  return documentation_load (elves_scheduler_options, config, text, error);
}

/* The file that the documentation of the original shows; its keys and blanks as they are. */
static void
test_original_file (void)
{
  static const char text[] = "#zookeeper config\n"
                             "zookeeper.host=192.168.6.117\n"
                             "zookeeper.outTime=10000\n"
                             "zookeeper.root = /elves\n"
                             "\n"
                             "#mq config\n"
                             "mq.ip=192.168.6.117\n"
                             "mq.port=5672\n"
                             "mq.user=root\n"
                             "mq.password=root\n";
  ElvesSchedulerConfig config;
  g_autoptr (GError) error = NULL;
  load (text, &config, &error);
  g_assert_no_error (error);
  g_assert_true (elves_scheduler_config_check (&config, &error));
  g_assert_no_error (error);

  g_assert_cmpstr (config.mq_host, ==, "192.168.6.117");
  g_assert_cmpuint (config.mq_port, ==, 5672);
  g_assert_cmpstr (config.mq_user, ==, "root");
  g_assert_cmpstr (config.mq_password, ==, "root");
  g_assert_cmpstr (config.zookeeper_root, ==, "/elves");
  g_assert_true (elves_scheduler_config_uses_registry (&config));
  elves_config_clear (elves_scheduler_options, &config);
}

/* The one that its releases ship. */
static void
test_released_file (void)
{
  static const char text[] =
      "zookeeper.enabled=false\nzookeeper.host=127.0.0.1:2181\nzookeeper.outTime=10000\n"
      "zookeeper.root=/elves\nzookeeper.node=x\nmq.ip=127.0.0.1\nmq.port=5672\nmq.user=admin\n"
      "mq.password=\nmq.exchange=elves\nthrift.scheduler.port=10101\nthrift.agent.port=11101\n"
      "thrift.outTime=30000\n";
  ElvesSchedulerConfig config;
  g_autoptr (GError) error = NULL;
  load (text, &config, &error);
  g_assert_no_error (error);
  g_assert_true (elves_scheduler_config_check (&config, &error));
  g_assert_false (elves_scheduler_config_uses_registry (&config));
  elves_config_clear (elves_scheduler_options, &config);
}

#define REQUIRED "mq.ip=x\nmq.user=x\nmq.password=\n"

static void
test_defaults (void)
{
  ElvesSchedulerConfig config;
  g_autoptr (GError) error = NULL;
  load (REQUIRED, &config, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (config.mq_port, ==, 5672);
  g_assert_cmpstr (config.mq_vhost, ==, "/");
  g_assert_cmpstr (config.mq_exchange, ==, "elves");
  g_assert_cmpint (config.mq_queue_type, ==, ELVES_QUEUE_CLASSIC);
  g_assert_true (config.mq_persistent);
  g_assert_cmpuint (config.mq_max_message_bytes, ==, 16 * 1024 * 1024);
  g_assert_cmpstr (config.thrift_listen, ==, "127.0.0.1");
  g_assert_cmpuint (config.thrift_scheduler_port, ==, 10101);
  g_assert_cmpuint (config.thrift_agent_port, ==, 11101);
  g_assert_cmpuint (config.thrift_timeout_ms, ==, 30000);
  g_assert_cmpint (config.agents_unregistered, ==, ELVES_UNREGISTERED_REFUSE);
  g_assert_cmpint (config.legacy_timeout_unit, ==, ELVES_TIMEOUT_UNIT_S);
  g_assert_cmpuint (config.job_default_timeout_s, ==, 90);
  g_assert_false (elves_scheduler_config_uses_registry (&config));
  elves_config_clear (elves_scheduler_options, &config);
}

static void
test_choices (void)
{
  ElvesSchedulerConfig config;
  g_autoptr (GError) error = NULL;
  load (REQUIRED "mq.queueType=quorum\nagents.unregistered=dial\nlegacy.timeout.unit=ms\n", &config,
        &error);
  g_assert_no_error (error);
  g_assert_cmpint (config.mq_queue_type, ==, ELVES_QUEUE_QUORUM);
  g_assert_cmpint (config.agents_unregistered, ==, ELVES_UNREGISTERED_DIAL);
  g_assert_cmpint (config.legacy_timeout_unit, ==, ELVES_TIMEOUT_UNIT_MS);
  elves_config_clear (elves_scheduler_options, &config);
}

static void
test_zookeeper_enabled (void)
{
  static const struct
  {
    const char *lines;
    gboolean expected;
  } cases[] = {
    { "", FALSE },
    { "zookeeper.host=h\n", TRUE },
    { "zookeeper.host=h\nzookeeper.enabled=TRUE\n", TRUE },
    { "zookeeper.host=h\nzookeeper.enabled=false\n", FALSE },
    { "zookeeper.host=h\nzookeeper.enabled=no\n", FALSE },
    { "zookeeper.host=h\nzookeeper.enabled=\n", FALSE },
    { "zookeeper.enabled=false\n", FALSE },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      ElvesSchedulerConfig config;
      g_autoptr (GError) error = NULL;
      g_autofree char *text = g_strconcat (REQUIRED, cases[i].lines, NULL);
      load (text, &config, &error);
      g_assert_no_error (error);
      g_assert_true (elves_scheduler_config_check (&config, NULL));
      g_assert_cmpint (elves_scheduler_config_uses_registry (&config), ==, cases[i].expected);
      elves_config_clear (elves_scheduler_options, &config);
    }
}

static void
test_rules (void)
{
  static const struct
  {
    const char *lines, *key;
  } cases[] = {
    { "zookeeper.enabled=true", "zookeeper.host" },
    { "zookeeper.root=elves", "zookeeper.root" },
    { "zookeeper.root=/", "zookeeper.root" },
    { "zookeeper.root=/elves/", "zookeeper.root" },
    { "zookeeper.root=/a//b", "zookeeper.root" },
    { "zookeeper.root=", "zookeeper.root" },
    { "thrift.scheduler.listen=0.0.0.0", "thrift.scheduler.authips" },
    { "thrift.scheduler.authips=host.example", "thrift.scheduler.authips" },
    { "retry.first=2000\nretry.cap=1999", "retry.first" },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      ElvesSchedulerConfig config;
      g_autoptr (GError) error = NULL;
      g_autofree char *text = g_strconcat (REQUIRED, cases[i].lines, NULL);
      load (text, &config, &error);
      g_assert_no_error (error);
      g_assert_false (elves_scheduler_config_check (&config, &error));
      g_assert_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG);
      g_test_message ("%s", error->message);
      g_assert_nonnull (strstr (error->message, cases[i].key));
      elves_config_clear (elves_scheduler_options, &config);
    }
}

static void
test_documentation (void)
{
  ElvesSchedulerConfig config = { 0 };
  documentation_assert_example_loads (elves_scheduler_options, &config,
                                      "elves-scheduler.properties", elves_scheduler_config_check);
  documentation_assert_example (elves_scheduler_options, "elves-scheduler.properties");
  documentation_assert_manual (elves_scheduler_options, "elves-scheduler.properties.5");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/scheduler-config/original-file", test_original_file);
  g_test_add_func ("/scheduler-config/released-file", test_released_file);
  g_test_add_func ("/scheduler-config/defaults", test_defaults);
  g_test_add_func ("/scheduler-config/choices", test_choices);
  g_test_add_func ("/scheduler-config/zookeeper-enabled", test_zookeeper_enabled);
  g_test_add_func ("/scheduler-config/rules", test_rules);
  g_test_add_func ("/scheduler-config/documentation", test_documentation);
  return g_test_run ();
}
