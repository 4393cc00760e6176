/* Whether the files of an app have changed since somebody last looked. */
#pragma once

#include "agent/apps.h"
#include "common/poller.h"

G_BEGIN_DECLS

typedef struct ElvesWarmWatch ElvesWarmWatch;

typedef void (*ElvesWarmChangedFunc) (gpointer user_data); /* from the main loop */

ElvesWarmWatch *elves_warm_watch_new (ElvesPoller *poller,
                                      const ElvesAppEntry *entry,
                                      ElvesWarmChangedFunc changed,
                                      gpointer user_data);
void elves_warm_watch_free (ElvesWarmWatch *self);
gboolean elves_warm_watch_is_stale (const ElvesWarmWatch *self);

G_END_DECLS
