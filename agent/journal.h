/* What this host has promised: every async job, and every sync one with a key, from acceptance
   until some time after its result was taken. Durable; survives the agent. See journal.c. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct ElvesJournal ElvesJournal;

typedef enum
{
  ELVES_EXECUTION_ACCEPTED, /* never started */
  ELVES_EXECUTION_STARTED,  /* may have run, has no outcome yet */
  ELVES_EXECUTION_FINISHED, /* its result is to be reported */
  ELVES_EXECUTION_TAKEN     /* its result was taken; of a sync one, given to the caller */
} ElvesExecutionState;

typedef struct
{
  const char *folder; /* made if missing; one journal at a time */
  guint lock_wait_ms; /* for an agent that is just ending */
  guint max_age_s;    /* how long taken executions are remembered */
  guint64 max_bytes;  /* beyond it nothing more is accepted */
  guint max_pages;    /* for tests: the disk is full then; 0: none */
} ElvesJournalSettings;

/* What came of a request; valid during the callback. */
typedef struct
{
  const GError *error;       /* (nullable) nothing was written */
  gboolean known;            /* ACCEPT, FIND: there is such an execution; nothing was written */
  ElvesExecutionState state; /* of it */
  gboolean sync;             /* it was accepted for a sync call */
  const char *key;           /* its key */
  const char *origin;        /* (nullable) of it, if known */
  GBytes *body;              /* (nullable) READ: the result */
} ElvesJournalReply;

/* From the main loop, never from inside the call that asked; exactly once, at the latest from
   elves_journal_drain(). */
typedef void (*ElvesJournalFunc) (const ElvesJournalReply *reply, gpointer user_data);

/* An execution that has not been taken, as it was left. Valid during the callback. */
typedef struct
{
  const char *key;
  ElvesExecutionState state;
  gboolean sync;
  const char *id;
  const char *origin;                   /* (nullable) */
  GBytes *instruct;                     /* (nullable) FINISHED */
  const char *boot, *tracking, *cgroup; /* (nullable) STARTED */
  gint64 pid, pid_start;                /* 0: not known */
} ElvesJournalRecord;

typedef void (*ElvesJournalRestoredFunc) (const ElvesJournalRecord *record, gpointer user_data);

/* How to find the processes; copied. */
typedef struct
{
  const char *boot, *tracking;
  const char *cgroup; /* (nullable) */
} ElvesJournalStart;

/* What is accepted; copied. */
typedef struct
{
  const char *key;
  const char *id, *type;
  const char *origin;   /* (nullable) */
  gint64 seen_within_s; /* > 0: the last one of this id and type, if accepted since, is this one */
  gboolean sync;
  GBytes *instruct;
  const ElvesJournalStart *start; /* (nullable) if it is new, it is started as well */
} ElvesJournalAcceptance;

ElvesJournal *elves_journal_new (const ElvesJournalSettings *settings, GError **error);
gboolean elves_journal_restore (ElvesJournal *self,
                                ElvesJournalRestoredFunc restored,
                                gpointer user_data,
                                GError **error);
void elves_journal_drain (ElvesJournal *self);
void elves_journal_free (ElvesJournal *self);

void elves_journal_accept (ElvesJournal *self,
                           const ElvesJournalAcceptance *what,
                           ElvesJournalFunc done,
                           gpointer user_data);
void elves_journal_find (ElvesJournal *self,
                         const ElvesJournalAcceptance *what,
                         ElvesJournalFunc done,
                         gpointer user_data);
void elves_journal_start (ElvesJournal *self,
                          const char *key,
                          const ElvesJournalStart *how,
                          ElvesJournalFunc done,
                          gpointer user_data);
void elves_journal_set_leader (ElvesJournal *self, const char *key, gint64 pid, gint64 pid_start);
void elves_journal_finish (ElvesJournal *self,
                           const char *key,
                           GBytes *result,
                           ElvesJournalFunc done,
                           gpointer user_data);
void elves_journal_take (ElvesJournal *self, const char *key);
void elves_journal_set_aside (ElvesJournal *self, const char *key);
void elves_journal_set_origin (ElvesJournal *self, const char *key, const char *origin);
void elves_journal_forget (ElvesJournal *self, const char *key);
void
elves_journal_read (ElvesJournal *self, const char *key, ElvesJournalFunc done, gpointer user_data);

guint elves_journal_pending (const ElvesJournal *self);
gboolean elves_journal_is_failing (const ElvesJournal *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesJournal, elves_journal_free)

G_END_DECLS
