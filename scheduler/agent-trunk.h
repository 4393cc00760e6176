/* One connection to an agent that takes lists: any number of calls at a time, each answered by its
   number. Knows nothing of jobs or of other connections. */
#pragma once

#include "common/thrift-link.h"
#include "scheduler/agent-call.h"

G_BEGIN_DECLS

typedef struct ElvesAgentTrunk ElvesAgentTrunk;

/* From the main loop, never from inside a call of ours. */
typedef struct
{
  /* @call is yours now; more may be sent from inside. */
  void (*answered) (ElvesAgentTrunk *trunk,
                    ElvesAgentCall *call,
                    const ElvesReinstruct *answer,
                    gpointer user_data);
  /* No answer in time; @call is yours now. The trunk may be freed from inside. */
  void (*timed_out) (ElvesAgentTrunk *trunk, ElvesAgentCall *call, gpointer user_data);
  /* The trunk is dead: take its calls and free it. @unknown: the agent does not know lists, and has
   * started none of them; else @reason is what they have to be told. */
  void (*failed) (ElvesAgentTrunk *trunk,
                  gboolean unknown,
                  ElvesReason reason,
                  const char *detail,
                  gpointer user_data);
} ElvesAgentTrunkCallbacks;

ElvesAgentTrunk *elves_agent_trunk_open (ElvesPoller *poller,
                                         ElvesDeadlines *deadlines,
                                         const char *host,
                                         guint16 port,
                                         const ElvesAgentPoolOptions *options,
                                         const ElvesAgentTrunkCallbacks *callbacks,
                                         gpointer user_data);
void elves_agent_trunk_free (ElvesAgentTrunk *self); /* NULL is fine; its calls too */

void elves_agent_trunk_send (ElvesAgentTrunk *self, GPtrArray *calls); /* takes each */
ElvesAgentCall *elves_agent_trunk_take_call (ElvesAgentTrunk *self); /* oldest first; NULL: none */

guint elves_agent_trunk_calls (const ElvesAgentTrunk *self); /* under way */
gint64 elves_agent_trunk_heard_us (const ElvesAgentTrunk *self);

G_END_DECLS
