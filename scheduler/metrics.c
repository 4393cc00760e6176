/* The names of the scheduler's numbers. Each is in elves-scheduler(8), too; a test compares. */

#include "scheduler/metrics.h"

#define FIELD(name) G_STRUCT_OFFSET (ElvesSchedulerMetrics, name)
#define PREFIX "elves_scheduler_"

ElvesSchedulerMetrics elves_scheduler_metrics;

static const char *
reason_text (guint index)
{
  return elves_reason_text ((ElvesReason) index);
}

/**
 * elves_canary_step_text:
 * @step: an #ElvesCanaryStep
 *
 * Returns: its name in metrics and in the log
 */
const char *
elves_canary_step_text (guint step)
{
  static const char *const texts[] = { "out", "agent", "back" };

  return texts[step];
}

const ElvesMetric elves_scheduler_metric_table[] = {
  { PREFIX "deliveries_total", ELVES_METRIC_COUNTER, FIELD (deliveries),
    "Messages taken from the broker." },
  { PREFIX "redeliveries_total", ELVES_METRIC_COUNTER, FIELD (redelivered),
    "Messages that the broker has given out before." },
  { PREFIX "redeliveries_recognised_total", ELVES_METRIC_COUNTER, FIELD (redelivered_known),
    "Redelivered messages whose job was known here and not sent again." },
  { PREFIX "messages_refused_total", ELVES_METRIC_COUNTER, FIELD (messages_refused),
    "Messages that are no job, answered with the reason." },
  { PREFIX "messages_dropped_total", ELVES_METRIC_COUNTER, FIELD (messages_dropped),
    "Messages that are no job and have nobody to answer." },
  { PREFIX "acks_total", ELVES_METRIC_COUNTER, FIELD (acks), "Deliveries acknowledged." },
  { PREFIX "republished_total", ELVES_METRIC_COUNTER, FIELD (republished),
    "Deliveries replaced by a message that carries their key." },
  { PREFIX "dead_lettered_total", ELVES_METRIC_COUNTER, FIELD (dead_lettered),
    "Messages put into the dead-letter queue." },
  { PREFIX "retries_total", ELVES_METRIC_COUNTER, FIELD (retries),
    "Jobs tried again that provably never started." },
  { PREFIX "unrouted_total", ELVES_METRIC_COUNTER, FIELD (unrouted),
    "Replies and results that reached no queue." },
  { PREFIX "results_total", ELVES_METRIC_COUNTER, FIELD (results), "Results reported by agents." },
  { PREFIX "results_dropped_total", ELVES_METRIC_COUNTER, FIELD (results_duplicate),
    "Results that changed nothing.", "cause=\"duplicate\"" },
  { PREFIX "results_dropped_total", ELVES_METRIC_COUNTER, FIELD (results_unusable), NULL,
    "cause=\"unusable\"" },
  { PREFIX "results_sent_away_total", ELVES_METRIC_COUNTER, FIELD (results_sent_away),
    "Results not taken because the job's message is not here." },

  { PREFIX "jobs_total", ELVES_METRIC_COUNTER, FIELD (jobs_succeeded),
    "Jobs that have ended, by how.", "outcome=\"success\"" },
  { PREFIX "jobs_total", ELVES_METRIC_COUNTER, FIELD (jobs_failed), NULL, "outcome=\"failure\"" },
  { PREFIX "jobs_total", ELVES_METRIC_COUNTER, FIELD (jobs_in_error), NULL, "outcome=\"error\"",
    "reason", reason_text, ELVES_N_REASONS },

  { PREFIX "connects_total", ELVES_METRIC_COUNTER, FIELD (consumer_connects),
    "Connections made; more than one: reconnected.", "to=\"broker\",use=\"consume\"" },
  { PREFIX "connects_total", ELVES_METRIC_COUNTER, FIELD (publisher_connects), NULL,
    "to=\"broker\",use=\"publish\"" },
  { PREFIX "connects_total", ELVES_METRIC_COUNTER, FIELD (registry_connects), NULL,
    "to=\"zookeeper\",use=\"registry\"" },
  { PREFIX "watchdog_sent_total", ELVES_METRIC_COUNTER, FIELD (watchdog_sent),
    "Messages the scheduler has sent itself through the broker." },
  { PREFIX "watchdog_rebuilt_total", ELVES_METRIC_COUNTER, FIELD (consumer_stalled),
    "Connections rebuilt because such a message got stuck.", "use=\"consume\"" },
  { PREFIX "watchdog_rebuilt_total", ELVES_METRIC_COUNTER, FIELD (publisher_stalled), NULL,
    "use=\"publish\"" },

  { PREFIX "canary_sent_total", ELVES_METRIC_COUNTER, FIELD (canary_sent),
    "No-ops sent through broker and an agent and back." },
  { PREFIX "canary_failures_total", ELVES_METRIC_COUNTER, FIELD (canary_failed),
    "Such no-ops that did not come back, by the step they failed at.", NULL, "step",
    elves_canary_step_text, ELVES_N_CANARY_STEPS },
  { PREFIX "canary_last_microseconds", ELVES_METRIC_GAUGE, FIELD (canary_last_us),
    "Time the last that came back has taken." },

  { PREFIX "in_flight", ELVES_METRIC_GAUGE, FIELD (in_flight), "Jobs taken that have not ended." },
  { PREFIX "unconfirmed", ELVES_METRIC_GAUGE, FIELD (unconfirmed),
    "Publications that the broker has not confirmed." },
  { PREFIX "agents", ELVES_METRIC_GAUGE, FIELD (agents_registered), "Agents, by state.",
    "state=\"registered\"" },
  { PREFIX "agents", ELVES_METRIC_GAUGE, FIELD (agents_with_journal), NULL, "state=\"journal\"" },
  { PREFIX "agents", ELVES_METRIC_GAUGE, FIELD (agents_connected), NULL, "state=\"connected\"" },
  { PREFIX "calls_waiting", ELVES_METRIC_GAUGE, FIELD (calls_waiting),
    "Calls that wait for a connection to their agent." },
  { PREFIX "up", ELVES_METRIC_GAUGE, FIELD (consuming), "1 when it works, else 0.",
    "part=\"consumer\"" },
  { PREFIX "up", ELVES_METRIC_GAUGE, FIELD (publishing), NULL, "part=\"publisher\"" },
  { PREFIX "up", ELVES_METRIC_GAUGE, FIELD (registered), NULL, "part=\"registry\"" },

  { PREFIX "hop_seconds", ELVES_METRIC_HISTOGRAM, FIELD (wait_for_call),
    "Time jobs have spent between two points of their way.", "hop=\"intake-call\"" },
  { PREFIX "hop_seconds", ELVES_METRIC_HISTOGRAM, FIELD (call_to_answer), NULL,
    "hop=\"call-answer\"" },
  { PREFIX "hop_seconds", ELVES_METRIC_HISTOGRAM, FIELD (accept_to_outcome), NULL,
    "hop=\"accept-outcome\"" },
  { PREFIX "hop_seconds", ELVES_METRIC_HISTOGRAM, FIELD (outcome_to_confirm), NULL,
    "hop=\"outcome-confirm\"" },
  { PREFIX "watchdog_seconds", ELVES_METRIC_HISTOGRAM, FIELD (watchdog_round_trip),
    "Time such a message took through the broker and back." },
  { PREFIX "canary_seconds", ELVES_METRIC_HISTOGRAM, FIELD (canary_total),
    "Time such no-ops have taken, and between which points.", "hop=\"total\"" },
  { PREFIX "canary_seconds", ELVES_METRIC_HISTOGRAM, FIELD (canary_out), NULL, "hop=\"out\"" },
  { PREFIX "canary_seconds", ELVES_METRIC_HISTOGRAM, FIELD (canary_agent), NULL, "hop=\"agent\"" },
  { PREFIX "canary_seconds", ELVES_METRIC_HISTOGRAM, FIELD (canary_back), NULL, "hop=\"back\"" },
  { NULL }
};

/**
 * elves_scheduler_metrics_count_outcome:
 * @outcome: of a job that has just ended
 */
void
elves_scheduler_metrics_count_outcome (const ElvesOutcome *outcome)
{
  if (outcome->delivered && outcome->worker_flag == 1)
    elves_scheduler_metrics.jobs_succeeded++;
  else if (outcome->delivered && outcome->worker_flag == 0)
    elves_scheduler_metrics.jobs_failed++;
  else
    elves_scheduler_metrics.jobs_in_error[outcome->reason]++;
}
