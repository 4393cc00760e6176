/* A timed task as a value. */
#include "cron/plan.h"

#include "common/error.h"
#include "common/json-reader.h"
#include "common/json-writer.h"

#include <string.h>

enum
{
  CALLBACK_LIMIT_S = 86400
};

static const char *const overlap_names[] = { "allow", "skip", "queue", NULL };
static const char *const missed_names[] = { "skip", "last", "all", NULL };
static const char *const action_names[] = { "job", "http", "message", NULL };
static const char *const state_names[] = { "stopped", "started", "finished", NULL };

static char **
text_fields (ElvesCronPlan *self, guint index)
{
  char **fields[] = { &self->id,       &self->name,         &self->rule,    &self->tz,
                      &self->ip,       &self->mode,         &self->app,     &self->func,
                      &self->proxy,    &self->param,        &self->target,  &self->method,
                      &self->headers,  &self->content_type, &self->owner,   &self->unique_key,
                      &self->extra,    &self->retry_delays, &self->targets, &self->token_param,
                      &self->exchange, &self->spawned_by };
  return index < G_N_ELEMENTS (fields) ? fields[index] : NULL;
}

/**
 * elves_cron_plan_new:
 *
 * Returns: (transfer full): an empty plan: all texts "", no limits, the first of each policy.
 */
ElvesCronPlan *
elves_cron_plan_new (void)
{
  ElvesCronPlan *self = g_new0 (ElvesCronPlan, 1);
  char **field;
  for (guint i = 0; (field = text_fields (self, i)) != NULL; i++)
    *field = g_strdup ("");
  return self;
}

ElvesCronPlan *
elves_cron_plan_copy (const ElvesCronPlan *self)
{
  ElvesCronPlan *copy = g_memdup2 (self, sizeof *self);
  char **field;
  for (guint i = 0; (field = text_fields (copy, i)) != NULL; i++)
    *field = g_strdup (*field);
  return copy;
}

/**
 * elves_cron_plan_free:
 * @self: (nullable)
 */
void
elves_cron_plan_free (ElvesCronPlan *self)
{
  char **field;
  if (self == NULL)
    return;
  for (guint i = 0; (field = text_fields (self, i)) != NULL; i++)
    g_free (*field);
  g_free (self);
}

ElvesSchedule *
elves_cron_plan_schedule (const ElvesCronPlan *self, GError **error)
{
  ElvesScheduleZone zone = { self->tz, self->gap, self->fold };
  gint64 from_us = self->start_us != 0 ? self->start_us : self->created_us;
  switch (self->timing)
    {
    case ELVES_CRON_BY_RULE:
      return elves_schedule_new_rule (self->dialect, self->rule, &zone, error);
    case ELVES_CRON_BY_INTERVAL:
      return elves_schedule_new_interval (from_us, self->end_us, self->every_us, error);
    case ELVES_CRON_ONCE:
      return elves_schedule_new_once (self->at_us);
    }
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_INVALID, "no such timing: %d", (int) self->timing);
  return NULL;
}

/* How long an execution may hold up its task, when nobody says how it has ended. A callback always
   ends by itself, but it may be tried for long, and then wait to be reported. */
static guint32
limit_of (const ElvesCronPlan *self)
{
  if (self->action == ELVES_CRON_HTTP)
    return self->report_timeout_s != 0 ? self->report_timeout_s + CALLBACK_LIMIT_S : 0;
  return self->timeout_s > 0 ? (guint32) self->timeout_s : 0;
}

