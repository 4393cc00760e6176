#include "queue/effects.h"

void
elves_queue_effects_start (ElvesQueueEffects *self)
{
  if (self != NULL)
    self->starts = TRUE;
}

void
elves_queue_effects_cancel (ElvesQueueEffects *self)
{
  if (self != NULL)
    self->cancels = TRUE;
}

void
elves_queue_effects_wake (ElvesQueueEffects *self, gint64 at_ms)
{
  if (self != NULL && (self->wake_ms == 0 || at_ms < self->wake_ms))
    self->wake_ms = at_ms;
}

void
elves_queue_effects_touch (ElvesQueueEffects *self, const char *queue_id)
{
  if (self == NULL)
    return;
  if (self->touched == NULL)
    self->touched = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_hash_table_add (self->touched, g_strdup (queue_id));
}

void
elves_queue_effects_clear (ElvesQueueEffects *self)
{
  g_clear_pointer (&self->touched, g_hash_table_unref);
  *self = (ElvesQueueEffects){ 0 };
}
