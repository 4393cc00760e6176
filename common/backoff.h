/* The next delay before another try: doubling, capped, with jitter. Pure: the random number is
   passed in, so that a test can say it. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* @attempt: 0 for the first; @random: in [0, 1). Result: between half and all of
   min(first_ms * 2^attempt, cap_ms), never below 1. */
guint elves_backoff_delay_ms (guint attempt, guint first_ms, guint cap_ms, double random);

G_END_DECLS
