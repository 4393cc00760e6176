/* A request by libsoup, from its first byte to the last one of the answer that counts.
 *
 *   start -> sent (the answer's head is there) -> read, read -> done
 *
 * Of an answer the first bytes are read, and no more: the rest is cut off with its connection. Its
 * status counts also when its body does not come within the time. Redirects are not followed: a
 * task's target is what its owner wrote. */
#include "cron/caller-try.h"

#include "common/utf8.h"
#include "cron/caller-headers.h"
#include "cron/caller-signature.h"

#define KEY_HEADER "Elves-Execution"
#define SIGNATURE_HEADER "Elves-Signature"
#define DEFAULT_CONTENT_TYPE "application/json"

enum
{
  READ_BYTES = 16384
};

struct ElvesCronTry
{
  const ElvesCronTrier *trier; /* NULL: abandoned; it is freed when libsoup has let go of it */
  const ElvesCronTryRequest *request;
  ElvesCronTryFunc done;
  gpointer user_data;
  SoupMessage *message;
  GInputStream *stream; /* (nullable) until there is an answer */
  GByteArray *answer;
  GCancellable *cancellable;
  ElvesCronWatch watch;
  ElvesDeadline deadline;
  gboolean timed_out;
  gint64 begun_us;
};

static void
try_free (ElvesCronTry *self)
{
  g_signal_handlers_disconnect_by_data (self->message, &self->watch);
  elves_cron_watch_clear (&self->watch);
  g_clear_object (&self->stream);
  g_object_unref (self->message);
  g_object_unref (self->cancellable);
  g_byte_array_unref (self->answer);
  g_free (self);
}

/* ---- the end -------------------------------------------------------------------------------- */

static void
finish (ElvesCronTry *self, guint status, gboolean is_final, const char *text)
{
  ElvesCronTryEnd end = {
    .status = status,
    .is_final = is_final,
    .text = text,
    .cost_ms = (g_get_monotonic_time () - self->begun_us) / 1000,
  };
  elves_deadlines_disarm (self->trier->deadlines, &self->deadline);
  self->done (&end, self->user_data);
  try_free (self);
}

static gboolean
is_passing (guint status)
{
  return status == 0 || status == 408 || status == 425 || status == 429 || status >= 500;
}

static void
finish_answered (ElvesCronTry *self)
{
  guint status = soup_message_get_status (self->message);
  gsize length = MIN (self->answer->len, self->trier->max_answer_bytes);
  g_autofree char *text =
      length > 0 ? elves_utf8_clean ((const char *) self->answer->data, length, G_MAXSIZE, NULL)
                 : g_strdup ("");
  finish (self, status, !is_passing (status), text);
}

static char *
describe_failure (ElvesCronTry *self, const GError *error)
{
  const ElvesCronTryRequest *request = self->request;
  if (self->timed_out)
    return g_strdup_printf ("no answer within %u s from %s", request->timeout_s, request->url);
  if (self->watch.refused != NULL && !self->watch.let_through)
    return g_strdup_printf ("%s: callbacks to %s are forbidden", request->url, self->watch.refused);
  return g_strdup_printf ("%s: %s", request->url, error->message);
}

static void
finish_failed (ElvesCronTry *self, const GError *error)
{
  g_autofree char *text = describe_failure (self, error);
  gboolean is_forbidden = self->watch.refused != NULL && !self->watch.let_through;
  finish (self, 0, is_forbidden && !self->timed_out, text);
}

/* ---- the answer ----------------------------------------------------------------------------- */

static void read_some (ElvesCronTry *self);

static void
on_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  ElvesCronTry *self = user_data;
  g_autoptr (GBytes) bytes =
      g_input_stream_read_bytes_finish (G_INPUT_STREAM (source), result, NULL);
  gsize length = bytes != NULL ? g_bytes_get_size (bytes) : 0;
  if (self->trier == NULL)
    {
      try_free (self);
      return;
    }
  if (length > 0)
    g_byte_array_append (self->answer, g_bytes_get_data (bytes, NULL), (guint) length);
  if (length > 0 && self->answer->len <= self->trier->max_answer_bytes)
    {
      read_some (self);
      return;
    }
  /* What is still to come is not waited for. */
  if (length > 0)
    g_cancellable_cancel (self->cancellable);
  finish_answered (self);
}

