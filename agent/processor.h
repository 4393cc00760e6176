/* Tells an app's own processor about the results of its jobs of mode P. */
#pragma once

#include "agent/apps.h"
#include "common/deadlines.h"
#include "common/instruct.h"
#include "common/poller.h"

G_BEGIN_DECLS

typedef struct ElvesProcessor ElvesProcessor;

ElvesProcessor *
elves_processor_new (ElvesPoller *poller, ElvesDeadlines *deadlines, const ElvesApps *apps);
void elves_processor_free (ElvesProcessor *self);
void elves_processor_notify (ElvesProcessor *self, ElvesReinstruct *result);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesProcessor, elves_processor_free)

G_END_DECLS
