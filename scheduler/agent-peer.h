/* One agent as the pool sees it: calls that wait, and the connections that carry them.
   Only agent-pool uses it. */
#pragma once

#include "scheduler/agent-pool.h"

G_BEGIN_DECLS

typedef struct ElvesAgentPeer ElvesAgentPeer;

/* What all peers share. */
typedef struct
{
  ElvesPoller *poller;
  ElvesDeadlines *deadlines;
  ElvesAgentPoolOptions options;
  /* Some call waits or some line got free: call _pump() at the end of this turn of the loop. */
  void (*wants_pump) (ElvesAgentPeer *peer, gpointer user_data);
  gpointer user_data;
} ElvesAgentPeerShared;

ElvesAgentPeer *
elves_agent_peer_new (const ElvesAgentPeerShared *shared, const char *host, guint16 port);
void elves_agent_peer_free (ElvesAgentPeer *self);
void elves_agent_peer_add (ElvesAgentPeer *self,
                           gboolean takes_lists,
                           ElvesJobKind kind,
                           ElvesInstruct *instruct,
                           ElvesAgentAnswerFunc func,
                           gpointer user_data);
void elves_agent_peer_pump (ElvesAgentPeer *self);
void elves_agent_peer_close_idle (ElvesAgentPeer *self, gint64 older_than_us);
guint elves_agent_peer_lines (const ElvesAgentPeer *self);
guint elves_agent_peer_waiting (const ElvesAgentPeer *self);
gboolean elves_agent_peer_is_unused (const ElvesAgentPeer *self); /* no line, no call */

G_END_DECLS
