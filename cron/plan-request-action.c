/* createCron: what a timed task fires: a job, an HTTP request, a message. */
#include "cron/plan-request-private.h"

#include "common/error.h"
#include "common/json-writer.h"
#include "cron/caller.h"

#include <string.h>

enum
{
  DEFAULT_TIMEOUT_S = 60,
  ROUTING_KEY_LIMIT_BYTES = 255,
  NAME_LIMIT_BYTES = 255,
  URLS_MAX = 16,
  RETRIES_MAX = 100,
  DELAYS_MAX_S = 86400,
  TOKEN_PARAM_LIMIT_BYTES = 64,
  REPORT_TIMEOUT_S = 86400,
  REPORT_TIMEOUT_MAX_S = 86400 * 366
};

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
read_needed (ElvesCronReading *self, char **field, const char *name, const char *text)
{
  elves_cron_reading_into (self, field, name);
  if (**field == '\0')
    {
      g_autofree char *why = g_strdup_printf ("%s: is missing", name);
      elves_cron_reading_blame (self, text, why);
    }
}

static void
read_job (ElvesCronReading *self)
{
  ElvesCronPlan *plan = self->plan;
  const char *mode;
  plan->action = ELVES_CRON_JOB;
  read_needed (self, &plan->ip, "ip", FAULT_IP);
  read_needed (self, &plan->app, "app", FAULT_APP);
  read_needed (self, &plan->func, "func", FAULT_FUNC);
  elves_cron_reading_into (self, &plan->mode, "mode");
  elves_cron_reading_into (self, &plan->proxy, "proxy");
  mode = map_mode (plan->mode);
  if (mode == NULL)
    elves_cron_reading_blame (self, FAULT_MODE, "mode: expected P or NP");
  else
    elves_cron_reading_set (&plan->mode, mode);
}

static void
check_target (ElvesCronReading *self, const char *url)
{
  const ElvesCronPlan *plan = self->plan;
  GError *error = NULL;
  if (!elves_cron_caller_check (url, plan->method, plan->headers, &error))
    elves_cron_reading_blame_error (self, FAULT_TARGET, error);
}

/* One that several are instead of. */
static void
read_urls (ElvesCronReading *self)
{
  ElvesCronPlan *plan = self->plan;
  ElvesJsonValue all = elves_request_get (self->request, "urls"), element;
  GString *array = g_string_new (NULL);
  gsize position = 0;
  guint n = 0;
  elves_json_open_array (array, NULL);
  for (; elves_json_array_next (all, &position, &element); n++)
    {
      g_autofree char *url = g_strstrip (elves_json_value_to_text (element));
      check_target (self, url);
      elves_json_add_text (array, NULL, url);
      if (n == 0)
        elves_cron_reading_set (&plan->target, url);
    }
  elves_json_close_array (array);
  if (n < 1 || n > URLS_MAX)
    elves_cron_reading_blame (self, FAULT_TARGET, "urls: expected from 1 to 16 of them");
  g_free (plan->targets);
  plan->targets = g_string_free (array, FALSE);
}

static void
read_targets (ElvesCronReading *self)
{
  if (elves_request_get (self->request, "urls").kind == ELVES_JSON_ARRAY)
    read_urls (self);
  else
    {
      elves_cron_reading_into (self, &self->plan->target, "url");
      check_target (self, self->plan->target);
    }
}

/* Seconds, each of which is waited before one more round. */
static void
read_delays (ElvesCronReading *self)
{
  ElvesJsonValue all = elves_request_get (self->request, "retry_delays"), element;
  double sum = 0;
  gsize position = 0;
  guint n = 0;
  if (all.kind == ELVES_JSON_ABSENT || all.kind == ELVES_JSON_NULL)
    return;
  for (; all.kind == ELVES_JSON_ARRAY && elves_json_array_next (all, &position, &element); n++)
    {
      g_autofree char *text = elves_json_value_to_text (element);
      double seconds = g_ascii_strtod (text, NULL);
      sum += element.kind == ELVES_JSON_NUMBER && seconds >= 0 ? seconds : DELAYS_MAX_S + 1;
    }
  if (all.kind != ELVES_JSON_ARRAY || n > RETRIES_MAX || sum > DELAYS_MAX_S)
    elves_cron_reading_blame (self, FAULT_TARGET,
                              "retry_delays: expected up to 100 numbers of seconds, together no "
                              "more than a day");
  else if (n > 0)
    {
      g_free (self->plan->retry_delays);
      self->plan->retry_delays = elves_json_value_to_text (all);
      self->plan->retries = n;
    }
}

