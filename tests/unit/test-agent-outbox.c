/* Results reach a scheduler whatever it does at first: against a real server in the same loop. */
#include "agent/outbox.h"

#include "common/thrift-server.h"

#include <string.h>

#define PATIENCE_US (60 * G_USEC_PER_SEC)

typedef struct
{
  ElvesAgentConfig config;
  ElvesPoller *poller;
  ElvesDeadlines *deadlines;
  ElvesAddressList *everybody;
  ElvesThriftServer *server; /* (nullable) */
  ElvesSchedulers *schedulers;
  ElvesOutbox *outbox;
  guint calls;
  guint refuse; /* so many calls are not answered "success" */
  guint drop;   /* so many calls are not answered at all */
  GString *ids; /* of the results taken */
  guint idle_calls;
} Fixture;

static void
on_call (ElvesThriftServer *server, ElvesThriftCall *call, gpointer user_data)
{
  Fixture *fixture = user_data;
  const ElvesRpcRequest *request = elves_thrift_call_request (call);
  g_assert_cmpint (request->method, ==, ELVES_RPC_DATA_TRANSPORT);
  fixture->calls++;
  if (fixture->drop > 0)
    {
      fixture->drop--;
      elves_thrift_call_drop (call);
      return;
    }
  if (fixture->refuse > 0)
    {
      fixture->refuse--;
      elves_thrift_call_answer_text (call, "no");
      return;
    }
  g_string_append (fixture->ids, request->reinstruct->instruct->id);
  elves_thrift_call_answer_text (call, "success");
}

static guint16
serve (Fixture *fixture, guint16 port)
{
  static const ElvesThriftServerCallbacks callbacks = { .call = on_call };
  ElvesThriftServerOptions options = {
    .host = "127.0.0.1",
    .port = port,
    .allowed = fixture->everybody,
    .max_connections = 100,
    .link = { .limits = elves_thrift_default_limits, .output_limit_bytes = 1 << 20 },
  };
  g_autoptr (GError) error = NULL;
  fixture->server =
      elves_thrift_server_new (fixture->poller, &options, &callbacks, fixture, &error);
  g_assert_no_error (error);
  return elves_thrift_server_port (fixture->server);
}

static void
on_idle (gpointer user_data)
{
  Fixture *fixture = user_data;
  fixture->idle_calls++;
}

static void
set_up (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  fixture->poller = elves_poller_new (&error);
  fixture->deadlines = elves_deadlines_new ();
  fixture->everybody = elves_address_list_parse ("", &error);
  g_assert_no_error (error);
  fixture->ids = g_string_new (NULL);
  fixture->config.scheduler_host = (char *) "127.0.0.1";
  fixture->config.scheduler_port = serve (fixture, 0);
  fixture->config.scheduler_timeout_s = 5;
  fixture->config.retry_first_ms = 5;
  fixture->config.retry_cap_ms = 20;
  fixture->config.max_results = 10;
  fixture->config.max_results_bytes = 1000;
  fixture->config.max_results_list = 4;
  fixture->config.max_results_list_bytes = 1000;
  fixture->schedulers = elves_schedulers_new (&fixture->config);
  fixture->outbox = elves_outbox_new (fixture->poller, fixture->deadlines, &fixture->config,
                                      fixture->schedulers, NULL, on_idle, fixture);
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  elves_outbox_free (fixture->outbox);
  elves_schedulers_free (fixture->schedulers);
  elves_thrift_server_free (fixture->server);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  elves_address_list_free (fixture->everybody);
  elves_deadlines_free (fixture->deadlines);
  elves_poller_free (fixture->poller);
  g_string_free (fixture->ids, TRUE);
}

static void
add (Fixture *fixture, const char *id, const char *origin)
{
  g_autoptr (ElvesInstruct) instruct = elves_instruct_new ();
  elves_instruct_set (&instruct->id, id);
  instruct->execution = g_strdup (id);
  g_autoptr (ElvesReinstruct) result = elves_reinstruct_new (instruct);
  result->flag = 1;
  result->result = g_bytes_new_static ("done", 4);
  g_assert_true (elves_outbox_reserve (fixture->outbox, instruct));
  elves_outbox_add (fixture->outbox, result, origin);
}

static void
wait_until_empty (Fixture *fixture)
{
  gint64 limit_us = g_get_monotonic_time () + PATIENCE_US;
  while (elves_outbox_count (fixture->outbox) > 0 && g_get_monotonic_time () < limit_us)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (elves_outbox_count (fixture->outbox), ==, 0);
}

static void
run_for_ms (guint duration_ms)
{
  gint64 limit_us = g_get_monotonic_time () + duration_ms * 1000;
  while (g_get_monotonic_time () < limit_us)
    g_main_context_iteration (NULL, FALSE);
}

static void
test_taken (Fixture *fixture, gconstpointer unused)
{
  add (fixture, "a", NULL);
  g_assert_true (elves_outbox_holds (fixture->outbox, "a"));
  wait_until_empty (fixture);
  g_assert_false (elves_outbox_holds (fixture->outbox, "a"));
  add (fixture, "b", NULL);
  wait_until_empty (fixture);
  g_assert_cmpstr (fixture->ids->str, ==, "ab");
  g_assert_cmpuint (fixture->calls, ==, 2);
  g_assert_cmpuint (fixture->idle_calls, ==, 2);
}

