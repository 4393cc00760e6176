/* HTTP requests. */
#include "cron/outbox-private.h"

#define DEFAULT_HTTP_TIMEOUT_S 60

static void
on_answer (const ElvesCronAnswer *answer, gpointer user_data)
{
  ElvesCronFlight *flight = user_data;
  g_autofree char *error = answer->status != 0
                               ? g_strdup_printf ("HTTP %u %s", answer->status, answer->text)
                               : g_strdup (answer->text);
  elves_cron_outbox_end_shot (flight->outbox, flight->shot, answer->ok,
                              answer->ok ? answer->text : error,
                              (gint) MIN (answer->cost_ms, G_MAXINT));
  elves_cron_flight_land (flight);
}

static const ElvesCronCallerCallbacks caller_callbacks = { NULL, on_answer };

void
elves_cron_flight_call (ElvesCronFlight *flight)
{
  const ElvesCronPlan *plan = flight->shot->plan;
  g_autofree char *key = elves_cron_key (plan->id, flight->shot->planned_us);
  const char *const urls[] = { plan->target, NULL };
  ElvesCronCall call = {
    .urls = urls,
    .method = plan->method,
    .content_type = plan->content_type,
    .headers = plan->headers,
    .body = plan->param,
    .key = key,
    .timeout_s = plan->timeout_s > 0 ? (guint) plan->timeout_s : DEFAULT_HTTP_TIMEOUT_S,
    .retries = plan->retries,
  };
  elves_cron_caller_call (flight->outbox->caller, &call, &caller_callbacks, flight);
}
