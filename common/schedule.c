/* The kinds of schedules and their life; what is an instant of a rule stands in schedule-search.c.
 */

#include "common/schedule.h"

#include "common/error.h"
#include "common/schedule-private.h"

#include <string.h>

typedef struct
{
  ElvesRuleParseFunc parse;
  gboolean skip_gaps;
  gboolean both_folds;
} Dialect;

static const Dialect dialects[] = {
  [ELVES_SCHEDULE_QUARTZ] = { elves_rule_parse_quartz, TRUE, FALSE },
  [ELVES_SCHEDULE_CRONTAB] = { elves_rule_parse_crontab, FALSE, FALSE },
  [ELVES_SCHEDULE_CRONTAB_SECONDS] = { elves_rule_parse_crontab_seconds, TRUE, TRUE },
  [ELVES_SCHEDULE_TIMECLOUD] = { elves_rule_parse_timecloud, FALSE, FALSE },
  [ELVES_SCHEDULE_TIMECLOUD_SUNDAY] = { elves_rule_parse_timecloud_sunday, FALSE, FALSE },
  [ELVES_SCHEDULE_CRONJOB] = { elves_rule_parse_cronjob, FALSE, FALSE },
};

G_STATIC_ASSERT (G_N_ELEMENTS (dialects) == ELVES_N_SCHEDULE_DIALECTS);

/* --- rules ----------------------------------------------------------------------------------- */

/**
 * elves_rule_clear: (skip)
 * @self: a rule, or zero-filled
 */
void
elves_rule_clear (ElvesRule *self)
{
  elves_fields_clear (&self->fields);
  g_clear_pointer (&self->zone_name, g_free);
}

static void
set_policies (ElvesSchedule *self, const Dialect *dialect, const ElvesScheduleZone *zone)
{
  gboolean is_beat = self->fields.hours == ELVES_EVERY_HOUR;

  self->skip_gaps = dialect->skip_gaps || is_beat;
  self->both_folds = dialect->both_folds || is_beat;
  if (zone != NULL && zone->gap != ELVES_SCHEDULE_GAP_DEFAULT)
    self->skip_gaps = zone->gap == ELVES_SCHEDULE_GAP_SKIP;
  if (zone != NULL && zone->fold != ELVES_SCHEDULE_FOLD_DEFAULT)
    self->both_folds = zone->fold == ELVES_SCHEDULE_FOLD_TWICE;
}

static ElvesSchedule *
new_every (gint64 every_us)
{
  ElvesSchedule *self = g_new0 (ElvesSchedule, 1);

  self->kind = ELVES_SCHEDULE_KIND_EVERY;
  self->every_us = every_us;
  return self;
}

/* Takes the fields out of @rule. */
static ElvesSchedule *
new_of_fields (ElvesRule *rule, const Dialect *dialect, const ElvesScheduleZone *zone)
{
  ElvesSchedule *self = g_new0 (ElvesSchedule, 1);

  self->kind = ELVES_SCHEDULE_KIND_RULE;
  self->fields = rule->fields;
  rule->fields.years = NULL;
  set_policies (self, dialect, zone);
  return self;
}

static gboolean
check_fires (const ElvesSchedule *self, GError **error)
{
  if (elves_schedule_next (self, -1) != ELVES_SCHEDULE_NEVER)
    return TRUE;
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_INVALID,
               "it can never fire: no instant from %d to %d matches all of its fields",
               ELVES_ZONE_FIRST_YEAR, ELVES_ZONE_LAST_YEAR);
  return FALSE;
}

/**
 * elves_schedule_new_rule:
 * @dialect: how to read @text
 * @text: the rule, any bytes
 * @zone: (nullable): time zone and policies; %NULL: the process's zone, the dialect's policies
 * @error: return location
 *
 * Returns: (transfer full): the schedule; %NULL with @error set. Any thread.
 *
 * Errors: %ELVES_ERROR_INVALID
 */
ElvesSchedule *
elves_schedule_new_rule (ElvesScheduleDialect dialect,
                         const char *text,
                         const ElvesScheduleZone *zone,
                         GError **error)
{
  g_auto (ElvesRule) rule = { 0 };
  g_autoptr (ElvesSchedule) self = NULL;
  const ElvesZone *table;

  if (strlen (text) > ELVES_SCHEDULE_TEXT_LIMIT)
    {
      g_set_error (error, ELVES_ERROR, ELVES_ERROR_INVALID,
                   "the rule has %" G_GSIZE_FORMAT " bytes, expected at most %d", strlen (text),
                   ELVES_SCHEDULE_TEXT_LIMIT);
      return NULL;
    }
  if (!dialects[dialect].parse (&rule, text, error))
    return NULL;
  if (rule.zone_name == NULL && zone != NULL)
    rule.zone_name = g_strdup (zone->name);
  table = elves_zone_get (rule.zone_name, error);
  if (table == NULL)
    return NULL;
  if (rule.every_us > 0)
    return new_every (rule.every_us);

  self = new_of_fields (&rule, &dialects[dialect], zone);
  self->zone = table;
  return check_fires (self, error) ? g_steal_pointer (&self) : NULL;
}

