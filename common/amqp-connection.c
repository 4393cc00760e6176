/* One connection to the broker with one channel.
 *
 * The one place where librabbitmq's codes and the broker's closing words become GErrors. The
 * library connects, logs in and declares, each step bounded in time; afterwards it only takes
 * frames apart. What is received goes through our own buffer, and what is sent through
 * ElvesAmqpOutput, heartbeats included, because the library would put one into the middle of a
 * frame that is half sent.
 *
 * Not here: threads, trying again, what the frames mean.
 */
#include "common/amqp-connection.h"

#include "common/error.h"

#include <amqp_tcp_socket.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>

#define FRAME_MAX_BYTES 131072
#define INPUT_BYTES (64 * 1024)

/* --- error texts ----------------------------------------------------------------------------- */

static ElvesError
code_of_close (guint16 code)
{
  switch (code)
    {
    case AMQP_NOT_FOUND:
      return ELVES_ERROR_NOT_FOUND;
    case AMQP_ACCESS_REFUSED:
    case AMQP_PRECONDITION_FAILED:
    case AMQP_RESOURCE_LOCKED:
    case AMQP_NOT_ALLOWED:
    case AMQP_CONTENT_TOO_LARGE:
      return ELVES_ERROR_REFUSED;
    case AMQP_FRAME_ERROR:
    case AMQP_SYNTAX_ERROR:
    case AMQP_COMMAND_INVALID:
    case AMQP_CHANNEL_ERROR:
    case AMQP_UNEXPECTED_FRAME:
      return ELVES_ERROR_PROTOCOL;
    default:
      return ELVES_ERROR_UNAVAILABLE;
    }
}

static ElvesError
code_of_status (int status)
{
  switch (status)
    {
    case AMQP_STATUS_TIMEOUT:
    case AMQP_STATUS_HEARTBEAT_TIMEOUT:
      return ELVES_ERROR_TIMEOUT;
    case AMQP_STATUS_BAD_AMQP_DATA:
    case AMQP_STATUS_UNKNOWN_CLASS:
    case AMQP_STATUS_UNKNOWN_METHOD:
    case AMQP_STATUS_INCOMPATIBLE_AMQP_VERSION:
    case AMQP_STATUS_UNEXPECTED_STATE:
      return ELVES_ERROR_PROTOCOL;
    default:
      return ELVES_ERROR_UNAVAILABLE;
    }
}

/* The broker's words are kept whole: on a mismatch they name what exists and what was asked. */
static void
set_close_error (ElvesAmqpConnection *self, const amqp_method_t *method, GError **error)
{
  guint16 code = 0;
  amqp_bytes_t text = { 0, NULL };
  if (method->id == AMQP_CONNECTION_CLOSE_METHOD)
    {
      const amqp_connection_close_t *close = method->decoded;
      code = close->reply_code;
      text = close->reply_text;
    }
  else if (method->id == AMQP_CHANNEL_CLOSE_METHOD)
    {
      const amqp_channel_close_t *close = method->decoded;
      code = close->reply_code;
      text = close->reply_text;
    }
  self->close_code = code;
  g_autofree char *raw = g_strndup (text.bytes, text.len);
  g_autofree char *words = g_utf8_make_valid (raw, -1);
  g_set_error (error, ELVES_ERROR, code_of_close (code), "the broker says %u %s", code, words);
}

static void
set_status_error (int status, GError **error)
{
  g_set_error_literal (error, ELVES_ERROR, code_of_status (status), amqp_error_string2 (status));
}

static gboolean
check_reply (ElvesAmqpConnection *self, amqp_rpc_reply_t reply, GError **error)
{
  switch (reply.reply_type)
    {
    case AMQP_RESPONSE_NORMAL:
      return TRUE;
    case AMQP_RESPONSE_SERVER_EXCEPTION:
      set_close_error (self, &reply.reply, error);
      return FALSE;
    case AMQP_RESPONSE_LIBRARY_EXCEPTION:
      set_status_error (reply.library_error, error);
      return FALSE;
    case AMQP_RESPONSE_NONE:
    default:
      g_set_error_literal (error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE,
                           "the broker closed the connection");
      return FALSE;
    }
}

/**
 * elves_amqp_connection_check:
 *
 * Returns: whether the broker did what the library last asked it for
 */
gboolean
elves_amqp_connection_check (ElvesAmqpConnection *self, GError **error)
{
  return check_reply (self, amqp_get_rpc_reply (self->handle), error);
}

/* --- opening --------------------------------------------------------------------------------- */

