/* elvesctl cron next: the coming instants of a rule, and what daylight saving does to them. Asks
 * nobody. */
#include "cli/command.h"
#include "common/civil.h"
#include "common/error.h"
#include "common/schedule.h"
#include "common/zone.h"

#include <stdio.h>
#include <string.h>

enum
{
  DEFAULT_COUNT = 10,
  COUNT_LIMIT = 100000
};

typedef struct
{
  const char *rule;
  char *dialect, *zone, *gap, *fold, *from;
  int count;
  gboolean json;
} Next;

static void
next_clear (Next *self)
{
  g_free (self->dialect);
  g_free (self->zone);
  g_free (self->gap);
  g_free (self->fold);
  g_free (self->from);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Next, next_clear)

static gboolean
usage_error (GError **error, const char *text)
{
  g_set_error_literal (error, ELVES_ERROR, ELVES_ERROR_CONFIG, text);
  return FALSE;
}

/* --- arguments ------------------------------------------------------------------------------- */

static const char summary[] =
    "Prints the coming instants of RULE, and where clocks are changed what becomes of them.\n\n"
    "Dialects: quartz (if none is named), crontab, crontab-seconds, timecloud,\n"
    "timecloud-sunday, cronjob.\n\n"
    "Examples:\n"
    "  elvesctl cron next '0 30 2 * * ?' --tz Europe/Berlin -n 3\n"
    "  elvesctl cron next '30 2 * * *' --dialect crontab --from 2026-03-28T12:00:00Z --json\n\n"
    "Exit status: 0, or 2 when the rule is not right or has no instant to come.";

static gboolean
parse_arguments (Next *self, int argc, char **argv, GError **error)
{
  GOptionEntry entries[] = {
    { "dialect", 'd', 0, G_OPTION_ARG_STRING, &self->dialect, "How to read the rule", "DIALECT" },
    { "tz", 0, 0, G_OPTION_ARG_STRING, &self->zone, "Time zone; else that of this process",
      "ZONE" },
    { "gap", 0, 0, G_OPTION_ARG_STRING, &self->gap,
      "A local time that does not exist: skip it, or take the first instant after the gap",
      "skip|first" },
    { "fold", 0, 0, G_OPTION_ARG_STRING, &self->fold, "A local time that comes twice",
      "once|twice" },
    { "from", 0, 0, G_OPTION_ARG_STRING, &self->from, "Instants after this one; else after now",
      "ISO8601" },
    { "count", 'n', 0, G_OPTION_ARG_INT, &self->count, "How many, 10 if not given", "N" },
    { "json", 'j', 0, G_OPTION_ARG_NONE, &self->json, "Print an array of UTC instants", NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("RULE");

  g_option_context_set_summary (context, summary);
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, error))
    return FALSE;
  if (argc != 2)
    return usage_error (error, "cron next needs one RULE, in quotes (elvesctl cron next --help)");
  if (self->count < 1 || self->count > COUNT_LIMIT)
    return usage_error (error, "-n must be a number from 1 to 100000");
  self->rule = argv[1];
  return TRUE;
}

static ElvesSchedule *
make_schedule (const Next *self, GError **error)
{
  ElvesScheduleDialect dialect = ELVES_SCHEDULE_QUARTZ;
  ElvesScheduleZone zone = { .name = self->zone };
  ElvesSchedule *schedule;

  if (self->dialect != NULL && !elves_schedule_dialect_from_name (self->dialect, &dialect))
    {
      usage_error (error, "--dialect: expected quartz, crontab, crontab-seconds, timecloud, "
                          "timecloud-sunday or cronjob");
      return NULL;
    }
  if ((self->gap != NULL && !elves_schedule_gap_from_name (self->gap, &zone.gap)) ||
      (self->fold != NULL && !elves_schedule_fold_from_name (self->fold, &zone.fold)))
    {
      usage_error (error, "expected --gap skip or first, --fold once or twice");
      return NULL;
    }
  schedule = elves_schedule_new_rule (dialect, self->rule, &zone, error);
  if (schedule == NULL)
    g_prefix_error (error, "%s rule: ", elves_schedule_dialect_name (dialect));
  return schedule;
}

