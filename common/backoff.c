/* How long to wait before the next try: doubling from first_ms to cap_ms, each delay drawn from its
   upper half so that a thousand agents that lost the same broker do not come back in one instant.

   No clock, no timer, no random source: the caller has them. */

#include "common/backoff.h"

/**
 * elves_backoff_delay_ms:
 * @attempt: how many tries have failed before this one; 0 for the first
 * @first_ms: the delay of the first attempt, in milliseconds
 * @cap_ms: no delay is longer, in milliseconds
 * @random: in [0, 1), e.g. of g_random_double()
 *
 * Returns: the delay in milliseconds, at least 1. Any thread.
 */
guint
elves_backoff_delay_ms (guint attempt, guint first_ms, guint cap_ms, double random)
{
  guint64 full_ms = first_ms;
  for (guint i = 0; i < attempt && full_ms != 0 && full_ms < cap_ms; i++)
    full_ms *= 2;
  full_ms = MIN (full_ms, cap_ms);

  double delay_ms = (double) full_ms * (0.5 + CLAMP (random, 0.0, 1.0) / 2);
  return MAX ((guint) delay_ms, 1);
}
