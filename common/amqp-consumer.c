/* A consumer: deliveries in batches to its owner, settlements in batches to the broker.
 *
 * Each delivery is put together from its frames; what one receive brought is one batch. Settlements
 * leave at the end of the turn of the loop. The number of the connection (epoch) tells old tags
 * from new ones: the broker gives out again what a lost connection had not settled.
 *
 * Promises: deliveries in order; state() before the first delivery of its epoch; after cancelled()
 * no delivery. Bounded by the prefetch.
 * Not here: what a message means, when it is acknowledged.
 */
#include "common/amqp-ledger.h"
#include "common/amqp-properties.h"
#include "common/amqp-session.h"

#include "common/error.h"

#include <string.h>

#define CONSUMER_TAG "elves"
#define ECHO_TAG "elves-echo"
#define ECHO_PREFETCH 10

struct ElvesAmqpConsumer
{
  ElvesAmqpSession *session;
  ElvesAmqpTopology topology;
  ElvesAmqpConsumerCallbacks callbacks;
  gpointer user_data;

  char *declared_echo;     /* (nullable) of an attempt's thread */
  char *echo_queue;        /* (nullable) of this connection */
  guint64 epoch;           /* of the last connection */
  ElvesAmqpLedger *ledger; /* (nullable) of this connection */
  GPtrArray *batch;        /* of ElvesDelivery, since the owner was called */
  ElvesDelivery *incoming; /* (nullable) waits for its header or its body */
  ElvesAmqpInput body;
  gboolean cancelling, cancel_sent; /* asked for; told the broker */
  gboolean cancel_ended, cancelled; /* no delivery follows; and the owner knows */
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

/* --- the connection -------------------------------------------------------------------------- */

static gboolean
on_wanted (gpointer data)
{
  const ElvesAmqpConsumer *self = data;
  return !self->cancelling;
}

static gboolean
start_echo (ElvesAmqpConsumer *self, ElvesAmqpConnection *connection, GError **error)
{
  guint prefetch = self->topology.queue != NULL ? ECHO_PREFETCH : self->topology.prefetch;
  g_clear_pointer (&self->declared_echo, g_free);
  return !self->topology.echo ||
         (elves_amqp_connection_declare_own_queue (connection, &self->declared_echo, error) &&
          elves_amqp_connection_consume (connection, self->declared_echo, prefetch, ECHO_TAG,
                                         error));
}

static gboolean
start_queue (ElvesAmqpConsumer *self, ElvesAmqpConnection *connection, GError **error)
{
  return self->topology.queue == NULL ||
         elves_amqp_connection_consume (connection, self->topology.queue, self->topology.prefetch,
                                        CONSUMER_TAG, error);
}

/* On the attempt's thread. */
static gboolean
on_start (ElvesAmqpConnection *connection, gpointer data, GError **error)
{
  ElvesAmqpConsumer *self = data;
  return elves_amqp_connection_declare_exchange (connection, self->topology.exchange, error) &&
         elves_amqp_connection_declare_queue (connection, &self->topology, error) &&
         start_echo (self, connection, error) && start_queue (self, connection, error);
}

static void
report_state (ElvesAmqpConsumer *self, const GError *error)
{
  if (self->callbacks.state != NULL)
    self->callbacks.state (self, self->epoch, error, self->user_data);
}

static void
on_opened (gpointer data)
{
  ElvesAmqpConsumer *self = data;
  self->epoch++;
  self->ledger = elves_amqp_ledger_new ();
  self->echo_queue = g_steal_pointer (&self->declared_echo);
  self->cancel_sent = FALSE;
  report_state (self, NULL);
}

static void
on_lost (const ElvesAmqpConnection *connection, gpointer data, const GError *error)
{
  ElvesAmqpConsumer *self = data;
  g_clear_pointer (&self->ledger, elves_amqp_ledger_free);
  g_clear_pointer (&self->incoming, elves_delivery_free);
  g_clear_pointer (&self->echo_queue, g_free);
  elves_amqp_input_clear (&self->body);
  g_ptr_array_set_size (self->batch, 0);
  report_state (self, error);
}

/* --- frames in ------------------------------------------------------------------------------- */

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
      self->cancel_ended = TRUE;
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

static void
end_cancel (ElvesAmqpConsumer *self)
{
  if (!self->cancel_ended || self->cancelled)
    return;
  self->cancelled = TRUE;
  if (self->callbacks.cancelled != NULL)
    self->callbacks.cancelled (self, self->user_data);
}

static void
on_received (gpointer data)
{
  ElvesAmqpConsumer *self = data;
  if (self->batch->len > 0)
    self->callbacks.deliveries (self, self->batch, self->user_data);
  g_ptr_array_set_size (self->batch, 0);
  if (!elves_amqp_session_is_stopped (self->session))
    end_cancel (self);
}

/* --- settlements out ------------------------------------------------------------------------- */

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
  if (connection == NULL)
    {
      self->cancel_ended = self->cancelling;
      end_cancel (self);
      return;
    }
  elves_amqp_ledger_flush (self->ledger, on_settlement, connection);
  if (self->cancelling && !self->cancel_sent)
    send_cancel (self, connection);
}

