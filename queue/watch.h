/* What happens without anybody asking: tasks whose deadline has passed end, old queues are removed,
   numbers are taken. */
#pragma once

#include "common/store.h"
#include "queue/changes.h"
#include "queue/herald.h"

G_BEGIN_DECLS

typedef struct ElvesQueueWatch ElvesQueueWatch;

typedef struct
{
  ElvesStore *store; /* these outlive it */
  const ElvesQueueLimits *limits;
  ElvesQueueHerald *herald;
  gint64 history_age_ms;
  guint history_count;
} ElvesQueueWatchOptions;

ElvesQueueWatch *elves_queue_watch_new (const ElvesQueueWatchOptions *options);
/* After the store. */
void elves_queue_watch_free (ElvesQueueWatch *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesQueueWatch, elves_queue_watch_free)

G_END_DECLS
