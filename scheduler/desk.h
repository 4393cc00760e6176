/* What others ask the scheduler itself: agents; and about jobs that are with an agent: cancelJob,
   readOutput. Answers go as those of cron and queue do (elves-amqp.md 4); a message is acknowledged
   when its answer is confirmed. It holds no state but what is under way. */
#pragma once

#include "common/job-message.h"
#include "scheduler/agent-table.h"
#include "scheduler/errands.h"
#include "scheduler/keeper.h"
#include "scheduler/replies.h"

G_BEGIN_DECLS

typedef struct ElvesDesk ElvesDesk;

/* All must outlive the desk but @errands, which goes before it and forgets what is under way. */
typedef struct
{
  const ElvesMessageRules *rules;
  ElvesAgentTable *agents;
  gboolean dial_unregistered; /* an agent that is not registered is asked at @agent_port */
  guint16 agent_port;
  ElvesErrands *errands;
  ElvesDeadlines *deadlines;
  ElvesJobTable *jobs;
  ElvesKeeper *keeper;
  ElvesReplies *replies;
  ElvesDeliveryDoneFunc done; /* a delivery needs nothing more */
  gpointer user_data;
} ElvesDeskParts;

ElvesDesk *elves_desk_new (const ElvesDeskParts *parts);
void elves_desk_free (ElvesDesk *self); /* after the publisher */
/* A message that asks for no job. FALSE: nor for anything here. */
gboolean elves_desk_take (ElvesDesk *self, const ElvesDelivery *delivery);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesDesk, elves_desk_free)

G_END_DECLS
