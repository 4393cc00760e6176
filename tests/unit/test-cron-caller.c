/* The HTTP caller against real servers on loopback: retries, fail-over, signature, forbidden
   addresses, and targets that hang, flood or redirect. */

#include "cron/caller.h"
#include "tests/lib/run-until.h"

#include <libsoup/soup.h>
#include <string.h>

#define KEY "00000000000000AB:1700000000"

typedef struct
{
  SoupServer *server;
  GSocketService *listening;
  char *root; /* its URL */
  ElvesCronCallerOptions options;
  ElvesCronCaller *caller;
  GSocketService *hanging; /* takes connections and says nothing; or floods */
  GPtrArray *connections;  /* of GSocketConnection: those it has */
  guint connected;
  char *hanging_url;
  guint asked;      /* requests that the server has seen */
  guint fail_first; /* of them, so many are answered with @status */
  guint status;
  char *seen_key, *seen_signature, *seen_body;
  GPtrArray *attempts; /* of char: "STATUS TARGET" */
  GArray *attempt_times;
  guint done, done_well;
  ElvesCronAnswer last;
} Fixture;

/* ---- servers -------------------------------------------------------------------------------- */

static void
on_request (SoupServer *server,
            SoupServerMessage *message,
            const char *path,
            GHashTable *query,
            gpointer user_data)
{
  Fixture *self = user_data;
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (message);
  SoupMessageBody *body = soup_server_message_get_request_body (message);
  gboolean fails = self->asked++ < self->fail_first;
  g_free (self->seen_key);
  g_free (self->seen_signature);
  g_free (self->seen_body);
  self->seen_key = g_strdup (soup_message_headers_get_list (headers, "Elves-Execution"));
  self->seen_signature = g_strdup (soup_message_headers_get_list (headers, "Elves-Signature"));
  self->seen_body = g_strndup (body->data, (gsize) body->length);
  soup_server_message_set_status (message, fails ? self->status : 200, NULL);
  if (fails && self->status == 302)
    soup_server_message_set_redirect (message, 302, "/elsewhere");
  soup_server_message_set_response (message, "text/plain", SOUP_MEMORY_STATIC, "taken", 5);
}

static gboolean
on_connection (GSocketService *service,
               GSocketConnection *connection,
               GObject *source,
               gpointer user_data)
{
  Fixture *self = user_data;
  self->connected++;
  g_ptr_array_add (self->connections, g_object_ref (connection));
  return TRUE;
}

/* Returns: (transfer full): its URL. */
static char *
listen_any (GSocketService *service, GCallback incoming, Fixture *self)
{
  guint16 port = g_socket_listener_add_any_inet_port (G_SOCKET_LISTENER (service), NULL, NULL);
  g_assert_cmpuint (port, >, 0);
  g_signal_connect (service, "incoming", incoming, self);
  g_socket_service_start (service);
  return g_strdup_printf ("http://127.0.0.1:%u", port);
}

static void
end_listening (GSocketService *service)
{
  g_socket_service_stop (service);
  g_socket_listener_close (G_SOCKET_LISTENER (service));
  g_object_unref (service);
}

/* SoupServer's own listener (3.2) leaks each socket that it accepts. */
static gboolean
on_good_connection (GSocketService *service,
                    GSocketConnection *connection,
                    GObject *source,
                    gpointer user_data)
{
  Fixture *self = user_data;
  g_autoptr (GSocketAddress) local = g_socket_connection_get_local_address (connection, NULL);
  g_autoptr (GSocketAddress) peer = g_socket_connection_get_remote_address (connection, NULL);
  g_autoptr (GError) error = NULL;
  soup_server_accept_iostream (self->server, G_IO_STREAM (connection), local, peer, &error);
  g_assert_no_error (error);
  return TRUE;
}

/* ---- calls ---------------------------------------------------------------------------------- */

static void
set_up (Fixture *self, gconstpointer data)
{
  self->server = soup_server_new (NULL, NULL);
  self->listening = g_socket_service_new ();
  self->hanging = g_socket_service_new ();
  self->connections = g_ptr_array_new_with_free_func (g_object_unref);
  self->attempts = g_ptr_array_new_with_free_func (g_free);
  self->attempt_times = g_array_new (FALSE, FALSE, sizeof (gint64));
  self->status = 503;
  self->options = (ElvesCronCallerOptions){
    .max_concurrent = 8,
    .max_per_host = 8,
    .max_held_per_host = 1000,
    .stalled_after_s = 3600,
    .max_answer_bytes = 1000,
    .retry_first_ms = 1,
    .retry_cap_ms = 10,
    .sign_key = "",
    .forbid = "",
  };
  soup_server_add_handler (self->server, NULL, on_request, self, NULL);
  self->root = listen_any (self->listening, G_CALLBACK (on_good_connection), self);
  self->hanging_url = listen_any (self->hanging, G_CALLBACK (on_connection), self);
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  elves_cron_caller_free (self->caller);
  end_listening (self->hanging);
  end_listening (self->listening);
  g_ptr_array_unref (self->connections);
  soup_server_disconnect (self->server);
  g_object_unref (self->server);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_ptr_array_unref (self->attempts);
  g_array_unref (self->attempt_times);
  g_free (self->root);
  g_free (self->hanging_url);
  g_free (self->seen_key);
  g_free (self->seen_signature);
  g_free (self->seen_body);
  g_free (self->last.text);
}

