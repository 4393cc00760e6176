/* The v3 API's pure parts: members of JSON from clients and for them, problems. With --routes it
 * prints the table of routes, for the test that compares it with the OpenAPI document. */

#include "common/error.h"
#include "openapi/v3-private.h"

#include <string.h>

/* clang-format off */
static const ElvesV3Field part[] = {
  { "b", ELVES_V3_TEXT, 1, 4, .required = TRUE },
  { NULL }
};

static const ElvesV3Field fields[] = {
  { "text", ELVES_V3_TEXT, 1, 4 },
  { "agent", ELVES_V3_TEXT, 1, 64, .is_valid = elves_v3_is_agent, .expected = "an IPv4 address" },
  { "number", ELVES_V3_INTEGER, 1, 10 },
  { "flag", ELVES_V3_BOOLEAN },
  { "any", ELVES_V3_ANY, 0, 8 },
  { "texts", ELVES_V3_TEXTS, 1, 2 },
  { "map", ELVES_V3_OBJECT, 0, 2 },
  { "part", ELVES_V3_OBJECT, .fields = part },
  { "parts", ELVES_V3_OBJECTS, 1, 2, .fields = part },
  { "needed", ELVES_V3_INTEGER, 0, 1, .required = TRUE },
  { NULL }
};
/* clang-format on */

static ElvesJsonObject *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  ElvesJsonObject *object = elves_json_object_parse (text, strlen (text), &error);

  g_assert_no_error (error);
  return object;
}

static void
test_good_members (void)
{
  g_autoptr (ElvesJsonObject) object =
      parse ("{\"text\":\"\xE4\xBD\xA0\",\"agent\":\"10.0.0.1\",\"number\":10,\"flag\":true,"
             "\"any\":[1,\"x\"],"
             "\"texts\":[\"a\",\"b\"],\"map\":{\"a\":\"b\"},\"part\":{\"b\":\"x\"},"
             "\"parts\":[{\"b\":\"x\"}],\"needed\":0}");
  g_autoptr (GString) errors = g_string_new (NULL);

  g_assert_true (elves_v3_fields_check (object, fields, "", errors));
  g_assert_cmpstr (errors->str, ==, "");
  g_assert_cmpint (elves_v3_integer (object, "number", 0), ==, 10);
  g_assert_cmpint (elves_v3_integer (object, "absent", 7), ==, 7);
  g_assert_true (elves_v3_boolean (object, "flag"));
  g_assert_false (elves_v3_boolean (object, "absent"));
}

