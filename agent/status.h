/* What the agent says about itself over HTTP: its numbers, and whether it works. */
#pragma once

#include "agent/config.h"
#include "agent/execution.h"
#include "agent/outbox.h"

G_BEGIN_DECLS

typedef struct ElvesAgentStatus ElvesAgentStatus;

/* What it looks at; all of it must outlive the status. */
typedef struct
{
  const ElvesAgentConfig *config;
  ElvesExecutor *executor;
  ElvesOutbox *outbox;
} ElvesAgentStatusParts;

ElvesAgentStatus *elves_agent_status_new (const ElvesAgentStatusParts *parts);
void elves_agent_status_free (ElvesAgentStatus *self);
void elves_agent_status_stopping (ElvesAgentStatus *self); /* (nullable) from now on: not healthy */

G_END_DECLS
