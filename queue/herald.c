#include "queue/herald.h"

static void
wake_waiters (ElvesQueueWaiters *waiters, GHashTable *queues)
{
  GHashTableIter iter;
  gpointer queue_id;
  g_hash_table_iter_init (&iter, queues);
  while (g_hash_table_iter_next (&iter, &queue_id, NULL))
    elves_queue_waiters_wake (waiters, queue_id);
}

void
elves_queue_herald_tell (ElvesQueueHerald *self, const ElvesQueueEffects *effects)
{
  if (effects->starts && self->outbox != NULL)
    elves_queue_outbox_kick (self->outbox);
  if (effects->wake_ms > 0 && self->pacer != NULL)
    elves_queue_pacer_expect (self->pacer, effects->wake_ms);
  if (effects->cancels && self->canceller != NULL)
    elves_queue_canceller_kick (self->canceller);
  if (effects->touched != NULL && self->waiters != NULL)
    wake_waiters (self->waiters, effects->touched);
}
