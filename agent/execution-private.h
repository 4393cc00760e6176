/* What the two parts of execution share. Nobody else includes this.
 *
 * execution.c   one job: from its turn to its result
 * executor.c    all of them: which are accepted, and how they end when the agent does
 * execution-named.c  those that somebody names, while they run: to be cancelled, to be read */
#pragma once

#include "agent/admission.h"
#include "agent/execution.h"
#include "agent/runner.h"

G_BEGIN_DECLS

#define CANCELLED_TEXT "app exec cancelled"
#define NEVER_STARTED_TEXT CANCELLED_TEXT " : the agent is stopping, the worker was not started"

struct ElvesExecutor
{
  ElvesExecutorParts parts;
  ElvesExecutorIdleFunc idle;
  gpointer user_data;
  ElvesAdmission *admission;
  GQueue jobs;         /* of ElvesExecution, by its link: all that have no result delivered */
  GHashTable *running; /* execution key -> ElvesExecution */
  GQueue decided;      /* of ElvesExecution, by decided_link: results that wait for the loop */
  GSource *deliver;    /* (nullable) while there are some */
  int stop_signal;
  gboolean closed; /* nothing more is accepted or started */
};

struct ElvesExecution
{
  ElvesExecutor *executor;
  ElvesInstruct *instruct;
  ElvesExecutedFunc executed;
  gpointer user_data;
  ElvesAppEntry entry;
  guint timeout_s; /* effective; 0: none */
  ElvesTicket *ticket;
  ElvesCommand *command;
  ElvesRunner *runner;
  ElvesWarmPool *pool; /* (nullable) whose workers run it */
  ElvesWarmCall *warm; /* (nullable) there */
  gboolean warm_sent;
  ElvesReinstruct *result; /* set: decided, nothing more may start */
  gint64 since_us;         /* accepted; then: admitted */
  gboolean held;           /* somebody else says when it goes on; its end waits for that */
  gboolean kept;           /* no result: it is for the next agent */
  ElvesJournaling journaling;
  gboolean intended; /* the journal says already that it is started */
  ElvesCell *cell;   /* (nullable) open, until the worker has it */
  ElvesDeadline intent_retry;
  GList link, decided_link;
};

/* A job that is not in the queue of its executor yet; @begin FALSE: there is no room. */
ElvesExecution *elves_execution_new (ElvesExecutor *executor,
                                     ElvesInstruct *instruct,
                                     ElvesExecutedFunc executed,
                                     gpointer user_data);
gboolean elves_execution_begin (ElvesExecution *self, GError **error);
void elves_execution_free (ElvesExecution *self);

gboolean elves_execution_is_decided (const ElvesExecution *self);
gboolean elves_execution_is_started (const ElvesExecution *self);
/* Its result is a failure; or it has none and stays in the journal. Said from the loop. */
void elves_execution_fail (ElvesExecution *self, ElvesReason reason, const char *text);
void elves_execution_keep (ElvesExecution *self);
/* Says what there is, and frees it. */
void elves_execution_deliver (ElvesExecution *self);

G_END_DECLS
