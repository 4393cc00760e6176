/* Messages that are published once more: for another scheduler, or for people to look at. Main
   thread only. */
#pragma once

#include "scheduler/replies.h"

G_BEGIN_DECLS

typedef struct ElvesLetterbox ElvesLetterbox;

typedef struct
{
  /* The broker has a copy of @flight's message; @routed FALSE: it reached no queue, there is none.
     @epoch, @tag: the delivery that it was made from. @is_current: that is @flight's still. */
  void (*republished) (ElvesFlight *flight,
                       guint64 epoch,
                       guint64 tag,
                       gboolean is_current,
                       gboolean routed,
                       gpointer user_data);
} ElvesLetterboxCallbacks;

ElvesLetterbox *elves_letterbox_new (ElvesReplies *replies,
                                     const char *queue,
                                     const char *dead_queue,
                                     const ElvesLetterboxCallbacks *callbacks,
                                     gpointer user_data);
void elves_letterbox_free (ElvesLetterbox *self); /* after the publisher */

/* To our own queue, with its key. */
void elves_letterbox_republish (ElvesLetterbox *self, ElvesFlight *flight);
/* To the dead-letter queue; then its asker is told @outcome. */
void
elves_letterbox_put_aside (ElvesLetterbox *self, ElvesFlight *flight, const ElvesOutcome *outcome);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesLetterbox, elves_letterbox_free)

G_END_DECLS
