/* What the writing works share; for schedules*.c only. */
#pragma once

#include "cron/schedules.h"

G_BEGIN_DECLS

/* The plan without its action. @owner: "": of anybody. @out_plan: (nullable): there is none, it is
   another's, or was deleted. FALSE: the store failed. */
gboolean elves_cron_schedules_find_when (ElvesStoreTx *tx,
                                         const char *id,
                                         const char *owner,
                                         ElvesCronPlan **out_plan,
                                         GError **error);
/* Sets @error. Returns: FALSE. */
gboolean elves_cron_schedules_not_found (const char *id, GError **error);
/* What waits for the end of an execution does not fire any more. */
gboolean elves_cron_schedules_drop_queued (ElvesStoreTx *tx, const char *id, GError **error);

G_END_DECLS
