/* Ids of timed tasks: they grow, and are read in three spellings. */
#include "cron/id.h"

#define MADE_US 1490092048860123 /* of the sample in romens-client.md: 2017-03-21T10:27:28.860Z */
#define SAMPLE_TEXT "12499798081811720869"

static void
test_grow (void)
{
  guint64 last = 0;
  for (guint i = 0; i < 100000; i++)
    {
      guint64 id = elves_cron_id_new (MADE_US + (i / 1000) * 1000 - (i % 7 == 0 ? 5000 : 0));
      g_assert_cmpuint (id, >, last);
      g_assert_cmpint (ABS ((gint64) (id >> 23) - MADE_US / 1000), <=, 100);
      last = id;
    }
}

static void
test_spell (void)
{
  static const char *const expected[] = { "AD783420EE7F2AA5", "12499798081811720869",
                                          "58d10010ad783420ee7f2aa5" };
  guint64 id = g_ascii_strtoull (SAMPLE_TEXT, NULL, 10), read = 0;
  char hex[ELVES_CRON_ID_SIZE];
  for (guint i = 0; i < ELVES_CRON_N_SPELLINGS; i++)
    {
      g_autofree char *text = elves_cron_id_spell (id, i);
      g_assert_cmpstr (text, ==, expected[i]);
      g_assert_true (elves_cron_id_parse (text, &read));
      g_assert_cmpuint (read, ==, id);
    }
  elves_cron_id_write (id, hex);
  g_assert_cmpstr (hex, ==, expected[0]);
  g_assert_cmpuint ((id >> 23) / 1000, ==, MADE_US / G_USEC_PER_SEC);
}

static void
test_refuse (void)
{
  static const char *const bad[] = { "",
                                     "AD783420EE7F2AA",
                                     "AD783420EE7F2AA55",
                                     "AD783420EE7F2AAG",
                                     "-D783420EE7F2AA5",
                                     "99999999999999999999", /* more than 64 bits */
                                     "1249979808181172086a",
                                     "-2499798081811720869",
                                     " 2499798081811720869",
                                     "58d10011ad783420ee7f2aa5", /* of another second */
                                     "0x d100d0d77dcbc99c9e0a5",
                                     "58d10010ad783420ee7f2aa5a" };
  guint64 id;
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    if (elves_cron_id_parse (bad[i], &id))
      g_error ("taken: '%s'", bad[i]);
  g_assert_true (elves_cron_id_parse ("00000000000000000001", &id));
  g_assert_cmpuint (id, ==, 1);
}

static void
test_names (void)
{
  guint spelling = 0;
  for (guint i = 0; i < ELVES_CRON_N_SPELLINGS; i++)
    {
      g_assert_true (elves_cron_spelling_from_name (elves_cron_spelling_name (i), &spelling));
      g_assert_cmpuint (spelling, ==, i);
    }
  g_assert_false (elves_cron_spelling_from_name ("", &spelling));
  g_assert_cmpstr (elves_cron_spelling_name (99), ==, "");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/grow", test_grow);
  g_test_add_func ("/spell", test_spell);
  g_test_add_func ("/refuse", test_refuse);
  g_test_add_func ("/names", test_names);
  return g_test_run ();
}
