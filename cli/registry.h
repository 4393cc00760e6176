/* The agents that ZooKeeper lists, for somebody who sits there and waits. Blocks. */
#pragma once

#include "cli/settings.h"

G_BEGIN_DECLS

typedef struct ElvesCliRegistry ElvesCliRegistry;

ElvesCliRegistry *elves_cli_registry_open (const ElvesCliSettings *settings, GError **error);
void elves_cli_registry_close (ElvesCliRegistry *self); /* NULL is fine */
/* (transfer full) of char *, sorted */
GPtrArray *elves_cli_registry_agents (ElvesCliRegistry *self, GError **error);
/* (transfer full) (nullable): what that agent registered; NULL: it has gone */
char *elves_cli_registry_read (ElvesCliRegistry *self, const char *agent);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesCliRegistry, elves_cli_registry_close)

G_END_DECLS
