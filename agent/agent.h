/* The agent as a whole. */
#pragma once

#include "common/daemon.h"

G_BEGIN_DECLS

typedef struct ElvesAgent ElvesAgent;

ElvesAgent *elves_agent_start (gconstpointer config, ElvesDaemon *daemon, GError **error);
void elves_agent_stop (ElvesAgent *self);
void elves_agent_free (ElvesAgent *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesAgent, elves_agent_free)

G_END_DECLS
