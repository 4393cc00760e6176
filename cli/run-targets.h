/* Which agents are meant by what was typed. */
#pragma once

#include "cli/command.h"

G_BEGIN_DECLS

/* (transfer full): of char *, ips, each once. @target: "all"; ips with commas between them; else a
   label expression (elvesctl(1)), looked up in the scheduler's table. Errors: INVALID: nobody is
   meant, or the expression is none. */
GPtrArray *elves_run_targets (const ElvesCliContext *context, const char *target, GError **error);

G_END_DECLS
