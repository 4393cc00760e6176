/* A task of taskcenter: what its clients send, what elves-cron is asked, what it shows. */

#include "common/error.h"
#include "openapi/taskcenter-task.h"

#include <string.h>

#define NOW_S 1700000000

static ElvesTaskcenterTask *
task_of (const char *text)
{
  g_autoptr (GError) error = NULL;
  ElvesTaskcenterTask *task = elves_taskcenter_task_parse (text, strlen (text), &error);

  g_assert_no_error (error);
  return task;
}

static void
test_parse (void)
{
  g_autoptr (ElvesTaskcenterTask) task =
      task_of (" {\"Name\":\"a\",\"TYPE\":1,\"type\":2,\"data\":\"{\\\"x\\\":1}\",\"loop_time\":5,"
               "\"ack\":true,\"end_time\":null,\"other\":[1,\"2\"],\"start_time\":-7} and more");
  g_autoptr (ElvesTaskcenterTask) nothing = task_of ("null");

  g_assert_cmpstr (task->name, ==, "a");
  g_assert_cmpint (task->type, ==, 2);
  g_assert_cmpstr (task->data, ==, "{\"x\":1}");
  g_assert_cmpint (task->loop_time, ==, 5);
  g_assert_true (task->ack);
  g_assert_cmpint (task->end_time, ==, 0);
  g_assert_cmpint (task->start_time, ==, -7);
  g_assert_cmpstr (nothing->name, ==, "");
  g_assert_cmpint (nothing->type, ==, 0);
}

static void
test_not_decodable (void)
{
  static const char *const bad[] = {
    "",
    "x",
    "[]",
    "\"a\"",
    "{",
    "{\"type\":\"1\"}",
    "{\"type\":1.5}",
    "{\"type\":1e0}",
    "{\"type\":9223372036854775808}",
    "{\"name\":1}",
    "{\"data\":{}}",
    "{\"ack\":1}",
    "{\"max_runtime\":\"\"}",
    "{\"crontab\":[]}",
    "{\"data\":\"\\u0000\"}",
    "{\"name\":\"\xff\"}",
    "nul",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;
      g_test_message ("%s", bad[i]);
      g_assert_null (elves_taskcenter_task_parse (bad[i], strlen (bad[i]), &error));
      g_assert_error (error, ELVES_ERROR, ELVES_ERROR_INVALID);
    }
}

/* ---- checks --------------------------------------------------------------------------------- */

static void
assert_fault (const char *text, gboolean strict, const char *expected)
{
  g_autoptr (ElvesTaskcenterTask) task = task_of (text);

  g_test_message ("%s", text);
  g_assert_cmpstr (elves_taskcenter_task_fault (task, strict, NOW_S), ==, expected);
}

/* Each has the faults that come later, too. */
static void
test_order_of_checks (void)
{
  assert_fault ("{}", TRUE, "params type error");
  assert_fault ("{\"type\":4,\"end_time\":1}", TRUE, "params type error");
  assert_fault ("{\"type\":3,\"end_time\":1}", TRUE, "params cron invalid");
  assert_fault ("{\"type\":2,\"end_time\":1}", TRUE, "params loop_time invalid");
  assert_fault ("{\"type\":1,\"end_time\":1}", TRUE,
                "end_time should large than current timestamp");
  assert_fault ("{\"type\":1}", TRUE, "params name invalid");
  assert_fault ("{\"type\":1,\"name\":\"a\"}", TRUE, "params data invalid");
  assert_fault ("{\"type\":1,\"name\":\"a\",\"data\":\"d\"}", TRUE, NULL);
}

static void
test_bounds_of_checks (void)
{
  g_autofree char *long_name = g_strnfill (256, 'n');
  g_autofree char *text = g_strdup_printf ("{\"type\":1,\"name\":\"%s\"}", long_name);

  assert_fault ("{\"type\":1}", FALSE, NULL);
  assert_fault ("{\"type\":1,\"end_time\":1700000000}", FALSE, NULL);
  assert_fault ("{\"type\":1,\"end_time\":1699999999}", FALSE,
                "end_time should large than current timestamp");
  assert_fault ("{\"type\":1,\"end_time\":-1,\"loop_time\":-1}", FALSE, NULL);
  assert_fault ("{\"type\":1,\"start_time\":1900000000,\"end_time\":1800000000}", FALSE, NULL);
  assert_fault ("{\"type\":1,\"name\":\"a||b\"}", FALSE, "params name invalid");
  assert_fault (text, FALSE, "params name invalid");
}

