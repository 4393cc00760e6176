/* createCron: what a timed task fires: a job, an HTTP request, a message. */
#include "cron/plan-request-private.h"

#include "common/error.h"
#include "cron/caller.h"

#include <string.h>

#define DEFAULT_TIMEOUT_S 60
#define ROUTING_KEY_LIMIT_BYTES 255
#define NAME_LIMIT_BYTES 255

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
read_callback (ElvesCronReading *self)
{
  ElvesCronPlan *plan = self->plan;
  ElvesJsonValue headers = elves_request_get (self->request, "headers");
  GError *error = NULL;
  plan->action = ELVES_CRON_HTTP;
  elves_cron_reading_into (self, &plan->target, "url");
  elves_cron_reading_into (self, &plan->method, "method");
  elves_cron_reading_into (self, &plan->content_type, "content_type");
  if (*plan->method == '\0')
    elves_cron_reading_set (&plan->method, "POST");
  g_free (plan->headers);
  plan->headers = elves_json_value_to_text (headers);
  plan->retries =
      (guint) elves_cron_reading_number (self, "retries", 100, self->config->http_retries);
  if (!elves_cron_caller_check (plan->target, plan->method, plan->headers, &error))
    elves_cron_reading_blame_error (self, FAULT_TARGET, error);
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
  if (is_given (self, "url"))
    read_callback (self);
  else if (is_given (self, "topic"))
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
