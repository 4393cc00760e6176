/* The times of QBaseCron: "2014-10-17 20:43:44" on the clock of one time zone. Pure. */
#pragma once

#include "common/zone.h"

G_BEGIN_DECLS

/* Also with slashes, and parts of one digit; without seconds: at the full minute. A time that the
   clock shows twice is the first of them, one that it leaves out the instant at which it does.
   FALSE: not a time from 1970 to 2199. */
gboolean elves_qbasecron_time_parse (const ElvesZone *zone, const char *text, gint64 *out_s);
char *elves_qbasecron_time_format (const ElvesZone *zone, gint64 utc_s);

G_END_DECLS
