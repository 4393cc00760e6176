/* The pure parts of the door of QBaseCron: data, times, rules, orders, tasks, notifications. */

#include "common/error.h"
#include "openapi/form-body.h"
#include "openapi/push.h"
#include "openapi/qbasecron-data.h"
#include "openapi/qbasecron-later.h"
#include "openapi/qbasecron-task.h"
#include "openapi/qbasecron-time.h"

#include <string.h>

/* The sample of the documentation, which has the text, its base64, and a copy of that cut short. */
#define TOKEN "B1504D99F0C0DB8048709EC58BACD4A1054CB331C57627A042E72CE1DFC6873F"
#define SAMPLE_TEXT                                                             \
  "{\"token\":\"" TOKEN "\",\"alert\":\"这是我的消息,你妹啊1211221\"," \
  "\"payload\":{\"status\":{\"dfsdsf\":0,\"msg\":\"success\"}},\"badge\":\"1\"}"
#define SAMPLE_CUT                                                                                \
  "eyJ0b2tlbiI6IkIxNTA0RDk5RjBDMERCODA0ODcwOUVDNThCQUNENEExMDU0Q0IzMzFDNTc2MjdBMDQyRTcyQ0UxREZDN" \
  "jg3M0YiLCJhbGVydCI6Iui"
#define SAMPLE                                                                        \
  SAMPLE_CUT "/meaYr+aIkeeahOa2iOaBryzkvaDlprnllYoxMjExMjIxIiwicGF5bG9hZCI6eyJzdGF0d" \
             "XMiOnsiZGZzZHNmIjowLCJtc2ciOiJzdWNjZXNzIn19LCJiYWRnZSI6IjEifQ=="
#define SAMPLE_FORM                                                                        \
  "token=" TOKEN "&alert=%E8%BF%99%E6%98%AF%E6%88%91%E7%9A%84%E6%B6%88%E6%81%AF%2C%E4%BD%" \
  "A0%E5%A6%B9%E5%95%8A1211221&payload%5Bstatus%5D%5Bdfsdsf%5D=0"                          \
  "&payload%5Bstatus%5D%5Bmsg%5D=success&badge=1"

static ElvesParameters *
parameters_of (const char *form)
{
  ElvesParameters *parameters = elves_parameters_new ();

  g_assert_true (elves_parameters_add (parameters, form, strlen (form), NULL));
  return parameters;
}

/* ---- data ---- */

static void
assert_form (const char *data, const char *expected, gboolean expected_raw)
{
  g_autofree char *mended = elves_qbasecron_data_mend (data);
  gboolean is_raw;
  g_autofree char *form = elves_qbasecron_data_to_form (mended, &is_raw);

  g_assert_cmpstr (form, ==, expected);
  g_assert_cmpint (is_raw, ==, expected_raw);
}

static void
test_sample (void)
{
  g_autofree char *encoded = g_base64_encode ((const guchar *) SAMPLE_TEXT, strlen (SAMPLE_TEXT));
  g_autofree char *blanks = g_strdelimit (g_strdup (SAMPLE), "+", ' ');
  g_autofree char *url = g_strdelimit (g_strdelimit (g_strdup (SAMPLE), "+", '-'), "/", '_');
  g_autofree char *unpadded = g_strndup (SAMPLE, strlen (SAMPLE) - 2);

  g_assert_cmpstr (encoded, ==, SAMPLE);
  g_assert_nonnull (strchr (SAMPLE, '+'));
  assert_form (SAMPLE, SAMPLE_FORM, FALSE);
  assert_form (blanks, SAMPLE_FORM, FALSE);
  assert_form (url, SAMPLE_FORM, FALSE);
  assert_form (unpadded, SAMPLE_FORM, FALSE);
  assert_form (SAMPLE_TEXT, SAMPLE_FORM, FALSE);
  assert_form (SAMPLE_CUT, "data=" SAMPLE_CUT, TRUE);
  g_assert_cmpuint (strlen (SAMPLE_CUT), ==, 115);
}

