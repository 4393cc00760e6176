/* One thing that the journal is to do, and what came of it: a plain value that travels from the
   main loop to the thread of the journal, and back. */
#pragma once

#include "agent/journal.h"

G_BEGIN_DECLS

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

ElvesJournalRequest *elves_journal_request_new (ElvesJournalVerb verb,
                                                const char *key,
                                                ElvesJournalFunc done,
                                                gpointer user_data);
ElvesJournalRequest *elves_journal_request_about (ElvesJournalVerb verb,
                                                  const ElvesJournalAcceptance *what,
                                                  ElvesJournalFunc done,
                                                  gpointer user_data);
void elves_journal_request_free (ElvesJournalRequest *self);
void elves_journal_request_set_start (ElvesJournalRequest *self, const ElvesJournalStart *how);

G_END_DECLS
