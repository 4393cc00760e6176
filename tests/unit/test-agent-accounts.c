/* Users are looked up once; those that are missing are named. */
#include "agent/accounts.h"

#include "common/error.h"

#include <unistd.h>

static ElvesAccounts *
new_accounts (const char *user)
{
  ElvesAgentConfig config = { .app_user = g_hash_table_new (g_str_hash, g_str_equal) };
  g_hash_table_insert (config.app_user, (char *) "demo", (char *) user);
  ElvesAccounts *accounts = elves_accounts_new (&config);
  g_hash_table_unref (config.app_user);
  return accounts;
}

static void
test_known (void)
{
  g_autoptr (ElvesAccounts) accounts = new_accounts ("root");
  g_autoptr (GError) error = NULL;
  const ElvesAccount *root = elves_accounts_find (accounts, "root", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (root->name, ==, "root");
  g_assert_cmpuint (root->ids.uid, ==, 0);
  g_assert_cmpint (root->ids.n_groups, >=, 1);
  g_assert_true (elves_accounts_find (accounts, "root", &error) == root);
}

static void
test_missing (void)
{
  g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_WARNING,
                         "the workers of an app cannot be started app=demo error=*no-such-elf*");
  g_autoptr (ElvesAccounts) accounts = new_accounts ("no-such-elf");
  g_test_assert_expected_messages ();
  g_autoptr (GError) error = NULL;
  g_assert_null (elves_accounts_find (accounts, "no-such-elf", &error));
  g_assert_error (error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE);
  g_assert_cmpstr (error->message, ==, "user no-such-elf: no such user");
}

static void
test_own (void)
{
  g_autoptr (ElvesAccounts) accounts = new_accounts ("");
  g_assert_cmpuint (elves_accounts_own (accounts)->ids.uid, ==, geteuid ());
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/accounts/known", test_known);
  g_test_add_func ("/accounts/missing", test_missing);
  g_test_add_func ("/accounts/own", test_own);
  return g_test_run ();
}
