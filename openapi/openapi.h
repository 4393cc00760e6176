/* elves-openapi: HTTP in front of the other components. Has no state of its own. */
#pragma once

#include "common/daemon.h"
#include "openapi/config.h"

G_BEGIN_DECLS

typedef struct ElvesOpenapi ElvesOpenapi;

ElvesOpenapi *
elves_openapi_new (const ElvesOpenapiConfig *config, ElvesDaemon *daemon, GError **error);
void elves_openapi_stop (ElvesOpenapi *self); /* quits the daemon */
void elves_openapi_free (ElvesOpenapi *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesOpenapi, elves_openapi_free)

G_END_DECLS
