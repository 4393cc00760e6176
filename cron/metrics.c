/* The names of elves-cron's numbers. Each is in elves-cron(8), too; a test compares. */

#include "cron/metrics.h"

#define FIELD(name) G_STRUCT_OFFSET (ElvesCronMetrics, name)
#define PREFIX "elves_cron_"

ElvesCronMetrics elves_cron_metrics;

const ElvesMetric elves_cron_metric_table[] = {
  ELVES_COMPONENT_METRIC_ROWS (PREFIX, ElvesCronMetrics, component),
  { PREFIX "up", ELVES_METRIC_GAUGE, FIELD (registered), NULL, "part=\"registry\"" },
  { PREFIX "up", ELVES_METRIC_GAUGE, FIELD (store_up), NULL, "part=\"store\"" },
  { PREFIX "leading", ELVES_METRIC_GAUGE, FIELD (leading), "1 when this process fires, else 0." },
  { PREFIX "elections_total", ELVES_METRIC_COUNTER, FIELD (elections),
    "Times this process has begun to lead." },
  { PREFIX "depositions_total", ELVES_METRIC_COUNTER, FIELD (depositions),
    "Times it has stopped to, without being told to end." },
  { PREFIX "schedules", ELVES_METRIC_GAUGE, FIELD (schedules), "Timed tasks that are started." },
  { PREFIX "outstanding", ELVES_METRIC_GAUGE, FIELD (outstanding),
    "Firings decided and not yet out." },

  { PREFIX "instants_total", ELVES_METRIC_COUNTER, FIELD (fired),
    "Planned instants, by what was decided; of missed ones, ranges.", "verdict=\"fire\"" },
  { PREFIX "instants_total", ELVES_METRIC_COUNTER, FIELD (queued), NULL, "verdict=\"queue\"" },
  { PREFIX "instants_total", ELVES_METRIC_COUNTER, FIELD (overlapped), NULL,
    "verdict=\"overlapped\"" },
  { PREFIX "instants_total", ELVES_METRIC_COUNTER, FIELD (missed_ranges), NULL,
    "verdict=\"missed\"" },
  { PREFIX "late_total", ELVES_METRIC_COUNTER, FIELD (late),
    "Instants that were out later than cron.lateAfter." },
  { PREFIX "doubled_total", ELVES_METRIC_COUNTER, FIELD (doubled),
    "Instants decided twice; the second was not published." },
  { PREFIX "recovered_total", ELVES_METRIC_COUNTER, FIELD (recovered),
    "Firings that an earlier leader has decided and this one has published." },
  { PREFIX "witnessed_total", ELVES_METRIC_COUNTER, FIELD (witnessed),
    "Firings that an earlier leader has published just before it ended." },

  { PREFIX "executions_total", ELVES_METRIC_COUNTER, FIELD (ended_well),
    "Executions that have ended.", "outcome=\"success\"" },
  { PREFIX "executions_total", ELVES_METRIC_COUNTER, FIELD (ended_badly), NULL,
    "outcome=\"failure\"" },
  { PREFIX "results_dropped_total", ELVES_METRIC_COUNTER, FIELD (results_unknown),
    "Results that changed nothing.", "cause=\"unknown\"" },
  { PREFIX "results_dropped_total", ELVES_METRIC_COUNTER, FIELD (results_late), NULL,
    "cause=\"duplicate\"" },
  { PREFIX "outcomes_retried_total", ELVES_METRIC_COUNTER, FIELD (outcomes_retried),
    "Outcomes written again because the database had refused them." },
  { PREFIX "given_up_total", ELVES_METRIC_COUNTER, FIELD (given_up),
    "Executions without a result that no longer hold up their task." },
  { PREFIX "callbacks_total", ELVES_METRIC_COUNTER, FIELD (callbacks), "HTTP requests sent." },
  { PREFIX "callbacks_refused_total", ELVES_METRIC_COUNTER, FIELD (callbacks_refused),
    "Callbacks that failed because too many wait for a host that takes none." },
  { PREFIX "callback_retries_total", ELVES_METRIC_COUNTER, FIELD (callback_retries),
    "Of them, those sent again." },
  { PREFIX "clock_jumps_total", ELVES_METRIC_COUNTER, FIELD (clock_jumps),
    "Times the wall clock was set, or the machine slept." },

  { PREFIX "store_waiting", ELVES_METRIC_GAUGE, FIELD (store_waiting),
    "Works waiting for the database." },
  { PREFIX "store_works_total", ELVES_METRIC_COUNTER, FIELD (store_works), "Works done." },
  { PREFIX "store_commits_total", ELVES_METRIC_COUNTER, FIELD (store_commits),
    "Transactions committed." },
  { PREFIX "store_failures_total", ELVES_METRIC_COUNTER, FIELD (store_failures),
    "Works that the database has failed, and attempts to reach it that did." },
  { PREFIX "store_refused_total", ELVES_METRIC_COUNTER, FIELD (store_refused),
    "Works refused because too many waited." },

  { PREFIX "record_seconds", ELVES_METRIC_HISTOGRAM, FIELD (record_to_commit),
    "Time from a decision until the database had it." },
  { PREFIX "lateness_seconds", ELVES_METRIC_HISTOGRAM, FIELD (lateness),
    "Time from a planned instant until the broker, or the receiver, had it." },
  { NULL }
};
