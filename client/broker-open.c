/* Connecting, and what is declared: the topic's exchange, the group's queue with a binding for each
 * tag, a queue for each delay, and one for what is put aside. All durable. Bindings are never taken
 * away: what nobody has a handler for is consumed and forgotten. */
#include "client/broker-private.h"

#include <amqp_tcp_socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#define FRAME_MAX_BYTES 131072
#define CLOSE_TIMEOUT_S 2

/* ---- errors --------------------------------------------------------------------------------- */

static gboolean
fail (GError **error, const char *doing, const char *what)
{
  g_set_error (error, ELVES_CONSUMER_ERROR, ELVES_CONSUMER_ERROR_BROKER, "%s: %s", doing, what);
  return FALSE;
}

gboolean
elves_client_broker_check (int status, const char *doing, GError **error)
{
  return status == AMQP_STATUS_OK || fail (error, doing, amqp_error_string2 (status));
}

/* (transfer full): what the broker itself says. */
static char *
server_text (const amqp_method_t *method)
{
  amqp_bytes_t text = amqp_empty_bytes;

  if (method->id == AMQP_CONNECTION_CLOSE_METHOD)
    text = ((amqp_connection_close_t *) method->decoded)->reply_text;
  else if (method->id == AMQP_CHANNEL_CLOSE_METHOD)
    text = ((amqp_channel_close_t *) method->decoded)->reply_text;
  if (text.len == 0)
    return g_strdup ("the broker refused it");
  return g_utf8_make_valid (text.bytes, (gssize) text.len);
}

gboolean
elves_client_broker_check_reply (amqp_rpc_reply_t reply, const char *doing, GError **error)
{
  g_autofree char *text = NULL;

  switch (reply.reply_type)
    {
    case AMQP_RESPONSE_NORMAL:
      return TRUE;
    case AMQP_RESPONSE_LIBRARY_EXCEPTION:
      return fail (error, doing, amqp_error_string2 (reply.library_error));
    case AMQP_RESPONSE_SERVER_EXCEPTION:
      text = server_text (&reply.reply);
      return fail (error, doing, text);
    default:
      return fail (error, doing, "no answer");
    }
}

static gboolean
check_last (ElvesClientBroker *self, const char *doing, GError **error)
{
  return elves_client_broker_check_reply (amqp_get_rpc_reply (self->connection), doing, error);
}

/* ---- declaring ------------------------------------------------------------------------------ */

static gboolean
declare_queue (ElvesClientBroker *self, const char *name, amqp_table_t arguments, GError **error)
{
  amqp_queue_declare (self->connection, ELVES_CLIENT_CHANNEL, amqp_cstring_bytes (name), FALSE,
                      TRUE, FALSE, FALSE, arguments);
  return check_last (self, name, error);
}

static amqp_table_entry_t
text_entry (const char *name, const char *text)
{
  return (amqp_table_entry_t){ amqp_cstring_bytes (name),
                               { AMQP_FIELD_KIND_UTF8, { .bytes = amqp_cstring_bytes (text) } } };
}

static gboolean
declare_delay (ElvesClientBroker *self, guint delay_ms, GError **error)
{
  g_autofree char *name = elves_client_settings_delay_queue (self->settings, delay_ms);
  amqp_table_entry_t entries[] = {
    { amqp_cstring_bytes ("x-message-ttl"), { AMQP_FIELD_KIND_I64, { .i64 = delay_ms } } },
    text_entry ("x-dead-letter-exchange", ""),
    text_entry ("x-dead-letter-routing-key", self->settings->queue),
  };
  amqp_table_t arguments = { G_N_ELEMENTS (entries), entries };

  return declare_queue (self, name, arguments, error);
}

static gboolean
declare_queues (ElvesClientBroker *self, GError **error)
{
  const ElvesClientSettings *settings = self->settings;

  if (!declare_queue (self, settings->queue, amqp_empty_table, error) ||
      !declare_queue (self, settings->dead_queue, amqp_empty_table, error))
    return FALSE;
  for (guint i = 0; i < settings->n_delays; i++)
    if (!declare_delay (self, settings->delays_ms[i], error))
      return FALSE;
  return TRUE;
}

