/* The scheduler: owns every part and is the only one who knows them all. */
#pragma once

#include "common/daemon.h"
#include "scheduler/config.h"

G_BEGIN_DECLS

typedef struct ElvesScheduler ElvesScheduler;

ElvesScheduler *
elves_scheduler_new (const ElvesSchedulerConfig *config, ElvesDaemon *daemon, GError **error);
void elves_scheduler_stop (ElvesScheduler *self); /* quits the daemon when it is drained */
void elves_scheduler_free (ElvesScheduler *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesScheduler, elves_scheduler_free)

G_END_DECLS
