/* One part of an app's appcfg.json: an object whose member names stand in any case. */
#pragma once

#include "common/json-reader.h"

G_BEGIN_DECLS

#define ELVES_APP_CONFIG_FILE "appcfg.json"

typedef struct ElvesAppConfig ElvesAppConfig;

ElvesAppConfig *elves_app_config_read (const char *path, const char *part, GError **error);
void elves_app_config_free (ElvesAppConfig *self);
ElvesJsonValue elves_app_config_get (const ElvesAppConfig *self, const char *name);
gint64 elves_app_config_number (const ElvesAppConfig *self, const char *name);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesAppConfig, elves_app_config_free)

G_END_DECLS
