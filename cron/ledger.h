/* The store of cron: its tables, and who may write to them.
 *
 * Of several processes on one database one leads, and holds the number of its leadership. Every
 * work that writes first writes to the row of the leader, where that number is: a process that no
 * longer leads, whatever it still believes, fails there, and takes the row's lock from nobody who
 * has not committed. With SQLite there is only one process; the rule is the same. */
#pragma once

#include "common/store.h"

G_BEGIN_DECLS

typedef struct ElvesCronLedger ElvesCronLedger;

typedef struct
{
  const char *url;
  gboolean exclusive; /* no election: one process has the database */
  const char *holder; /* who this process is, for people */
  guint queue_limit, timeout_ms, retry_first_ms, retry_cap_ms;
} ElvesCronLedgerOptions;

ElvesCronLedger *elves_cron_ledger_open (const ElvesCronLedgerOptions *options, GError **error);
void elves_cron_ledger_free (ElvesCronLedger *self);

/* Takes the next number: all earlier leaders write no more. @done from the loop; after it without
   an error this process leads. */
void elves_cron_ledger_lead (ElvesCronLedger *self, ElvesStoreDone done, gpointer user_data);
/* Called once from the loop when a work has found another leader's number. */
void elves_cron_ledger_on_deposed (ElvesCronLedger *self,
                                   void (*deposed) (gpointer user_data),
                                   gpointer user_data);
gint64 elves_cron_ledger_number (ElvesCronLedger *self);

/* As elves_store_submit(), for works that write; and for those that only read. */
void elves_cron_ledger_write (ElvesCronLedger *self,
                              ElvesStoreWork work,
                              ElvesStoreDone done,
                              gpointer data,
                              GDestroyNotify destroy);
void elves_cron_ledger_read (ElvesCronLedger *self,
                             ElvesStoreWork work,
                             ElvesStoreDone done,
                             gpointer data,
                             GDestroyNotify destroy);

ElvesStore *elves_cron_ledger_store (ElvesCronLedger *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesCronLedger, elves_cron_ledger_free)

G_END_DECLS
