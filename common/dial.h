/* A TCP connection being made: to an address by one connect() that does not block, to a name by
   GIO, which resolves it. Main thread only. */
#pragma once

#include "common/poller.h"

G_BEGIN_DECLS

typedef struct ElvesDial ElvesDial;

/* Once, from the main loop, never from inside a call of ours; the dial is gone then. @fd: yours,
   does not block; -1: @error is ELVES_ERROR_REFUSED (connection refused), UNAVAILABLE (no route, no
   such name) or TIMEOUT. */
typedef void (*ElvesDialFunc) (int fd, const GError *error, gpointer user_data);

ElvesDial *elves_dial_new (ElvesPoller *poller,
                           const char *host,
                           guint16 port,
                           guint timeout_ms,
                           ElvesDialFunc func,
                           gpointer user_data);
void elves_dial_cancel (ElvesDial *self); /* NULL is fine; no callback afterwards */

G_END_DECLS