static void
test_data (void)
{
  static const struct
  {
    const char *text, *form; /* form NULL: undecodable */
  } cases[] = {
    { "{}", "" },
    { "{\"a\":null,\"b\":true,\"c\":-1.50,\"d\":\"x y&z=\\n\"}",
      "a=&b=true&c=-1.50&d=x%20y%26z%3D%0A" },
    { "{\"a\":[1,{\"b\":[]},\"c\"],\"e\":{}}", "a%5B0%5D=1&a%5B2%5D=c" },
    { "[1]", NULL },
    { "1", NULL },
    { "{\"a\":", NULL },
    { "\xFF", NULL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *data =
          g_base64_encode ((const guchar *) cases[i].text, strlen (cases[i].text));
      g_autofree char *escaped = g_uri_escape_string (data, NULL, FALSE);
      g_autofree char *raw = g_strconcat ("data=", escaped, NULL);
      assert_form (data, cases[i].form != NULL ? cases[i].form : raw, cases[i].form == NULL);
    }
  assert_form ("", "", FALSE);
  assert_form ("not*base64", "data=not%2Abase64", TRUE);
}

/* Names repeat: of 24 KB of JSON would become 100 MB. */
static void
test_data_that_grows (void)
{
  g_autofree char *name = g_strnfill (8000, 'n');
  const gsize length = 16000;
  g_autofree char *zeros = g_strnfill (length, '0');
  g_autofree char *text = NULL, *data = NULL, *form = NULL;
  gboolean is_raw;

  for (gsize i = 1; i < length; i += 2)
    zeros[i] = ',';
  zeros[length - 1] = ' ';
  text = g_strdup_printf ("{\"%s\":[%s]}", name, zeros);
  g_assert_nonnull (strstr (text, "[0,0,"));
  data = g_base64_encode ((const guchar *) text, strlen (text));
  form = elves_qbasecron_data_to_form (data, &is_raw);
  g_assert_true (is_raw);
  g_assert_true (g_str_has_prefix (form, "data="));
}

/* Too deep for brackets: as it came. */
static void
test_deep_data (void)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *data = NULL;
  g_autofree char *form = NULL;
  gboolean is_raw;

  for (guint i = 0; i < ELVES_FORM_DEPTH_LIMIT + 2; i++)
    g_string_append (text, "{\"a\":");
  g_string_append_c (text, '1');
  for (guint i = 0; i < ELVES_FORM_DEPTH_LIMIT + 2; i++)
    g_string_append_c (text, '}');
  data = g_base64_encode ((const guchar *) text->str, text->len);
  form = elves_qbasecron_data_to_form (data, &is_raw);
  g_assert_true (is_raw);
  g_assert_true (g_str_has_prefix (form, "data="));
}

