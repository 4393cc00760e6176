/* createCron: the members of elves-amqp.md 7.1, and ours beside them.
 *
 * Everything is checked here, so that what the store holds can be fired: the rule too, which must
 * have an instant to come. */
#include "cron/plan-request-private.h"

#include "common/error.h"
#include "cron/text.h"

#include <string.h>

enum
{
  DEFAULT_MISSED_CAP = 100,
  OWNER_LIMIT_BYTES = 64,
  UNIQUE_LIMIT_BYTES = 128,
  EXTRA_LIMIT_BYTES = 65536
};

/* The first fault counts. */
void
elves_cron_reading_blame_error (ElvesCronReading *self, const char *text, GError *error)
{
  if (self->text == NULL)
    {
      self->text = text;
      self->error = error;
    }
  else
    g_clear_error (&error);
}

void
elves_cron_reading_blame (ElvesCronReading *self, const char *text, const char *why)
{
  elves_cron_reading_blame_error (self, text,
                                  g_error_new_literal (ELVES_ERROR, ELVES_ERROR_INVALID, why));
}

void
elves_cron_reading_set (char **field, const char *text)
{
  g_free (*field);
  *field = g_strdup (text);
}

/* "" of what is missing, and of what is no text, which is a fault. */
char *
elves_cron_reading_text (ElvesCronReading *self, const char *name)
{
  g_autoptr (GError) error = NULL;
  char *text = NULL;
  if (elves_request_text (self->request, name, &text, &error))
    return text;
  elves_cron_reading_blame_error (self, FAULT_TYPE, g_steal_pointer (&error));
  return g_strdup ("");
}

void
elves_cron_reading_into (ElvesCronReading *self, char **field, const char *name)
{
  g_free (*field);
  *field = elves_cron_reading_text (self, name);
}

void
elves_cron_reading_raw (ElvesCronReading *self, char **field, const char *name)
{
  ElvesJsonValue value = elves_request_get (self->request, name);
  g_free (*field);
  if (value.kind == ELVES_JSON_STRING)
    *field = elves_json_value_to_text (value);
  else
    *field = elves_cron_reading_text (self, name);
}

gint64
elves_cron_reading_number (ElvesCronReading *self, const char *name, gint64 max, gint64 fallback)
{
  g_autoptr (GError) error = NULL;
  gint64 number = fallback;
  if (!elves_request_number (self->request, name, TRUE, 0, max, fallback, &number, &error))
    elves_cron_reading_blame_error (self, FAULT_TYPE, g_steal_pointer (&error));
  return number;
}

gboolean
elves_cron_reading_is_true (ElvesCronReading *self, const char *name)
{
  g_autofree char *text = elves_cron_reading_text (self, name);
  return g_ascii_strcasecmp (text, "true") == 0;
}

static gint64
read_time (ElvesCronReading *self, const char *name)
{
  g_autofree char *text = elves_cron_reading_text (self, name);
  gint64 time_us = 0;
  if (*text != '\0' && !elves_cron_text_to_time (text, &time_us))
    {
      g_autofree char *why =
          g_strdup_printf ("%s: expected a time such as 2026-03-29T01:00:00Z", name);
      elves_cron_reading_blame (self, FAULT_RULE, why);
    }
  return time_us;
}

/* ---- when ----------------------------------------------------------------------------------- */

static void
read_dialect (ElvesCronReading *self)
{
  ElvesCronPlan *plan = self->plan;
  g_autofree char *dialect = elves_cron_reading_text (self, "dialect");
  g_autofree char *gap = elves_cron_reading_text (self, "gap");
  g_autofree char *fold = elves_cron_reading_text (self, "fold");
  if (*dialect != '\0' && !elves_schedule_dialect_from_name (dialect, &plan->dialect))
    elves_cron_reading_blame (self, FAULT_RULE, "dialect: there is none of this name");
  if (*gap != '\0' && !elves_schedule_gap_from_name (gap, &plan->gap))
    elves_cron_reading_blame (self, FAULT_RULE, "gap: expected default, skip or first");
  if (*fold != '\0' && !elves_schedule_fold_from_name (fold, &plan->fold))
    elves_cron_reading_blame (self, FAULT_RULE, "fold: expected default, once or twice");
  elves_cron_reading_into (self, &plan->tz, "tz");
  if (*plan->tz == '\0')
    elves_cron_reading_set (&plan->tz, self->config->timezone);
}

/* Seconds, with a fraction. */
static gint64
read_every (ElvesCronReading *self)
{
  g_autofree char *text = elves_cron_reading_text (self, "every");
  char *end = text;
  double seconds = g_ascii_strtod (text, &end);
  if (*text == '\0')
    return 0;
  if (*end != '\0' || !(seconds >= 0.001 && seconds <= 1e9))
    {
      elves_cron_reading_blame (self, FAULT_RULE,
                                "every: expected seconds, from 0.001 to 1000000000");
      return 0;
    }
  return (gint64) (seconds * G_USEC_PER_SEC + 0.5);
}

static void
read_timing (ElvesCronReading *self)
{
  ElvesCronPlan *plan = self->plan;
  gboolean has_rule;
  elves_cron_reading_into (self, &plan->rule, "rule");
  plan->every_us = read_every (self);
  plan->at_us = read_time (self, "at");
  plan->start_us = read_time (self, "start");
  plan->end_us = read_time (self, "end");
  has_rule = *plan->rule != '\0';
  if ((has_rule ? 1 : 0) + (plan->every_us != 0 ? 1 : 0) + (plan->at_us != 0 ? 1 : 0) != 1)
    elves_cron_reading_blame (self, FAULT_RULE, "expected one of rule, every and at");
  plan->timing = has_rule              ? ELVES_CRON_BY_RULE
                 : plan->every_us != 0 ? ELVES_CRON_BY_INTERVAL
                                       : ELVES_CRON_ONCE;
}

