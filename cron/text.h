/* Times as texts: ISO 8601 in UTC, as our members have them; local, as the interface's have. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* With an offset, or in UTC. FALSE: not a time from 1970 to 2199. */
gboolean elves_cron_text_to_time (const char *text, gint64 *out_us);
/* "2026-03-29T01:00:00.000000Z"; 0 and never: "". */
char *elves_cron_time_to_text (gint64 time_us);
/* "2026-03-29 03:00:00" on the clock of this machine; 0: "". */
char *elves_cron_time_to_local_text (gint64 time_us);

G_END_DECLS
