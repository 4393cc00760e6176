/* Fields and a zone -> instants: where the daylight-saving policies are applied, and nowhere else.
 *
 * The zone is a row of spans. Within one, local time runs evenly, so the next match is local
 * arithmetic. Between two of them local time jumps: forward over a gap, or back over a fold. Spans
 * are walked from the one the question is in; there is no stepping through minutes. */

#include "common/schedule-private.h"

/* The fields' next match, and the stretch of questions that it is the answer to: most spans end
   before it, and need no search of their own. */
typedef struct
{
  const ElvesFields *fields;
  gint64 asked_s;
  gint64 answer_s;
} Matches;

static gint64
match_from (Matches *self, gint64 local_s)
{
  if (local_s < self->asked_s || local_s > self->answer_s)
    {
      self->asked_s = local_s;
      self->answer_s = elves_fields_next (self->fields, local_s);
    }
  return self->answer_s;
}

typedef struct
{
  const ElvesSchedule *schedule;
  Matches matches;
  gint64 from_s;
  ElvesScheduleInstant *out;
} Search;

static void
found (Search *self, gint64 at_s, gint64 planned_local_s, gint32 offset_s, ElvesScheduleMark mark)
{
  self->out->at_us = at_s * G_USEC_PER_SEC;
  self->out->planned_local_s = planned_local_s;
  self->out->offset_s = offset_s;
  self->out->mark = mark;
}

/* The start of @span, when something was planned for the gap before it. */
static gboolean
try_gap (Search *self, const ElvesZoneSpan *span)
{
  gint64 start_local_s = span->start_s + span->offset_s;
  gint64 planned_s;

  if (span->fresh_s == G_MININT64 || span->fresh_s >= start_local_s || self->from_s > span->start_s)
    return FALSE;
  planned_s = match_from (&self->matches, span->fresh_s);
  if (planned_s >= start_local_s)
    return FALSE;
  if (self->schedule->skip_gaps)
    {
      self->out->skipped_local_s = planned_s;
      return FALSE;
    }
  found (self, span->start_s, planned_s, span->offset_s, ELVES_SCHEDULE_MOVED);
  return TRUE;
}

/* Whether the wall clock shows @local_s again after the span @index. */
static ElvesScheduleMark
mark_of (Search *self, guint index, gint64 local_s)
{
  const ElvesZoneSpan *span = elves_zone_span (self->schedule->zone, index);
  const ElvesZoneSpan *next = elves_zone_span (self->schedule->zone, index + 1);

  if (local_s < span->fresh_s)
    return ELVES_SCHEDULE_TWICE_SECOND;
  if (next == NULL || local_s < next->start_s + next->offset_s)
    return ELVES_SCHEDULE_PLAIN;
  return self->schedule->both_folds ? ELVES_SCHEDULE_TWICE_FIRST : ELVES_SCHEDULE_FIRST_OF_TWO;
}

static gboolean
try_span (Search *self, guint index)
{
  const ElvesZoneSpan *span = elves_zone_span (self->schedule->zone, index);
  gint64 low_s = MAX (self->from_s, span->start_s) + span->offset_s;
  gint64 match_s;

  if (!self->schedule->both_folds)
    low_s = MAX (low_s, span->fresh_s);
  match_s = match_from (&self->matches, low_s);
  if (match_s == ELVES_SCHEDULE_NEVER ||
      match_s - span->offset_s >= elves_zone_span_end (self->schedule->zone, index))
    return FALSE;
  found (self, match_s - span->offset_s, match_s, span->offset_s, mark_of (self, index, match_s));
  return TRUE;
}

/**
 * elves_schedule_search:
 * @self: a schedule of a rule
 * @from_s: unix seconds
 * @out_instant: the instant found
 *
 * Returns: whether there is an instant from @from_s on, up to 2199.
 */
gboolean
elves_schedule_search (const ElvesSchedule *self, gint64 from_s, ElvesScheduleInstant *out_instant)
{
  Search search = {
    .schedule = self,
    .matches = { &self->fields, G_MAXINT64, G_MININT64 },
    .from_s = from_s,
    .out = out_instant,
  };
  const ElvesZoneSpan *span;

  out_instant->skipped_local_s = ELVES_SCHEDULE_NONE;
  for (guint i = elves_zone_find (self->zone, from_s);
       (span = elves_zone_span (self->zone, i)) != NULL; i++)
    if (try_gap (&search, span) || try_span (&search, i))
      return TRUE;
  return FALSE;
}
