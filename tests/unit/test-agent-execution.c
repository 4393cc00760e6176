/* Jobs from acceptance to result, with real workers. */
#include "agent/execution.h"

#include "agent/output-keep.h"
#include "common/error.h"

#include <glib/gstdio.h>
#include <string.h>

#define NEVER_STARTED "app exec cancelled : the agent is stopping, the worker was not started"
#define PATIENCE_US (60 * G_USEC_PER_SEC)

typedef struct
{
  char *root;
  ElvesAgentConfig config;
  ElvesExecutorParts parts;
  ElvesExecutor *executor;
  GPtrArray *results; /* of ElvesReinstruct, as they came */
  guint idle_calls;
} Fixture;

static GHashTable *
new_map (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
}

static void
fill_config (ElvesAgentConfig *config, const char *root)
{
  config->apps_dir = g_build_filename (root, "apps", NULL);
  config->run_dir = g_build_filename (root, "run", NULL);
  config->apps_allowed = (char *) "*";
  config->app_version = new_map ();
  config->app_user = new_map ();
  config->app_concurrency = new_map ();
  config->worker_python = (char *) "/bin/sh";
  config->worker_path = (char *) "/usr/bin:/bin";
  config->max_running = 2;
  config->max_running_per_app = 2;
  config->max_waiting = 1;
  config->output_limit_bytes = 65536;
  config->stderr_limit_bytes = 1024;
  config->drain_ms = 200;
  config->grace_ms = 100;
  config->stop_signal = (char *) "TERM";
  config->unmarked = ELVES_UNMARKED_EXIT_STATUS;
  config->param_argv_limit_bytes = 1000;
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
  fixture->root = g_dir_make_tmp ("elves-execution-XXXXXX", &error);
  fill_config (&fixture->config, fixture->root);
  g_autofree char *app = g_build_filename (fixture->config.apps_dir, "demo", NULL);
  g_assert_cmpint (g_mkdir_with_parents (app, 0700), ==, 0);
  g_autofree char *worker = g_build_filename (app, "app-worker.py", NULL);
  g_file_set_contents (worker,
                       "case $2 in\n"
                       "echo) echo \"$1 $2 $3\" ;;\n"
                       "fail) exit 3 ;;\n"
                       "sleep) exec sleep 60 ;;\n"
                       "size) wc -c < \"$ELVES_PARAM_FILE\" ;;\n"
                       "esac\n",
                       -1, &error);
  g_assert_no_error (error);

  ElvesExecutorParts *parts = &fixture->parts;
  parts->config = &fixture->config;
  parts->poller = elves_poller_new (&error);
  parts->reaper = elves_reaper_new (parts->poller, &error);
  parts->containment = elves_containment_new (ELVES_CONTAIN_AUTO, NULL, &error);
  parts->deadlines = elves_deadlines_new ();
  parts->apps = elves_apps_new (&fixture->config);
  parts->commands = elves_commands_new (&fixture->config, &error);
  g_assert_no_error (error);
  fixture->executor = elves_executor_new (parts, on_idle, fixture);
  fixture->results = g_ptr_array_new_with_free_func ((GDestroyNotify) elves_reinstruct_unref);
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  ElvesExecutorParts *parts = &fixture->parts;
  elves_executor_free (fixture->executor);
  elves_commands_free (parts->commands);
  elves_apps_free (parts->apps);
  elves_containment_free (parts->containment);
  elves_reaper_free (parts->reaper);
  elves_deadlines_free (parts->deadlines);
  elves_poller_free (parts->poller);
  g_ptr_array_unref (fixture->results);
  const char *names[] = { "apps/demo/app-worker.py", "apps/demo", "apps", "run", "" };
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = g_build_filename (fixture->root, names[i], NULL);
      g_assert_cmpint (g_remove (path), ==, 0);
    }
  g_free (fixture->root);
  g_free (fixture->config.apps_dir);
  g_free (fixture->config.run_dir);
  g_hash_table_unref (fixture->config.app_version);
  g_hash_table_unref (fixture->config.app_user);
  g_hash_table_unref (fixture->config.app_concurrency);
}

static void
on_executed (ElvesReinstruct *result, gpointer user_data)
{
  Fixture *fixture = user_data;
  g_ptr_array_add (fixture->results, elves_reinstruct_ref (result));
}

