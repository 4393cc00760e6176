/* The way out of a decided instant.
 *
 *   job      published to the scheduler; confirmed: marked as sent; its result comes as cronResult
 *   message  published to the exchange for messages; confirmed: ended
 *   http     called until it is answered, or too often; then ended
 *
 * A shot stays decided in the store until then: whoever leads next sends it again, with the same
 * key.
 *
 * A copy of each job and message goes to the queue of witness.c, by the same publication. A message
 * with a copy has always reached a queue, so one job a minute goes without, and only its key
 * follows it there: it shows whether there is a scheduler's queue. While there is none, all go
 * without, and each is ended as failed.
 *
 * Bounded by who hands shots over: load() counts what is not out, and what is not marked. Callbacks
 * are counted for themselves, so that those to a host that hangs do not keep others from firing. */
#include "cron/outbox-private.h"

#include "common/crash-point.h"
#include "common/names.h"
#include "cron/metrics.h"
#include "cron/witness.h"

#include <string.h>

#define PROBE_US (60 * (gint64) G_USEC_PER_SEC)

/* ---- out ------------------------------------------------------------------------------------ */

static void
flight_free (ElvesCronFlight *flight)
{
  if (flight->pending != NULL)
    *flight->pending = NULL;
  elves_deadlines_disarm (flight->outbox->deadlines, &flight->again);
  elves_cron_shot_free (flight->shot);
  g_strfreev (flight->urls);
  g_strfreev (flight->called);
  g_free (flight->attempt);
  g_free (flight);
}

static void
measure_lateness (ElvesCronOutbox *self, const ElvesCronShot *shot)
{
  gint64 late_us = g_get_real_time () - shot->planned_us;
  elves_histogram_add (&elves_cron_metrics.lateness, late_us);
  if (late_us > (gint64) self->config->late_after_ms * 1000)
    elves_cron_metrics.late++;
}

void
elves_cron_flight_land (ElvesCronFlight *flight)
{
  ElvesCronOutbox *self = flight->outbox;
  measure_lateness (self, flight->shot);
  g_queue_unlink (&self->flights, &flight->place);
  flight_free (flight);
  self->callbacks.out (self->user_data);
}

static void
on_job_published (gboolean routed, gpointer user_data)
{
  ElvesCronFlight *flight = user_data;
  ELVES_CRASH_POINT ("cron-before-mark");
  if (!flight->has_copy)
    flight->outbox->nobody = !routed;
  if (routed)
    elves_cron_outbox_add_sent (flight->outbox, flight->shot);
  else
    elves_cron_outbox_end_shot (flight->outbox, flight->shot, FALSE, ELVES_ERROR_TEXT_ASYNC, 0);
  elves_cron_flight_land (flight);
}

static const char *
copy_key (ElvesCronFlight *flight)
{
  ElvesCronOutbox *self = flight->outbox;
  gint64 now_us = g_get_monotonic_time ();
  if (self->nobody)
    return NULL;
  if (now_us >= self->probe_us)
    {
      self->probe_us = now_us + PROBE_US;
      return NULL;
    }
  flight->has_copy = TRUE;
  return self->sent_key;
}

static void
send_job (ElvesCronFlight *flight)
{
  const ElvesCronPlan *plan = flight->shot->plan;
  g_autofree char *key = elves_cron_key (plan->id, flight->shot->planned_us);
  ElvesComponentJob job = {
    .id = plan->id,
    .ip = plan->ip,
    .mode = plan->mode,
    .app = plan->app,
    .func = plan->func,
    .proxy = plan->proxy,
    .param = plan->param,
    .timeout_s = plan->timeout_s,
    .execution = key,
    .cc = copy_key (flight),
  };
  if (job.cc == NULL)
    job.note_to = flight->outbox->sent_key;
  elves_component_send_job (flight->outbox->component, &job, on_job_published, flight);
}

