/* The agents that are registered now, by ip: what the last content of their znode said.
   Pure: the registry feeds it. Source of the content: design.md section 4. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct ElvesAgentTable ElvesAgentTable;

typedef struct
{
  char *ip;             /* the znode's name */
  char *host;           /* where to connect: the member "ip", else the znode's name; may be @ip */
  guint16 port;         /* the member "port", else the default */
  GRefString *type;     /* "elves-c", or what a foreign agent wrote; "" */
  GRefString *version;  /* "" */
  gboolean has_journal; /* its member "features" has "journal" */
  gboolean takes_lists; /* the same of "lists" */
} ElvesAgentRecord;

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
guint elves_agent_table_size (ElvesAgentTable *self);
guint elves_agent_table_journals (ElvesAgentTable *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesAgentTable, elves_agent_table_free)

G_END_DECLS
