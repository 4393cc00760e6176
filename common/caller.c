/* Calls under way are in one table, by the correlation_id that their answer will have. What ends a
 * call first takes it out of there: the answer, its deadline, a lost connection, a broker that had
 * no queue for it. Whatever comes after that finds nothing and is dropped.
 *
 * A failure that is known at once is still said from the loop, by a deadline that is due. */
#include "common/caller.h"

#include "common/component.h"
#include "common/error.h"
#include "common/job.h"

typedef struct
{
  ElvesCaller *caller;
  char *correlation_id; /* key in the table */
  char *asked;          /* "cron.createCron" */
  ElvesDeadline deadline;
  GError *error; /* (nullable) what to say when the deadline comes */
  ElvesCallerFunc func;
  gpointer user_data;
} Call;

struct ElvesCaller
{
  ElvesDeadlines *deadlines;
  char *name;
  char *exchange;
  guint max_calls;
  ElvesAmqpPublisher *publisher;
  ElvesAmqpConsumer *consumer;
  char *queue;         /* (nullable) where answers come to; NULL: not connected */
  char *id_prefix;     /* of correlation ids: another for every process */
  guint64 id_counter;  /* of the last one */
  GHashTable *calls;   /* correlation_id -> Call */
  GQueue publications; /* of Publication: not yet confirmed */
};

static void
call_free (Call *call)
{
  elves_deadlines_disarm (call->caller->deadlines, &call->deadline);
  g_clear_error (&call->error);
  g_free (call->correlation_id);
  g_free (call->asked);
  g_free (call);
}

/* Ends @call: nothing else finds it any more. */
static void
finish (Call *call, const ElvesCallerAnswer *answer, const GError *error)
{
  ElvesCallerFunc func = call->func;
  gpointer user_data = call->user_data;

  g_hash_table_steal (call->caller->calls, call->correlation_id);
  func (answer, error, user_data);
  call_free (call);
}

static void
on_due (ElvesDeadline *deadline G_GNUC_UNUSED, gpointer user_data)
{
  Call *call = user_data;

  if (call->error == NULL)
    g_set_error (&call->error, ELVES_ERROR, ELVES_ERROR_TIMEOUT, "%s was not answered in time",
                 call->asked);
  finish (call, NULL, call->error);
}

/* @error: (transfer full) */
static void
fail_soon (Call *call, GError *error)
{
  g_clear_error (&call->error);
  call->error = error;
  elves_deadlines_arm (call->caller->deadlines, &call->deadline, g_get_monotonic_time (), on_due,
                       call);
}

/* ---- the broker ---- */

/* What a publication is known by until the broker has confirmed it; the call may end before. */
typedef struct
{
  ElvesCaller *caller;
  char *correlation_id;
  GList place; /* in the caller's list of them */
} Publication;

static void
publication_free (gpointer data)
{
  Publication *publication = data;

  g_free (publication->correlation_id);
  g_free (publication);
}

/* In no queue: a component of that name has never been there. */
static void
on_published (gboolean routed, gpointer user_data)
{
  Publication *publication = user_data;
  Call *call = g_hash_table_lookup (publication->caller->calls, publication->correlation_id);

  if (!routed && call != NULL)
    fail_soon (call, g_error_new (ELVES_ERROR, ELVES_ERROR_UNAVAILABLE,
                                  "%s was not asked: the broker has no queue for it", call->asked));
  g_queue_unlink (&publication->caller->publications, &publication->place);
  publication_free (publication);
}

static void
take_answer (Call *call, const ElvesDelivery *delivery)
{
  g_autoptr (GError) error = NULL;
  gsize length;
  const char *text = g_bytes_get_data (delivery->body, &length);
  g_autoptr (ElvesJsonObject) message = elves_json_object_parse (text, length, &error);
  g_autoptr (ElvesJsonObject) body = NULL;
  ElvesJsonValue value = { ELVES_JSON_ABSENT };

  if (message != NULL)
    value = elves_json_object_get (message, "mqbody");
  if (value.kind == ELVES_JSON_OBJECT)
    body = elves_json_object_parse (value.text, value.length, &error);
  if (body == NULL && error == NULL)
    g_set_error_literal (&error, ELVES_ERROR, ELVES_ERROR_PROTOCOL, "it has no object mqbody");
  if (body == NULL)
    g_prefix_error (&error, "The answer to %s cannot be read: ", call->asked);
  finish (call, body != NULL ? &(ElvesCallerAnswer){ body, value } : NULL, error);
}

