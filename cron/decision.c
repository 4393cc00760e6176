/* The rules.
 *
 * Missed instants: of those that are too late, the policy lets none, the last, or the last
 * missed_cap fire; all before them are one range. So what is decided after a year without a cron
 * is as little as after an hour.
 *
 * Overlap: only schedules that do not allow it remember that an execution runs.
 *
 * A clock that was set back: next_us is after every decided instant, so nothing is decided twice;
 * the schedule is silent until the clock shows that time. */
#include "cron/decision.h"

#define FIRST_WINDOW_US (2 * G_USEC_PER_SEC)

/* ---- the last of the missed ------------------------------------------------------------------ */

/* The last instants of a stretch of time, the oldest first. */
typedef struct
{
  gint64 *instants;
  guint size, count; /* room; how many were added */
} Tail;

static void
tail_fill (Tail *tail, const ElvesSchedule *schedule, gint64 from_us, gint64 before_us)
{
  tail->count = 0;
  for (gint64 at_us = elves_schedule_next (schedule, from_us); at_us < before_us;
       at_us = elves_schedule_next (schedule, at_us))
    tail->instants[tail->count++ % tail->size] = at_us;
}

/* Of the instants from @first_us until before @before_us all but the last @keep are given up.
   Returns: the last of those, 0: none. Looks back from the end, in windows that grow: there may
   be millions. */
static gint64
find_cut (const ElvesSchedule *schedule, gint64 first_us, gint64 before_us, guint keep)
{
  g_autofree gint64 *instants = g_new (gint64, keep + 1);
  Tail tail = { instants, keep + 1, 0 };
  for (gint64 window_us = FIRST_WINDOW_US;; window_us *= 2)
    {
      gboolean is_whole = window_us > before_us - first_us;
      tail_fill (&tail, schedule, is_whole ? first_us - 1 : before_us - window_us, before_us);
      if (tail.count > keep)
        return tail.instants[(tail.count - keep - 1) % tail.size];
      if (is_whole)
        return 0;
    }
}

static guint
missed_to_keep (const ElvesCronEntry *entry)
{
  switch ((ElvesCronMissed) entry->missed)
    {
    case ELVES_CRON_MISSED_LAST:
      return 1;
    case ELVES_CRON_MISSED_ALL:
      return entry->missed_cap;
    case ELVES_CRON_MISSED_SKIP:
      break;
    }
  return 0;
}

/* What is too late and does not fire, as one range. FALSE: there is none. */
static gboolean
give_up_missed (ElvesCronEntry *entry, gint64 missed_before_us, ElvesCronDecision *out)
{
  gint64 before_us =
      MIN (missed_before_us,
           entry->end_us == ELVES_SCHEDULE_NEVER ? ELVES_SCHEDULE_NEVER : entry->end_us + 1);
  gint64 until_us = 0;
  if (entry->next_us < before_us)
    until_us = find_cut (entry->schedule, entry->next_us, before_us, missed_to_keep (entry));
  if (until_us == 0)
    return FALSE;
  *out = (ElvesCronDecision){ entry->next_us, until_us, ELVES_CRON_MISSED };
  elves_cron_entry_plan (entry, until_us);
  return TRUE;
}

/* ---- one instant ---------------------------------------------------------------------------- */

static void
count_firing (ElvesCronEntry *entry)
{
  if (entry->left != ELVES_CRON_UNLIMITED)
    entry->left--;
}

static ElvesCronVerdict
judge (ElvesCronEntry *entry, gint64 planned_us)
{
  gboolean is_free = entry->overlap == ELVES_CRON_OVERLAP_ALLOW || entry->running_us == 0;
  if (!is_free && (entry->overlap == ELVES_CRON_OVERLAP_SKIP || entry->queued_us != 0))
    return ELVES_CRON_OVERLAPPED;
  count_firing (entry);
  if (!is_free)
    {
      entry->queued_us = planned_us;
      return ELVES_CRON_QUEUE;
    }
  if (entry->overlap != ELVES_CRON_OVERLAP_ALLOW)
    entry->running_us = planned_us;
  return ELVES_CRON_FIRE;
}

/**
 * elves_cron_decide:
 * @entry: moves on: next_us, left, running_us, queued_us
 * @now_us: what is planned until then is due
 * @missed_before_us: what was planned before is too late
 * @out: (out caller-allocates): the decisions, in order of time
 * @room: of @out, at least 1
 *
 * Returns: how many decisions; 0: nothing is due.
 */
guint
elves_cron_decide (ElvesCronEntry *entry,
                   gint64 now_us,
                   gint64 missed_before_us,
                   ElvesCronDecision *out,
                   guint room)
{
  guint n = 0;
  if (entry->next_us <= now_us && give_up_missed (entry, missed_before_us, &out[0]))
    n++;
  for (; n < room && entry->next_us <= now_us; n++)
    {
      gint64 planned_us = entry->next_us;
      out[n] = (ElvesCronDecision){ planned_us, planned_us, judge (entry, planned_us) };
      elves_cron_entry_plan (entry, planned_us);
    }
  return n;
}

/**
 * elves_cron_release:
 * @planned_us: of the execution that has ended
 *
 * Returns: the planned instant that waited for it and fires now; 0: none did.
 */
gint64
elves_cron_release (ElvesCronEntry *entry, gint64 planned_us)
{
  if (entry->running_us == 0 || entry->running_us != planned_us)
    return 0;
  entry->running_us = entry->queued_us;
  entry->queued_us = 0;
  return entry->running_us;
}
