/* Members of cards, from columns of rows. */
#pragma once

#include "common/store.h"

G_BEGIN_DECLS

GString *elves_queue_card_begin (void); /* an answer, with flag and error; still open */
void elves_queue_card_add (GString *out, const char *name, ElvesStoreRows *row, guint column);
void elves_queue_card_add_time (GString *out, const char *name, ElvesStoreRows *row, guint column);

G_END_DECLS
