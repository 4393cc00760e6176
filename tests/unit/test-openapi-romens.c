/* The Romens door's pure parts: what a request asks of elves-cron, and what its answers become. */

#include "common/error.h"
#include "common/json-writer.h"
#include "openapi/romens-view.h"

#include <string.h>

static const ElvesRomensRules rules = { .now_s = 1490088784,
                                        .report_timeout_s = 86400,
                                        .callback_timeout_s = 30 };

/* What scheduler-client-romens 0.0.2 sends for the sample of its documentation. */
#define SAMPLE                                                                                    \
  "{\"taskName\":\"testName\",\"repeatTimes\":1,\"cronJobValue\":{\"second\":\"0\",\"minute\":"   \
  "\"0\",\"hour\":\"0\",\"dom\":\"*\",\"month\":\"*\",\"dow\":\"*\"},\"startAt\":0,\"stopAt\":0," \
  "\"isMultipleEntry\":false,\"callbackUrl\":\"http://10.0.0.9/scheduler/callback\","             \
  "\"callbackMethod\":\"POST\",\"callbackParams\":\"params\",\"callbackContentType\":"            \
  "\"application/json\",\"callbackAsync\":true}"

static ElvesJsonObject *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  ElvesJsonObject *object = elves_json_object_parse (text, strlen (text), &error);

  g_assert_no_error (error);
  return object;
}

/* The members, or NULL and @error. */
static char *
order (ElvesRomensKind kind, const char *text, GError **error)
{
  g_autoptr (ElvesJsonObject) request = parse (text);
  GString *body = g_string_new (NULL);
  gboolean ok;

  elves_json_open (body, NULL);
  ok = elves_romens_order_add_task (body, request, kind, &rules, error);
  elves_json_close (body);
  return g_string_free (body, !ok);
}

static void
assert_member (const char *object_text, const char *name, const char *expected)
{
  g_autoptr (ElvesJsonObject) object = parse (object_text);
  g_autofree char *text = elves_json_value_to_text (elves_json_object_get (object, name));

  g_test_message ("%s", name);
  g_assert_cmpstr (text, ==, expected);
}

/* name, value, name, value, ..., NULL */
static void
assert_members (const char *object_text, const char *const *expected)
{
  for (; *expected != NULL; expected += 2)
    assert_member (object_text, expected[0], expected[1]);
}

static char *
member (const char *object_text, const char *name)
{
  g_autoptr (ElvesJsonObject) object = parse (object_text);

  return elves_json_value_to_text (elves_json_object_get (object, name));
}

#define RULE                                                                                 \
  "{\"second\":\"0\",\"minute\":\"0\",\"hour\":\"0\",\"dom\":\"*\",\"month\":\"*\",\"dow\":" \
  "\"*\"}"

static void
test_sample (void)
{
  static const char *const members[] = {
    "owner",
    "romens",
    "spelling",
    "decimal",
    "started",
    "true",
    "name",
    "testName",
    "rule",
    RULE,
    "dialect",
    "cronjob",
    "count",
    "1",
    "start",
    "",
    "end",
    "",
    "overlap",
    "skip",
    "missed",
    "skip",
    "url",
    "http://10.0.0.9/scheduler/callback",
    "method",
    "POST",
    "param",
    "params",
    "content_type",
    "text/plain;charset=UTF-8",
    "token_param",
    "statusToken",
    "retries",
    "0",
    "timeout",
    "30",
    "report",
    "true",
    "report_timeout",
    "86400",
    NULL,
  };
  static const char *const extras[] = {
    "cronJobValue",
    RULE,
    "repeatTimes",
    "1",
    "startAt",
    "0",
    "isMultipleEntry",
    "false",
    "callbackUrl",
    "http://10.0.0.9/scheduler/callback",
    "callbackParams",
    "",
    "callbackAsync",
    "true",
    NULL,
  };
  g_autoptr (GError) error = NULL;
  g_autofree char *body = order (ELVES_ROMENS_TIMED, SAMPLE, &error), *extra = NULL;

  g_assert_no_error (error);
  assert_members (body, members);
  extra = member (body, "extra");
  assert_members (extra, extras);
}

