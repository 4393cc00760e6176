/* The consumer library without a broker: settings, tags, and what must come before what. */

#include "client/elves-client.h"
#include "client/settings.h"
#include "client/tags.h"

#include <string.h>

#define NEEDED \
  { "groupid", "g" }, { "namesvr", "127.0.0.1" }

static ElvesClientSettings *
settings_of (const ElvesConsumerSetting *list)
{
  g_autoptr (GError) error = NULL;
  ElvesClientSettings *settings = elves_client_settings_new (list, &error);

  g_assert_no_error (error);
  return settings;
}

static void
test_settings (void)
{
  static const ElvesConsumerSetting list[] = { { "groupid", "g" },
                                               { "instance_name", "/orders" },
                                               { "namesvr", "a, b:5673;[::1]:5674" },
                                               { "access_key", "u" },
                                               { "secret_key", " p " },
                                               { "topic", "t" },
                                               { "servicename", "any" },
                                               { "group_name", "any" },
                                               { "prefetch", "3" },
                                               { "retry.delays", "50ms, 2s,1m,2h" },
                                               { NULL } };
  g_autoptr (ElvesClientSettings) settings = settings_of (list);
  g_autofree char *delay_queue = elves_client_settings_delay_queue (settings, 50);

  g_assert_cmpuint (settings->n_servers, ==, 3);
  g_assert_cmpstr (settings->servers[0].host, ==, "a");
  g_assert_cmpuint (settings->servers[0].port, ==, 5672);
  g_assert_cmpuint (settings->servers[1].port, ==, 5673);
  g_assert_cmpstr (settings->servers[2].host, ==, "::1");
  g_assert_cmpuint (settings->servers[2].port, ==, 5674);
  g_assert_cmpstr (settings->vhost, ==, "/orders");
  g_assert_cmpstr (settings->password, ==, " p ");
  g_assert_cmpstr (settings->queue, ==, "t.g");
  g_assert_cmpstr (settings->dead_queue, ==, "%DLQ%g");
  g_assert_cmpstr (delay_queue, ==, "%RETRY%t.g.50");
  g_assert_cmpuint (settings->prefetch, ==, 3);
  g_assert_cmpuint (settings->n_delays, ==, 4);
  g_assert_cmpuint (settings->delays_ms[3], ==, 7200000);
}

/* RocketMQ's: 10 s, 30 s, 1 to 10 minutes, 20, 30 minutes, 1, 2 hours. */
static void
test_default_delays (void)
{
  static const guint expected_s[] = { 10,  30,  60,  120, 180,  240,  300,  360,
                                      420, 480, 540, 600, 1200, 1800, 3600, 7200 };
  static const ElvesConsumerSetting list[] = { NEEDED, { NULL } };
  g_autoptr (ElvesClientSettings) settings = settings_of (list);

  g_assert_cmpuint (settings->n_delays, ==, 16);
  for (guint i = 0; i < 16; i++)
    g_assert_cmpuint (settings->delays_ms[i], ==, expected_s[i] * 1000);
  g_assert_cmpstr (settings->topic, ==, "taskcenter");
  g_assert_cmpstr (settings->vhost, ==, "/");
}

static void
assert_refused (const char *key, const char *value)
{
  const ElvesConsumerSetting list[] = { NEEDED, { key, value }, { NULL } };
  g_autoptr (GError) error = NULL;

  g_test_message ("%s=%s", key, value);
  g_assert_null (elves_client_settings_new (list, &error));
  g_assert_error (error, ELVES_CONSUMER_ERROR, ELVES_CONSUMER_ERROR_INVALID);
  g_assert_nonnull (strstr (error->message, key));
}