static gboolean
try_start (Fixture *fixture,
           const char *app,
           const char *func,
           const char *param,
           gint32 timeout_s,
           const char *execution)
{
  g_autoptr (ElvesInstruct) instruct = elves_instruct_new ();
  elves_instruct_set (&instruct->id, func);
  elves_instruct_set (&instruct->app, app);
  elves_instruct_set (&instruct->func, func);
  g_bytes_unref (instruct->param);
  instruct->param = g_bytes_new (param, strlen (param));
  instruct->timeout_s = timeout_s;
  instruct->execution = g_strdup (execution);
  g_autoptr (GError) error = NULL;
  gboolean accepted =
      elves_executor_start (fixture->executor, instruct, on_executed, fixture, &error);
  if (!accepted)
    g_assert_error (error, ELVES_ERROR, ELVES_ERROR_BUSY);
  return accepted;
}

static void
start (Fixture *fixture, const char *app, const char *func, const char *param, gint32 timeout_s)
{
  guint before = fixture->results->len;
  g_assert_true (try_start (fixture, app, func, param, timeout_s, NULL));
  g_assert_cmpuint (fixture->results->len, ==, before); /* never from inside */
}

static void
wait_for_results (Fixture *fixture, guint count)
{
  gint64 limit_us = g_get_monotonic_time () + PATIENCE_US;
  while (fixture->results->len < count && g_get_monotonic_time () < limit_us)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (fixture->results->len, ==, count);
}

static const ElvesReinstruct *
run (Fixture *fixture, const char *app, const char *func, const char *param, gint32 timeout_s)
{
  start (fixture, app, func, param, timeout_s);
  wait_for_results (fixture, fixture->results->len + 1);
  return fixture->results->pdata[fixture->results->len - 1];
}

static void
assert_result (const ElvesReinstruct *result, gint32 flag, ElvesReason reason, const char *text)
{
  gsize length;
  const char *bytes = g_bytes_get_data (result->result, &length);
  g_autofree char *got = g_strndup (bytes != NULL ? bytes : "", length);
  g_assert_cmpstr (g_strchomp (got), ==, text);
  g_assert_cmpint (result->flag, ==, flag);
  g_assert_cmpint (result->reason, ==, reason);
}

static void
test_results (Fixture *fixture, gconstpointer unused)
{
  assert_result (run (fixture, "elves", "ping", "p\xc3\xb6ng", 0), 1, ELVES_REASON_NONE,
                 "p\xc3\xb6ng");
  assert_result (run (fixture, "elves", "pong", "", 0), -1, ELVES_REASON_INVALID,
                 "the built-in app has no such function");
  assert_result (run (fixture, "nope", "f", "", 0), -1, ELVES_REASON_APP_MISSING,
                 "app [nope] not install !");
  assert_result (run (fixture, "demo", "echo", "abc", 5), 1, ELVES_REASON_NONE, "demo echo YWJj");
  const ElvesReinstruct *failed = run (fixture, "demo", "fail", "", 5);
  assert_result (failed, -1, ELVES_REASON_EXIT_STATUS, "app exec error : exit status 3");
  g_assert_cmpint (failed->exit_status, ==, 3);
  g_assert_cmpint (failed->killed, ==, 0);
  g_autofree char *large = g_strnfill (1000, 'x');
  assert_result (run (fixture, "demo", "size", large, 5), 1, ELVES_REASON_NONE, "1000");
  g_assert_cmpuint (elves_executor_count (fixture->executor), ==, 0);
  g_assert_cmpuint (fixture->idle_calls, ==, 6);
}

static void
test_timeout (Fixture *fixture, gconstpointer unused)
{
  fixture->config.max_timeout_s = 1;
  const ElvesReinstruct *result = run (fixture, "demo", "sleep", "", 0);
  assert_result (result, -1, ELVES_REASON_TIMEOUT, "app exec timeout");
  g_assert_cmpint (result->cost_ms, >=, 1000);
  g_assert_cmpint (result->cost_ms, <, 5000);
}

