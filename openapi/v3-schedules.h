/* What the parts of timed tasks in the v3 API share: v3-schedules*.c. */
#pragma once

#include "openapi/v3-private.h"

G_BEGIN_DECLS

/* The members of createCron and replaceCron, from a body that was checked; @out is open. FALSE: the
   call has ended. */
gboolean elves_v3_schedule_read (ElvesV3Call *call, GString *out);
/* The agent and the app of a job; FALSE: it fires something else. Both (transfer full). */
gboolean elves_v3_schedule_target (const ElvesV3Call *call, char **out_agent, char **out_app);

void elves_v3_tell_schedule (GString *out, const ElvesJsonObject *card);
void elves_v3_tell_execution (GString *out, const ElvesJsonObject *execution);

G_END_DECLS