static void
test_crontab (void)
{
  static const char *const good[] = {
    "1,5,3 * 1-10 * *", "55-58 * * * *",           "*/5 * * * * *",
    "@every 1h30m",     "TZ=Asia/Shanghai @daily", "0 0 1 1 *",
  };
  static const char *const bad[] = { "",           "* * 34 * *",  "* 25 * * *",
                                     "* * *",      "0 0 0 * * 7", "0 0 0 1 1 * 2030",
                                     "0 0 31 2 *", "@every 0s" };

  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_autofree char *text = g_strdup_printf ("{\"type\":3,\"crontab\":\"%s\"}", good[i]);
      assert_fault (text, FALSE, NULL);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autofree char *text = g_strdup_printf ("{\"type\":3,\"crontab\":\"%s\"}", bad[i]);
      assert_fault (text, FALSE, "params cron invalid");
    }
}

/* ---- to elves-cron -------------------------------------------------------------------------- */

typedef struct
{
  GString *text;
  ElvesJsonObject *members;
} Asked;

static Asked
asked_for (const char *text, ElvesTaskcenterPlan plan)
{
  g_autoptr (ElvesTaskcenterTask) task = task_of (text);
  Asked asked = { .text = elves_taskcenter_task_to_request (task, &plan, NOW_S) };

  asked.members = elves_json_object_parse (asked.text->str, asked.text->len, NULL);
  g_assert_nonnull (asked.members);
  return asked;
}

static void
asked_clear (Asked *asked)
{
  elves_json_object_free (asked->members);
  g_string_free (asked->text, TRUE);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Asked, asked_clear)

/* @expected: NULL: it is not there. */
static void
assert_asked (const Asked *asked, const char *name, const char *expected)
{
  ElvesJsonValue value = elves_json_object_get (asked->members, name);
  g_autofree char *text = elves_json_value_to_text (value);

  g_test_message ("%s", name);
  if (expected == NULL)
    g_assert_cmpint (value.kind, ==, ELVES_JSON_ABSENT);
  else
    g_assert_cmpstr (text, ==, expected);
}

static void
test_once (void)
{
  ElvesTaskcenterPlan plan = { .topic = "t" };
  g_auto (Asked) now = asked_for ("{\"type\":1,\"name\":\"a\",\"data\":\"d\"}", plan);
  g_auto (Asked) later =
      asked_for ("{\"type\":1,\"start_time\":1700000005,\"end_time\":1700000009}", plan);

  assert_asked (&now, "owner", "taskcenter");
  assert_asked (&now, "spelling", "objectid");
  assert_asked (&now, "exchange", "t");
  assert_asked (&now, "topic", "a");
  assert_asked (&now, "name", "a");
  assert_asked (&now, "param", "d");
  assert_asked (&now, "at", "2023-11-14T22:13:20Z");
  assert_asked (&now, "start", NULL);
  assert_asked (&now, "end", NULL);
  assert_asked (&now, "count", NULL);
  assert_asked (&now, "missed", "last");
  assert_asked (&now, "started", "true");
  assert_asked (&later, "at", "2023-11-14T22:13:25Z");
  assert_asked (&later, "end", "2023-11-14T22:13:29.999999Z");
}

static void
test_loop (void)
{
  static const char text[] =
      "{\"type\":2,\"loop_time\":3,\"loop_count\":4,\"start_time\":1700000005}";
  ElvesTaskcenterPlan plan = { .topic = "t" }, plus_one = { .topic = "t", .loop_plus_one = TRUE };
  g_auto (Asked) exact = asked_for (text, plan);
  g_auto (Asked) more = asked_for (text, plus_one);
  g_auto (Asked) endless = asked_for ("{\"type\":2,\"loop_time\":99999999999}", plus_one);

  assert_asked (&exact, "every", "3");
  assert_asked (&exact, "first", "now");
  assert_asked (&exact, "start", "2023-11-14T22:13:25Z");
  assert_asked (&exact, "count", "4");
  assert_asked (&more, "count", "5");
  assert_asked (&endless, "count", NULL);
  assert_asked (&endless, "every", "1000000000");
}

static void
test_rule (void)
{
  ElvesTaskcenterPlan plan = { .topic = "t", .loop_plus_one = TRUE };
  g_auto (Asked) rule = asked_for ("{\"type\":3,\"crontab\":\"*/2 * * * * *\",\"loop_count\":2,"
                                   "\"start_time\":99999999999}",
                                   plan);

  assert_asked (&rule, "rule", "*/2 * * * * *");
  assert_asked (&rule, "dialect", "crontab-seconds");
  assert_asked (&rule, "count", "2");
  assert_asked (&rule, "start", "2199-12-31T23:59:59Z");
}

