#include "heartbeat/metrics.h"

ElvesHeartbeatMetrics elves_heartbeat_metrics;

#define FIELD(name) G_STRUCT_OFFSET (ElvesHeartbeatMetrics, name)
#define NAME(name) "elves_heartbeat_" name

const ElvesMetric elves_heartbeat_metric_table[] = {
  ELVES_COMPONENT_METRIC_ROWS ("elves_heartbeat_", ElvesHeartbeatMetrics, component),
  { NAME ("beats_total"), ELVES_METRIC_COUNTER, FIELD (beats), "Heartbeats taken." },
  { NAME ("beats_left_out_total"), ELVES_METRIC_COUNTER, FIELD (beats_left_out),
    "Heartbeats answered and not kept." },
  { NAME ("agents"), ELVES_METRIC_GAUGE, FIELD (beats_known), "Agents known.",
    "known_by=\"beat\"" },
  { NAME ("agents"), ELVES_METRIC_GAUGE, FIELD (nodes), NULL, "known_by=\"node\"" },
  { NAME ("registry_connects_total"), ELVES_METRIC_COUNTER, FIELD (registry_connects),
    "Connections made to ZooKeeper." },
  { NAME ("registered"), ELVES_METRIC_GAUGE, FIELD (registered),
    "1 when connected to ZooKeeper, else 0." },
  { NAME ("supervisor_failures_total"), ELVES_METRIC_COUNTER, FIELD (supervisor_failures),
    "The supervisor was asked for the apps and gave no list." },
  { NULL }
};
