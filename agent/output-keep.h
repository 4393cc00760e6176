/* What jobs have printed that ended a moment ago, for somebody who was reading it. Bounded in time
   and bytes. */
#pragma once

#include "agent/execution.h"

G_BEGIN_DECLS

typedef struct ElvesOutputKeep ElvesOutputKeep;

/* @keep_s 0: nothing is kept. */
ElvesOutputKeep *
elves_output_keep_new (ElvesDeadlines *deadlines, guint keep_s, guint64 limit_bytes);
void elves_output_keep_free (ElvesOutputKeep *self);
void elves_output_keep_add (ElvesOutputKeep *self,
                            ElvesInstruct *instruct,
                            GBytes *output,
                            guint64 total_bytes);
/* The last one that @question names; @out_printed is valid until the loop goes on. */
gboolean elves_output_keep_find (const ElvesOutputKeep *self,
                                 const ElvesInstruct *question,
                                 ElvesPrinted *out_printed);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesOutputKeep, elves_output_keep_free)

G_END_DECLS
