/* Connections are accepted here, not by libsoup, which has no limits: they are counted, and each
 * has one deadline, by what it is at:
 *
 *   reading a request, or idle   client_timeout_s from the last answer, or from the start
 *   being answered               none: that has its own limit in whoever answers
 *   sending the answer           client_timeout_s; of a stream: of each part
 *
 * libsoup gives back the address object that it was given with a connection: so the connection of a
 * message is found by it. */
#include "openapi/http-private.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

void
elves_http_connection_cut (ElvesHttpConnection *self)
{
  g_socket_shutdown (g_socket_connection_get_socket (self->socket), TRUE, TRUE, NULL);
}

static void
on_client_too_slow (ElvesDeadline *deadline G_GNUC_UNUSED, gpointer user_data)
{
  ElvesHttpConnection *connection = user_data;

  g_debug ("a client was too slow");
  elves_http_connection_cut (connection);
}

void
elves_http_connection_expect (ElvesHttpConnection *connection)
{
  ElvesHttpServer *self = connection->server;

  elves_deadlines_arm (self->deadlines, &connection->deadline,
                       g_get_monotonic_time () +
                           self->options.client_timeout_s * G_GINT64_CONSTANT (1000000),
                       on_client_too_slow, connection);
}

void
elves_http_connection_wait (ElvesHttpConnection *connection)
{
  elves_deadlines_disarm (connection->server->deadlines, &connection->deadline);
}

void
elves_http_connection_set_idle (ElvesHttpConnection *self, gboolean idle)
{
  elves_http_line_set_idle (self->line, idle);
}

static void
on_socket_gone (gpointer data, GObject *where_it_was G_GNUC_UNUSED)
{
  ElvesHttpConnection *connection = data;
  ElvesHttpServer *self = connection->server;

  elves_deadlines_disarm (self->deadlines, &connection->deadline);
  g_hash_table_remove (self->connections, connection->peer);
  g_object_unref (connection->peer);
  g_free (connection);
  if (g_hash_table_size (self->connections) < self->options.max_connections &&
      !g_socket_service_is_active (self->service))
    g_socket_service_start (self->service);
}

ElvesHttpConnection *
elves_http_connection_find (ElvesHttpServer *self, SoupServerMessage *message)
{
  return g_hash_table_lookup (self->connections, soup_server_message_get_remote_address (message));
}

/* (transfer full): the stream that HTTP is spoken over. */
static GIOStream *
line_of (ElvesHttpServer *self, GSocketConnection *socket, GError **error)
{
  g_autoptr (GIOStream) secured = NULL;

  if (self->certificate == NULL)
    return elves_http_line_new (G_IO_STREAM (socket));
  secured = g_tls_server_connection_new (G_IO_STREAM (socket), self->certificate, error);
  return secured != NULL ? elves_http_line_new (secured) : NULL;
}

static gboolean
may_call (ElvesHttpServer *self, GSocketAddress *peer)
{
  GInetAddress *address = g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (peer));

  return elves_address_list_is_empty (self->options.allowed) ||
         elves_address_list_contains (self->options.allowed, address);
}

static void
adopt (ElvesHttpServer *self, GSocketConnection *socket, GIOStream *line, GSocketAddress *peer)
{
  ElvesHttpConnection *connection = g_new0 (ElvesHttpConnection, 1);

  connection->server = self;
  connection->socket = socket;
  connection->line = ELVES_HTTP_LINE (line);
  connection->peer = g_object_ref (peer);
  g_hash_table_insert (self->connections, peer, connection);
  g_object_weak_ref (G_OBJECT (socket), on_socket_gone, connection);
  elves_http_connection_expect (connection);
  if (g_hash_table_size (self->connections) >= self->options.max_connections)
    g_socket_service_stop (self->service);
}

gboolean
elves_http_connection_accept (GSocketService *service G_GNUC_UNUSED,
                              GSocketConnection *socket,
                              GObject *source G_GNUC_UNUSED,
                              gpointer user_data)
{
  ElvesHttpServer *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocketAddress) local = g_socket_connection_get_local_address (socket, NULL);
  g_autoptr (GSocketAddress) peer = g_socket_connection_get_remote_address (socket, NULL);
  g_autoptr (GIOStream) line = NULL;

  if (local == NULL || peer == NULL || !may_call (self, peer))
    return TRUE;
  g_socket_set_option (g_socket_connection_get_socket (socket), IPPROTO_TCP, TCP_NODELAY, 1, NULL);
  line = line_of (self, socket, &error);
  if (line != NULL)
    adopt (self, socket, line, peer);
  if (line == NULL || !soup_server_accept_iostream (self->soup, line, local, peer, &error))
    g_warning ("a connection cannot be served: %s", error->message);
  return TRUE;
}

void
elves_http_connections_forget (ElvesHttpServer *self)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->connections);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      ElvesHttpConnection *connection = value;

      elves_deadlines_disarm (self->deadlines, &connection->deadline);
      g_object_weak_unref (G_OBJECT (connection->socket), on_socket_gone, connection);
      g_object_unref (connection->peer);
      g_free (connection);
    }
  g_hash_table_unref (self->connections);
}
