/* Connections are accepted here, not by libsoup, which has no limits: they are counted, and each
 * has one deadline, by what it is at:
 *
 *   reading a request, or idle   client_timeout_s from the last answer, or from the start
 *   being answered               none: that has its own limit in whoever answers
 *   sending the answer           client_timeout_s
 *
 * libsoup gives back the address object that it was given with a connection: so the connection of a
 * message is found by it. A message that was aborted is forgotten by its request, which is answered
 * to nobody. */
#include "openapi/http-server.h"

#include "common/error.h"
#include "openapi/metrics.h"

#include <libsoup/soup.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

typedef struct
{
  ElvesHttpServer *server;
  GSocketConnection *socket; /* watched, not held */
  GSocketAddress *peer;      /* the key in the table */
  ElvesDeadline deadline;
} Connection;

struct ElvesHttpRequest
{
  ElvesHttpServer *server;    /* (nullable) it has gone */
  SoupServerMessage *message; /* (nullable) the client has gone */
  char *path, *query;
  char *method;
  gint64 began_us;
  GList place; /* in the server's list */
};

struct ElvesHttpServer
{
  ElvesDeadlines *deadlines;
  ElvesHttpServerOptions options;
  ElvesHttpServerCallbacks callbacks;
  gpointer user_data;
  guint16 port;
  SoupServer *soup;
  GSocketService *service;
  GTlsCertificate *certificate; /* (nullable) */
  GHashTable *connections;      /* GSocketAddress -> Connection */
  GQueue requests;              /* of ElvesHttpRequest: not answered yet */
};

/* ---- connections ---- */

static void
on_client_too_slow (ElvesDeadline *deadline G_GNUC_UNUSED, gpointer user_data)
{
  Connection *connection = user_data;

  g_debug ("a client was too slow");
  g_socket_shutdown (g_socket_connection_get_socket (connection->socket), TRUE, TRUE, NULL);
}

static void
expect_client (Connection *connection)
{
  ElvesHttpServer *self = connection->server;

  elves_deadlines_arm (self->deadlines, &connection->deadline,
                       g_get_monotonic_time () +
                           self->options.client_timeout_s * G_GINT64_CONSTANT (1000000),
                       on_client_too_slow, connection);
}

static void
on_socket_gone (gpointer data, GObject *where_it_was G_GNUC_UNUSED)
{
  Connection *connection = data;
  ElvesHttpServer *self = connection->server;

  elves_deadlines_disarm (self->deadlines, &connection->deadline);
  g_hash_table_remove (self->connections, connection->peer);
  g_object_unref (connection->peer);
  g_free (connection);
  if (g_hash_table_size (self->connections) < self->options.max_connections &&
      !g_socket_service_is_active (self->service))
    g_socket_service_start (self->service);
}

static Connection *
find_connection (ElvesHttpServer *self, SoupServerMessage *message)
{
  return g_hash_table_lookup (self->connections, soup_server_message_get_remote_address (message));
}

/* (transfer full): the stream that HTTP is spoken over. */
static GIOStream *
secured (ElvesHttpServer *self, GSocketConnection *socket, GError **error)
{
  if (self->certificate == NULL)
    return g_object_ref (G_IO_STREAM (socket));
  return g_tls_server_connection_new (G_IO_STREAM (socket), self->certificate, error);
}

static gboolean
may_call (ElvesHttpServer *self, GSocketAddress *peer)
{
  GInetAddress *address = g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (peer));

  return elves_address_list_is_empty (self->options.allowed) ||
         elves_address_list_contains (self->options.allowed, address);
}

static void
adopt (ElvesHttpServer *self, GSocketConnection *socket, GSocketAddress *peer)
{
  Connection *connection = g_new0 (Connection, 1);

  connection->server = self;
  connection->socket = socket;
  connection->peer = g_object_ref (peer);
  g_hash_table_insert (self->connections, peer, connection);
  g_object_weak_ref (G_OBJECT (socket), on_socket_gone, connection);
  expect_client (connection);
  if (g_hash_table_size (self->connections) >= self->options.max_connections)
    g_socket_service_stop (self->service);
}

