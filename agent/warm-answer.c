/* What is answered for a call of a warm worker: by the rules of agent/answer, as far as they apply.
   Pure. */
#include "agent/answer.h"
#include "agent/output.h"
#include "agent/warm-private.h"

static gint32
cost_of (const ElvesWarmCall *call)
{
  return MIN ((g_get_monotonic_time () - call->sent_us) / 1000, G_MAXINT32);
}

/* The worker said so itself. */
ElvesReinstruct *
elves_warm_answer (const ElvesAgentConfig *config,
                   const ElvesWarmCall *call,
                   gboolean flag,
                   GBytes *result)
{
  g_auto (ElvesVerdict) verdict = { 0 };
  elves_output_judge_answer (flag, result, config->output_limit_bytes, &verdict);
  ElvesReinstruct *answer = elves_answer_of_verdict (call->instruct, &verdict);
  answer->cost_ms = cost_of (call);
  answer->output_bytes = g_bytes_get_size (result);
  return answer;
}

/* With the end of what the worker wrote to its error output. */
ElvesReinstruct *
elves_warm_answer_of_fault (const ElvesWarmCall *call,
                            ElvesReason reason,
                            const char *what,
                            const ElvesRunResult *run)
{
  g_auto (ElvesVerdict) verdict = { 0 };
  elves_output_fail (run, reason, what, &verdict);
  ElvesReinstruct *answer = elves_answer_of_verdict (call->instruct, &verdict);
  answer->cost_ms = cost_of (call);
  answer->killed = MIN (run->killed, G_MAXINT32);
  answer->survivors = MIN (run->survivors, G_MAXINT32);
  return answer;
}

/* The worker ended without having answered. One that exits with 0 has not succeeded. */
ElvesReinstruct *
elves_warm_answer_of_end (const ElvesAgentConfig *config,
                          const ElvesWarmCall *call,
                          const ElvesRunResult *run)
{
  ElvesRunResult mine = *run;
  if (call->timed_out || call->cancelled)
    mine.end = call->timed_out ? ELVES_RUN_TIMED_OUT : ELVES_RUN_CANCELLED;
  mine.cost_ms = cost_of (call);
  if (mine.end == ELVES_RUN_EXITED && mine.status == 0)
    return elves_warm_answer_of_fault (call, ELVES_REASON_BAD_OUTPUT,
                                       "the worker ended without an answer", run);
  return elves_answer_of_run (config, call->instruct, &mine);
}
