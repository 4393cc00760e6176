/* Addresses, registered schedulers, and which origins are trusted. */
#include "agent/schedulers.h"

#include <string.h>

static ElvesSchedulers *
new_schedulers (const char *configured)
{
  ElvesAgentConfig config = { .scheduler_host = (char *) configured, .scheduler_port = 10101 };
  return elves_schedulers_new (&config);
}

static void
set_node (ElvesSchedulers *schedulers, const char *node, const char *json)
{
  elves_schedulers_set_registered (schedulers, node, (const guint8 *) json, strlen (json));
}

static char *
join_candidates (const ElvesSchedulers *schedulers, const char *origin)
{
  g_autoptr (GPtrArray) candidates = elves_schedulers_candidates (schedulers, origin);
  g_ptr_array_add (candidates, NULL);
  return g_strjoinv (" ", (GStrv) candidates->pdata);
}

static void
test_addresses (void)
{
  const struct
  {
    const char *text;
    const char *host; /* NULL: no address */
    guint16 port;
  } cases[] = {
    { "10.0.0.1:10101", "10.0.0.1", 10101 },
    { "sched-1.example:1", "sched-1.example", 1 },
    { "[::1]:65535", "::1", 65535 },
    { "", NULL },
    { ":10101", NULL },
    { "host", NULL },
    { "host:", NULL },
    { "host:0", NULL },
    { "host:65536", NULL },
    { "host:-1", NULL },
    { "host:10101x", NULL },
    { "::1:10101", NULL },
    { "[]:1", NULL },
    { "[:1", NULL },
    { "a b:1", NULL },
    { "a/b:1", NULL },
    { "a\n:1", NULL },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *host = NULL;
      guint16 port = 0;
      g_test_message ("'%s'", cases[i].text);
      gboolean good = elves_scheduler_address_parse (cases[i].text, &host, &port);
      g_assert_cmpint (good, ==, cases[i].host != NULL);
      g_assert_cmpstr (host, ==, cases[i].host);
      g_assert_cmpuint (port, ==, cases[i].port);
    }
}

static void
test_candidates (void)
{
  g_autoptr (ElvesSchedulers) schedulers = new_schedulers ("sched");
  set_node (schedulers, "0000000001", "{\"host\":\"10.0.0.7\",\"port\":10102,\"version\":\"1\"}");
  g_autofree char *all = join_candidates (schedulers, "127.0.0.1:9");
  g_assert_cmpstr (all, ==, "127.0.0.1:9 sched:10101 10.0.0.7:10102");
  g_autofree char *once = join_candidates (schedulers, "sched:10101");
  g_assert_cmpstr (once, ==, "sched:10101 10.0.0.7:10102");
  elves_schedulers_remove_registered (schedulers, "0000000001");
  g_autofree char *rest = join_candidates (schedulers, NULL);
  g_assert_cmpstr (rest, ==, "sched:10101");

  g_autoptr (ElvesSchedulers) none = new_schedulers ("");
  g_autofree char *nobody = join_candidates (none, NULL);
  g_assert_cmpstr (nobody, ==, "");
}

static void
test_foreign_nodes (void)
{
  const char *nodes[] = { "",
                          "x",
                          "[]",
                          "{}",
                          "{\"host\":1,\"port\":1}",
                          "{\"host\":\"h\",\"port\":\"1\"}",
                          "{\"host\":\"\",\"port\":1}",
                          "{\"host\":\"h\",\"port\":0}",
                          "{\"host\":\"h\",\"port\":70000}",
                          "{\"host\":\"h h\",\"port\":1}" };
  g_autoptr (ElvesSchedulers) schedulers = new_schedulers ("");
  for (guint i = 0; i < G_N_ELEMENTS (nodes); i++)
    {
      g_test_message ("%s", nodes[i]);
      set_node (schedulers, "0000000001", "{\"host\":\"h\",\"port\":1}");
      set_node (schedulers, "0000000001", nodes[i]);
      g_autofree char *candidates = join_candidates (schedulers, NULL);
      g_assert_cmpstr (candidates, ==, "");
    }
}

static void
test_origins (void)
{
  const struct
  {
    const char *origin;
    gboolean accepted;
  } cases[] = {
    { "127.0.0.1:1", TRUE },
    { "[::1]:1", TRUE },
    { "localhost:1", TRUE },
    { "10.0.0.9:1", TRUE },
    { "10.0.0.8:1", FALSE },
    { "SCHED:5", TRUE },
    { "10.0.0.7:4", TRUE },
    { "evil.example:1", FALSE },
    { "169.254.169.254:80", FALSE },
    { "127.0.0.1", FALSE },
    { "", FALSE },
  };
  g_autoptr (ElvesSchedulers) schedulers = new_schedulers ("sched");
  g_autoptr (GInetAddress) caller = g_inet_address_new_from_string ("10.0.0.9");
  set_node (schedulers, "0000000001", "{\"host\":\"10.0.0.7\",\"port\":10102}");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_test_message ("'%s'", cases[i].origin);
      g_assert_cmpint (elves_schedulers_accept_origin (schedulers, cases[i].origin, caller), ==,
                       cases[i].accepted);
    }
  g_assert_false (elves_schedulers_accept_origin (schedulers, "10.0.0.9:1", NULL));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/agent/schedulers/addresses", test_addresses);
  g_test_add_func ("/agent/schedulers/candidates", test_candidates);
  g_test_add_func ("/agent/schedulers/foreign-nodes", test_foreign_nodes);
  g_test_add_func ("/agent/schedulers/origins", test_origins);
  return g_test_run ();
}
