/* Wiring of a component: its consumer, its publisher, and the requests between them.
 *
 * A request keeps the tag of its delivery. Its answer goes to the publisher; the confirmation of
 * the answer lets the delivery be acknowledged. A tag is only good on the connection it came on:
 * of an older one, and of a consumer that was stopped, the acknowledgement has no effect and the
 * message comes again.
 *
 * Limits: mq.prefetch requests in hand; each has one answer. What jobs are sent is the limit of
 * who sends them (elves_component_outstanding()). */
#include "common/component.h"

#include "common/crash-point.h"
#include "common/json-writer.h"
#include "common/log.h"
#include "common/message-head.h"
#include "common/names.h"

#include <string.h>

/* A request in hand, by the request: where its delivery is. */
typedef struct
{
  guint64 run; /* which consumer */
  guint64 epoch, tag;
} Origin;

struct ElvesComponent
{
  ElvesComponentOptions options;
  ElvesMessageRules rules;
  char *binding_two_words, *binding_whole_key;
  char *job_routing_key, *job_key; /* "cron.scheduler", "cron.scheduler.asyncJob" */
  ElvesAmqpPublisher *publisher;
  ElvesAmqpConsumer *consumer; /* (nullable) between _stop() and _start() */
  guint64 run;                 /* counts consumers */
  GHashTable *origins;         /* ElvesRequest -> Origin */
  GQueue sendings;             /* of Sending, by its place: not yet confirmed */
  ElvesLogThrottle throttle, unrouted_throttle;
};

/* Something on its way to the broker. */
typedef struct
{
  ElvesComponent *component;
  Origin origin; /* of an answer; tag 0: not one */
  ElvesPublishedFunc published;
  gpointer user_data;
  char *routing_key; /* (nullable) of a job */
  GList place;
} Sending;

ElvesAmqpSettings
elves_component_broker_settings (const ElvesBrokerConfig *broker, const ElvesRetryConfig *retry)
{
  return (ElvesAmqpSettings){
    .host = broker->host,
    .port = (guint16) broker->port,
    .user = broker->user,
    .password = broker->password,
    .vhost = broker->vhost,
    .connect_timeout_ms = broker->connect_timeout_ms,
    .heartbeat_s = broker->heartbeat_s,
    .retry_first_ms = retry->first_ms,
    .retry_cap_ms = retry->cap_ms,
  };
}

/* ---- out ------------------------------------------------------------------------------------ */

static void
on_publisher_state (ElvesAmqpPublisher *publisher, const GError *error, gpointer user_data)
{
  ElvesComponent *self = user_data;
  self->options.metrics->publishing = error == NULL;
  if (error != NULL)
    {
      g_warning ("not publishing: %s", error->message);
      return;
    }
  self->options.metrics->publisher_connects++;
  g_message ("publishing");
}

static const ElvesAmqpPublisherCallbacks publisher_callbacks = { on_publisher_state };

static void
acknowledge (ElvesComponent *self, const Origin *origin)
{
  if (self->consumer != NULL && origin->run == self->run)
    elves_amqp_consumer_ack (self->consumer, origin->epoch, origin->tag);
}

static void
say_unrouted (ElvesComponent *self, const char *routing_key)
{
  guint held_back;
  self->options.metrics->unrouted++;
  if (elves_log_throttle_pass (&self->unrouted_throttle, g_get_monotonic_time (), &held_back))
    g_warning ("a message reached no queue: nobody is bound to exchange=%s key=%s held_back=%u",
               self->rules.exchange, routing_key, held_back);
}

static void
sending_free (Sending *sending)
{
  g_free (sending->routing_key);
  g_free (sending);
}

static void
on_published (gboolean routed, gpointer user_data)
{
  Sending *sending = user_data;
  ElvesComponent *self = sending->component;
  ELVES_CRASH_POINT ("component-before-confirm");
  if (!routed && sending->routing_key != NULL)
    say_unrouted (self, sending->routing_key);
  if (sending->origin.tag != 0)
    acknowledge (self, &sending->origin);
  if (sending->published != NULL)
    sending->published (routed, sending->user_data);
  g_queue_unlink (&self->sendings, &sending->place);
  sending_free (sending);
}

