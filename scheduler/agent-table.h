/* The agents that are registered now, by ip: what the last content of their znode said.
   Pure: the registry feeds it. Source of the content: design.md section 4. */
#pragma once

#include "scheduler/agent-record.h"

G_BEGIN_DECLS

typedef struct ElvesAgentTable ElvesAgentTable;

ElvesAgentTable *elves_agent_table_new (guint16 default_port);
void elves_agent_table_free (ElvesAgentTable *self);
gboolean elves_agent_table_set (ElvesAgentTable *self,
                                const char *ip,
                                const guint8 *data,
                                gsize length,
                                GError **error);
void elves_agent_table_remove (ElvesAgentTable *self, const char *ip);
const ElvesAgentRecord *elves_agent_table_lookup (ElvesAgentTable *self, const char *ip);
/* One of that type at random; takes time that grows with their number. */
const ElvesAgentRecord *elves_agent_table_draw (ElvesAgentTable *self, const char *type);
/* (transfer none) of ElvesAgentRecord, by ip; valid until the table changes. */
const GPtrArray *elves_agent_table_sorted (ElvesAgentTable *self);
guint elves_agent_table_size (ElvesAgentTable *self);
guint elves_agent_table_journals (ElvesAgentTable *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesAgentTable, elves_agent_table_free)

G_END_DECLS
