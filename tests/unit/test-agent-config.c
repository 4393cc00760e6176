/* The agent's keys: defaults, rules between keys, documentation. */

#include "agent/config.h"
#include "common/error.h"
#include "tests/lib/config-documentation.h"

#include <signal.h>

#define REQUIRED "agent.ip=10.0.0.7\napps.dir=/srv/apps\n"

static gboolean
load (const char *text, ElvesAgentConfig *config, GError **error)
{
  memset (config, 0, sizeof *config);
  return documentation_load (elves_agent_options, config, text, error);
}

static void
test_defaults (void)
{
  ElvesAgentConfig config;
  g_autoptr (GError) error = NULL;
  load (REQUIRED, &config, &error);
  g_assert_no_error (error);
  g_assert_true (elves_agent_config_check (&config, &error));
  g_assert_no_error (error);

  g_assert_cmpstr (config.listen, ==, "127.0.0.1");
  g_assert_cmpuint (config.port, ==, 11101);
  g_assert_cmpstr (config.apps_allowed, ==, "*");
  g_assert_cmpint (config.leftovers, ==, ELVES_LEFTOVERS_KILL);
  g_assert_cmpint (config.unmarked, ==, ELVES_UNMARKED_EXIT_STATUS);
  g_assert_cmpint (config.containment, ==, ELVES_CONTAINMENT_AUTO);
  g_assert_cmpuint (config.output_limit_bytes, ==, 8 * 1024 * 1024);
  g_assert_cmpuint (config.stderr_limit_bytes, ==, 16 * 1024);
  g_assert_cmpuint (config.param_argv_limit_bytes, ==, 96 * 1024);
  g_assert_cmpuint (config.grace_ms, ==, 2000);
  g_assert_cmpuint (g_hash_table_size (config.app_user), ==, 0);
  g_assert_false (elves_agent_config_uses_registry (&config));
  elves_config_clear (elves_agent_options, &config);
}

static void
test_given (void)
{
  ElvesAgentConfig config;
  g_autoptr (GError) error = NULL;
  load (REQUIRED "worker.leftovers=leave\nworker.unmarked=error\nworker.containment=process\n"
                 "zookeeper.host=h\napp.web.user=www\napp.web.version=1.2\napp.web.concurrency=3\n",
        &config, &error);
  g_assert_no_error (error);
  g_assert_cmpint (config.leftovers, ==, ELVES_LEFTOVERS_LEAVE);
  g_assert_cmpint (config.unmarked, ==, ELVES_UNMARKED_ERROR);
  g_assert_cmpint (config.containment, ==, ELVES_CONTAINMENT_PROCESS);
  g_assert_true (elves_agent_config_uses_registry (&config));
  g_assert_cmpstr (g_hash_table_lookup (config.app_user, "web"), ==, "www");
  g_assert_cmpstr (g_hash_table_lookup (config.app_version, "web"), ==, "1.2");
  g_assert_cmpstr (g_hash_table_lookup (config.app_concurrency, "web"), ==, "3");
  elves_config_clear (elves_agent_options, &config);
}

static void
test_refused_values (void)
{
  static const char *const lines[] = {
    "agent.port=65536", "app.web.concurrency=0", "worker.argvLimit=131072", "worker.unmarked=yes",
    "apps.dir=",        "worker.outputLimit=1k"
  };
  for (gsize i = 0; i < G_N_ELEMENTS (lines); i++)
    {
      ElvesAgentConfig config;
      g_autoptr (GError) error = NULL;
      g_autofree char *text = g_strconcat ("agent.ip=a\n", lines[i], NULL);
      g_assert_false (load (text, &config, &error));
      g_assert_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG);
      g_assert_nonnull (strstr (error->message, ":2: "));
    }
}

static void
test_rules (void)
{
  static const struct
  {
    const char *lines, *key;
  } cases[] = {
    { "agent.ip=a/b\napps.dir=/a", "agent.ip" },
    { "agent.ip=a b\napps.dir=/a", "agent.ip" },
    { "agent.ip=..\napps.dir=/a", "agent.ip" },
    { "agent.ip=a\napps.dir=apps", "apps.dir" },
    { REQUIRED "run.dir=run", "run.dir" },
    { REQUIRED "worker.cgroupRoot=x", "worker.cgroupRoot" },
    { REQUIRED "worker.stopSignal=SIGTERM", "worker.stopSignal" },
    { REQUIRED "worker.stopSignal=CHLD", "worker.stopSignal" },
    { REQUIRED "agent.listen=10.0.0.7", "authips" },
    { REQUIRED "authips=10.0.0.1/8", "authips" },
    { REQUIRED "zookeeper.enabled=true", "zookeeper.host" },
    { REQUIRED "retry.first=60000", "retry.first" },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      ElvesAgentConfig config;
      g_autoptr (GError) error = NULL;
      load (cases[i].lines, &config, &error);
      g_assert_no_error (error);
      g_assert_false (elves_agent_config_check (&config, &error));
      g_assert_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG);
      g_test_message ("%s", error->message);
      g_assert_nonnull (strstr (error->message, cases[i].key));
      elves_config_clear (elves_agent_options, &config);
    }
}

static void
test_signal_names (void)
{
  g_assert_cmpint (elves_agent_config_signal_number ("TERM"), ==, SIGTERM);
  g_assert_cmpint (elves_agent_config_signal_number ("USR2"), ==, SIGUSR2);
  g_assert_cmpint (elves_agent_config_signal_number ("KILL"), ==, SIGKILL);
  g_assert_cmpint (elves_agent_config_signal_number ("STOP"), ==, 0);
  g_assert_cmpint (elves_agent_config_signal_number (""), ==, 0);
}

static void
test_documentation (void)
{
  ElvesAgentConfig config = { 0 };
  documentation_assert_example_loads (elves_agent_options, &config, "elves-agent.properties",
                                      elves_agent_config_check);
  documentation_assert_example (elves_agent_options, "elves-agent.properties");
  documentation_assert_manual (elves_agent_options, "elves-agent.properties.5");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/agent-config/defaults", test_defaults);
  g_test_add_func ("/agent-config/given", test_given);
  g_test_add_func ("/agent-config/refused-values", test_refused_values);
  g_test_add_func ("/agent-config/rules", test_rules);
  g_test_add_func ("/agent-config/signal-names", test_signal_names);
  g_test_add_func ("/agent-config/documentation", test_documentation);
  return g_test_run ();
}
