/* The parts of the promises; for promise*.c only. */
#pragma once

#include "agent/service-private.h"

G_BEGIN_DECLS

/* A job that is in the journal, or asks for one that is; until its outcome is written. */
typedef struct
{
  ElvesService *service;
  ElvesInstruct *instruct; /* with a key */
  gint64 seen_within_s;
  gboolean sync;
  gint64 asked_us;
  gboolean resumed; /* of an earlier agent */
  char *origin;     /* (nullable) */
  ElvesExecution *execution;
  ElvesReply *acknowledge; /* (nullable) async: until it is answered */
  GPtrArray *waiting;      /* of ElvesReply: sync calls that get the result */
  ElvesReinstruct *result; /* (nullable) */
} ElvesPromise;

/* promise.c */
ElvesPromise *elves_promise_new (ElvesService *service, const ElvesInstruct *asked);
void elves_promise_free (ElvesPromise *self);
/* Takes @answer: to whoever waits to be told whether the job is taken. */
void elves_promise_answer (ElvesPromise *self, ElvesReinstruct *answer);
/* Finds its program, and room for it. */
gboolean elves_promise_prepare (ElvesPromise *self, GError **error);
/* One that is prepared. */
void elves_promise_go (ElvesPromise *self, ElvesJournaling journaling);
/* Writes the result of one that never went here. */
void elves_promise_conclude (ElvesPromise *self);

/* promise-known.c: about an execution that the journal knows already. */
gint32 elves_promise_state_of (ElvesService *self, const ElvesJournalReply *reply);
/* (transfer full) */
ElvesReinstruct *elves_promise_acknowledge_known (ElvesPromise *self,
                                                  const ElvesJournalReply *reply);
/* Its result, when it is there; at once, if it is. Takes @self. */
void elves_promise_join_known (ElvesPromise *self, const ElvesJournalReply *reply);

/* promise-resumed.c */
ElvesCancelled elves_service_cancel_backlog (ElvesService *self, const ElvesInstruct *question);
void elves_service_backlog_clear (ElvesService *self);

G_END_DECLS