/* Where deciding begins. What is to fire at once is planned for now, which is then still to be
   decided. */
static void
read_first (ElvesCronReading *self)
{
  ElvesCronPlan *plan = self->plan;
  gint64 now_us = plan->created_us;
  g_autofree char *first = elves_cron_reading_text (self, "first");
  gboolean is_started = plan->state == ELVES_CRON_STARTED;
  gboolean is_due = plan->timing == ELVES_CRON_ONCE && plan->at_us <= now_us;
  if (*first != '\0' && g_ascii_strcasecmp (first, "now") != 0)
    elves_cron_reading_blame (self, FAULT_RULE, "first: expected now");
  plan->first_now = *first != '\0' && plan->timing == ELVES_CRON_BY_INTERVAL;
  if (!is_started)
    return;
  plan->first_us = plan->cursor_us = plan->first_now || is_due ? now_us - 1 : now_us;
  if (plan->first_now)
    plan->start_us = MAX (plan->start_us, now_us);
  if (is_due)
    plan->at_us = now_us;
}

static void
check_rule (ElvesCronReading *self)
{
  const ElvesCronPlan *plan = self->plan;
  gint64 after_us = plan->cursor_us != 0 ? plan->cursor_us : plan->created_us;
  g_autoptr (ElvesCronEntry) entry = NULL;
  GError *error = NULL;
  if (self->text != NULL)
    return;
  entry = elves_cron_plan_entry (self->plan, after_us, &error);
  if (entry == NULL)
    elves_cron_reading_blame_error (self, FAULT_RULE, error);
  else if (elves_cron_entry_is_over (entry))
    elves_cron_reading_blame (self, FAULT_RULE, "rule: no instant comes any more");
}

static gboolean
is_started (ElvesCronReading *self)
{
  ElvesJsonKind kind = elves_request_get (self->request, "started").kind;
  if (kind == ELVES_JSON_ABSENT || kind == ELVES_JSON_NULL)
    return self->starts;
  return elves_cron_reading_is_true (self, "started");
}

static void
read_policies (ElvesCronReading *self)
{
  ElvesCronPlan *plan = self->plan;
  g_autofree char *overlap = elves_cron_reading_text (self, "overlap");
  g_autofree char *missed = elves_cron_reading_text (self, "missed");
  if (*overlap != '\0' && !elves_cron_overlap_from_name (overlap, &plan->overlap))
    elves_cron_reading_blame (self, FAULT_POLICY, "overlap: expected allow, skip or queue");
  if (*missed != '\0' && !elves_cron_missed_from_name (missed, &plan->missed))
    elves_cron_reading_blame (self, FAULT_POLICY, "missed: expected skip, last or all");
  plan->missed_cap =
      (guint) elves_cron_reading_number (self, "missed_cap", 10000, DEFAULT_MISSED_CAP);
  plan->count = elves_cron_reading_number (self, "count", G_MAXINT32, 0);
  plan->state = is_started (self) ? ELVES_CRON_STARTED : ELVES_CRON_STOPPED;
}

/* ---- whose ---------------------------------------------------------------------------------- */

static void
read_owned (ElvesCronReading *self, char **field, const char *name, gsize limit)
{
  g_autofree char *why = NULL;
  elves_cron_reading_raw (self, field, name);
  if (strlen (*field) <= limit)
    return;
  why = g_strdup_printf ("%s: longer than %" G_GSIZE_FORMAT " bytes", name, limit);
  elves_cron_reading_blame (self, FAULT_PARAM, why);
}

static void
read_owner (ElvesCronReading *self)
{
  ElvesCronPlan *plan = self->plan;
  g_autofree char *spelling = elves_cron_reading_text (self, "spelling");
  read_owned (self, &plan->owner, "owner", OWNER_LIMIT_BYTES);
  read_owned (self, &plan->unique_key, "unique", UNIQUE_LIMIT_BYTES);
  read_owned (self, &plan->extra, "extra", EXTRA_LIMIT_BYTES);
  if (*spelling != '\0' && !elves_cron_spelling_from_name (spelling, &plan->spelling))
    elves_cron_reading_blame (self, FAULT_PARAM, "spelling: expected hex, decimal or objectid");
}

static void
begin (ElvesCronPlan *plan)
{
  char id[ELVES_CRON_ID_SIZE];
  plan->created_us = g_get_real_time ();
  elves_cron_id_write (elves_cron_id_new (plan->created_us), id);
  elves_cron_reading_set (&plan->id, id);
}

/**
 * elves_cron_plan_from_request:
 * @starts: whether it is started when the request does not say so
 * @out_text: (out): constant, of the answer, when it is no plan
 *
 * Returns: (transfer full) (nullable): what is to be created.
 * Errors: %ELVES_ERROR_INVALID names the member and what was expected.
 */
ElvesCronPlan *
elves_cron_plan_from_request (const ElvesCronConfig *config,
                              const ElvesRequest *request,
                              gboolean starts,
                              const char **out_text,
                              GError **error)
{
  g_autoptr (ElvesCronPlan) plan = elves_cron_plan_new ();
  ElvesCronReading reading = {
    .config = config, .request = request, .plan = plan, .starts = starts
  };
  begin (plan);
  elves_cron_reading_action (&reading);
  read_owner (&reading);
  read_dialect (&reading);
  read_timing (&reading);
  read_policies (&reading);
  read_first (&reading);
  check_rule (&reading);
  if (reading.text == NULL)
    return g_steal_pointer (&plan);
  *out_text = reading.text;
  g_propagate_error (error, reading.error);
  return NULL;
}
