/* Asks the supervisor which apps run where: at the start, and every auth.refresh. It also says so
 * itself after every change (updateAppInfo); this is for what was missed. */
#pragma once

#include "common/deadlines.h"
#include "heartbeat/app-list.h"
#include "heartbeat/config.h"

G_BEGIN_DECLS

typedef struct ElvesSupervisorCalls ElvesSupervisorCalls;

ElvesSupervisorCalls *elves_supervisor_calls_new (ElvesDeadlines *deadlines,
                                                  const ElvesHeartbeatConfig *config,
                                                  ElvesAppList *apps);
void elves_supervisor_calls_free (ElvesSupervisorCalls *self);

G_END_DECLS