static void
send (ElvesCronOutbox *self, ElvesCronShot *shot)
{
  ElvesCronFlight *flight = g_new0 (ElvesCronFlight, 1);
  flight->outbox = self;
  flight->shot = shot;
  flight->place.data = flight;
  g_queue_push_tail_link (&self->flights, &flight->place);
  if (shot->plan->spawn)
    {
      elves_cron_flight_spawn (flight);
      return;
    }
  switch (shot->plan->action)
    {
    case ELVES_CRON_JOB:
      send_job (flight);
      break;
    case ELVES_CRON_HTTP:
      elves_cron_flight_call (flight);
      break;
    case ELVES_CRON_MESSAGE:
      elves_cron_flight_send_message (flight);
      break;
    }
}

void
elves_cron_outbox_note (ElvesCronOutbox *self, ElvesCronShot *shot)
{
  elves_cron_metrics.witnessed++;
  if (shot->plan->action == ELVES_CRON_JOB)
    elves_cron_outbox_add_sent (self, shot);
  else
    elves_cron_outbox_note_message (self, shot);
  elves_cron_shot_free (shot);
}

/**
 * elves_cron_outbox_send:
 * @shots: of #ElvesCronShot, recorded; each is taken out of it
 */
void
elves_cron_outbox_send (ElvesCronOutbox *self, GPtrArray *shots)
{
  for (guint i = 0; i < shots->len; i++)
    send (self, g_steal_pointer (&shots->pdata[i]));
  g_ptr_array_set_size (shots, 0);
}

guint
elves_cron_outbox_outstanding (ElvesCronOutbox *self)
{
  return self->flights.length + self->sent->len + self->marking + self->writes.length;
}

guint
elves_cron_outbox_load (ElvesCronOutbox *self)
{
  guint callbacks = elves_cron_caller_outstanding (self->caller);
  return elves_cron_outbox_outstanding (self) - MIN (callbacks, self->flights.length) +
         (callbacks >= self->config->http_max_waiting ? self->config->max_outstanding : 0);
}

/* ---- from start to end ---------------------------------------------------------------------- */

ElvesCronOutbox *
elves_cron_outbox_new (const ElvesCronConfig *config,
                       ElvesCronLedger *ledger,
                       ElvesComponent *component,
                       ElvesCronTally *tally,
                       const ElvesCronOutboxCallbacks *callbacks,
                       gpointer user_data)
{
  ElvesCronOutbox *self = g_new0 (ElvesCronOutbox, 1);
  ElvesCronCallerOptions options = {
    .max_concurrent = config->http_max_concurrent,
    .max_per_host = config->http_max_per_host,
    .max_held_per_host = config->http_max_waiting_per_host,
    .stalled_after_s = config->http_stalled_after_s,
    .max_answer_bytes = config->http_max_answer,
    .retry_first_ms = config->http_retry_first_ms,
    .retry_cap_ms = config->http_retry_cap_ms,
    .sign_key = config->http_sign_key,
    .forbid = config->http_forbid,
    .forbid_private = config->http_forbid_private,
  };
  self->config = config;
  self->ledger = ledger;
  self->component = component;
  self->tally = tally;
  self->publishers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                            (GDestroyNotify) elves_amqp_publisher_free);
  self->callbacks = *callbacks;
  self->user_data = user_data;
  self->caller = elves_cron_caller_new (&options);
  self->deadlines = elves_deadlines_new ();
  self->sent = g_array_new (FALSE, FALSE, sizeof (ElvesCronInstant));
  self->sent_key = elves_cron_witness_queue (config);
  return self;
}

/**
 * elves_cron_outbox_free:
 * @self: (nullable): freed after the component, which may hold callbacks of ours
 */
void
elves_cron_outbox_free (ElvesCronOutbox *self)
{
  GList *place;
  if (self == NULL)
    return;
  g_hash_table_unref (self->publishers);
  elves_cron_caller_free (self->caller);
  while ((place = g_queue_pop_head_link (&self->flights)) != NULL)
    flight_free (place->data);
  elves_cron_outbox_free_writes (self);
  elves_deadlines_free (self->deadlines);
  g_array_unref (self->sent);
  g_free (self->sent_key);
  g_free (self);
}
