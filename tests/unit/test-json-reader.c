/* Which texts are JSON, and what their members are. Every rejected text is one way to be wrong. */
#include "common/json-reader.h"

#include <string.h>

static void
test_accepted (void)
{
  static const char *const texts[] = {
    "{}",
    " \t\r\n{ } \n",
    "{\"a\":1}",
    "{\"a\":[]}",
    "{\"a\":[ ],\"b\":[1 , 2,[3]]}",
    "{\"a\":-0.5e+10,\"b\":1E-2,\"c\":0,\"d\":-0}",
    "{\"a\":true , \"b\":false,\"c\":null}",
    "{\"a\":{\"b\":{}}}",
    "{\"\":\"\"}",
    "{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83d\\uDe00\"}",
    "{\"a\":\"\\\\u0000\"}",
    "{\"a\":1,\"a\":2}",
    "{\"\xc3\xa9\":\"\xf0\x9f\x98\x80\x7f\"}"
  };
  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ElvesJsonObject) object =
          elves_json_object_parse (texts[i], strlen (texts[i]), &error);
      g_autofree char *shown = g_strescape (texts[i], NULL);
      g_test_message ("%s", shown);
      g_assert_no_error (error);
      g_assert_nonnull (object);
    }
}

static void
assert_rejected (const char *text, gsize length, const char *fault)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ElvesJsonObject) object = elves_json_object_parse (text, length, &error);
  g_autofree char *shown = g_strescape (text, NULL);
  g_test_message ("%s", shown);
  g_assert_null (object);
  g_assert_nonnull (error);
  g_assert_nonnull (strstr (error->message, fault));
}

