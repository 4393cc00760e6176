/* What ZooKeeper keeps of an agent <-> what the roster knows. Pure.
 * Source: elves-zookeeper.md section 4 (beats), design.md section 4 (nodes of our own agents). */
#pragma once

#include "common/rpc-codec.h"
#include "heartbeat/roster.h"

G_BEGIN_DECLS

/* One agent, whose texts are its own. */
typedef struct
{
  ElvesRosterAgent agent;
  char *asset, *version, *apps;
} ElvesHeartbeatRecord;

void elves_heartbeat_record_clear (ElvesHeartbeatRecord *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ElvesHeartbeatRecord, elves_heartbeat_record_clear)

/* @ip: the node's name, lent. What cannot be read of an agent is "", of its apps "{}". */
void elves_heartbeat_record_from_info (ElvesHeartbeatRecord *self,
                                       const ElvesAgentInfo *info,
                                       gint64 now_ms);
gboolean elves_heartbeat_record_from_beat (ElvesHeartbeatRecord *self,
                                           const char *ip,
                                           const guint8 *data,
                                           gsize length,
                                           GError **error);
gboolean elves_heartbeat_record_from_node (ElvesHeartbeatRecord *self,
                                           const char *ip,
                                           const guint8 *data,
                                           gsize length,
                                           GError **error);

/* The content of the node of a beat. */
GBytes *elves_heartbeat_record_to_beat (const ElvesAgentInfo *info, gint64 now_ms);

G_END_DECLS
