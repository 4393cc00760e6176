/* HTTP requests: which targets, with which token; what each try came to.
 *
 * A try that has failed is written at once, so that the next leader goes on with the tries that
 * are left; the good one is written with the outcome. Of a task whose executions are reported 2xx
 * is no outcome: it was delivered, and waits. */
#include "cron/outbox-private.h"

#include "common/json-writer.h"
#include "common/utf8.h"
#include "cron/text.h"

#include <string.h>

enum
{
  DEFAULT_TIMEOUT_S = 60,
  KEPT_BYTES = 500 /* of the answer and of the target of each try */
};

/* ---- targets -------------------------------------------------------------------------------- */

/* In front of the fragment, if there is one. */
static char *
add_token (const char *url, const char *name, const char *token)
{
  gsize length = strcspn (url, "#");
  gboolean has_query = memchr (url, '?', length) != NULL;
  return g_strdup_printf ("%.*s%s%s=%s%s", (int) length, url, has_query ? "&" : "?", name, token,
                          url + length);
}

static void
set_targets (ElvesCronFlight *flight)
{
  const ElvesCronPlan *plan = flight->shot->plan;
  guint n;
  flight->urls = elves_cron_plan_urls (plan);
  n = g_strv_length (flight->urls);
  flight->called = g_new0 (char *, n + 1);
  for (guint i = 0; i < n; i++)
    flight->called[i] = flight->shot->token != NULL
                            ? add_token (flight->urls[i], plan->token_param, flight->shot->token)
                            : g_strdup (flight->urls[i]);
}

/* Without the token. */
static const char *
target_of (const ElvesCronFlight *flight, const char *called)
{
  for (guint i = 0; flight->called[i] != NULL; i++)
    if (strcmp (flight->called[i], called) == 0)
      return flight->urls[i];
  return called;
}

/* ---- tries ---------------------------------------------------------------------------------- */

static void
add_cut (GString *out, const char *name, const char *text)
{
  g_autofree char *cut = elves_utf8_clean (text, strlen (text), KEPT_BYTES, NULL);
  elves_json_add_text (out, name, cut);
}

/* An element of an array, with the comma in front of all but the first. */
static char *
write_attempt (const ElvesCronFlight *flight, const ElvesCronAttempt *attempt)
{
  GString *out = g_string_new (NULL);
  g_autofree char *at = elves_cron_time_to_text (attempt->at_us);
  elves_json_open (out, NULL);
  elves_json_add_text (out, "at", at);
  add_cut (out, "target", target_of (flight, attempt->target));
  elves_json_add_number (out, "status", attempt->status);
  add_cut (out, "text", attempt->text);
  elves_json_add_number (out, "cost_ms", attempt->cost_ms);
  elves_json_close (out);
  if (flight->tries > 0)
    g_string_prepend_c (out, ',');
  return g_string_free (out, FALSE);
}

static void
set_attempt (ElvesCronOutcome *outcome, char *attempt, guint number, guint status)
{
  outcome->attempt = attempt;
  outcome->number = number;
  outcome->http_status = status;
}

static void
on_tried (const ElvesCronAttempt *attempt, gpointer user_data)
{
  ElvesCronFlight *flight = user_data;
  char *text = write_attempt (flight, attempt);
  ElvesCronOutcome *outcome;
  if (attempt->ok)
    {
      flight->attempt = text;
      return;
    }
  outcome = elves_cron_outbox_outcome (flight->shot, FALSE, "", 0);
  outcome->step = ELVES_CRON_STEP_TRIED;
  set_attempt (outcome, text, flight->tries++, attempt->status);
  elves_cron_outbox_end (flight->outbox, outcome, NULL, NULL);
}

static ElvesCronOutcome *
outcome_of (ElvesCronFlight *flight, const ElvesCronAnswer *answer)
{
  gint cost_ms = (gint) MIN (answer->cost_ms, G_MAXINT);
  g_autofree char *error = answer->status != 0
                               ? g_strdup_printf ("HTTP %u %s", answer->status, answer->text)
                               : g_strdup (answer->text);
  return elves_cron_outbox_outcome (flight->shot, answer->ok, answer->ok ? answer->text : error,
                                    cost_ms);
}

static void
on_answer (const ElvesCronAnswer *answer, gpointer user_data)
{
  ElvesCronFlight *flight = user_data;
  guint report_timeout_s = flight->shot->plan->report_timeout_s;
  ElvesCronOutcome *outcome = outcome_of (flight, answer);
  set_attempt (outcome, g_steal_pointer (&flight->attempt), flight->tries, answer->status);
  if (answer->ok && report_timeout_s != 0)
    {
      outcome->step = ELVES_CRON_STEP_DELIVERED;
      outcome->report_until_us = outcome->ended_us + report_timeout_s * (gint64) G_USEC_PER_SEC;
    }
  elves_cron_outbox_end (flight->outbox, outcome, NULL, NULL);
  elves_cron_flight_land (flight);
}

/* ---- the call ------------------------------------------------------------------------------- */

static const ElvesCronCallerCallbacks callbacks = { on_tried, on_answer };

/* What earlier leaders have tried is left out; at least one try is made. */
void
elves_cron_flight_call (ElvesCronFlight *flight)
{
  const ElvesCronShot *shot = flight->shot;
  const ElvesCronPlan *plan = shot->plan;
  g_autofree char *key = elves_cron_key (plan->id, shot->planned_us);
  g_autoptr (GArray) delays = elves_cron_plan_retry_delays (plan);
  guint rounds, past;
  ElvesCronCall call = {
    .method = plan->method,
    .content_type = plan->content_type,
    .headers = plan->headers,
    .body = plan->param,
    .key = key,
    .timeout_s = plan->timeout_s > 0 ? (guint) plan->timeout_s : DEFAULT_TIMEOUT_S,
  };
  set_targets (flight);
  flight->tries = shot->tries;
  rounds = shot->tries / g_strv_length (flight->urls);
  past = delays->len > 0 ? MIN (rounds, delays->len - 1) : 0;
  call.urls = (const char *const *) flight->called;
  call.first_url = (guint) plan->fired + shot->tries;
  call.retries = plan->retries - MIN (rounds, plan->retries);
  call.retry_delays_ms = delays->len > 0 ? &g_array_index (delays, guint, past) : NULL;
  call.n_retry_delays = delays->len - past;
  elves_cron_caller_call (flight->outbox->caller, &call, &callbacks, flight);
}

/* Of what is kept of the task, this is the end of the execution. */
void
elves_cron_outbox_drop (ElvesCronOutbox *self, guint64 id)
{
  GList *place = self->flights.head;
  while (place != NULL)
    {
      ElvesCronFlight *flight = place->data;
      place = place->next;
      if (flight->shot->id != id || !elves_cron_caller_cancel (self->caller, flight))
        continue;
      elves_cron_outbox_end_shot (self, flight->shot, FALSE, "the task was deleted", 0);
      elves_cron_flight_land (flight);
    }
}