static gboolean
bind_queue (ElvesClientBroker *self, const char *const *bindings, GError **error)
{
  amqp_bytes_t exchange = amqp_cstring_bytes (self->settings->topic);

  amqp_exchange_declare (self->connection, ELVES_CLIENT_CHANNEL, exchange,
                         amqp_cstring_bytes ("topic"), FALSE, TRUE, FALSE, FALSE, amqp_empty_table);
  if (!check_last (self, self->settings->topic, error))
    return FALSE;
  for (; *bindings != NULL; bindings++)
    {
      amqp_queue_bind (self->connection, ELVES_CLIENT_CHANNEL,
                       amqp_cstring_bytes (self->settings->queue), exchange,
                       amqp_cstring_bytes (*bindings), amqp_empty_table);
      if (!check_last (self, *bindings, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
consume (ElvesClientBroker *self, GError **error)
{
  amqp_basic_qos (self->connection, ELVES_CLIENT_CHANNEL, 0, (guint16) self->settings->prefetch,
                  FALSE);
  if (!check_last (self, "prefetch", error))
    return FALSE;
  amqp_confirm_select (self->connection, ELVES_CLIENT_CHANNEL);
  if (!check_last (self, "confirms", error))
    return FALSE;
  amqp_basic_consume (self->connection, ELVES_CLIENT_CHANNEL,
                      amqp_cstring_bytes (self->settings->queue), amqp_empty_bytes, FALSE, FALSE,
                      FALSE, amqp_empty_table);
  return check_last (self, "consuming", error);
}

/* ---- connecting ----------------------------------------------------------------------------- */

/* A broker that takes nothing any more must not hold our thread for ever. */
static void
limit_silence (int fd, guint heartbeat_s)
{
  unsigned int limit_ms = heartbeat_s * 3000;
  int on = 1;

  setsockopt (fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &limit_ms, sizeof limit_ms);
  setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static gboolean
open_socket (ElvesClientBroker *self, const ElvesClientServer *server, GError **error)
{
  guint timeout_ms = self->settings->connect_timeout_ms;
  struct timeval limit = { timeout_ms / 1000, timeout_ms % 1000 * 1000 };
  amqp_socket_t *socket = amqp_tcp_socket_new (self->connection);
  int status;

  if (socket == NULL)
    return fail (error, "connecting", "no memory");
  amqp_set_handshake_timeout (self->connection, &limit);
  amqp_set_rpc_timeout (self->connection, &limit);
  status = amqp_socket_open_noblock (socket, server->host, server->port, &limit);
  if (!elves_client_broker_check (status, "connecting", error))
    return FALSE;
  limit_silence (amqp_get_sockfd (self->connection), self->settings->heartbeat_s);
  return TRUE;
}

/* Asks the broker to say that the queue was deleted, and why it refuses a login. */
static amqp_rpc_reply_t
send_login (ElvesClientBroker *self)
{
  const ElvesClientSettings *settings = self->settings;
  amqp_field_value_t yes = { AMQP_FIELD_KIND_BOOLEAN, { .boolean = TRUE } };
  amqp_table_entry_t capabilities[] = {
    { amqp_cstring_bytes ("consumer_cancel_notify"), yes },
    { amqp_cstring_bytes ("authentication_failure_close"), yes },
  };
  amqp_table_t table = { G_N_ELEMENTS (capabilities), capabilities };
  amqp_table_entry_t entries[] = {
    text_entry ("product", "elves-client"),
    text_entry ("connection_name", settings->queue),
    { amqp_cstring_bytes ("capabilities"), { AMQP_FIELD_KIND_TABLE, { .table = table } } },
  };
  amqp_table_t properties = { G_N_ELEMENTS (entries), entries };

  return amqp_login_with_properties (self->connection, settings->vhost, 2, FRAME_MAX_BYTES,
                                     (int) settings->heartbeat_s, &properties,
                                     AMQP_SASL_METHOD_PLAIN, settings->user, settings->password);
}

static gboolean
log_in (ElvesClientBroker *self, GError **error)
{
  if (!elves_client_broker_check_reply (send_login (self), "logging in", error))
    return FALSE;
  self->is_open = TRUE;
  amqp_channel_open (self->connection, ELVES_CLIENT_CHANNEL);
  return check_last (self, "opening a channel", error);
}

ElvesClientBroker *
elves_client_broker_open (const ElvesClientSettings *settings,
                          guint server,
                          const char *const *bindings,
                          guint epoch,
                          GError **error)
{
  g_autoptr (ElvesClientBroker) self = g_new0 (ElvesClientBroker, 1);
  const ElvesClientServer *address = &settings->servers[server];

  self->settings = settings;
  self->epoch = epoch;
  g_queue_init (&self->unconfirmed);
  self->connection = amqp_new_connection ();
  if (open_socket (self, address, error) && log_in (self, error) && declare_queues (self, error) &&
      bind_queue (self, bindings, error) && consume (self, error))
    return g_steal_pointer (&self);
  g_prefix_error (error, "%s:%u: ", address->host, (guint) address->port);
  return NULL;
}

/* What is not acknowledged goes back to the queue. */
void
elves_client_broker_free (ElvesClientBroker *self)
{
  struct timeval limit = { CLOSE_TIMEOUT_S, 0 };

  if (self == NULL)
    return;
  amqp_set_rpc_timeout (self->connection, &limit);
  if (self->is_open)
    amqp_connection_close (self->connection, AMQP_REPLY_SUCCESS);
  amqp_destroy_connection (self->connection);
  g_queue_clear_full (&self->unconfirmed, g_free);
  g_free (self);
}

int
elves_client_broker_fd (const ElvesClientBroker *self)
{
  return amqp_get_sockfd (self->connection);
}

gboolean
elves_client_broker_has_more (const ElvesClientBroker *self)
{
  return amqp_frames_enqueued (self->connection) || amqp_data_in_buffer (self->connection);
}
