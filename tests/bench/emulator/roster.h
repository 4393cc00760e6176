/* Which emulated agent is where, and which of them are sick: for the emulator and for who calls. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

char *roster_address (guint number); /* "127.32.x.y" */
/* One of @every agents; 0: none. */
gboolean roster_is_dead (guint number, guint every); /* registered, and does not listen */
gboolean roster_hangs (guint number, guint every);   /* takes calls, and never answers */

G_END_DECLS
