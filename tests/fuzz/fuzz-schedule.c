/* Any bytes as a rule of any dialect: an error with a reason, or a schedule whose instants go
   forward and are the same from wherever they are asked for. The first byte says which dialect,
   zone and policies. */

#include "common/error.h"
#include "common/schedule.h"
#include "tests/fuzz/fuzz.h"

#include <glib.h>
#include <string.h>

enum
{
  INSTANTS = 8
};

static void
check_instants (const ElvesSchedule *schedule)
{
  gint64 at_us = G_GINT64_CONSTANT (1774652400) * G_USEC_PER_SEC; /* a night before a change */

  for (guint i = 0; i < INSTANTS; i++)
    {
      gint64 next_us = elves_schedule_next (schedule, at_us);
      ElvesScheduleInstant instant;

      if (next_us == ELVES_SCHEDULE_NEVER)
        return;
      g_assert_cmpint (next_us, >, at_us);
      g_assert_true (elves_schedule_explain (schedule, at_us, &instant));
      g_assert_cmpint (instant.at_us, ==, next_us);
      at_us = next_us;
    }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static const char *const zones[] = { "UTC", "Europe/Berlin", "Australia/Lord_Howe",
                                       "Pacific/Apia" };
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (ElvesSchedule) schedule = NULL;
  ElvesScheduleZone zone = { NULL };

  if (size == 0)
    return 0;
  text = g_strndup ((const char *) data + 1, size - 1);
  zone.name = zones[data[0] / ELVES_N_SCHEDULE_DIALECTS % G_N_ELEMENTS (zones)];
  zone.gap = (ElvesScheduleGap) (data[0] % ELVES_N_SCHEDULE_GAPS);
  zone.fold = (ElvesScheduleFold) (data[0] / 2 % ELVES_N_SCHEDULE_FOLDS);
  schedule = elves_schedule_new_rule ((ElvesScheduleDialect) (data[0] % ELVES_N_SCHEDULE_DIALECTS),
                                      text, &zone, &error);
  g_assert_cmpint (schedule == NULL, ==, error != NULL);
  if (schedule != NULL)
    check_instants (schedule);
  else
    g_assert_true (g_utf8_validate (error->message, -1, NULL) && *error->message != '\0');
  return 0;
}