/* GIO connects: it tries all addresses of the name and says why it could not. */
static int
connect_socket (const ElvesAmqpSettings *settings, GCancellable *cancellable, GError **error)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_socket_client_set_enable_proxy (client, FALSE);
  g_socket_client_set_timeout (client, (settings->connect_timeout_ms + 999) / 1000);
  g_autoptr (GError) cause = NULL;
  g_autoptr (GSocketConnection) connection =
      g_socket_client_connect_to_host (client, settings->host, settings->port, cancellable, &cause);
  if (connection == NULL)
    {
      g_set_error_literal (error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE, cause->message);
      return -1;
    }
  GSocket *socket = g_socket_connection_get_socket (connection);
  g_socket_set_option (socket, IPPROTO_TCP, TCP_NODELAY, 1, NULL);
  int fd = fcntl (g_socket_get_fd (socket), F_DUPFD_CLOEXEC, 3);
  if (fd < 0)
    g_set_error (error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE, "Cannot duplicate the socket: %s",
                 g_strerror (errno));
  return fd;
}

static amqp_table_entry_t
text_entry (const char *key, const char *value)
{
  amqp_table_entry_t entry = { .key = amqp_cstring_bytes (key) };
  entry.value.kind = AMQP_FIELD_KIND_UTF8;
  entry.value.value.bytes = amqp_cstring_bytes (value);
  return entry;
}

static amqp_table_entry_t
true_entry (const char *key)
{
  amqp_table_entry_t entry = { .key = amqp_cstring_bytes (key) };
  entry.value.kind = AMQP_FIELD_KIND_BOOLEAN;
  entry.value.value.boolean = 1;
  return entry;
}

/* The capabilities ask the broker to say why it refuses a login, that a queue was deleted, and
   that it takes no more messages for now. */
static gboolean
login (ElvesAmqpConnection *self,
       const ElvesAmqpSettings *settings,
       const char *name,
       GError **error)
{
  amqp_table_entry_t capabilities[] = { true_entry ("authentication_failure_close"),
                                        true_entry ("consumer_cancel_notify"),
                                        true_entry ("connection.blocked") };
  amqp_table_entry_t entries[] = { text_entry ("product", "Elves"),
                                   text_entry ("connection_name", name),
                                   { .key = amqp_cstring_bytes ("capabilities") } };
  entries[2].value.kind = AMQP_FIELD_KIND_TABLE;
  entries[2].value.value.table.num_entries = G_N_ELEMENTS (capabilities);
  entries[2].value.value.table.entries = capabilities;
  amqp_table_t properties = { .num_entries = G_N_ELEMENTS (entries), .entries = entries };
  return check_reply (
      self,
      amqp_login_with_properties (self->handle, settings->vhost, AMQP_DEFAULT_MAX_CHANNELS,
                                  FRAME_MAX_BYTES, (int) settings->heartbeat_s, &properties,
                                  AMQP_SASL_METHOD_PLAIN, settings->user, settings->password),
      error);
}

static gboolean
start_session (ElvesAmqpConnection *self,
               const ElvesAmqpSettings *settings,
               const char *name,
               GError **error)
{
  struct timeval timeout = { .tv_sec = settings->connect_timeout_ms / 1000,
                             .tv_usec = (settings->connect_timeout_ms % 1000) * 1000 };
  amqp_set_handshake_timeout (self->handle, &timeout);
  amqp_set_rpc_timeout (self->handle, &timeout);
  if (!login (self, settings, name, error))
    return FALSE;
  amqp_channel_open (self->handle, ELVES_AMQP_CHANNEL);
  if (!elves_amqp_connection_check (self, error))
    return FALSE;

  int frame_max = amqp_get_frame_max (self->handle);
  self->heartbeat_s = (guint) amqp_get_heartbeat (self->handle);
  /* From here on heartbeats are ours (keep_alive). */
  amqp_tune_connection (self->handle, amqp_get_channel_max (self->handle), frame_max, 0);
  self->output.frame_max = (gsize) frame_max;
  self->has_rest = TRUE;
  self->received_us = self->sent_us = g_get_monotonic_time ();
  return TRUE;
}

/**
 * elves_amqp_connection_open:
 * @name: how the broker's management shows this connection
 * @cancellable: (nullable): ends the wait for the network
 *
 * Connects, logs in, opens the channel. Waits at most three times the connect time-out.
 *
 * Errors: %ELVES_ERROR_UNAVAILABLE, %ELVES_ERROR_TIMEOUT; %ELVES_ERROR_REFUSED for user, password
 * and virtual host; %ELVES_ERROR_PROTOCOL when it is not a broker.
 */