static void
on_tried (const ElvesCronAttempt *attempt, gpointer user_data)
{
  Fixture *self = user_data;
  g_ptr_array_add (self->attempts, g_strdup_printf ("%u %s", attempt->status, attempt->target));
  g_array_append_val (self->attempt_times, attempt->at_us);
}

static void
on_done (const ElvesCronAnswer *answer, gpointer user_data)
{
  Fixture *self = user_data;
  self->done++;
  self->done_well += answer->ok ? 1 : 0;
  g_free (self->last.text);
  self->last = *answer;
  self->last.text = g_strdup (answer->text);
}

static const ElvesCronCallerCallbacks callbacks = { on_tried, on_done };

static void
call (Fixture *self, const ElvesCronCall *wanted)
{
  if (self->caller == NULL)
    self->caller = elves_cron_caller_new (&self->options);
  elves_cron_caller_call (self->caller, wanted, &callbacks, self);
}

static ElvesCronCall
a_call (const char *const *urls)
{
  return (ElvesCronCall){
    .urls = urls,
    .method = "POST",
    .content_type = "",
    .headers = "",
    .body = "{\"a\":1}",
    .key = KEY,
    .timeout_s = 30,
  };
}

static void
call_one (Fixture *self, const char *url, guint retries)
{
  const char *const urls[] = { url, NULL };
  ElvesCronCall wanted = a_call (urls);
  wanted.retries = retries;
  call (self, &wanted);
}

static void
assert_attempt (Fixture *self, guint i, guint status, const char *target)
{
  g_autofree char *expected = g_strdup_printf ("%u %s", status, target);
  g_assert_cmpuint (self->attempts->len, >, i);
  g_assert_cmpstr (self->attempts->pdata[i], ==, expected);
}

/* ---- tries ---------------------------------------------------------------------------------- */

static void
test_retried (Fixture *self, gconstpointer data)
{
  self->fail_first = 2;
  call_one (self, self->root, 3);
  run_until (self->done == 1);
  g_assert_true (self->last.ok);
  g_assert_cmpstr (self->last.text, ==, "taken");
  g_assert_cmpuint (self->attempts->len, ==, 3);
  assert_attempt (self, 0, 503, self->root);
  assert_attempt (self, 2, 200, self->root);
  g_assert_cmpstr (self->seen_key, ==, KEY);
  g_assert_cmpstr (self->seen_body, ==, "{\"a\":1}");
  g_assert_null (self->seen_signature);
}

static void
test_given_up (Fixture *self, gconstpointer data)
{
  self->fail_first = 100;
  call_one (self, self->root, 2);
  run_until (self->done == 1);
  g_assert_false (self->last.ok);
  g_assert_cmpuint (self->last.status, ==, 503);
  g_assert_cmpuint (self->asked, ==, 3);
}

static void
test_final (Fixture *self, gconstpointer data)
{
  self->fail_first = 100;
  self->status = 404;
  call_one (self, self->root, 5);
  run_until (self->done == 1);
  g_assert_cmpuint (self->last.status, ==, 404);
  g_assert_cmpuint (self->asked, ==, 1);
}

static void
test_redirect (Fixture *self, gconstpointer data)
{
  self->fail_first = 1;
  self->status = 302;
  call_one (self, self->root, 5);
  run_until (self->done == 1);
  g_assert_false (self->last.ok);
  g_assert_cmpuint (self->last.status, ==, 302);
  g_assert_cmpuint (self->asked, ==, 1);
}

static void
test_fixed_delays (Fixture *self, gconstpointer data)
{
  static const guint delays_ms[] = { 60, 120 };
  const char *const urls[] = { self->root, NULL };
  ElvesCronCall wanted = a_call (urls);
  const gint64 *times;
  self->fail_first = 3;
  wanted.retries = 3;
  wanted.retry_delays_ms = delays_ms;
  wanted.n_retry_delays = G_N_ELEMENTS (delays_ms);
  call (self, &wanted);
  run_until (self->done == 1);
  g_assert_true (self->last.ok);
  g_assert_cmpuint (self->attempts->len, ==, 4);
  times = (const gint64 *) (gpointer) self->attempt_times->data;
  g_assert_cmpint (times[1] - times[0], >=, 60 * 1000);
  g_assert_cmpint (times[2] - times[1], >=, 120 * 1000);
  g_assert_cmpint (times[3] - times[2], >=, 120 * 1000);
}