static gboolean
on_incoming (GSocketService *service G_GNUC_UNUSED,
             GSocketConnection *socket,
             GObject *source G_GNUC_UNUSED,
             gpointer user_data)
{
  ElvesHttpServer *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocketAddress) local = g_socket_connection_get_local_address (socket, NULL);
  g_autoptr (GSocketAddress) peer = g_socket_connection_get_remote_address (socket, NULL);
  g_autoptr (GIOStream) stream = NULL;

  if (local == NULL || peer == NULL || !may_call (self, peer))
    return TRUE;
  g_socket_set_option (g_socket_connection_get_socket (socket), IPPROTO_TCP, TCP_NODELAY, 1, NULL);
  stream = secured (self, socket, &error);
  if (stream != NULL)
    adopt (self, socket, peer);
  if (stream == NULL || !soup_server_accept_iostream (self->soup, stream, local, peer, &error))
    g_warning ("a connection cannot be served: %s", error->message);
  return TRUE;
}

/* ---- requests ---- */

static void
request_free (ElvesHttpRequest *self)
{
  g_clear_object (&self->message);
  if (self->server != NULL)
    g_queue_unlink (&self->server->requests, &self->place);
  g_free (self->path);
  g_free (self->query);
  g_free (self->method);
  g_free (self);
}

static void
refuse (SoupServerMessage *message, guint status, const char *why)
{
  g_autofree char *body =
      g_strdup_printf ("{\"flag\":\"false\",\"error\":\"[%u]%s\"}", status, why);

  soup_server_message_set_status (message, status, NULL);
  soup_server_message_set_response (message, "application/json;charset=UTF-8", SOUP_MEMORY_COPY,
                                    body, strlen (body));
  if (status == SOUP_STATUS_SERVICE_UNAVAILABLE)
    soup_message_headers_append (soup_server_message_get_response_headers (message), "Retry-After",
                                 "1");
}

static const char REQUEST_KEY[] = "elves-http-request";

static void
on_handle (SoupServer *soup G_GNUC_UNUSED,
           SoupServerMessage *message,
           const char *path G_GNUC_UNUSED,
           GHashTable *query G_GNUC_UNUSED,
           gpointer user_data)
{
  ElvesHttpServer *self = user_data;
  GUri *uri = soup_server_message_get_uri (message);
  ElvesHttpRequest *request;

  if (soup_server_message_get_status (message) != 0)
    return; /* refused already */
  if (g_queue_get_length (&self->requests) >= self->options.max_requests)
    {
      refuse (message, SOUP_STATUS_SERVICE_UNAVAILABLE, "Too many requests are being answered");
      return;
    }
  request = g_new0 (ElvesHttpRequest, 1);
  request->server = self;
  request->message = g_object_ref (message);
  request->path = g_strdup (g_uri_get_path (uri));
  request->query = g_strdup (g_uri_get_query (uri));
  request->method = g_strdup (soup_server_message_get_method (message));
  request->began_us = g_get_monotonic_time ();
  request->place.data = request;
  g_queue_push_tail_link (&self->requests, &request->place);
  g_object_set_data (G_OBJECT (message), REQUEST_KEY, request);
  soup_server_message_pause (message);
  self->callbacks.request (request, self->user_data);
}

/* The body of a request that announces too much is read and thrown away, for no longer than any
   client may take; one that does not say is cut off. */
static void
on_got_headers (SoupServerMessage *message, gpointer user_data)
{
  ElvesHttpServer *self = user_data;
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (message);

  if (soup_message_headers_get_encoding (headers) == SOUP_ENCODING_CONTENT_LENGTH &&
      soup_message_headers_get_content_length (headers) > (goffset) self->options.max_body_bytes)
    {
      soup_message_body_set_accumulate (soup_server_message_get_request_body (message), FALSE);
      refuse (message, SOUP_STATUS_REQUEST_ENTITY_TOO_LARGE, "Request Body Too Large");
    }
}

static void
on_got_chunk (SoupServerMessage *message, GBytes *chunk G_GNUC_UNUSED, gpointer user_data)
{
  ElvesHttpServer *self = user_data;
  SoupMessageBody *body = soup_server_message_get_request_body (message);
  Connection *connection = find_connection (self, message);

  if (soup_server_message_get_status (message) != 0)
    return;
  if (body->length > (goffset) self->options.max_body_bytes && connection != NULL)
    g_socket_shutdown (g_socket_connection_get_socket (connection->socket), TRUE, TRUE, NULL);
}