static void
test_busy_and_keys (Fixture *fixture, gconstpointer unused)
{
  for (guint i = 0; i < 3; i++)
    g_assert_true (try_start (fixture, "demo", "sleep", "", 0, i == 0 ? "key" : NULL));
  g_assert_false (try_start (fixture, "demo", "sleep", "", 0, "refused"));
  g_assert_true (elves_executor_is_running (fixture->executor, "key"));
  g_assert_false (elves_executor_is_running (fixture->executor, "refused"));
  start (fixture, "elves", "ping", "", 0); /* needs no worker */
  wait_for_results (fixture, 1);

  elves_executor_cancel_all (fixture->executor);
  g_assert_false (try_start (fixture, "elves", "ping", "", 0, NULL));
  wait_for_results (fixture, 4);
  guint n_never_started = 0;
  for (guint i = 1; i < 4; i++) /* in any order: what is stopped may end at once */
    {
      const ElvesReinstruct *result = fixture->results->pdata[i];
      gboolean never_started = result->exit_status == -1 && result->killed == -1;
      n_never_started += never_started;
      assert_result (result, -1, ELVES_REASON_CANCELLED,
                     never_started ? NEVER_STARTED : "app exec cancelled");
    }
  g_assert_cmpuint (n_never_started, ==, 1);
  g_assert_false (elves_executor_is_running (fixture->executor, "key"));
}

/* Who waits is told at once that it was never started; who runs is left to run. */
static void
test_closed (Fixture *fixture, gconstpointer unused)
{
  for (guint i = 0; i < 3; i++)
    g_assert_true (try_start (fixture, "demo", "sleep", "", 0, NULL));
  elves_executor_close (fixture->executor);
  g_assert_cmpuint (fixture->results->len, ==, 0);
  wait_for_results (fixture, 1);
  assert_result (fixture->results->pdata[0], -1, ELVES_REASON_CANCELLED, NEVER_STARTED);
  g_assert_cmpuint (elves_executor_count (fixture->executor), ==, 2);
  elves_executor_close (fixture->executor);
  g_assert_false (try_start (fixture, "elves", "ping", "", 0, NULL));
  elves_executor_cancel_all (fixture->executor);
  wait_for_results (fixture, 3);
  for (guint i = 1; i < 3; i++)
    assert_result (fixture->results->pdata[i], -1, ELVES_REASON_CANCELLED, "app exec cancelled");
}

static void
test_free_reports_all (Fixture *fixture, gconstpointer unused)
{
  for (guint i = 0; i < 3; i++)
    g_assert_true (try_start (fixture, "demo", "sleep", "", 0, NULL));
  g_assert_true (try_start (fixture, "elves", "ping", "", 0, NULL));
  elves_executor_free (g_steal_pointer (&fixture->executor));
  g_assert_cmpuint (fixture->results->len, ==, 4);
  for (guint i = 0; i < 3; i++)
    assert_result (fixture->results->pdata[i], -1, ELVES_REASON_CANCELLED,
                   i < 2 ? "app exec cancelled" : NEVER_STARTED);
  assert_result (fixture->results->pdata[3], 1, ELVES_REASON_NONE, "");
}

static ElvesCancelled
cancel (Fixture *fixture, const char *execution, const char *id, const char *type)
{
  g_autoptr (ElvesInstruct) question = elves_instruct_new ();
  question->execution = g_strdup (execution);
  elves_instruct_set (&question->id, id);
  elves_instruct_set (&question->type, type);
  return elves_executor_cancel (fixture->executor, question);
}

/* Two run, one waits; none is told from inside. */
static void
test_cancel (Fixture *fixture, gconstpointer unused)
{
  static const char *const keys[] = { "a", "b", "c" };
  for (guint i = 0; i < 3; i++)
    g_assert_true (try_start (fixture, "demo", "sleep", "", 0, keys[i]));
  g_assert_cmpint (cancel (fixture, "x", "", ""), ==, ELVES_CANCEL_UNKNOWN);
  g_assert_cmpint (cancel (fixture, NULL, "other", ""), ==, ELVES_CANCEL_UNKNOWN);
  g_assert_cmpint (cancel (fixture, NULL, "sleep", "cron"), ==, ELVES_CANCEL_UNKNOWN);

  g_assert_cmpint (cancel (fixture, "c", "", ""), ==, ELVES_CANCEL_STOPPED);
  g_assert_cmpint (cancel (fixture, "c", "", ""), ==, ELVES_CANCEL_FINISHED);
  g_assert_cmpuint (fixture->results->len, ==, 0);
  wait_for_results (fixture, 1);
  assert_result (fixture->results->pdata[0], -1, ELVES_REASON_CANCELLED,
                 "app exec cancelled : its worker was not started");
  g_assert_cmpint (cancel (fixture, "c", "", ""), ==, ELVES_CANCEL_UNKNOWN);

  g_assert_cmpint (cancel (fixture, NULL, "sleep", ""), ==, ELVES_CANCEL_STOPPING);
  g_assert_cmpint (cancel (fixture, "a", "", ""), ==, ELVES_CANCEL_STOPPING);
  wait_for_results (fixture, 3);
  for (guint i = 1; i < 3; i++)
    assert_result (fixture->results->pdata[i], -1, ELVES_REASON_CANCELLED, "app exec cancelled");
  assert_result (run (fixture, "demo", "echo", "abc", 5), 1, ELVES_REASON_NONE, "demo echo YWJj");
}