/* ---- targets -------------------------------------------------------------------------------- */

static void
test_next_target (Fixture *self, gconstpointer data)
{
  const char *const urls[] = { "http://127.0.0.1:1/", self->root, NULL };
  ElvesCronCall wanted = a_call (urls);
  call (self, &wanted);
  run_until (self->done == 1);
  g_assert_true (self->last.ok);
  g_assert_cmpuint (self->attempts->len, ==, 2);
  assert_attempt (self, 0, 0, urls[0]);
  assert_attempt (self, 1, 200, self->root);
  wanted.first_url = 3;
  call (self, &wanted);
  run_until (self->done == 2);
  g_assert_cmpuint (self->attempts->len, ==, 3);
}

static void
test_rounds (Fixture *self, gconstpointer data)
{
  g_autofree char *other = g_strconcat (self->root, "/other", NULL);
  const char *const urls[] = { self->root, other, NULL };
  ElvesCronCall wanted = a_call (urls);
  self->fail_first = 4;
  wanted.first_url = 1;
  wanted.retries = 2;
  call (self, &wanted);
  run_until (self->done == 1);
  g_assert_true (self->last.ok);
  g_assert_cmpuint (self->attempts->len, ==, 5);
  assert_attempt (self, 0, 503, other);
  assert_attempt (self, 1, 503, self->root);
  assert_attempt (self, 2, 503, other);
  assert_attempt (self, 4, 200, other);
}

/* ---- headers -------------------------------------------------------------------------------- */

static void
test_signed (Fixture *self, gconstpointer data)
{
  const char *const urls[] = { self->root, NULL };
  ElvesCronCall wanted = a_call (urls);
  g_autofree char *text = NULL, *expected = NULL, *hex = NULL;
  gint64 at_s;
  self->options.sign_key = "secret";
  wanted.headers = "{\"elves-execution\":\"x\",\"Elves-Signature\":\"t=1,v1=00\"}";
  call (self, &wanted);
  run_until (self->done == 1);
  g_assert_cmpstr (self->seen_key, ==, KEY);
  g_assert_true (g_str_has_prefix (self->seen_signature, "t="));
  at_s = g_ascii_strtoll (self->seen_signature + 2, NULL, 10);
  g_assert_cmpint (ABS (g_get_real_time () / G_USEC_PER_SEC - at_s), <, 60);
  text = g_strdup_printf ("%" G_GINT64_FORMAT "." KEY ".{\"a\":1}", at_s);
  hex = g_compute_hmac_for_string (G_CHECKSUM_SHA256, (const guchar *) "secret", 6, text, -1);
  expected = g_strdup_printf ("t=%" G_GINT64_FORMAT ",v1=%s", at_s, hex);
  g_assert_cmpstr (self->seen_signature, ==, expected);
}

/* ---- forbidden ------------------------------------------------------------------------------ */

static void
assert_forbidden (Fixture *self, const char *url)
{
  guint done = self->done;
  call_one (self, url, 5);
  run_until (self->done == done + 1);
  g_test_message ("%s: %s", url, self->last.text);
  g_assert_cmpuint (self->last.status, ==, 0);
  g_assert_nonnull (strstr (self->last.text, "are forbidden"));
  g_assert_cmpuint (self->attempts->len, ==, done + 1);
}

