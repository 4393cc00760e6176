/* A consumer: deliveries in batches to the main loop, settlements in batches to the broker.
 *
 * On the thread each delivery is put together from its frames; what one burst of frames brought is
 * one batch. A connection that is lost takes with it what the main loop has not seen yet: the
 * broker gives it out again. The number of the connection (epoch) tells old tags from new ones.
 *
 * Promises: deliveries in order; state() before the first delivery of its epoch; after cancelled()
 * no delivery. Bounded by the prefetch.
 * Not here: what a message means, when it is acknowledged.
 */
#include "common/amqp-ledger.h"
#include "common/amqp-properties.h"
#include "common/amqp-worker.h"

#include "common/error.h"

#include <string.h>

#define CONSUMER_TAG "elves"
#define ECHO_TAG "elves-echo"
#define ECHO_PREFETCH 10

typedef enum
{
  EVENT_DELIVERIES,
  EVENT_STATE,
  EVENT_CANCELLED
} EventKind;

/* What the thread tells the main loop. */
typedef struct
{
  EventKind kind;
  guint64 epoch;
  GError *error;         /* (nullable) of EVENT_STATE */
  GPtrArray *deliveries; /* of EVENT_DELIVERIES */
} Event;

/* What the main loop tells the thread. */
typedef struct
{
  guint64 epoch;
  guint64 tag;
  ElvesSettlement settlement;
} Command;

struct ElvesAmqpConsumer
{
  ElvesAmqpWorker *worker;
  ElvesAmqpTopology topology;
  ElvesAmqpConsumerCallbacks callbacks;
  gpointer user_data;
  GArray *gathered; /* main: of Command, until the end of the turn */

  GMutex lock;      /* guards the next four */
  GQueue events;    /* of Event */
  GArray *commands; /* of Command */
  gboolean cancelling;
  char *echo_queue; /* (nullable) of this connection */

  /* thread */
  guint64 epoch;
  ElvesAmqpLedger *ledger; /* of this epoch */
  GArray *taken;           /* of Command; empty between turns */
  GPtrArray *batch;        /* of ElvesDelivery, since the last turn */
  ElvesDelivery *incoming; /* (nullable) waits for its header or its body */
  ElvesAmqpInput body;
  gboolean cancel_sent, cancelled;
};

/**
 * elves_delivery_free:
 * @self: (nullable)
 */
void
elves_delivery_free (ElvesDelivery *self)
{
  if (self == NULL)
    return;
  g_free (self->routing_key);
  g_free (self->reply_to);
  g_free (self->correlation_id);
  g_free (self->message_id);
  g_free (self->content_type);
  g_free (self->content_encoding);
  g_free (self->execution);
  g_clear_pointer (&self->body, g_bytes_unref);
  g_free (self);
}

static GPtrArray *
new_batch (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify) elves_delivery_free);
}

static void
event_free (gpointer data)
{
  Event *self = data;
  g_clear_error (&self->error);
  g_clear_pointer (&self->deliveries, g_ptr_array_unref);
  g_free (self);
}

/* --- on the thread: events ------------------------------------------------------------------- */

static void
post_event (ElvesAmqpConsumer *self, EventKind kind, GPtrArray *deliveries, const GError *error)
{
  Event *event = g_new0 (Event, 1);
  event->kind = kind;
  event->epoch = self->epoch;
  event->deliveries = deliveries;
  event->error = error == NULL ? NULL : g_error_copy (error);
  g_mutex_lock (&self->lock);
  g_queue_push_tail (&self->events, event);
  g_mutex_unlock (&self->lock);
  elves_amqp_worker_schedule (self->worker);
}

static void
post_batch (ElvesAmqpConsumer *self)
{
  if (self->batch->len == 0)
    return;
  post_event (self, EVENT_DELIVERIES, self->batch, NULL);
  self->batch = new_batch ();
}

static void
post_cancelled (ElvesAmqpConsumer *self)
{
  if (self->cancelled)
    return;
  self->cancelled = TRUE;
  post_event (self, EVENT_CANCELLED, NULL, NULL);
}

/* Deliveries of a lost connection come again; and of the news about failures the last will do: a
   main loop that is busy for long finds a short list. */
static void
drop_stale_events (ElvesAmqpConsumer *self)
{
  g_mutex_lock (&self->lock);
  GList *next;
  for (GList *link = self->events.head; link != NULL; link = next)
    {
      next = link->next;
      Event *event = link->data;
      if (event->kind == EVENT_CANCELLED)
        continue;
      event_free (event);
      g_queue_delete_link (&self->events, link);
    }
  g_mutex_unlock (&self->lock);
}

/* --- on the thread: the connection ----------------------------------------------------------- */

