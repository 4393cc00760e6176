/* One job on this host.
 *
 *   accepted -> built-in, or app and proxy cannot be resolved      -> result
 *            -> waits for its turn (admission) -> worker (runner)  -> result
 *                                              -> a place in a warm worker (warm) -> result
 *
 * Promises: a job that was accepted has exactly one result; it comes from the main loop. The time a
 * job waits for its turn does not count against its timeout. Two executions of the same key do not
 * run at one time if the caller asks elves_executor_is_running() first.
 *
 * One that is journaled is started only when the journal has said that it is the first to start
 * it; while the journal cannot be written, an async one waits with its worker's place, and a sync
 * one fails. At the end, async ones that were not started are left to the journal.
 *
 * It does not know where results go: see agent/service and agent/outbox.
 */
#include "agent/execution-private.h"

#include "agent/answer.h"
#include "agent/builtin.h"
#include "agent/metrics.h"
#include "agent/remains.h"
#include "common/crash-point.h"
#include "common/error.h"
#include "common/log.h"

#define MAX_TIMEOUT_S (G_MAXUINT / 1000) /* the runner counts milliseconds in a guint: 49 days */
#define INTENT_RETRY_US G_USEC_PER_SEC

/* ---- results -------------------------------------------------------------------------------- */

void
elves_execution_free (ElvesExecution *job)
{
  elves_deadlines_disarm (job->executor->parts.deadlines, &job->intent_retry);
  elves_runner_free (job->runner);
  elves_warm_call_free (job->warm);
  elves_cell_close (job->cell);
  elves_command_free (job->command);
  elves_app_entry_clear (&job->entry);
  g_clear_pointer (&job->result, elves_reinstruct_unref);
  elves_instruct_unref (job->instruct);
  g_free (job);
}

static void
forget_key (ElvesExecutor *self, ElvesExecution *job)
{
  const char *key = job->instruct->execution;
  if (key != NULL && g_hash_table_lookup (self->running, key) == job)
    g_hash_table_remove (self->running, key);
}

/* The job is over: its result goes to who asked, and its place to the next. */
void
elves_execution_deliver (ElvesExecution *job)
{
  ElvesExecutor *self = job->executor;
  g_queue_unlink (&self->jobs, &job->link);
  forget_key (self, job);
  if (job->result != NULL)
    elves_agent_metrics_count_result (job->result);
  job->executed (job->result, job->user_data);
  ElvesTicket *ticket = job->ticket;
  elves_execution_free (job);
  elves_ticket_leave (ticket);
  if (g_queue_is_empty (&self->jobs) && self->idle != NULL)
    self->idle (self->user_data);
}

static gboolean
on_deliver (gpointer user_data)
{
  ElvesExecutor *self = user_data;
  /* Those that come meanwhile wait for the next turn of the loop. */
  guint n_jobs = g_queue_get_length (&self->decided);
  while (n_jobs-- > 0)
    elves_execution_deliver (g_queue_pop_head_link (&self->decided)->data);
  if (!g_queue_is_empty (&self->decided))
    return G_SOURCE_CONTINUE;
  g_clear_pointer (&self->deliver, g_source_unref);
  return G_SOURCE_REMOVE;
}

static void
deliver_later (ElvesExecution *job)
{
  ElvesExecutor *self = job->executor;
  job->decided_link.data = job;
  g_queue_push_tail_link (&self->decided, &job->decided_link);
  if (self->deliver != NULL)
    return;
  self->deliver = g_idle_source_new ();
  g_source_set_priority (self->deliver, G_PRIORITY_DEFAULT);
  g_source_set_callback (self->deliver, on_deliver, self, NULL);
  g_source_attach (self->deliver, g_main_context_get_thread_default ());
}

gboolean
elves_execution_is_decided (const ElvesExecution *job)
{
  return job->result != NULL || job->kept;
}

/* Takes @result. It is delivered from the loop, so that no caller is called back from inside. */
static void
job_decide (ElvesExecution *job, ElvesReinstruct *result)
{
  job->result = result;
  if (!job->held)
    deliver_later (job);
}

