/* What createCron asks for, as a plan. */
#pragma once

#include "common/component-request.h"
#include "cron/config.h"
#include "cron/plan.h"

G_BEGIN_DECLS

/* (transfer full): with a new id, planned from now. @starts: when the request does not say whether
   it is to be started, it is. NULL: *out_text is the answer ("[403.5]..."),
   @error says which member and what was expected. */
ElvesCronPlan *elves_cron_plan_from_request (const ElvesCronConfig *config,
                                             const ElvesRequest *request,
                                             gboolean starts,
                                             const char **out_text,
                                             GError **error);

G_END_DECLS
