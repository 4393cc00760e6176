/* Schedules by the thousand for the differential tests: one question a line, one answer a line.
 *
 *   dialect TAB zone TAB gap TAB fold TAB after (unix seconds) TAB count TAB rule
 *   instants as unix seconds between blanks, "-" when there is none; or "! " and the error */

#include "common/schedule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum
{
  DIALECT,
  ZONE,
  GAP,
  FOLD,
  AFTER,
  COUNT,
  RULE,
  N_WORDS
};

static ElvesSchedule *
schedule_of (char **words, GError **error)
{
  ElvesScheduleZone zone = { .name = words[ZONE] };
  ElvesScheduleDialect dialect;

  g_assert_true (elves_schedule_dialect_from_name (words[DIALECT], &dialect));
  g_assert_true (elves_schedule_gap_from_name (words[GAP], &zone.gap));
  g_assert_true (elves_schedule_fold_from_name (words[FOLD], &zone.fold));
  return elves_schedule_new_rule (dialect, words[RULE], &zone, error);
}

static void
answer (char **words)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ElvesSchedule) schedule = schedule_of (words, &error);
  gint64 at_us = g_ascii_strtoll (words[AFTER], NULL, 10) * G_USEC_PER_SEC;
  gint64 count = g_ascii_strtoll (words[COUNT], NULL, 10);

  if (schedule == NULL)
    {
      printf ("! %s\n", error->message);
      return;
    }
  for (gint64 i = 0; i < count; i++)
    {
      at_us = elves_schedule_next (schedule, at_us);
      if (at_us == ELVES_SCHEDULE_NEVER)
        break;
      printf ("%" G_GINT64_FORMAT " ", at_us / G_USEC_PER_SEC);
    }
  puts (at_us == ELVES_SCHEDULE_NEVER ? "-" : "");
}

int
main (void)
{
  char *line = NULL;
  size_t size = 0;
  ssize_t length;

  while ((length = getline (&line, &size, stdin)) > 0)
    {
      g_auto (GStrv) words = NULL;

      line[strcspn (line, "\n")] = '\0';
      words = g_strsplit (line, "\t", N_WORDS);
      g_assert_cmpuint (g_strv_length (words), ==, N_WORDS);
      answer (words);
      fflush (stdout);
    }
  free (line);
  return 0;
}
