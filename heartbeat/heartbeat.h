/* elves-heartbeat: who is there. Takes the heartbeats of agents that do not register themselves,
 * keeps them in ZooKeeper, and tells other components about all agents. */
#pragma once

#include "common/daemon.h"
#include "heartbeat/config.h"

G_BEGIN_DECLS

typedef struct ElvesHeartbeat ElvesHeartbeat;

ElvesHeartbeat *
elves_heartbeat_new (const ElvesHeartbeatConfig *config, ElvesDaemon *daemon, GError **error);
void elves_heartbeat_stop (ElvesHeartbeat *self); /* quits the daemon */
void elves_heartbeat_free (ElvesHeartbeat *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesHeartbeat, elves_heartbeat_free)

G_END_DECLS
