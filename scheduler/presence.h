/* Who is there, by ZooKeeper: the agents, into their table; and we, for whoever looks for a
 * scheduler. Main thread only; the callback comes from the loop. */
#pragma once

#include "scheduler/agent-table.h"
#include "scheduler/config.h"

G_BEGIN_DECLS

typedef struct ElvesPresence ElvesPresence;

/* All must outlive it. */
typedef struct
{
  const ElvesSchedulerConfig *config;
  ElvesAgentTable *agents;
  guint16 port;                          /* where agents report to */
  void (*complete) (gpointer user_data); /* all agents are in the table; again with each session */
  gpointer user_data;
} ElvesPresenceParts;

/* Only where elves_scheduler_config_uses_registry() says so. */
ElvesPresence *elves_presence_new (const ElvesPresenceParts *parts, GError **error);
void elves_presence_free (ElvesPresence *self); /* NULL is fine; our node goes at once */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesPresence, elves_presence_free)

G_END_DECLS