static void
on_deliveries (ElvesAmqpConsumer *consumer, GPtrArray *deliveries, gpointer user_data)
{
  ElvesCaller *self = user_data;

  for (guint i = 0; i < deliveries->len; i++)
    {
      const ElvesDelivery *delivery = deliveries->pdata[i];
      Call *call = delivery->correlation_id != NULL
                       ? g_hash_table_lookup (self->calls, delivery->correlation_id)
                       : NULL;

      elves_amqp_consumer_ack (consumer, delivery->epoch, delivery->tag);
      if (call != NULL)
        take_answer (call, delivery);
      else
        g_debug ("an answer that nobody waits for was dropped");
    }
}

static void
fail_all (ElvesCaller *self, const GError *cause)
{
  GHashTableIter iter;
  gpointer call;

  g_hash_table_iter_init (&iter, self->calls);
  while (g_hash_table_iter_next (&iter, NULL, &call))
    fail_soon (call, g_error_new (ELVES_ERROR, ELVES_ERROR_TIMEOUT,
                                  "The answer to %s was lost with the connection to the broker: %s",
                                  ((Call *) call)->asked, cause->message));
}

static void
on_consumer_state (ElvesAmqpConsumer *consumer,
                   guint64 epoch G_GNUC_UNUSED,
                   const GError *error,
                   gpointer user_data)
{
  ElvesCaller *self = user_data;

  g_clear_pointer (&self->queue, g_free);
  if (error == NULL)
    {
      self->queue = elves_amqp_consumer_echo_queue (consumer);
      g_message ("ready to ask other components queue=%s", self->queue);
      return;
    }
  g_warning ("cannot ask other components: %s", error->message);
  fail_all (self, error);
}

static void
on_cancelled (ElvesAmqpConsumer *consumer G_GNUC_UNUSED, gpointer user_data G_GNUC_UNUSED)
{
}

static void
on_publisher_state (ElvesAmqpPublisher *publisher G_GNUC_UNUSED,
                    const GError *error,
                    gpointer user_data G_GNUC_UNUSED)
{
  if (error != NULL)
    g_warning ("calls cannot be published: %s", error->message);
}

/* ---- from start to end ---- */

static void
connect (ElvesCaller *self, const ElvesCallerOptions *options)
{
  static const ElvesAmqpConsumerCallbacks consumer_callbacks = { on_deliveries, on_consumer_state,
                                                                 on_cancelled };
  static const ElvesAmqpPublisherCallbacks publisher_callbacks = { on_publisher_state };
  ElvesAmqpSettings settings = elves_component_broker_settings (options->broker, options->retry);
  ElvesAmqpTopology topology = { .exchange = self->exchange,
                                 .prefetch = options->broker->prefetch,
                                 .echo = TRUE };

  self->publisher =
      elves_amqp_publisher_new (&settings, &topology, TRUE, &publisher_callbacks, self);
  self->consumer = elves_amqp_consumer_new (&settings, &topology, &consumer_callbacks, self);
}

/**
 * elves_caller_new:
 * @deadlines: its clock; must outlive it
 * @options: copied
 *
 * Returns: (transfer full): connects on its own, for ever
 */
ElvesCaller *
elves_caller_new (ElvesDeadlines *deadlines, const ElvesCallerOptions *options)
{
  ElvesCaller *self = g_new0 (ElvesCaller, 1);

  self->deadlines = deadlines;
  self->name = g_strdup (options->name);
  self->exchange = g_strdup (options->broker->exchange);
  self->max_calls = options->max_calls;
  self->id_prefix = elves_job_new_id ();
  self->calls = g_hash_table_new (g_str_hash, g_str_equal);
  g_queue_init (&self->publications);
  connect (self, options);
  return self;
}

/* Whoever waits is told; what is asked then is told so, too. */
static void
give_up_all (ElvesCaller *self)
{
  g_autoptr (GError) error =
      g_error_new_literal (ELVES_ERROR, ELVES_ERROR_UNAVAILABLE, "This process is ending");
  GHashTableIter iter;
  gpointer call;

  for (;;)
    {
      g_hash_table_iter_init (&iter, self->calls);
      if (!g_hash_table_iter_next (&iter, NULL, &call))
        return;
      finish (call, NULL, error);
    }
}

/**
 * elves_caller_free:
 * @self: (nullable): calls that wait fail, from inside
 */
