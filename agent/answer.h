/* What is answered for a run, or for one that could not begin. */
#pragma once

#include "agent/config.h"
#include "agent/output.h"
#include "agent/runner.h"
#include "common/instruct.h"

G_BEGIN_DECLS

ElvesReinstruct *elves_answer_of_run (const ElvesAgentConfig *config,
                                      ElvesInstruct *instruct,
                                      const ElvesRunResult *run);
ElvesReinstruct *elves_answer_of_verdict (ElvesInstruct *instruct, const ElvesVerdict *verdict);
ElvesReinstruct *elves_answer_not_started (ElvesInstruct *instruct, const char *cause);

G_END_DECLS
