/* Allow lists: what they hold, what is no entry, and when a daemon may listen. */

#include "common/address-list.h"
#include "common/error.h"

#include <string.h>

static void
test_contains (void)
{
  static const struct
  {
    const char *list, *address;
    gboolean expected;
  } cases[] = {
    { "", "127.0.0.1", FALSE },
    { " , ,, ", "127.0.0.1", FALSE },
    { "127.0.0.1", "127.0.0.1", TRUE },
    { "127.0.0.1", "127.0.0.2", FALSE },
    { "127.0.0.1", "::1", TRUE },
    { "127.0.0.1", "::ffff:127.0.0.1", TRUE },
    { "::1", "127.0.0.1", TRUE },
    { "::1", "::1", TRUE },
    { "10.0.0.0/8", "10.255.1.2", TRUE },
    { "10.0.0.0/8", "11.0.0.1", FALSE },
    { "10.0.0.0/8", "::ffff:10.9.8.7", TRUE },
    { "::ffff:10.0.0.0/104", "10.9.8.7", TRUE },
    { "::ffff:10.1.2.3", "10.1.2.3", TRUE },
    { "192.0.2.1,10.0.0.0/8 , 2001:db8::/32", "10.0.0.1", TRUE },
    { "192.0.2.1\t2001:db8::/32", "2001:db8::7", TRUE },
    { "192.0.2.1 2001:db8::/32", "2001:db9::7", FALSE },
    { "0.0.0.0/0", "198.51.100.1", TRUE },
    { "0.0.0.0/0", "2001:db8::1", FALSE },
    { "::/0", "2001:db8::1", TRUE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ElvesAddressList) list = elves_address_list_parse (cases[i].list, &error);
      g_assert_no_error (error);
      g_autoptr (GInetAddress) address = g_inet_address_new_from_string (cases[i].address);
      g_test_message ("%s in \"%s\"", cases[i].address, cases[i].list);
      g_assert_cmpint (elves_address_list_contains (list, address), ==, cases[i].expected);
    }
}

static void
test_not_an_entry (void)
{
  static const char *const texts[] = { "localhost",         "10.0.0.0/33", "10.0.0.1/8", "10.0.0",
                                       "10.0.0.1;10.0.0.2", "/8",          "::g" };

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autofree char *list_text = g_strconcat ("127.0.0.1, ", texts[i], NULL);
      g_autoptr (GError) error = NULL;
      g_autoptr (ElvesAddressList) list = elves_address_list_parse (list_text, &error);
      g_assert_null (list);
      g_assert_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG);
      g_assert_nonnull (strstr (error->message, texts[i]));
    }
}

static void
test_empty (void)
{
  g_autoptr (ElvesAddressList) none = elves_address_list_parse (" ", NULL);
  g_autoptr (ElvesAddressList) one = elves_address_list_parse ("::1", NULL);
  g_assert_true (elves_address_list_is_empty (none));
  g_assert_false (elves_address_list_is_empty (one));
  elves_address_list_free (NULL);
}

static void
test_listen (void)
{
  static const struct
  {
    const char *host;
    gboolean is_loopback;
  } cases[] = {
    { "127.0.0.1", TRUE }, { "127.9.9.9", TRUE }, { "::1", TRUE },
    { "localhost", TRUE }, { "0.0.0.0", FALSE },  { "::", FALSE },
    { "10.0.0.1", FALSE }, { "", FALSE },         { "host.example", FALSE },
  };
  g_autoptr (ElvesAddressList) none = elves_address_list_parse ("", NULL);
  g_autoptr (ElvesAddressList) some = elves_address_list_parse ("10.0.0.0/8", NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      gboolean may = elves_listen_address_check (cases[i].host, none, "authips", &error);
      g_assert_cmpint (may, ==, cases[i].is_loopback);
      g_assert_cmpint (error == NULL, ==, may);
      if (error)
        {
          g_assert_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG);
          g_assert_nonnull (strstr (error->message, "authips"));
        }
      g_assert_true (elves_listen_address_check (cases[i].host, some, "authips", NULL));
      g_assert_cmpint (elves_listen_address_check (cases[i].host, NULL, "authips", NULL), ==, may);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/address-list/contains", test_contains);
  g_test_add_func ("/address-list/not-an-entry", test_not_an_entry);
  g_test_add_func ("/address-list/empty", test_empty);
  g_test_add_func ("/address-list/listen", test_listen);
  return g_test_run ();
}
