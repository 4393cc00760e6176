/* Why a job ended with flag -1: the machine-readable causes of design.md section 7, and their text
   on the wire. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  ELVES_REASON_NONE,
  ELVES_REASON_NOT_REGISTERED,
  ELVES_REASON_UNREACHABLE,
  ELVES_REASON_REFUSED,
  ELVES_REASON_AGENT_LOST,
  ELVES_REASON_AGENT_RESTARTED,
  ELVES_REASON_APP_MISSING,
  ELVES_REASON_WORKER_MISSING,
  ELVES_REASON_SPAWN_FAILED,
  ELVES_REASON_TIMEOUT,
  ELVES_REASON_CANCELLED,
  ELVES_REASON_SIGNAL,
  ELVES_REASON_EXIT_STATUS,
  ELVES_REASON_BAD_OUTPUT,
  ELVES_REASON_TOO_LARGE,
  ELVES_REASON_OUTCOME_UNKNOWN,
  ELVES_REASON_BUSY,
  ELVES_REASON_INVALID,
  ELVES_N_REASONS
} ElvesReason;

const char *elves_reason_text (ElvesReason reason);    /* "" for NONE, never NULL */
ElvesReason elves_reason_from_text (const char *text); /* (nullable); unknown text is NONE */

G_END_DECLS
