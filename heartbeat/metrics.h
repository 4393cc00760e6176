/* What the heartbeat counts about itself; one for the process. Main thread only. */
#pragma once

#include "common/component.h"

G_BEGIN_DECLS

typedef struct
{
  ElvesComponentMetrics component;
  guint64 beats;              /* heartbeats taken */
  guint64 beats_left_out;     /* of them, not kept: no ip, too many agents, table not read yet */
  guint64 beats_known, nodes; /* agents known by their beats; by their nodes */
  guint64 registry_connects, registered;
  guint64 supervisor_failures; /* the supervisor was asked and gave no list */
} ElvesHeartbeatMetrics;

extern ElvesHeartbeatMetrics elves_heartbeat_metrics;
extern const ElvesMetric elves_heartbeat_metric_table[];

G_END_DECLS