static Sending *
send_publication (ElvesComponent *self, ElvesPublication *publication)
{
  Sending *sending = g_new0 (Sending, 1);
  sending->component = self;
  sending->place.data = sending;
  g_queue_push_tail_link (&self->sendings, &sending->place);
  elves_amqp_publisher_publish (self->publisher, publication, on_published, sending);
  return sending;
}

/* ---- the end of a request ------------------------------------------------------------------- */

/* Takes @request and, if there is one, @body. */
static void
end_request (ElvesComponent *self, ElvesRequest *request, const char *error_text, GString *body)
{
  const Origin *known = g_hash_table_lookup (self->origins, request);
  Origin origin = known != NULL ? *known : (Origin){ 0 };
  ElvesPublication *answer =
      body != NULL ? elves_request_answer (request, &self->rules, error_text, body) : NULL;
  g_hash_table_remove (self->origins, request);
  if (answer != NULL)
    send_publication (self, answer)->origin = origin;
  else
    acknowledge (self, &origin);
  elves_request_free (request);
}

/**
 * elves_component_reply:
 * @request: (transfer full)
 * @body: (transfer full): one JSON object: the whole mqbody
 */
void
elves_component_reply (ElvesComponent *self, ElvesRequest *request, GString *body)
{
  end_request (self, request, "", body);
}

/**
 * elves_component_reply_flag:
 * @request: (transfer full): it was done, and there is nothing more to say
 */
void
elves_component_reply_flag (ElvesComponent *self, ElvesRequest *request)
{
  GString *body = g_string_new (NULL);
  elves_json_open (body, NULL);
  elves_json_add_text (body, "flag", "true");
  elves_json_add_text (body, "error", "");
  elves_json_close (body);
  end_request (self, request, "", body);
}

/**
 * elves_component_refuse:
 * @request: (transfer full)
 * @error_text: "[code]text", as the interface has it
 * @detail: (nullable): what, where, why
 */
void
elves_component_refuse (ElvesComponent *self,
                        ElvesRequest *request,
                        const char *error_text,
                        const char *detail)
{
  g_debug ("refused action=%s error=%s detail=%s", elves_request_action (request), error_text,
           detail != NULL ? detail : "");
  self->options.metrics->refused++;
  end_request (self, request, error_text, elves_request_error_body (error_text, detail));
}

/**
 * elves_component_done:
 * @request: (transfer full): a cast, or one that nobody is to be answered for
 */
void
elves_component_done (ElvesComponent *self, ElvesRequest *request)
{
  end_request (self, request, "", NULL);
}

/* ---- in ------------------------------------------------------------------------------------- */

static void
drop (ElvesComponent *self, const ElvesDelivery *delivery, const GError *error)
{
  guint held_back;
  self->options.metrics->dropped++;
  if (elves_log_throttle_pass (&self->throttle, g_get_monotonic_time (), &held_back))
    g_message ("a message was dropped: %s dropped=%" G_GUINT64_FORMAT " held_back=%u",
               error->message, self->options.metrics->dropped, held_back);
  acknowledge (self, &(Origin){ self->run, delivery->epoch, delivery->tag });
}

static void
handle (ElvesComponent *self, ElvesRequest *request)
{
  const char *action = elves_request_action (request);
  g_autofree char *detail = NULL;
  for (const ElvesComponentAction *row = self->options.actions; row->action != NULL; row++)
    if (strcmp (row->action, action) == 0)
      {
        row->handle (request, self->options.user_data);
        return;
      }
  self->options.metrics->unknown++;
  g_info ("a request was refused: unknown action=%s from=%s", action, elves_request_from (request));
  detail = g_strdup_printf ("unknown action '%s'", action);
  elves_component_refuse (self, request, ELVES_ERROR_TEXT_UNKNOWN_ACTION, detail);
}

static void
take (ElvesComponent *self, const ElvesDelivery *delivery)
{
  ElvesRequestMessage message = {
    .properties = { delivery->reply_to, delivery->correlation_id, delivery->message_id },
    .body = delivery->body,
    .redelivered = delivery->redelivered,
  };
  g_autoptr (GError) error = NULL;
  ElvesRequest *request = elves_request_parse (&self->rules, &message, &error);
  Origin *origin;
  self->options.metrics->requests++;
  self->options.metrics->repeated += delivery->redelivered ? 1 : 0;
  if (request == NULL)
    {
      drop (self, delivery, error);
      return;
    }
  ELVES_CRASH_POINT ("component-after-consume");
  origin = g_new (Origin, 1);
  *origin = (Origin){ self->run, delivery->epoch, delivery->tag };
  g_hash_table_insert (self->origins, request, origin);
  handle (self, request);
}

