/* Thrift server: a listening socket, its connections, and one call at a time on each of them.
 *
 * A connection is paused while its call is open, so that pipelined calls wait in the socket and the
 * answers keep their order; no call queues up here. An answer may be given from inside the call or
 * any time later; when the connection has gone meanwhile, it is dropped.
 *
 * The server protects itself: addresses that are not allowed see the end at once; more connections
 * than allowed wait in the kernel's queue; without descriptors or memory it stops accepting for a
 * while; connections that say nothing, and calls that do not come to an end, are closed by one
 * coarse timer, which only runs while there are connections.
 *
 * Not here: answers (thrift-call.c), what the methods do. Main thread only. */
#include "common/error.h"
#include "common/thrift-server-private.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A peer that does not read its answers is served no more calls. */
#define OUTPUT_PAUSE_BYTES (64 * 1024)

#define LISTEN_BACKLOG 128
#define ACCEPTS_PER_TURN 64
#define ACCEPT_RETRY_MS 500
#define WARNING_INTERVAL_US (60 * G_TIME_SPAN_SECOND)

static void update_accepting (ElvesThriftServer *self);

/* ---- Connections ---- */

void
elves_thrift_connection_free (ElvesThriftConnection *self)
{
  ElvesThriftServer *server = self->server;
  if (self->call)
    self->call->connection = NULL;
  if (self->channel)
    elves_thrift_channel_close (self->channel);
  g_queue_unlink (&server->connections, &self->node);
  elves_thrift_link_free (self->link);
  g_free (self);
  if (server->connections.length == 0)
    g_clear_handle_id (&server->timer_id, g_source_remove);
  update_accepting (server);
}

static void
refuse_message (ElvesThriftConnection *self, const GError *error)
{
  ElvesRpcRequest nameless = { .name = (char *) "" };
  elves_rpc_encode_answer_exception (elves_thrift_link_output (self->link), &nameless,
                                     ELVES_RPC_EXCEPTION_PROTOCOL_ERROR, error->message);
  elves_thrift_link_finish (self->link);
}

static void
refuse_method (ElvesThriftConnection *self, const ElvesRpcRequest *request)
{
  g_autofree char *text = g_strdup_printf ("Unknown function %s", request->name);
  elves_rpc_encode_answer_exception (elves_thrift_link_output (self->link), request,
                                     ELVES_RPC_EXCEPTION_UNKNOWN_METHOD, text);
  elves_thrift_link_flush (self->link);
}

static void
on_message (ElvesThriftLink *link, const guint8 *bytes, gsize length, gpointer user_data)
{
  ElvesThriftConnection *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (ElvesRpcRequest) request = elves_rpc_decode_request (bytes, length, &error);
  self->message_since_us = 0;
  if (!request)
    refuse_message (self, error);
  else if (request->method == ELVES_RPC_UNKNOWN)
    refuse_method (self, request);
  else
    {
      ElvesThriftCall *call = g_new0 (ElvesThriftCall, 1);
      call->connection = self;
      call->request = g_steal_pointer (&request);
      self->call = call;
      elves_thrift_link_pause (link);
      self->server->callbacks.call (self->server, call, self->server->user_data);
    }
}

static gboolean
on_fill (ElvesThriftLink *link, gpointer user_data)
{
  ElvesThriftConnection *self = user_data;
  return self->channel && elves_thrift_channel_fill (self->channel);
}

static void
on_closed (ElvesThriftLink *link, const GError *error, gpointer user_data)
{
  if (error)
    g_debug ("A connection ended: %s", error->message);
  elves_thrift_connection_free (user_data);
}

/* ---- Time ---- */

static gboolean
is_overdue (ElvesThriftConnection *self, gint64 now_us)
{
  const ElvesThriftServer *server = self->server;
  if (self->call || (self->channel && self->channel->n_due > 0))
    return FALSE;
  if (!elves_thrift_link_in_message (self->link))
    {
      self->message_since_us = 0;
      return server->idle_timeout_us > 0 &&
             now_us - elves_thrift_link_last_activity_us (self->link) > server->idle_timeout_us;
    }
  if (self->message_since_us == 0)
    self->message_since_us = now_us;
  return server->message_timeout_us > 0 &&
         now_us - self->message_since_us > server->message_timeout_us;
}

