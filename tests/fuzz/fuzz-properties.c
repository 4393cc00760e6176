/* Any bytes as a properties file: an error with a line, or entries that are valid UTF-8, in order
   of their lines, and that written out again are read as the same entries. */

#include "common/config.h"
#include "common/error.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

typedef struct
{
  GString *text; /* the entries, one to a line, everything escaped that could need it */
  guint line;
} Walk;

static void
append_escaped (GString *text, const char *part)
{
  for (const char *c = part; *c; c = g_utf8_next_char (c))
    {
      gunichar character = g_utf8_get_char (c);
      if (g_unichar_isalnum (character))
        g_string_append_unichar (text, character);
      else if (character >= 0x10000)
        g_string_append_printf (text, "\\u%04x\\u%04x", 0xD800 + ((character - 0x10000) >> 10),
                                0xDC00 + ((character - 0x10000) & 0x3FF));
      else
        g_string_append_printf (text, "\\u%04x", character);
    }
}

static gboolean
on_entry_read (const char *key, const char *value, guint line, gpointer user_data, GError **error)
{
  Walk *walk = user_data;
  g_assert_true (g_utf8_validate (key, -1, NULL));
  g_assert_true (g_utf8_validate (value, -1, NULL));
  g_assert_cmpuint (line, >, walk->line);
  walk->line = line;

  append_escaped (walk->text, key);
  g_string_append_c (walk->text, '=');
  append_escaped (walk->text, value);
  g_string_append_c (walk->text, '\n');
  return TRUE;
}

static gboolean
walk_text (const char *text, gsize length, GString *out)
{
  Walk walk = { out, 0 };
  g_autoptr (GError) error = NULL;
  gboolean ok = elves_properties_parse (text, length, on_entry_read, &walk, &error);
  g_assert_cmpint (ok, ==, error == NULL);
  if (error)
    {
      g_assert_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG);
      g_assert_true (g_ascii_isdigit (*error->message));
      g_assert_nonnull (strstr (error->message, ": "));
    }
  return ok;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (GString) once = g_string_new (NULL);
  g_autoptr (GString) twice = g_string_new (NULL);
  if (walk_text ((const char *) data, size, once))
    {
      g_assert_true (walk_text (once->str, once->len, twice));
      g_assert_cmpstr (once->str, ==, twice->str);
    }
  return 0;
}