static void
test_dormant (void)
{
  ElvesTaskcenterPlan plan = { .topic = "t", .is_dormant = TRUE };
  g_auto (Asked) task =
      asked_for ("{\"type\":2,\"loop_time\":1,\"start_time\":9,\"end_time\":5}", plan);

  assert_asked (&task, "started", "false");
  assert_asked (&task, "at", "2199-12-31T23:59:59Z");
  assert_asked (&task, "every", NULL);
  assert_asked (&task, "end", NULL);
}

static char *
unique_of (const char *name, const char *data)
{
  ElvesTaskcenterPlan plan = { .topic = "t" };
  g_autofree char *text =
      g_strdup_printf ("{\"type\":1,\"name\":\"%s\",\"data\":\"%s\"}", name, data);
  g_auto (Asked) asked = asked_for (text, plan);

  return elves_json_value_to_text (elves_json_object_get (asked.members, "unique"));
}

static void
test_unique (void)
{
  g_autofree char *ab_c = unique_of ("ab", "c");
  g_autofree char *a_bc = unique_of ("a", "bc");
  g_autofree char *again = unique_of ("ab", "c");

  g_assert_cmpuint (strlen (ab_c), ==, 64);
  g_assert_cmpstr (ab_c, ==, again);
  g_assert_cmpstr (ab_c, !=, a_bc);
}

/* ---- from elves-cron ------------------------------------------------------------------------ */

static char *
written (const char *card_text, GError **error)
{
  g_autoptr (ElvesJsonObject) card = elves_json_object_parse (card_text, strlen (card_text), NULL);
  g_autoptr (GString) out = g_string_new (NULL);

  g_assert_nonnull (card);
  if (!elves_taskcenter_write_card (out, card, error))
    {
      g_assert_cmpuint (out->len, ==, 0);
      return NULL;
    }
  return g_strdup (out->str);
}

static void
test_card (void)
{
  static const char card[] =
      "{\"key\":\"0123456789abcdef01234567\",\"name\":\"a\",\"param\":\"d\\\"\","
      "\"created\":\"2019-11-05T02:00:00.123456Z\",\"extra\":\"{\\\"type\\\":2,\\\"crontab\\\":"
      "\\\"\\\",\\\"loop_time\\\":3,\\\"loop_count\\\":4,\\\"start_time\\\":0,\\\"end_time\\\":5,"
      "\\\"max_runtime\\\":6,\\\"ack\\\":true}\"}";
  static const char expected[] =
      "{\"_id\":\"0123456789abcdef01234567\",\"name\":\"a\",\"data\":\"d\\\"\",\"type\":2,"
      "\"crontab\":\"\",\"loop_time\":3,\"loop_count\":4,\"start_time\":0,\"end_time\":5,"
      "\"max_runtime\":6,\"ack\":true,\"created_at\":1572919200,\"created_at_rfc3339\":"
      "\"2019-11-05T10:00:00.123+08:00\"}";
  g_autofree char *text = written (card, NULL);

  g_assert_cmpstr (text, ==, expected);
}

static void
test_bad_cards (void)
{
  static const char *const bad[] = {
    "{}",
    "{\"key\":\"k\",\"created\":\"2019-11-05T02:00:00Z\",\"extra\":\"\"}",
    "{\"key\":\"k\",\"created\":\"2019-11-05T02:00:00Z\",\"extra\":\"{\\\"type\\\":\\\"2\\\"}\"}",
    "{\"key\":\"k\",\"created\":\"\",\"extra\":\"{}\"}",
    "{\"created\":\"2019-11-05T02:00:00Z\",\"extra\":\"{}\"}",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;
      g_assert_null (written (bad[i], &error));
      g_assert_error (error, ELVES_ERROR, ELVES_ERROR_PROTOCOL);
    }
}

int
main (int argc, char **argv)
{
  g_setenv ("TZ", "Asia/Shanghai", TRUE);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/taskcenter/parse", test_parse);
  g_test_add_func ("/taskcenter/not-decodable", test_not_decodable);
  g_test_add_func ("/taskcenter/order-of-checks", test_order_of_checks);
  g_test_add_func ("/taskcenter/bounds-of-checks", test_bounds_of_checks);
  g_test_add_func ("/taskcenter/crontab", test_crontab);
  g_test_add_func ("/taskcenter/once", test_once);
  g_test_add_func ("/taskcenter/loop", test_loop);
  g_test_add_func ("/taskcenter/rule", test_rule);
  g_test_add_func ("/taskcenter/dormant", test_dormant);
  g_test_add_func ("/taskcenter/unique", test_unique);
  g_test_add_func ("/taskcenter/card", test_card);
  g_test_add_func ("/taskcenter/bad-cards", test_bad_cards);
  return g_test_run ();
}