static gboolean
on_timer (gpointer user_data)
{
  ElvesThriftServer *self = user_data;
  gint64 now_us = g_get_monotonic_time ();
  for (GList *node = self->connections.head, *next; node; node = next)
    {
      next = node->next;
      if (is_overdue (node->data, now_us))
        elves_thrift_connection_free (node->data);
    }
  return self->timer_id ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE; /* no connection is left */
}

/* Coarse: timeouts are kept to an eighth of themselves, but at most by a second. */
static void
start_timer (ElvesThriftServer *self)
{
  gint64 shortest_us = MIN (self->idle_timeout_us > 0 ? self->idle_timeout_us : G_MAXINT64,
                            self->message_timeout_us > 0 ? self->message_timeout_us : G_MAXINT64);
  if (!self->timer_id && shortest_us < G_MAXINT64)
    self->timer_id = g_timeout_add (CLAMP (shortest_us / 8000, 50, 1000), on_timer, self);
}

/* ---- Accepting ---- */

static void
update_accepting (ElvesThriftServer *self)
{
  if (!self->watch)
    return;
  gboolean accepting = !self->retry_id && self->connections.length < self->max_connections;
  elves_watch_set_events (self->watch, accepting ? G_IO_IN : 0);
}

static gboolean
on_accept_retry (gpointer user_data)
{
  ElvesThriftServer *self = user_data;
  self->retry_id = 0;
  update_accepting (self);
  return G_SOURCE_REMOVE;
}

static void
pause_accepting (ElvesThriftServer *self, int error_number)
{
  gint64 now_us = g_get_monotonic_time ();
  if (self->last_warning_us == 0 || now_us - self->last_warning_us > WARNING_INTERVAL_US)
    {
      self->last_warning_us = now_us;
      g_warning ("Cannot accept connections on port %u: %s; trying again", self->port,
                 g_strerror (error_number));
    }
  self->retry_id = g_timeout_add (ACCEPT_RETRY_MS, on_accept_retry, self);
  update_accepting (self);
}

static gboolean
is_allowed (ElvesThriftServer *self, const struct sockaddr_storage *storage, socklen_t length)
{
  if (!self->allowed || elves_address_list_is_empty (self->allowed))
    return TRUE;
  g_autoptr (GSocketAddress) address =
      g_socket_address_new_from_native ((gpointer) storage, length);
  return G_IS_INET_SOCKET_ADDRESS (address) &&
         elves_address_list_contains (
             self->allowed, g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (address)));
}

/* What has come is read first: closing with unread bytes would be a reset, not an end. */
static void
turn_away (int fd)
{
  char buffer[4096];
  shutdown (fd, SHUT_WR);
  ssize_t ignored = recv (fd, buffer, sizeof buffer, MSG_DONTWAIT);
  (void) ignored;
  close (fd);
}

static void
add_connection (ElvesThriftServer *self, int fd, const struct sockaddr_storage *peer)
{
  static const ElvesThriftLinkCallbacks callbacks = { .message = on_message,
                                                      .closed = on_closed,
                                                      .fill = on_fill };
  ElvesThriftConnection *connection = g_new0 (ElvesThriftConnection, 1);
  connection->server = self;
  connection->peer = *peer;
  connection->node.data = connection;
  connection->link =
      elves_thrift_link_accept (self->poller, fd, &self->link_options, &callbacks, connection);
  g_queue_push_tail_link (&self->connections, &connection->node);
  start_timer (self);
}

/* FALSE: none is waiting, or accepting pauses. */
static gboolean
accept_one (ElvesThriftServer *self)
{
  struct sockaddr_storage address;
  socklen_t length = sizeof address;
  int fd = accept4 (g_socket_get_fd (self->listener), (struct sockaddr *) &address, &length,
                    SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0)
    {
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
        pause_accepting (self, errno);
      return errno == EINTR || errno == ECONNABORTED;
    }
  if (is_allowed (self, &address, length))
    add_connection (self, fd, &address);
  else
    turn_away (fd);
  return TRUE;
}

