/* The thread on which the journal is written. Everything is called by the main loop. */
#pragma once

#include "agent/journal-store.h"

G_BEGIN_DECLS

typedef struct ElvesJournalThread ElvesJournalThread;

typedef struct
{
  guint64 commits;        /* so far */
  guint64 bytes, records; /* as it is */
} ElvesJournalFigures;

/* @store: the thread's from now on, until elves_journal_thread_end(). @deliver: made ready when
   there are answers to collect; must outlive the thread. */
ElvesJournalThread *elves_journal_thread_start (ElvesJournalStore *store, GSource *deliver);
void elves_journal_thread_end (ElvesJournalThread *self);

void elves_journal_thread_hand_over (ElvesJournalThread *self, ElvesJournalRequest *request);
void elves_journal_thread_collect (ElvesJournalThread *self,
                                   GQueue *out_answered,
                                   ElvesJournalFigures *out_figures);
gboolean elves_journal_thread_drain (ElvesJournalThread *self);

G_END_DECLS
