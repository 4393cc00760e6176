/* elves-queue: queues of tasks that depend on each other. */
#pragma once

#include "common/daemon.h"
#include "queue/config.h"

G_BEGIN_DECLS

typedef struct ElvesQueue ElvesQueue;

ElvesQueue *elves_queue_new (const ElvesQueueConfig *config, ElvesDaemon *daemon, GError **error);
void elves_queue_stop (ElvesQueue *self);
void elves_queue_free (ElvesQueue *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesQueue, elves_queue_free)

G_END_DECLS
