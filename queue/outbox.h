/* Gives running tasks to the scheduler: those that the tables say have not been sent.
 *
 * A task is recorded as running before it is published, under a key that is its own for ever, and
 * as sent when the broker has confirmed it. After a crash between the two it is published again:
 * the key sees to it that it starts once. A page at a time: the next one is read when all of this
 * one are confirmed and recorded. */
#pragma once

#include "common/component.h"
#include "common/store.h"
#include "queue/changes.h"

G_BEGIN_DECLS

typedef struct ElvesQueueOutbox ElvesQueueOutbox;

typedef struct
{
  ElvesStore *store; /* these outlive it */
  ElvesComponent *component;
  const ElvesQueueLimits *limits;
  guint retry_ms; /* after the store has failed, and after tasks that reached no scheduler */
} ElvesQueueOutboxOptions;

ElvesQueueOutbox *elves_queue_outbox_new (const ElvesQueueOutboxOptions *options);
/* Nobody is called any more; what is on its way is sent again after the next start. After the
   component and the store, which may still call it. */
void elves_queue_outbox_free (ElvesQueueOutbox *self);
/* There may be something to send. */
void elves_queue_outbox_kick (ElvesQueueOutbox *self);
gboolean elves_queue_outbox_is_busy (const ElvesQueueOutbox *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesQueueOutbox, elves_queue_outbox_free)

G_END_DECLS