ElvesAmqpConnection *
elves_amqp_connection_open (const ElvesAmqpSettings *settings,
                            const char *name,
                            GCancellable *cancellable,
                            GError **error)
{
  g_autoptr (ElvesAmqpConnection) self = g_new0 (ElvesAmqpConnection, 1);
  elves_amqp_output_init (&self->output, FRAME_MAX_BYTES);
  self->input = g_malloc (INPUT_BYTES);
  self->fd = connect_socket (settings, cancellable, error);
  if (self->fd >= 0)
    {
      self->handle = amqp_new_connection ();
      amqp_tcp_socket_set_sockfd (amqp_tcp_socket_new (self->handle), self->fd);
    }
  if (self->fd < 0 || !start_session (self, settings, name, error))
    {
      g_prefix_error (error, "Cannot connect to the broker %s:%u as '%s', virtual host '%s': ",
                      settings->host, settings->port, settings->user, settings->vhost);
      return NULL;
    }
  return g_steal_pointer (&self);
}

/* Destroys the connection as it is; _close() before says good-bye. */
void
elves_amqp_connection_free (ElvesAmqpConnection *self)
{
  if (self == NULL)
    return;
  /* Closes the socket too. */
  if (self->handle != NULL)
    amqp_destroy_connection (self->handle);
  elves_amqp_output_clear (&self->output);
  g_free (self->input);
  g_free (self);
}

/* --- reading, staying alive, closing --------------------------------------------------------- */

static gboolean
is_closing (ElvesAmqpConnection *self, const amqp_frame_t *frame, GError **error)
{
  if (frame->frame_type != AMQP_FRAME_METHOD)
    return FALSE;
  amqp_method_number_t id = frame->payload.method.id;
  if (id != AMQP_CONNECTION_CLOSE_METHOD && id != AMQP_CHANNEL_CLOSE_METHOD)
    return FALSE;
  if (id == AMQP_CONNECTION_CLOSE_METHOD)
    {
      amqp_connection_close_ok_t ok = { 0 };
      elves_amqp_output_add_method (&self->output, 0, AMQP_CONNECTION_CLOSE_OK_METHOD, &ok);
    }
  else
    {
      amqp_channel_close_ok_t ok = { 0 };
      elves_amqp_output_add_method (&self->output, ELVES_AMQP_CHANNEL, AMQP_CHANNEL_CLOSE_OK_METHOD,
                                    &ok);
    }
  elves_amqp_output_send (&self->output, self->fd, NULL);
  set_close_error (self, &frame->payload.method, error);
  return TRUE;
}

static gboolean
check_status (int status, GError **error)
{
  if (status == AMQP_STATUS_OK || status == AMQP_STATUS_TIMEOUT)
    return TRUE;
  set_status_error (status, error);
  return FALSE;
}

/* What the library took from the socket while it waited for answers. */
static gboolean
read_rest (ElvesAmqpConnection *self, amqp_frame_t *frame, GError **error)
{
  struct timeval now = { 0, 0 };
  if (!self->has_rest)
    return TRUE;
  self->has_rest = amqp_frames_enqueued (self->handle) || amqp_data_in_buffer (self->handle);
  return !self->has_rest ||
         check_status (amqp_simple_wait_frame_noblock (self->handle, frame, &now), error);
}

/* The library would ask the socket twice more, to learn that nothing else has come. */
static gboolean
receive (ElvesAmqpConnection *self, GError **error)
{
  ssize_t length;
  do
    length = recv (self->fd, self->input, INPUT_BYTES, MSG_DONTWAIT);
  while (length < 0 && errno == EINTR);
  if (length == 0)
    return check_status (AMQP_STATUS_CONNECTION_CLOSED, error);
  if (length < 0 && errno != EAGAIN)
    {
      g_set_error (error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE, "Cannot receive: %s",
                   g_strerror (errno));
      return FALSE;
    }
  self->received = (gsize) MAX (length, 0);
  return TRUE;
}

/* Until @frame is whole, or all that was received is taken. */
static gboolean
take_apart (ElvesAmqpConnection *self, amqp_frame_t *frame, GError **error)
{
  while (frame->frame_type == 0 && self->taken < self->received)
    {
      amqp_bytes_t data = { .len = self->received - self->taken,
                            .bytes = self->input + self->taken };
      int taken = amqp_handle_input (self->handle, data, frame);
      if (taken < 0)
        return check_status (taken, error);
      self->taken += (gsize) taken;
      if (frame->frame_type == AMQP_FRAME_HEARTBEAT)
        frame->frame_type = 0;
    }
  return TRUE;
}

