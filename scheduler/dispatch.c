/* From a job to its agent and back to an outcome.
 *
 * A sync job's answer is its outcome. An async job's answer is the agent's acknowledgement: the
 * outcome comes later, through results; an agent that refuses (flag -1) or cannot be reached makes
 * the outcome here. An ip that is not registered fails at once.
 *
 * What is sent twice: to an agent with a journal, a call whose answer was lost, because the agent
 * knows the execution key and starts it once; to any agent, a job that asked to be tried again, as
 * long as it provably never started. Nothing else: what may have been sent before to an agent
 * without a journal ends with its outcome unknown.
 *
 * "Never started" (not-registered, refused, unreachable, busy) is only said of a job no call of
 * which may have got through. */
#include "scheduler/dispatch.h"

#include "common/crash-point.h"
#include "scheduler/metrics.h"

struct ElvesDispatch
{
  ElvesAgentTable *agents;
  ElvesAgentPool *pool;
  ElvesDispatchOptions options;
  const ElvesDispatchCallbacks *callbacks;
  gpointer user_data;
  GQueue calls; /* of Call, by its place: under way */
};

typedef struct
{
  ElvesDispatch *dispatch;
  ElvesFlight *flight;
  GList place;
} Call;

/**
 * elves_dispatch_new:
 * @agents: the registered agents; must outlive it.
 * @pool: the connections; must outlive it.
 * @options: of agents that are not registered.
 * @callbacks: what comes of a job.
 * @user_data: for @callbacks.
 *
 * Returns: (transfer full): the dispatcher.
 */
ElvesDispatch *
elves_dispatch_new (ElvesAgentTable *agents,
                    ElvesAgentPool *pool,
                    const ElvesDispatchOptions *options,
                    const ElvesDispatchCallbacks *callbacks,
                    gpointer user_data)
{
  ElvesDispatch *self = g_new0 (ElvesDispatch, 1);

  self->agents = agents;
  self->pool = pool;
  self->options = *options;
  self->callbacks = callbacks;
  self->user_data = user_data;
  return self;
}

static void
call_free (Call *call)
{
  g_queue_unlink (&call->dispatch->calls, &call->place);
  elves_flight_unref (call->flight);
  g_free (call);
}

/**
 * elves_dispatch_free:
 * @self: (nullable): freed after its pool, whose calls refer to it.
 */
void
elves_dispatch_free (ElvesDispatch *self)
{
  if (self == NULL)
    return;

  while (self->calls.head != NULL)
    call_free (self->calls.head->data);
  g_free (self);
}

/* --- ends ------------------------------------------------------------------------------------ */

static void
set_times (ElvesOutcome *outcome, const ElvesFlight *flight, gint64 call_us)
{
  outcome->started_us = flight->started_us;
  outcome->ended_us = g_get_real_time ();
  outcome->call_us = call_us;
  outcome->call_ms = (gint32) MIN (call_us / 1000, G_MAXINT32);
}

static void
end (ElvesDispatch *self,
     ElvesFlight *flight,
     ElvesReason reason,
     const char *detail,
     gint64 call_us)
{
  g_auto (ElvesOutcome) outcome = { 0 };

  elves_outcome_init_failure (&outcome, reason, detail);
  set_times (&outcome, flight, call_us);
  self->callbacks->ended (flight, &outcome, self->user_data);
}

static void
pause_flight (ElvesDispatch *self, ElvesFlight *flight)
{
  if (!flight->may_have_started)
    elves_scheduler_metrics.retries++;
  if (elves_flight_advance (flight, ELVES_FLIGHT_PAUSE))
    self->callbacks->paused (flight, self->user_data);
}

/* Whether @flight still has time, with @more_ms beyond its timeout. */
static gboolean
is_in_time (const ElvesFlight *flight, guint more_ms)
{
  gint64 timeout_ms = (gint64) flight->job->instruct->timeout_s * 1000;

  return timeout_ms <= 0 ||
         g_get_monotonic_time () < flight->taken_us + (timeout_ms + more_ms) * 1000;
}

static gboolean
may_call_again (ElvesDispatch *self, const ElvesFlight *flight)
{
  if (flight->is_poison)
    return FALSE;
  if (!flight->may_have_started)
    return flight->tries <= flight->job->retries && is_in_time (flight, 0);
  return flight->has_journal && (flight->job->kind == ELVES_JOB_ASYNC ||
                                 is_in_time (flight, self->options.call_timeout_ms));
}

static gboolean
says_never_started (ElvesReason reason)
{
  return reason == ELVES_REASON_NOT_REGISTERED || reason == ELVES_REASON_UNREACHABLE ||
         reason == ELVES_REASON_REFUSED || reason == ELVES_REASON_BUSY;
}