/* A byte more than is kept: an answer that is no longer has its end read, and its connection is
   used again. */
static void
read_some (ElvesCronTry *self)
{
  gsize wanted = self->trier->max_answer_bytes + 1 - self->answer->len;
  g_input_stream_read_bytes_async (self->stream, MIN (wanted, READ_BYTES), G_PRIORITY_DEFAULT,
                                   self->cancellable, on_read, self);
}

static void
on_sent (GObject *source, GAsyncResult *result, gpointer user_data)
{
  ElvesCronTry *self = user_data;
  g_autoptr (GError) error = NULL;
  self->stream = soup_session_send_finish (SOUP_SESSION (source), result, &error);
  if (self->trier == NULL)
    try_free (self);
  else if (self->stream == NULL)
    finish_failed (self, error);
  else
    read_some (self);
}

/* ---- the request ---------------------------------------------------------------------------- */

static void
on_timed_out (ElvesDeadline *deadline, gpointer user_data)
{
  ElvesCronTry *self = user_data;
  self->timed_out = TRUE;
  g_cancellable_cancel (self->cancellable);
}

/* Ours come last: no task's headers replace them. */
static void
add_headers (ElvesCronTry *self)
{
  const ElvesCronTryRequest *request = self->request;
  SoupMessageHeaders *headers = soup_message_get_request_headers (self->message);
  g_autofree char *signature = NULL;
  elves_cron_headers_add (request->headers, headers);
  soup_message_headers_replace (headers, KEY_HEADER, request->key);
  soup_message_headers_remove (headers, SIGNATURE_HEADER);
  if (*self->trier->sign_key == '\0')
    return;
  signature = elves_cron_call_signature (self->trier->sign_key, g_get_real_time () / G_USEC_PER_SEC,
                                         request->key, request->body);
  soup_message_headers_append (headers, SIGNATURE_HEADER, signature);
}

static SoupMessage *
make_message (const ElvesCronTryRequest *request)
{
  SoupMessage *message = soup_message_new (request->method, request->url);
  soup_message_add_flags (message, SOUP_MESSAGE_NO_REDIRECT);
  if (g_bytes_get_size (request->body) > 0)
    soup_message_set_request_body_from_bytes (
        message, *request->content_type != '\0' ? request->content_type : DEFAULT_CONTENT_TYPE,
        request->body);
  return message;
}

/**
 * elves_cron_try_start:
 * @request: its URL, method and headers were checked
 *
 * Returns: a try, which is valid until @done was called or it is abandoned.
 */
ElvesCronTry *
elves_cron_try_start (const ElvesCronTrier *trier,
                      const ElvesCronTryRequest *request,
                      ElvesCronTryFunc done,
                      gpointer user_data)
{
  ElvesCronTry *self = g_new0 (ElvesCronTry, 1);
  self->trier = trier;
  self->request = request;
  self->done = done;
  self->user_data = user_data;
  self->answer = g_byte_array_new ();
  self->cancellable = g_cancellable_new ();
  self->begun_us = g_get_monotonic_time ();
  self->message = make_message (request);
  self->watch = (ElvesCronWatch){ .guard = trier->guard, .cancellable = self->cancellable };
  elves_cron_watch_message (&self->watch, self->message);
  add_headers (self);
  elves_deadlines_arm (trier->deadlines, &self->deadline,
                       self->begun_us + request->timeout_s * (gint64) G_USEC_PER_SEC, on_timed_out,
                       self);
  soup_session_send_async (trier->session, self->message, G_PRIORITY_DEFAULT, self->cancellable,
                           on_sent, self);
  return self;
}

void
elves_cron_try_abandon (ElvesCronTry *self)
{
  elves_deadlines_disarm (self->trier->deadlines, &self->deadline);
  self->watch.guard = NULL;
  g_signal_handlers_disconnect_by_data (self->message, &self->watch);
  self->trier = NULL;
  g_cancellable_cancel (self->cancellable);
}
