/* The executions of this host in an SQLite file: what the thread of the journal does with it. Every
   function blocks on the disk; one thread at a time. */
#pragma once

#include "agent/journal-request.h"

G_BEGIN_DECLS

typedef struct ElvesJournalStore ElvesJournalStore;

ElvesJournalStore *elves_journal_store_open (const ElvesJournalSettings *settings, GError **error);
void elves_journal_store_close (ElvesJournalStore *self);
gboolean elves_journal_store_restore (ElvesJournalStore *self,
                                      ElvesJournalRestoredFunc restored,
                                      gpointer user_data,
                                      GError **error);
gboolean
elves_journal_store_run (ElvesJournalStore *self, ElvesJournalRequest *const *requests, guint n);
void elves_journal_store_tidy (ElvesJournalStore *self);
void
elves_journal_store_measure (ElvesJournalStore *self, guint64 *out_bytes, guint64 *out_records);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesJournalStore, elves_journal_store_close)

G_END_DECLS