static gboolean
on_wanted (gpointer data)
{
  ElvesAmqpConsumer *self = data;
  g_mutex_lock (&self->lock);
  gboolean cancelling = self->cancelling;
  g_mutex_unlock (&self->lock);
  if (cancelling)
    post_cancelled (self);
  return !cancelling;
}

static void
set_echo_queue (ElvesAmqpConsumer *self, char *name)
{
  g_mutex_lock (&self->lock);
  g_free (self->echo_queue);
  self->echo_queue = name;
  g_mutex_unlock (&self->lock);
}

static gboolean
start_echo (ElvesAmqpConsumer *self, ElvesAmqpConnection *connection, GError **error)
{
  guint prefetch = self->topology.queue != NULL ? ECHO_PREFETCH : self->topology.prefetch;
  g_autofree char *name = NULL;
  if (!self->topology.echo)
    return TRUE;
  if (!elves_amqp_connection_declare_own_queue (connection, &name, error) ||
      !elves_amqp_connection_consume (connection, name, prefetch, ECHO_TAG, error))
    return FALSE;
  set_echo_queue (self, g_steal_pointer (&name));
  return TRUE;
}

static gboolean
start_queue (ElvesAmqpConsumer *self, ElvesAmqpConnection *connection, GError **error)
{
  return self->topology.queue == NULL ||
         elves_amqp_connection_consume (connection, self->topology.queue, self->topology.prefetch,
                                        CONSUMER_TAG, error);
}

static gboolean
on_start (ElvesAmqpConnection *connection, gpointer data, GError **error)
{
  ElvesAmqpConsumer *self = data;
  if (!elves_amqp_connection_declare_exchange (connection, self->topology.exchange, error) ||
      !elves_amqp_connection_declare_queue (connection, &self->topology, error) ||
      !start_echo (self, connection, error) || !start_queue (self, connection, error))
    return FALSE;
  self->epoch++;
  self->ledger = elves_amqp_ledger_new ();
  self->cancel_sent = FALSE;
  post_event (self, EVENT_STATE, NULL, NULL);
  return TRUE;
}

static void
on_lost (ElvesAmqpConnection *connection, gpointer data, const GError *error)
{
  ElvesAmqpConsumer *self = data;
  g_clear_pointer (&self->ledger, elves_amqp_ledger_free);
  g_clear_pointer (&self->incoming, elves_delivery_free);
  elves_amqp_input_clear (&self->body);
  g_ptr_array_set_size (self->batch, 0);
  set_echo_queue (self, NULL);
  drop_stale_events (self);
  post_event (self, EVENT_STATE, NULL, error);
}

/* --- on the thread: frames in ---------------------------------------------------------------- */

static char *
copy_text (amqp_bytes_t text)
{
  return g_strndup (text.bytes, text.len);
}

static gboolean
text_is (amqp_bytes_t text, const char *expected)
{
  return text.len == strlen (expected) && memcmp (text.bytes, expected, text.len) == 0;
}

static void
begin_delivery (ElvesAmqpConsumer *self, const amqp_basic_deliver_t *deliver)
{
  ElvesDelivery *delivery = g_new0 (ElvesDelivery, 1);
  delivery->epoch = self->epoch;
  delivery->tag = deliver->delivery_tag;
  delivery->redelivered = deliver->redelivered != 0;
  delivery->echo = text_is (deliver->consumer_tag, ECHO_TAG);
  delivery->routing_key = copy_text (deliver->routing_key);
  elves_delivery_free (self->incoming);
  self->incoming = delivery;
}

static void
finish_delivery_if_whole (ElvesAmqpConsumer *self)
{
  if (!elves_amqp_input_is_whole (&self->body))
    return;
  self->incoming->body = elves_amqp_input_steal (&self->body);
  elves_amqp_ledger_add (self->ledger, self->incoming->tag);
  g_ptr_array_add (self->batch, g_steal_pointer (&self->incoming));
}

static gboolean
on_method (ElvesAmqpConsumer *self, const amqp_method_t *method, GError **error)
{
  switch (method->id)
    {
    case AMQP_BASIC_DELIVER_METHOD:
      begin_delivery (self, method->decoded);
      return TRUE;
    case AMQP_BASIC_CANCEL_OK_METHOD:
      post_batch (self);
      post_cancelled (self);
      return TRUE;
    case AMQP_BASIC_CANCEL_METHOD:
      g_set_error (error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE,
                   "The broker cancelled the consumer: queue '%s' was deleted or moved",
                   self->topology.queue);
      return FALSE;
    case AMQP_CONNECTION_BLOCKED_METHOD:
    case AMQP_CONNECTION_UNBLOCKED_METHOD:
      return TRUE;
    default:
      g_set_error (error, ELVES_ERROR, ELVES_ERROR_PROTOCOL,
                   "The broker sent an unexpected method (%s)", amqp_method_name (method->id));
      return FALSE;
    }
}