static ElvesInstruct *
new_named (const char *execution, const char *id)
{
  ElvesInstruct *instruct = elves_instruct_new ();
  instruct->execution = g_strdup (execution);
  elves_instruct_set (&instruct->id, id);
  return instruct;
}

static gsize
kept_of (ElvesOutputKeep *keep, const char *execution, const char *id)
{
  g_autoptr (ElvesInstruct) question = new_named (execution, id);
  ElvesPrinted printed = { NULL };
  return elves_output_keep_find (keep, question, &printed) ? printed.kept_bytes : 0;
}

static void
keep (ElvesOutputKeep *keep, const char *execution, const char *id, gsize length)
{
  g_autoptr (ElvesInstruct) instruct = new_named (execution, id);
  g_autoptr (GBytes) output = g_bytes_new_take (g_strnfill (length, 'x'), length);
  elves_output_keep_add (keep, instruct, output, length);
}

/* Bounded in bytes, the oldest goes first; a key that comes again is the newer one's. */
static void
test_output_keep (void)
{
  ElvesDeadlines *deadlines = elves_deadlines_new ();
  ElvesOutputKeep *outputs = elves_output_keep_new (deadlines, 100, 4000);
  keep (outputs, "a", "id", 1000);
  keep (outputs, "b", "id", 1001);
  keep (outputs, NULL, "other", 500);
  keep (outputs, "none", "id", 0);
  keep (outputs, "large", "id", 4000);
  g_assert_cmpuint (kept_of (outputs, "a", ""), ==, 1000);
  g_assert_cmpuint (kept_of (outputs, "large", ""), ==, 0);
  g_assert_cmpuint (kept_of (outputs, NULL, "id"), ==, 1001); /* the last one */
  g_assert_cmpuint (kept_of (outputs, NULL, "other"), ==, 500);
  keep (outputs, "a", "id", 700);
  g_assert_cmpuint (kept_of (outputs, "a", ""), ==, 700); /* that of 1000 had to go */
  keep (outputs, "c", "id", 3000);
  g_assert_cmpuint (kept_of (outputs, "a", ""), ==, 0);
  g_assert_cmpuint (kept_of (outputs, "b", ""), ==, 0);
  g_assert_cmpuint (kept_of (outputs, "c", ""), ==, 3000);
  elves_output_keep_free (outputs);
  outputs = elves_output_keep_new (deadlines, 0, 4000);
  keep (outputs, "a", "id", 10);
  g_assert_cmpuint (kept_of (outputs, "a", ""), ==, 0);
  elves_output_keep_free (outputs);
  elves_deadlines_free (deadlines);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/agent/execution/results", Fixture, NULL, set_up, test_results, tear_down);
  g_test_add ("/agent/execution/closed", Fixture, NULL, set_up, test_closed, tear_down);
  g_test_add ("/agent/execution/timeout", Fixture, NULL, set_up, test_timeout, tear_down);
  g_test_add ("/agent/execution/busy-and-keys", Fixture, NULL, set_up, test_busy_and_keys,
              tear_down);
  g_test_add ("/agent/execution/free-reports-all", Fixture, NULL, set_up, test_free_reports_all,
              tear_down);
  g_test_add ("/agent/execution/cancel", Fixture, NULL, set_up, test_cancel, tear_down);
  g_test_add_func ("/agent/output-keep", test_output_keep);
  return g_test_run ();
}
