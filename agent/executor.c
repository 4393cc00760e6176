/* All jobs of this host: which are accepted, and what becomes of them when the agent ends. */
#include "agent/execution-private.h"

#include "common/error.h"

/**
 * elves_executor_prepare:
 * @self: an executor
 * @instruct: the job; a reference is taken
 * @executed: gets its result
 * @user_data: for @executed
 *
 * Keeps a place for a job: to be ended with elves_execution_go() or elves_execution_drop().
 *
 * Returns: (transfer none) (nullable): the job; %NULL: there is no room, @executed is not called
 * Errors: %ELVES_ERROR_BUSY when too much runs and waits, or the agent is stopping; the message
 * names the limit.
 */
ElvesExecution *
elves_executor_prepare (ElvesExecutor *self,
                        ElvesInstruct *instruct,
                        ElvesExecutedFunc executed,
                        gpointer user_data,
                        GError **error)
{
  if (self->closed)
    {
      g_set_error_literal (error, ELVES_ERROR, ELVES_ERROR_BUSY, "the agent is stopping");
      return NULL;
    }
  ElvesExecution *job = elves_execution_new (self, instruct, executed, user_data);
  g_queue_push_tail_link (&self->jobs, &job->link);
  if (!elves_execution_begin (job, error))
    {
      g_queue_unlink (&self->jobs, &job->link);
      elves_execution_free (job);
      return NULL;
    }
  if (instruct->execution != NULL && !elves_executor_is_running (self, instruct->execution))
    g_hash_table_insert (self->running, job->instruct->execution, job);
  return job;
}

/**
 * elves_executor_start:
 * @self: an executor
 * @instruct: the job; a reference is taken
 * @executed: gets its result
 * @user_data: for @executed
 *
 * A job that is not journaled.
 *
 * Returns: whether the job was accepted; if not, @executed is not called
 * Errors: as elves_executor_prepare()
 */
gboolean
elves_executor_start (ElvesExecutor *self,
                      ElvesInstruct *instruct,
                      ElvesExecutedFunc executed,
                      gpointer user_data,
                      GError **error)
{
  ElvesExecution *job = elves_executor_prepare (self, instruct, executed, user_data, error);
  if (job != NULL)
    elves_execution_go (job, ELVES_NOT_JOURNALED);
  return job != NULL;
}

/**
 * elves_executor_is_running:
 * @self: an executor
 * @execution: an execution key
 *
 * Returns: whether a job of that key was accepted and has not delivered its result
 */
gboolean
elves_executor_is_running (const ElvesExecutor *self, const char *execution)
{
  return g_hash_table_contains (self->running, execution);
}

/**
 * elves_executor_count:
 * @self: an executor
 *
 * Returns: jobs accepted whose result has not been delivered
 */
guint
elves_executor_count (const ElvesExecutor *self)
{
  return self->jobs.length;
}

/**
 * elves_executor_running:
 * @self: an executor
 *
 * Returns: jobs that have their turn
 */
guint
elves_executor_running (const ElvesExecutor *self)
{
  return elves_admission_running (self->admission);
}

/**
 * elves_executor_waiting:
 * @self: an executor
 *
 * Returns: jobs that wait for their turn
 */
guint
elves_executor_waiting (const ElvesExecutor *self)
{
  return elves_admission_waiting (self->admission);
}

/* ---- beginning and end ---------------------------------------------------------------------- */

/**
 * elves_executor_new:
 * @parts: what it works with; the struct is copied, the parts must outlive the executor
 * @idle: (nullable): called when the last job has delivered its result
 * @user_data: for @idle
 *
 * Returns: (transfer full): a new executor
 */
ElvesExecutor *
elves_executor_new (const ElvesExecutorParts *parts, ElvesExecutorIdleFunc idle, gpointer user_data)
{
  ElvesExecutor *self = g_new0 (ElvesExecutor, 1);
  self->parts = *parts;
  self->idle = idle;
  self->user_data = user_data;
  self->admission = elves_admission_new (parts->config->max_running, parts->config->max_waiting);
  self->stop_signal = elves_agent_config_signal_number (parts->config->stop_signal);
  self->running = g_hash_table_new (g_str_hash, g_str_equal);
  g_queue_init (&self->jobs);
  g_queue_init (&self->decided);
  return self;
}

/**
 * elves_executor_close:
 * @self: an executor
 *
 * From now on no job is accepted, and no worker is started: who waits for one is told so now, while
 * there is time to report it, or stays in the journal. What runs goes on.
 */
void
elves_executor_close (ElvesExecutor *self)
{
  self->closed = TRUE;
  if (self->parts.warm != NULL)
    elves_warm_close (self->parts.warm);
  for (GList *link = self->jobs.head; link != NULL; link = link->next)
    {
      ElvesExecution *job = link->data;
      if (elves_execution_is_decided (job) || elves_execution_is_started (job))
        continue;
      if (job->journaling == ELVES_JOURNALED_ASYNC)
        elves_execution_keep (job);
      else
        elves_execution_fail (job, ELVES_REASON_CANCELLED, NEVER_STARTED_TEXT);
    }
}

/**
 * elves_executor_cancel_all:
 * @self: an executor
 *
 * As elves_executor_close(), and what runs is stopped; each job still gives its result.
 */
void
elves_executor_cancel_all (ElvesExecutor *self)
{
  elves_executor_close (self);
  for (GList *link = self->jobs.head; link != NULL; link = link->next)
    {
      ElvesExecution *job = link->data;
      if (job->result != NULL)
        continue;
      if (job->runner != NULL)
        elves_runner_cancel (job->runner);
      else if (job->warm != NULL)
        elves_warm_call_cancel (job->warm);
    }
}

/**
 * elves_executor_free:
 * @self: (nullable): an executor
 *
 * Kills what runs; every job that has no result yet is reported as cancelled from here.
 */
void
elves_executor_free (ElvesExecutor *self)
{
  if (self == NULL)
    return;
  self->closed = TRUE;
  self->idle = NULL;
  for (GList *link = self->jobs.head; link != NULL; link = link->next)
    {
      ElvesExecution *job = link->data;
      const char *text = elves_execution_is_started (job) ? CANCELLED_TEXT : NEVER_STARTED_TEXT;
      gboolean keep = job->journaling == ELVES_JOURNALED_ASYNC &&
                      !elves_execution_is_started (job) && !job->held;
      g_clear_pointer (&job->runner, elves_runner_free);
      g_clear_pointer (&job->warm, elves_warm_call_free);
      if (job->result == NULL && !keep)
        job->result = elves_reinstruct_failure (job->instruct, ELVES_REASON_CANCELLED, text);
    }
  while (!g_queue_is_empty (&self->jobs))
    elves_execution_deliver (self->jobs.head->data);
  if (self->deliver != NULL)
    g_source_destroy (self->deliver);
  g_clear_pointer (&self->deliver, g_source_unref);
  g_hash_table_unref (self->running);
  elves_admission_free (self->admission);
  g_free (self);
}