static gboolean
on_frame (ElvesAmqpConnection *connection, const amqp_frame_t *frame, gpointer data, GError **error)
{
  ElvesAmqpConsumer *self = data;
  if (frame->frame_type == AMQP_FRAME_METHOD)
    return on_method (self, &frame->payload.method, error);
  if (self->incoming == NULL)
    {
      g_set_error_literal (error, ELVES_ERROR, ELVES_ERROR_PROTOCOL,
                           "The broker sent a content out of place");
      return FALSE;
    }
  if (frame->frame_type == AMQP_FRAME_HEADER)
    {
      elves_amqp_properties_read (frame->payload.properties.decoded, self->incoming);
      elves_amqp_input_begin (&self->body, frame->payload.properties.body_size);
    }
  else if (!elves_amqp_input_add (&self->body, frame->payload.body_fragment, error))
    return FALSE;
  finish_delivery_if_whole (self);
  return TRUE;
}

/* --- on the thread: settlements out ---------------------------------------------------------- */

static void
on_settlement (guint64 tag, gboolean multiple, ElvesSettlement settlement, gpointer user_data)
{
  ElvesAmqpConnection *connection = user_data;
  if (settlement == ELVES_SETTLE_ACK)
    {
      amqp_basic_ack_t ack = { .delivery_tag = tag, .multiple = multiple };
      elves_amqp_output_add_method (&connection->output, ELVES_AMQP_CHANNEL, AMQP_BASIC_ACK_METHOD,
                                    &ack);
      return;
    }
  amqp_basic_nack_t nack = { .delivery_tag = tag, .multiple = multiple, .requeue = 1 };
  elves_amqp_output_add_method (&connection->output, ELVES_AMQP_CHANNEL, AMQP_BASIC_NACK_METHOD,
                                &nack);
}

static void
send_cancel (ElvesAmqpConsumer *self, ElvesAmqpConnection *connection)
{
  amqp_basic_cancel_t cancel = { .consumer_tag = amqp_cstring_bytes (CONSUMER_TAG) };
  elves_amqp_output_add_method (&connection->output, ELVES_AMQP_CHANNEL, AMQP_BASIC_CANCEL_METHOD,
                                &cancel);
  self->cancel_sent = TRUE;
}

static void
on_turn (ElvesAmqpConnection *connection, gpointer data, int *timeout_ms)
{
  ElvesAmqpConsumer *self = data;
  post_batch (self);

  g_mutex_lock (&self->lock);
  GArray *commands = self->commands;
  self->commands = self->taken;
  self->taken = commands;
  gboolean cancelling = self->cancelling;
  g_mutex_unlock (&self->lock);

  for (guint i = 0; i < commands->len; i++)
    {
      const Command *command = &g_array_index (commands, Command, i);
      if (command->epoch == self->epoch)
        elves_amqp_ledger_settle (self->ledger, command->tag, command->settlement);
    }
  g_array_set_size (commands, 0);
  elves_amqp_ledger_flush (self->ledger, on_settlement, connection);
  if (cancelling && !self->cancel_sent)
    send_cancel (self, connection);
}

/* --- on the main context --------------------------------------------------------------------- */

static void
on_flush (gpointer data)
{
  ElvesAmqpConsumer *self = data;
  if (self->gathered->len == 0)
    return;
  g_mutex_lock (&self->lock);
  g_array_append_vals (self->commands, self->gathered->data, self->gathered->len);
  g_mutex_unlock (&self->lock);
  g_array_set_size (self->gathered, 0);
  elves_amqp_worker_kick (self->worker);
}

static Event *
take_event (ElvesAmqpConsumer *self)
{
  g_mutex_lock (&self->lock);
  Event *event = g_queue_pop_head (&self->events);
  g_mutex_unlock (&self->lock);
  return event;
}

static void
on_dispatch (gpointer data)
{
  ElvesAmqpConsumer *self = data;
  Event *event;
  while (!elves_amqp_worker_is_stopped (self->worker) && (event = take_event (self)) != NULL)
    {
      if (event->kind == EVENT_DELIVERIES)
        self->callbacks.deliveries (self, event->deliveries, self->user_data);
      else if (event->kind == EVENT_STATE && self->callbacks.state != NULL)
        self->callbacks.state (self, event->epoch, event->error, self->user_data);
      else if (event->kind == EVENT_CANCELLED && self->callbacks.cancelled != NULL)
        self->callbacks.cancelled (self, self->user_data);
      event_free (event);
    }
}

