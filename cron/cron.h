/* elves-cron: owns every part and is the only one who knows them all. */
#pragma once

#include "common/daemon.h"
#include "cron/config.h"

G_BEGIN_DECLS

typedef struct ElvesCron ElvesCron;

ElvesCron *elves_cron_new (const ElvesCronConfig *config, ElvesDaemon *daemon, GError **error);
void elves_cron_stop (ElvesCron *self); /* quits the daemon when what is on its way is out */
void elves_cron_free (ElvesCron *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesCron, elves_cron_free)

G_END_DECLS
