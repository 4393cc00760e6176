/* The door of taskcenter's clients (taskcenter.md): timed messages to a topic. What they make are
 * timed tasks of elves-cron with owner "taskcenter"; this keeps nothing. */
#pragma once

#include "openapi/door.h"

G_BEGIN_DECLS

extern const ElvesDoorType elves_taskcenter_door;

G_END_DECLS
