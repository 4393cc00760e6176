/* One request, until it is answered. A message that was aborted is forgotten by its request, which
 * is answered to nobody. */
#include "openapi/http-private.h"

#include "openapi/metrics.h"

#include <string.h>

static const char REQUEST_KEY[] = "elves-http-request";

void
elves_http_request_free (ElvesHttpRequest *self)
{
  if (self->message != NULL)
    g_object_set_data (G_OBJECT (self->message), REQUEST_KEY, NULL);
  g_clear_object (&self->message);
  if (self->server != NULL)
    g_queue_unlink (&self->server->requests, &self->place);
  g_free (self->path);
  g_free (self->query);
  g_free (self->method);
  g_free (self);
}

void
elves_http_refuse (ElvesHttpServer *server,
                   SoupServerMessage *message,
                   guint status,
                   const char *why)
{
  const char *path = g_uri_get_path (soup_server_message_get_uri (message));
  const char *content_type = NULL;
  GString *body = server->callbacks.refusal (path, status, why, &content_type, server->user_data);
  gsize length = body->len;

  soup_server_message_set_status (message, status, NULL);
  soup_server_message_set_response (message, content_type, SOUP_MEMORY_TAKE,
                                    g_string_free (body, FALSE), length);
  if (status == SOUP_STATUS_SERVICE_UNAVAILABLE)
    soup_message_headers_append (soup_server_message_get_response_headers (message), "Retry-After",
                                 "1");
}

void
elves_http_request_take (ElvesHttpServer *server, SoupServerMessage *message)
{
  GUri *uri = soup_server_message_get_uri (message);
  ElvesHttpRequest *self = g_new0 (ElvesHttpRequest, 1);

  self->server = server;
  self->message = g_object_ref (message);
  self->path = g_strdup (g_uri_get_path (uri));
  self->query = g_strdup (g_uri_get_query (uri));
  self->method = g_strdup (soup_server_message_get_method (message));
  self->began_us = g_get_monotonic_time ();
  self->place.data = self;
  g_queue_push_tail_link (&server->requests, &self->place);
  g_object_set_data (G_OBJECT (message), REQUEST_KEY, self);
  soup_server_message_pause (message);
  server->callbacks.request (self, server->user_data);
}

void
elves_http_request_over (SoupServerMessage *message)
{
  ElvesHttpRequest *self = g_object_get_data (G_OBJECT (message), REQUEST_KEY);

  if (self == NULL)
    return;
  g_object_set_data (G_OBJECT (message), REQUEST_KEY, NULL);
  g_clear_object (&self->message);
}

void
elves_http_requests_forget (ElvesHttpServer *server)
{
  GList *place;

  while ((place = g_queue_pop_head_link (&server->requests)) != NULL)
    {
      ElvesHttpRequest *request = place->data;
      request->server = NULL;
      g_clear_object (&request->message);
    }
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

/**
 * elves_http_request_add_header:
 * @name: of a header of the answer
 * @value: without line ends
 */
void
elves_http_request_add_header (ElvesHttpRequest *self, const char *name, const char *value)
{
  if (self->message != NULL)
    soup_message_headers_append (soup_server_message_get_response_headers (self->message), name,
                                 value);
}

/* The query may hold secrets, and a path is whatever somebody has sent: one word in any case. */
void
elves_http_request_account (const ElvesHttpRequest *self, guint status, gsize length)
{
  g_autofree char *path = g_uri_escape_string (self->path, "/", FALSE);
  gint64 took_us = g_get_monotonic_time () - self->began_us;

  elves_histogram_add (&elves_openapi_metrics.answer_times, took_us);
  g_info ("access method=%s path=%s status=%u bytes=%" G_GSIZE_FORMAT " ms=%" G_GINT64_FORMAT,
          self->method, path, status, length, took_us / 1000);
}

static void
send_answer (ElvesHttpRequest *self, guint status, const char *content_type, GString *body)
{
  ElvesHttpConnection *connection = elves_http_connection_find (self->server, self->message);
  gsize length = body->len;

  soup_server_message_set_status (self->message, status, NULL);
  if (content_type != NULL)
    soup_server_message_set_response (self->message, content_type, SOUP_MEMORY_TAKE,
                                      g_string_free (body, FALSE), length);
  else
    g_string_free (body, TRUE);
  if (connection != NULL)
    elves_http_connection_expect (connection);
  soup_server_message_unpause (self->message);
}

/**
 * elves_http_request_answer:
 * @self: (transfer full): a request
 * @status: of HTTP
 * @content_type: (nullable): of @body; %NULL: there is none
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
  elves_http_request_account (self, status, body->len);
  if (self->server != NULL && self->message != NULL)
    send_answer (self, status, content_type, body);
  else
    g_string_free (body, TRUE);
  elves_http_request_free (self);
}
