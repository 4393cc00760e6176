/* Results of mode P reach the app's processor; whatever its file says, nothing else happens. */
#include "agent/processor.h"

#include "common/thrift-server.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATIENCE_US (60 * G_USEC_PER_SEC)

typedef struct
{
  char *root;
  char *config_path; /* of appcfg.json */
  ElvesAgentConfig config;
  ElvesPoller *poller;
  ElvesDeadlines *deadlines;
  ElvesAddressList *everybody;
  ElvesThriftServer *server;
  ElvesApps *apps;
  ElvesProcessor *processor;
  GString *ids; /* of the results that came */
} Fixture;

static void
on_call (ElvesThriftServer *server, ElvesThriftCall *call, gpointer user_data)
{
  Fixture *fixture = user_data;
  const ElvesRpcRequest *request = elves_thrift_call_request (call);
  g_assert_cmpint (request->method, ==, ELVES_RPC_RUN_PROCESSOR);
  g_string_append (fixture->ids, request->reinstruct->instruct->id);
  elves_thrift_call_answer_text (call, "success");
}

static void
serve (Fixture *fixture)
{
  static const ElvesThriftServerCallbacks callbacks = { .call = on_call };
  ElvesThriftServerOptions options = {
    .host = "127.0.0.1",
    .allowed = fixture->everybody,
    .max_connections = 100,
    .link = { .limits = elves_thrift_default_limits, .output_limit_bytes = 1 << 20 },
  };
  g_autoptr (GError) error = NULL;
  fixture->server =
      elves_thrift_server_new (fixture->poller, &options, &callbacks, fixture, &error);
  g_assert_no_error (error);
}

static void
set_up (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  fixture->root = g_dir_make_tmp ("elves-processor-XXXXXX", &error);
  fixture->config.apps_dir = fixture->root;
  fixture->config.apps_allowed = (char *) "*";
  fixture->config_path = g_build_filename (fixture->root, "demo", "appcfg.json", NULL);
  g_autofree char *app = g_path_get_dirname (fixture->config_path);
  g_assert_cmpint (g_mkdir (app, 0700), ==, 0);
  fixture->poller = elves_poller_new (&error);
  fixture->deadlines = elves_deadlines_new ();
  fixture->everybody = elves_address_list_parse ("", &error);
  g_assert_no_error (error);
  fixture->ids = g_string_new (NULL);
  serve (fixture);
  fixture->apps = elves_apps_new (&fixture->config);
  fixture->processor = elves_processor_new (fixture->poller, fixture->deadlines, fixture->apps);
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  elves_processor_free (fixture->processor);
  elves_apps_free (fixture->apps);
  elves_thrift_server_free (fixture->server);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  elves_address_list_free (fixture->everybody);
  elves_deadlines_free (fixture->deadlines);
  elves_poller_free (fixture->poller);
  g_string_free (fixture->ids, TRUE);
  g_autofree char *app = g_path_get_dirname (fixture->config_path);
  g_remove (fixture->config_path);
  g_assert_cmpint (g_rmdir (app), ==, 0);
  g_assert_cmpint (g_rmdir (fixture->root), ==, 0);
  g_free (fixture->config_path);
  g_free (fixture->root);
}

static void
write_config (Fixture *fixture, const char *format)
{
  g_autofree char *port = g_strdup_printf ("%u", elves_thrift_server_port (fixture->server));
  g_auto (GStrv) parts = g_strsplit (format, "PORT", -1);
  g_autofree char *text = g_strjoinv (port, parts);
  g_assert_true (g_file_set_contents (fixture->config_path, text, -1, NULL));
}

static void
notify (Fixture *fixture, const char *id, const char *mode)
{
  g_autoptr (ElvesInstruct) instruct = elves_instruct_new ();
  elves_instruct_set (&instruct->id, id);
  elves_instruct_set (&instruct->app, "demo");
  elves_instruct_set (&instruct->mode, mode);
  g_autoptr (ElvesReinstruct) result = elves_reinstruct_new (instruct);
  elves_processor_notify (fixture->processor, result);
}

