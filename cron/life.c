/* What may become of a planned instant: one table. */
#include "cron/life.h"

static const struct
{
  ElvesCronLife from, to;
} steps[] = {
  { ELVES_CRON_DECIDED, ELVES_CRON_SENT },
  { ELVES_CRON_DECIDED, ELVES_CRON_ENDED }, /* a callback's answer; a result that overtook */
  { ELVES_CRON_SENT, ELVES_CRON_ENDED },
  { ELVES_CRON_QUEUED, ELVES_CRON_DECIDED },
  { ELVES_CRON_QUEUED, ELVES_CRON_PASSED_OVER }, /* the task was stopped */
};

static const char *const names[ELVES_CRON_N_LIVES] = {
  "", "decided", "sent", "ended", "overlapped", "missed", "paused", "queued",
};

gboolean
elves_cron_life_may_follow (ElvesCronLife from, ElvesCronLife to)
{
  for (gsize i = 0; i < G_N_ELEMENTS (steps); i++)
    if (steps[i].from == from && steps[i].to == to)
      return TRUE;
  return FALSE;
}

const char *
elves_cron_life_name (guint life)
{
  return life < ELVES_CRON_N_LIVES ? names[life] : "";
}