static void
on_failed (ElvesDispatch *self,
           ElvesFlight *flight,
           ElvesReason reason,
           const char *detail,
           gint64 call_us)
{
  if (flight->state != ELVES_FLIGHT_CALLING)
    return; /* its result was here before */

  flight->tries++;
  if (!says_never_started (reason))
    flight->may_have_started = TRUE;
  if (may_call_again (self, flight))
    pause_flight (self, flight);
  else if (flight->may_have_started && says_never_started (reason))
    end (self, flight, ELVES_REASON_OUTCOME_UNKNOWN, detail, call_us);
  else
    end (self, flight, reason, detail, call_us);
}

/* --- answers --------------------------------------------------------------------------------- */

static void
settle (ElvesDispatch *self, ElvesFlight *flight)
{
  if (flight->state < ELVES_FLIGHT_PUBLISHING &&
      elves_flight_advance (flight, ELVES_FLIGHT_SETTLED))
    self->callbacks->settled (flight, self->user_data);
}

static void
accept (ElvesDispatch *self, ElvesFlight *flight, const ElvesReinstruct *answer, gint64 call_us)
{
  g_auto (ElvesOutcome) outcome = { 0 };

  elves_outcome_init_answer (&outcome, answer);
  set_times (&outcome, flight, call_us);
  if (elves_flight_advance (flight, ELVES_FLIGHT_TAKEN))
    self->callbacks->accepted (flight, &outcome, answer->instruct->execution, self->user_data);
}

/* The agent took an async job, or said that it does not. */
static void
on_acknowledged (ElvesDispatch *self,
                 ElvesFlight *flight,
                 const ElvesReinstruct *answer,
                 gint64 call_us)
{
  if (answer->state == 3)
    settle (self, flight);
  else if (answer->flag >= 0)
    accept (self, flight, answer, call_us);
  else if (answer->reason == ELVES_REASON_BUSY)
    on_failed (self, flight, answer->reason, "the agent did not take the job", call_us);
  else if (flight->state == ELVES_FLIGHT_CALLING)
    end (self, flight, answer->reason, "the agent did not take the job", call_us);
}

static void
on_sync_answered (ElvesDispatch *self,
                  ElvesFlight *flight,
                  const ElvesReinstruct *answer,
                  gint64 call_us)
{
  g_auto (ElvesOutcome) outcome = { 0 };

  if (answer->flag == -1 && answer->reason == ELVES_REASON_BUSY)
    {
      flight->tries++;
      if (may_call_again (self, flight))
        {
          pause_flight (self, flight);
          return;
        }
    }
  elves_outcome_init_answer (&outcome, answer);
  set_times (&outcome, flight, call_us);
  self->callbacks->ended (flight, &outcome, self->user_data);
}

static void
on_answered (const ElvesReinstruct *answer,
             ElvesReason reason,
             const char *detail,
             gint64 call_us,
             gpointer user_data)
{
  Call *call = user_data;
  ElvesDispatch *self = call->dispatch;
  g_autoptr (ElvesFlight) flight = elves_flight_ref (call->flight);

  call_free (call);
  ELVES_CRASH_POINT ("after-send");
  if (answer == NULL)
    on_failed (self, flight, reason, detail, call_us);
  else if (flight->job->kind == ELVES_JOB_ASYNC)
    on_acknowledged (self, flight, answer, call_us);
  else
    on_sync_answered (self, flight, answer, call_us);
}

/* What its journal knows of it. A job that was delivered too often is still CALLING. */
static void
on_state_told (const ElvesReinstruct *answer,
               ElvesReason reason,
               const char *detail,
               gint64 call_us,
               gpointer user_data)
{
  Call *call = user_data;
  ElvesDispatch *self = call->dispatch;
  g_autoptr (ElvesFlight) flight = elves_flight_ref (call->flight);
  gint32 state = answer != NULL ? answer->state : ELVES_STATE_UNSET;
  gboolean answered = answer != NULL && (state != ELVES_STATE_UNSET || answer->flag >= 0);

  call_free (call);
  if (flight->state != ELVES_FLIGHT_CALLING && flight->state != ELVES_FLIGHT_ACCEPTED)
    return;
  flight->finished_seen = state == 2 ? flight->finished_seen + 1 : 0;
  if (state == 3)
    settle (self, flight);
  else if (state >= 0 && state < 3 && flight->state == ELVES_FLIGHT_CALLING)
    accept (self, flight, answer, call_us);
  else if (state >= 0 && state < 3)
    self->callbacks->heard (flight, TRUE, self->user_data);
  else if (answered)
    end (self, flight, ELVES_REASON_OUTCOME_UNKNOWN, "the agent's journal does not know the job",
         call_us);
  else if (flight->state == ELVES_FLIGHT_CALLING)
    end (self, flight, ELVES_REASON_OUTCOME_UNKNOWN, detail, call_us);
  else
    self->callbacks->heard (flight, FALSE, self->user_data);
}

/* --- calls ----------------------------------------------------------------------------------- */