/**
 * elves_amqp_connection_read:
 * @frame: the next frame, if there is one now
 *
 * Never waits. Receives once, at most INPUT_BYTES, and has NOTHING when that is taken apart:
 * whether there is more, the socket says. A channel or connection closed by the broker is an error.
 */
ElvesAmqpRead
elves_amqp_connection_read (ElvesAmqpConnection *self, amqp_frame_t *frame, GError **error)
{
  amqp_maybe_release_buffers (self->handle);
  frame->frame_type = 0;
  if (!read_rest (self, frame, error))
    return ELVES_AMQP_READ_FAILED;
  if (frame->frame_type == 0 && self->received == 0 && !receive (self, error))
    return ELVES_AMQP_READ_FAILED;
  if (!take_apart (self, frame, error))
    return ELVES_AMQP_READ_FAILED;
  if (frame->frame_type == 0)
    {
      self->received = self->taken = 0;
      return ELVES_AMQP_READ_NOTHING;
    }
  return is_closing (self, frame, error) ? ELVES_AMQP_READ_FAILED : ELVES_AMQP_READ_FRAME;
}

/**
 * elves_amqp_connection_keep_alive:
 *
 * Call it at least every keep_alive_ms(): lays out a heartbeat when one is due.
 *
 * Errors: %ELVES_ERROR_TIMEOUT when nothing came from the broker for twice the heartbeat time.
 */
gboolean
elves_amqp_connection_keep_alive (ElvesAmqpConnection *self, GError **error)
{
  if (self->heartbeat_s == 0)
    return TRUE;
  gint64 now = g_get_monotonic_time ();
  if (now - self->received_us > (gint64) self->heartbeat_s * 2 * G_USEC_PER_SEC)
    {
      g_set_error (error, ELVES_ERROR, ELVES_ERROR_TIMEOUT, "nothing came from the broker for %u s",
                   self->heartbeat_s * 2);
      return FALSE;
    }
  if (now - self->sent_us >= (gint64) self->heartbeat_s * G_USEC_PER_SEC / 2)
    {
      if (elves_amqp_output_is_empty (&self->output))
        elves_amqp_output_add_heartbeat (&self->output);
      self->sent_us = now;
    }
  return TRUE;
}

int
elves_amqp_connection_keep_alive_ms (const ElvesAmqpConnection *self)
{
  return self->heartbeat_s == 0 ? -1 : (int) MIN (self->heartbeat_s * 250, G_MAXINT);
}

static gboolean
wait_for_socket (ElvesAmqpConnection *self, gint64 deadline_us)
{
  gint64 left_us = deadline_us - g_get_monotonic_time ();
  if (left_us <= 0)
    return FALSE;
  gboolean sending = !elves_amqp_output_is_empty (&self->output);
  struct pollfd poll_fd = { .fd = self->fd, .events = POLLIN | (sending ? POLLOUT : 0) };
  return poll (&poll_fd, 1, (int) (left_us / 1000) + 1) >= 0 || errno == EINTR;
}

static gboolean
is_close_ok (const amqp_frame_t *frame)
{
  return frame->frame_type == AMQP_FRAME_METHOD &&
         frame->payload.method.id == AMQP_CONNECTION_CLOSE_OK_METHOD;
}

/**
 * elves_amqp_connection_close:
 * @timeout_ms: how long to wait for the broker
 *
 * Sends what is laid out, then closes in order: when the broker answers, it has seen everything.
 */
void
elves_amqp_connection_close (ElvesAmqpConnection *self, guint timeout_ms)
{
  gint64 deadline_us = g_get_monotonic_time () + (gint64) timeout_ms * 1000;
  amqp_connection_close_t close = { .reply_code = AMQP_REPLY_SUCCESS,
                                    .reply_text = amqp_cstring_bytes ("bye") };
  elves_amqp_output_add_method (&self->output, 0, AMQP_CONNECTION_CLOSE_METHOD, &close);
  while (elves_amqp_output_send (&self->output, self->fd, NULL))
    {
      amqp_frame_t frame;
      ElvesAmqpRead result;
      while ((result = elves_amqp_connection_read (self, &frame, NULL)) == ELVES_AMQP_READ_FRAME)
        if (is_close_ok (&frame))
          return;
      if (result == ELVES_AMQP_READ_FAILED || !wait_for_socket (self, deadline_us))
        return;
    }
}