static void
test_form_to_json (void)
{
  static const struct
  {
    const char *form, *json;
  } cases[] = {
    { "payload[status][dfsdsf]=0&x=1&payload[status][msg]=success",
      "{\"status\":{\"dfsdsf\":\"0\",\"msg\":\"success\"}}" },
    { "payload%5Ba%5D=1&payload[b][c]=2&payload[a2]=3&payload[b][d]=4",
      "{\"a\":\"1\",\"b\":{\"c\":\"2\",\"d\":\"4\"},\"a2\":\"3\"}" },
    { "payload[a]=1&payload[a][b]=2", "{\"a\":\"1\"}" },
    { "payload[a]x=1&payload[=2", "{}" },
    { "payload[a\"b]=c\"d", "{\"a\\\"b\":\"c\\\"d\"}" },
    { "payloads[a]=1&payload=2", NULL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (ElvesParameters) parameters = parameters_of (cases[i].form);
      g_autoptr (GString) json = g_string_new (NULL);
      gboolean found = elves_form_to_json (parameters, "payload", json);
      g_assert_cmpint (found, ==, cases[i].json != NULL);
      g_assert_cmpstr (json->str, ==, found ? cases[i].json : "");
    }
}

/* ---- times ---- */

static void
test_times (void)
{
  static const struct
  {
    const char *zone, *text;
    gint64 utc_s;
    const char *shown; /* NULL: as @text */
  } cases[] = {
    { "UTC", "2014-10-17 20:43:44", 1413578624, NULL },
    { "Asia/Shanghai", "2014-10-17 20:43:44", 1413549824, NULL },
    { "Asia/Shanghai", " 2014/10/17  20:43:44 ", 1413549824, "2014-10-17 20:43:44" },
    { "UTC", "2014-1-7 2:3:4", 1389060184, "2014-01-07 02:03:04" },
    { "UTC", "2014-11-11 11:10", 1415704200, "2014-11-11 11:10:00" },
    { "UTC", "1970-01-01 00:00:00", 0, NULL },
    { "America/New_York", "2026-11-01 01:30:00", 1793511000, NULL },               /* the first */
    { "Europe/Berlin", "2026-03-29 02:30:00", 1774746000, "2026-03-29 03:00:00" }, /* a gap */
    { "Pacific/Kiritimati", "2026-01-01 00:00:00", 1767175200, NULL },
    { "Pacific/Pago_Pago", "2026-01-01 00:00:00", 1767265200, NULL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const ElvesZone *zone = elves_zone_get (cases[i].zone, NULL);
      g_autofree char *shown = elves_qbasecron_time_format (zone, cases[i].utc_s);
      gint64 utc_s;

      g_test_message ("%s %s", cases[i].zone, cases[i].text);
      g_assert_true (elves_qbasecron_time_parse (zone, cases[i].text, &utc_s));
      g_assert_cmpint (utc_s, ==, cases[i].utc_s);
      g_assert_cmpstr (shown, ==, cases[i].shown != NULL ? cases[i].shown : cases[i].text);
    }
}

static void
test_bad_times (void)
{
  static const char *const bad[] = { "",
                                     " ",
                                     "2014-10-17",
                                     "2014-10-17 20",
                                     "20:43:44",
                                     "2014-02-30 00:00:00",
                                     "2014-13-01 00:00:00",
                                     "2014-10-17 24:00:00",
                                     "2014-10-17 20:60:00",
                                     "2014-10-17 20:43:60",
                                     "2014-10-17 20:43:44x",
                                     "1969-12-31 00:00:00",
                                     "2200-01-01 00:00:00",
                                     "99999-01-01 00:00:00",
                                     "2014-10-17 -1:00:00",
                                     "+2014-10-17 20:43:44" };
  gint64 utc_s;

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (elves_qbasecron_time_parse (elves_zone_get ("UTC", NULL), bad[i], &utc_s));
}

/* ---- later ---- */

static void
test_later (void)
{
  static const struct
  {
    const char *text, *rule; /* rule NULL: refused */
  } cases[] = {
    { "every 5 mins", "0 */5 * * * *" },
    { "every 2 seconds", "*/2 * * * * *" },
    { "Every  Minute", "0 * * * * *" },
    { "every 3 hours", "0 0 */3 * * *" },
    { "every 2 days at 5:00 pm", "0 0 17 */2 * *" },
    { "at 10:15 am every weekday", "0 15 10 * * 1,2,3,4,5" },
    { "at 12:00am", "0 0 0 * * *" },
    { "at 12:30:15 pm", "15 30 12 * * *" },
    { "at 23:59", "0 59 23 * * *" },
    { "on monday and fri, sundays at 6:00", "0 0 6 * * 0,1,5" },
    { "every 15 mins on weekends", "0 */15 * * * 0,6" },
    { "every day", "0 0 0 * * *" },
    { "", NULL },
    { "5 mins", NULL },
    { "every", NULL },
    { "every 0 mins", NULL },
    { "every 60 mins", NULL },
    { "every 5 mins every 2 hours", NULL },
    { "every 99999999999999999999 mins", NULL },
    { "every 5 mins at 10:00", NULL },
    { "at 25:00", NULL },
    { "at 13:00 pm", NULL },
    { "at 10:00 at 11:00", NULL },
    { "at 10:75", NULL },
    { "on the first day of the month", NULL },
    { "on s", NULL },
    { "every 5 mins please", NULL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *rule = elves_qbasecron_later_to_rule (cases[i].text, &error);

      g_test_message ("%s: %s", cases[i].text, error != NULL ? error->message : rule);
      g_assert_cmpstr (rule, ==, cases[i].rule);
      if (cases[i].rule == NULL)
        g_assert_error (error, ELVES_ERROR, ELVES_ERROR_INVALID);
    }
}

/* ---- orders ---- */

#define NOW_US (1413578620 * G_GINT64_CONSTANT (1000000)) /* 4 s before the sample */
#define SAMPLE_TIME "time=2014-10-17+20:43:44"
#define URL "http://127.0.0.1:3453/api/v0.1.0/push/api"

/* (transfer full) (nullable): the body; @out_code in any case. */
static char *
order_of (const char *form, guint turn, gint64 *out_delay_ms, guint *out_code)
{
  g_autoptr (ElvesParameters) parameters = parameters_of (form);
  ElvesQbasecronRules rules = { .zone = elves_zone_get ("UTC", NULL),
                                .zone_name = "UTC",
                                .callback_url = URL,
                                .now_us = NOW_US,
                                .turn = turn };
  g_autofree char *message = NULL;
  GString *body = elves_qbasecron_order (&rules, parameters, out_delay_ms, out_code, &message);

  g_assert_cmpint (body == NULL, ==, *out_code != 0);
  g_assert_cmpint (message == NULL, ==, *out_code == 0);
  return body != NULL ? g_string_free (body, FALSE) : NULL;
}

static void
test_order (void)
{
  gint64 delay_ms;
  guint code;
  g_autofree char *body = order_of (SAMPLE_TIME "&desc=desc&callback_url=" URL "&data=" SAMPLE_CUT,
                                    7, &delay_ms, &code);

  g_assert_cmpint (delay_ms, ==, 4000);
  g_assert_cmpstr (
      body, ==,
      "{\"owner\":\"qbasecron\",\"spelling\":\"objectid\",\"started\":\"true\","
      "\"at\":\"2014-10-17T20:43:44Z\",\"missed\":\"last\",\"url\":\"" URL "\","
      "\"method\":\"POST\",\"content_type\":\"application/x-www-form-urlencoded\","
      "\"param\":\"data=" SAMPLE_CUT "\",\"retries\":3,\"retry_delays\":[1,5,25],"
      "\"extra\":\"{\\\"time\\\":\\\"2014-10-17 20:43:44\\\",\\\"desc\\\":\\\"desc\\\","
      "\\\"callback_url\\\":\\\"" URL "\\\",\\\"callback_param\\\":\\\"" SAMPLE_CUT "\\\","
      "\\\"data_error\\\":\\\"data is not the base64 text of a JSON object\\\"}\"}");
}

static void
test_order_again_and_again (void)
{
  gint64 delay_ms;
  guint code;
  g_autofree char *body =
      order_of ("cron=*/2+*+*+*+*+*&count=2&callback_url=http://a/?x=1,2,+https://b/,http://c/", 1,
                &delay_ms, &code);

  g_assert_cmpint (delay_ms, ==, -1);
  g_assert_nonnull (strstr (body, "\"rule\":\"*/2 * * * * *\",\"dialect\":\"crontab-seconds\","
                                  "\"tz\":\"UTC\",\"spawn\":\"true\",\"count\":2,"));
  g_assert_nonnull (strstr (body, "\"url\":\"https://b/\",\"urls\":[\"https://b/\",\"http://c/\","
                                  "\"http://a/?x=1,2\"]"));
  g_assert_null (strstr (body, "\"at\""));
  g_free (body);
  body = order_of ("later=every+5+mins&" SAMPLE_TIME, 0, &delay_ms, &code);
  g_assert_nonnull (strstr (body, "\"rule\":\"0 */5 * * * *\""));
  g_assert_nonnull (strstr (body, "\"start\":\"2014-10-17T20:43:44Z\""));
}

/* Each has six bytes in what is kept. */
static char *
form_of_controls (void)
{
  GString *form = g_string_new (SAMPLE_TIME "&data=");

  for (guint i = 0; i < 12000; i++)
    g_string_append (form, "%01");
  return g_string_free (form, FALSE);
}

static void
test_bad_orders (void)
{
  g_autofree char *large = g_strnfill (32769, 'A');
  g_autofree char *large_form = g_strconcat (SAMPLE_TIME "&data=", large, NULL);
  g_autofree char *controls = form_of_controls ();
  const struct
  {
    const char *form;
    guint code;
  } cases[] = {
    { SAMPLE_TIME, ELVES_QBASECRON_OK },
    { "time=2014-10-17+20:43:39", ELVES_QBASECRON_OK }, /* a second late */
    { "time=2014-10-17+20:43:38", ELVES_QBASECRON_TIME },
    { "time=tomorrow", ELVES_QBASECRON_TIME },
    { "", ELVES_QBASECRON_MISSING },
    { "time=+", ELVES_QBASECRON_MISSING },
    { "desc=x", ELVES_QBASECRON_MISSING },
    { SAMPLE_TIME "&callback_url=", ELVES_QBASECRON_OK },
    { SAMPLE_TIME "&callback_url=ftp://a/", ELVES_QBASECRON_BAD },
    { SAMPLE_TIME "&callback_url=/push", ELVES_QBASECRON_BAD },
    { SAMPLE_TIME "&callback_url=http://", ELVES_QBASECRON_BAD },
    { SAMPLE_TIME "&callback_url=http://a/,http:///x", ELVES_QBASECRON_BAD },
    { "cron=*/2+*+*", ELVES_QBASECRON_BAD },
    { "cron=61+*+*+*+*+*", ELVES_QBASECRON_BAD },
    { "later=now+and+then", ELVES_QBASECRON_BAD },
    { "later=every+5+mins&cron=*+*+*+*+*", ELVES_QBASECRON_BAD },
    { "cron=*+*+*+*+*&count=many", ELVES_QBASECRON_BAD },
    { large_form, ELVES_QBASECRON_BAD },
    { controls, ELVES_QBASECRON_BAD },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      gint64 delay_ms;
      guint code;
      g_autofree char *body G_GNUC_UNUSED = order_of (cases[i].form, 0, &delay_ms, &code);
      g_test_message ("%.60s", cases[i].form);
      g_assert_cmpuint (code, ==, cases[i].code);
    }
}

/* ---- tasks ---- */

static char *
view_of (const char *card, gint64 delay_ms)
{
  g_autoptr (ElvesJsonObject) members = elves_json_object_parse (card, strlen (card), NULL);
  GString *out = g_string_new (NULL);

  g_assert_nonnull (members);
  elves_qbasecron_view (out, NULL, members, elves_zone_get ("Asia/Shanghai", NULL), delay_ms);
  return g_string_free (out, FALSE);
}

#define EXTRA                                                                     \
  "\"extra\":\"{\\\"time\\\":\\\"2014-10-17 20:43:44\\\",\\\"desc\\\":\\\"d\\\"," \
  "\\\"callback_url\\\":\\\"http://a/\\\",\\\"callback_param\\\":\\\"e30=\\\"}\","
#define SHOWN "\"desc\":\"d\",\"callback_url\":\"http://a/\",\"callback_param\":\"e30=\","

static void
test_views (void)
{
  static const struct
  {
    const char *card, *view;
    gint64 delay_ms;
  } cases[] = {
    { "{\"key\":\"k\"," EXTRA "\"state\":\"started\",\"created\":\"c\",\"rule\":\"\","
      "\"spawned_by\":\"\",\"last_exec_result\":{}}",
      "{\"_id\":\"k\",\"time\":\"2014-10-17 20:43:44\"," SHOWN
      "\"is_finished\":0,\"is_stop\":0,\"create_at\":\"c\",\"last_error\":\"\",\"delay\":5}",
      5 },
    { "{\"key\":\"k\"," EXTRA "\"state\":\"finished\",\"created\":\"c\","
      "\"last_exec_result\":{\"flag\":\"true\",\"error\":\"\"}}",
      "{\"_id\":\"k\",\"time\":\"2014-10-17 20:43:44\"," SHOWN
      "\"is_finished\":1,\"is_stop\":0,\"create_at\":\"c\",\"last_error\":\"\"}",
      -1 },
    { "{\"key\":\"k\"," EXTRA "\"state\":\"finished\",\"created\":\"c\","
      "\"last_exec_result\":{\"flag\":\"false\",\"error\":\"HTTP 500\"}}",
      "{\"_id\":\"k\",\"time\":\"2014-10-17 20:43:44\"," SHOWN
      "\"is_finished\":0,\"is_stop\":0,\"create_at\":\"c\",\"last_error\":\"HTTP 500\"}",
      -1 },
    { "{\"key\":\"k\"," EXTRA "\"state\":\"stopped\",\"created\":\"c\",\"spawned_by\":\"p\","
      "\"at\":\"2026-01-01T00:00:00.000000Z\"}",
      "{\"_id\":\"k\",\"time\":\"2026-01-01 08:00:00\"," SHOWN
      "\"is_finished\":0,\"is_stop\":1,\"create_at\":\"c\",\"last_error\":\"\","
      "\"spawned_by\":\"p\"}",
      -1 },
    { "{\"extra\":\"broken\",\"last_exec_result\":7}",
      "{\"_id\":\"\",\"time\":\"\",\"desc\":\"\",\"callback_url\":\"\",\"callback_param\":\"\","
      "\"is_finished\":0,\"is_stop\":0,\"create_at\":\"\",\"last_error\":\"\"}",
      -1 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *view = view_of (cases[i].card, cases[i].delay_ms);
      g_assert_cmpstr (view, ==, cases[i].view);
    }
}

/* ---- notifications ---- */

static void
test_pushes (void)
{
  static const struct
  {
    const char *form, *json; /* json NULL: no token */
  } cases[] = {
    { "token=T&alert=a&payload={+\"x\":+1+}&badge=0",
      "{\"token\":\"T\",\"alert\":\"a\",\"payload\":{ \"x\": 1 },\"badge\":0,"
      "\"sound\":\"ping.aiff\"}" },
    { "token=T", "{\"token\":\"T\",\"alert\":\"📧 ✉ You have a new message\",\"payload\":{},"
                 "\"badge\":1,\"sound\":\"ping.aiff\"}" },
    { "token=T&alert=a&payload=process.exit()&badge=x&sound=s&expiry=9",
      "{\"token\":\"T\",\"alert\":\"a\",\"payload\":\"process.exit()\",\"badge\":1,"
      "\"sound\":\"s\",\"expiry\":\"9\"}" },
    { "token=T&alert=a&payload={\"a\":1},\"b\":2",
      "{\"token\":\"T\",\"alert\":\"a\",\"payload\":\"{\\\"a\\\":1},\\\"b\\\":2\",\"badge\":1,"
      "\"sound\":\"ping.aiff\"}" },
    { "token=T&alert=a&payload=[1]", "{\"token\":\"T\",\"alert\":\"a\",\"payload\":[1],"
                                     "\"badge\":1,\"sound\":\"ping.aiff\"}" },
    { SAMPLE_FORM, "{\"token\":\"" TOKEN "\",\"alert\":\"这是我的消息,你妹啊1211221\","
                   "\"payload\":{\"status\":{\"dfsdsf\":\"0\",\"msg\":\"success\"}},\"badge\":1,"
                   "\"sound\":\"ping.aiff\"}" },
    { "alert=a", NULL },
    { "token=+", NULL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (ElvesParameters) parameters = parameters_of (cases[i].form);
      g_autoptr (GString) json = g_string_new (NULL);
      g_auto (ElvesPush) push = { 0 };

      g_assert_cmpint (elves_push_read (&push, parameters), ==, cases[i].json != NULL);
      elves_push_write (&push, json, NULL);
      if (cases[i].json != NULL)
        g_assert_cmpstr (json->str, ==, cases[i].json);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/qbasecron/sample", test_sample);
  g_test_add_func ("/qbasecron/data", test_data);
  g_test_add_func ("/qbasecron/data-that-grows", test_data_that_grows);
  g_test_add_func ("/qbasecron/deep-data", test_deep_data);
  g_test_add_func ("/qbasecron/form-to-json", test_form_to_json);
  g_test_add_func ("/qbasecron/times", test_times);
  g_test_add_func ("/qbasecron/bad-times", test_bad_times);
  g_test_add_func ("/qbasecron/later", test_later);
  g_test_add_func ("/qbasecron/order", test_order);
  g_test_add_func ("/qbasecron/order-again-and-again", test_order_again_and_again);
  g_test_add_func ("/qbasecron/bad-orders", test_bad_orders);
  g_test_add_func ("/qbasecron/views", test_views);
  g_test_add_func ("/qbasecron/pushes", test_pushes);
  return g_test_run ();
}
