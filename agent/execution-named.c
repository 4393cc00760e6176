/* Jobs that somebody names while they are here: to end one, to look at what it prints.
 *
 * A key is looked up; an id alone is looked for among all jobs: rare, and bounded by
 * worker.maxRunning and worker.maxWaiting. What was decided before stays as it was. */
#include "agent/execution-private.h"

#define NOT_STARTED_TEXT CANCELLED_TEXT " : its worker was not started"

static gboolean
has_key (const ElvesInstruct *instruct)
{
  return instruct->execution != NULL && instruct->execution[0] != '\0';
}

/* ---- cancelling ----------------------------------------------------------------------------- */

/* Its start may be in the journal already, which changes nothing: its outcome will be, too. */
static ElvesCancelled
cancel_unsent (ElvesExecution *job)
{
  gboolean held = job->held;
  g_clear_pointer (&job->warm, elves_warm_call_free);
  elves_execution_fail (job, ELVES_REASON_CANCELLED, NOT_STARTED_TEXT);
  /* While the journal is asked nobody knows whether this is the one that counts. */
  return held ? ELVES_CANCEL_STOPPING : ELVES_CANCEL_STOPPED;
}

/* It was to be left to the next agent, and is on its way out: now with a result. */
static ElvesCancelled
cancel_kept (ElvesExecution *job)
{
  job->kept = FALSE;
  job->result = elves_reinstruct_failure (job->instruct, ELVES_REASON_CANCELLED, NOT_STARTED_TEXT);
  return ELVES_CANCEL_STOPPED;
}

static ElvesCancelled
cancel (ElvesExecution *job)
{
  if (job->kept)
    return cancel_kept (job);
  if (job->result != NULL)
    return ELVES_CANCEL_FINISHED;
  if (job->runner != NULL)
    return elves_runner_cancel (job->runner) ? ELVES_CANCEL_STOPPING : ELVES_CANCEL_FINISHED;
  if (job->warm != NULL && elves_warm_call_was_sent (job->warm))
    return elves_warm_call_cancel (job->warm) ? ELVES_CANCEL_STOPPING : ELVES_CANCEL_FINISHED;
  return cancel_unsent (job);
}

/**
 * elves_executor_cancel:
 * @self: an executor
 * @question: names jobs
 *
 * Returns: what becomes of them
 */
ElvesCancelled
elves_executor_cancel (ElvesExecutor *self, const ElvesInstruct *question)
{
  ElvesExecution *only =
      has_key (question) ? g_hash_table_lookup (self->running, question->execution) : NULL;
  ElvesCancelled all = ELVES_CANCEL_UNKNOWN;
  if (has_key (question))
    return only != NULL ? cancel (only) : ELVES_CANCEL_UNKNOWN;
  for (GList *link = self->jobs.head; link != NULL; link = link->next)
    {
      ElvesExecution *job = link->data;
      if (elves_instruct_names (question, job->instruct))
        all = MAX (all, cancel (job));
    }
  return all;
}

/* ---- output --------------------------------------------------------------------------------- */

static const ElvesExecution *
find (const ElvesExecutor *self, const ElvesInstruct *question)
{
  if (has_key (question))
    return g_hash_table_lookup (self->running, question->execution);
  for (const GList *link = self->jobs.head; link != NULL; link = link->next)
    {
      const ElvesExecution *job = link->data;
      if (elves_instruct_names (question, job->instruct))
        return job;
    }
  return NULL;
}

/**
 * elves_executor_output:
 * @self: an executor
 * @question: names a job
 * @out_printed: what the first one has printed; of one that waits, or is with a warm worker:
 * nothing
 *
 * Returns: whether it is here and has not ended
 */
gboolean
elves_executor_output (const ElvesExecutor *self,
                       const ElvesInstruct *question,
                       ElvesPrinted *out_printed)
{
  const ElvesExecution *job = find (self, question);
  if (job == NULL)
    return FALSE;
  *out_printed = (ElvesPrinted){ NULL };
  if (job->runner != NULL)
    out_printed->kept =
        elves_runner_output (job->runner, &out_printed->kept_bytes, &out_printed->total_bytes);
  return TRUE;
}
