/* The users that workers run as, looked up once. */
#pragma once

#include "agent/config.h"
#include "agent/spawn.h"

G_BEGIN_DECLS

typedef struct ElvesAccounts ElvesAccounts;

typedef struct
{
  char *name; /* "": a user without one */
  char *home;
  ElvesSpawnUser ids;
} ElvesAccount;

ElvesAccounts *elves_accounts_new (const ElvesAgentConfig *config);
void elves_accounts_free (ElvesAccounts *self);

const ElvesAccount *elves_accounts_own (const ElvesAccounts *self);
const ElvesAccount *elves_accounts_find (ElvesAccounts *self, const char *user, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesAccounts, elves_accounts_free)

G_END_DECLS