static void
read_retries (ElvesCronReading *self)
{
  ElvesCronPlan *plan = self->plan;
  plan->retries = self->config->http_retries;
  read_delays (self);
  plan->retries = (guint) elves_cron_reading_number (self, "retries", RETRIES_MAX, plan->retries);
}

#define TOKEN_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"

static void
read_report (ElvesCronReading *self)
{
  ElvesCronPlan *plan = self->plan;
  gint64 timeout_s =
      elves_cron_reading_number (self, "report_timeout", REPORT_TIMEOUT_MAX_S, REPORT_TIMEOUT_S);
  const char *name;
  elves_cron_reading_into (self, &plan->token_param, "token_param");
  name = plan->token_param;
  if (strlen (name) > TOKEN_PARAM_LIMIT_BYTES || strspn (name, TOKEN_CHARACTERS) != strlen (name))
    elves_cron_reading_blame (self, FAULT_TARGET,
                              "token_param: expected at most 64 letters, digits, _, . and -");
  if (!elves_cron_reading_is_true (self, "report"))
    return;
  if (*name == '\0' || timeout_s == 0)
    elves_cron_reading_blame (self, FAULT_TARGET,
                              "report: needs a token_param, and a report_timeout from 1 on");
  plan->report_timeout_s = (guint) timeout_s;
}

static void
read_callback (ElvesCronReading *self)
{
  ElvesCronPlan *plan = self->plan;
  ElvesJsonValue headers = elves_request_get (self->request, "headers");
  plan->action = ELVES_CRON_HTTP;
  elves_cron_reading_into (self, &plan->method, "method");
  elves_cron_reading_into (self, &plan->content_type, "content_type");
  if (*plan->method == '\0')
    elves_cron_reading_set (&plan->method, "POST");
  g_free (plan->headers);
  plan->headers = elves_json_value_to_text (headers);
  read_targets (self);
  read_retries (self);
  read_report (self);
}

/* The usual one is no name in the plan, so that it is the one of the configuration. */
static void
read_exchange (ElvesCronReading *self)
{
  ElvesCronPlan *plan = self->plan;
  g_auto (GStrv) names = elves_cron_config_exchanges (self->config);
  elves_cron_reading_into (self, &plan->exchange, "exchange");
  if (strcmp (plan->exchange, self->config->messages_exchange) == 0)
    elves_cron_reading_set (&plan->exchange, "");
  if (*plan->exchange != '\0' && !g_strv_contains ((const char *const *) names, plan->exchange))
    elves_cron_reading_blame (self, FAULT_TARGET, "exchange: is not in messages.exchanges");
}

static void
read_message (ElvesCronReading *self)
{
  ElvesCronPlan *plan = self->plan;
  plan->action = ELVES_CRON_MESSAGE;
  elves_cron_reading_raw (self, &plan->target, "topic");
  read_exchange (self);
  elves_cron_reading_into (self, &plan->content_type, "content_type");
  if (strlen (plan->target) > ROUTING_KEY_LIMIT_BYTES)
    elves_cron_reading_blame (self, FAULT_TARGET, "topic: longer than a routing key may be");
}

static gboolean
is_given (const ElvesCronReading *self, const char *name)
{
  ElvesJsonValue value = elves_request_get (self->request, name);
  return value.kind != ELVES_JSON_ABSENT && value.kind != ELVES_JSON_NULL &&
         !(value.kind == ELVES_JSON_STRING && value.length == 0);
}

/* Any value: an object goes to the worker as its sender wrote it. */
static void
read_param (ElvesCronReading *self)
{
  ElvesCronPlan *plan = self->plan;
  g_free (plan->param);
  plan->param = elves_json_value_to_text (elves_request_get (self->request, "param"));
  if (strlen (plan->param) > self->config->max_param_bytes)
    elves_cron_reading_blame (self, FAULT_PARAM, "param: larger than cron.maxParam");
}

void
elves_cron_reading_action (ElvesCronReading *self)
{
  self->plan->spawn = elves_cron_reading_is_true (self, "spawn");
  if (is_given (self, "url") || is_given (self, "urls"))
    read_callback (self);
  else if (is_given (self, "topic") || is_given (self, "exchange")) /* a routing key may be empty */
    read_message (self);
  else
    read_job (self);
  read_param (self);
  elves_cron_reading_raw (self, &self->plan->name, "name");
  if (strlen (self->plan->name) > NAME_LIMIT_BYTES)
    elves_cron_reading_blame (self, FAULT_PARAM, "name: longer than 255 bytes");
  self->plan->timeout_s =
      (gint) elves_cron_reading_number (self, "timeout", 2147483, DEFAULT_TIMEOUT_S);
}
