/* The executions of this host in an SQLite file: what journal.c's thread does with it. Every
   function blocks on the disk; one thread at a time. */
#pragma once

#include "agent/journal.h"

G_BEGIN_DECLS

typedef struct ElvesJournalStore ElvesJournalStore;

typedef enum
{
  ELVES_JOURNAL_ACCEPT,
  ELVES_JOURNAL_FIND,
  ELVES_JOURNAL_START,
  ELVES_JOURNAL_LEADER,
  ELVES_JOURNAL_FINISH,
  ELVES_JOURNAL_TAKE,
  ELVES_JOURNAL_SET_ASIDE,
  ELVES_JOURNAL_ORIGIN,
  ELVES_JOURNAL_FORGET,
  ELVES_JOURNAL_READ
} ElvesJournalVerb;

/* One thing to do, and what came of it. */
typedef struct
{
  ElvesJournalVerb verb;
  char *key;
  char *id, *type;       /* ACCEPT, FIND */
  char *origin;          /* ACCEPT, FIND, ORIGIN (nullable) */
  gint64 seen_within_s;  /* ACCEPT, FIND; 0: the key decides */
  gboolean sync;         /* ACCEPT */
  char *boot, *tracking; /* START; ACCEPT: (nullable) */
  char *cgroup;          /* START (nullable) */
  gint64 pid, pid_start; /* LEADER */
  GBytes *body;          /* ACCEPT: instruct, FINISH: result; out: READ (nullable) */

  GError *error; /* (nullable) out: nothing was done */
  gboolean known;
  ElvesExecutionState state; /* out, if known: before this request */
  gboolean known_sync;       /* out, if known */
  char *known_key;           /* (nullable) out, if known */
  char *known_origin;        /* (nullable) out, if known */

  ElvesJournalFunc done; /* (nullable) */
  gpointer user_data;
} ElvesJournalRequest;

void elves_journal_request_free (ElvesJournalRequest *self);

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
