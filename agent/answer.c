/* The end of a worker as the answer to its instruct: the verdict of agent/output, and the figures
 * that only our own schedulers read (exit status, what was killed, what lives on, size of the
 * output). Pure, but for a line in the log when processes live on. */
#include "agent/answer.h"

#include "common/log.h"

static void
add_figures (ElvesReinstruct *answer, const ElvesRunResult *run)
{
  answer->cost_ms = MIN (run->cost_ms, G_MAXINT32);
  if (run->end == ELVES_RUN_NOT_STARTED)
    return;
  if (run->end == ELVES_RUN_EXITED)
    answer->exit_status = run->status;
  else if (run->end == ELVES_RUN_SIGNALLED)
    answer->exit_status = 128 + run->status;
  answer->killed = MIN (run->killed, G_MAXINT32);
  answer->survivors = MIN (run->survivors, G_MAXINT32);
  answer->output_bytes = MIN (run->output_bytes, G_MAXINT64);
}

/* Left alive because that is configured, or because even KILL did not end them in time. */
static void
note_survivors (const ElvesAgentConfig *config, const ElvesInstruct *instruct, guint count)
{
  gboolean meant = config->leftovers == ELVES_LEFTOVERS_LEAVE;
  g_autofree char *id = elves_log_field ("job", instruct->id);
  g_log (G_LOG_DOMAIN, meant ? G_LOG_LEVEL_INFO : G_LOG_LEVEL_WARNING,
         "processes of a job live on %s app=%s count=%u", id, instruct->app, count);
}

/**
 * elves_answer_of_verdict:
 * @instruct: what was run; a reference is taken
 * @verdict: on it
 *
 * Returns: (transfer full): the answer, without figures
 */
ElvesReinstruct *
elves_answer_of_verdict (ElvesInstruct *instruct, const ElvesVerdict *verdict)
{
  ElvesReinstruct *answer = elves_reinstruct_new (instruct);
  answer->flag = verdict->flag;
  answer->reason = verdict->flag == -1 ? verdict->reason : ELVES_REASON_NONE;
  answer->result = g_bytes_ref (verdict->result);
  answer->truncated = verdict->cut;
  return answer;
}

/**
 * elves_answer_of_run:
 * @config: how output is judged, and its limit
 * @instruct: what was run; a reference is taken
 * @run: how it ended
 *
 * Returns: (transfer full): the answer
 */
ElvesReinstruct *
elves_answer_of_run (const ElvesAgentConfig *config,
                     ElvesInstruct *instruct,
                     const ElvesRunResult *run)
{
  g_auto (ElvesVerdict) verdict = { 0 };
  elves_output_judge (run, config->unmarked == ELVES_UNMARKED_EXIT_STATUS,
                      config->output_limit_bytes, &verdict);
  ElvesReinstruct *answer = elves_answer_of_verdict (instruct, &verdict);
  add_figures (answer, run);
  if (run->survivors > 0)
    note_survivors (config, instruct, run->survivors);
  return answer;
}

/**
 * elves_answer_not_started:
 * @instruct: what was asked; a reference is taken
 * @cause: why its worker could not be started
 *
 * Returns: (transfer full): the answer, reason `spawn-failed`
 */
ElvesReinstruct *
elves_answer_not_started (ElvesInstruct *instruct, const char *cause)
{
  g_autofree char *text = g_strconcat ("app exec error : ", cause, NULL);
  return elves_reinstruct_failure (instruct, ELVES_REASON_SPAWN_FAILED, text);
}
