/* createCron: the members of elves-amqp.md 7.1, and ours beside them.
 *
 * Everything is checked here, so that what the store holds can be fired: the rule too, which must
 * have an instant to come. */
#include "cron/plan-request.h"

#include "common/error.h"
#include "cron/caller.h"
#include "cron/text.h"

#include <string.h>

#define FAULT_IP "[403.1]Request Params (ip) Illegal"
#define FAULT_APP "[403.3]Request Params (app) Illegal"
#define FAULT_MODE "[403.4]Request Params (mode) Illegal"
#define FAULT_RULE "[403.5]Request Params (cron-rule) Illegal"
#define FAULT_FUNC "[403.7]Request Params (func) Illegal"
#define FAULT_PARAM "[403.8]Request Params (param) Illegal"
#define FAULT_POLICY "[403.9]Request Params (policy) Illegal"
#define FAULT_TARGET "[403.9]Request Params (url) Illegal"
#define FAULT_TYPE "[500]Request Params Of Wrong Type"

#define DEFAULT_TIMEOUT_S 60
#define DEFAULT_MISSED_CAP 100
#define ROUTING_KEY_LIMIT_BYTES 255
#define NAME_LIMIT_BYTES 255

typedef struct
{
  const ElvesCronConfig *config;
  const ElvesRequest *request;
  ElvesCronPlan *plan;
  const char *text; /* (nullable) of the fault */
  GError *error;
} Reading;

/* The first fault counts. */
static void
blame (Reading *self, const char *text, GError *error)
{
  if (self->text == NULL)
    {
      self->text = text;
      self->error = error;
    }
  else
    g_clear_error (&error);
}

static void
blame_member (Reading *self, const char *text, const char *why)
{
  blame (self, text, g_error_new_literal (ELVES_ERROR, ELVES_ERROR_INVALID, why));
}

static void
set_text (char **field, const char *text)
{
  g_free (*field);
  *field = g_strdup (text);
}

/* "" of what is missing, and of what is no text, which is a fault. */
static char *
read_text (Reading *self, const char *name)
{
  g_autoptr (GError) error = NULL;
  char *text = NULL;
  if (elves_request_text (self->request, name, &text, &error))
    return text;
  blame (self, FAULT_TYPE, g_steal_pointer (&error));
  return g_strdup ("");
}

static void
read_into (Reading *self, char **field, const char *name)
{
  g_free (*field);
  *field = read_text (self, name);
}

static gint64
read_number (Reading *self, const char *name, gint64 max, gint64 fallback)
{
  g_autoptr (GError) error = NULL;
  gint64 number = fallback;
  if (!elves_request_number (self->request, name, TRUE, 0, max, fallback, &number, &error))
    blame (self, FAULT_TYPE, g_steal_pointer (&error));
  return number;
}

static gint64
read_time (Reading *self, const char *name)
{
  g_autofree char *text = read_text (self, name);
  gint64 time_us = 0;
  if (*text != '\0' && !elves_cron_text_to_time (text, &time_us))
    {
      g_autofree char *why =
          g_strdup_printf ("%s: expected a time such as 2026-03-29T01:00:00Z", name);
      blame_member (self, FAULT_RULE, why);
    }
  return time_us;
}

/* ---- when ----------------------------------------------------------------------------------- */

static void
read_dialect (Reading *self)
{
  ElvesCronPlan *plan = self->plan;
  g_autofree char *dialect = read_text (self, "dialect");
  g_autofree char *gap = read_text (self, "gap");
  g_autofree char *fold = read_text (self, "fold");
  if (*dialect != '\0' && !elves_schedule_dialect_from_name (dialect, &plan->dialect))
    blame_member (self, FAULT_RULE, "dialect: there is none of this name");
  if (*gap != '\0' && !elves_schedule_gap_from_name (gap, &plan->gap))
    blame_member (self, FAULT_RULE, "gap: expected default, skip or first");
  if (*fold != '\0' && !elves_schedule_fold_from_name (fold, &plan->fold))
    blame_member (self, FAULT_RULE, "fold: expected default, once or twice");
  read_into (self, &plan->tz, "tz");
  if (*plan->tz == '\0')
    set_text (&plan->tz, self->config->timezone);
}

