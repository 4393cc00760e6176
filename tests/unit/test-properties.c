/* Properties text as java.util.Properties reads it, and what we refuse. The expectations of the
   Java cases were written from its documentation. */

#include "common/config.h"
#include "common/error.h"

#include <string.h>

/* Entries as "line:key=value;" with control characters escaped. */
static gboolean
on_entry_read (const char *key, const char *value, guint line, gpointer user_data, GError **error)
{
  g_autofree char *safe_key = g_strescape (key, NULL);
  g_autofree char *safe_value = g_strescape (value, NULL);
  g_string_append_printf (user_data, "%u:%s=%s;", line, safe_key, safe_value);
  return TRUE;
}

static void
test_entries (void)
{
  static const struct
  {
    const char *text, *expected;
  } cases[] = {
    { "", "" },
    { "\n\r\n \t\f\n", "" },
    { "a=b", "1:a=b;" },
    { "a=b\nc=d\n", "1:a=b;2:c=d;" },
    { "a=b\r\nc=d\re=f", "1:a=b;2:c=d;3:e=f;" },
    { "a = b", "1:a=b;" },
    { "a:b", "1:a=b;" },
    { "a b", "1:a=b;" },
    { "a\t\f b", "1:a=b;" },
    { "a : b", "1:a=b;" },
    { "a == b", "1:a== b;" },
    { "a = = b", "1:a== b;" },
    { "a", "1:a=;" },
    { "a =", "1:a=;" },
    { "=b", "1:=b;" },
    { "  a=b", "1:a=b;" },
    { "a=b  ", "1:a=b  ;" }, /* blanks at the end are the value's */
    { "#a=b\n!c=d\n  # e\nf=g", "4:f=g;" },
    { "# no continuation \\\na=b", "2:a=b;" },
    { "a=b#c", "1:a=b#c;" },
    { "a=b\\\nc", "1:a=bc;" },
    { "a=b\\\r\n   c", "1:a=bc;" },
    { "a=b\\\\\nc=d", "1:a=b\\\\;2:c=d;" },
    { "a=b\\\\\\\nc", "1:a=b\\\\c;" },
    { "a=\\\n\\\n b", "1:a=b;" },
    { "a=b\\\n\nc=d", "1:a=b;3:c=d;" },
    { "a=b\\\n#c", "1:a=b#c;" },
    { "a=b\\", "1:a=b;" },
    { "\\\n\na=b", "3:a=b;" },
    { "a\\=b=c", "1:a=b=c;" },
    { "a\\ b=c", "1:a b=c;" },
    { "a\\:b c", "1:a:b=c;" },
    { "a=\\t\\n\\r\\f\\q\\\\", "1:a=\\t\\n\\r\\fq\\\\;" },
    { "a=\\ b", "1:a= b;" },
    { "a=\\u0041\\u00e9x", "1:a=A\\303\\251x;" },
    { "a=\\uD83D\\uDE00", "1:a=\\360\\237\\230\\200;" },
    { "\\u0061=b", "1:a=b;" },
    { "a=\xC3\xA9", "1:a=\\303\\251;" },
    { "\xEF\xBB\xBF"
      "a=b",
      "1:a=b;" },
    { "a=1\na=2", "1:a=1;2:a=2;" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GString) seen = g_string_new (NULL);
      g_autoptr (GError) error = NULL;
      gboolean ok = elves_properties_parse (cases[i].text, strlen (cases[i].text), on_entry_read,
                                            seen, &error);
      g_assert_no_error (error);
      g_assert_true (ok);
      g_assert_cmpstr (seen->str, ==, cases[i].expected);
    }
}

static void
test_refused (void)
{
  static const struct
  {
    const char *text;
    gsize length;
    const char *prefix;
  } cases[] = {
    { "a=\\u12", 6, "1: " },   { "a=b\nc=\\u12G4", 12, "2: " },
    { "a=\\uD83D", 8, "1: " }, /* half a pair */
    { "a=\\uDE00", 8, "1: " }, { "a=\\uD83D\\u0041", 14, "1: " },
    { "a=\\u0000", 8, "1: " }, { "a\\u=b", 5, "1: " },
    { "a=\xFF", 3, "1: " },    { "a=b\n\nc=\xC3", 8, "3: " },
    { "a=b\n\xFF", 5, "2: " }, { "\xFF", 1, "1: " },
    { "a=b\0c", 5, "1: " },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GString) seen = g_string_new (NULL);
      g_autoptr (GError) error = NULL;
      g_assert_false (
          elves_properties_parse (cases[i].text, cases[i].length, on_entry_read, seen, &error));
      g_assert_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG);
      g_test_message ("%s", error->message);
      g_assert_true (g_str_has_prefix (error->message, cases[i].prefix));
    }
}

static gboolean
on_entry_refused (const char *key,
                  const char *value,
                  guint line,
                  gpointer user_data,
                  GError **error)
{
  guint *calls = user_data;
  if (++*calls < 2)
    return TRUE;
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_INVALID, "%s: no", key);
  return FALSE;
}

static void
test_handler_ends_the_walk (void)
{
  static const char text[] = "a=1\n\nb=2\nc=3\n";
  guint calls = 0;
  g_autoptr (GError) error = NULL;
  g_assert_false (elves_properties_parse (text, strlen (text), on_entry_refused, &calls, &error));
  g_assert_error (error, ELVES_ERROR, ELVES_ERROR_INVALID);
  g_assert_cmpstr (error->message, ==, "3: b: no");
  g_assert_cmpuint (calls, ==, 2);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/properties/entries", test_entries);
  g_test_add_func ("/properties/refused", test_refused);
  g_test_add_func ("/properties/handler-ends-the-walk", test_handler_ends_the_walk);
  return g_test_run ();
}
