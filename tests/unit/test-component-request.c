/* Requests to a component, in all generations, and the answers to them. */
#include "common/component-request.h"
#include "common/error.h"

#include <string.h>

static const ElvesMessageRules rules = { .exchange = "elves", .max_message_bytes = 4096 };

static ElvesRequest *
parse_with (const char *text, ElvesMessageProperties properties, GError **error)
{
  g_autoptr (GBytes) body = g_bytes_new (text, strlen (text));
  ElvesRequestMessage message = { .properties = properties, .body = body };
  return elves_request_parse (&rules, &message, error);
}

static ElvesRequest *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  ElvesRequest *self = parse_with (text, (ElvesMessageProperties){ .reply_to = "q" }, &error);
  g_assert_no_error (error);
  return self;
}

static void
assert_body (const ElvesPublication *publication, const char *expected)
{
  gsize length;
  const char *bytes = g_bytes_get_data (publication->body, &length);
  g_autofree char *text = g_strndup (bytes, length);
  g_assert_cmpstr (text, ==, expected);
}

static void
test_generations (void)
{
  static const struct
  {
    const char *text, *answer, *key;
  } cases[] = {
    { "{\"mqkey\":\"openapi.cron.stopCron\",\"mqtype\":\"call\",\"mqbody\":{\"id\":\"A\"}}",
      "{\"mqkey\":\"cron.openapi\",\"mqflag\":\"cast\",\"mqtype\":\"cast\",\"mqbody\":{}}", "q" },
    { "{\"mqkey\":\"openapi.cron.stopCron\",\"mqtype\":\"call\","
      "\"mqbody\":\"{\\\"id\\\":\\\"A\\\"}\"}",
      "{\"mqkey\":\"cron.openapi\",\"mqflag\":\"cast\",\"mqtype\":\"cast\",\"mqbody\":{}}", "q" },
    { "{\"mqkey\":\"openapi.cron.stopCron\",\"mqtype\":\"call.77\",\"mqbody\":{\"id\":\"A\"}}",
      "{\"mqkey\":\"cron.openapi\",\"mqflag\":\"cast\",\"mqtype\":\"cast\",\"mqbody\":{}}", "77" },
    { "{\"mqkey\":\"openapi.cron.stopCron.88\",\"mqtype\":\"cast\",\"id\":\"A\"}",
      "{\"mqkey\":\"cron.openapi.stopCron.88\",\"mqtype\":\"cast\",\"mqflag\":\"1\","
      "\"mqerror\":\"\",\"data\":{}}",
      "88" },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      gboolean is_direct = strcmp (cases[i].key, "q") == 0;
      ElvesMessageProperties properties = { .reply_to = is_direct ? "q" : NULL,
                                            .correlation_id = "c" };
      g_autoptr (ElvesRequest) request = parse_with (cases[i].text, properties, NULL);
      g_autofree char *id = NULL;
      g_assert_nonnull (request);
      g_assert_cmpstr (elves_request_action (request), ==, "stopCron");
      g_assert_cmpstr (elves_request_from (request), ==, "openapi");
      g_assert_true (elves_request_text (request, "id", &id, NULL));
      g_assert_cmpstr (id, ==, "A");
      g_autoptr (ElvesPublication) answer =
          elves_request_answer (request, &rules, "", g_string_new ("{}"));
      assert_body (answer, cases[i].answer);
      g_assert_cmpstr (answer->routing_key, ==, cases[i].key);
      g_assert_cmpstr (answer->exchange, ==, is_direct ? "" : "elves");
      g_assert_cmpstr (answer->correlation_id, ==, "c");
    }
}

static void
test_nobody_to_answer (void)
{
  g_autoptr (ElvesRequest) request =
      parse_with ("{\"mqkey\":\"scheduler.cron.cronResult\",\"mqtype\":\"cast\"}",
                  (ElvesMessageProperties){ 0 }, NULL);
  g_assert_nonnull (request);
  g_assert_null (elves_request_answer (request, &rules, "", g_string_new ("{}")));
}

