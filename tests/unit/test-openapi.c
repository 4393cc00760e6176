/* The openapi's pure parts: parameters, signatures, validators, replays; and its documents. */

#include "common/error.h"
#include "openapi/config.h"
#include "openapi/errors.h"
#include "openapi/metrics.h"
#include "openapi/replay.h"
#include "openapi/signature.h"
#include "openapi/validate.h"
#include "tests/lib/config-documentation.h"

static ElvesParameters *
parameters_of (const char *text)
{
  g_autoptr (GError) error = NULL;
  ElvesParameters *parameters = elves_parameters_new ();

  g_assert_true (elves_parameters_add (parameters, text, strlen (text), &error));
  g_assert_no_error (error);
  return parameters;
}

static void
test_parameters (void)
{
  static const char *const nothing[] = { NULL };
  g_autoptr (ElvesParameters) parameters =
      parameters_of ("b=1&&a=%E4%BD%A0+x&a=second&c&=empty&Zeta=9");
  g_autofree char *sorted = elves_parameters_to_sorted_text (parameters, nothing);

  g_assert_cmpstr (elves_parameters_get (parameters, "a"), ==, "你 x");
  g_assert_cmpstr (elves_parameters_get (parameters, "c"), ==, "");
  g_assert_null (elves_parameters_get (parameters, "d"));
  g_assert_true (elves_parameters_is_blank (parameters, "c"));
  g_assert_true (elves_parameters_is_blank (parameters, "d"));
  g_assert_cmpstr (sorted, ==, "=empty&Zeta=9&a=你 x&b=1&c=");
}

static void
test_json_parameters (void)
{
  static const char text[] = "{\"a\":\"\\u4f60 x\",\"n\":1.50,\"t\":true,\"z\":null,"
                             "\"o\":{\"b\": [1]},\"a\":\"second\"}";
  g_autoptr (ElvesParameters) parameters = parameters_of ("n=query");
  const char *name, *value;
  guint position = 0, n = 0;

  g_assert_true (elves_parameters_add_json (parameters, text, strlen (text), NULL));
  g_assert_cmpstr (elves_parameters_get (parameters, "n"), ==, "query");
  g_assert_cmpstr (elves_parameters_get (parameters, "a"), ==, "你 x");
  g_assert_cmpstr (elves_parameters_get (parameters, "t"), ==, "true");
  g_assert_cmpstr (elves_parameters_get (parameters, "o"), ==, "{\"b\": [1]}");
  g_assert_null (elves_parameters_get (parameters, "z"));
  while (elves_parameters_next (parameters, &position, &name, &value))
    n++;
  g_assert_cmpuint (n, ==, 4);
  g_assert_false (elves_parameters_add_json (parameters, "[]", 2, NULL));
}

/* U+FF61 is after U+1F600 in UTF-16, whose first unit is a surrogate, and before it in UTF-8. */
static void
test_order_of_names (void)
{
  static const char *const left_out[] = { "x", NULL };
  g_autoptr (ElvesParameters) parameters = parameters_of ("\xEF\xBD\xA1=1&\xF0\x9F\x98\x80=2&x=3");
  g_autofree char *sorted = elves_parameters_to_sorted_text (parameters, left_out);

  g_assert_cmpstr (sorted, ==, "\xF0\x9F\x98\x80=2&\xEF\xBD\xA1=1");
}

static void
test_bad_parameters (void)
{
  static const char *const bad[] = { "a=%", "a=%4", "a=%zz", "%00=1", "a=%00", "a=%FF", "a=\xFF" };

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (ElvesParameters) parameters = elves_parameters_new ();
      g_autoptr (GError) error = NULL;
      g_assert_false (elves_parameters_add (parameters, bad[i], strlen (bad[i]), &error));
      g_assert_error (error, ELVES_ERROR, ELVES_ERROR_INVALID);
    }
}

static void
test_many_parameters (void)
{
  g_autoptr (ElvesParameters) parameters = elves_parameters_new ();

  for (guint i = 0; i <= ELVES_PARAMETERS_LIMIT; i++)
    {
      g_autofree char *pair = g_strdup_printf ("n%u=1", i);
      g_assert_true (elves_parameters_add (parameters, pair, strlen (pair), NULL) ==
                     (i < ELVES_PARAMETERS_LIMIT));
    }
}

