/* The way out of a decided instant.
 *
 *   job      published to the scheduler; confirmed: marked as sent; its result comes as cronResult
 *   message  published to the exchange for messages; confirmed: ended
 *   http     called until it is answered, or too often; then ended
 *
 * A shot stays decided in the store until then: whoever leads next sends it again, with the same
 * key. Marks are gathered while the store writes the last ones.
 *
 * A copy of each job and message goes to the queue of witness.c, by the same publication. A message
 * with a copy has always reached a queue, so one job a minute goes without, and is copied when it
 * is confirmed: it shows whether there is a scheduler's queue. While there is none, all go without,
 * and each is ended as failed.
 *
 * Bounded by who hands shots over: load() counts what is not out, and what is not marked. Callbacks
 * are counted for themselves, so that those to a host that hangs do not keep others from firing. */
#include "cron/outbox.h"

#include "common/backoff.h"
#include "common/crash-point.h"
#include "common/deadlines.h"
#include "common/names.h"
#include "cron/caller.h"
#include "cron/metrics.h"
#include "cron/witness.h"

#include <string.h>

#define DEFAULT_HTTP_TIMEOUT_S 60
#define PROBE_US (60 * (gint64) G_USEC_PER_SEC)

struct ElvesCronOutbox
{
  const ElvesCronConfig *config;
  ElvesCronLedger *ledger;
  ElvesComponent *component;
  ElvesCronOutboxCallbacks callbacks;
  gpointer user_data;
  ElvesAmqpPublisher *publisher; /* of messages; (nullable) until there is one */
  ElvesCronCaller *caller;
  ElvesDeadlines *deadlines;
  ElvesDeadline retry; /* marking again */
  guint retry_attempt;
  GQueue flights;  /* of Flight, by its place */
  GQueue writes;   /* of Write, by its place */
  GArray *sent;    /* of ElvesCronInstant: to be marked */
  guint marking;   /* are being marked */
  GSource *flush;  /* (nullable) at the end of this turn */
  char *sent_key;  /* of the copies that witness.c reads */
  gint64 probe_us; /* then a job goes without a copy */
  gboolean nobody; /* the last of those reached no queue */
};

/* One shot, until it is out. */
typedef struct
{
  ElvesCronOutbox *outbox;
  ElvesCronShot *shot;
  gboolean has_copy;
  GList place;
} Flight;

/* Something on its way into the store. */
typedef struct
{
  ElvesCronOutbox *outbox;  /* NULL: it was freed meanwhile */
  GArray *instants;         /* (nullable) of marks */
  ElvesCronMarkedFunc done; /* (nullable) */
  gpointer user_data;
  GList place;
} Write;

static Write *
write_new (ElvesCronOutbox *self)
{
  Write *write = g_new0 (Write, 1);
  write->outbox = self;
  write->place.data = write;
  g_queue_push_tail_link (&self->writes, &write->place);
  return write;
}

/* Returns: (nullable): the outbox, if it is still there. */
static ElvesCronOutbox *
write_return (Write *write)
{
  if (write->outbox != NULL)
    g_queue_unlink (&write->outbox->writes, &write->place);
  return write->outbox;
}

static void
write_free (Write *write)
{
  g_clear_pointer (&write->instants, g_array_unref);
  g_free (write);
}

/* ---- marks ---------------------------------------------------------------------------------- */

static void flush_sent (ElvesCronOutbox *self);

static void
on_retry_due (ElvesDeadline *deadline, gpointer user_data)
{
  flush_sent (user_data);
}

static void
mark_again_later (ElvesCronOutbox *self, const GArray *instants, const GError *error)
{
  guint delay_ms = elves_backoff_delay_ms (self->retry_attempt++, self->config->retry.first_ms,
                                           self->config->retry.cap_ms, g_random_double ());
  g_warning ("firings are not marked as sent: %s firings=%u retry_ms=%u", error->message,
             instants->len, delay_ms);
  g_array_append_vals (self->sent, instants->data, instants->len);
  elves_deadlines_arm (self->deadlines, &self->retry,
                       g_get_monotonic_time () + (gint64) delay_ms * 1000, on_retry_due, self);
}

static void
on_marked (const GError *error, gpointer user_data)
{
  Write *write = user_data;
  ElvesCronOutbox *self = write_return (write);
  if (self != NULL)
    {
      self->marking = 0;
      if (error != NULL)
        mark_again_later (self, write->instants, error);
      else
        {
          self->retry_attempt = 0;
          flush_sent (self);
          self->callbacks.out (self->user_data);
        }
    }
  write_free (write);
}