static void
test_no_message (void)
{
  static const char *const texts[] = {
    "",
    "[]",
    "{\"mqkey\":\"a.b\",\"mqtype\":\"call\"}",
    "{\"mqkey\":\"a.b.c.d.e\",\"mqtype\":\"call\"}",
    "{\"mqkey\":\"a.b.c\",\"mqtype\":\"Call\"}",
    "{\"mqkey\":\"a.b.c\",\"mqtype\":\"call\",\"mqbody\":3}",
    "{\"mqkey\":\"a.b.c\",\"mqtype\":\"call\",\"mqbody\":\"no json\"}",
  };
  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;
      g_assert_null (parse_with (texts[i], (ElvesMessageProperties){ 0 }, &error));
      g_assert_error (error, ELVES_ERROR, ELVES_ERROR_INVALID);
    }
}

static void
test_flat_refusal (void)
{
  g_autoptr (ElvesRequest) request =
      parse ("{\"mqkey\":\"openapi.cron.stopCron.88\",\"mqtype\":\"call\"}");
  g_autoptr (ElvesPublication) answer = elves_request_answer (
      request, &rules, "[411.1]x", elves_request_error_body ("[411.1]x", "no such \"id\""));
  assert_body (answer,
               "{\"mqkey\":\"cron.openapi.stopCron.88\",\"mqtype\":\"cast\",\"mqflag\":\"0\","
               "\"mqerror\":\"[411.1]x\",\"data\":{\"flag\":\"false\",\"error\":\"[411.1]x\","
               "\"detail\":\"no such \\\"id\\\"\"}}");
}

static void
assert_number (const char *value, gboolean strict, gboolean good, gint64 expected)
{
  g_autofree char *text =
      g_strdup_printf ("{\"mqkey\":\"a.b.c\",\"mqtype\":\"call\",\"mqbody\":{\"n\":%s}}", value);
  g_autoptr (ElvesRequest) request = parse (text);
  g_autoptr (GError) error = NULL;
  gint64 number = -7;
  g_assert_cmpint (elves_request_number (request, "n", strict, 0, 100, 60, &number, &error), ==,
                   good);
  g_assert_cmpint (number, ==, good ? expected : -7);
  if (!good)
    g_assert_error (error, ELVES_ERROR, ELVES_ERROR_INVALID);
}

static void
test_numbers (void)
{
  assert_number ("90", TRUE, TRUE, 90);
  assert_number ("90.0", TRUE, TRUE, 90);
  assert_number ("null", TRUE, TRUE, 60);
  assert_number ("\"90\"", TRUE, FALSE, 0);
  assert_number ("\"90\"", FALSE, TRUE, 90);
  assert_number ("\"\"", FALSE, TRUE, 60);
  assert_number ("\"\"", TRUE, FALSE, 0);
  assert_number ("101", TRUE, FALSE, 0);
  assert_number ("-1", TRUE, FALSE, 0);
  assert_number ("1.5", TRUE, FALSE, 0);
  assert_number ("1e2", TRUE, FALSE, 0);
  assert_number ("99999999999999999999999", TRUE, FALSE, 0);
  assert_number ("true", FALSE, FALSE, 0);
  assert_number ("{}", FALSE, FALSE, 0);
}

static void
test_text_of_an_object (void)
{
  g_autoptr (ElvesRequest) request =
      parse ("{\"mqkey\":\"a.b.c\",\"mqtype\":\"call\",\"mqbody\":{\"ip\":[1]}}");
  g_autoptr (GError) error = NULL;
  char *text = NULL;
  g_assert_false (elves_request_text (request, "ip", &text, &error));
  g_assert_error (error, ELVES_ERROR, ELVES_ERROR_INVALID);
  g_assert_nonnull (strstr (error->message, "ip"));
}

