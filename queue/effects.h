/* What a change of the tables means for those who wait: collected in the transaction, acted on when
 * it is committed. Every function takes NULL, for changes that nobody waits for. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  gboolean starts;     /* tasks are to be published */
  gboolean cancels;    /* running tasks are to be cancelled */
  gint64 wake_ms;      /* nearest instant at which a queue goes on by itself; 0: none */
  GHashTable *touched; /* (nullable) a set of char *: queues that have changed */
} ElvesQueueEffects;

void elves_queue_effects_start (ElvesQueueEffects *self);
void elves_queue_effects_cancel (ElvesQueueEffects *self);
void elves_queue_effects_wake (ElvesQueueEffects *self, gint64 at_ms);
void elves_queue_effects_touch (ElvesQueueEffects *self, const char *queue_id);
/* Empty again: a work may be run more than once. */
void elves_queue_effects_clear (ElvesQueueEffects *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ElvesQueueEffects, elves_queue_effects_clear)

G_END_DECLS
