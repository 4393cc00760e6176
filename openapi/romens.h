/* The HTTP interface of the Romens scheduler: /v1/task, for clients of scheduler-client-romens
 * (romens-client.md). */
#pragma once

#include "openapi/door.h"

G_BEGIN_DECLS

extern const ElvesDoorType elves_romens_door;

G_END_DECLS
