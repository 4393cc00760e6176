/* What is written is what json-glib, an independent reader, gets back. */
#include "common/json-plain.h"
#include "common/json-writer.h"

#include <json-glib/json-glib.h>
#include <string.h>

static void
test_members (void)
{
  g_autoptr (GString) out = g_string_new (NULL);
  elves_json_open (out, NULL);
  elves_json_open (out, "empty");
  elves_json_close (out);
  elves_json_add_text (out, "text", "{");
  elves_json_add_number (out, "low", G_MININT64);
  elves_json_open (out, "inner");
  elves_json_add_number (out, "zero", 0);
  elves_json_add_text (out, "none", NULL);
  elves_json_close (out);
  elves_json_add_bytes (out, "no-bytes", NULL);
  elves_json_close (out);
  g_assert_cmpstr (out->str, ==,
                   "{\"empty\":{},\"text\":\"{\",\"low\":-9223372036854775808,"
                   "\"inner\":{\"zero\":0,\"none\":\"\"},\"no-bytes\":\"\"}");
}

static void
assert_read_back (GString *out, const char *expected)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GError) error = NULL;
  json_parser_load_from_data (parser, out->str, (gssize) out->len, &error);
  g_assert_no_error (error);
  JsonObject *object = json_node_get_object (json_parser_get_root (parser));
  g_assert_cmpstr (json_object_get_string_member (object, "t"), ==, expected);
}

/* Every character below U+0100, and beyond the first plane. */
static void
test_texts (void)
{
  g_autoptr (GString) text = g_string_new (NULL);
  for (gunichar character = 1; character < 0x100; character++)
    g_string_append_unichar (text, character);
  g_string_append (text, "\xe2\x80\xa8\xf0\x9f\x98\x80\\u0041\\");

  g_autoptr (GString) out = g_string_new (NULL);
  elves_json_open (out, NULL);
  elves_json_add_text (out, "t", text->str);
  elves_json_close (out);
  assert_read_back (out, text->str);
  for (gsize i = 0; i < out->len; i++)
    g_assert_cmpuint ((guchar) out->str[i], >=, 0x20);
}

static void
test_bytes (void)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static ("a\0\xff\"\xc3\xa9", 6);
  g_autoptr (GString) out = g_string_new (NULL);
  elves_json_open (out, NULL);
  elves_json_add_bytes (out, "t", bytes);
  elves_json_close (out);
  assert_read_back (out, "a\xef\xbf\xbd\xef\xbf\xbd\"\xc3\xa9");
}

/* Every byte at every place of a text, alone and behind others that end it. */
static void
test_plain (void)
{
  char text[19];
  for (guint place = 0; place < sizeof text; place++)
    for (guint byte = 0; byte < 256; byte++)
      {
        gboolean is_plain = byte >= 0x20 && byte != '"' && byte != '\\';
        memset (text, 0xC3, sizeof text);
        text[place] = (char) byte;
        g_assert_cmpuint (elves_json_plain_length (text, sizeof text), ==,
                          is_plain ? sizeof text : place);
        memset (text + place + 1, '"', sizeof text - place - 1);
        g_assert_cmpuint (elves_json_plain_length (text, sizeof text), ==,
                          is_plain ? place + 1 : place);
        g_assert_cmpuint (elves_json_plain_length (text, place), ==, place);
      }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/json-writer/plain", test_plain);
  g_test_add_func ("/json-writer/members", test_members);
  g_test_add_func ("/json-writer/texts", test_texts);
  g_test_add_func ("/json-writer/bytes", test_bytes);
  return g_test_run ();
}
