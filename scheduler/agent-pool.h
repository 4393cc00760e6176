/* Calls to agents: queues for each agent, kept connections, calls leaving in lists. */
#pragma once

#include "common/deadlines.h"
#include "common/job.h"
#include "common/thrift-link.h"

G_BEGIN_DECLS

typedef struct ElvesAgentPool ElvesAgentPool;

typedef struct
{
  ElvesThriftLinkOptions link;
  guint
      call_timeout_ms;  /* async answer; sync: added to the job's own timeout; waiting for a line */
  guint idle_s;         /* a line idle for longer is closed */
  guint max_lines;      /* to one agent */
  guint max_waiting;    /* calls waiting for a line to one agent */
  guint max_batch;      /* instructions in one list */
  gsize max_list_bytes; /* of one list; a larger instruction goes on a line of its own */
  guint max_in_flight;  /* calls not answered on a trunk */
} ElvesAgentPoolOptions;

/* Once for each call, from the main loop. @answer: NULL when there is none, then @reason and
   @detail say why; it is valid during the call. @call_us: from handing in to the answer. */
typedef void (*ElvesAgentAnswerFunc) (const ElvesReinstruct *answer,
                                      ElvesReason reason,
                                      const char *detail,
                                      gint64 call_us,
                                      gpointer user_data);

ElvesAgentPool *elves_agent_pool_new (ElvesPoller *poller,
                                      ElvesDeadlines *deadlines,
                                      const ElvesAgentPoolOptions *options);
void elves_agent_pool_free (ElvesAgentPool *self); /* calls under way are forgotten: no callback */

void elves_agent_pool_call (ElvesAgentPool *self,
                            const char *host,
                            guint16 port,
                            gboolean takes_lists,
                            ElvesJobKind kind,
                            ElvesInstruct *instruct,
                            ElvesAgentAnswerFunc func,
                            gpointer user_data);

/* Agents with a connection, and calls that wait for one. */
void elves_agent_pool_count (const ElvesAgentPool *self, guint *out_connected, guint *out_waiting);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesAgentPool, elves_agent_pool_free)

G_END_DECLS
