/* /metrics and /healthz over plain sockets: pages, status codes, limits, a main loop that hangs. */

#include "common/http-status.h"
#include "tests/lib/run-until.h"

#include <gio/gio.h>
#include <string.h>

typedef struct
{
  ElvesHttpStatus *server;
  gboolean healthy;
  guint asked;
} Fixture;

static void
on_metrics (GString *out, gpointer user_data)
{
  Fixture *self = user_data;
  self->asked++;
  g_string_append (out, "x_total 1\n");
}

static gboolean
on_health (GString *out, gpointer user_data)
{
  Fixture *self = user_data;
  g_autoptr (GPtrArray) problems = g_ptr_array_new ();
  self->asked++;
  if (!self->healthy)
    {
      g_ptr_array_add (problems, (gpointer) "not consuming: \"gone\"");
      g_ptr_array_add (problems, (gpointer) "not publishing");
    }
  return elves_http_status_write_health (out, "test", problems);
}

static void
set_up (Fixture *self, gconstpointer allowed)
{
  static const ElvesHttpStatusCallbacks callbacks = { on_metrics, on_health };
  ElvesHttpStatusOptions options = { "127.0.0.1", 0, allowed != NULL ? allowed : "", 200 };
  g_autoptr (GError) error = NULL;
  self->healthy = TRUE;
  self->server = elves_http_status_new (&options, &callbacks, self, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (elves_http_status_port (self->server), >, 0);
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  elves_http_status_free (self->server);
}

static GSocketConnection *
connect_to (Fixture *self)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GError) error = NULL;
  GSocketConnection *connection = g_socket_client_connect_to_host (
      client, "127.0.0.1", elves_http_status_port (self->server), NULL, &error);
  g_assert_no_error (error);
  return connection;
}

static void
send_text (GSocketConnection *connection, const char *text)
{
  GOutputStream *out = g_io_stream_get_output_stream (G_IO_STREAM (connection));
  g_assert_true (g_output_stream_write_all (out, text, strlen (text), NULL, NULL, NULL));
}

typedef struct
{
  GSocketConnection *connection;
  GString *text;
  gint done; /* atomic */
} Reader;

static gpointer
read_all (gpointer data)
{
  Reader *reader = data;
  GInputStream *in = g_io_stream_get_input_stream (G_IO_STREAM (reader->connection));
  char buffer[4096];
  gssize length;
  while ((length = g_input_stream_read (in, buffer, sizeof buffer, NULL, NULL)) > 0)
    g_string_append_len (reader->text, buffer, length);
  g_atomic_int_set (&reader->done, 1);
  g_main_context_wakeup (NULL);
  return NULL;
}

/* Everything up to the end of the connection. @run_loop FALSE: the main loop hangs meanwhile. */
static char *
receive (GSocketConnection *connection, gboolean run_loop)
{
  Reader reader = { connection, g_string_new (NULL), 0 };
  GThread *thread = g_thread_new ("reader", read_all, &reader);
  if (run_loop)
    run_until (g_atomic_int_get (&reader.done) != 0);
  g_thread_join (thread);
  return g_string_free (reader.text, FALSE);
}

static char *
ask (Fixture *self, const char *request)
{
  g_autoptr (GSocketConnection) connection = connect_to (self);
  send_text (connection, request);
  return receive (connection, TRUE);
}

