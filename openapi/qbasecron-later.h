/* Texts of the "later" library as rules with seconds: "every 5 mins", "at 10:15 am every weekday",
 * "on monday and friday at 5:00 pm". Pure.
 *
 *   every [N] second|minute|hour|day    N and more of them: from the full minute, hour, day, month
 * on every|on DAY [and DAY...]           a name, weekday, weekend at HH:MM[:SS] [am|pm] */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* (transfer full) (nullable): six fields, of the dialect crontab-seconds. Errors:
   ELVES_ERROR_INVALID names the word and what was expected. */
char *elves_qbasecron_later_to_rule (const char *text, GError **error);

G_END_DECLS