static void
on_request_started (SoupServer *soup G_GNUC_UNUSED, SoupServerMessage *message, gpointer user_data)
{
  g_signal_connect (message, "got-headers", G_CALLBACK (on_got_headers), user_data);
  g_signal_connect (message, "got-chunk", G_CALLBACK (on_got_chunk), user_data);
}

static void
on_request_read (SoupServer *soup G_GNUC_UNUSED, SoupServerMessage *message, gpointer user_data)
{
  ElvesHttpServer *self = user_data;
  Connection *connection = find_connection (self, message);

  if (connection != NULL)
    elves_deadlines_disarm (self->deadlines, &connection->deadline);
}

/* Answered, or given up by its client. */
static void
on_request_over (SoupServer *soup G_GNUC_UNUSED, SoupServerMessage *message, gpointer user_data)
{
  ElvesHttpServer *self = user_data;
  Connection *connection = find_connection (self, message);
  ElvesHttpRequest *request = g_object_get_data (G_OBJECT (message), REQUEST_KEY);

  if (request != NULL)
    {
      g_object_set_data (G_OBJECT (message), REQUEST_KEY, NULL);
      g_clear_object (&request->message);
    }
  if (connection != NULL)
    expect_client (connection);
}

const char *
elves_http_request_method (const ElvesHttpRequest *self)
{
  return self->method;
}

const char *
elves_http_request_path (const ElvesHttpRequest *self)
{
  return self->path;
}

const char *
elves_http_request_query (const ElvesHttpRequest *self)
{
  return self->query;
}

/**
 * elves_http_request_header:
 *
 * Returns: (nullable): the first value; %NULL when it was not sent, or the client has gone
 */
const char *
elves_http_request_header (const ElvesHttpRequest *self, const char *name)
{
  if (self->message == NULL)
    return NULL;
  return soup_message_headers_get_one (soup_server_message_get_request_headers (self->message),
                                       name);
}

/**
 * elves_http_request_body:
 *
 * Returns: (transfer full): empty when the client has gone
 */
GBytes *
elves_http_request_body (const ElvesHttpRequest *self)
{
  if (self->message == NULL)
    return g_bytes_new (NULL, 0);
  return soup_message_body_flatten (soup_server_message_get_request_body (self->message));
}

/* The query may hold secrets, and a path is whatever somebody has sent. */
static void
account (const ElvesHttpRequest *self, guint status, gsize length)
{
  g_autofree char *path = g_strescape (self->path, NULL);
  gint64 took_us = g_get_monotonic_time () - self->began_us;

  elves_histogram_add (&elves_openapi_metrics.answer_times, took_us);
  g_info ("access method=%s path=%s status=%u bytes=%" G_GSIZE_FORMAT " ms=%" G_GINT64_FORMAT,
          self->method, path, status, length, took_us / 1000);
}

static void
send_answer (ElvesHttpRequest *self, guint status, const char *content_type, GString *body)
{
  Connection *connection = find_connection (self->server, self->message);
  gsize length = body->len;

  g_object_set_data (G_OBJECT (self->message), REQUEST_KEY, NULL);
  soup_server_message_set_status (self->message, status, NULL);
  soup_server_message_set_response (self->message, content_type, SOUP_MEMORY_TAKE,
                                    g_string_free (body, FALSE), length);
  if (connection != NULL)
    expect_client (connection);
  soup_server_message_unpause (self->message);
}

/**
 * elves_http_request_answer:
 * @self: (transfer full): a request
 * @status: of HTTP
 * @content_type: of @body
 * @body: (transfer full): what to say
 *
 * When the client has gone nothing is sent.
 */
void
elves_http_request_answer (ElvesHttpRequest *self,
                           guint status,
                           const char *content_type,
                           GString *body)
{
  account (self, status, body->len);
  if (self->server != NULL && self->message != NULL)
    send_answer (self, status, content_type, body);
  else
    g_string_free (body, TRUE);
  request_free (self);
}

/* ---- from start to end ---- */

static gboolean
load_certificate (ElvesHttpServer *self, GError **error)
{
  const ElvesHttpServerOptions *options = &self->options;

  if (*options->tls_certificate == '\0')
    return TRUE;
  self->certificate =
      g_tls_certificate_new_from_files (options->tls_certificate, options->tls_key, error);
  if (self->certificate == NULL)
    g_prefix_error (error, "Cannot load server.tls.certificate: ");
  return self->certificate != NULL;
}

