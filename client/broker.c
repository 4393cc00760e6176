/* A message that failed is published to the queue of its delay, and acknowledged when the broker
 * has confirmed that: between the two it may be there twice, never not at all. There is a queue for
 * each delay, since a queue looks at the expiry of its first message only. From there the broker
 * hands it back to the group's queue. */
#include "client/broker-private.h"

#include <string.h>

typedef struct
{
  guint64 sequence; /* of the publication */
  guint64 delivery_tag;
} Unconfirmed;

static gboolean
acknowledge (ElvesClientBroker *self, guint64 delivery_tag, GError **error)
{
  int status = amqp_basic_ack (self->connection, ELVES_CLIENT_CHANNEL, delivery_tag, 0);

  return elves_client_broker_check (status, "acknowledging", error);
}

/* ---- settling ------------------------------------------------------------------------------- */

static char *
next_queue (const ElvesClientBroker *self, const ElvesClientItem *item)
{
  const ElvesClientSettings *settings = self->settings;
  guint retries = item->message.retries;

  if (retries >= settings->n_delays)
    return g_strdup (settings->dead_queue);
  return elves_client_settings_delay_queue (settings, settings->delays_ms[retries]);
}

static gboolean
put_aside (ElvesClientBroker *self, const ElvesClientItem *item, GError **error)
{
  g_autofree amqp_table_entry_t *entries =
      g_new0 (amqp_table_entry_t, elves_client_item_headers_max (item));
  g_autofree char *queue = next_queue (self, item);
  amqp_bytes_t body = { item->message.length, (void *) item->message.data };
  amqp_basic_properties_t properties;
  Unconfirmed *unconfirmed;
  int status;

  elves_client_item_properties (item, &properties, entries);
  status = amqp_basic_publish (self->connection, ELVES_CLIENT_CHANNEL, amqp_empty_bytes,
                               amqp_cstring_bytes (queue), TRUE, FALSE, &properties, body);
  if (!elves_client_broker_check (status, "publishing", error))
    return FALSE;
  unconfirmed = g_new (Unconfirmed, 1);
  *unconfirmed = (Unconfirmed){ ++self->published, item->delivery_tag };
  g_queue_push_tail (&self->unconfirmed, unconfirmed);
  return TRUE;
}

gboolean
elves_client_broker_settle (ElvesClientBroker *self, ElvesClientItem *item, GError **error)
{
  g_autoptr (ElvesClientItem) taken = item;

  if (taken->epoch != self->epoch)
    return TRUE;
  if (taken->has_failed)
    return put_aside (self, taken, error);
  return acknowledge (self, taken->delivery_tag, error);
}

guint
elves_client_broker_unconfirmed (const ElvesClientBroker *self)
{
  return self->unconfirmed.length;
}

/* ---- what the broker says ------------------------------------------------------------------- */

static gboolean
on_confirmed (ElvesClientBroker *self, const amqp_basic_ack_t *ack, GError **error)
{
  GList *next;

  for (GList *link = self->unconfirmed.head; link != NULL; link = next)
    {
      g_autofree Unconfirmed *one = NULL;
      Unconfirmed *candidate = link->data;
      next = link->next;
      if (candidate->sequence > ack->delivery_tag)
        break;
      if (candidate->sequence != ack->delivery_tag && !ack->multiple)
        continue;
      one = candidate;
      g_queue_delete_link (&self->unconfirmed, link);
      if (!acknowledge (self, one->delivery_tag, error))
        return FALSE;
    }
  return TRUE;
}

/* Whatever this is about, a new connection puts right: it declares all that is needed, and gets
   what was not acknowledged. */
static gboolean
give_up (GError **error, const char *why)
{
  g_set_error_literal (error, ELVES_CONSUMER_ERROR, ELVES_CONSUMER_ERROR_BROKER, why);
  return FALSE;
}

static gboolean
on_method (ElvesClientBroker *self, const amqp_method_t *method, GError **error)
{
  switch (method->id)
    {
    case AMQP_BASIC_ACK_METHOD:
      return on_confirmed (self, method->decoded, error);
    case AMQP_BASIC_NACK_METHOD:
      return give_up (error, "the broker did not take a message");
    case AMQP_BASIC_RETURN_METHOD:
      return give_up (error, "a queue for messages that wait is gone");
    case AMQP_BASIC_CANCEL_METHOD:
      return give_up (error, "the queue of the group is gone");
    case AMQP_CHANNEL_CLOSE_METHOD:
    case AMQP_CONNECTION_CLOSE_METHOD:
      return give_up (error, "the broker closed the connection");
    default:
      return TRUE;
    }
}

static gboolean
take_frame (ElvesClientBroker *self, GError **error)
{
  struct timeval at_once = { 0, 0 };
  amqp_frame_t frame;
  int status = amqp_simple_wait_frame_noblock (self->connection, &frame, &at_once);

  if (status == AMQP_STATUS_TIMEOUT)
    return TRUE;
  if (!elves_client_broker_check (status, "reading", error))
    return FALSE;
  return frame.frame_type != AMQP_FRAME_METHOD || on_method (self, &frame.payload.method, error);
}

gboolean
elves_client_broker_next (ElvesClientBroker *self, ElvesClientItem **out_item, GError **error)
{
  struct timeval at_once = { 0, 0 };
  amqp_envelope_t envelope;
  amqp_rpc_reply_t reply;

  *out_item = NULL;
  amqp_maybe_release_buffers (self->connection);
  reply = amqp_consume_message (self->connection, &envelope, &at_once, 0);
  if (reply.reply_type == AMQP_RESPONSE_NORMAL)
    {
      *out_item = elves_client_item_new (&envelope, self->epoch);
      return TRUE;
    }
  if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION)
    {
      if (reply.library_error == AMQP_STATUS_TIMEOUT)
        return TRUE;
      if (reply.library_error == AMQP_STATUS_UNEXPECTED_STATE)
        return take_frame (self, error);
    }
  return elves_client_broker_check_reply (reply, "reading", error);
}