void
elves_execution_keep (ElvesExecution *job)
{
  elves_deadlines_disarm (job->executor->parts.deadlines, &job->intent_retry);
  job->kept = TRUE;
  if (!job->held)
    deliver_later (job);
}

void
elves_execution_fail (ElvesExecution *job, ElvesReason reason, const char *text)
{
  elves_deadlines_disarm (job->executor->parts.deadlines, &job->intent_retry);
  job_decide (job, elves_reinstruct_failure (job->instruct, reason, text));
}

/* ---- workers -------------------------------------------------------------------------------- */

static void
on_run_finished (ElvesRunner *runner, const ElvesRunResult *run, gpointer user_data)
{
  ElvesExecution *job = user_data;
  const ElvesExecutorParts *parts = &job->executor->parts;
  elves_histogram_add (&elves_agent_metrics.run, g_get_monotonic_time () - job->since_us);
  if (parts->printed != NULL)
    parts->printed (job->instruct, run->output, run->output_bytes, parts->printed_data);
  job->result = elves_answer_of_run (parts->config, job->instruct, run);
  elves_execution_deliver (job);
}

static void
note_start (ElvesExecution *job)
{
  gint64 now_us = g_get_monotonic_time ();
  elves_histogram_add (&elves_agent_metrics.wait_for_turn, now_us - job->since_us);
  job->since_us = now_us;
}

static void
start_worker (ElvesExecution *job)
{
  note_start (job);
  const ElvesExecutorParts *parts = &job->executor->parts;
  const ElvesAgentConfig *config = parts->config;
  ElvesRunnerSpec spec = {
    .argv = (const char *const *) job->command->argv,
    .environment = (const char *const *) job->command->environment,
    .directory = job->command->directory,
    .user = job->command->user,
    .timeout_ms = job->timeout_s * 1000,
    .stop_signal = job->executor->stop_signal,
    .grace_ms = config->grace_ms,
    .drain_ms = config->drain_ms,
    .output_limit_bytes = config->output_limit_bytes,
    .stderr_limit_bytes = config->stderr_limit_bytes,
    .leave_leftovers = config->leftovers == ELVES_LEFTOVERS_LEAVE,
    .cell = g_steal_pointer (&job->cell),
  };
  job->runner = elves_runner_start (parts->poller, parts->reaper, parts->containment,
                                    parts->deadlines, &spec, on_run_finished, job);
  ELVES_CRASH_POINT ("after-start");
  gint64 pid = elves_runner_pid (job->runner), start;
  if (job->journaling != ELVES_NOT_JOURNALED && elves_remains_start_of (pid, &start))
    elves_journal_set_leader (parts->journal, job->instruct->execution, pid, start);
}

/* ---- warm workers --------------------------------------------------------------------------- */

static void
send_warm (ElvesExecution *job)
{
  note_start (job);
  job->warm_sent = TRUE;
  elves_warm_call_send (job->warm);
  ELVES_CRASH_POINT ("after-start");
}

gboolean
elves_execution_is_started (const ElvesExecution *job)
{
  return job->runner != NULL || job->warm_sent;
}

static void
start (ElvesExecution *job)
{
  if (job->warm != NULL)
    send_warm (job);
  else
    start_worker (job);
}

static void
on_warm_ended (ElvesWarmCall *call, ElvesReinstruct *result, gpointer user_data)
{
  ElvesExecution *job = user_data;
  if (job->warm_sent)
    elves_histogram_add (&elves_agent_metrics.run, g_get_monotonic_time () - job->since_us);
  g_clear_pointer (&job->warm, elves_warm_call_free);
  if (elves_execution_is_decided (job))
    elves_reinstruct_unref (result); /* it was told before it was sent */
  else if (job->held)
    job_decide (job, result);
  else
    {
      job->result = result;
      elves_execution_deliver (job);
    }
}

/* ---- the intent to start, in the journal ---------------------------------------------------- */

static void write_intent (ElvesExecution *job);

static void
on_intent_retry_due (ElvesDeadline *deadline, gpointer user_data)
{
  write_intent (user_data);
}

