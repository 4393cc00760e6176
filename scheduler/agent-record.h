/* What an agent says of itself in its znode. Pure. Source of the content: elves-zookeeper.md. */
#pragma once

#include "common/labels.h"

G_BEGIN_DECLS

typedef struct
{
  char *ip;             /* the znode's name */
  char *host;           /* where to connect: the member "ip", else the znode's name; may be @ip */
  guint16 port;         /* the member "port", else the default */
  GRefString *type;     /* "elves-c", or what a foreign agent wrote; "" */
  GRefString *version;  /* "" */
  char *asset;          /* "" */
  char *started;        /* as it is there; "" */
  GRefString *apps;     /* labels (common/labels.h): name and version */
  GRefString *features; /* labels without values */
  GRefString *labels;
  gboolean has_journal; /* its member "features" has "journal" */
  gboolean takes_lists; /* the same of "lists" */
} ElvesAgentRecord;

/* @length 0: an empty node. NULL: it cannot be used. Errors: ELVES_ERROR_INVALID, or of JSON. */
ElvesAgentRecord *elves_agent_record_parse (const char *ip,
                                            guint16 default_port,
                                            const guint8 *data,
                                            gsize length,
                                            GError **error);
void elves_agent_record_free (ElvesAgentRecord *self);

/* Whether "features" has @feature. */
gboolean elves_agent_record_has (const ElvesAgentRecord *self, const char *feature);
/* What selectors ask for, an #ElvesSelectorGet: "ip", "version", "type", "app.NAME", labels. */
gboolean elves_agent_record_get (gconstpointer record, const char *name, ElvesLabelText *out_value);
/* One object, as the action "agents" answers it. @with_apps: else a member says that they are left
   out. */
void elves_agent_record_write (const ElvesAgentRecord *self, GString *json, gboolean with_apps);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesAgentRecord, elves_agent_record_free)

G_END_DECLS