static void
test_bad_settings (void)
{
  static const char *const bad_servers[] = {
    "", ",", "a:", "a:0", "a:65536", "[::1", ":5672", "[]"
  };
  static const char *const bad_delays[] = {
    "x", "10", "s", "0s", "-1s", "1s,", "8d", "169h", "1 s"
  };
  g_autofree char *many = g_strnfill (65 * 3, ',');
  g_autofree char *long_name = g_strnfill (101, 'g');
  static const ElvesConsumerSetting no_group[] = { { "namesvr", "a" }, { NULL } };
  static const ElvesConsumerSetting no_server[] = { { "groupid", "g" }, { NULL } };

  for (gsize i = 0; i < G_N_ELEMENTS (bad_servers); i++)
    assert_refused ("namesvr", bad_servers[i]);
  for (gsize i = 0; i < G_N_ELEMENTS (bad_delays); i++)
    assert_refused ("retry.delays", bad_delays[i]);
  assert_refused ("retry.delays", many);
  assert_refused ("groupid", "");
  assert_refused ("groupid", long_name);
  assert_refused ("topic", "");
  assert_refused ("prefetch", "0");
  assert_refused ("prefetch", "many");
  assert_refused ("colour", "red");
  assert_refused ("topic", NULL);
  g_assert_null (elves_client_settings_new (no_group, NULL));
  g_assert_null (elves_client_settings_new (no_server, NULL));
}

/* ---- tags ----------------------------------------------------------------------------------- */

static gboolean
note (const ElvesConsumerMessage *message, gpointer user_data, GError **error)
{
  g_string_append_printf (user_data, "%s;", message->tag);
  return TRUE;
}

static gboolean
note_failure (const ElvesConsumerMessage *message, gpointer user_data, GError **error)
{
  g_string_append (user_data, "failed;");
  g_set_error_literal (error, ELVES_CONSUMER_ERROR, ELVES_CONSUMER_ERROR_INVALID, "no");
  return FALSE;
}

static void
note_simply (const ElvesConsumerMessage *message, gpointer user_data)
{
  g_string_append_printf (user_data, "simple %s;", message->tag);
}

static gboolean
call (const ElvesClientTags *tags, const char *tag)
{
  ElvesConsumerMessage message = { .tag = tag, .task_id = "", .data = "", .message_id = "" };

  return elves_client_tags_call (tags, &message, NULL);
}

static void
test_dispatch (void)
{
  g_autoptr (ElvesClientTags) tags = elves_client_tags_new ();
  g_autoptr (GString) calls = g_string_new (NULL);

  g_assert_true (elves_client_tags_add (tags, "a || b", note, NULL, calls, NULL));
  g_assert_true (call (tags, "a"));
  g_assert_true (call (tags, "b"));
  g_assert_true (call (tags, "c"));
  g_assert_cmpstr (calls->str, ==, "a;b;");

  g_assert_true (elves_client_tags_add (tags, "*", NULL, note_simply, calls, NULL));
  g_assert_true (elves_client_tags_add (tags, "f", note_failure, NULL, calls, NULL));
  g_string_truncate (calls, 0);
  g_assert_true (call (tags, "a"));
  g_assert_true (call (tags, "c"));
  g_assert_false (call (tags, "f"));
  g_assert_true (call (tags, "*"));
  g_assert_cmpstr (calls->str, ==, "a;simple a;simple c;failed;simple *;");
}

static void
test_bindings (void)
{
  g_autoptr (ElvesClientTags) tags = elves_client_tags_new ();
  g_auto (GStrv) none = elves_client_tags_bindings (tags);
  g_auto (GStrv) two = NULL;
  g_auto (GStrv) all = NULL;

  g_assert_cmpuint (g_strv_length (none), ==, 0);
  g_assert_true (elves_client_tags_add (tags, "a", note, NULL, NULL, NULL));
  g_assert_true (elves_client_tags_add (tags, "b||a", note, NULL, NULL, NULL));
  two = elves_client_tags_bindings (tags);
  g_assert_cmpuint (g_strv_length (two), ==, 2);
  g_assert_true (g_strv_contains ((const char *const *) two, "a"));
  g_assert_true (g_strv_contains ((const char *const *) two, "b"));
  g_assert_true (elves_client_tags_add (tags, "*", note, NULL, NULL, NULL));
  all = elves_client_tags_bindings (tags);
  g_assert_cmpuint (g_strv_length (all), ==, 1);
  g_assert_cmpstr (all[0], ==, "#");
}

