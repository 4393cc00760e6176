/* agent/warm-line: the lines of elves-worker(7). */

#include "agent/warm-line.h"
#include "common/error.h"

#include <string.h>

typedef struct
{
  const char *text;
  gboolean is_hello;
  guint concurrency;
  guint64 call;
  gboolean flag;
  const char *result;
} GoodCase;

static const GoodCase good_cases[] = {
  { "{\"elves\":1}", TRUE, 1, 0, FALSE, NULL },
  { "{\"elves\":1,\"concurrency\":8,\"language\":\"C\"}", TRUE, 8, 0, FALSE, NULL },
  { "{\"call\":1,\"flag\":true,\"result\":\"\"}", FALSE, 0, 1, TRUE, "" },
  { " { \"result\" : \"a\\n\\u00e4\" , \"flag\" : false , \"call\" : 18446744073709551615 } ",
    FALSE, 0, G_MAXUINT64, FALSE, "a\n\xc3\xa4" },
  { "{\"call\":2,\"flag\":true,\"result64\":\"QWRh\",\"more\":[1,{}]}", FALSE, 0, 2, TRUE, "Ada" },
};

static void
test_good_lines (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (good_cases); i++)
    {
      const GoodCase *wanted = &good_cases[i];
      g_test_message ("%s", wanted->text);
      g_autoptr (GError) error = NULL;
      g_auto (ElvesWarmLine) line = { 0 };
      g_assert_true (elves_warm_line_parse (wanted->text, strlen (wanted->text), &line, &error));
      g_assert_no_error (error);
      g_assert_cmpint (line.is_hello, ==, wanted->is_hello);
      g_assert_cmpuint (line.concurrency, ==, wanted->concurrency);
      g_assert_cmpuint (line.call, ==, wanted->call);
      g_assert_cmpint (line.flag, ==, wanted->flag);
      if (wanted->result == NULL)
        g_assert_null (line.result);
      else
        g_assert_cmpmem (g_bytes_get_data (line.result, NULL), g_bytes_get_size (line.result),
                         wanted->result, strlen (wanted->result));
    }
}

static const char *const bad_lines[] = {
  "",
  "noise",
  "[]",
  "{}",
  "{\"elves\":2}",
  "{\"elves\":\"1\"}",
  "{\"elves\":1,\"concurrency\":0}",
  "{\"elves\":1,\"concurrency\":-1}",
  "{\"elves\":1,\"concurrency\":1e3}",
  "{\"elves\":1,\"concurrency\":1000000000000}",
  "{\"call\":0,\"flag\":true,\"result\":\"\"}",
  "{\"call\":\"1\",\"flag\":true,\"result\":\"\"}",
  "{\"call\":18446744073709551616,\"flag\":true,\"result\":\"\"}",
  "{\"call\":1,\"flag\":1,\"result\":\"\"}",
  "{\"call\":1,\"flag\":\"true\",\"result\":\"\"}",
  "{\"call\":1,\"flag\":true}",
  "{\"call\":1,\"flag\":true,\"result\":null}",
  "{\"call\":1,\"flag\":true,\"result\":\"a\",\"result64\":\"QWRh\"}",
  "{\"call\":1,\"flag\":true,\"result\":\"a\\u0000\"}",
  "{\"call\":1,\"flag\":true,\"result\":\"\"} {}",
  "{\"call\":1,\"flag\":true,\"result\":\"\xff\"}",
};

static void
test_bad_lines (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (bad_lines); i++)
    {
      g_test_message ("%s", bad_lines[i]);
      g_autoptr (GError) error = NULL;
      ElvesWarmLine line = { .call = 77 };
      g_assert_false (elves_warm_line_parse (bad_lines[i], strlen (bad_lines[i]), &line, &error));
      g_assert_nonnull (error);
      g_assert_cmpuint (line.call, ==, 77);
    }
}

/* A shell takes the first three members apart: their order and form are part of the protocol. */
static void
test_call (void)
{
  g_autoptr (ElvesInstruct) instruct = elves_instruct_new ();
  elves_instruct_set (&instruct->func, "say \"it\"\n");
  elves_instruct_set (&instruct->id, "ID7");
  elves_instruct_set (&instruct->type, "rt");
  g_clear_pointer (&instruct->param, g_bytes_unref);
  instruct->param = g_bytes_new_static ("\xff\0Ada", 5);
  g_autoptr (GByteArray) out = g_byte_array_new ();
  elves_warm_line_append_call (out, 7, instruct, 30);
  g_clear_pointer (&instruct->param, g_bytes_unref);
  instruct->param = g_bytes_new_static ("", 0);
  elves_warm_line_append_call (out, 8, instruct, 0);
  const char *wanted =
      "{\"call\":7,\"func\":\"say \\\"it\\\"\\n\",\"param\":\"/wBBZGE=\",\"id\":\"ID7\","
      "\"type\":\"rt\",\"execution\":\"\",\"timeout\":30}\n"
      "{\"call\":8,\"func\":\"say \\\"it\\\"\\n\",\"param\":\"\",\"id\":\"ID7\","
      "\"type\":\"rt\",\"execution\":\"\",\"timeout\":0}\n";
  g_assert_cmpmem (out->data, out->len, wanted, strlen (wanted));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/agent/warm-line/good-lines", test_good_lines);
  g_test_add_func ("/agent/warm-line/bad-lines", test_bad_lines);
  g_test_add_func ("/agent/warm-line/call", test_call);
  return g_test_run ();
}
