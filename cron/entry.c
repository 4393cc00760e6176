/* One started schedule in memory. */
#include "cron/entry.h"

#include <string.h>

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

/**
 * elves_cron_id_parse:
 * @text: from outside
 * @out_id: (out): its number
 *
 * Returns: whether it is 16 hex digits, in any case.
 */
gboolean
elves_cron_id_parse (const char *text, guint64 *out_id)
{
  if (strlen (text) != ELVES_CRON_ID_SIZE - 1 ||
      strspn (text, "0123456789abcdefABCDEF") != ELVES_CRON_ID_SIZE - 1)
    return FALSE;
  *out_id = g_ascii_strtoull (text, NULL, 16);
  return TRUE;
}

void
elves_cron_id_write (guint64 id, char text[ELVES_CRON_ID_SIZE])
{
  g_snprintf (text, ELVES_CRON_ID_SIZE, "%016" G_GINT64_MODIFIER "X", id);
}