static void
test_rejected (void)
{
  static const struct
  {
    const char *text, *fault;
  } cases[] = {
    { "", "not a JSON object at byte 0" },
    { "[]", "not a JSON object" },
    { "\"a\"", "not a JSON object" },
    { "\xef\xbb\xbf{}", "not a JSON object" },
    { "var a = {};", "not a JSON object" },
    { "{", "a text expected at byte 1" },
    { "{} {}", "text behind the object at byte 3" },
    { "{},", "text behind" },
    { "{\"a\":1,}", "a text expected" },
    { "{\"a\":1 \"b\":2}", "',' or '}' expected" },
    { "{a:1}", "a text expected" },
    { "{'a':1}", "a text expected" },
    { "{\"a\"}", "':' expected" },
    { "{\"a\"=1}", "':' expected" },
    { "{\"a\":}", "unexpected character at byte 5" },
    { "{\"a\":[1,]}", "unexpected character" },
    { "{\"a\":[1 2]}", "',' or ']' expected" },
    { "{\"a\":[1}", "',' or ']' expected" },
    { "{\"a\":01}", "',' or '}' expected" },
    { "{\"a\":0x10}", "',' or '}' expected" },
    { "{\"a\":+1}", "unexpected character" },
    { "{\"a\":.5}", "unexpected character" },
    { "{\"a\":1.}", "unexpected character" },
    { "{\"a\":1e}", "unexpected character" },
    { "{\"a\":-}", "unexpected character" },
    { "{\"a\":NaN}", "unexpected character" },
    { "{\"a\":True}", "unexpected character" },
    { "{\"a\":tru", "unexpected character" },
    { "{\"a\":nulL}", "unexpected character" },
    { "{\"a\":1 /* c */}", "',' or '}' expected" },
    { "{\"a\"\xef\xbc\x9a"
      "1}",
      "':' expected" }, /* the full-width colon of the old manual */
    { "{\"a\":\"b}", "text without end" },
    { "{\"a\":\"b\\", "bad escape" },
    { "{\"a\":\"\\x41\"}", "bad escape" },
    { "{\"a\":\"\\u12g4\"}", "bad escape" },
    { "{\"a\":\"\\u12", "bad escape" },
    { "{\"a\":\"line\nbreak\"}", "control character" },
    { "{\"a\":\"x\\u0000y\"}", "NUL in a text" },
    { "{\"a\":\"x\\\\\\u0000y\"}", "NUL in a text" },
    { "{\"\\u0000\":1}", "NUL in a text" },
    { "{\"a\":\"\\ud800\"}", "half a surrogate pair" },
    { "{\"a\":\"\\ud800x\"}", "half a surrogate pair" },
    { "{\"a\":\"\\ud800\\n\"}", "half a surrogate pair" },
    { "{\"a\":\"\\ud800\\u0041\"}", "half a surrogate pair" },
    { "{\"a\":\"\\ud800\\ue000\"}", "half a surrogate pair" },
    { "{\"a\":\"\\udc00\"}", "half a surrogate pair" },
    { "{\"a\":\"\xff\"}", "not UTF-8" },
    { "{\"a\":\"\xed\xa0\x80\"}", "not UTF-8" },
    { "{\"a\":\"\xc0\x80\"}", "not UTF-8" },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    assert_rejected (cases[i].text, strlen (cases[i].text), cases[i].fault);
  assert_rejected ("{}\0", 3, "NUL in it");
  assert_rejected ("{\"a\":\"\0\"}", 9, "NUL in it");
}

/* Every beginning of a text is rejected, and read without going beyond its end. */
static void
test_every_beginning (void)
{
  static const char text[] = "{\"a\":[1.5e3,{\"b\":\"\\ud83d\\ude00\\n\"},true,null],\"c\":{}}";
  for (gsize length = 0; length < sizeof text - 1; length++)
    {
      g_autofree char *part = length > 0 ? g_memdup2 (text, length) : NULL;
      g_autoptr (GError) error = NULL;
      g_autoptr (ElvesJsonObject) object =
          elves_json_object_parse (part ? part : "", length, &error);
      g_assert_null (object);
      g_assert_nonnull (error);
    }
}

/* @depth levels, the outermost object among them. */
static char *
make_nested (guint depth, const char *open, const char *close)
{
  GString *text = g_string_new ("{\"a\":");
  for (guint i = 1; i < depth; i++)
    g_string_append (text, open);
  g_string_append_c (text, '1');
  for (guint i = 1; i < depth; i++)
    g_string_append (text, close);
  g_string_append_c (text, '}');
  return g_string_free (text, FALSE);
}

static void
test_depth (void)
{
  static const char *const pairs[][2] = { { "[", "]" }, { "{\"b\":", "}" } };
  for (gsize i = 0; i < G_N_ELEMENTS (pairs); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *good = make_nested (ELVES_JSON_DEPTH_LIMIT, pairs[i][0], pairs[i][1]);
      g_autoptr (ElvesJsonObject) object = elves_json_object_parse (good, strlen (good), &error);
      g_assert_no_error (error);
      g_assert_nonnull (object);
      g_autofree char *bad = make_nested (ELVES_JSON_DEPTH_LIMIT + 1, pairs[i][0], pairs[i][1]);
      assert_rejected (bad, strlen (bad), "nested too deeply");
      g_autofree char *bomb = make_nested (1000000, pairs[i][0], pairs[i][1]);
      g_autoptr (ElvesJsonObject) none = elves_json_object_parse (bomb, strlen (bomb), NULL);
      g_assert_null (none);
    }
}

/* Depth is what is open, not what was. */
static void
test_siblings (void)
{
  g_autoptr (GString) text = g_string_new ("{\"a\":[0");
  for (guint i = 0; i < 2 * ELVES_JSON_DEPTH_LIMIT; i++)
    g_string_append (text, ",[{}]");
  g_string_append (text, "]}");
  g_autoptr (ElvesJsonObject) object = elves_json_object_parse (text->str, text->len, NULL);
  g_assert_nonnull (object);
}

static void
test_member_limit (void)
{
  g_autoptr (GString) text = g_string_new ("{\"a\":0");
  for (guint i = 1; i < ELVES_JSON_MEMBER_LIMIT; i++)
    g_string_append (text, ",\"a\":0");
  g_autoptr (GString) more = g_string_new (text->str);
  g_string_append (text, "}");
  g_autoptr (ElvesJsonObject) object = elves_json_object_parse (text->str, text->len, NULL);
  g_assert_nonnull (object);
  g_string_append (more, ",\"a\":0}");
  assert_rejected (more->str, more->len, "too many members");
}

static void
test_values (void)
{
  static const char text[] =
      "{\"s\":\"a\\u00e9\\ud83d\\ude00\\n\\\\u0000\",\"n\": 12345678901234567890.10 ,"
      "\"b\":true,\"o\":{ \"x\" : [1] } ,\"z\":null,\"d\":1,\"d\":2,\"\\u006b\":\"escaped\","
      "\"plain\":\"\xc3\xa9\",\"e\":\"\"}";
  static const struct
  {
    const char *name;
    ElvesJsonKind kind;
    const char *text;
  } cases[] = { { "s", ELVES_JSON_STRING, "a\xc3\xa9\xf0\x9f\x98\x80\n\\u0000" },
                { "n", ELVES_JSON_NUMBER, "12345678901234567890.10" },
                { "b", ELVES_JSON_BOOLEAN, "true" },
                { "o", ELVES_JSON_OBJECT, "{ \"x\" : [1] }" },
                { "z", ELVES_JSON_NULL, "" },
                { "d", ELVES_JSON_NUMBER, "2" },
                { "k", ELVES_JSON_STRING, "escaped" },
                { "plain", ELVES_JSON_STRING, "\xc3\xa9" },
                { "e", ELVES_JSON_STRING, "" },
                { "x", ELVES_JSON_ABSENT, "" },
                { "", ELVES_JSON_ABSENT, "" } };
  g_autoptr (ElvesJsonObject) object = elves_json_object_parse (text, strlen (text), NULL);
  g_assert_nonnull (object);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      ElvesJsonValue value = elves_json_object_get (object, cases[i].name);
      g_autofree char *got = elves_json_value_to_text (value);
      g_assert_cmpint (value.kind, ==, cases[i].kind);
      g_assert_cmpstr (got, ==, cases[i].text);
    }
}

