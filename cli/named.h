/* A job on a host, as it is named on the command line: IP ID, or IP --execution KEY. */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

typedef struct
{
  char *ip, *id; /* @id: (nullable) */
  char *type, *execution;
} ElvesCliNamed;

/* @self: all zero. @more: options of the command; ends with a NULL entry. */
gboolean elves_cli_named_parse (ElvesCliNamed *self,
                                const char *summary,
                                const GOptionEntry *more,
                                int argc,
                                char **argv,
                                GError **error);
/* (transfer full): the members that name it, to be added to. */
JsonBuilder *elves_cli_named_body (const ElvesCliNamed *self);
void elves_cli_named_clear (ElvesCliNamed *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ElvesCliNamed, elves_cli_named_clear)

G_END_DECLS