ElvesCronEntry *
elves_cron_plan_entry (const ElvesCronPlan *self, gint64 after_us, GError **error)
{
  ElvesSchedule *schedule = elves_cron_plan_schedule (self, error);
  ElvesCronEntry *entry;
  guint64 id = 0;
  if (schedule == NULL)
    return NULL;
  elves_cron_id_parse (self->id, &id);
  entry = elves_cron_entry_new (id, schedule);
  if (self->end_us != 0)
    entry->end_us = self->end_us;
  if (self->count != 0)
    entry->left = (guint32) CLAMP (self->count - self->fired, 0, (gint64) ELVES_CRON_UNLIMITED - 1);
  entry->overlap = (guint8) self->overlap;
  entry->missed = (guint8) self->missed;
  entry->missed_cap = (guint16) self->missed_cap;
  entry->limit_s = limit_of (self);
  elves_cron_entry_plan (entry, MAX (after_us, self->start_us - 1));
  return entry;
}

/* ---- lists ---------------------------------------------------------------------------------- */

static ElvesJsonValue
array_of (const char *json)
{
  return (ElvesJsonValue){ *json != '\0' ? ELVES_JSON_ARRAY : ELVES_JSON_ABSENT, json,
                           strlen (json) };
}

char **
elves_cron_plan_urls (const ElvesCronPlan *self)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  ElvesJsonValue all = array_of (self->targets), element;
  gsize position = 0;
  if (*self->targets == '\0')
    g_strv_builder_add (builder, self->target);
  while (all.kind == ELVES_JSON_ARRAY && elves_json_array_next (all, &position, &element))
    {
      g_autofree char *url = elves_json_value_to_text (element);
      g_strv_builder_add (builder, url);
    }
  return g_strv_builder_end (builder);
}

void
elves_cron_plan_turn_urls (ElvesCronPlan *self, guint by)
{
  g_auto (GStrv) urls = elves_cron_plan_urls (self);
  guint n = g_strv_length (urls);
  GString *array;
  if (*self->targets == '\0')
    return;
  array = g_string_new (NULL);
  elves_json_open_array (array, NULL);
  for (guint i = 0; i < n; i++)
    elves_json_add_text (array, NULL, urls[(by + i) % n]);
  elves_json_close_array (array);
  g_free (self->targets);
  self->targets = g_string_free (array, FALSE);
}

GArray *
elves_cron_plan_retry_delays (const ElvesCronPlan *self)
{
  GArray *delays = g_array_new (FALSE, FALSE, sizeof (guint));
  ElvesJsonValue all = array_of (self->retry_delays), element;
  gsize position = 0;
  while (all.kind == ELVES_JSON_ARRAY && elves_json_array_next (all, &position, &element))
    {
      g_autofree char *text = elves_json_value_to_text (element);
      guint delay_ms = (guint) (g_ascii_strtod (text, NULL) * 1000);
      g_array_append_val (delays, delay_ms);
    }
  return delays;
}

/* ---- names ---------------------------------------------------------------------------------- */

static const char *
name_of (const char *const *names, guint index)
{
  return index < g_strv_length ((char **) names) ? names[index] : "";
}

static gboolean
find_name (const char *const *names, const char *name, guint *out_index)
{
  for (guint i = 0; names[i] != NULL; i++)
    if (g_ascii_strcasecmp (names[i], name) == 0)
      {
        *out_index = i;
        return TRUE;
      }
  return FALSE;
}

const char *
elves_cron_overlap_name (guint overlap)
{
  return name_of (overlap_names, overlap);
}

const char *
elves_cron_missed_name (guint missed)
{
  return name_of (missed_names, missed);
}

const char *
elves_cron_action_name (ElvesCronAction action)
{
  return name_of (action_names, action);
}

const char *
elves_cron_state_name (ElvesCronState state)
{
  return name_of (state_names, state);
}

gboolean
elves_cron_overlap_from_name (const char *name, ElvesCronOverlap *out_overlap)
{
  return find_name (overlap_names, name, out_overlap);
}

gboolean
elves_cron_missed_from_name (const char *name, ElvesCronMissed *out_missed)
{
  return find_name (missed_names, name, out_missed);
}

gboolean
elves_cron_state_from_name (const char *name, guint *out_state)
{
  return find_name (state_names, name, out_state);
}
