/* What the parts of a peer share.
 *
 * agent-peer.c        the calls that wait, and for what
 * agent-peer-lines.c  connections that carry one list or one call at a time
 * agent-peer-trunk.c  connections that carry lists, any number at a time */
#pragma once

#include "scheduler/agent-call.h"
#include "scheduler/agent-line.h"
#include "scheduler/agent-peer.h"
#include "scheduler/agent-trunk.h"

G_BEGIN_DECLS

/* Where a call waits: for a line, by ElvesJobKind; or for the trunk. */
enum
{
  ELVES_PEER_QUEUE_TRUNK = ELVES_JOB_ASYNC + 1,
  ELVES_PEER_N_QUEUES
};

struct ElvesAgentPeer
{
  const ElvesAgentPeerShared *shared;
  char *host;
  guint16 port;
  GQueue waiting[ELVES_PEER_N_QUEUES]; /* of ElvesAgentCall, by its place */

  /* agent-peer-lines.c */
  GQueue idle, busy; /* of Carrier; idle: last used first */
  gboolean list_under_way;

  /* agent-peer-trunk.c */
  ElvesAgentTrunk *trunk; /* (nullable) the one to put calls on */
  GPtrArray *retired;     /* of ElvesAgentTrunk */
  gboolean knows_no_lists;
};

/* The oldest one, about to be sent; it is the caller's now. */
ElvesAgentCall *elves_agent_peer_take_waiting (ElvesAgentPeer *self, guint queue);

/* Each puts waiting calls on connections, as far as these may be had. */
void elves_agent_peer_pump_lines (ElvesAgentPeer *self);
void elves_agent_peer_pump_trunk (ElvesAgentPeer *self);

void elves_agent_peer_close_idle_lines (ElvesAgentPeer *self, gint64 older_than_us);
void elves_agent_peer_close_idle_trunk (ElvesAgentPeer *self, gint64 older_than_us);
void elves_agent_peer_init_trunks (ElvesAgentPeer *self);
/* With the calls on them. */
void elves_agent_peer_free_lines (ElvesAgentPeer *self);
void elves_agent_peer_free_trunks (ElvesAgentPeer *self);

/* Whether a call may go on the trunk of an agent that says it takes lists. */
gboolean elves_agent_peer_may_list (const ElvesAgentPeer *self, const ElvesInstruct *instruct);

G_END_DECLS
