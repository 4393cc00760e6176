/* Rules between keys that more than one daemon has. Errors: ELVES_ERROR_CONFIG, names the key. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* @enabled: of an ELVES_OPTION_SWITCH. Not given, but a host is: on, as the files of the original
   mean it. */
gboolean elves_config_uses_registry (int enabled, const char *host);

gboolean
elves_config_check_registry (int enabled, const char *host, const char *root, GError **error);
gboolean elves_config_check_listen (const char *listen_key,
                                    const char *host,
                                    const char *allow_key,
                                    const char *allowed,
                                    GError **error);
/* @host "": no status is served. */
gboolean elves_config_check_metrics (const char *host, const char *allowed, GError **error);
gboolean elves_config_check_retry (guint first_ms, guint cap_ms, GError **error);

G_END_DECLS
