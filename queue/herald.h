/* Tells the parts that wait what a committed change of the tables means for them. On the loop. */
#pragma once

#include "queue/canceller.h"
#include "queue/effects.h"
#include "queue/outbox.h"
#include "queue/pacer.h"
#include "queue/waiters.h"

G_BEGIN_DECLS

/* Filled in when the parts are made; who is NULL is not told. */
struct ElvesQueueHerald
{
  ElvesQueueOutbox *outbox;
  ElvesQueuePacer *pacer;
  ElvesQueueCanceller *canceller;
  ElvesQueueWaiters *waiters;
};

void elves_queue_herald_tell (ElvesQueueHerald *self, const ElvesQueueEffects *effects);

G_END_DECLS
