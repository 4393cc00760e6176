/* The one table between ElvesReason and its text on the wire (Reinstruct.reason, the member
   `reason` of replies). The texts are an interface: programs compare them, so they never change;
   a new cause gets a new text. */

#include "common/reason.h"

static const char *const texts[] = {
  [ELVES_REASON_NONE] = "",
  [ELVES_REASON_NOT_REGISTERED] = "not-registered",
  [ELVES_REASON_UNREACHABLE] = "unreachable",
  [ELVES_REASON_REFUSED] = "refused",
  [ELVES_REASON_AGENT_LOST] = "agent-lost",
  [ELVES_REASON_AGENT_RESTARTED] = "agent-restarted",
  [ELVES_REASON_APP_MISSING] = "app-missing",
  [ELVES_REASON_WORKER_MISSING] = "worker-missing",
  [ELVES_REASON_SPAWN_FAILED] = "spawn-failed",
  [ELVES_REASON_TIMEOUT] = "timeout",
  [ELVES_REASON_CANCELLED] = "cancelled",
  [ELVES_REASON_SIGNAL] = "signal",
  [ELVES_REASON_EXIT_STATUS] = "exit-status",
  [ELVES_REASON_BAD_OUTPUT] = "bad-output",
  [ELVES_REASON_TOO_LARGE] = "too-large",
  [ELVES_REASON_OUTCOME_UNKNOWN] = "outcome-unknown",
  [ELVES_REASON_BUSY] = "busy",
  [ELVES_REASON_INVALID] = "invalid",
};
G_STATIC_ASSERT (G_N_ELEMENTS (texts) == ELVES_N_REASONS);

/**
 * elves_reason_text:
 * @reason: any value; one outside of the enumeration counts as none
 *
 * Returns: the static text on the wire; "" for %ELVES_REASON_NONE. Any thread.
 */
const char *
elves_reason_text (ElvesReason reason)
{
  return (guint) reason < ELVES_N_REASONS ? texts[reason] : "";
}

/**
 * elves_reason_from_text:
 * @text: (nullable): text from the wire
 *
 * Returns: its reason; %ELVES_REASON_NONE for %NULL, "" and for text that a newer peer may have
 *   sent. Any thread.
 */
ElvesReason
elves_reason_from_text (const char *text)
{
  for (guint i = 0; text && i < ELVES_N_REASONS; i++)
    if (g_str_equal (texts[i], text))
      return (ElvesReason) i;
  return ELVES_REASON_NONE;
}