static void
test_bad_members (void)
{
  static const struct
  {
    const char *json, *pointer;
  } cases[] = {
    { "\"text\":\"\"", "/text" },
    { "\"text\":\"12345\"", "/text" },
    { "\"text\":null", "/text" },
    { "\"text\":1", "/text" },
    { "\"agent\":\"10.0.0.256\"", "/agent" },
    { "\"number\":0", "/number" },
    { "\"number\":11", "/number" },
    { "\"number\":1.0", "/number" },
    { "\"number\":1e1", "/number" },
    { "\"number\":\"1\"", "/number" },
    { "\"number\":99999999999999999999", "/number" },
    { "\"flag\":\"true\"", "/flag" },
    { "\"any\":[1,2,3,4,5]", "/any" },
    { "\"texts\":[]", "/texts" },
    { "\"texts\":[\"a\",\"b\",\"c\"]", "/texts" },
    { "\"texts\":[\"a\",1]", "/texts/1" },
    { "\"map\":{\"a\":1}", "/map" },
    { "\"map\":{\"a\":\"\",\"b\":\"\",\"c\":\"\"}", "/map" },
    { "\"part\":{}", "/part/b" },
    { "\"part\":{\"b\":\"x\",\"c\":1}", "/part/c" },
    { "\"part\":[]", "/part" },
    { "\"parts\":[{\"b\":\"x\"},{\"b\":\"\"}]", "/parts/1/b" },
    { "\"parts\":{}", "/parts" },
    { "\"a~b/c\":1", "/a~0b~1c" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *json = g_strdup_printf ("{\"needed\":1,%s}", cases[i].json);
      g_autofree char *expected = g_strdup_printf ("{\"pointer\":\"%s\",", cases[i].pointer);
      g_autoptr (ElvesJsonObject) object = parse (json);
      g_autoptr (GString) errors = g_string_new (NULL);

      g_assert_false (elves_v3_fields_check (object, fields, "", errors));
      g_assert_true (g_str_has_prefix (errors->str, expected));
    }
}

/* Also when everything is wrong what is said stays small. */
static void
test_many_faults (void)
{
  g_autoptr (GString) json = g_string_new ("{");
  g_autoptr (GString) errors = g_string_new (NULL);
  g_autoptr (ElvesJsonObject) object = NULL;

  for (guint i = 0; i < 200; i++)
    g_string_append_printf (json, "\"%0500u\":1,", i);
  g_string_append (json, "\"needed\":5}");
  object = parse (json->str);
  g_assert_false (elves_v3_fields_check (object, fields, "", errors));
  g_assert_cmpuint (errors->len, <, 16384);
}

static void
test_missing_and_twice (void)
{
  g_autoptr (ElvesJsonObject) object = parse ("{\"text\":\"a\",\"text\":\"b\"}");
  g_autoptr (GString) errors = g_string_new (NULL);

  g_assert_false (elves_v3_fields_check (object, fields, "", errors));
  g_assert_cmpstr (errors->str, ==,
                   "{\"pointer\":\"/needed\",\"detail\":\"is missing\"},"
                   "{\"pointer\":\"\",\"detail\":\"a member comes twice\"}");
}

static void
test_tell (void)
{
  static const ElvesV3Member members[] = {
    { "a", "text", ELVES_V3_AS_TEXT },
    { "none", "none", ELVES_V3_AS_TEXT_OR_NULL },
    { "n", "number", ELVES_V3_AS_INTEGER },
    { "none", "zero", ELVES_V3_AS_INTEGER },
    { "none", "nothing", ELVES_V3_AS_INTEGER_OR_NULL },
    { "yes", "yes", ELVES_V3_AS_BOOLEAN },
    { "t", "time", ELVES_V3_AS_TIME },
    { "ms", "ms", ELVES_V3_AS_TIME },
    { "none", "never", ELVES_V3_AS_TIME },
    { "o", "object", ELVES_V3_AS_JSON },
    { "up", "low", ELVES_V3_AS_LOWER_CASE },
    { NULL },
  };
  g_autoptr (ElvesJsonObject) object =
      parse ("{\"a\":\"x\\n\",\"n\":\"12\",\"yes\":\"true\",\"t\":\"2026-11-28T09:00:00+01:00\","
             "\"ms\":1700000000000,\"o\":{\"k\":[1]},\"up\":\"NP\"}");
  g_autoptr (GString) out = g_string_new (NULL);

  elves_json_open (out, NULL);
  elves_v3_tell (out, object, members);
  elves_json_close (out);
  g_assert_cmpstr (out->str, ==,
                   "{\"text\":\"x\\n\",\"none\":null,\"number\":12,\"zero\":0,\"nothing\":null,"
                   "\"yes\":true,\"time\":\"2026-11-28T08:00:00Z\",\"ms\":\"2023-11-14T22:13:20Z\","
                   "\"never\":null,\"object\":{\"k\":[1]},\"low\":\"np\"}");
}

static void
test_problems (void)
{
  g_autoptr (GError) timeout = g_error_new (ELVES_ERROR, ELVES_ERROR_TIMEOUT, "x");
  g_autoptr (GError) away = g_error_new (ELVES_ERROR, ELVES_ERROR_UNAVAILABLE, "x");
  GString *body = elves_v3_problem_write (404, "not-found", "There is \"nothing\".", NULL);

  g_assert_cmpstr (body->str, ==,
                   "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,"
                   "\"code\":\"not-found\",\"detail\":\"There is \\\"nothing\\\".\"}");
  g_string_free (body, TRUE);
  g_assert_cmpuint (elves_v3_problem_of_call (timeout).status, ==, 504);
  g_assert_cmpuint (elves_v3_problem_of_call (away).status, ==, 503);
  g_assert_cmpuint (elves_v3_problem_of_auth ("[401.6]Unauthorized").status, ==, 403);
  g_assert_cmpuint (elves_v3_problem_of_auth ("[401.5]Unauthorized").status, ==, 401);
  g_assert_cmpuint (elves_v3_problem_of_text ("[412.5]Key Used").status, ==, 422);
  g_assert_cmpuint (elves_v3_problem_of_text ("[412.5]Queue Limit").status, ==, 429);
  g_assert_cmpuint (elves_v3_problem_of_text ("").status, ==, 503);
}

static int
print_routes (void)
{
  for (const ElvesV3Route *route = elves_v3_routes; route->method != NULL; route++)
    g_print ("%s %s %s\n", route->method, route->path, route->query);
  return 0;
}

int
main (int argc, char **argv)
{
  if (argc > 1 && strcmp (argv[1], "--routes") == 0)
    return print_routes ();
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/v3/members/good", test_good_members);
  g_test_add_func ("/v3/members/bad", test_bad_members);
  g_test_add_func ("/v3/members/many-faults", test_many_faults);
  g_test_add_func ("/v3/members/missing-and-twice", test_missing_and_twice);
  g_test_add_func ("/v3/tell", test_tell);
  g_test_add_func ("/v3/problems", test_problems);
  return g_test_run ();
}
