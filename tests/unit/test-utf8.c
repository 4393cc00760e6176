/* Any bytes in, valid and bounded UTF-8 out. */

#include "common/utf8.h"

#include <string.h>

#define FFFD "\xef\xbf\xbd"

static void
test_table (void)
{
  static const struct
  {
    const char *bytes;
    gsize length, limit;
    const char *expected;
    gboolean cut;
  } cases[] = {
    { "", 0, 10, "", FALSE },
    { "", 0, 0, "", FALSE },
    { "plain", 5, 10, "plain", FALSE },
    { "plain", 5, 5, "plain", FALSE },
    { "plain", 5, 4, "plai", TRUE },
    { "plain", 5, 0, "", TRUE },
    { "a\0b", 3, 10, "a" FFFD "b", FALSE },
    { "\0", 1, 3, FFFD, FALSE },
    { "\0", 1, 2, "", TRUE },
    { "\xc3\xa9", 2, 2, "\xc3\xa9", FALSE },
    { "x\xc3\xa9", 3, 2, "x", TRUE }, /* never half a character */
    { "\xe6\x97\xa5\xe6\x9c\xac", 6, 5, "\xe6\x97\xa5", TRUE },
    { "\xf0\x9f\x98\x80", 4, 3, "", TRUE },
    { "\xff", 1, 10, FFFD, FALSE },
    { "\xc3", 1, 10, FFFD, FALSE }, /* ends within a character */
    { "\xe6\x97", 2, 10, FFFD FFFD, FALSE },
    { "\xc0\xaf", 2, 10, FFFD FFFD, FALSE },          /* overlong */
    { "\xed\xa0\x80", 3, 10, FFFD FFFD FFFD, FALSE }, /* surrogate */
    { "a\xff"
      "b",
      3, 4, "a" FFFD, TRUE },
    { "a\nb\x1b", 4, 10, "a\nb\x1b", FALSE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      gboolean cut = !cases[i].cut;
      g_autofree char *text =
          elves_utf8_clean (cases[i].bytes, cases[i].length, cases[i].limit, &cut);
      g_assert_cmpstr (text, ==, cases[i].expected);
      g_assert_cmpint (cut, ==, cases[i].cut);
    }
}

/* Whatever comes in, at whatever limit: valid, within the limit, and cut only when it had to be. */
static void
test_random_bytes (void)
{
  for (guint round = 0; round < 2000; round++)
    {
      guchar bytes[40];
      gsize length = g_test_rand_int_range (0, sizeof bytes + 1);
      for (gsize i = 0; i < length; i++)
        bytes[i] = g_test_rand_bit () ? 'a' : g_test_rand_int_range (0, 256);

      g_assert_true (elves_utf8_is_clean ((const char *) bytes, length) ==
                     g_utf8_validate_len ((const char *) bytes, length, NULL));
      gsize limit = g_test_rand_int_range (0, 130);
      gboolean cut;
      g_autofree char *text = elves_utf8_clean (bytes, length, limit, &cut);
      g_assert_true (g_utf8_validate (text, -1, NULL));
      g_assert_cmpuint (strlen (text), <=, limit);
      if (limit >= 3 * length)
        g_assert_false (cut);
    }
}

/* Every byte at every place of a text of ASCII. */
static void
test_is_clean (void)
{
  char text[19];
  for (guint place = 0; place < sizeof text; place++)
    for (guint byte = 0; byte < 256; byte++)
      {
        memset (text, 'a', sizeof text);
        text[place] = (char) byte;
        g_assert_true (elves_utf8_is_clean (text, sizeof text) == (byte > 0 && byte < 0x80));
      }
  g_assert_true (elves_utf8_is_clean ("a\xc3\xa9", 3));
  g_assert_false (elves_utf8_is_clean ("a\xc3\xa9", 2));
}

static void
test_null (void)
{
  g_assert_true (elves_utf8_is_clean (NULL, 0));
  g_autofree char *text = elves_utf8_clean (NULL, 0, 5, NULL);
  g_assert_cmpstr (text, ==, "");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/utf8/table", test_table);
  g_test_add_func ("/utf8/is-clean", test_is_clean);
  g_test_add_func ("/utf8/random", test_random_bytes);
  g_test_add_func ("/utf8/null", test_null);
  return g_test_run ();
}