static void
flush_sent (ElvesCronOutbox *self)
{
  Write *write;
  if (self->sent->len == 0 || self->marking > 0)
    return;
  write = write_new (self);
  write->instants = self->sent;
  self->marking = self->sent->len;
  self->sent = g_array_new (FALSE, FALSE, sizeof (ElvesCronInstant));
  elves_cron_firings_mark_sent (self->ledger, g_array_ref (write->instants), on_marked, write);
}

static gboolean
on_turn_ends (gpointer user_data)
{
  ElvesCronOutbox *self = user_data;
  g_clear_pointer (&self->flush, g_source_unref);
  flush_sent (self);
  return G_SOURCE_REMOVE;
}

static void
add_sent (ElvesCronOutbox *self, const ElvesCronShot *shot)
{
  ElvesCronInstant instant = { shot->id, shot->planned_us };
  g_array_append_val (self->sent, instant);
  if (self->flush != NULL || self->marking > 0)
    return;
  self->flush = g_idle_source_new ();
  g_source_set_callback (self->flush, on_turn_ends, self, NULL);
  g_source_attach (self->flush, g_main_context_get_thread_default ());
}

/* ---- outcomes ------------------------------------------------------------------------------- */

static void
count_outcome (const ElvesCronOutcome *outcome, gboolean is_news)
{
  if (!is_news && outcome->planned_us != 0)
    elves_cron_metrics.results_late++;
  else if (!is_news)
    elves_cron_metrics.results_unknown++;
  else if (outcome->flag && outcome->worker_flag == 1)
    elves_cron_metrics.ended_well++;
  else
    elves_cron_metrics.ended_badly++;
}

static void
on_ended (const ElvesCronOutcome *outcome, gboolean is_news, const GError *error, gpointer data)
{
  Write *write = data;
  ElvesCronOutbox *self = write_return (write);
  guint64 id = 0;
  if (error == NULL)
    count_outcome (outcome, is_news);
  if (write->done != NULL)
    write->done (error, write->user_data);
  else if (error != NULL && self != NULL)
    g_warning ("an outcome is not recorded: %s id=%s", error->message, outcome->id);
  if (self != NULL && outcome->planned_us != 0 && elves_cron_id_parse (outcome->id, &id))
    self->callbacks.ended (id, outcome->planned_us, self->user_data);
  write_free (write);
}

void
elves_cron_outbox_end (ElvesCronOutbox *self,
                       ElvesCronOutcome *outcome,
                       ElvesCronMarkedFunc done,
                       gpointer user_data)
{
  Write *write = write_new (self);
  write->done = done;
  write->user_data = user_data;
  elves_cron_firings_end (self->ledger, outcome, on_ended, write);
}

static void
end_shot (ElvesCronOutbox *self,
          const ElvesCronShot *shot,
          gboolean ok,
          const char *text,
          gint cost_ms)
{
  ElvesCronOutcome *outcome = g_new0 (ElvesCronOutcome, 1);
  outcome->id = g_strdup (shot->plan->id);
  outcome->planned_us = shot->planned_us;
  outcome->ended_us = g_get_real_time ();
  outcome->flag = ok;
  outcome->worker_flag = ok ? 1 : -1;
  outcome->error = g_strdup (ok ? "" : text);
  outcome->message = g_strdup (ok ? text : "");
  outcome->cost_ms = cost_ms;
  elves_cron_outbox_end (self, outcome, NULL, NULL);
}

/* ---- out ------------------------------------------------------------------------------------ */

