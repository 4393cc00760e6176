/* An answer that comes in parts, "chunked". Each part is freed once it is written. While nothing is
 * to be written libsoup does not look at the socket: so it is watched here for the end of the
 * client. A half-closed connection is an end, too: nobody asks for a stream and says so. */
#include "openapi/http-private.h"

#include <glib-unix.h>
#include <poll.h>

struct ElvesHttpStream
{
  ElvesHttpServer *server;    /* (nullable) it has gone */
  SoupServerMessage *message; /* (nullable) the client has gone */
  ElvesHttpStreamCallbacks callbacks;
  gpointer user_data;
  GSource *watch;  /* (nullable) over the socket */
  guint unwritten; /* parts */
  GList place;     /* in the server's list */
};

/* ---- the end of the client ---- */

static void
drop_watch (ElvesHttpStream *self)
{
  if (self->watch == NULL)
    return;
  g_source_destroy (self->watch);
  g_clear_pointer (&self->watch, g_source_unref);
}

/* Lets go of the message, without a word to the owner. */
static void
let_go (ElvesHttpStream *self)
{
  drop_watch (self);
  if (self->message != NULL)
    g_signal_handlers_disconnect_by_data (self->message, self);
  g_clear_object (&self->message);
}

static void
on_finished (SoupServerMessage *message G_GNUC_UNUSED, gpointer user_data)
{
  ElvesHttpStream *self = user_data;

  let_go (self);
  self->callbacks.gone (self->user_data);
}

/* Writing to it fails then, and libsoup clears up. */
static gboolean
on_hang_up (gint fd G_GNUC_UNUSED, GIOCondition condition G_GNUC_UNUSED, gpointer user_data)
{
  ElvesHttpStream *self = user_data;
  ElvesHttpConnection *connection = elves_http_connection_find (self->server, self->message);

  drop_watch (self);
  if (connection != NULL)
    elves_http_connection_cut (connection);
  soup_message_body_complete (soup_server_message_get_response_body (self->message));
  soup_server_message_unpause (self->message);
  return G_SOURCE_REMOVE;
}

static void
watch (ElvesHttpStream *self, ElvesHttpConnection *connection)
{
  int fd = g_socket_get_fd (g_socket_connection_get_socket (connection->socket));

  self->watch = g_unix_fd_source_new (fd, (GIOCondition) POLLRDHUP | G_IO_HUP | G_IO_ERR);
  g_source_set_callback (self->watch, G_SOURCE_FUNC (on_hang_up), self, NULL);
  g_source_attach (self->watch, g_main_context_get_thread_default ());
}

/* ---- parts ---- */

static void
on_wrote_chunk (SoupServerMessage *message, gpointer user_data)
{
  ElvesHttpStream *self = user_data;
  ElvesHttpConnection *connection = elves_http_connection_find (self->server, message);

  if (self->unwritten == 0 || --self->unwritten > 0)
    return;
  if (connection != NULL)
    elves_http_connection_wait (connection);
  self->callbacks.drained (self->user_data);
}

static void
begin (ElvesHttpStream *self, const char *content_type, ElvesHttpConnection *connection)
{
  SoupMessageHeaders *headers = soup_server_message_get_response_headers (self->message);

  soup_server_message_set_status (self->message, SOUP_STATUS_OK, NULL);
  soup_message_headers_set_encoding (headers, SOUP_ENCODING_CHUNKED);
  soup_message_headers_set_content_type (headers, content_type, NULL);
  soup_message_headers_append (headers, "Cache-Control", "no-store");
  soup_message_body_set_accumulate (soup_server_message_get_response_body (self->message), FALSE);
  g_signal_connect (self->message, "wrote-chunk", G_CALLBACK (on_wrote_chunk), self);
  g_signal_connect (self->message, "finished", G_CALLBACK (on_finished), self);
  watch (self, connection);
  soup_server_message_unpause (self->message);
}

/**
 * elves_http_request_stream:
 * @self: a request; taken unless %NULL is returned
 * @content_type: of what is sent
 * @callbacks: copied
 *
 * Returns: (transfer full) (nullable): the answer; %NULL when there are too many, or nobody is
 * there to take it
 */
ElvesHttpStream *
elves_http_request_stream (ElvesHttpRequest *self,
                           const char *content_type,
                           const ElvesHttpStreamCallbacks *callbacks,
                           gpointer user_data)
{
  ElvesHttpServer *server = self->server;
  ElvesHttpConnection *connection;
  ElvesHttpStream *stream;

  if (server == NULL || self->message == NULL ||
      g_queue_get_length (&server->streams) >= server->options.max_streams)
    return NULL;
  connection = elves_http_connection_find (server, self->message);
  if (connection == NULL)
    return NULL;
  stream = g_new0 (ElvesHttpStream, 1);
  *stream = (ElvesHttpStream){ .server = server,
                               .message = g_object_ref (self->message),
                               .callbacks = *callbacks,
                               .user_data = user_data };
  stream->place.data = stream;
  g_queue_push_tail_link (&server->streams, &stream->place);
  elves_http_request_account (self, SOUP_STATUS_OK, 0);
  elves_http_request_free (self);
  begin (stream, content_type, connection);
  return stream;
}

/**
 * elves_http_stream_send:
 * @part: (transfer full): not empty
 */
void
elves_http_stream_send (ElvesHttpStream *self, GString *part)
{
  ElvesHttpConnection *connection;
  gsize length = part->len;

  if (self->message == NULL)
    {
      g_string_free (part, TRUE);
      return;
    }
  connection = elves_http_connection_find (self->server, self->message);
  if (connection != NULL && self->unwritten++ == 0)
    elves_http_connection_expect (connection);
  soup_message_body_append (soup_server_message_get_response_body (self->message), SOUP_MEMORY_TAKE,
                            g_string_free (part, FALSE), length);
  soup_server_message_unpause (self->message);
}

gboolean
elves_http_stream_is_drained (const ElvesHttpStream *self)
{
  return self->unwritten == 0;
}

/**
 * elves_http_stream_end:
 * @self: (transfer full): the end of the answer is sent behind what is still on its way
 */
void
elves_http_stream_end (ElvesHttpStream *self)
{
  ElvesHttpConnection *connection;

  if (self->message != NULL)
    {
      connection = elves_http_connection_find (self->server, self->message);
      if (connection != NULL)
        elves_http_connection_expect (connection);
      soup_message_body_complete (soup_server_message_get_response_body (self->message));
      soup_server_message_unpause (self->message);
    }
  let_go (self);
  if (self->server != NULL)
    g_queue_unlink (&self->server->streams, &self->place);
  g_free (self);
}

/* The owners still have to end them. */
void
elves_http_streams_forget (ElvesHttpServer *server)
{
  GList *place;

  while ((place = g_queue_pop_head_link (&server->streams)) != NULL)
    {
      ElvesHttpStream *stream = place->data;

      stream->server = NULL;
      let_go (stream);
      stream->callbacks.gone (stream->user_data);
    }
}
