/* One call to an agent, from the moment it waits to its end. Only agent-pool's parts use it. */
#pragma once

#include "scheduler/agent-pool.h"

G_BEGIN_DECLS

typedef struct
{
  gpointer peer;    /* whose it is */
  gpointer carrier; /* on which it is, once it was sent */
  ElvesDeadlines *deadlines;
  ElvesJobKind kind;
  ElvesInstruct *instruct;
  ElvesAgentAnswerFunc func;
  gpointer user_data;
  gint64 since_us; /* it was handed in */
  gint64 sent_us;  /* it left; 0: not yet */
  gint32 number;   /* on its trunk */
  guint queue;     /* the peer's, in which it waits */
  ElvesDeadline deadline;
  GList place; /* in a queue of the peer, or of its trunk */
} ElvesAgentCall;

ElvesAgentCall *elves_agent_call_new (ElvesDeadlines *deadlines,
                                      ElvesJobKind kind,
                                      ElvesInstruct *instruct,
                                      ElvesAgentAnswerFunc func,
                                      gpointer user_data);
void elves_agent_call_free (ElvesAgentCall *self);
void elves_agent_call_leave (ElvesAgentCall *self); /* it waits no longer */
/* Tells who asked; does not free it. @answer: (nullable) */
void elves_agent_call_tell (ElvesAgentCall *self,
                            const ElvesReinstruct *answer,
                            ElvesReason reason,
                            const char *detail);
/* The same, and frees it: a call that is in no queue. */
void elves_agent_call_end (ElvesAgentCall *self,
                           const ElvesReinstruct *answer,
                           ElvesReason reason,
                           const char *detail);
gint64 elves_agent_call_timeout_ms (const ElvesAgentCall *self, guint more_ms);

/* What the end of a connection means for the calls on it. @error: (nullable) */
ElvesReason elves_agent_call_reason_of_closing (gboolean connected, const GError *error);

G_END_DECLS
