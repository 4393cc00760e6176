/* What is the same for a call on a line of its own and for one in a list. */
#include "scheduler/agent-call.h"

#include "common/error.h"
#include "scheduler/metrics.h"

/**
 * elves_agent_call_new:
 * @deadlines: where its deadline is kept.
 * @kind: sync or async.
 * @instruct: what to run; a reference is taken.
 * @func: told once how it ended.
 * @user_data: for @func.
 *
 * Returns: (transfer full): a call that waits.
 */
ElvesAgentCall *
elves_agent_call_new (ElvesDeadlines *deadlines,
                      ElvesJobKind kind,
                      ElvesInstruct *instruct,
                      ElvesAgentAnswerFunc func,
                      gpointer user_data)
{
  ElvesAgentCall *self = g_new0 (ElvesAgentCall, 1);

  self->deadlines = deadlines;
  self->kind = kind;
  self->instruct = elves_instruct_ref (instruct);
  self->func = func;
  self->user_data = user_data;
  self->since_us = g_get_monotonic_time ();
  self->place.data = self;
  return self;
}

/**
 * elves_agent_call_free:
 * @self: a call that is in no queue.
 */
void
elves_agent_call_free (ElvesAgentCall *self)
{
  elves_deadlines_disarm (self->deadlines, &self->deadline);
  elves_instruct_unref (self->instruct);
  g_free (self);
}

/**
 * elves_agent_call_leave:
 * @self: a call that is about to be sent.
 */
void
elves_agent_call_leave (ElvesAgentCall *self)
{
  elves_deadlines_disarm (self->deadlines, &self->deadline);
  self->sent_us = g_get_monotonic_time ();
  elves_histogram_add (&elves_scheduler_metrics.wait_for_call, self->sent_us - self->since_us);
}

/**
 * elves_agent_call_tell:
 * @self: a call that has ended.
 * @answer: (nullable): what the agent said.
 * @reason: why there is none.
 * @detail: the same in words.
 */
void
elves_agent_call_tell (ElvesAgentCall *self,
                       const ElvesReinstruct *answer,
                       ElvesReason reason,
                       const char *detail)
{
  gint64 now_us = g_get_monotonic_time ();

  if (self->sent_us != 0)
    elves_histogram_add (&elves_scheduler_metrics.call_to_answer, now_us - self->sent_us);
  self->func (answer, reason, detail, now_us - self->since_us, self->user_data);
}

/**
 * elves_agent_call_end:
 * @self: a call that has ended and is in no queue; freed.
 * @answer: (nullable): what the agent said.
 * @reason: why there is none.
 * @detail: the same in words.
 */
void
elves_agent_call_end (ElvesAgentCall *self,
                      const ElvesReinstruct *answer,
                      ElvesReason reason,
                      const char *detail)
{
  elves_agent_call_tell (self, answer, reason, detail);
  elves_agent_call_free (self);
}

/**
 * elves_agent_call_timeout_ms:
 * @self: a call.
 * @more_ms: for the answer itself.
 *
 * Returns: how long to wait for the answer: an acknowledgement comes at once, a result when the job
 * has ended.
 */
gint64
elves_agent_call_timeout_ms (const ElvesAgentCall *self, guint more_ms)
{
  if (self->kind == ELVES_JOB_ASYNC)
    return more_ms;
  return (gint64) MAX (self->instruct->timeout_s, 0) * 1000 + more_ms;
}

/**
 * elves_agent_call_reason_of_closing:
 * @connected: whether it had been.
 * @error: (nullable): why it ended.
 *
 * Returns: what to tell of calls that were on a connection.
 */
ElvesReason
elves_agent_call_reason_of_closing (gboolean connected, const GError *error)
{
  if (!connected)
    return g_error_matches (error, ELVES_ERROR, ELVES_ERROR_REFUSED) ? ELVES_REASON_REFUSED
                                                                     : ELVES_REASON_UNREACHABLE;
  if (error != NULL && !g_error_matches (error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE))
    return ELVES_REASON_OUTCOME_UNKNOWN;
  return ELVES_REASON_AGENT_LOST;
}