static void
on_intent_failed (ElvesExecution *job, const GError *error)
{
  ElvesExecutor *self = job->executor;
  if (g_error_matches (error, ELVES_ERROR, ELVES_ERROR_NOT_FOUND))
    elves_execution_fail (job, ELVES_REASON_OUTCOME_UNKNOWN, error->message);
  else if (job->journaling == ELVES_JOURNALED_SYNC)
    elves_execution_fail (job, ELVES_REASON_BUSY, error->message);
  else
    elves_deadlines_arm (self->parts.deadlines, &job->intent_retry,
                         g_get_monotonic_time () + INTENT_RETRY_US, on_intent_retry_due, job);
}

static void
on_intent_written (const ElvesJournalReply *reply, gpointer user_data)
{
  ElvesExecution *job = user_data;
  job->held = FALSE;
  if (job->kept && reply->error == NULL)
    { /* It says "started" now, and never was. */
      job->kept = FALSE;
      job->result =
          elves_reinstruct_failure (job->instruct, ELVES_REASON_CANCELLED, NEVER_STARTED_TEXT);
    }
  if (elves_execution_is_decided (job))
    deliver_later (job);
  else if (reply->error != NULL)
    on_intent_failed (job, reply->error);
  else
    start (job);
}

/* Of a worker of its own; or of the warm worker that keeps a place. That one may end before the
   call is sent, and another one gets it: agent/recovery ends all warm workers anyway. */
static const ElvesCell *
find_cell (ElvesExecution *job, GError **error)
{
  if (job->warm != NULL && elves_warm_call_has_place (job->warm))
    return elves_warm_call_cell (job->warm);
  if (job->cell == NULL)
    job->cell = elves_containment_open_cell (job->executor->parts.containment, error);
  return job->cell;
}

/* @out_cgroup: (nullable) (transfer full): for @out_how. */
static void
describe_start (const ElvesCell *cell, ElvesJournalStart *out_how, char **out_cgroup)
{
  *out_cgroup = elves_cell_group_path (cell);
  *out_how = (ElvesJournalStart){
    .boot = elves_remains_boot (),
    .tracking = elves_cell_tracking_entry (cell),
    .cgroup = *out_cgroup,
  };
}

static void
write_intent (ElvesExecution *job)
{
  const ElvesExecutorParts *parts = &job->executor->parts;
  g_autoptr (GError) error = NULL;
  const ElvesCell *cell = find_cell (job, &error);
  if (cell == NULL)
    {
      job_decide (job, elves_answer_not_started (job->instruct, error->message));
      return;
    }
  g_autofree char *cgroup = NULL;
  ElvesJournalStart how;
  describe_start (cell, &how, &cgroup);
  job->held = TRUE;
  elves_journal_start (parts->journal, job->instruct->execution, &how, on_intent_written, job);
}

static void
go_on (ElvesExecution *job)
{
  if (job->journaling != ELVES_NOT_JOURNALED && !job->intended)
    write_intent (job);
  else
    start (job);
}

static void
on_warm_placed (ElvesWarmCall *call, gpointer user_data)
{
  ElvesExecution *job = user_data;
  if (!elves_execution_is_decided (job))
    go_on (job);
}

static void
ask_for_place (ElvesExecution *job)
{
  static const ElvesWarmCallbacks callbacks = { on_warm_placed, on_warm_ended };
  job->warm = elves_warm_call_new (job->pool, job->instruct, job->timeout_s, &callbacks, job);
  if (elves_warm_call_has_place (job->warm))
    go_on (job);
}

static void
on_admitted (gpointer user_data)
{
  ElvesExecution *job = user_data;
  ElvesExecutor *self = job->executor;
  if (elves_execution_is_decided (job) || job->held)
    return;
  if (job->pool != NULL)
    {
      ask_for_place (job);
      return;
    }
  const char *user = elves_apps_user (self->parts.apps, job->instruct->app);
  g_autoptr (GError) error = NULL;
  job->command = elves_commands_build (self->parts.commands, job->instruct, &job->entry, user,
                                       job->timeout_s, &error);
  if (job->command == NULL)
    job_decide (job, elves_answer_not_started (job->instruct, error->message));
  else
    go_on (job);
}

/* ---- acceptance ----------------------------------------------------------------------------- */

