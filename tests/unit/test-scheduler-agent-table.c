#include "scheduler/agent-table.h"

#include <string.h>

static gboolean
set (ElvesAgentTable *table, const char *ip, const char *content)
{
  return elves_agent_table_set (table, ip, (const guint8 *) content, strlen (content), NULL);
}

static void
test_content (void)
{
  static const struct
  {
    const char *content;
    const char *host; /* NULL: left out */
    guint16 port;
    const char *type;
  } cases[] = {
    { "{\"ip\":\"10.0.0.9\",\"port\":11101,\"type\":\"elves-c\"}", "10.0.0.9", 11101, "elves-c" },
    { "{\"ip\":\"10.0.0.9\",\"port\":1}", "10.0.0.9", 1, "" },
    { "{\"port\":65535}", "name", 65535, "" },
    { "{\"ip\":\"\",\"port\":2}", "name", 2, "" },
    { "{\"ip\":7,\"type\":[]}", "name", 4321, "" },
    { "{}", "name", 4321, "" },
    { "", "name", 4321, "" },
    { "{\"port\":0}", NULL, 0, NULL },
    { "{\"port\":65536}", NULL, 0, NULL },
    { "{\"port\":\"11101\"}", NULL, 0, NULL },
    { "[]", NULL, 0, NULL },
    { "10.0.0.9", NULL, 0, NULL },
    { "{", NULL, 0, NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (ElvesAgentTable) table = elves_agent_table_new (4321);
      const ElvesAgentRecord *record;

      g_test_message ("%s", cases[i].content);
      g_assert_true (set (table, "name", "{}"));
      g_assert_cmpint (set (table, "name", cases[i].content), ==, cases[i].host != NULL);
      record = elves_agent_table_lookup (table, "name");
      g_assert_cmpint (record != NULL, ==, cases[i].host != NULL);
      if (record == NULL)
        continue;
      g_assert_cmpstr (record->host, ==, cases[i].host);
      g_assert_cmpuint (record->port, ==, cases[i].port);
      g_assert_cmpstr (record->type, ==, cases[i].type);
    }
}

static void
test_come_and_go (void)
{
  g_autoptr (ElvesAgentTable) table = elves_agent_table_new (1);

  g_assert_null (elves_agent_table_lookup (table, "a"));
  g_assert_true (set (table, "a", "{\"port\":7}"));
  g_assert_true (set (table, "b", ""));
  g_assert_true (set (table, "a", "{\"port\":8}"));
  g_assert_cmpuint (elves_agent_table_size (table), ==, 2);
  g_assert_cmpuint (elves_agent_table_lookup (table, "a")->port, ==, 8);
  elves_agent_table_remove (table, "a");
  elves_agent_table_remove (table, "a");
  g_assert_null (elves_agent_table_lookup (table, "a"));
  g_assert_nonnull (elves_agent_table_lookup (table, "b"));
}

static void
test_sorted (void)
{
  g_autoptr (ElvesAgentTable) table = elves_agent_table_new (1);
  const ElvesAgentRecord *record;
  ElvesLabelText value;

  g_assert_cmpuint (elves_agent_table_sorted (table)->len, ==, 0);
  set (table, "b", "{\"labels\":{\"role\":\"db\",\"n\":1},\"apps\":{\"web\":\"2\"}}");
  set (table, "a", "");
  set (table, "c", "{}");
  g_assert_cmpuint (elves_agent_table_sorted (table)->len, ==, 3);
  record = elves_agent_table_sorted (table)->pdata[1];
  g_assert_cmpstr (record->ip, ==, "b");
  g_assert_true (elves_agent_record_get (record, "role", &value));
  g_assert_cmpmem (value.text, value.length, "db", 2);
  g_assert_true (elves_agent_record_get (record, "app.web", &value));
  g_assert_false (elves_agent_record_get (record, "app.role", &value));
  g_assert_false (elves_agent_record_get (record, "n", &value));
  elves_agent_table_remove (table, "a");
  g_assert_cmpuint (elves_agent_table_sorted (table)->len, ==, 2);
  set (table, "c", "[]"); /* cannot be used */
  g_assert_cmpuint (elves_agent_table_sorted (table)->len, ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/agent-table/content", test_content);
  g_test_add_func ("/agent-table/come-and-go", test_come_and_go);
  g_test_add_func ("/agent-table/sorted", test_sorted);
  return g_test_run ();
}
