/* The heartbeat's pure parts: who is there, which apps, what ZooKeeper keeps; and its documents. */

#include "common/error.h"
#include "heartbeat/answers.h"
#include "heartbeat/app-list.h"
#include "heartbeat/config.h"
#include "heartbeat/metrics.h"
#include "heartbeat/record.h"
#include "tests/lib/config-documentation.h"

static const ElvesRosterAgent a1 = { "10.0.0.1", "one", "1", "{}", 1000 };
static const ElvesRosterAgent a2 = { "10.0.0.2", "two", "1", "{\"x\":\"1\"}", 2000 };

static void
test_roster (void)
{
  static const ElvesRosterAgent node = { "10.0.0.1", "node", "2", "{}", 0 };
  g_autoptr (ElvesRoster) roster = elves_roster_new (500, 2);

  g_assert_true (elves_roster_set (roster, ELVES_ROSTER_BEAT, &a1));
  g_assert_true (elves_roster_set (roster, ELVES_ROSTER_BEAT, &a2));
  g_assert_false (elves_roster_set (roster, ELVES_ROSTER_BEAT,
                                    &(ElvesRosterAgent){ "10.0.0.3", "", "", "{}", 0 }));
  g_assert_true (elves_roster_set (roster, ELVES_ROSTER_BEAT, &a1));
  g_assert_nonnull (elves_roster_find (roster, "10.0.0.1", 1500));
  g_assert_null (elves_roster_find (roster, "10.0.0.1", 1501));
  g_assert_null (elves_roster_find (roster, "10.0.0.9", 1000));

  g_assert_true (elves_roster_set (roster, ELVES_ROSTER_NODE, &node));
  g_assert_cmpstr (elves_roster_find (roster, "10.0.0.1", 9999)->asset, ==, "node");
  {
    g_autoptr (GPtrArray) list = elves_roster_list (roster, 2100);
    g_assert_cmpuint (list->len, ==, 2);
    g_assert_cmpstr (((ElvesRosterAgent *) list->pdata[0])->asset, ==, "node");
  }
  elves_roster_remove (roster, ELVES_ROSTER_NODE, "10.0.0.1");
  g_assert_cmpstr (elves_roster_find (roster, "10.0.0.1", 1000)->asset, ==, "one");
  g_assert_cmpuint (elves_roster_size (roster, ELVES_ROSTER_BEAT), ==, 2);
}

static void
assert_answer (const ElvesAppList *apps, const char *ip, const char *expected)
{
  g_autofree char *answer = elves_app_list_answer (apps, ip);

  g_assert_cmpstr (answer, ==, expected);
}

static void
test_local_apps (void)
{
  static const char *const bad[] = { "", "{", "[]", "{'a'}", "\"a\"" };
  g_autoptr (ElvesAppList) unknown = elves_app_list_new ();
  g_autoptr (ElvesAppList) original =
      elves_app_list_new_local ("{'app1':'1.0.1','app2':'1.0.2'}", NULL);

  assert_answer (unknown, "10.0.0.1", "{}");
  assert_answer (original, "10.0.0.1", "{\"data\":{\"app1\":\"1.0.1\",\"app2\":\"1.0.2\"}}");
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;
      g_assert_null (elves_app_list_new_local (bad[i], &error));
      g_assert_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG);
    }
}

static gboolean
replace (ElvesAppList *apps, const char *text)
{
  ElvesJsonValue value = { *text == '[' ? ELVES_JSON_ARRAY : ELVES_JSON_STRING, text,
                           strlen (text) };

  return elves_app_list_replace (apps, value, NULL);
}

/* A list that cannot be read leaves the one that is known. */
static void
test_supervisor_apps (void)
{
  static const char *const bad[] = {
    "nothing",
    "[1]",
    "[{\"app\":\"a\"}]",
    "[{\"app\":1,\"version\":\"1\",\"agentList\":[]}]",
    "[{\"app\":\"a\\\"b\",\"version\":\"1\",\"agentList\":[\"10.0.0.1\"]}]",
    "[{\"app\":\"\",\"version\":\"1\",\"agentList\":[\"10.0.0.1\"]}]",
  };
  g_autoptr (ElvesAppList) apps = elves_app_list_new ();

  g_assert_true (replace (apps, "[]"));
  assert_answer (apps, "10.0.0.1", "{\"data\":{}}");
  g_assert_true (replace (apps,
                          "[{\"app\":\"a\",\"version\":\"1\",\"agentList\":[\"10.0.0.1\",7]},"
                          "{\"app\":\"b\",\"version\":\"2\\\"\",\"agentList\":[\"10.0.0.1\"]},"
                          "{\"app\":\"c\",\"version\":null,\"agentList\":[\"10.0.0.1\"]}]"));
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (replace (apps, bad[i]));
  assert_answer (apps, "10.0.0.1", "{\"data\":{\"a\":\"1\",\"b\":\"2\\\"\"}}");
  assert_answer (apps, "10.0.0.2", "{\"data\":{}}");
}

