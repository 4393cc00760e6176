/* Users and their groups, as the system knows them.
 *
 * Asking the system may take long where its users are kept elsewhere (LDAP), and the main loop must
 * not wait for that. So every user of the configuration is looked up at start, before anything is
 * served, and the answer is kept: a change of a user's groups needs a restart. One that was not
 * found is asked for again when a job needs it, but not oftener than once a minute: the directory
 * may have been away. Main thread only.
 */
#include "agent/accounts.h"

#include "common/error.h"
#include "common/log.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#define MAX_PASSWD_BYTES (64 * 1024)
#define FIRST_GROUPS 32
#define ASK_AGAIN_US (60 * G_USEC_PER_SEC)

struct ElvesAccounts
{
  ElvesAccount *own;
  GHashTable *entries; /* name -> Entry */
};

typedef struct
{
  ElvesAccount *account; /* (nullable) */
  char *problem;         /* why there is none */
  gint64 asked_us;
} Entry;

static void
account_free (ElvesAccount *account)
{
  if (account == NULL)
    return;
  g_free (account->name);
  g_free (account->home);
  elves_spawn_user_clear (&account->ids);
  g_free (account);
}

static void
entry_free (Entry *entry)
{
  account_free (entry->account);
  g_free (entry->problem);
  g_free (entry);
}

static ElvesAccount *
account_new (const char *name, const char *home, uid_t uid, gid_t gid)
{
  ElvesAccount *account = g_new0 (ElvesAccount, 1);
  account->name = g_strdup (name);
  account->home = g_strdup (home);
  account->ids.uid = uid;
  account->ids.gid = gid;
  return account;
}

static ElvesAccount *
look_up_own (void)
{
  g_autofree char *buffer = g_malloc (MAX_PASSWD_BYTES);
  struct passwd entry, *found = NULL;
  if (getpwuid_r (geteuid (), &entry, buffer, MAX_PASSWD_BYTES, &found) != 0 || found == NULL)
    return account_new ("", "/", geteuid (), getegid ());
  return account_new (entry.pw_name, entry.pw_dir, entry.pw_uid, entry.pw_gid);
}

static void
look_up_groups (const char *name, ElvesSpawnUser *ids)
{
  ids->n_groups = FIRST_GROUPS;
  ids->groups = g_new (gid_t, ids->n_groups);
  while (getgrouplist (name, ids->gid, ids->groups, &ids->n_groups) < 0)
    ids->groups = g_renew (gid_t, ids->groups, ids->n_groups); /* it has set how many there are */
}

static Entry *
look_up (const char *name)
{
  g_autofree char *buffer = g_malloc (MAX_PASSWD_BYTES);
  struct passwd passwd, *found = NULL;
  int status = getpwnam_r (name, &passwd, buffer, MAX_PASSWD_BYTES, &found);
  Entry *entry = g_new0 (Entry, 1);
  entry->asked_us = g_get_monotonic_time ();
  if (found == NULL)
    {
      entry->problem = g_strdup (status != 0 ? g_strerror (status) : "no such user");
      return entry;
    }
  entry->account = account_new (passwd.pw_name, passwd.pw_dir, passwd.pw_uid, passwd.pw_gid);
  look_up_groups (name, &entry->account->ids);
  return entry;
}

static void
look_up_configured (ElvesAccounts *self, GHashTable *users)
{
  GHashTableIter iter;
  gpointer app, user;
  g_hash_table_iter_init (&iter, users);
  while (g_hash_table_iter_next (&iter, &app, &user))
    {
      g_autoptr (GError) error = NULL;
      if (*(const char *) user == '\0' || elves_accounts_find (self, user, &error) != NULL)
        continue;
      g_autofree char *problem = elves_log_field ("error", error->message);
      g_warning ("the workers of an app cannot be started app=%s %s", (const char *) app, problem);
    }
}

/**
 * elves_accounts_new:
 * @config: the agent's configuration
 *
 * Looks up all users that it names, and says which are missing. May block.
 *
 * Returns: (transfer full): the accounts
 */
ElvesAccounts *
elves_accounts_new (const ElvesAgentConfig *config)
{
  ElvesAccounts *self = g_new0 (ElvesAccounts, 1);
  self->own = look_up_own ();
  self->entries =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) entry_free);
  if (config->app_user != NULL)
    look_up_configured (self, config->app_user);
  return self;
}

/**
 * elves_accounts_free:
 * @self: (nullable): accounts
 */
void
elves_accounts_free (ElvesAccounts *self)
{
  if (self == NULL)
    return;
  account_free (self->own);
  g_hash_table_unref (self->entries);
  g_free (self);
}

/**
 * elves_accounts_own:
 * @self: accounts
 *
 * Returns: (transfer none): whom the agent itself runs as
 */
const ElvesAccount *
elves_accounts_own (const ElvesAccounts *self)
{
  return self->own;
}

/**
 * elves_accounts_find:
 * @self: accounts
 * @user: a name
 *
 * Returns: (transfer none) (nullable): the account, valid as long as @self
 * Errors: %ELVES_ERROR_UNAVAILABLE: such a user does not exist, or cannot be looked up
 */
const ElvesAccount *
elves_accounts_find (ElvesAccounts *self, const char *user, GError **error)
{
  Entry *entry = g_hash_table_lookup (self->entries, user);
  if (entry == NULL ||
      (entry->account == NULL && g_get_monotonic_time () > entry->asked_us + ASK_AGAIN_US))
    {
      entry = look_up (user);
      g_hash_table_replace (self->entries, g_strdup (user), entry);
    }
  if (entry->account == NULL)
    g_set_error (error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE, "user %s: %s", user, entry->problem);
  return entry->account;
}
