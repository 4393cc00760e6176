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
#include "tests/bench/emulator/roster.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define RESULT_ROUTING_KEY "scheduler.queue"

typedef struct
{
  char *agent;
  char *app, *func;
  int timeout_s;
  int crowd; /* so many emulated agents take turns; 0: @agent */
  int dead_every, hanging_every;
  gboolean spare_sick; /* their calls go to their neighbours */
} Target;

static gboolean
is_sick (const Target *target, guint agent)
{
  return roster_is_dead (agent, (guint) target->dead_every) ||
         roster_hangs (agent, (guint) target->hanging_every);
}

static char *
address_of (const Target *target, guint64 number)
{
  if (target->crowd == 0)
    return g_strdup (target->agent);
  guint agent = (guint) (number % (guint) target->crowd);
  while (target->spare_sick && is_sick (target, agent))
    agent = (agent + 1) % (guint) target->crowd;
  return roster_address (agent);
}

/* A sick agent's calls are made, and not judged. */
static gboolean
is_judged (guint64 number, gpointer user_data)
{
  const Target *target = user_data;
  return target->crowd == 0 || target->spare_sick ||
         !is_sick (target, (guint) (number % (guint) target->crowd));
}

/* The parameter makes it the 300 bytes of bench-echo. */
static char *
make_request (const char *action, const char *id, const char *more, const Target *target)
{
  g_autofree char *agent = address_of (target, g_ascii_strtoull (id, NULL, 16));
  return g_strdup_printf (
      "{\"mqkey\":\"bench.scheduler.%s.%s\",\"mqtype\":\"cast\",\"id\":\"%s\","
      "\"agent_ip\":\"%s\",\"mode\":\"sap\",\"app\":\"%s\",\"func\":\"%s\",\"param\":\"%0120d\","
      "\"proxy\":\"\",\"timeout\":%d%s}",
      action, id, id, agent, target->app, target->func, 0, target->timeout_s, more);
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
  double rate = 0;
  gboolean send_only = FALSE;
  Target target = { .agent = g_strdup ("127.0.0.1"),
                    .app = g_strdup (ELVES_BUILTIN_APP),
                    .func = g_strdup (ELVES_BUILTIN_PING),
                    .timeout_s = 10 };
  GOptionEntry options[] = {
    { "window", 'w', 0, G_OPTION_ARG_INT, &window, "Calls outstanding (64)", "N" },
    { "seconds", 's', 0, G_OPTION_ARG_DOUBLE, &seconds, "How long at most (3)", "S" },
    { "calls", 'n', 0, G_OPTION_ARG_INT64, &calls, "So many calls", "N" },
    { "async", 'a', 0, G_OPTION_ARG_NONE, &async, "sendAsync instead of sendSync", NULL },
    { "transient", 0, 0, G_OPTION_ARG_NONE, &transient, "Neither persistent nor confirmed", NULL },
    { "exchange", 'e', 0, G_OPTION_ARG_STRING, &exchange, "Exchange (elves)", "NAME" },
    { "agent", 0, 0, G_OPTION_ARG_STRING, &target.agent, "Which agent (127.0.0.1)", "IP" },
    { "app", 0, 0, G_OPTION_ARG_STRING, &target.app, "Which app (elves)", "NAME" },
    { "func", 0, 0, G_OPTION_ARG_STRING, &target.func, "Which function (ping)", "NAME" },
    { "timeout", 0, 0, G_OPTION_ARG_INT, &target.timeout_s, "Of a job (10)", "S" },
    { "crowd", 0, 0, G_OPTION_ARG_INT, &target.crowd, "So many emulated agents in turn", "N" },
    { "dead-every", 0, 0, G_OPTION_ARG_INT, &target.dead_every, "One of N is dead", "N" },
    { "hanging-every", 0, 0, G_OPTION_ARG_INT, &target.hanging_every, "One of N hangs", "N" },
    { "spare-sick", 0, 0, G_OPTION_ARG_NONE, &target.spare_sick, "Ask only the others", NULL },
    { "rate", 0, 0, G_OPTION_ARG_DOUBLE, &rate, "Calls a second (no limit)", "N" },
    { "send-only", 0, 0, G_OPTION_ARG_NONE, &send_only, "Do not wait for answers", NULL },
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

  LoadPlan plan = { .exchange = exchange,
                    .routing_key = "bench.scheduler",
                    .answers_binding = async ? RESULT_ROUTING_KEY : NULL,
                    .id_key = async ? "\"id\":\"" : "\"log_id\":\"",
                    .request = async ? make_async_request : make_sync_request,
                    .is_good = async ? is_good_result : is_good_reply,
                    .is_judged = is_judged,
                    .user_data = &target,
                    .rate = rate,
                    .send_only = send_only,
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