/* --- for the owner --------------------------------------------------------------------------- */

static void
on_free (gpointer data)
{
  ElvesAmqpConsumer *self = data;
  elves_amqp_ledger_free (self->ledger);
  elves_delivery_free (self->incoming);
  elves_amqp_input_clear (&self->body);
  g_ptr_array_unref (self->batch);
  g_free ((char *) self->topology.exchange);
  g_free ((char *) self->topology.queue);
  g_free ((char *) self->topology.dead_queue);
  g_strfreev ((char **) self->topology.more_exchanges);
  g_free (self->declared_echo);
  g_free (self->echo_queue);
  g_strfreev ((char **) self->topology.bindings);
  g_free (self);
}

static const ElvesAmqpSessionClass consumer_class = {
  .role = "consumer",
  .start = on_start,
  .wanted = on_wanted,
  .opened = on_opened,
  .frame = on_frame,
  .received = on_received,
  .turn = on_turn,
  .lost = on_lost,
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
  self->topology.more_exchanges =
      (const char *const *) g_strdupv ((char **) topology->more_exchanges);
  self->topology.bindings = (const char *const *) g_strdupv ((char **) topology->bindings);
  self->callbacks = *callbacks;
  self->user_data = user_data;
  self->batch = g_ptr_array_new_with_free_func ((GDestroyNotify) elves_delivery_free);
  self->session = elves_amqp_session_new (settings, &consumer_class, self);
  elves_amqp_session_run (self->session);
  return self;
}

static void
settle (ElvesAmqpConsumer *self, guint64 epoch, guint64 tag, ElvesSettlement settlement)
{
  if (epoch != self->epoch || self->ledger == NULL)
    return;
  elves_amqp_ledger_settle (self->ledger, tag, settlement);
  elves_amqp_session_schedule (self->session);
}

/**
 * elves_amqp_consumer_ack:
 *
 * The message is done. Leaves at the end of the main loop's turn, with all others of the turn.
 */
void
elves_amqp_consumer_ack (ElvesAmqpConsumer *self, guint64 epoch, guint64 tag)
{
  settle (self, epoch, tag, ELVES_SETTLE_ACK);
}

/**
 * elves_amqp_consumer_requeue:
 *
 * The broker gives the message out again, to whom it likes.
 */
void
elves_amqp_consumer_requeue (ElvesAmqpConsumer *self, guint64 epoch, guint64 tag)
{
  settle (self, epoch, tag, ELVES_SETTLE_REQUEUE);
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
  return g_strdup (self->echo_queue);
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
  elves_amqp_session_rebuild (self->session, why);
}

/**
 * elves_amqp_consumer_cancel:
 *
 * No new deliveries after the cancelled callback; it comes at once when there is no connection.
 */
void
elves_amqp_consumer_cancel (ElvesAmqpConsumer *self)
{
  self->cancelling = TRUE;
  elves_amqp_session_schedule (self->session);
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
    elves_amqp_session_stop (self->session);
}
