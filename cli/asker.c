/* A caller of the scheduler with a reply queue of its own: exclusive, named by the broker, gone
 * with the connection. It knows neither what is asked nor what the answers mean. */
#include "cli/asker.h"

#include "common/amqp-connection.h"
#include "common/error.h"

#include <string.h>

struct ElvesAsker
{
  ElvesAmqpConnection *connection;
  char *exchange;
  char *queue;
};

static amqp_bytes_t
bytes_of (const char *text)
{
  return amqp_cstring_bytes (text);
}

static gboolean
check_reply (ElvesAsker *self, const char *step, GError **error)
{
  amqp_rpc_reply_t reply = amqp_get_rpc_reply (self->connection->handle);

  if (reply.reply_type == AMQP_RESPONSE_NORMAL)
    return TRUE;
  if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION)
    g_set_error (error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE, "cannot %s: %s", step,
                 amqp_error_string2 (reply.library_error));
  else
    {
      const amqp_channel_close_t *closed = reply.reply.decoded;
      gboolean said = reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD;

      g_set_error (error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE,
                   "cannot %s: the broker refused: %.*s", step,
                   said ? (int) closed->reply_text.len : 0,
                   said ? (const char *) closed->reply_text.bytes : "");
    }
  return FALSE;
}

static gboolean
bind_results (ElvesAsker *self, const char *result_of, GError **error)
{
  g_autofree char *key = g_strdup_printf ("scheduler.%s", result_of);

  amqp_queue_bind (self->connection->handle, ELVES_AMQP_CHANNEL, bytes_of (self->queue),
                   bytes_of (self->exchange), bytes_of (key), amqp_empty_table);
  return check_reply (self, "listen for results", error);
}

static gboolean
open_queue (ElvesAsker *self, const char *result_of, GError **error)
{
  const amqp_queue_declare_ok_t *declared =
      amqp_queue_declare (self->connection->handle, ELVES_AMQP_CHANNEL, amqp_empty_bytes, FALSE,
                          FALSE, TRUE, TRUE, amqp_empty_table);

  if (!check_reply (self, "make a queue for the answer", error))
    return FALSE;
  self->queue = g_strndup (declared->queue.bytes, declared->queue.len);
  if (result_of != NULL && !bind_results (self, result_of, error))
    return FALSE;
  amqp_basic_consume (self->connection->handle, ELVES_AMQP_CHANNEL, bytes_of (self->queue),
                      amqp_empty_bytes, FALSE, TRUE, TRUE, amqp_empty_table);
  return check_reply (self, "wait for the answer", error);
}

/**
 * elves_asker_new:
 * @settings: where the broker is.
 * @result_of: (nullable): "cron" or "queue".
 * @error: why it cannot be asked.
 *
 * Returns: (transfer full): a connection with a queue for answers.
 */
ElvesAsker *
elves_asker_new (const ElvesCliSettings *settings, const char *result_of, GError **error)
{
  ElvesAmqpSettings amqp = {
    .host = settings->mq_host,
    .port = (guint16) settings->mq_port,
    .user = settings->mq_user,
    .password = settings->mq_password,
    .vhost = settings->mq_vhost,
    .connect_timeout_ms = settings->mq_connect_timeout_ms,
  };
  g_autoptr (ElvesAsker) self = g_new0 (ElvesAsker, 1);

  self->exchange = g_strdup (settings->mq_exchange);
  self->connection = elves_amqp_connection_open (&amqp, "elvesctl", NULL, error);
  if (self->connection == NULL)
    return NULL;
  if (!elves_amqp_connection_declare_exchange (self->connection, self->exchange, error) ||
      !open_queue (self, result_of, error))
    return NULL;
  return g_steal_pointer (&self);
}

/**
 * elves_asker_free:
 * @self: (nullable): the connection; its queue goes with it.
 */
void
elves_asker_free (ElvesAsker *self)
{
  if (self == NULL)
    return;

  elves_amqp_connection_free (self->connection);
  g_free (self->exchange);
  g_free (self->queue);
  g_free (self);
}