/* A date alone is its midnight; without an offset it is meant in the zone of the rule. */
static gboolean
read_from (const Next *self, gint64 *out_us, GError **error)
{
  g_autoptr (GTimeZone) zone =
      self->zone != NULL ? g_time_zone_new_identifier (self->zone) : g_time_zone_new_local ();
  g_autofree char *midnight = NULL;
  g_autoptr (GDateTime) time = NULL;

  if (self->from == NULL)
    {
      *out_us = g_get_real_time ();
      return TRUE;
    }
  midnight = g_strconcat (self->from, "T00:00:00", NULL);
  time =
      g_date_time_new_from_iso8601 (strchr (self->from, 'T') != NULL ? self->from : midnight, zone);
  if (time == NULL)
    return usage_error (error, "--from: expected a time such as 2026-03-29T01:00:00Z");
  *out_us = g_date_time_to_unix (time) * G_USEC_PER_SEC + g_date_time_get_microsecond (time);
  return TRUE;
}

/* --- printing -------------------------------------------------------------------------------- */

static char *
utc_text (gint64 at_us)
{
  g_autofree char *text = elves_civil_format (at_us / G_USEC_PER_SEC);

  text[strlen ("2026-03-29")] = 'T';
  return g_strconcat (text, "Z", NULL);
}

static void
print_note (const ElvesScheduleInstant *instant)
{
  g_autofree char *planned = elves_civil_format (instant->planned_local_s);

  if (instant->mark == ELVES_SCHEDULE_MOVED)
    printf ("  %s does not exist: the first instant after the gap", planned);
  else if (instant->mark == ELVES_SCHEDULE_FIRST_OF_TWO)
    printf ("  comes twice: only this first time");
  else if (instant->mark == ELVES_SCHEDULE_TWICE_FIRST)
    printf ("  comes twice: the first time");
  else if (instant->mark == ELVES_SCHEDULE_TWICE_SECOND)
    printf ("  comes twice: the second time");
}

static void
print_instant (const ElvesScheduleInstant *instant)
{
  static const char *const weekdays[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
  gint64 local_s = instant->at_us / G_USEC_PER_SEC + instant->offset_s;
  g_autofree char *utc = utc_text (instant->at_us);
  g_autofree char *local = elves_civil_format (local_s);
  int offset_min = ABS (instant->offset_s) / 60;

  if (instant->skipped_local_s != ELVES_SCHEDULE_NONE)
    {
      g_autofree char *skipped = elves_civil_format (instant->skipped_local_s);

      printf ("%-20s  skipped: %s does not exist\n", "-", skipped);
    }
  printf ("%s  %s %s %c%02d:%02d", utc,
          weekdays[elves_civil_weekday (elves_civil_day_of (local_s))], local,
          instant->offset_s < 0 ? '-' : '+', offset_min / 60, offset_min % 60);
  print_note (instant);
  putchar ('\n');
}

static void
print_json (const ElvesScheduleInstant *instant, gboolean first)
{
  g_autofree char *utc = utc_text (instant->at_us);

  printf ("%s\"%s\"", first ? "[" : ", ", utc);
}

static gboolean
print_instants (const Next *self, const ElvesSchedule *schedule, gint64 after_us, GError **error)
{
  g_autofree char *from = NULL;
  ElvesScheduleInstant instant = { .at_us = after_us };
  int i;

  for (i = 0; i < self->count && elves_schedule_explain (schedule, instant.at_us, &instant); i++)
    if (self->json)
      print_json (&instant, i == 0);
    else
      print_instant (&instant);
  if (self->json)
    puts (i > 0 ? "]" : "[]");
  if (i > 0)
    return TRUE;
  from = utc_text (after_us);
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_INVALID, "the rule has no instant after %s", from);
  return FALSE;
}

/**
 * elves_cli_cron_next:
 * @context: not used
 * @argc: number of arguments.
 * @argv: "next", then the command's own.
 * @error: what is wrong with the rule, or how it was asked.
 *
 * Returns: the exit status, or -1 with @error set.
 */
int
elves_cli_cron_next (const ElvesCliContext *context, int argc, char **argv, GError **error)
{
  g_auto (Next) self = { .count = DEFAULT_COUNT };
  g_autoptr (ElvesSchedule) schedule = NULL;
  gint64 after_us = 0;

  if (!parse_arguments (&self, argc, argv, error))
    return -1;
  schedule = make_schedule (&self, error);
  if (schedule == NULL || !read_from (&self, &after_us, error) ||
      !print_instants (&self, schedule, after_us, error))
    return -1;
  return ELVES_EXIT_SUCCESS;
}