static guint
effective_timeout_s (const ElvesAgentConfig *config, gint32 asked_s)
{
  guint cap_s = config->max_timeout_s > 0 ? MIN (config->max_timeout_s, MAX_TIMEOUT_S) : 0;
  if (asked_s <= 0)
    return cap_s;
  return MIN ((guint) asked_s, cap_s > 0 ? cap_s : MAX_TIMEOUT_S);
}

ElvesExecution *
elves_execution_new (ElvesExecutor *self,
                     ElvesInstruct *instruct,
                     ElvesExecutedFunc executed,
                     gpointer user_data)
{
  ElvesExecution *job = g_new0 (ElvesExecution, 1);
  job->executor = self;
  job->instruct = elves_instruct_ref (instruct);
  job->executed = executed;
  job->user_data = user_data;
  job->timeout_s = effective_timeout_s (self->parts.config, instruct->timeout_s);
  job->since_us = g_get_monotonic_time ();
  job->link.data = job;
  job->held = TRUE;
  return job;
}

/* Decided at once, or in the queue for a worker. FALSE: no room. */
gboolean
elves_execution_begin (ElvesExecution *job, GError **error)
{
  ElvesExecutor *self = job->executor;
  ElvesInstruct *instruct = job->instruct;
  if (elves_builtin_is_meant (instruct))
    {
      job_decide (job, elves_builtin_run (instruct));
      return TRUE;
    }

  ElvesReason reason;
  g_autoptr (GError) unresolved = NULL;
  if (!elves_apps_resolve (self->parts.apps, instruct->app, instruct->proxy, &job->entry, &reason,
                           &unresolved))
    {
      elves_execution_fail (job, reason, unresolved->message);
      return TRUE;
    }
  if (self->parts.warm != NULL)
    job->pool = elves_warm_find_pool (self->parts.warm, instruct, &job->entry);
  guint limit = elves_apps_concurrency (self->parts.apps, instruct->app);
  if (job->pool != NULL)
    limit = MIN (limit, elves_warm_pool_capacity (job->pool));
  job->ticket =
      elves_admission_enter (self->admission, instruct->app, limit, on_admitted, job, error);
  return job->ticket != NULL;
}

/**
 * elves_execution_intend:
 * @self: a job that was prepared
 * @out_how: how to find its processes later; valid as long as the job
 * @out_cgroup: (nullable) (transfer full): for @out_how
 *
 * It is its turn already: then the journal may be told that it is started when it is told of the
 * job, and need not be asked once more. elves_execution_go() must follow, or _drop().
 *
 * Returns: whether it is
 */
gboolean
elves_execution_intend (ElvesExecution *self, ElvesJournalStart *out_how, char **out_cgroup)
{
  if (elves_execution_is_decided (self) || self->pool != NULL ||
      !elves_ticket_is_admitted (self->ticket))
    return FALSE;
  const ElvesCell *cell = find_cell (self, NULL);
  if (cell == NULL)
    return FALSE;
  describe_start (cell, out_how, out_cgroup);
  self->intended = TRUE;
  return TRUE;
}

/**
 * elves_execution_go:
 * @self: a job that was prepared
 * @journaling: whether it is in the journal, under its execution key
 *
 * Runs it when it is its turn.
 */
void
elves_execution_go (ElvesExecution *self, ElvesJournaling journaling)
{
  self->held = FALSE;
  self->journaling = journaling;
  if (elves_execution_is_decided (self))
    deliver_later (self);
  else if (elves_ticket_is_admitted (self->ticket))
    on_admitted (self);
}

/**
 * elves_execution_drop:
 * @self: (transfer full): a job that was prepared: it is not run, and nobody is told
 */
void
elves_execution_drop (ElvesExecution *self)
{
  ElvesTicket *ticket = self->ticket;
  g_queue_unlink (&self->executor->jobs, &self->link);
  forget_key (self->executor, self);
  ElvesExecutor *executor = self->executor;
  elves_execution_free (self);
  elves_ticket_leave (ticket);
  if (g_queue_is_empty (&executor->jobs) && executor->idle != NULL)
    executor->idle (executor->user_data);
}
