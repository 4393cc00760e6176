/* The doors that are switched on, and the ports they are behind. */
#pragma once

#include "openapi/door.h"

G_BEGIN_DECLS

typedef struct ElvesDoors ElvesDoors;

/* Opens them all, and listens. Errors: CONFIG, or what the system says of a port. */
ElvesDoors *elves_doors_open (const ElvesDoorParts *parts, GError **error);
void elves_doors_free (ElvesDoors *self);           /* after the caller, whose calls lead here */
guint elves_doors_waiting (const ElvesDoors *self); /* requests not answered yet */
guint elves_doors_streams (const ElvesDoors *self); /* answers that come in parts */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesDoors, elves_doors_free)

G_END_DECLS
