/* One connection to an agent, one call at a time: connect, send, wait for the answer or the
   deadline. Knows nothing of jobs or of other connections. */
#pragma once

#include "common/deadlines.h"
#include "common/instruct.h"
#include "common/thrift-link.h"

G_BEGIN_DECLS

typedef struct ElvesAgentLine ElvesAgentLine;

/* From the main loop, never from inside a call of ours. */
typedef struct
{
  /* @answers: of ElvesReinstruct, as many as were sent or fewer, in order; the line is free again.
   */
  void (*answered) (ElvesAgentLine *line, GPtrArray *answers, gpointer user_data);
  /* The line is dead; free it. Also when it was idle. @reason: what a call under way has to be
   * told. */
  void (*failed) (ElvesAgentLine *line, ElvesReason reason, const char *detail, gpointer user_data);
} ElvesAgentLineCallbacks;

ElvesAgentLine *elves_agent_line_open (ElvesPoller *poller,
                                       ElvesDeadlines *deadlines,
                                       const char *host,
                                       guint16 port,
                                       const ElvesThriftLinkOptions *options,
                                       const ElvesAgentLineCallbacks *callbacks,
                                       gpointer user_data);
void elves_agent_line_free (ElvesAgentLine *self); /* NULL is fine; no callback afterwards */

/* Not while an answer is awaited. @answer_timeout_ms runs from the moment the line is connected. */
void elves_agent_line_call_sync (ElvesAgentLine *self,
                                 const ElvesInstruct *instruct,
                                 gint64 answer_timeout_ms);
void
elves_agent_line_call_async (ElvesAgentLine *self, GPtrArray *instructs, gint64 answer_timeout_ms);

gint64 elves_agent_line_idle_since_us (ElvesAgentLine *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesAgentLine, elves_agent_line_free)

G_END_DECLS
