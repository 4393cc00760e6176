/* Calls and results as the journal keeps them: whole Thrift messages. Main thread only. */
#pragma once

#include "common/instruct.h"

G_BEGIN_DECLS

GBytes *elves_journal_pack_instruct (const ElvesInstruct *instruct);
GBytes *elves_journal_pack_result (const ElvesReinstruct *result);
/* (nullable): NULL: it is damaged */
ElvesInstruct *elves_journal_unpack_instruct (GBytes *bytes);
ElvesReinstruct *elves_journal_unpack_result (GBytes *bytes);

G_END_DECLS