static Call *
new_call (ElvesDispatch *self, ElvesFlight *flight)
{
  Call *call = g_new0 (Call, 1);

  call->dispatch = self;
  call->flight = elves_flight_ref (flight);
  call->place.data = call;
  g_queue_push_tail_link (&self->calls, &call->place);
  return call;
}

static void
call_agent (ElvesDispatch *self, const ElvesAgentRecord *agent, ElvesFlight *flight)
{
  ELVES_CRASH_POINT ("before-send");
  elves_agent_pool_call (self->pool, agent->host, agent->port, agent->takes_lists,
                         flight->job->kind, flight->job->instruct, on_answered,
                         new_call (self, flight));
}

static void
ask_agent (ElvesDispatch *self, const ElvesAgentRecord *agent, ElvesFlight *flight)
{
  g_autoptr (ElvesInstruct) question = elves_instruct_copy (flight->job->instruct);

  question->query_only = TRUE;
  g_bytes_unref (question->param);
  question->param = g_bytes_new_static ("", 0);
  elves_agent_pool_call (self->pool, agent->host, agent->port, agent->takes_lists, ELVES_JOB_ASYNC,
                         question, on_state_told, new_call (self, flight));
}

static const ElvesAgentRecord *
look_up (ElvesDispatch *self, ElvesFlight *flight)
{
  const ElvesAgentRecord *agent =
      elves_agent_table_lookup (self->agents, flight->job->instruct->ip);

  if (agent != NULL)
    flight->missing_since_us = 0;
  else if (flight->missing_since_us == 0)
    flight->missing_since_us = g_get_monotonic_time ();
  return agent;
}

/* A call that is not the first, as far as anybody can know: only what an agent's journal can tell
   from the first one. FALSE: @why not. */
static gboolean
may_repeat (const ElvesFlight *flight, const ElvesAgentRecord *agent, const char **why)
{
  *why = NULL;
  if (agent != NULL && !agent->has_journal)
    *why = "it was delivered before and its agent keeps no journal: it is not run again";
  else if (flight->job->kind == ELVES_JOB_SYNC && !flight->has_own_key)
    *why = "it was delivered before and names no id: it is not run again";
  else if (flight->is_poison &&
           (agent == NULL || flight->job->kind == ELVES_JOB_SYNC || !flight->has_own_key))
    *why = "it was delivered too often without ever reaching its agent";
  return *why == NULL;
}

static void
repeat (ElvesDispatch *self, const ElvesAgentRecord *agent, ElvesFlight *flight)
{
  const char *why;

  if (!may_repeat (flight, agent, &why))
    end (self, flight, ELVES_REASON_OUTCOME_UNKNOWN, why, 0);
  else if (agent == NULL)
    pause_flight (self, flight);
  else if (flight->is_poison)
    ask_agent (self, agent, flight);
  else
    call_agent (self, agent, flight);
}

/**
 * elves_dispatch_flight:
 * @self: the dispatcher.
 * @flight: a new flight, or one that has paused. What comes of it may be said before this returns.
 */
void
elves_dispatch_flight (ElvesDispatch *self, ElvesFlight *flight)
{
  const char *ip = flight->job->instruct->ip;
  const ElvesAgentRecord *agent = look_up (self, flight);
  gboolean dial = agent == NULL && self->options.dial_unregistered && *ip != '\0';

  elves_flight_advance (flight, ELVES_FLIGHT_DISPATCHED);
  flight->has_journal = agent != NULL && agent->has_journal;
  flight->job->instruct->held = flight->has_journal;
  if (flight->may_have_started && dial)
    end (self, flight, ELVES_REASON_OUTCOME_UNKNOWN,
         "it was delivered before and nothing is known of its agent: it is not run again", 0);
  else if (flight->may_have_started)
    repeat (self, agent, flight);
  else if (agent != NULL)
    call_agent (self, agent, flight);
  else if (dial)
    call_agent (
        self,
        &(ElvesAgentRecord){ .host = flight->job->instruct->ip, .port = self->options.agent_port },
        flight);
  else
    {
      g_autofree char *detail = g_strdup_printf ("no agent is registered as \"%s\"", ip);

      on_failed (self, flight, ELVES_REASON_NOT_REGISTERED, detail, 0);
    }
}

/**
 * elves_dispatch_ask:
 * @self: the dispatcher.
 * @flight: an accepted one, of an agent with a journal.
 */
void
elves_dispatch_ask (ElvesDispatch *self, ElvesFlight *flight)
{
  const ElvesAgentRecord *agent = look_up (self, flight);

  if (agent == NULL)
    self->callbacks->heard (flight, FALSE, self->user_data);
  else if (!agent->has_journal)
    end (self, flight, ELVES_REASON_OUTCOME_UNKNOWN, "its agent keeps no journal any more", 0);
  else
    ask_agent (self, agent, flight);
}