static void
on_deliveries (ElvesAmqpConsumer *consumer, GPtrArray *deliveries, gpointer user_data)
{
  ElvesComponent *self = user_data;
  /* A handler may stop the component: the rest then goes back to the broker. */
  for (guint i = 0; i < deliveries->len && self->consumer == consumer; i++)
    take (self, deliveries->pdata[i]);
}

static void
set_consuming (ElvesComponent *self, gboolean consuming)
{
  if (self->options.metrics->consuming == (guint64) consuming)
    return;
  self->options.metrics->consuming = consuming;
  if (self->options.consuming != NULL)
    self->options.consuming (consuming, self->options.user_data);
}

static void
on_consumer_state (ElvesAmqpConsumer *consumer,
                   guint64 epoch,
                   const GError *error,
                   gpointer user_data)
{
  ElvesComponent *self = user_data;
  const ElvesBrokerConfig *broker = self->options.broker;
  if (error != NULL)
    {
      g_warning ("not consuming: %s", error->message);
      set_consuming (self, FALSE);
      return;
    }
  self->options.metrics->consumer_connects++;
  g_message ("consuming queue=%s exchange=%s prefetch=%u", broker->queue, broker->exchange,
             broker->prefetch);
  set_consuming (self, TRUE);
}

static const ElvesAmqpConsumerCallbacks consumer_callbacks = { on_deliveries, on_consumer_state,
                                                               NULL };

/**
 * elves_component_start:
 *
 * Takes requests from now on, and across lost connections. No-op when it does.
 */
void
elves_component_start (ElvesComponent *self)
{
  const ElvesBrokerConfig *broker = self->options.broker;
  const char *const bindings[] = { self->binding_two_words, self->binding_whole_key, NULL };
  ElvesAmqpSettings settings =
      elves_component_broker_settings (self->options.broker, self->options.retry);
  ElvesAmqpTopology topology = {
    .exchange = broker->exchange,
    .queue = broker->queue,
    .quorum = broker->queue_type != 0,
    .bindings = bindings,
    .prefetch = broker->prefetch,
  };
  if (self->consumer != NULL)
    return;
  self->run++;
  self->consumer = elves_amqp_consumer_new (&settings, &topology, &consumer_callbacks, self);
}

/**
 * elves_component_stop:
 *
 * Takes no more requests; what is in hand is given back to the broker. No-op when it takes none.
 */
void
elves_component_stop (ElvesComponent *self)
{
  elves_amqp_consumer_free (g_steal_pointer (&self->consumer));
  set_consuming (self, FALSE);
}

/* ---- jobs ----------------------------------------------------------------------------------- */

static GString *
write_job (ElvesComponent *self, const ElvesComponentJob *job)
{
  GString *out = g_string_sized_new (strlen (job->param) + 512);
  elves_json_open (out, NULL);
  elves_json_add_text (out, "mqkey", self->job_key);
  elves_json_add_text (out, "mqtype", "cast");
  elves_json_open (out, "mqbody");
  elves_json_add_text (out, "id", job->id);
  elves_json_add_text (out, "ip", job->ip);
  elves_json_add_text (out, "mode", job->mode);
  elves_json_add_text (out, "app", job->app);
  elves_json_add_text (out, "func", job->func);
  elves_json_add_text (out, "type", self->options.name);
  elves_json_add_text (out, "proxy", job->proxy);
  elves_json_add_text (out, "param", job->param);
  elves_json_add_number (out, "timeout", job->timeout_s);
  elves_json_close (out);
  elves_json_close (out);
  return out;
}

/* On the same channel, so that both leave with one send: whoever ends us leaves both or none. */
static void
send_note (ElvesComponent *self, const char *queue, const char *execution)
{
  ElvesPublication *publication = g_new0 (ElvesPublication, 1);
  publication->exchange = g_strdup ("");
  publication->routing_key = g_strdup (queue);
  publication->content_type = g_strdup ("text/plain");
  publication->message_id = g_strdup (execution);
  publication->body = g_bytes_new_static ("", 0);
  send_publication (self, publication);
}