static void
test_names_of_the_documentation (void)
{
  static const char *const members[] = {
    "name",
    "n",
    "count",
    "0",
    "rule",
    "{\"second\":\"*/2\",\"minute\":\"5\",\"hour\":\"0\",\"dom\":\"*\",\"month\":\"*\","
    "\"dow\":\"MON-FRI\"}",
    "start",
    "2017-03-21T09:33:04Z",
    "end",
    "2017-03-21T09:33:05Z",
    "overlap",
    "allow",
    "url",
    "https://h/",
    "method",
    "PATCH",
    "param",
    "{\"a\":1}",
    "content_type",
    "application/json",
    "report",
    "false",
    NULL,
  };
  g_autoptr (GError) error = NULL;
  g_autofree char *body =
      order (ELVES_ROMENS_TIMED,
             "{\"name\":\"n\",\"cronJob\":{\"second\":\"*/2\",\"minute\":5,\"dow\":\"MON-FRI\"},"
             "\"startAt\":\"1490088784\",\"stopAt\":1490088785,\"isMultipleEntry\":true,"
             "\"callbackAsync\":false,"
             "\"callback\":{\"url\":\"https://h/\",\"method\":\"patch\",\"params\":{\"a\":1}}}",
             &error);

  g_assert_no_error (error);
  assert_members (body, members);
}