static void
assert_answer (const char *answer, const char *status, const char *body)
{
  g_test_message ("%s", answer);
  g_assert_true (g_str_has_prefix (answer, status));
  g_assert_nonnull (strstr (answer, "Connection: close\r\n"));
  g_assert_true (g_str_has_suffix (answer, body));
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

static void
test_pages (Fixture *self, gconstpointer data)
{
  g_autofree char *metrics = ask (self, GET ("/metrics"));
  g_autofree char *head = ask (self, "HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
  g_autofree char *health = ask (self, GET ("/healthz?verbose"));
  g_autofree char *other = ask (self, GET ("/"));
  g_autofree char *old = ask (self, "GET /healthz HTTP/1.0\r\n\r\n");

  assert_answer (metrics, "HTTP/1.1 200 OK\r\n", "\r\n\r\nx_total 1\n");
  g_assert_nonnull (strstr (metrics, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  assert_answer (head, "HTTP/1.1 200 OK\r\n", "\r\n\r\n");
  assert_answer (health, "HTTP/1.1 200 OK\r\n",
                 "{\"status\":\"ok\",\"daemon\":\"test\",\"version\":\"" ELVES_VERSION "\"}\n");
  assert_answer (other, "HTTP/1.1 404 Not Found\r\n", "there are /metrics and /healthz\n");
  g_assert_true (g_str_has_prefix (old, "HTTP/1.0 200 OK\r\n"));
}

static void
test_failing (Fixture *self, gconstpointer data)
{
  self->healthy = FALSE;
  g_autofree char *answer = ask (self, GET ("/healthz"));
  assert_answer (answer, "HTTP/1.1 503 Service Unavailable\r\n",
                 "\"problem\":\"not consuming: \\\"gone\\\"; not publishing\"}\n");
}

static void
test_bad_requests (Fixture *self, gconstpointer data)
{
  g_autofree char *filler = g_strnfill (9000, 'a');
  g_autofree char *long_header =
      g_strconcat ("GET /metrics HTTP/1.1\r\nHost: x\r\nX: ", filler, "\r\n\r\n", NULL);
  g_autofree char *with_body =
      g_strdup ("GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
  const char *const requests[] = { long_header,
                                   with_body,
                                   "\r\n\r\n",
                                   "nonsense\r\n\r\n",
                                   "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
                                   "\x16\x03\x01\x02\r\n\r\n" };
  for (guint i = 0; i < G_N_ELEMENTS (requests); i++)
    {
      g_autofree char *answer = ask (self, requests[i]);
      g_test_message ("%.20s -> %s", requests[i], answer);
      g_assert_false (g_str_has_prefix (answer, "HTTP/1.1 200"));
    }
  g_assert_cmpuint (self->asked, ==, 0);
  g_autofree char *after = ask (self, GET ("/metrics"));
  g_assert_true (g_str_has_prefix (after, "HTTP/1.1 200"));
}

static void
test_not_allowed (Fixture *self, gconstpointer data)
{
  g_autofree char *answer = ask (self, GET ("/metrics"));
  g_assert_true (g_str_has_prefix (answer, "HTTP/1.1 403 "));
  g_assert_cmpuint (self->asked, ==, 0);
}

static void
test_loop_hangs (Fixture *self, gconstpointer data)
{
  g_autoptr (GSocketConnection) connection = connect_to (self);
  send_text (connection, GET ("/healthz"));
  g_autofree char *answer = receive (connection, FALSE);
  g_assert_true (g_str_has_prefix (answer, "HTTP/1.1 503 "));
  g_assert_nonnull (strstr (answer, "the main loop does not answer"));
  g_assert_cmpuint (self->asked, ==, 0);
}

/* Idle connections take all places; they are given back when they are closed. */
static void
test_many_connections (Fixture *self, gconstpointer data)
{
  g_autoptr (GPtrArray) idle = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < 20; i++)
    g_ptr_array_add (idle, connect_to (self));
  g_autoptr (GSocketConnection) last = connect_to (self);
  send_text (last, GET ("/metrics"));
  g_ptr_array_set_size (idle, 0);
  g_autofree char *answer = receive (last, TRUE);
  g_assert_true (g_str_has_prefix (answer, "HTTP/1.1 200"));
}

/* Freed with connections open, one of them waiting for the main loop. */
static void
test_free (Fixture *self, gconstpointer data)
{
  g_autoptr (GSocketConnection) idle = connect_to (self);
  g_autoptr (GSocketConnection) asking = connect_to (self);
  g_assert_nonnull (idle);
  send_text (asking, GET ("/metrics"));
  g_usleep (20000); /* so that it mostly is under way; either way is right */
  gint64 began_us = g_get_monotonic_time ();
  g_clear_pointer (&self->server, elves_http_status_free);
  g_assert_cmpint (g_get_monotonic_time () - began_us, <, 10 * G_USEC_PER_SEC);
}

static void
test_cannot_listen (Fixture *self, gconstpointer data)
{
  static const ElvesHttpStatusCallbacks callbacks = { on_metrics, on_health };
  ElvesHttpStatusOptions options = { "127.0.0.1", elves_http_status_port (self->server), "", 0 };
  g_autoptr (GError) error = NULL;
  g_assert_null (elves_http_status_new (&options, &callbacks, self, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, allowed, func) \
  g_test_add ("/http-status/" name, Fixture, allowed, set_up, func, tear_down)
  ADD ("pages", NULL, test_pages);
  ADD ("allowed", "127.0.0.0/8", test_pages);
  ADD ("not-allowed", "10.0.0.1", test_not_allowed);
  ADD ("failing", NULL, test_failing);
  ADD ("bad-requests", NULL, test_bad_requests);
  ADD ("loop-hangs", NULL, test_loop_hangs);
  ADD ("many-connections", NULL, test_many_connections);
  ADD ("free", NULL, test_free);
  ADD ("cannot-listen", NULL, test_cannot_listen);
  return g_test_run ();
}
