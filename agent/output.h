/* What a worker printed, and how it ended -> flag and result. Pure. The markers of the original
 * protocol, with its defects mended: a result may hold marker text, and what a failed
 * worker printed is kept. The rules are in output.c. */
#pragma once

#include "agent/runner.h"
#include "common/reason.h"

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  gint32 flag;        /* 1, 0, -1 */
  ElvesReason reason; /* when flag is -1 */
  GBytes *result;     /* valid UTF-8 without NUL */
  gboolean cut;       /* the result is not all there was */
} ElvesVerdict;

void elves_output_judge (const ElvesRunResult *run,
                         gboolean unmarked_is_program,
                         gsize limit_bytes,
                         ElvesVerdict *out_verdict);
void elves_output_judge_answer (gboolean flag,
                                GBytes *result,
                                gsize limit_bytes,
                                ElvesVerdict *out_verdict);
void elves_output_fail (const ElvesRunResult *run,
                        ElvesReason reason,
                        const char *what,
                        ElvesVerdict *out_verdict);
void elves_verdict_clear (ElvesVerdict *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ElvesVerdict, elves_verdict_clear)

G_END_DECLS