/* Seconds, with a fraction. */
static gint64
read_every (Reading *self)
{
  g_autofree char *text = read_text (self, "every");
  char *end = text;
  double seconds = g_ascii_strtod (text, &end);
  if (*text == '\0')
    return 0;
  if (*end != '\0' || !(seconds >= 0.001 && seconds <= 1e9))
    {
      blame_member (self, FAULT_RULE, "every: expected seconds, from 0.001 to 1000000000");
      return 0;
    }
  return (gint64) (seconds * G_USEC_PER_SEC + 0.5);
}

static void
read_timing (Reading *self)
{
  ElvesCronPlan *plan = self->plan;
  gboolean has_rule;
  read_into (self, &plan->rule, "rule");
  plan->every_us = read_every (self);
  plan->at_us = read_time (self, "at");
  plan->start_us = read_time (self, "start");
  plan->end_us = read_time (self, "end");
  has_rule = *plan->rule != '\0';
  if ((has_rule ? 1 : 0) + (plan->every_us != 0 ? 1 : 0) + (plan->at_us != 0 ? 1 : 0) != 1)
    blame_member (self, FAULT_RULE, "expected one of rule, every and at");
  plan->timing = has_rule              ? ELVES_CRON_BY_RULE
                 : plan->every_us != 0 ? ELVES_CRON_BY_INTERVAL
                                       : ELVES_CRON_ONCE;
}

static void
check_rule (Reading *self)
{
  g_autoptr (ElvesCronEntry) entry = NULL;
  GError *error = NULL;
  if (self->text != NULL)
    return;
  entry = elves_cron_plan_entry (self->plan, self->plan->created_us, &error);
  if (entry == NULL)
    blame (self, FAULT_RULE, error);
  else if (elves_cron_entry_is_over (entry))
    blame_member (self, FAULT_RULE, "rule: no instant comes any more");
}

static void
read_policies (Reading *self)
{
  ElvesCronPlan *plan = self->plan;
  g_autofree char *overlap = read_text (self, "overlap");
  g_autofree char *missed = read_text (self, "missed");
  g_autofree char *started = read_text (self, "started");
  if (*overlap != '\0' && !elves_cron_overlap_from_name (overlap, &plan->overlap))
    blame_member (self, FAULT_POLICY, "overlap: expected allow, skip or queue");
  if (*missed != '\0' && !elves_cron_missed_from_name (missed, &plan->missed))
    blame_member (self, FAULT_POLICY, "missed: expected skip, last or all");
  plan->missed_cap = (guint) read_number (self, "missed_cap", 10000, DEFAULT_MISSED_CAP);
  plan->count = read_number (self, "count", G_MAXINT32, 0);
  plan->state = g_ascii_strcasecmp (started, "true") == 0 ? ELVES_CRON_STARTED : ELVES_CRON_STOPPED;
}

/* ---- what ----------------------------------------------------------------------------------- */

static const char *
map_mode (const char *mode)
{
  static const char *const with[] = { "P", "sap", "aap", "ssp", "cap", NULL };
  static const char *const without[] = { "NP", "sanp", "aanp", "ssnp", "canp", "csnp", NULL };
  for (gsize i = 0; with[i] != NULL; i++)
    if (g_ascii_strcasecmp (mode, with[i]) == 0)
      return "P";
  for (gsize i = 0; without[i] != NULL; i++)
    if (g_ascii_strcasecmp (mode, without[i]) == 0)
      return "NP";
  return NULL;
}

static void
read_needed (Reading *self, char **field, const char *name, const char *text)
{
  read_into (self, field, name);
  if (**field == '\0')
    {
      g_autofree char *why = g_strdup_printf ("%s: is missing", name);
      blame_member (self, text, why);
    }
}

