/* What other components ask about agents: agentInfo, agentList (elves-amqp.md 7.3). Pure. */
#pragma once

#include "heartbeat/roster.h"

G_BEGIN_DECLS

#define ELVES_ERROR_TEXT_NO_AGENT "[414.1]Agent Info Not Found"

/* Each returns a mqbody (transfer full). */
GString *elves_answer_agent_info (const ElvesRoster *roster, const char *ip, gint64 now_ms);

typedef struct
{
  const char *ip, *asset; /* "": any */
  guint page_size, page;  /* from 1; either 0: all */
} ElvesAgentListFilter;

GString *elves_answer_agent_list (const ElvesRoster *roster,
                                  const ElvesAgentListFilter *filter,
                                  gint64 now_ms);

G_END_DECLS
