/* The Elves API, /api/v2/...: what its clients have used for years (elves-openapi.md). */
#pragma once

#include "openapi/door.h"

G_BEGIN_DECLS

typedef struct ElvesV2 ElvesV2;

extern const ElvesDoorType elves_v2_door;

G_END_DECLS