/**
 * elves_component_send_job:
 * @job: copied
 * @published: (nullable): when the broker has confirmed it
 * @user_data: for @published; not called after elves_component_free()
 */
void
elves_component_send_job (ElvesComponent *self,
                          const ElvesComponentJob *job,
                          ElvesPublishedFunc published,
                          gpointer user_data)
{
  ElvesPublication *publication =
      elves_message_publication (&self->rules, TRUE, write_job (self, job));
  Sending *sending;
  publication->exchange = g_strdup (self->rules.exchange);
  publication->routing_key = g_strdup (self->job_routing_key);
  publication->message_id = g_strdup (job->execution);
  publication->cc = g_strdup (job->cc);
  self->options.metrics->jobs++;
  sending = send_publication (self, publication);
  sending->routing_key = g_strdup (self->job_routing_key);
  sending->published = published;
  sending->user_data = user_data;
  if (job->note_to != NULL)
    send_note (self, job->note_to, job->execution);
}

/* ---- from start to end ---------------------------------------------------------------------- */

static void
set_names (ElvesComponent *self)
{
  const char *name = self->options.name;
  self->binding_two_words = g_strdup_printf ("*.%s", name);
  self->binding_whole_key = g_strdup_printf ("*.%s.#", name);
  self->job_routing_key = g_strdup_printf ("%s.%s", name, ELVES_DEFAULT_QUEUE);
  self->job_key = g_strdup_printf ("%s.%s.asyncJob", name, ELVES_DEFAULT_QUEUE);
}

static void
start_publishing (ElvesComponent *self)
{
  ElvesAmqpSettings settings =
      elves_component_broker_settings (self->options.broker, self->options.retry);
  ElvesAmqpTopology topology = { .exchange = self->options.broker->exchange };
  self->publisher =
      elves_amqp_publisher_new (&settings, &topology, TRUE, &publisher_callbacks, self);
}

/**
 * elves_component_new:
 * @options: copied; what it points to outlives the component
 *
 * Returns: (transfer full): a component that publishes, and does not take requests yet.
 */
ElvesComponent *
elves_component_new (const ElvesComponentOptions *options)
{
  ElvesComponent *self = g_new0 (ElvesComponent, 1);
  const ElvesBrokerConfig *broker = options->broker;
  self->options = *options;
  self->rules.exchange = broker->exchange;
  self->rules.max_message_bytes = broker->max_message_bytes;
  if (*broker->reply_content_type != '\0')
    self->rules.reply_content_type = broker->reply_content_type;
  self->origins = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  set_names (self);
  start_publishing (self);
  return self;
}

/**
 * elves_component_free:
 * @self: (nullable)
 *
 * Requests that were not ended belong to their handlers, who free them with elves_request_free().
 */
void
elves_component_free (ElvesComponent *self)
{
  GList *place;
  if (self == NULL)
    return;
  elves_amqp_consumer_free (self->consumer);
  elves_amqp_publisher_free (self->publisher);
  while ((place = g_queue_pop_head_link (&self->sendings)) != NULL)
    sending_free (place->data);
  g_hash_table_unref (self->origins);
  g_free (self->binding_two_words);
  g_free (self->binding_whole_key);
  g_free (self->job_routing_key);
  g_free (self->job_key);
  g_free (self);
}

/**
 * elves_component_outstanding:
 *
 * Returns: what was published and is not yet confirmed.
 */
guint
elves_component_outstanding (ElvesComponent *self)
{
  return elves_amqp_publisher_outstanding (self->publisher);
}

void
elves_component_measure (ElvesComponent *self)
{
  self->options.metrics->unconfirmed = elves_component_outstanding (self);
}

/**
 * elves_component_add_problems:
 * @problems: of constant texts: what keeps it from working
 */
void
elves_component_add_problems (ElvesComponent *self, GPtrArray *problems)
{
  if (self->consumer != NULL && self->options.metrics->consuming == 0)
    g_ptr_array_add (problems, (gpointer) "not consuming");
  if (self->options.metrics->publishing == 0)
    g_ptr_array_add (problems, (gpointer) "not publishing");
}
