/* The registry against a real ZooKeeper: ELVES_TEST_ZOOKEEPER says where. Each test has a root of
   its own. Skipped without a server, unless ELVES_REQUIRE_SERVICES=1 makes that a failure. */

#include "tests/integration/registry/fixture.h"

#include "common/error.h"

static void
test_announce (Fixture *f, gconstpointer user_data G_GNUC_UNUSED)
{
  announce (f, "agent/10.0.0.1", FALSE, "{\"port\":1}");
  assert_until (announced_once, f);
  g_autofree char *path = g_strconcat (f->root, "/agent/10.0.0.1", NULL);
  g_assert_cmpstr (f->announced->pdata[0], ==, path);
  gint64 owner = 0;
  g_autofree char *text = outside_get (f, path, &owner);
  g_assert_cmpstr (text, ==, "{\"port\":1}");
  g_assert_cmpint (owner, !=, 0);
  g_autofree char *parent = g_strconcat (f->root, "/agent", NULL);
  g_free (outside_get (f, parent, &owner));
  g_assert_cmpint (owner, ==, 0);

  elves_registry_free (g_steal_pointer (&f->registry));
  g_assert_null (outside_get (f, path, NULL));
}

static void
test_sequential (Fixture *f, gconstpointer user_data G_GNUC_UNUSED)
{
  announce (f, "scheduler/", TRUE, "");
  announce (f, "scheduler/", TRUE, "");
  assert_until (announced_twice, f);
  for (guint i = 0; i < 2; i++)
    {
      const char *path = f->announced->pdata[i];
      g_assert_true (g_str_has_prefix (path, f->root));
      g_assert_true (g_regex_match_simple ("/scheduler/[0-9]{10}$", path, 0, 0));
      g_autofree char *text = outside_get (f, path, NULL);
      g_assert_cmpstr (text, ==, "");
    }
  g_assert_cmpstr (f->announced->pdata[0], !=, f->announced->pdata[1]);
  g_assert_cmpuint (outside_count (f, "scheduler"), ==, 2);
}

static void
test_update (Fixture *f, gconstpointer user_data G_GNUC_UNUSED)
{
  ElvesAnnouncement *announcement = announce (f, "agent/a", FALSE, "one");
  assert_until (announced_once, f);
  for (guint i = 0; i < 20; i++)
    {
      g_autofree char *text = g_strdup_printf ("two %u", i);
      g_autoptr (GBytes) data = g_bytes_new (text, strlen (text));
      elves_announcement_update (announcement, data);
    }
  assert_content (f, f->announced->pdata[0], "two 19");
  g_assert_cmpuint (f->announced->len, ==, 1);
}

static void
test_put_back (Fixture *f, gconstpointer user_data G_GNUC_UNUSED)
{
  announce (f, "agent/a", FALSE, "kept");
  assert_until (announced_once, f);
  outside_delete (f, "agent/a");
  assert_until (announced_twice, f);
  assert_content (f, f->announced->pdata[1], "kept");
}

/* A persistent node in the way is not ours to remove; once it is gone, ours stands. */
static void
test_foreign_node (Fixture *f, gconstpointer user_data G_GNUC_UNUSED)
{
  watch (f, f->registry, "agent");
  assert_until (completed_once, f);
  outside_set (f, "agent/a", "foreign");
  announce (f, "agent/a", FALSE, "ours");
  assert_seen (f, "a", "foreign");
  outside_delete (f, "agent/a");
  assert_until (announced_once, f);
  assert_seen (f, "a", "ours");
}

static void
test_table (Fixture *f, gconstpointer user_data G_GNUC_UNUSED)
{
  watch (f, f->registry, "agent");
  assert_until (completed_once, f);
  g_assert_cmpuint (f->sets, ==, 0);
  outside_set (f, "agent/a", "1");
  assert_seen (f, "a", "1");
  outside_set (f, "agent/b", "2");
  assert_seen (f, "b", "2");
  outside_set (f, "agent/a", "3");
  assert_seen (f, "a", "3");
  outside_delete (f, "agent/a");
  assert_seen (f, "a", NULL);
  outside_set (f, "agent/a", "4");
  assert_seen (f, "a", "4");
  g_assert_cmpuint (f->gones, ==, 1);
  g_assert_cmpuint (f->completes, ==, 1);
}

/* Made with its parents, replaced, and still there when the session has gone; of many contents in a
   row the last one stands. */