static void
on_listener_ready (int fd, GIOCondition condition, gpointer user_data)
{
  ElvesThriftServer *self = user_data;
  for (guint i = 0; i < ACCEPTS_PER_TURN && self->connections.length < self->max_connections; i++)
    if (!accept_one (self))
      break;
  update_accepting (self);
}

/* ---- The server ---- */

static gboolean
start_listening (ElvesThriftServer *self, const char *host, guint16 port, GError **error)
{
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new_from_string (host, port);
  if (!address)
    {
      g_set_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG, "'%s' is not an IP address", host);
      return FALSE;
    }
  g_autoptr (GSocket) listener = g_socket_new (g_socket_address_get_family (address),
                                               G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, error);
  if (!listener)
    return FALSE;
  g_socket_set_listen_backlog (listener, LISTEN_BACKLOG);
  if (!g_socket_bind (listener, address, TRUE, error) || !g_socket_listen (listener, error))
    return FALSE;
  g_autoptr (GSocketAddress) bound = g_socket_get_local_address (listener, error);
  if (!bound)
    return FALSE;
  g_socket_set_blocking (listener, FALSE);
  self->port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound));
  self->listener = g_steal_pointer (&listener);
  return TRUE;
}

/**
 * elves_thrift_server_new:
 * @options: copied, but for the allow list, which must outlive the server
 * @callbacks: copied
 *
 * Errors: %ELVES_ERROR_CONFIG when the host is not an address; those of GIO when it cannot be
 * bound. Returns: (transfer full): a server that listens; calls come from the main loop
 */
ElvesThriftServer *
elves_thrift_server_new (ElvesPoller *poller,
                         const ElvesThriftServerOptions *options,
                         const ElvesThriftServerCallbacks *callbacks,
                         gpointer user_data,
                         GError **error)
{
  g_autoptr (ElvesThriftServer) self = g_new0 (ElvesThriftServer, 1);
  self->poller = poller;
  self->allowed = options->allowed;
  self->link_options = options->link;
  self->link_options.output_pause_bytes = OUTPUT_PAUSE_BYTES;
  self->max_connections = options->max_connections;
  self->idle_timeout_us = options->idle_timeout_s * G_TIME_SPAN_SECOND;
  self->message_timeout_us = options->message_timeout_s * G_TIME_SPAN_SECOND;
  self->callbacks = *callbacks;
  self->user_data = user_data;
  g_queue_init (&self->connections);
  if (!start_listening (self, options->host, options->port, error))
    {
      g_prefix_error (error, "Cannot listen on %s port %u: ", options->host, options->port);
      return NULL;
    }
  self->watch = elves_poller_watch (poller, g_socket_get_fd (self->listener), G_IO_IN,
                                    on_listener_ready, self);
  update_accepting (self);
  return g_steal_pointer (&self);
}

/**
 * elves_thrift_server_free:
 * @self: (nullable): closes all connections; open calls stay valid, their answers go nowhere
 */
void
elves_thrift_server_free (ElvesThriftServer *self)
{
  if (!self)
    return;
  elves_thrift_server_stop_listening (self);
  while (self->connections.length > 0)
    elves_thrift_connection_free (self->connections.head->data);
  g_free (self);
}

/**
 * elves_thrift_server_port:
 *
 * Returns: the port it listens on, or did
 */
guint16
elves_thrift_server_port (ElvesThriftServer *self)
{
  return self->port;
}

/**
 * elves_thrift_server_stop_listening:
 *
 * New connections are refused by the kernel; open ones go on.
 */
void
elves_thrift_server_stop_listening (ElvesThriftServer *self)
{
  g_clear_handle_id (&self->retry_id, g_source_remove);
  g_clear_pointer (&self->watch, elves_watch_remove);
  g_clear_object (&self->listener);
}