static void
test_any_case (void)
{
  const char *text = "{\"Port\":1,\"ADD\\u0052\":2,\"port\":3}";
  g_autoptr (ElvesJsonObject) object = elves_json_object_parse (text, strlen (text), NULL);
  ElvesJsonValue port = elves_json_object_get_any_case (object, "PORT");
  ElvesJsonValue address = elves_json_object_get_any_case (object, "addr");
  g_assert_cmpmem (port.text, port.length, "3", 1);
  g_assert_cmpmem (address.text, address.length, "2", 1);
  g_assert_cmpint (elves_json_object_get_any_case (object, "add").kind, ==, ELVES_JSON_ABSENT);
}

static void
test_array (void)
{
  static const char text[] = "{\"a\": [ 1 , \"x,]\", [2, 3],{}], \"b\":[ ]}";
  g_autoptr (GError) error = NULL;
  g_autoptr (ElvesJsonObject) object = elves_json_object_parse (text, strlen (text), &error);
  g_assert_no_error (error);
  g_autoptr (GString) seen = g_string_new (NULL);
  ElvesJsonValue array = elves_json_object_get (object, "a"), element;
  gsize position = 0;
  while (elves_json_array_next (array, &position, &element))
    {
      g_autofree char *one = elves_json_value_to_text (element);
      g_string_append_printf (seen, "%d=%s ", element.kind, one);
    }
  g_assert_cmpstr (seen->str, ==, "3=1 4=x,] 5=[2, 3] 6={} ");
  position = 0;
  array = elves_json_object_get (object, "b");
  g_assert_false (elves_json_array_next (array, &position, &element));
}

static void
test_next (void)
{
  static const char text[] = "{\"b\":1, \"a\\u0041\" : [2] ,\"b\":\"x\"}";
  static const char *const expected[] = { "b=1", "aA=[2]", "b=x" };
  g_autoptr (ElvesJsonObject) object = elves_json_object_parse (text, strlen (text), NULL);
  ElvesJsonValue name, value;
  guint position = 0;

  for (gsize i = 0; i < G_N_ELEMENTS (expected); i++)
    {
      g_assert_true (elves_json_object_next (object, &position, &name, &value));
      g_autofree char *name_text = elves_json_value_to_text (name);
      g_autofree char *value_text = elves_json_value_to_text (value);
      g_autofree char *both = g_strconcat (name_text, "=", value_text, NULL);
      g_assert_cmpstr (both, ==, expected[i]);
    }
  g_assert_false (elves_json_object_next (object, &position, &name, &value));
}

static void
test_first (void)
{
  static const char *const good[] = { "{\"a\":1}", " {\"a\":1} x", "{\"a\":1}{", "null", " null5" };
  static const char *const bad[] = { "", "x{}", "[]", "nul", "{\"a\":1" };

  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_autoptr (ElvesJsonObject) object =
          elves_json_object_parse_first (good[i], strlen (good[i]), NULL);
      g_assert_nonnull (object);
      g_autofree char *text = elves_json_value_to_text (elves_json_object_get (object, "a"));
      g_assert_cmpstr (text, ==, i < 3 ? "1" : "");
    }
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_null (elves_json_object_parse_first (bad[i], strlen (bad[i]), NULL));
}

static void
test_parse_any (void)
{
  static const struct
  {
    const char *text;
    int kind; /* -1: none */
  } cases[] = {
    { "{\"a\":1}", ELVES_JSON_OBJECT },
    { " [1, 2] ", ELVES_JSON_ARRAY },
    { "\"x\"", ELVES_JSON_STRING },
    { "-1.5e3", ELVES_JSON_NUMBER },
    { "true", ELVES_JSON_BOOLEAN },
    { "null", ELVES_JSON_NULL },
    { "", -1 },
    { "{}{}", -1 },
    { "1},{\"a\":2", -1 },
    { "process.exit()", -1 },
    { "\xFF", -1 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      ElvesJsonValue value = { .kind = ELVES_JSON_ABSENT };
      gboolean ok = elves_json_parse_any (cases[i].text, strlen (cases[i].text), &value);

      g_test_message ("%s", cases[i].text);
      g_assert_cmpint (ok ? (int) value.kind : -1, ==, cases[i].kind);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/json-reader/accepted", test_accepted);
  g_test_add_func ("/json-reader/rejected", test_rejected);
  g_test_add_func ("/json-reader/every-beginning", test_every_beginning);
  g_test_add_func ("/json-reader/depth", test_depth);
  g_test_add_func ("/json-reader/siblings", test_siblings);
  g_test_add_func ("/json-reader/member-limit", test_member_limit);
  g_test_add_func ("/json-reader/values", test_values);
  g_test_add_func ("/json-reader/array", test_array);
  g_test_add_func ("/json-reader/any-case", test_any_case);
  g_test_add_func ("/json-reader/next", test_next);
  g_test_add_func ("/json-reader/parse-any", test_parse_any);
  g_test_add_func ("/json-reader/first", test_first);
  return g_test_run ();
}
