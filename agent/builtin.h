/* The app that every agent has: it starts no process. */
#pragma once

#include "common/instruct.h"

G_BEGIN_DECLS

gboolean elves_builtin_is_meant (const ElvesInstruct *instruct);
ElvesReinstruct *elves_builtin_run (ElvesInstruct *instruct);

G_END_DECLS
