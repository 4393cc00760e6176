/* The Elves API, /api/v2/...: what its clients have used for years (elves-openapi.md). */
#pragma once

#include "openapi/auth.h"
#include "openapi/http-server.h"

G_BEGIN_DECLS

typedef struct ElvesV2 ElvesV2;

/* All outlive it. */
ElvesV2 *elves_v2_new (const ElvesOpenapiConfig *config, ElvesAuth *auth, ElvesCaller *caller);
void elves_v2_free (ElvesV2 *self); /* after the caller, whose calls lead here */

/* Whether the path of @request is one of this API's; then it takes @request. */
gboolean elves_v2_take (ElvesV2 *self, ElvesHttpRequest *request);

G_END_DECLS
