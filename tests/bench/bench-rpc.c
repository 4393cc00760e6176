/* bench-rpc: calls through the whole path, broker - scheduler - agent and back.
 *
 * Flat messages that ask the agent for the built-in function elves/ping. sendSync counts replies,
 * sendAsync the result casts. Every answer is checked. Prints one line of JSON.
 *
 * The broker's address: ELVES_TEST_MQ_* in the environment (tests/lib/with-services). A scheduler
 * and an agent must be running; tests/bench/rpc starts them.
 */
#include "tests/bench/load.h"

#include "common/names.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define RESULT_ROUTING_KEY "scheduler.queue"

typedef struct
{
  const char *agent;
  const char *app, *func;
} Target;

/* The parameter makes it the 300 bytes of bench-echo. */
static char *
make_request (const char *action, const char *id, const char *more, const Target *target)
{
  return g_strdup_printf (
      "{\"mqkey\":\"bench.scheduler.%s.%s\",\"mqtype\":\"cast\",\"id\":\"%s\","
      "\"agent_ip\":\"%s\",\"mode\":\"sap\",\"app\":\"%s\",\"func\":\"%s\",\"param\":\"%0120d\","
      "\"proxy\":\"\",\"timeout\":10%s}",
      action, id, id, target->agent, target->app, target->func, 0, more);
}

static char *
make_sync_request (const char *id, gpointer user_data)
{
  return make_request ("sendSync", id, "", user_data);
}

static char *
make_async_request (const char *id, gpointer user_data)
{
  /* Every run counts its ids from zero; the pid keeps the agent's journal from knowing them. */
  g_autofree char *more =
      g_strdup_printf (",\"job_type\":\"queue\",\"rand_id\":\"%s-%d\"", id, (int) getpid ());
  return make_request ("sendAsync", id, more, user_data);
}

static gboolean
is_good_reply (const char *answer, gpointer user_data)
{
  return strstr (answer, "\"mqflag\":\"1\"") != NULL &&
         strstr (answer, "\"result_flag\":1") != NULL;
}

static gboolean
is_good_result (const char *answer, gpointer user_data)
{
  return strstr (answer, "\"flag\":\"true\"") != NULL &&
         strstr (answer, "\"worker_flag\":1") != NULL;
}

int
main (int argc, char **argv)
{
  int window = 64;
  gint64 calls = 0;
  double seconds = 3;
  gboolean async = FALSE, transient = FALSE;
  g_autofree char *exchange = g_strdup (ELVES_DEFAULT_EXCHANGE);
  g_autofree char *agent = g_strdup ("127.0.0.1");
  g_autofree char *app = g_strdup (ELVES_BUILTIN_APP);
  g_autofree char *func = g_strdup (ELVES_BUILTIN_PING);
  GOptionEntry options[] = {
    { "window", 'w', 0, G_OPTION_ARG_INT, &window, "Calls outstanding (64)", "N" },
    { "seconds", 's', 0, G_OPTION_ARG_DOUBLE, &seconds, "How long at most (3)", "S" },
    { "calls", 'n', 0, G_OPTION_ARG_INT64, &calls, "So many calls", "N" },
    { "async", 'a', 0, G_OPTION_ARG_NONE, &async, "sendAsync instead of sendSync", NULL },
    { "transient", 0, 0, G_OPTION_ARG_NONE, &transient, "Neither persistent nor confirmed", NULL },
    { "exchange", 'e', 0, G_OPTION_ARG_STRING, &exchange, "Exchange (elves)", "NAME" },
    { "agent", 0, 0, G_OPTION_ARG_STRING, &agent, "Which agent (127.0.0.1)", "IP" },
    { "app", 0, 0, G_OPTION_ARG_STRING, &app, "Which app (elves)", "NAME" },
    { "func", 0, 0, G_OPTION_ARG_STRING, &func, "Which function (ping)", "NAME" },
    { NULL }
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("- calls through the whole path");
  g_option_context_add_main_entries (context, options, NULL);
  g_autoptr (GError) error = NULL;
  ElvesAmqpSettings settings;
  if (!g_option_context_parse (context, &argc, &argv, &error) ||
      !load_settings_from_environment (&settings, &error))
    {
      g_printerr ("bench-rpc: %s\n", error->message);
      return 2;
    }

  Target target = { .agent = agent, .app = app, .func = func };
  LoadPlan plan = { .exchange = exchange,
                    .routing_key = "bench.scheduler",
                    .answers_binding = async ? RESULT_ROUTING_KEY : NULL,
                    .id_key = async ? "\"id\":\"" : "\"log_id\":\"",
                    .request = async ? make_async_request : make_sync_request,
                    .is_good = async ? is_good_result : is_good_reply,
                    .user_data = &target,
                    .transient = transient,
                    .window = (guint) window,
                    .calls = (guint64) calls,
                    .seconds = seconds };
  LoadResult result;
  if (!load_run (&settings, &plan, &result, &error))
    {
      g_printerr ("bench-rpc: %s\n", error->message);
      return 1;
    }
  load_print (async ? "rpc-async" : "rpc-sync", plan.window, &result, -1);
  return result.bad == 0 && result.lost == 0 ? 0 : 1;
}