static gboolean
open_port (ElvesHttpServer *self, GError **error)
{
  g_autoptr (GSocketAddress) address =
      g_inet_socket_address_new_from_string (self->options.host, self->options.port);
  g_autoptr (GSocketAddress) bound = NULL;

  if (address == NULL)
    {
      g_set_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG, "'%s' is not an address to listen on",
                   self->options.host);
      return FALSE;
    }
  self->service = g_socket_service_new ();
  if (!g_socket_listener_add_address (G_SOCKET_LISTENER (self->service), address,
                                      G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL, &bound,
                                      error))
    {
      g_prefix_error (error, "Cannot listen on %s:%u: ", self->options.host, self->options.port);
      return FALSE;
    }
  self->port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound));
  g_signal_connect (self->service, "incoming", G_CALLBACK (on_incoming), self);
  return TRUE;
}

static void
make_soup (ElvesHttpServer *self)
{
  self->soup = soup_server_new ("server-header", NULL, NULL);
  soup_server_add_handler (self->soup, NULL, on_handle, self, NULL);
  g_signal_connect (self->soup, "request-started", G_CALLBACK (on_request_started), self);
  g_signal_connect (self->soup, "request-read", G_CALLBACK (on_request_read), self);
  g_signal_connect (self->soup, "request-finished", G_CALLBACK (on_request_over), self);
  g_signal_connect (self->soup, "request-aborted", G_CALLBACK (on_request_over), self);
}

/**
 * elves_http_server_new:
 * @deadlines: its clock; must outlive it
 * @options: copied; the texts are used only here
 * @callbacks: copied
 * @error: why it cannot listen
 *
 * Returns: (transfer full): serving
 */
ElvesHttpServer *
elves_http_server_new (ElvesDeadlines *deadlines,
                       const ElvesHttpServerOptions *options,
                       const ElvesHttpServerCallbacks *callbacks,
                       gpointer user_data,
                       GError **error)
{
  g_autoptr (ElvesHttpServer) self = g_new0 (ElvesHttpServer, 1);

  self->deadlines = deadlines;
  self->options = *options;
  self->callbacks = *callbacks;
  self->user_data = user_data;
  self->connections = g_hash_table_new (NULL, NULL);
  g_queue_init (&self->requests);
  make_soup (self);
  if (!load_certificate (self, error) || !open_port (self, error))
    return NULL;
  g_socket_service_start (self->service);
  return g_steal_pointer (&self);
}

static void
forget_connections (ElvesHttpServer *self)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->connections);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      Connection *connection = value;

      elves_deadlines_disarm (self->deadlines, &connection->deadline);
      g_object_weak_unref (G_OBJECT (connection->socket), on_socket_gone, connection);
      g_object_unref (connection->peer);
      g_free (connection);
    }
  g_hash_table_unref (self->connections);
}

/**
 * elves_http_server_free:
 * @self: (nullable): the server; its connections are closed
 */
void
elves_http_server_free (ElvesHttpServer *self)
{
  GList *place;

  if (self == NULL)
    return;
  if (self->service != NULL)
    {
      g_signal_handlers_disconnect_by_data (self->service, self);
      g_socket_service_stop (self->service);
      g_socket_listener_close (G_SOCKET_LISTENER (self->service));
      g_object_unref (self->service);
    }
  while ((place = g_queue_pop_head_link (&self->requests)) != NULL)
    {
      ElvesHttpRequest *request = place->data;
      request->server = NULL;
      g_clear_object (&request->message);
    }
  forget_connections (self);
  g_signal_handlers_disconnect_by_data (self->soup, self);
  soup_server_disconnect (self->soup);
  g_object_unref (self->soup);
  g_clear_object (&self->certificate);
  g_free (self);
}

/**
 * elves_http_server_port:
 *
 * Returns: where it listens
 */
guint16
elves_http_server_port (const ElvesHttpServer *self)
{
  return self->port;
}

/**
 * elves_http_server_waiting:
 *
 * Returns: requests not answered yet
 */
guint
elves_http_server_waiting (const ElvesHttpServer *self)
{
  return g_queue_get_length ((GQueue *) &self->requests);
}