/* --- instants by themselves ------------------------------------------------------------------ */

/**
 * elves_schedule_new_interval:
 * @start_us: the first instant
 * @end_us: none is later; 0: no end
 * @every_us: from one to the next, > 0
 * @error: return location
 *
 * Returns: (transfer full): the schedule; %NULL with @error set. Any thread.
 *
 * Errors: %ELVES_ERROR_INVALID
 */
ElvesSchedule *
elves_schedule_new_interval (gint64 start_us, gint64 end_us, gint64 every_us, GError **error)
{
  ElvesSchedule *self;

  if (every_us <= 0 || (end_us != 0 && end_us < start_us))
    {
      g_set_error_literal (error, ELVES_ERROR, ELVES_ERROR_INVALID,
                           every_us <= 0 ? "the interval is not longer than nothing"
                                         : "the interval ends before it starts");
      return NULL;
    }
  self = new_every (every_us);
  self->kind = ELVES_SCHEDULE_KIND_INTERVAL;
  self->start_us = start_us;
  self->end_us = end_us != 0 ? end_us : ELVES_SCHEDULE_NEVER - 1;
  return self;
}

/**
 * elves_schedule_new_once:
 * @at_us: the instant
 *
 * Returns: (transfer full): a schedule of that one instant. Any thread.
 */
ElvesSchedule *
elves_schedule_new_once (gint64 at_us)
{
  ElvesSchedule *self = g_new0 (ElvesSchedule, 1);

  self->kind = ELVES_SCHEDULE_KIND_ONCE;
  self->start_us = at_us;
  return self;
}

/**
 * elves_schedule_free:
 * @self: (nullable): a schedule
 */
void
elves_schedule_free (ElvesSchedule *self)
{
  if (self == NULL)
    return;
  if (self->kind == ELVES_SCHEDULE_KIND_RULE)
    elves_fields_clear (&self->fields);
  g_free (self);
}

/* --- next ------------------------------------------------------------------------------------ */

static gint64
floor_second (gint64 us)
{
  gint64 rest_us = us % G_USEC_PER_SEC;

  return us - rest_us - (rest_us < 0 ? G_USEC_PER_SEC : 0);
}

static gint64
next_every (const ElvesSchedule *self, gint64 after_us)
{
  gint64 at_us;

  return __builtin_add_overflow (floor_second (MAX (after_us, 0)), self->every_us, &at_us)
             ? ELVES_SCHEDULE_NEVER
             : at_us;
}

static gint64
next_interval (const ElvesSchedule *self, gint64 after_us)
{
  gint64 passed_us, at_us;

  if (after_us < self->start_us)
    return self->start_us;
  if (after_us >= self->end_us || __builtin_sub_overflow (after_us, self->start_us, &passed_us) ||
      __builtin_add_overflow (after_us, self->every_us - passed_us % self->every_us, &at_us) ||
      at_us > self->end_us)
    return ELVES_SCHEDULE_NEVER;
  return at_us;
}

static gint64
next_alone (const ElvesSchedule *self, gint64 after_us)
{
  if (self->kind == ELVES_SCHEDULE_KIND_EVERY)
    return next_every (self, after_us);
  if (self->kind == ELVES_SCHEDULE_KIND_INTERVAL)
    return next_interval (self, after_us);
  return after_us < self->start_us ? self->start_us : ELVES_SCHEDULE_NEVER;
}

/**
 * elves_schedule_explain:
 * @self: a schedule
 * @after_us: unix microseconds
 * @out_instant: the next instant, and what daylight saving did to it
 *
 * Returns: %FALSE when there is no instant after @after_us. Any thread.
 */
gboolean
elves_schedule_explain (const ElvesSchedule *self,
                        gint64 after_us,
                        ElvesScheduleInstant *out_instant)
{
  gint64 at_us;

  if (self->kind == ELVES_SCHEDULE_KIND_RULE)
    return elves_schedule_search (self, floor_second (MAX (after_us, -1)) / G_USEC_PER_SEC + 1,
                                  out_instant);
  at_us = next_alone (self, after_us);
  *out_instant = (ElvesScheduleInstant){
    .at_us = at_us,
    .planned_local_s = floor_second (at_us) / G_USEC_PER_SEC,
    .skipped_local_s = ELVES_SCHEDULE_NONE,
  };
  return at_us != ELVES_SCHEDULE_NEVER;
}

/**
 * elves_schedule_next:
 * @self: a schedule
 * @after_us: unix microseconds
 *
 * Returns: the first instant after @after_us; %ELVES_SCHEDULE_NEVER. Any thread.
 */
gint64
elves_schedule_next (const ElvesSchedule *self, gint64 after_us)
{
  ElvesScheduleInstant instant;

  return elves_schedule_explain (self, after_us, &instant) ? instant.at_us : ELVES_SCHEDULE_NEVER;
}
