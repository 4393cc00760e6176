/* The API of our own, below /api/v3: a door. */
#pragma once

#include "openapi/door.h"

G_BEGIN_DECLS

extern const ElvesDoorType elves_v3_door;

G_END_DECLS
