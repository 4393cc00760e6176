/* When a flight has to be looked at again. */
#pragma once

#include "scheduler/flight.h"

G_BEGIN_DECLS

gboolean elves_flight_is_waiting (const ElvesFlight *self); /* for its agent, or for another try */
gint64 elves_flight_silence_ends_us (const ElvesFlight *self, guint grace_s);
gint64 elves_flight_due_us (const ElvesFlight *self, guint grace_s); /* 0: never */

G_END_DECLS
