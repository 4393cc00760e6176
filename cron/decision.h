/* What becomes of each planned instant, given the policies of its schedule and what it does just
   now. Pure: no clock, no store. Each instant gets one verdict, and the entry moves on. */
#pragma once

#include "cron/entry.h"

G_BEGIN_DECLS

typedef enum
{
  ELVES_CRON_FIRE,
  ELVES_CRON_QUEUE,      /* fires when what runs has ended */
  ELVES_CRON_OVERLAPPED, /* passed over: an execution ran */
  ELVES_CRON_MISSED      /* passed over: nobody was there; from planned_us to until_us */
} ElvesCronVerdict;

typedef struct
{
  gint64 planned_us, until_us; /* the same, but for a range */
  ElvesCronVerdict verdict;
} ElvesCronDecision;

/* Decides what is due at @now_us, at most @room instants (the rest stays due), and plans the next.
   Instants before @missed_before_us were missed: the policy for missed ones is asked. */
guint elves_cron_decide (ElvesCronEntry *entry,
                         gint64 now_us,
                         gint64 missed_before_us,
                         ElvesCronDecision *out,
                         guint room);

/* The execution planned at @planned_us has ended. Returns: the queued instant that fires now, 0:
   none. No-op when another one runs. */
gint64 elves_cron_release (ElvesCronEntry *entry, gint64 planned_us);

G_END_DECLS