/* A name and every way to write the address; nothing arrives, not even a connection. */
static void
test_forbidden (Fixture *self, gconstpointer data)
{
  const char *colon = strrchr (self->hanging_url, ':');
  static const char *const hosts[] = { "127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "[::1]" };
  self->options.forbid_private = TRUE;
  for (gsize i = 0; i < G_N_ELEMENTS (hosts); i++)
    {
      g_autofree char *url = g_strconcat ("http://", hosts[i], colon, NULL);
      assert_forbidden (self, url);
    }
  g_assert_cmpuint (self->connected, ==, 0);
}

static void
test_other_networks_forbidden (Fixture *self, gconstpointer data)
{
  self->options.forbid = "10.0.0.0/8, ::/0";
  call_one (self, self->root, 0);
  run_until (self->done == 1);
  g_assert_true (self->last.ok);
  assert_forbidden (self, "http://10.1.2.3/");
}

/* ---- bad company ---------------------------------------------------------------------------- */

static void
test_hanging_target (Fixture *self, gconstpointer data)
{
  for (guint i = 0; i < 50; i++)
    call_one (self, self->hanging_url, 0);
  for (guint i = 0; i < 20; i++)
    call_one (self, self->root, 0);
  run_until (self->done == 20);
  g_assert_cmpuint (self->done_well, ==, 20);
  run_until (self->connected == 4);
  g_assert_cmpuint (elves_cron_caller_outstanding (self->caller), ==, 50);
}

static void
test_refused (Fixture *self, gconstpointer data)
{
  self->options.max_held_per_host = 3;
  self->options.stalled_after_s = 0;
  for (guint i = 0; i < 3; i++)
    call_one (self, self->hanging_url, 0);
  run_until (self->connected > 0);
  call_one (self, self->hanging_url, 5);
  g_assert_cmpuint (self->done, ==, 0);
  run_until (self->done == 1);
  g_assert_nonnull (strstr (self->last.text, "too many"));
  g_assert_cmpuint (self->attempts->len, ==, 1);
  call_one (self, self->root, 0);
  run_until (self->done == 2);
  g_assert_true (self->last.ok);
}

static void
test_times_out (Fixture *self, gconstpointer data)
{
  const char *const urls[] = { self->hanging_url, NULL };
  ElvesCronCall wanted = a_call (urls);
  wanted.timeout_s = 1;
  call (self, &wanted);
  run_until (self->done == 1);
  g_assert_nonnull (strstr (self->last.text, "no answer within 1 s"));
}

static void
say (Fixture *self, const char *text)
{
  GOutputStream *out;
  run_until (self->connections->len > 0);
  out = g_io_stream_get_output_stream (self->connections->pdata[0]);
  g_assert_true (g_output_stream_write_all (out, text, strlen (text), NULL, NULL, NULL));
}

/* Delivered is delivered: its status has come. */
static void
test_body_does_not_end (Fixture *self, gconstpointer data)
{
  const char *const urls[] = { self->hanging_url, NULL };
  ElvesCronCall wanted = a_call (urls);
  wanted.timeout_s = 1;
  call (self, &wanted);
  say (self, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
  run_until (self->done == 1);
  g_assert_true (self->last.ok);
  g_assert_cmpstr (self->last.text, ==, "half");
}

/* Returns: whether the other end still takes bytes. */
static gboolean
flood_on (Fixture *self)
{
  static const char bytes[65536];
  GSocket *socket = g_socket_connection_get_socket (self->connections->pdata[0]);
  g_autoptr (GError) error = NULL;
  gssize n = g_socket_send_with_blocking (socket, bytes, sizeof bytes, FALSE, NULL, &error);
  return n >= 0 || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
}

static void
test_flood (Fixture *self, gconstpointer data)
{
  call_one (self, self->hanging_url, 0);
  say (self, "HTTP/1.1 200 OK\r\nContent-Length: 100000000000\r\n\r\n");
  run_until (!flood_on (self));
  run_until (self->done == 1);
  g_assert_true (self->last.ok);
  /* Zeros are cleaned: up to three bytes of a sign each. */
  g_assert_cmpuint (strlen (self->last.text), <=, 3000);
}

static void
test_header_flood (Fixture *self, gconstpointer data)
{
  call_one (self, self->hanging_url, 0);
  say (self, "HTTP/1.1 200 OK\r\nX-Flood: ");
  run_until (!flood_on (self));
  run_until (self->done == 1);
  g_assert_false (self->last.ok);
}

/* Freed with calls under way, waiting and between two tries: nobody hears of them. */
static void
test_freed (Fixture *self, gconstpointer data)
{
  self->fail_first = 100;
  self->options.retry_first_ms = self->options.retry_cap_ms = 3600000;
  call_one (self, self->root, 5);
  for (guint i = 0; i < 10; i++)
    call_one (self, self->hanging_url, 5);
  run_until (self->attempts->len == 1 && self->connected == 4);
  g_clear_pointer (&self->caller, elves_cron_caller_free);
  run_until (!flood_on (self));
  g_assert_cmpuint (self->done, ==, 0);
}

#define ADD(path, function) g_test_add (path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/try/retried", test_retried);
  ADD ("/try/given-up", test_given_up);
  ADD ("/try/final", test_final);
  ADD ("/try/redirect", test_redirect);
  ADD ("/try/delays", test_fixed_delays);
  ADD ("/target/next", test_next_target);
  ADD ("/target/rounds", test_rounds);
  ADD ("/signed", test_signed);
  ADD ("/forbidden/private", test_forbidden);
  ADD ("/forbidden/others", test_other_networks_forbidden);
  ADD ("/company/hangs", test_hanging_target);
  ADD ("/company/refused", test_refused);
  ADD ("/company/times-out", test_times_out);
  ADD ("/company/half", test_body_does_not_end);
  ADD ("/company/floods", test_flood);
  ADD ("/company/header-flood", test_header_flood);
  ADD ("/freed", test_freed);
  return g_test_run ();
}