static void
on_free (gpointer data)
{
  ElvesAmqpConsumer *self = data;
  elves_amqp_ledger_free (self->ledger);
  elves_delivery_free (self->incoming);
  elves_amqp_input_clear (&self->body);
  g_ptr_array_unref (self->batch);
  g_array_unref (self->gathered);
  g_array_unref (self->commands);
  g_array_unref (self->taken);
  g_queue_clear_full (&self->events, event_free);
  g_mutex_clear (&self->lock);
  g_free ((char *) self->topology.exchange);
  g_free ((char *) self->topology.queue);
  g_free ((char *) self->topology.dead_queue);
  g_free (self->echo_queue);
  g_strfreev ((char **) self->topology.bindings);
  g_free (self);
}

static const ElvesAmqpWorkerClass consumer_class = {
  .role = "consumer",
  .wanted = on_wanted,
  .start = on_start,
  .turn = on_turn,
  .frame = on_frame,
  .lost = on_lost,
  .flush = on_flush,
  .dispatch = on_dispatch,
  .free = on_free,
};

/**
 * elves_amqp_consumer_new:
 * @topology: with a queue
 * @callbacks: copied; state and cancelled may be NULL
 *
 * Begins to connect at once.
 */
ElvesAmqpConsumer *
elves_amqp_consumer_new (const ElvesAmqpSettings *settings,
                         const ElvesAmqpTopology *topology,
                         const ElvesAmqpConsumerCallbacks *callbacks,
                         gpointer user_data)
{
  ElvesAmqpConsumer *self = g_new0 (ElvesAmqpConsumer, 1);
  self->topology = *topology;
  self->topology.exchange = g_strdup (topology->exchange);
  self->topology.queue = g_strdup (topology->queue);
  self->topology.dead_queue = g_strdup (topology->dead_queue);
  self->topology.bindings = (const char *const *) g_strdupv ((char **) topology->bindings);
  self->callbacks = *callbacks;
  self->user_data = user_data;
  self->gathered = g_array_new (FALSE, FALSE, sizeof (Command));
  self->commands = g_array_new (FALSE, FALSE, sizeof (Command));
  self->taken = g_array_new (FALSE, FALSE, sizeof (Command));
  self->batch = new_batch ();
  g_queue_init (&self->events);
  g_mutex_init (&self->lock);
  self->worker = elves_amqp_worker_new (settings, &consumer_class, self);
  elves_amqp_worker_run (self->worker);
  return self;
}

static void
gather (ElvesAmqpConsumer *self, guint64 epoch, guint64 tag, ElvesSettlement settlement)
{
  Command command = { .epoch = epoch, .tag = tag, .settlement = settlement };
  g_array_append_val (self->gathered, command);
  if (self->gathered->len == 1)
    elves_amqp_worker_schedule (self->worker);
}

/**
 * elves_amqp_consumer_ack:
 *
 * The message is done. Leaves at the end of the main loop's turn, with all others of the turn.
 */
void
elves_amqp_consumer_ack (ElvesAmqpConsumer *self, guint64 epoch, guint64 tag)
{
  gather (self, epoch, tag, ELVES_SETTLE_ACK);
}

/**
 * elves_amqp_consumer_requeue:
 *
 * The broker gives the message out again, to whom it likes.
 */
void
elves_amqp_consumer_requeue (ElvesAmqpConsumer *self, guint64 epoch, guint64 tag)
{
  gather (self, epoch, tag, ELVES_SETTLE_REQUEUE);
}

/**
 * elves_amqp_consumer_echo_queue:
 *
 * Returns: (transfer full) (nullable): the routing key, in the default exchange, of what comes back
 * on the connection that stands; %NULL without one, or without the topology's echo
 */
char *
elves_amqp_consumer_echo_queue (ElvesAmqpConsumer *self)
{
  g_mutex_lock (&self->lock);
  char *name = g_strdup (self->echo_queue);
  g_mutex_unlock (&self->lock);
  return name;
}

/**
 * elves_amqp_consumer_rebuild:
 * @why: what state() will say
 *
 * For a connection that seems to be there and brings nothing.
 */
void
elves_amqp_consumer_rebuild (ElvesAmqpConsumer *self, const char *why)
{
  elves_amqp_worker_rebuild (self->worker, why);
}

/**
 * elves_amqp_consumer_cancel:
 *
 * No new deliveries after the cancelled callback; it comes at once when there is no connection.
 */
void
elves_amqp_consumer_cancel (ElvesAmqpConsumer *self)
{
  g_mutex_lock (&self->lock);
  self->cancelling = TRUE;
  g_mutex_unlock (&self->lock);
  elves_amqp_worker_kick (self->worker);
}

/**
 * elves_amqp_consumer_free:
 * @self: (nullable)
 *
 * Sends the settlements that wait, closes the connection (at most 2.5 s). No callback afterwards.
 */
void
elves_amqp_consumer_free (ElvesAmqpConsumer *self)
{
  if (self != NULL)
    elves_amqp_worker_stop (self->worker);
}