static void
wait_for (Fixture *fixture, const char *ids)
{
  gint64 limit_us = g_get_monotonic_time () + PATIENCE_US;
  while (fixture->ids->len < strlen (ids) && g_get_monotonic_time () < limit_us)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpstr (fixture->ids->str, ==, ids);
}

static void
test_modes (Fixture *fixture, gconstpointer unused)
{
  write_config (fixture,
                "{\"x\":1,\"processor\":{\"ADDR\":\"127.0.0.1\",\"port\":PORT,\"Timeout\":0}}");
  notify (fixture, "a", "P");
  wait_for (fixture, "a");
  notify (fixture, "-", "NP");
  notify (fixture, "-", "");
  notify (fixture, "b", "p");
  wait_for (fixture, "ab");
}

static void
test_many_at_once (Fixture *fixture, gconstpointer unused)
{
  write_config (fixture, "{\"Processor\":{\"Addr\":\"127.0.0.1\",\"Port\":PORT}}");
  for (guint i = 0; i < 100; i++)
    notify (fixture, "x", "P");
  g_autofree char *expected = g_strnfill (100, 'x');
  wait_for (fixture, expected);
}

static const char *const bad_configs[] = {
  "",
  "{",
  "[]",
  "{}",
  "{\"Processor\":null}",
  "{\"Processor\":[]}",
  "{\"Processor\":{}}",
  "{\"Processor\":{\"Addr\":\"\",\"Port\":PORT}}",
  "{\"Processor\":{\"Addr\":\"127.0.0.1\",\"Port\":\"PORT\"}}",
  "{\"Processor\":{\"Addr\":\"127.0.0.1\",\"Port\":0}}",
  "{\"Processor\":{\"Addr\":\"127.0.0.1\",\"Port\":700000}}",
  "{\"Processor\":{\"Addr\":7,\"Port\":PORT}}",
};

static void
test_bad_configs (Fixture *fixture, gconstpointer unused)
{
  for (guint i = 0; i < G_N_ELEMENTS (bad_configs); i++)
    {
      g_test_message ("%s", bad_configs[i]);
      write_config (fixture, "{\"Processor\":{\"Addr\":\"127.0.0.1\",\"Port\":PORT}}");
      notify (fixture, "g", "P");
      g_autofree char *good = g_strnfill (i + 1, 'g');
      wait_for (fixture, good);
      while (g_main_context_iteration (NULL, FALSE))
        ; /* its answer, after which the app is no longer complained about */

      write_config (fixture, bad_configs[i]);
      notify (fixture, "-", "P");
      notify (fixture, "-", "P");
    }
  notify (fixture, "-", "P");
  g_assert_cmpuint (fixture->ids->len, ==, G_N_ELEMENTS (bad_configs));
}

/* Nothing behind the name may hold the loop, or fill the memory. */
static void
test_no_file (Fixture *fixture, gconstpointer unused)
{
  g_assert_cmpint (mkfifo (fixture->config_path, 0600), ==, 0);
  notify (fixture, "-", "P");
  g_assert_cmpint (g_unlink (fixture->config_path), ==, 0);
  g_assert_cmpint (symlink ("/dev/zero", fixture->config_path), ==, 0);
  notify (fixture, "-", "P");
  g_assert_cmpint (g_unlink (fixture->config_path), ==, 0);
  g_autofree char *deep = g_strnfill (60000, '[');
  write_config (fixture, deep);
  notify (fixture, "-", "P");
  write_config (fixture, "{\"Processor\":{\"Addr\":\"127.0.0.1\",\"Port\":PORT}}");
  notify (fixture, "a", "P");
  wait_for (fixture, "a");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_always_fatal (G_LOG_FATAL_MASK); /* complaints are warnings, and meant here */
  g_test_add ("/agent/processor/modes", Fixture, NULL, set_up, test_modes, tear_down);
  g_test_add ("/agent/processor/many-at-once", Fixture, NULL, set_up, test_many_at_once, tear_down);
  g_test_add ("/agent/processor/bad-configs", Fixture, NULL, set_up, test_bad_configs, tear_down);
  g_test_add ("/agent/processor/no-file", Fixture, NULL, set_up, test_no_file, tear_down);
  return g_test_run ();
}
