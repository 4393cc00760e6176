/* Listens, and hands up what libsoup has read. What is over a limit is refused here. */
#include "openapi/http-private.h"

#include "common/error.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum
{
  BACKLOG =
      1024 /* connections that the kernel holds for us: GLib's 10 make a burst wait a second */
};

static void
on_handle (SoupServer *soup G_GNUC_UNUSED,
           SoupServerMessage *message,
           const char *path G_GNUC_UNUSED,
           GHashTable *query G_GNUC_UNUSED,
           gpointer user_data)
{
  ElvesHttpServer *self = user_data;

  if (soup_server_message_get_status (message) != 0)
    return; /* refused already */
  if (g_queue_get_length (&self->requests) >= self->options.max_requests)
    elves_http_refuse (self, message, SOUP_STATUS_SERVICE_UNAVAILABLE,
                       "Too many requests are being answered");
  else
    elves_http_request_take (self, message);
}

/* What libsoup would take for no length is another to whoever is in between, who then sees other
   requests than we do. */
static gboolean
has_clear_length (SoupMessageHeaders *headers)
{
  const char *length = soup_message_headers_get_list (headers, "Content-Length");
  const char *coding = soup_message_headers_get_list (headers, "Transfer-Encoding");

  return length == NULL || (coding == NULL && *length != '\0' && strlen (length) <= 18 &&
                            strspn (length, "0123456789") == strlen (length));
}

static void
refuse_length (ElvesHttpServer *self, SoupServerMessage *message)
{
  soup_message_body_set_accumulate (soup_server_message_get_request_body (message), FALSE);
  soup_message_headers_replace (soup_server_message_get_response_headers (message), "Connection",
                                "close");
  elves_http_refuse (self, message, SOUP_STATUS_BAD_REQUEST, "Request Length Unclear");
}

/* The body of a request that announces too much is read and thrown away, for no longer than any
   client may take; one that does not say is cut off. */
static void
on_got_headers (SoupServerMessage *message, gpointer user_data)
{
  ElvesHttpServer *self = user_data;
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (message);

  if (!has_clear_length (headers))
    refuse_length (self, message);
  else if (soup_message_headers_get_encoding (headers) == SOUP_ENCODING_CONTENT_LENGTH &&
           soup_message_headers_get_content_length (headers) >
               (goffset) self->options.max_body_bytes)
    {
      soup_message_body_set_accumulate (soup_server_message_get_request_body (message), FALSE);
      elves_http_refuse (self, message, SOUP_STATUS_REQUEST_ENTITY_TOO_LARGE,
                         "Request Body Too Large");
    }
}

static void
on_got_chunk (SoupServerMessage *message, GBytes *chunk G_GNUC_UNUSED, gpointer user_data)
{
  ElvesHttpServer *self = user_data;
  SoupMessageBody *body = soup_server_message_get_request_body (message);
  ElvesHttpConnection *connection = elves_http_connection_find (self, message);

  if (soup_server_message_get_status (message) != 0)
    return;
  if (body->length > (goffset) self->options.max_body_bytes && connection != NULL)
    elves_http_connection_cut (connection);
}

static void
on_request_started (SoupServer *soup G_GNUC_UNUSED, SoupServerMessage *message, gpointer user_data)
{
  ElvesHttpConnection *connection = elves_http_connection_find (user_data, message);

  if (connection != NULL)
    elves_http_connection_set_idle (connection, FALSE);
  g_signal_connect (message, "got-headers", G_CALLBACK (on_got_headers), user_data);
  g_signal_connect (message, "got-chunk", G_CALLBACK (on_got_chunk), user_data);
}

static void
on_request_read (SoupServer *soup G_GNUC_UNUSED, SoupServerMessage *message, gpointer user_data)
{
  ElvesHttpServer *self = user_data;
  ElvesHttpConnection *connection = elves_http_connection_find (self, message);

  if (connection != NULL)
    elves_http_connection_wait (connection);
}

/* Answered, or given up by its client. */
static void
on_request_over (SoupServer *soup G_GNUC_UNUSED, SoupServerMessage *message, gpointer user_data)
{
  ElvesHttpServer *self = user_data;
  ElvesHttpConnection *connection = elves_http_connection_find (self, message);

  elves_http_request_over (message);
  if (connection == NULL)
    return;
  elves_http_connection_set_idle (connection, TRUE);
  elves_http_connection_expect (connection);
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
  g_socket_listener_set_backlog (G_SOCKET_LISTENER (self->service), BACKLOG);
  if (!g_socket_listener_add_address (G_SOCKET_LISTENER (self->service), address,
                                      G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL, &bound,
                                      error))
    {
      g_prefix_error (error, "Cannot listen on %s:%u: ", self->options.host, self->options.port);
      return FALSE;
    }
  self->port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound));
  g_signal_connect (self->service, "incoming", G_CALLBACK (elves_http_connection_accept), self);
  return TRUE;
}

/* A connection is closed after one answer unless libsoup listens somewhere: having no listener
   means to it that it was stopped. It gets a socket that nothing ever comes to. */
static gboolean
keep_connections (ElvesHttpServer *self, GError **error)
{
  int ends[2];
  g_autoptr (GSocket) idle = NULL;

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
    {
      g_set_error (error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE, "socketpair: %s",
                   g_strerror (errno));
      return FALSE;
    }
  self->idle_end = ends[1];
  idle = g_socket_new_from_fd (ends[0], error);
  if (idle == NULL)
    close (ends[0]);
  return idle != NULL && soup_server_listen_socket (self->soup, idle, 0, error);
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
  g_queue_init (&self->streams);
  self->idle_end = -1;
  make_soup (self);
  if (!keep_connections (self, error) || !load_certificate (self, error) ||
      !open_port (self, error))
    return NULL;
  g_socket_service_start (self->service);
  return g_steal_pointer (&self);
}

/**
 * elves_http_server_free:
 * @self: (nullable): the server; its connections are closed
 */
void
elves_http_server_free (ElvesHttpServer *self)
{
  if (self == NULL)
    return;
  if (self->service != NULL)
    {
      g_signal_handlers_disconnect_by_data (self->service, self);
      g_socket_service_stop (self->service);
      g_socket_listener_close (G_SOCKET_LISTENER (self->service));
      g_object_unref (self->service);
    }
  elves_http_streams_forget (self);
  elves_http_requests_forget (self);
  elves_http_connections_forget (self);
  g_signal_handlers_disconnect_by_data (self->soup, self);
  soup_server_disconnect (self->soup);
  if (self->idle_end >= 0)
    close (self->idle_end);
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

/**
 * elves_http_server_streams:
 *
 * Returns: answers that still come in parts
 */
guint
elves_http_server_streams (const ElvesHttpServer *self)
{
  return g_queue_get_length ((GQueue *) &self->streams);
}