static void
test_records (void)
{
  ElvesAgentInfo info = { (char *) "A\"1", (char *) "10.0.0.1", NULL, (char *) "{\"x\":\"2\"}" };
  g_autoptr (GBytes) content = elves_heartbeat_record_to_beat (&info, 1234);
  gsize length;
  const guint8 *data = g_bytes_get_data (content, &length);
  g_auto (ElvesHeartbeatRecord) beat = { { 0 } };
  g_auto (ElvesHeartbeatRecord) node = { { 0 } };
  const char *text = "{\"asset\":\"box\",\"apps\":{\"d\":\"1\"},\"version\":3}";

  g_assert_true (elves_heartbeat_record_from_beat (&beat, "10.0.0.1", data, length, NULL));
  g_assert_cmpstr (beat.agent.asset, ==, "A\"1");
  g_assert_cmpstr (beat.agent.version, ==, "");
  g_assert_cmpstr (beat.agent.apps, ==, "{\"x\":\"2\"}");
  g_assert_cmpint (beat.agent.checked_ms, ==, 1234);

  g_assert_true (elves_heartbeat_record_from_node (&node, "10.0.0.2", (const guint8 *) text,
                                                   strlen (text), NULL));
  g_assert_cmpstr (node.agent.asset, ==, "box");
  g_assert_cmpstr (node.agent.version, ==, "3");
  g_assert_cmpstr (node.agent.apps, ==, "{\"d\":\"1\"}");
}

static void
test_bad_records (void)
{
  static const char *const bad[] = { "",
                                     "[]",
                                     "{}",
                                     "{\"checkTime\":1}",
                                     "{\"checkTime\":-1,\"agent\":{}}",
                                     "{\"checkTime\":\"soon\",\"agent\":{}}",
                                     "{\"checkTime\":1,\"agent\":[]}" };

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_auto (ElvesHeartbeatRecord) record = { { 0 } };
      g_autoptr (GError) error = NULL;
      g_assert_false (elves_heartbeat_record_from_beat (
          &record, "10.0.0.1", (const guint8 *) bad[i], strlen (bad[i]), &error));
      g_assert_nonnull (error);
    }
}

static void
test_documentation (void)
{
  ElvesHeartbeatConfig config = { 0 };

  documentation_assert_example_loads (elves_heartbeat_options, &config,
                                      "elves-heartbeat.properties", elves_heartbeat_config_check);
  documentation_assert_example (elves_heartbeat_options, "elves-heartbeat.properties");
  documentation_assert_manual (elves_heartbeat_options, "elves-heartbeat.properties.5");
}

/* Every name stands in the manual, with the same sentence. */
static void
test_metrics (void)
{
  g_autofree char *text = documentation_read ("man", "elves-heartbeat.8");

  for (const ElvesMetric *metric = elves_heartbeat_metric_table; metric->name != NULL; metric++)
    if (metric->help != NULL)
      {
        g_autofree char *item = g_strdup_printf (".It Li %s\n%s\n", metric->name, metric->help);
        g_test_message ("%s", metric->name);
        g_assert_nonnull (strstr (text, item));
      }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/heartbeat/roster", test_roster);
  g_test_add_func ("/heartbeat/local-apps", test_local_apps);
  g_test_add_func ("/heartbeat/supervisor-apps", test_supervisor_apps);
  g_test_add_func ("/heartbeat/records", test_records);
  g_test_add_func ("/heartbeat/bad-records", test_bad_records);
  g_test_add_func ("/heartbeat/documentation", test_documentation);
  g_test_add_func ("/heartbeat/metrics", test_metrics);
  return g_test_run ();
}
