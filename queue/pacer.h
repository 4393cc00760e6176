/* Starts the next tasks of queues that have a stagger, each at its instant. */
#pragma once

#include "common/store.h"
#include "queue/changes.h"

G_BEGIN_DECLS

typedef struct ElvesQueueHerald ElvesQueueHerald; /* queue/herald.h */

typedef struct ElvesQueuePacer ElvesQueuePacer;

typedef struct
{
  ElvesStore *store; /* these outlive it */
  const ElvesQueueLimits *limits;
  ElvesQueueHerald *herald;
  guint retry_ms; /* after the store has failed */
} ElvesQueuePacerOptions;

/* Looks for queues that wait already. */
ElvesQueuePacer *elves_queue_pacer_new (const ElvesQueuePacerOptions *options);
void elves_queue_pacer_free (ElvesQueuePacer *self); /* after the store */
/* A queue goes on at @at_ms (since the epoch). */
void elves_queue_pacer_expect (ElvesQueuePacer *self, gint64 at_ms);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesQueuePacer, elves_queue_pacer_free)

G_END_DECLS