/* "from.to" of mqkey. */
static char *
routing_key_of (JsonNode *message, GError **error)
{
  JsonObject *object = JSON_NODE_HOLDS_OBJECT (message) ? json_node_get_object (message) : NULL;
  const char *key =
      object != NULL ? json_object_get_string_member_with_default (object, "mqkey", "") : "";
  g_auto (GStrv) words = g_strsplit (key, ".", -1);

  if (g_strv_length (words) < 3)
    {
      g_set_error (error, ELVES_ERROR, ELVES_ERROR_INVALID,
                   "the message is not a JSON object with an mqkey like "
                   "\"openapi.scheduler.sendSync.ID\"");
      return NULL;
    }
  return g_strdup_printf ("%s.%s", words[0], words[1]);
}

/**
 * elves_asker_publish:
 * @self: the connection.
 * @message: a message for the scheduler.
 * @error: why it was not sent.
 *
 * Returns: FALSE with @error set.
 */
gboolean
elves_asker_publish (ElvesAsker *self, JsonNode *message, GError **error)
{
  amqp_basic_properties_t properties = {
    ._flags =
        AMQP_BASIC_REPLY_TO_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_CONTENT_TYPE_FLAG,
    .reply_to = bytes_of (self->queue),
    .delivery_mode = AMQP_DELIVERY_PERSISTENT,
    .content_type = bytes_of ("application/json"),
  };
  g_autofree char *routing_key = routing_key_of (message, error);
  g_autofree char *body = NULL;
  int status;

  if (routing_key == NULL)
    return FALSE;

  body = json_to_string (message, FALSE);
  status =
      amqp_basic_publish (self->connection->handle, ELVES_AMQP_CHANNEL, bytes_of (self->exchange),
                          bytes_of (routing_key), FALSE, FALSE, &properties, bytes_of (body));
  if (status == AMQP_STATUS_OK)
    return TRUE;
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE, "cannot publish the message: %s",
               amqp_error_string2 (status));
  return FALSE;
}

static struct timeval
time_left (gint64 deadline_us)
{
  gint64 left_us = MAX (deadline_us - g_get_monotonic_time (), 0);

  return (struct timeval){ .tv_sec = left_us / G_USEC_PER_SEC,
                           .tv_usec = left_us % G_USEC_PER_SEC };
}

static void
set_wait_error (amqp_rpc_reply_t reply, GError **error)
{
  if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION &&
      reply.library_error == AMQP_STATUS_TIMEOUT)
    g_set_error (error, ELVES_ERROR, ELVES_ERROR_TIMEOUT,
                 "no answer in time: is it running and consuming?");
  else
    g_set_error (error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE,
                 "the connection to RabbitMQ was lost: %s",
                 reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION
                     ? amqp_error_string2 (reply.library_error)
                     : "the broker closed it");
}

/**
 * elves_asker_wait:
 * @self: the connection.
 * @deadline_us: until when, in the time of g_get_monotonic_time().
 * @error: %ELVES_ERROR_TIMEOUT, or why the connection failed.
 *
 * Returns: (transfer full): the next answer.
 */
JsonNode *
elves_asker_wait (ElvesAsker *self, gint64 deadline_us, GError **error)
{
  struct timeval timeout = time_left (deadline_us);
  amqp_envelope_t envelope;
  amqp_rpc_reply_t reply;
  g_autofree char *body = NULL;

  amqp_maybe_release_buffers (self->connection->handle);
  reply = amqp_consume_message (self->connection->handle, &envelope, &timeout, 0);
  if (reply.reply_type != AMQP_RESPONSE_NORMAL)
    {
      set_wait_error (reply, error);
      return NULL;
    }
  body = g_strndup (envelope.message.body.bytes, envelope.message.body.len);
  amqp_destroy_envelope (&envelope);
  return json_from_string (body, error);
}