static void
test_refused_then_taken (Fixture *fixture, gconstpointer unused)
{
  fixture->refuse = 2;
  fixture->drop = 1;
  add (fixture, "a", NULL);
  wait_until_empty (fixture);
  g_assert_cmpstr (fixture->ids->str, ==, "a");
  g_assert_cmpuint (fixture->calls, ==, 4);
}

static void
test_scheduler_comes_back (Fixture *fixture, gconstpointer unused)
{
  g_clear_pointer (&fixture->server, elves_thrift_server_free);
  g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "cannot report results*");
  for (char id[] = "a"; id[0] <= 'e'; id[0]++)
    add (fixture, id, NULL);
  run_for_ms (50);
  g_test_assert_expected_messages ();
  g_assert_cmpuint (elves_outbox_count (fixture->outbox), ==, 5);

  serve (fixture, fixture->config.scheduler_port);
  wait_until_empty (fixture);
  g_assert_cmpuint (fixture->ids->len, ==, 5);
  g_assert_cmpuint (fixture->calls, ==, 5);
}

static void
test_scheduler_restarts_between_results (Fixture *fixture, gconstpointer unused)
{
  add (fixture, "a", NULL);
  wait_until_empty (fixture);
  g_clear_pointer (&fixture->server, elves_thrift_server_free);
  serve (fixture, fixture->config.scheduler_port);
  add (fixture, "b", NULL); /* the kept connection is gone */
  wait_until_empty (fixture);
  g_assert_cmpstr (fixture->ids->str, ==, "ab");
}

static void
test_next_candidate (Fixture *fixture, gconstpointer unused)
{
  g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "cannot report results*");
  add (fixture, "a", "127.0.0.1:1"); /* nobody listens there */
  wait_until_empty (fixture);
  g_test_assert_expected_messages ();
  g_assert_cmpstr (fixture->ids->str, ==, "a");
}

static void
test_no_name (Fixture *fixture, gconstpointer unused)
{
  g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "cannot report results*");
  add (fixture, "a", "no-such-host.invalid:10101");
  wait_until_empty (fixture);
  g_test_assert_expected_messages ();
  g_assert_cmpstr (fixture->ids->str, ==, "a");
}

static void
test_bound (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (ElvesInstruct) instruct = elves_instruct_new ();
  for (guint i = 0; i < 10; i++)
    g_assert_true (elves_outbox_reserve (fixture->outbox, instruct));
  g_assert_false (elves_outbox_reserve (fixture->outbox, instruct));
  elves_outbox_release (fixture->outbox, instruct);
  g_assert_true (elves_outbox_reserve (fixture->outbox, instruct));
}

static ElvesInstruct *
new_instruct (gsize param_bytes)
{
  ElvesInstruct *instruct = elves_instruct_new ();
  g_bytes_unref (instruct->param);
  instruct->param = g_bytes_new_take (g_strnfill (param_bytes, 'x'), param_bytes);
  return instruct;
}

/* 1000 bytes: of parameters from acceptance on, of results until they are taken. */
static void
test_bytes (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (ElvesInstruct) huge = new_instruct (5000);
  g_autoptr (ElvesInstruct) large = new_instruct (600);
  g_autoptr (ElvesInstruct) small = new_instruct (1);
  g_assert_true (elves_outbox_reserve (fixture->outbox, huge)); /* nothing else is held */
  elves_outbox_release (fixture->outbox, huge);
  g_assert_true (elves_outbox_reserve (fixture->outbox, large));
  g_assert_false (elves_outbox_reserve (fixture->outbox, large));
  g_assert_true (elves_outbox_reserve (fixture->outbox, small));
  elves_outbox_release (fixture->outbox, small);

  g_autoptr (ElvesReinstruct) result = elves_reinstruct_new (large);
  result->result = g_bytes_ref (large->param);
  elves_outbox_add (fixture->outbox, result, NULL);
  g_assert_false (elves_outbox_reserve (fixture->outbox, small));
  wait_until_empty (fixture);
  g_assert_true (elves_outbox_reserve (fixture->outbox, large));
}

static void
add_test (const char *name, void (*func) (Fixture *, gconstpointer))
{
  g_autofree char *path = g_strconcat ("/agent/outbox/", name, NULL);
  g_test_add (path, Fixture, NULL, set_up, func, tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_always_fatal (G_LOG_FATAL_MASK); /* refusals are warnings, and meant here */
  add_test ("taken", test_taken);
  add_test ("bytes", test_bytes);
  add_test ("refused-then-taken", test_refused_then_taken);
  add_test ("scheduler-comes-back", test_scheduler_comes_back);
  add_test ("scheduler-restarts-between-results", test_scheduler_restarts_between_results);
  add_test ("next-candidate", test_next_candidate);
  add_test ("no-name", test_no_name);
  add_test ("bound", test_bound);
  return g_test_run ();
}
