/* Jobs of this host, from acceptance to result. */
#pragma once

#include "agent/apps.h"
#include "agent/command.h"
#include "agent/config.h"
#include "agent/containment.h"
#include "agent/journal.h"
#include "agent/reaper.h"
#include "agent/warm.h"
#include "common/deadlines.h"
#include "common/instruct.h"
#include "common/poller.h"

#include <glib.h>

G_BEGIN_DECLS

typedef struct ElvesExecutor ElvesExecutor;
typedef struct ElvesExecution ElvesExecution; /* a job of it */

/* What it works with; all of it must outlive the executor. */
typedef struct
{
  const ElvesAgentConfig *config;
  ElvesPoller *poller;
  ElvesReaper *reaper;
  ElvesContainment *containment;
  ElvesDeadlines *deadlines;
  ElvesApps *apps;
  ElvesCommands *commands;
  ElvesWarm *warm;       /* (nullable) none: each call gets a worker of its own */
  ElvesJournal *journal; /* (nullable) */
  /* (nullable) What a job has printed, when it has ended. */
  void (*printed) (ElvesInstruct *instruct, GBytes *output, guint64 total_bytes, gpointer data);
  gpointer printed_data;
} ElvesExecutorParts;

/* Exactly once for each job that was accepted; from the main loop, never from inside
   elves_executor_start(). At the latest from elves_executor_free(). @result: (nullable): only of
   %ELVES_JOURNALED_ASYNC: it was not started and stays in the journal for the next agent. */
typedef void (*ElvesExecutedFunc) (ElvesReinstruct *result, gpointer user_data);

typedef enum
{
  ELVES_NOT_JOURNALED,
  ELVES_JOURNALED_SYNC,
  ELVES_JOURNALED_ASYNC
} ElvesJournaling;

typedef void (*ElvesExecutorIdleFunc) (gpointer user_data);

ElvesExecutor *elves_executor_new (const ElvesExecutorParts *parts,
                                   ElvesExecutorIdleFunc idle,
                                   gpointer user_data);
void elves_executor_free (ElvesExecutor *self);

gboolean elves_executor_start (ElvesExecutor *self,
                               ElvesInstruct *instruct,
                               ElvesExecutedFunc executed,
                               gpointer user_data,
                               GError **error);
/* The same in two steps: a place is kept, then the job goes on, or it was never there. */
ElvesExecution *elves_executor_prepare (ElvesExecutor *self,
                                        ElvesInstruct *instruct,
                                        ElvesExecutedFunc executed,
                                        gpointer user_data,
                                        GError **error);
gboolean
elves_execution_intend (ElvesExecution *self, ElvesJournalStart *out_how, char **out_cgroup);
void elves_execution_go (ElvesExecution *self, ElvesJournaling journaling);
void elves_execution_drop (ElvesExecution *self);

gboolean elves_executor_is_running (const ElvesExecutor *self, const char *execution);
guint elves_executor_count (const ElvesExecutor *self);
guint elves_executor_running (const ElvesExecutor *self);
guint elves_executor_waiting (const ElvesExecutor *self);
void elves_executor_close (ElvesExecutor *self);
void elves_executor_cancel_all (ElvesExecutor *self);

typedef enum
{
  ELVES_CANCEL_UNKNOWN,  /* no such job is here */
  ELVES_CANCEL_FINISHED, /* it has its result already, which stands */
  ELVES_CANCEL_STOPPED,  /* it was not started and will not be */
  ELVES_CANCEL_STOPPING  /* it may have been started, and is being stopped */
} ElvesCancelled;

/* All jobs that @question names; of several the greatest. Each gives its result from the loop. */
ElvesCancelled elves_executor_cancel (ElvesExecutor *self, const ElvesInstruct *question);

/* What a job has printed until now. */
typedef struct
{
  const guint8 *kept; /* (nullable) its beginning; valid until the loop goes on */
  gsize kept_bytes;
  guint64 total_bytes;
} ElvesPrinted;

/* FALSE: no job that @question names has a worker of its own, or waits for one. */
gboolean elves_executor_output (const ElvesExecutor *self,
                                const ElvesInstruct *question,
                                ElvesPrinted *out_printed);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesExecutor, elves_executor_free)

G_END_DECLS