static void
flight_free (Flight *flight)
{
  elves_cron_shot_free (flight->shot);
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

static void
land (Flight *flight)
{
  ElvesCronOutbox *self = flight->outbox;
  measure_lateness (self, flight->shot);
  g_queue_unlink (&self->flights, &flight->place);
  flight_free (flight);
  self->callbacks.out (self->user_data);
}

static void make_publisher (ElvesCronOutbox *self);

/* Straight into the queue of copies: the key is all that counts there. */
static void
copy_later (ElvesCronOutbox *self, const ElvesCronShot *shot)
{
  ElvesPublication *publication = g_new0 (ElvesPublication, 1);
  publication->exchange = g_strdup ("");
  publication->routing_key = g_strdup (self->sent_key);
  publication->content_type = g_strdup ("text/plain");
  publication->message_id = elves_cron_key (shot->plan->id, shot->planned_us);
  publication->body = g_bytes_new_static ("", 0);
  if (self->publisher == NULL)
    make_publisher (self);
  elves_amqp_publisher_publish (self->publisher, publication, NULL, NULL);
}

static void
on_job_published (gboolean routed, gpointer user_data)
{
  Flight *flight = user_data;
  ELVES_CRASH_POINT ("cron-before-mark");
  if (!flight->has_copy)
    flight->outbox->nobody = !routed;
  if (!flight->has_copy && routed)
    copy_later (flight->outbox, flight->shot);
  if (routed)
    add_sent (flight->outbox, flight->shot);
  else
    end_shot (flight->outbox, flight->shot, FALSE, ELVES_ERROR_TEXT_ASYNC, 0);
  land (flight);
}

static const char *
copy_key (Flight *flight)
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
send_job (Flight *flight)
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
  elves_component_send_job (flight->outbox->component, &job, on_job_published, flight);
}

static void
on_message_published (gboolean routed, gpointer user_data)
{
  Flight *flight = user_data;
  ELVES_CRASH_POINT ("cron-before-mark");
  end_shot (flight->outbox, flight->shot, routed, routed ? "" : "the broker refuses it", 0);
  land (flight);
}

static void
make_publisher (ElvesCronOutbox *self)
{
  ElvesAmqpSettings settings =
      elves_component_broker_settings (&self->config->mq, &self->config->retry);
  ElvesAmqpTopology topology = { .exchange = self->config->messages_exchange };
  self->publisher = elves_amqp_publisher_new (&settings, &topology, TRUE, NULL, NULL);
}

static void
send_message (Flight *flight)
{
  ElvesCronOutbox *self = flight->outbox;
  const ElvesCronPlan *plan = flight->shot->plan;
  ElvesPublication *publication = g_new0 (ElvesPublication, 1);
  publication->exchange = g_strdup (self->config->messages_exchange);
  publication->routing_key = g_strdup (plan->target);
  publication->cc = g_strdup (self->sent_key);
  publication->content_type =
      g_strdup (*plan->content_type != '\0' ? plan->content_type : "text/plain");
  publication->message_id = elves_cron_key (plan->id, flight->shot->planned_us);
  publication->body = g_bytes_new (plan->param, strlen (plan->param));
  if (self->publisher == NULL)
    make_publisher (self);
  elves_amqp_publisher_publish (self->publisher, publication, on_message_published, flight);
}

static void
on_answer (const ElvesCronAnswer *answer, gpointer user_data)
{
  Flight *flight = user_data;
  g_autofree char *error = answer->status != 0
                               ? g_strdup_printf ("HTTP %u %s", answer->status, answer->text)
                               : g_strdup (answer->text);
  end_shot (flight->outbox, flight->shot, answer->ok, answer->ok ? answer->text : error,
            (gint) MIN (answer->cost_ms, G_MAXINT));
  land (flight);
}

static const ElvesCronCallerCallbacks caller_callbacks = { NULL, on_answer };

static void
send_call (Flight *flight)
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

static void
send (ElvesCronOutbox *self, ElvesCronShot *shot)
{
  Flight *flight = g_new0 (Flight, 1);
  flight->outbox = self;
  flight->shot = shot;
  flight->place.data = flight;
  g_queue_push_tail_link (&self->flights, &flight->place);
  switch (shot->plan->action)
    {
    case ELVES_CRON_JOB:
      send_job (flight);
      break;
    case ELVES_CRON_HTTP:
      send_call (flight);
      break;
    case ELVES_CRON_MESSAGE:
      send_message (flight);
      break;
    }
}

void
elves_cron_outbox_note (ElvesCronOutbox *self, ElvesCronShot *shot)
{
  elves_cron_metrics.witnessed++;
  if (shot->plan->action == ELVES_CRON_JOB)
    add_sent (self, shot);
  else
    end_shot (self, shot, TRUE, "", 0);
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
  elves_amqp_publisher_free (self->publisher);
  elves_cron_caller_free (self->caller);
  if (self->flush != NULL)
    {
      g_source_destroy (self->flush);
      g_source_unref (self->flush);
    }
  while ((place = g_queue_pop_head_link (&self->flights)) != NULL)
    flight_free (place->data);
  while ((place = g_queue_pop_head_link (&self->writes)) != NULL)
    ((Write *) place->data)->outbox = NULL;
  elves_deadlines_free (self->deadlines);
  g_array_unref (self->sent);
  g_free (self->sent_key);
  g_free (self);
}