static void
test_quick (void)
{
  static const struct
  {
    const char *time, *at;
  } cases[] = {
    { "\"1490088784\"", "2017-03-21T09:33:04Z" }, { "\"1490088783\"", "2017-03-21T09:33:04Z" },
    { "1490088790", "2017-03-21T09:33:10Z" },     { "0", "2017-03-21T09:33:04Z" },
    { "\"\"", "2017-03-21T09:33:04Z" },           { "null", "2017-03-21T09:33:04Z" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *request = g_strdup_printf (
          "{\"taskName\":\"q\",\"timeValue\":%s,\"callbackUrl\":\"http://h\"}", cases[i].time);
      g_autoptr (GError) error = NULL;
      g_autofree char *body = order (ELVES_ROMENS_QUICK, request, &error);
      g_assert_no_error (error);
      assert_member (body, "at", cases[i].at);
      assert_member (body, "missed", "last");
      assert_member (body, "rule", "");
      assert_member (body, "method", "POST");
    }
}

static void
test_callbacks (void)
{
  static const struct
  {
    const char *method, *url, *params, *type; /* as asked for; JSON */
    const char *target, *body, *body_type;
  } cases[] = {
    { "POST", "http://h/c?a=1#f", "\"{\\\"x\\\": [1]}\"", "null", "http://h/c?a=1", "{\"x\": [1]}",
      "application/json" },
    { "POST", "http://h", "\" [1,2]\"", "null", "http://h", " [1,2]", "application/json" },
    { "POST", "http://h", "\"\\\"text\\\"\"", "null", "http://h", "\"text\"", "application/json" },
    { "POST", "http://h", "\"1,\\\"v\\\":2\"", "null", "http://h", "1,\"v\":2",
      "text/plain;charset=UTF-8" },
    { "POST", "http://h", "\"{\"", "null", "http://h", "{", "text/plain;charset=UTF-8" },
    { "PATCH", "http://h", "\"a=1\"", "\"application/x-www-form-urlencoded\"", "http://h", "a=1",
      "application/x-www-form-urlencoded" },
    { "POST", "http://h", "null", "null", "http://h", "", "application/json" },
    { "GET", "http://h/c?a=1#f", "{\"b\":\"你 &\",\"c\":{\"d\":[1]},\"e\":true,\"f\":null}", "null",
      "http://h/c?a=1&b=%E4%BD%A0%20%26&c=%7B%22d%22%3A%5B1%5D%7D&e=true&f=", "",
      "application/json" },
    { "delete", "http://h/c", "\"{\\\"b\\\":1}\"", "null", "http://h/c?b=1", "",
      "application/json" },
    { "GET", "http://h/c", "\"params\"", "null", "http://h/c?params=params", "",
      "application/json" },
    { "GET", "http://h/c", "null", "null", "http://h/c", "", "application/json" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *request =
          g_strdup_printf ("{\"taskName\":\"q\",\"callbackUrl\":\"%s\",\"callbackMethod\":\"%s\","
                           "\"callbackParams\":%s,\"callbackContentType\":%s}",
                           cases[i].url, cases[i].method, cases[i].params, cases[i].type);
      g_autoptr (GError) error = NULL;
      g_autofree char *body = order (ELVES_ROMENS_QUICK, request, &error);
      g_test_message ("%s", request);
      g_assert_no_error (error);
      assert_member (body, "url", cases[i].target);
      assert_member (body, "param", cases[i].body);
      assert_member (body, "content_type", cases[i].body_type);
    }
}

/* @member replaces the one of that name: the last one counts. */
static void
assert_refused (ElvesRomensKind kind, const char *member_text, const char *fault)
{
  g_autofree char *request = g_strdup_printf (
      "{\"taskName\":\"n\",\"cronJobValue\":{},\"callbackUrl\":\"http://h\",%s}", member_text);
  g_autoptr (GError) error = NULL;
  g_autofree char *body = order (kind, request, &error);

  g_test_message ("%s", member_text);
  g_assert_null (body);
  g_assert_error (error, ELVES_ERROR, ELVES_ERROR_INVALID);
  g_assert_nonnull (strstr (error->message, fault));
}

static void
test_refused (void)
{
  static const struct
  {
    const char *member, *fault;
  } cases[] = {
    { "\"taskName\":\"\"", "taskName: is missing" },
    { "\"taskName\":\" \"", "taskName: is missing" },
    { "\"taskName\":{}", "taskName: expected a text" },
    { "\"repeatTimes\":-1", "repeatTimes: expected a whole number" },
    { "\"repeatTimes\":1.5", "repeatTimes: expected a whole number" },
    { "\"repeatTimes\":true", "repeatTimes: expected a whole number" },
    { "\"repeatTimes\":99999999999999999999", "repeatTimes: expected a whole number" },
    { "\"cronJobValue\":null", "cronJobValue: expected an object" },
    { "\"cronJobValue\":\"* * * * * *\"", "cronJobValue: expected an object" },
    { "\"cronJobValue\":{\"second\":\"60\"}", "cronJobValue: " },
    { "\"cronJobValue\":{\"dow\":8}", "cronJobValue: " },
    { "\"cronJobValue\":{\"dom\":31,\"month\":2}", "cronJobValue: " },
    { "\"startAt\":2,\"stopAt\":1", "startAt: is later than stopAt" },
    { "\"startAt\":1490088784000", "startAt: expected a whole number" },
    { "\"isMultipleEntry\":\"maybe\"", "isMultipleEntry: expected true or false" },
    { "\"callbackUrl\":\"cbUrl\"", "callbackUrl: expected http://" },
    { "\"callbackUrl\":null", "callbackUrl: expected http://" },
    { "\"callbackUrl\":\"file:///etc/passwd\"", "callbackUrl: expected http://" },
    { "\"callbackMethod\":\"PUT\"", "callbackMethod: expected GET, POST, PATCH or DELETE" },
    { "\"callbackContentType\":\"a\\r\\nb: c\"", "callbackContentType: expected a type" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    assert_refused (ELVES_ROMENS_TIMED, cases[i].member, cases[i].fault);
  assert_refused (ELVES_ROMENS_QUICK, "\"timeValue\":\"soon\"", "timeValue: expected a Unix time");
  assert_refused (ELVES_ROMENS_QUICK, "\"timeValue\":-5", "timeValue: expected a Unix time");
}

static void
test_long_url (void)
{
  g_autofree char *blanks = g_strnfill (9000, 'x');
  g_autofree char *member_text =
      g_strdup_printf ("\"callbackMethod\":\"GET\",\"callbackParams\":\"%s\"", blanks);

  assert_refused (ELVES_ROMENS_QUICK, member_text, "longer than 8192 bytes");
}

/* ---- lists ---- */

static void
test_filter (void)
{
  static const struct
  {
    const char *request, *members;
  } cases[] = {
    { "{}", "{\"owner\":\"romens\",\"deleted\":\"all\",\"page\":1,\"size\":10}" },
    { "{\"taskUrl\":\"http://h/v1/task\",\"isDeleted\":true,\"isExpired\":false,\"isMaxReached\":"
      "\"true\",\"pageNum\":2,\"pageSize\":1000}",
      "{\"owner\":\"romens\",\"deleted\":\"true\",\"expired\":\"false\",\"max_reached\":\"true\","
      "\"page\":2,\"size\":1000}" },
    { "{\"isDeleted\":false,\"isExpired\":null}",
      "{\"owner\":\"romens\",\"deleted\":\"false\",\"page\":1,\"size\":10}" },
    { "{\"pageNum\":0}", NULL },
    { "{\"pageSize\":1001}", NULL },
    { "{\"pageSize\":\"ten\"}", NULL },
    { "{\"isDeleted\":\"x\"}", NULL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (ElvesJsonObject) request = parse (cases[i].request);
      g_autoptr (GString) body = g_string_new (NULL);
      g_autoptr (GError) error = NULL;
      ElvesRomensPage page;
      elves_json_open (body, NULL);
      g_assert_true (elves_romens_order_add_filter (body, request, &page, &error) ==
                     (cases[i].members != NULL));
      elves_json_close (body);
      if (cases[i].members != NULL)
        g_assert_cmpstr (body->str, ==, cases[i].members);
      else
        g_assert_error (error, ELVES_ERROR, ELVES_ERROR_INVALID);
    }
}

/* ---- views ---- */

/* As elves-cron answers the sample: with the extra that the order has put there. */
static char *
card_of_sample (const char *more)
{
  g_autofree char *body = order (ELVES_ROMENS_TIMED, SAMPLE, NULL);
  g_autofree char *extra = member (body, "extra");
  GString *out = g_string_new (NULL);

  elves_json_open (out, NULL);
  elves_json_add_text (out, "key", "12499798081811720869");
  elves_json_add_text (out, "name", "testName");
  elves_json_add_text (out, "param", "params");
  elves_json_add_text (out, "extra", extra);
  g_string_append (out, more);
  elves_json_close (out);
  return g_string_free (out, FALSE);
}

static void
test_task (void)
{
  g_autofree char *card = card_of_sample (
      ",\"fired\":1,\"deleted\":\"false\",\"is_expired\":\"false\",\"is_max_reached\":\"true\","
      "\"next\":\"\",\"created\":\"2017-03-21T09:33:04.250000Z\"");
  g_autoptr (GString) out = g_string_new (NULL);
  ElvesJsonValue value = { ELVES_JSON_OBJECT, card, strlen (card) };

  g_assert_true (elves_romens_view_add_task (out, NULL, value));
  g_assert_cmpstr (
      out->str, ==,
      "{\"taskId\":\"12499798081811720869\",\"taskName\":\"testName\",\"cronJobValue\":" RULE
      ",\"repeatTimes\":1,\"startAt\":0,\"stopAt\":0,\"callbackUrl\":\"http://10.0.0.9/scheduler/"
      "callback\",\"callbackMethod\":\"POST\",\"callbackContentType\":\"application/json\","
      "\"isMultipleEntry\":false,\"callbackAsync\":true,\"callbackParams\":\"params\","
      "\"executedTimes\":1,\"isDeleted\":false,\"isExpired\":false,\"isMaxReached\":true,"
      "\"nextAt\":0,\"createdAt\":1490088784}");
  value.kind = ELVES_JSON_ABSENT;
  g_assert_false (elves_romens_view_add_task (out, NULL, value));
}

static void
test_history (void)
{
  static const char text[] =
      "{\"flag\":\"true\",\"error\":\"\",\"total\":25,\"result\":["
      "{\"token\":\"12500304183108301333\",\"status\":\"SUCCESS\",\"planned\":\"2017-03-21T09:33:"
      "04Z\",\"decided\":\"2017-03-21T09:33:04.1Z\",\"sent\":\"2017-03-21T09:33:05.000000Z\","
      "\"ended\":\"2017-03-21T09:33:06.000000Z\",\"http_status\":200,\"error\":\"e\","
      "\"worker_message\":\"said \\\"done\\\"\"},"
      "{\"token\":\"1\",\"status\":\"SKIPPED\",\"decided\":\"2017-03-21T09:33:04.100000Z\","
      "\"sent\":\"\",\"ended\":\"\",\"http_status\":0,\"error\":\"overlaps\",\"worker_message\":"
      "\"\"}]}";
  g_autoptr (ElvesJsonObject) answer = parse (text);
  const ElvesRomensPage page = { 3, 10 };
  g_autoptr (GString) out = elves_romens_view_history (answer, "12499798081811720869", &page);

  g_assert_cmpstr (
      out->str, ==,
      "{\"total\":25,\"pageNum\":3,\"pageSize\":10,\"list\":["
      "{\"token\":\"12500304183108301333\",\"taskId\":\"12499798081811720869\",\"status\":"
      "\"SUCCESS\",\"startAt\":1490088785,\"endAt\":1490088786,\"httpStatus\":200,\"message\":"
      "\"said \\\"done\\\"\"},"
      "{\"token\":\"1\",\"taskId\":\"12499798081811720869\",\"status\":\"SKIPPED\",\"startAt\":"
      "1490088784,\"endAt\":0,\"httpStatus\":0,\"message\":\"overlaps\"}]}");
}

static void
test_lists_that_are_none (void)
{
  g_autoptr (ElvesJsonObject) answer = parse ("{\"flag\":\"true\",\"result\":{}}");
  const ElvesRomensPage page = { 1, 10 };

  g_assert_null (elves_romens_view_tasks (answer, &page));
  g_assert_null (elves_romens_view_history (answer, "1", &page));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/openapi-romens/sample", test_sample);
  g_test_add_func ("/openapi-romens/documentation", test_names_of_the_documentation);
  g_test_add_func ("/openapi-romens/quick", test_quick);
  g_test_add_func ("/openapi-romens/callbacks", test_callbacks);
  g_test_add_func ("/openapi-romens/refused", test_refused);
  g_test_add_func ("/openapi-romens/long-url", test_long_url);
  g_test_add_func ("/openapi-romens/filter", test_filter);
  g_test_add_func ("/openapi-romens/task", test_task);
  g_test_add_func ("/openapi-romens/history", test_history);
  g_test_add_func ("/openapi-romens/no-list", test_lists_that_are_none);
  return g_test_run ();
}