void
elves_caller_free (ElvesCaller *self)
{
  GList *place;

  if (self == NULL)
    return;
  elves_amqp_consumer_free (self->consumer);
  elves_amqp_publisher_free (self->publisher);
  while ((place = g_queue_pop_head_link (&self->publications)) != NULL)
    publication_free (place->data);
  g_clear_pointer (&self->queue, g_free);
  give_up_all (self);
  g_hash_table_unref (self->calls);
  g_free (self->id_prefix);
  g_free (self->exchange);
  g_free (self->name);
  g_free (self);
}

/* ---- asking ---- */

static GBytes *
message_of (ElvesCaller *self, const ElvesCallerRequest *request)
{
  GString *text = g_string_sized_new (request->body->len + 128);

  g_string_append_printf (text,
                          "{\"mqkey\":\"%s.%s.%s\",\"mqtype\":\"call\",\"mqbody\":", self->name,
                          request->to, request->action);
  g_string_append_len (text, request->body->str, (gssize) request->body->len);
  g_string_append_c (text, '}');
  return g_string_free_to_bytes (text);
}

/* The message_id is the key of the execution, where one is asked for: a publication that is made
   twice, because its confirmation was lost, starts nothing twice. It expires with the call: who
   comes back later does not do what nobody waits for. */
static void
publish (Call *call, const ElvesCallerRequest *request)
{
  ElvesCaller *self = call->caller;
  ElvesPublication *message = g_new0 (ElvesPublication, 1);
  Publication *publication = g_new0 (Publication, 1);

  message->exchange = g_strdup (self->exchange);
  message->routing_key = g_strdup_printf ("%s.%s", self->name, request->to);
  message->content_type = g_strdup ("application/octet-stream");
  message->correlation_id = g_strdup (call->correlation_id);
  message->message_id = g_strdup (call->correlation_id);
  message->reply_to = g_strdup (self->queue);
  message->expiration_ms = request->timeout_ms;
  message->body = message_of (self, request);

  publication->caller = self;
  publication->correlation_id = g_strdup (call->correlation_id);
  publication->place.data = publication;
  g_queue_push_tail_link (&self->publications, &publication->place);
  elves_amqp_publisher_publish (self->publisher, message, on_published, publication);
}

static Call *
call_new (ElvesCaller *self, const ElvesCallerRequest *request)
{
  Call *call = g_new0 (Call, 1);

  call->caller = self;
  call->correlation_id =
      g_strdup_printf ("%s-%" G_GUINT64_FORMAT, self->id_prefix, ++self->id_counter);
  call->asked = g_strdup_printf ("%s.%s", request->to, request->action);
  return call;
}

/* NULL: it can be asked. */
static GError *
refusal (const ElvesCaller *self, const char *asked)
{
  if (g_hash_table_size (self->calls) > self->max_calls)
    return g_error_new (ELVES_ERROR, ELVES_ERROR_BUSY, "%s was not asked: %u calls wait already",
                        asked, self->max_calls);
  if (self->queue == NULL)
    return g_error_new (ELVES_ERROR, ELVES_ERROR_UNAVAILABLE,
                        "%s was not asked: not connected to the broker", asked);
  return NULL;
}

/**
 * elves_caller_call:
 * @request: what to ask of whom, and how long to wait
 * @func: called once, later
 * @user_data: for @func
 */
void
elves_caller_call (ElvesCaller *self,
                   const ElvesCallerRequest *request,
                   ElvesCallerFunc func,
                   gpointer user_data)
{
  Call *call = call_new (self, request);
  GError *error;

  call->func = func;
  call->user_data = user_data;
  g_hash_table_insert (self->calls, call->correlation_id, call);
  error = refusal (self, call->asked);
  if (error != NULL)
    {
      fail_soon (call, error);
      return;
    }
  elves_deadlines_arm (self->deadlines, &call->deadline,
                       g_get_monotonic_time () + request->timeout_ms * G_GINT64_CONSTANT (1000),
                       on_due, call);
  publish (call, request);
}

/**
 * elves_caller_waiting:
 *
 * Returns: calls that are not answered yet
 */
guint
elves_caller_waiting (const ElvesCaller *self)
{
  return g_hash_table_size (self->calls);
}

/**
 * elves_caller_is_connected:
 *
 * Returns: whether a call would be published now
 */
gboolean
elves_caller_is_connected (const ElvesCaller *self)
{
  return self->queue != NULL;
}