/* elves-openapi.md section 2, "Verified vectors". */
static void
test_vectors (void)
{
#define EXEC                                                                            \
  "app=apptest&auth_id=1&func=helloword&ip=127.0.0.1&param={\"my\":\"toryzen\"}&proxy=" \
  "&timeout=90&timestamp=1500000000&sign=x&sign_type=md5"
  static const struct
  {
    const char *path, *query, *key, *md5;
  } vectors[] = {
    { "/api/v2/rt/exec", EXEC, "123456", "b00d550c031e9bc8d8f6b9e6d10d1f9f" },
    { "/api/v2/rt/exec", EXEC, "123456    ", "b00d550c031e9bc8d8f6b9e6d10d1f9f" },
    { "//api//v2/rt//exec", EXEC, "123456", "b00d550c031e9bc8d8f6b9e6d10d1f9f" },
    { "/api/v2/rt/exec",
      "app=apptest&auth_id=1&func=helloword&ip=127.0.0.1&param={\"my\":\"你好\"}"
      "&timestamp=1500000000",
      "123456", "c368fb7da1dd050bcec210c97beebc99" },
    { "/api/v2/queue/commit", "timestamp=1500000000&queue_id=12D6AF3B2E5D4C2E&auth_id=1", "123456",
      "bd2cbfddf1fec59ff6565ca19bfd659a" },
    { "/api/v2/x", "alpha=2&Zeta=1&auth_id=1&timestamp=1500000000", "k",
      "88664e1ee88de464fe226e13b7335711" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (vectors); i++)
    {
      g_autoptr (ElvesParameters) parameters = parameters_of (vectors[i].query);
      g_autofree char *sign =
          elves_sign_compute (ELVES_SIGN_MD5, vectors[i].path, parameters, vectors[i].key);
      g_assert_cmpstr (sign, ==, vectors[i].md5);
    }
}

/* Made with Python's hmac module. */
static void
test_hmac (void)
{
  g_autoptr (ElvesParameters) parameters = parameters_of ("b=2&a=1&auth_id=1&timestamp=5");
  g_autofree char *sign = elves_sign_compute (ELVES_SIGN_HMAC_SHA256, "/api/v2/x", parameters, "k");

  g_assert_cmpstr (sign, ==, "cb7b8be85ffd66151bcee2aca63c43f48af79abc9a9bcba0678ccc4e4d1221c3");
}

#define M32 "0123456789abcdef0123456789abcdef"

static void
test_claims (void)
{
  static const struct
  {
    const char *query, *expected;
    gboolean no_md5;
  } cases[] = {
    { "auth_id=1&timestamp=1000&sign_type=md5&sign=" M32, NULL, FALSE },
    { "auth_id=1&timestamp=1000&sign_type=MD5&sign=" M32, NULL, FALSE },
    { "auth_id=1&timestamp=1000&sign_type=HMAC-SHA256&sign=" M32 M32, NULL, TRUE },
    { "", ELVES_API_MISSING_SIGN, FALSE },
    { "auth_id=+&timestamp=x&sign_type=z&sign=1", ELVES_API_MISSING_SIGN, FALSE },
    { "auth_id=1&timestamp=x&sign_type=z&sign=1", ELVES_API_SIGN_TYPE, FALSE },
    { "auth_id=1&timestamp=x&sign_type=md5&sign=" M32, ELVES_API_SIGN_TYPE, TRUE },
    { "auth_id=1&timestamp=x&sign_type=md5&sign=1", ELVES_API_SIGN_LENGTH, FALSE },
    { "auth_id=1&timestamp=1&sign_type=hmac-sha256&sign=" M32, ELVES_API_SIGN_LENGTH, FALSE },
    { "auth_id=1&timestamp=-5&sign_type=md5&sign=" M32, ELVES_API_TIMESTAMP, FALSE },
    { "auth_id=1&timestamp=820&sign_type=md5&sign=" M32, ELVES_API_SIGN_TIMEOUT, FALSE },
    { "auth_id=1&timestamp=821&sign_type=md5&sign=" M32, NULL, FALSE },
    { "auth_id=1&timestamp=1179&sign_type=md5&sign=" M32, NULL, FALSE },
    { "auth_id=1&timestamp=1180&sign_type=md5&sign=" M32, ELVES_API_SIGN_TIMEOUT, FALSE },
    { "auth_id=1&timestamp=99999999999999999999&sign_type=md5&sign=" M32, ELVES_API_SIGN_TIMEOUT,
      FALSE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (ElvesParameters) parameters = parameters_of (cases[i].query);
      ElvesSignClaim claim;
      g_test_message ("%s", cases[i].query);
      g_assert_cmpstr (elves_sign_read_claim (parameters, !cases[i].no_md5, 1000, &claim), ==,
                       cases[i].expected);
    }
}

typedef gboolean (*Validator) (const char *text);

static void
assert_all (Validator validator, const char *const *texts, gboolean expected)
{
  for (; *texts != NULL; texts++)
    {
      g_test_message ("%s", *texts);
      g_assert_true (validator (*texts) == expected);
    }
}

static void
test_validators (void)
{
  static const char *const ips[] = { "127.0.0.1", "010.1.1.1", "255.255.255.255", "0.0.0.0", NULL };
  static const char *const no_ips[] = { "",          "1.2.3",    "1.2.3.4.5",
                                        "256.1.1.1", "1.2.3.4 ", "0001.2.3.4",
                                        "1.2..4",    "a.b.c.d",  NULL };
  static const char *const timeouts[] = { "", " ", "0", "90", NULL };
  static const char *const no_timeouts[] = { "-1", "1.5", "9s", "99999999999", NULL };
  static const char *const modes[] = { "", "p", "NP", "Np", NULL };
  static const char *const no_modes[] = { "x", "sap", "ppp", NULL };
  static const char *const rules[] = { "0/5 * * * * ?", "0 0 12 ? * MON-FRI", NULL };
  static const char *const no_rules[] = { "", "0/5 * * * * *", "* * *", "0 0 0 31 2 ?", NULL };

  assert_all (elves_validate_ip, ips, TRUE);
  assert_all (elves_validate_ip, no_ips, FALSE);
  assert_all (elves_validate_timeout, timeouts, TRUE);
  assert_all (elves_validate_timeout, no_timeouts, FALSE);
  assert_all (elves_validate_mode, modes, TRUE);
  assert_all (elves_validate_mode, no_modes, FALSE);
  assert_all (elves_validate_rule, rules, TRUE);
  assert_all (elves_validate_rule, no_rules, FALSE);
  g_assert_true (elves_validate_cron_id ("0123456789ABCDEF"));
  g_assert_false (elves_validate_cron_id ("0123456789ABCDE"));
  g_assert_false (elves_validate_cron_id (NULL));
  g_assert_false (elves_validate_ip (NULL));
}

static void
test_lenient_json (void)
{
  static const char *const good[] = { "",
                                      "{}",
                                      "[]",
                                      "{\"a\":1}",
                                      "{'a':'b'}",
                                      "{a:b}",
                                      "{a=1;b=>2}",
                                      "[1,,2]",
                                      "[a;b]",
                                      "word",
                                      "12.5e3",
                                      "\"x\\u00e9\\n\"",
                                      " /* c */ [1] // end",
                                      "# c\n{a:[{}]}",
                                      NULL };
  static const char *const bad[] = { "{",         "}",       "{a}",       "{a:}", "{a:1,}", "[1",
                                     "'x",        "\"\\q\"", "\"\\u12\"", "a b",  "{} {}",  "/* x",
                                     "{a:1 b:2}", "[1 2]",   ":",         "\\",   NULL };
  g_autofree char *deep = g_strnfill (65, '[');

  assert_all (elves_validate_param, good, TRUE);
  assert_all (elves_validate_param, bad, FALSE);
  g_assert_false (elves_validate_param (deep));
}

static void
test_replays (void)
{
  g_autoptr (ElvesReplayMemory) memory = elves_replay_memory_new (2, 10);

  g_assert_true (elves_replay_memory_take (memory, "aa", 0));
  g_assert_false (elves_replay_memory_take (memory, "AA", 5));
  g_assert_true (elves_replay_memory_take (memory, "bb", 5));
  g_assert_false (elves_replay_memory_take (memory, "cc", 5));
  g_assert_true (elves_replay_memory_take (memory, "aa", 11));
  g_assert_false (elves_replay_memory_take (memory, "bb", 15));
}

static void
test_documentation (void)
{
  ElvesOpenapiConfig config = { 0 };

  documentation_assert_example_loads (elves_openapi_options, &config, "elves-openapi.properties",
                                      elves_openapi_config_check);
  documentation_assert_example (elves_openapi_options, "elves-openapi.properties");
  documentation_assert_manual (elves_openapi_options, "elves-openapi.properties.5");
}

/* Every name stands in the manual, with the same sentence. */
static void
test_metrics (void)
{
  g_autofree char *text = documentation_read ("man", "elves-openapi.8");

  for (const ElvesMetric *metric = elves_openapi_metric_table; metric->name != NULL; metric++)
    if (metric->help != NULL)
      {
        g_autofree char *item = g_strdup_printf (".It Li %s\n%s\n", metric->name, metric->help);
        g_test_message ("%s", metric->name);
        g_assert_nonnull (strstr (text, item));
      }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/openapi/parameters", test_parameters);
  g_test_add_func ("/openapi/json-parameters", test_json_parameters);
  g_test_add_func ("/openapi/order-of-names", test_order_of_names);
  g_test_add_func ("/openapi/bad-parameters", test_bad_parameters);
  g_test_add_func ("/openapi/many-parameters", test_many_parameters);
  g_test_add_func ("/openapi/vectors", test_vectors);
  g_test_add_func ("/openapi/hmac", test_hmac);
  g_test_add_func ("/openapi/claims", test_claims);
  g_test_add_func ("/openapi/validators", test_validators);
  g_test_add_func ("/openapi/lenient-json", test_lenient_json);
  g_test_add_func ("/openapi/replays", test_replays);
  g_test_add_func ("/openapi/documentation", test_documentation);
  g_test_add_func ("/openapi/metrics", test_metrics);
  return g_test_run ();
}
