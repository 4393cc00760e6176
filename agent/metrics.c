/* The names of the agent's numbers. Each is in elves-agent(8), too; a test compares. */

#include "agent/metrics.h"

#define FIELD(name) G_STRUCT_OFFSET (ElvesAgentMetrics, name)
#define PREFIX "elves_agent_"

ElvesAgentMetrics elves_agent_metrics;

static const char *
reason_text (guint index)
{
  return elves_reason_text ((ElvesReason) index);
}

const ElvesMetric elves_agent_metric_table[] = {
  { PREFIX "jobs_asked_total", ELVES_METRIC_COUNTER, FIELD (sync_calls), "Jobs asked for.",
    "kind=\"sync\"" },
  { PREFIX "jobs_asked_total", ELVES_METRIC_COUNTER, FIELD (async_jobs), NULL, "kind=\"async\"" },
  { PREFIX "duplicates_total", ELVES_METRIC_COUNTER, FIELD (duplicates),
    "Jobs asked for whose execution was known: not run again." },
  { PREFIX "refused_total", ELVES_METRIC_COUNTER, FIELD (refused), "Jobs refused as busy." },

  { PREFIX "executions_total", ELVES_METRIC_COUNTER, FIELD (ended_succeeded),
    "Executions that have ended, by how.", "outcome=\"success\"" },
  { PREFIX "executions_total", ELVES_METRIC_COUNTER, FIELD (ended_failed), NULL,
    "outcome=\"failure\"" },
  { PREFIX "executions_total", ELVES_METRIC_COUNTER, FIELD (ended_in_error), NULL,
    "outcome=\"error\"", "reason", reason_text, ELVES_N_REASONS },
  { PREFIX "leftovers_killed_total", ELVES_METRIC_COUNTER, FIELD (leftovers_killed),
    "Processes killed that outlived their worker." },

  { PREFIX "warm_calls_total", ELVES_METRIC_COUNTER, FIELD (warm_calls),
    "Calls handed to warm workers." },
  { PREFIX "warm_starts_total", ELVES_METRIC_COUNTER, FIELD (warm_starts),
    "Warm workers started." },
  { PREFIX "warm_failures_total", ELVES_METRIC_COUNTER, FIELD (warm_failures),
    "Warm workers that ended without being told to." },

  { PREFIX "results_taken_total", ELVES_METRIC_COUNTER, FIELD (results_taken),
    "Results that a scheduler has taken." },
  { PREFIX "reports_failed_total", ELVES_METRIC_COUNTER, FIELD (reports_failed),
    "Tries to report a result that failed." },
  { PREFIX "results_set_aside_total", ELVES_METRIC_COUNTER, FIELD (results_set_aside),
    "Results kept in the journal because no scheduler knows their job." },
  { PREFIX "journal_commits_total", ELVES_METRIC_COUNTER, FIELD (journal_commits),
    "Transactions of the journal." },
  { PREFIX "journal_errors_total", ELVES_METRIC_COUNTER, FIELD (journal_errors),
    "Transactions of the journal that failed." },
  { PREFIX "connects_total", ELVES_METRIC_COUNTER, FIELD (registry_connects),
    "Connections made; more than one: reconnected.", "to=\"zookeeper\"" },

  { PREFIX "running", ELVES_METRIC_GAUGE, FIELD (running), "Workers that run." },
  { PREFIX "waiting", ELVES_METRIC_GAUGE, FIELD (waiting), "Jobs that wait for a worker." },
  { PREFIX "warm_workers", ELVES_METRIC_GAUGE, FIELD (warm_workers), "Warm workers that live." },
  { PREFIX "outbox_results", ELVES_METRIC_GAUGE, FIELD (outbox_results),
    "Results that no scheduler has taken yet." },
  { PREFIX "journal_records", ELVES_METRIC_GAUGE, FIELD (journal_records),
    "Executions in the journal." },
  { PREFIX "journal_bytes", ELVES_METRIC_GAUGE, FIELD (journal_bytes), "Size of the journal." },
  { PREFIX "journal_failing", ELVES_METRIC_GAUGE, FIELD (journal_failing),
    "1 when the journal does not take what it is given, else 0." },
  { PREFIX "up", ELVES_METRIC_GAUGE, FIELD (registered), "1 when it works, else 0.",
    "part=\"registry\"" },

  { PREFIX "hop_seconds", ELVES_METRIC_HISTOGRAM, FIELD (wait_for_turn),
    "Time jobs have spent between two points of their way.", "hop=\"accept-start\"" },
  { PREFIX "hop_seconds", ELVES_METRIC_HISTOGRAM, FIELD (run), NULL, "hop=\"start-finish\"" },
  { PREFIX "hop_seconds", ELVES_METRIC_HISTOGRAM, FIELD (accept_to_durable), NULL,
    "hop=\"accept-durable\"" },
  { PREFIX "hop_seconds", ELVES_METRIC_HISTOGRAM, FIELD (finish_to_taken), NULL,
    "hop=\"finish-taken\"" },
  { NULL }
};

/**
 * elves_agent_metrics_count_result:
 * @result: of an execution that has just ended
 */
void
elves_agent_metrics_count_result (const ElvesReinstruct *result)
{
  if (result->flag == 1)
    elves_agent_metrics.ended_succeeded++;
  else if (result->flag == 0)
    elves_agent_metrics.ended_failed++;
  else
    elves_agent_metrics.ended_in_error[result->reason]++;
  elves_agent_metrics.leftovers_killed += (guint64) MAX (result->killed, 0);
}
