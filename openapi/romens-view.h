/* What elves-cron answers, as the Romens scheduler client reads it: tasks, executions, pages of
 * both (romens-client.md 2, 7). Pure. Values are spans of an answer, JSON that was checked. */
#pragma once

#include "openapi/romens-order.h"

G_BEGIN_DECLS

/* @card: one of elves-cron. FALSE: it is no object. Adds one object of that @name. */
gboolean elves_romens_view_add_task (GString *out, const char *name, ElvesJsonValue card);
gboolean
elves_romens_view_add_execution (GString *out, const char *task_id, ElvesJsonValue execution);

/* (transfer full): one JSON object. NULL: @answer holds no such list. */
GString *elves_romens_view_tasks (const ElvesJsonObject *answer, const ElvesRomensPage *page);
GString *elves_romens_view_history (const ElvesJsonObject *answer,
                                    const char *task_id,
                                    const ElvesRomensPage *page);

G_END_DECLS