static void
assert_result (const char *body, const char *summary)
{
  g_autofree char *text = g_strdup_printf (
      "{\"mqkey\":\"scheduler.cron.cronResult\",\"mqtype\":\"cast\",\"mqbody\":%s}", body);
  g_autoptr (ElvesRequest) request = parse (text);
  g_auto (ElvesComponentResult) result = { 0 };
  g_autofree char *got = NULL;
  if (elves_request_read_result (request, &result, NULL))
    got = g_strdup_printf ("%s|%s|%d|%s|%d|%s|%d|%s", result.id, result.rand_id, result.delivered,
                           result.error, result.worker_flag, result.worker_message,
                           result.worker_cost_ms, result.reason);
  g_assert_cmpstr (got, ==, summary);
}

static void
test_results (void)
{
  assert_result ("{\"flag\":\"true\",\"error\":\"\",\"result\":{\"id\":\"A\",\"worker_flag\":1,"
                 "\"worker_message\":\"m\",\"worker_costtime\":5,\"rand_id\":\"9\"}}",
                 "A|9|1||1|m|5|");
  assert_result ("{\"flag\":\"true\",\"result\":{\"id\":\"A\",\"worker_flag\":\"0\","
                 "\"worker_message\":null,\"worker_costtime\":\"\"}}",
                 "A||1||0||0|");
  assert_result ("{\"flag\":\"false\",\"error\":\"[410.1]x\",\"reason\":\"unreachable\","
                 "\"result\":{\"id\":\"A\"}}",
                 "A||0|[410.1]x|-1||0|unreachable");
  assert_result ("{\"flag\":\"true\",\"result\":{\"id\":\"A\",\"worker_flag\":-1,"
                 "\"reason\":\"timeout\"}}",
                 "A||1||-1||0|timeout");
  assert_result ("{\"flag\":\"true\",\"result\":{\"id\":\"A\"}}", "A||1||-1||0|");
  assert_result ("{\"flag\":\"yes\",\"result\":{\"id\":\"A\"}}", NULL);
  assert_result ("{\"flag\":\"true\",\"result\":{\"id\":\" \"}}", NULL);
  assert_result ("{\"flag\":\"true\",\"result\":\"{\\\"id\\\":\\\"A\\\"}\"}", NULL);
  assert_result ("{\"flag\":\"true\"}", NULL);
}

static char *
fingerprint (const char *body,
             const char *message_id,
             const char *reply_to,
             const char *correlation)
{
  ElvesMessageProperties properties = { reply_to, correlation, message_id };
  g_autofree char *text =
      g_strdup_printf ("{\"mqkey\":\"a.b.c\",\"mqtype\":\"call\",\"mqbody\":%s}", body);
  g_autoptr (ElvesRequest) request = parse_with (text, properties, NULL);
  return g_strdup (elves_request_fingerprint (request));
}

static void
test_fingerprint (void)
{
  g_autofree char *first = fingerprint ("{}", NULL, "q", "1");
  g_autofree char *same = fingerprint ("{}", NULL, "q", "1");
  g_autofree char *next = fingerprint ("{}", NULL, "q", "2");
  g_autofree char *queue = fingerprint ("{}", NULL, "r", "1");
  g_autofree char *other = fingerprint ("{\"a\":1}", NULL, "q", "1");
  g_autofree char *named = fingerprint ("{}", "q", NULL, "1");
  g_assert_cmpstr (first, ==, same);
  g_assert_cmpstr (first, !=, next);
  g_assert_cmpstr (first, !=, queue);
  g_assert_cmpstr (first, !=, other);
  g_assert_cmpstr (first, !=, named);
  g_assert_cmpuint (strlen (first), ==, 32);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/generations", test_generations);
  g_test_add_func ("/nobody-to-answer", test_nobody_to_answer);
  g_test_add_func ("/no-message", test_no_message);
  g_test_add_func ("/flat-refusal", test_flat_refusal);
  g_test_add_func ("/numbers", test_numbers);
  g_test_add_func ("/text-of-an-object", test_text_of_an_object);
  g_test_add_func ("/results", test_results);
  g_test_add_func ("/fingerprint", test_fingerprint);
  return g_test_run ();
}