static void
test_write (Fixture *f, gconstpointer user_data G_GNUC_UNUSED)
{
  g_autofree char *path = g_strconcat (f->root, "/heartbeat/agent/10.0.0.1", NULL);
  gint64 owner = -1;

  for (guint i = 0; i < 20; i++)
    {
      g_autofree char *text = g_strdup_printf ("beat %u", i);
      g_autoptr (GBytes) data = g_bytes_new (text, strlen (text));
      elves_registry_write (f->registry, "heartbeat/agent/10.0.0.1", data);
    }
  assert_content (f, path, "beat 19");
  outside_set (f, "heartbeat/agent/10.0.0.1", "foreign");
  g_autoptr (GBytes) last = g_bytes_new_static ("last", 4);
  elves_registry_write (f->registry, "heartbeat/agent/10.0.0.1", last);
  assert_content (f, path, "last");

  elves_registry_free (g_steal_pointer (&f->registry));
  g_autofree char *text = outside_get (f, path, &owner);
  g_assert_cmpstr (text, ==, "last");
  g_assert_cmpint (owner, ==, 0);
}

static void
test_two_tables (Fixture *f, gconstpointer user_data G_GNUC_UNUSED)
{
  announce (f, "agent/a", FALSE, "A");
  announce (f, "scheduler/", TRUE, "S");
  watch (f, f->registry, "agent");
  watch (f, f->registry, "scheduler");
  assert_until (completed_twice, f);
  assert_until (announced_twice, f);
  assert_seen (f, "a", "A");
  assert_seen (f, strrchr (f->announced->pdata[0], '/') + 1, "A");
  assert_seen (f, strrchr (f->announced->pdata[1], '/') + 1, "S");
}

static void
test_expiry (Fixture *f, gconstpointer user_data G_GNUC_UNUSED)
{
  watch (f, f->registry, "agent");
  assert_until (completed_once, f);
  outside_set (f, "agent/stays", "1");
  outside_set (f, "agent/goes", "1");
  assert_seen (f, "stays", "1");
  assert_seen (f, "goes", "1");
  announce (f, "scheduler/", TRUE, "S");
  assert_until (announced_once, f);
  g_autofree char *first = g_strdup (f->announced->pdata[0]);
  guint sets = f->sets;

  expire_session (f, first);
  outside_delete (f, "agent/goes");
  assert_until (announced_twice, f);
  g_assert_cmpstr (f->announced->pdata[1], >, first);
  g_assert_cmpuint (outside_count (f, "scheduler"), ==, 1);
  assert_until (completed_twice, f);
  assert_seen (f, "goes", NULL);
  /* What did not change is not told again, and the watches work again. */
  g_assert_cmpuint (f->sets, ==, sets);
  outside_set (f, "agent/stays", "2");
  assert_seen (f, "stays", "2");
}

/* The same process with a second session meets the node of the first: that one has to go. */
static void
test_conflict (Fixture *f, gconstpointer user_data G_GNUC_UNUSED)
{
  announce (f, "agent/a", FALSE, "old");
  assert_until (announced_once, f);
  ElvesRegistry *first = f->registry;
  f->registry = new_registry (f, g_getenv ("ELVES_TEST_ZOOKEEPER"));
  watch (f, f->registry, "agent");
  announce (f, "agent/a", FALSE, "new");
  assert_seen (f, "a", "old");
  assert_until (completed_once, f);
  g_assert_cmpuint (f->announced->len, ==, 1);
  elves_registry_free (first);
  assert_until (announced_twice, f);
  assert_content (f, f->announced->pdata[1], "new");
}

static gboolean
sees_thousand (Fixture *f)
{
  return g_hash_table_size (f->seen) == 1000;
}

static gboolean
sees_nothing (Fixture *f)
{
  return g_hash_table_size (f->seen) == 0;
}

static void
test_thousand (Fixture *f, gconstpointer user_data G_GNUC_UNUSED)
{
  ElvesRegistry *other = new_registry (f, g_getenv ("ELVES_TEST_ZOOKEEPER"));
  for (guint i = 0; i < 1000; i++)
    {
      g_autofree char *path = g_strdup_printf ("agent/10.0.%u.%u", i / 250, i % 250);
      g_autoptr (GBytes) data = g_bytes_new (path, strlen (path));
      elves_registry_announce (other, path, FALSE, data, NULL, NULL);
    }
  watch (f, f->registry, "agent");
  assert_until (sees_thousand, f);
  elves_registry_free (other);
  assert_until (sees_nothing, f);
  g_assert_cmpuint (f->gones, ==, 1000);
}