static void
test_bad_tags (void)
{
  static const char *const bad[] = { "", " ", "a||", "||a", "a|| ||b", "\xff" };
  g_autoptr (ElvesClientTags) tags = elves_client_tags_new ();
  g_auto (GStrv) bindings = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;
      g_assert_false (elves_client_tags_add (tags, bad[i], note, NULL, NULL, &error));
      g_assert_error (error, ELVES_CONSUMER_ERROR, ELVES_CONSUMER_ERROR_INVALID);
    }
  bindings = elves_client_tags_bindings (tags);
  g_assert_cmpuint (g_strv_length (bindings), ==, 0);
}

/* ---- what comes before what ----------------------------------------------------------------- */

static void
assert_too_early (gboolean done, GError **error, const char *text)
{
  g_assert_false (done);
  g_assert_error (*error, ELVES_CONSUMER_ERROR, ELVES_CONSUMER_ERROR_STATE);
  g_assert_cmpstr ((*error)->message, ==, text);
  g_clear_error (error);
}

/* Nobody listens there; that is no error, it is tried again. */
static const ElvesConsumerSetting nowhere[] = { { "groupid", "g" },
                                                { "namesvr", "127.0.0.1:1" },
                                                { NULL } };

static void
ignore_warnings (void)
{
  g_log_set_handler ("elves-client", G_LOG_LEVEL_WARNING, g_log_default_handler, NULL);
  g_log_set_always_fatal (G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_ERROR);
}

static void
test_global (void)
{
  GError *error = NULL;

  ignore_warnings ();
  assert_too_early (elves_client_start (&error), &error, "couldn't start consumer before init it");
  assert_too_early (elves_client_release (&error), &error,
                    "couldn't release consumer before init it");
  assert_too_early (elves_client_add_task_handler ("a", note, NULL, &error), &error,
                    "couldn't register consumer before init it");
  g_assert_true (elves_client_init (nowhere, NULL));
  g_assert_true (elves_client_init (NULL, NULL)); /* the first one stays: these are not looked at */
  g_assert_true (elves_client_add_task_handler ("a", note, NULL, NULL));
  g_assert_true (elves_client_start (NULL));
  assert_too_early (elves_client_add_task_handler ("b", note, NULL, &error), &error,
                    "subscribe topic only started before");
  g_assert_false (elves_client_wait (1));
  g_assert_true (elves_client_release (NULL));
  assert_too_early (elves_client_start (&error), &error, "couldn't start consumer before init it");
}

static void
test_own (void)
{
  GError *error = NULL;
  g_autoptr (ElvesConsumer) consumer = elves_consumer_new (nowhere, NULL);

  ignore_warnings ();
  assert_too_early (elves_consumer_start (consumer, &error), &error,
                    "couldn't start consumer before a handler is registered");
  g_assert_true (elves_consumer_register_simple (consumer, "a", note_simply, NULL, NULL));
  g_assert_true (elves_consumer_start (consumer, NULL));
  assert_too_early (elves_consumer_start (consumer, &error), &error,
                    "couldn't start consumer twice");
  g_assert_true (elves_consumer_release (consumer, NULL));
  assert_too_early (elves_consumer_release (consumer, &error), &error,
                    "couldn't release consumer twice");
  assert_too_early (elves_consumer_register (consumer, "a", note, NULL, &error), &error,
                    "subscribe topic only started before");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/client/settings", test_settings);
  g_test_add_func ("/client/default-delays", test_default_delays);
  g_test_add_func ("/client/bad-settings", test_bad_settings);
  g_test_add_func ("/client/dispatch", test_dispatch);
  g_test_add_func ("/client/bindings", test_bindings);
  g_test_add_func ("/client/bad-tags", test_bad_tags);
  g_test_add_func ("/client/global", test_global);
  g_test_add_func ("/client/own", test_own);
  return g_test_run ();
}
