/* What every daemon's main() shares: options (--config, --set, --check-config, --version,
 * --log-level), configuration, log writer, main loop, signals, readiness, exit status.
 *
 * Exit status: 0 stopped in order, 1 could not start or failed, 2 configuration or usage. SIGTERM
 * and SIGINT call stop() once; a second one ends the process at once. Ready is said by a log line
 * (`ready`), by sd_notify's READY=1 when NOTIFY_SOCKET is set, and by --ready-file. */
#pragma once

#include "common/config.h"

G_BEGIN_DECLS

typedef struct ElvesDaemon ElvesDaemon;

typedef struct
{
  const char *name;    /* "elves-agent" */
  const char *summary; /* one line for --help */
  const ElvesOption *options;
  gsize config_size;
  gboolean (*check) (gconstpointer config,
                     GError **error); /* (nullable) rules between keys; CONFIG errors */
  gpointer (*start) (gconstpointer config,
                     ElvesDaemon *daemon,
                     GError **error); /* NULL: exit 1, or 2 for CONFIG */
  void (*stop) (gpointer self);       /* begin to end; call elves_daemon_quit() when done */
  void (*free) (gpointer self);
} ElvesDaemonSpec;

int elves_daemon_main (const ElvesDaemonSpec *spec, int argc, char **argv);
void elves_daemon_ready (ElvesDaemon *self); /* serving now; only the first call counts */
void elves_daemon_quit (ElvesDaemon *self, int status);

G_END_DECLS
