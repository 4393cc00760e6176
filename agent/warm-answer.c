/* What is answered for a call of a warm worker: by the rules of agent/answer, as far as they apply.
   Pure. */
#include "agent/answer.h"
#include "agent/output.h"
#include "agent/warm-private.h"

/* The worker said so itself. */
ElvesReinstruct *
elves_warm_answer (const ElvesAgentConfig *config,
                   ElvesInstruct *instruct,
                   gboolean flag,
                   GBytes *result)
{
  g_auto (ElvesVerdict) verdict = { 0 };
  elves_output_judge_answer (flag, result, config->output_limit_bytes, &verdict);
  ElvesReinstruct *answer = elves_answer_of_verdict (instruct, &verdict);
  answer->output_bytes = g_bytes_get_size (result);
  return answer;
}

/* The worker ended without having answered. One that exits with 0 has not succeeded. */
ElvesReinstruct *
elves_warm_answer_of_end (const ElvesAgentConfig *config,
                          ElvesInstruct *instruct,
                          const ElvesRunResult *run)
{
  if (run->end == ELVES_RUN_EXITED && run->status == 0)
    return elves_warm_answer_of_fault (instruct, ELVES_REASON_BAD_OUTPUT,
                                       "the worker ended without an answer", run);
  return elves_answer_of_run (config, instruct, run);
}

/* With the end of what the worker wrote to its error output. */
ElvesReinstruct *
elves_warm_answer_of_fault (ElvesInstruct *instruct,
                            ElvesReason reason,
                            const char *what,
                            const ElvesRunResult *run)
{
  g_auto (ElvesVerdict) verdict = { 0 };
  elves_output_fail (run, reason, what, &verdict);
  ElvesReinstruct *answer = elves_answer_of_verdict (instruct, &verdict);
  answer->killed = MIN (run->killed, G_MAXINT32);
  answer->survivors = MIN (run->survivors, G_MAXINT32);
  return answer;
}