static void
read_job (Reading *self)
{
  ElvesCronPlan *plan = self->plan;
  const char *mode;
  plan->action = ELVES_CRON_JOB;
  read_needed (self, &plan->ip, "ip", FAULT_IP);
  read_needed (self, &plan->app, "app", FAULT_APP);
  read_needed (self, &plan->func, "func", FAULT_FUNC);
  read_into (self, &plan->mode, "mode");
  read_into (self, &plan->proxy, "proxy");
  mode = map_mode (plan->mode);
  if (mode == NULL)
    blame_member (self, FAULT_MODE, "mode: expected P or NP");
  else
    set_text (&plan->mode, mode);
}

static void
read_callback (Reading *self)
{
  ElvesCronPlan *plan = self->plan;
  ElvesJsonValue headers = elves_request_get (self->request, "headers");
  GError *error = NULL;
  plan->action = ELVES_CRON_HTTP;
  read_into (self, &plan->target, "url");
  read_into (self, &plan->method, "method");
  read_into (self, &plan->content_type, "content_type");
  if (*plan->method == '\0')
    set_text (&plan->method, "POST");
  g_free (plan->headers);
  plan->headers = elves_json_value_to_text (headers);
  plan->retries = (guint) read_number (self, "retries", 100, self->config->http_retries);
  if (!elves_cron_caller_check (plan->target, plan->method, plan->headers, &error))
    blame (self, FAULT_TARGET, error);
}

static void
read_message (Reading *self)
{
  ElvesCronPlan *plan = self->plan;
  plan->action = ELVES_CRON_MESSAGE;
  read_into (self, &plan->target, "topic");
  read_into (self, &plan->content_type, "content_type");
  if (strlen (plan->target) > ROUTING_KEY_LIMIT_BYTES)
    blame_member (self, FAULT_TARGET, "topic: longer than a routing key may be");
}

static gboolean
is_given (const Reading *self, const char *name)
{
  ElvesJsonValue value = elves_request_get (self->request, name);
  return value.kind != ELVES_JSON_ABSENT && value.kind != ELVES_JSON_NULL &&
         !(value.kind == ELVES_JSON_STRING && value.length == 0);
}

/* Any value: an object goes to the worker as its sender wrote it. */
static void
read_param (Reading *self)
{
  ElvesCronPlan *plan = self->plan;
  g_free (plan->param);
  plan->param = elves_json_value_to_text (elves_request_get (self->request, "param"));
  if (strlen (plan->param) > self->config->max_param_bytes)
    blame_member (self, FAULT_PARAM, "param: larger than cron.maxParam");
}

static void
read_action (Reading *self)
{
  if (is_given (self, "url"))
    read_callback (self);
  else if (is_given (self, "topic"))
    read_message (self);
  else
    read_job (self);
  read_param (self);
  read_into (self, &self->plan->name, "name");
  if (strlen (self->plan->name) > NAME_LIMIT_BYTES)
    blame_member (self, FAULT_PARAM, "name: longer than 255 bytes");
  self->plan->timeout_s = (gint) read_number (self, "timeout", 2147483, DEFAULT_TIMEOUT_S);
}

/**
 * elves_cron_plan_from_request:
 * @out_text: (out): constant, of the answer, when it is no plan
 *
 * Returns: (transfer full) (nullable): what is to be created.
 * Errors: %ELVES_ERROR_INVALID names the member and what was expected.
 */
ElvesCronPlan *
elves_cron_plan_from_request (const ElvesCronConfig *config,
                              const ElvesRequest *request,
                              const char **out_text,
                              GError **error)
{
  g_autoptr (ElvesCronPlan) plan = elves_cron_plan_new ();
  Reading reading = { .config = config, .request = request, .plan = plan };
  g_free (plan->id);
  plan->id = elves_job_new_id ();
  plan->created_us = g_get_real_time ();
  read_action (&reading);
  read_dialect (&reading);
  read_timing (&reading);
  read_policies (&reading);
  check_rule (&reading);
  if (plan->state == ELVES_CRON_STARTED)
    plan->first_us = plan->cursor_us = plan->created_us;
  if (reading.text == NULL)
    return g_steal_pointer (&plan);
  *out_text = reading.text;
  g_propagate_error (error, reading.error);
  return NULL;
}
