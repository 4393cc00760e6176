/* One started schedule in memory. */
#include "cron/entry.h"

/**
 * elves_cron_entry_new:
 * @id: of the schedule
 * @schedule: (transfer full): when
 *
 * Returns: (transfer full): an entry that nothing limits, not planned yet.
 */
ElvesCronEntry *
elves_cron_entry_new (guint64 id, ElvesSchedule *schedule)
{
  ElvesCronEntry *self = g_new0 (ElvesCronEntry, 1);
  self->id = id;
  self->schedule = schedule;
  self->next_us = ELVES_SCHEDULE_NEVER;
  self->end_us = ELVES_SCHEDULE_NEVER;
  self->left = ELVES_CRON_UNLIMITED;
  return self;
}

/**
 * elves_cron_entry_free:
 * @self: (nullable)
 */
void
elves_cron_entry_free (ElvesCronEntry *self)
{
  if (self == NULL)
    return;
  elves_schedule_free (self->schedule);
  g_free (self);
}

void
elves_cron_entry_plan (ElvesCronEntry *self, gint64 after_us)
{
  gint64 next_us = elves_schedule_next (self->schedule, after_us);
  self->next_us = next_us > self->end_us || self->left == 0 ? ELVES_SCHEDULE_NEVER : next_us;
}

gboolean
elves_cron_entry_is_over (const ElvesCronEntry *self)
{
  return self->next_us == ELVES_SCHEDULE_NEVER && self->queued_us == 0;
}