/* Everything is under way when it is freed: leaks and late calls are what is looked for. */
static void
test_free_early (Fixture *f, gconstpointer user_data G_GNUC_UNUSED)
{
  watch (f, f->registry, "agent");
  for (guint i = 0; i < 100; i++)
    {
      g_autofree char *path = g_strdup_printf ("agent/%u", i);
      announce (f, path, FALSE, "x");
    }
  assert_until (announced_once, f);
  elves_registry_free (g_steal_pointer (&f->registry));
  guint announced = f->announced->len, sets = f->sets, states = f->states;
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (f->announced->len, ==, announced);
  g_assert_cmpuint (f->sets, ==, sets);
  g_assert_cmpuint (f->states, ==, states);
  /* And one that never got as far as a connection. */
  elves_registry_free (new_registry (f, g_getenv ("ELVES_TEST_ZOOKEEPER")));
}

static gboolean
heard_twice (Fixture *f)
{
  return f->states >= 2;
}

static void
test_no_server (Fixture *f, gconstpointer user_data G_GNUC_UNUSED)
{
  elves_registry_free (f->registry);
  f->states = 0;
  f->registry = new_registry (f, "host.invalid:1");
  announce (f, "agent/a", FALSE, "x");
  assert_until (heard_twice, f);
  g_assert_false (f->connected);
  g_assert_cmpuint (f->announced->len, ==, 0);
}

static gboolean
is_connected (Fixture *f)
{
  return f->connected;
}

static gboolean
is_disconnected (Fixture *f)
{
  return !f->connected;
}

/* The server is killed and comes back with its data: a short outage keeps the session, its node
   and what the table knows; changes made meanwhile are asked for again. */
static void
test_restart (Fixture *f, gconstpointer user_data G_GNUC_UNUSED)
{
  OwnServer server = { 0 };
  own_server_start (&server);
  elves_registry_free (f->registry);
  f->registry = new_registry (f, server.hosts);
  ElvesAnnouncement *announcement = announce (f, "agent/a", FALSE, "1");
  watch (f, f->registry, "agent");
  assert_seen (f, "a", "1");

  own_server_control (&server, "kill");
  assert_until (is_disconnected, f);
  g_autoptr (GBytes) data = g_bytes_new_static ("2", 1);
  elves_announcement_update (announcement, data);
  announce (f, "scheduler/", TRUE, "");
  g_assert_cmpuint (g_hash_table_size (f->seen), ==, 1);

  own_server_control (&server, "start");
  assert_until (is_connected, f);
  assert_seen (f, "a", "2");
  assert_until (announced_twice, f);
  g_assert_cmpuint (f->gones, ==, 0);
  elves_registry_free (g_steal_pointer (&f->registry));
  own_server_end (&server);
}

static void
test_settings (void)
{
  const struct
  {
    const char *hosts, *root;
  } cases[] = { { "", "/elves" }, { NULL, "/elves" }, { "h", "elves" }, { "h", "/" },
                { "h", "/a/" },   { "h", NULL },      { "h", "" } };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      ElvesRegistrySettings settings = { .hosts = cases[i].hosts,
                                         .root = cases[i].root,
                                         .session_timeout_ms = 1000 };
      g_autoptr (GError) error = NULL;
      g_assert_null (elves_registry_new (&settings, NULL, NULL, &error));
      g_assert_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG);
    }
}

typedef void (*FixtureFunc) (Fixture *f, gconstpointer user_data);

static void
skip_or_fail (void)
{
  if (g_strcmp0 (g_getenv ("ELVES_REQUIRE_SERVICES"), "1") == 0)
    g_test_fail_printf ("ELVES_TEST_ZOOKEEPER is not set: run this below tests/lib/with-services");
  else
    g_test_skip ("ELVES_TEST_ZOOKEEPER is not set: run this below tests/lib/with-services");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  const struct
  {
    const char *path;
    FixtureFunc func;
  } tests[] = {
    { "/registry/announce", test_announce },
    { "/registry/sequential", test_sequential },
    { "/registry/update", test_update },
    { "/registry/put-back", test_put_back },
    { "/registry/foreign-node", test_foreign_node },
    { "/registry/table", test_table },
    { "/registry/write", test_write },
    { "/registry/two-tables", test_two_tables },
    { "/registry/expiry", test_expiry },
    { "/registry/conflict", test_conflict },
    { "/registry/thousand", test_thousand },
    { "/registry/free-early", test_free_early },
    { "/registry/no-server", test_no_server },
    { "/registry/restart", test_restart },
  };
  g_test_add_func ("/registry/settings", test_settings);
  gboolean ready = g_getenv ("ELVES_TEST_ZOOKEEPER") != NULL;
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    {
      if (ready)
        g_test_add (tests[i].path, Fixture, NULL, set_up, tests[i].func, tear_down);
      else
        g_test_add_func (tests[i].path, skip_or_fail);
    }
  return g_test_run ();
}
