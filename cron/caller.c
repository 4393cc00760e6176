/* HTTP callbacks by libsoup.
 *
 * At most max_concurrent are under way, the others wait in order. A try that gets no answer, 408,
 * 425, 429 or 5xx is repeated after a back-off, without holding its place meanwhile; any other
 * answer is final. Redirects are not followed: a task's target is what its owner wrote.
 *
 * Of an answer the first bytes are kept; the rest is not read. */
#include "cron/caller.h"

#include "common/backoff.h"
#include "common/deadlines.h"
#include "common/error.h"
#include "common/utf8.h"
#include "cron/metrics.h"

#include <json-glib/json-glib.h>
#include <libsoup/soup.h>
#include <string.h>

#define KEY_HEADER "Elves-Execution"
#define DEFAULT_CONTENT_TYPE "application/json"

struct ElvesCronCaller
{
  ElvesCronCallerOptions options;
  SoupSession *session;
  ElvesDeadlines *deadlines;
  GQueue waiting; /* of Call: not yet sent */
  GQueue calls;   /* of Call, by its place: all */
  guint active;
};

typedef struct
{
  ElvesCronCaller *caller; /* NULL: it was freed meanwhile */
  char *url, *method, *content_type, *headers, *key;
  GBytes *body;
  guint timeout_s, retries, attempt;
  SoupMessage *message; /* (nullable) of the try under way */
  GCancellable *cancellable;
  ElvesDeadline deadline; /* of the try, or until the next */
  gboolean timed_out;
  gint64 begun_us;
  ElvesCronAnswerFunc done;
  gpointer user_data;
  GList place;
} Call;

static void send_next (ElvesCronCaller *self);

static void
call_free (Call *call)
{
  g_free (call->url);
  g_free (call->method);
  g_free (call->content_type);
  g_free (call->headers);
  g_free (call->key);
  g_bytes_unref (call->body);
  g_clear_object (&call->message);
  g_clear_object (&call->cancellable);
  g_free (call);
}

/* ---- checking ------------------------------------------------------------------------------- */

static JsonObject *
parse_headers (const char *text, JsonParser *parser)
{
  JsonNode *root;
  if (!json_parser_load_from_data (parser, text, -1, NULL))
    return NULL;
  root = json_parser_get_root (parser);
  return root != NULL && JSON_NODE_HOLDS_OBJECT (root) ? json_node_get_object (root) : NULL;
}

static gboolean
is_header (const char *name, JsonNode *node)
{
  const char *value = JSON_NODE_HOLDS_VALUE (node) ? json_node_get_string (node) : NULL;
  return value != NULL && *name != '\0' &&
         strspn (name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") ==
             strlen (name) &&
         strpbrk (value, "\r\n") == NULL;
}

static gboolean
check_headers (const char *headers)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonObject *object = *headers != '\0' ? parse_headers (headers, parser) : NULL;
  JsonObjectIter iter;
  const char *name;
  JsonNode *node;
  if (object == NULL)
    return *headers == '\0';
  json_object_iter_init (&iter, object);
  while (json_object_iter_next (&iter, &name, &node))
    if (!is_header (name, node))
      return FALSE;
  return TRUE;
}

gboolean
elves_cron_caller_check (const char *url, const char *method, const char *headers, GError **error)
{
  static const char *const methods[] = { "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", NULL };
  g_autoptr (GUri) uri = g_uri_parse (url, SOUP_HTTP_URI_FLAGS, NULL);
  const char *scheme = uri != NULL ? g_uri_get_scheme (uri) : "";
  const char *host = uri != NULL ? g_uri_get_host (uri) : NULL;
  const char *fault = NULL;
  if ((strcmp (scheme, "http") != 0 && strcmp (scheme, "https") != 0) || host == NULL ||
      *host == '\0')
    fault = "url: expected http://HOST... or https://HOST...";
  else if (!g_strv_contains (methods, method))
    fault = "method: expected GET, POST, PUT, PATCH, DELETE or HEAD";
  else if (!check_headers (headers))
    fault = "headers: expected an object of names and texts";
  if (fault != NULL)
    g_set_error_literal (error, ELVES_ERROR, ELVES_ERROR_INVALID, fault);
  return fault == NULL;
}

/* ---- the end of a call, or of a try --------------------------------------------------------- */

static void
finish (Call *call, gboolean ok, guint status, const char *text)
{
  ElvesCronCaller *self = call->caller;
  ElvesCronAnswer answer = {
    .ok = ok,
    .status = status,
    .text = (char *) text,
    .cost_ms = (g_get_monotonic_time () - call->begun_us) / 1000,
  };
  g_queue_unlink (&self->calls, &call->place);
  call->done (&answer, call->user_data);
  call_free (call);
}

static void
on_retry_due (ElvesDeadline *deadline, gpointer user_data)
{
  Call *call = user_data;
  elves_cron_metrics.callback_retries++;
  g_queue_push_tail (&call->caller->waiting, call);
  send_next (call->caller);
}

static void
retry_later (Call *call)
{
  ElvesCronCaller *self = call->caller;
  guint delay_ms = elves_backoff_delay_ms (call->attempt++, self->options.retry_first_ms,
                                           self->options.retry_cap_ms, g_random_double ());
  elves_deadlines_arm (self->deadlines, &call->deadline,
                       g_get_monotonic_time () + (gint64) delay_ms * 1000, on_retry_due, call);
}

static gboolean
is_passing (guint status)
{
  return status == 0 || status == 408 || status == 425 || status == 429 || status >= 500;
}

/* Takes nothing; @text: the answer, or why there is none. */
static void
end_try (Call *call, guint status, const char *text)
{
  ElvesCronCaller *self = call->caller;
  gboolean ok = status >= 200 && status < 300;
  elves_deadlines_disarm (self->deadlines, &call->deadline);
  g_clear_object (&call->message);
  g_clear_object (&call->cancellable);
  self->active--;
  if (!ok && is_passing (status) && call->attempt < call->retries)
    retry_later (call);
  else
    finish (call, ok, status, text);
  send_next (self);
}

/* ---- a try ---------------------------------------------------------------------------------- */

static void
on_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Call *call = user_data;
  g_autoptr (GBytes) bytes =
      g_input_stream_read_bytes_finish (G_INPUT_STREAM (source), result, NULL);
  g_autofree char *text = NULL;
  gsize length = 0;
  const void *data = bytes != NULL ? g_bytes_get_data (bytes, &length) : NULL;
  if (call->caller == NULL)
    {
      call_free (call);
      return;
    }
  text = length > 0 ? elves_utf8_clean (data, length, G_MAXSIZE, NULL) : g_strdup ("");
  end_try (call, soup_message_get_status (call->message), text);
}

static void
fail_try (Call *call, const GError *error)
{
  g_autofree char *text = call->timed_out ? g_strdup_printf ("no answer within %u s from %s",
                                                             call->timeout_s, call->url)
                                          : g_strdup_printf ("%s: %s", call->url, error->message);
  end_try (call, 0, text);
}

static void
on_sent (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Call *call = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GInputStream) stream =
      soup_session_send_finish (SOUP_SESSION (source), result, &error);
  if (call->caller == NULL)
    call_free (call);
  else if (stream == NULL)
    fail_try (call, error);
  else
    g_input_stream_read_bytes_async (stream, MAX (call->caller->options.max_answer_bytes, 1),
                                     G_PRIORITY_DEFAULT, call->cancellable, on_read, call);
}

static void
on_timed_out (ElvesDeadline *deadline, gpointer user_data)
{
  Call *call = user_data;
  call->timed_out = TRUE;
  g_cancellable_cancel (call->cancellable);
}

static void
add_headers (SoupMessage *message, const Call *call)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  SoupMessageHeaders *headers = soup_message_get_request_headers (message);
  JsonObject *object = *call->headers != '\0' ? parse_headers (call->headers, parser) : NULL;
  JsonObjectIter iter;
  const char *name;
  JsonNode *node;
  soup_message_headers_replace (headers, KEY_HEADER, call->key);
  if (object == NULL)
    return;
  json_object_iter_init (&iter, object);
  while (json_object_iter_next (&iter, &name, &node))
    if (is_header (name, node))
      soup_message_headers_replace (headers, name, json_node_get_string (node));
}

static void
send (Call *call)
{
  ElvesCronCaller *self = call->caller;
  SoupMessage *message = soup_message_new (call->method, call->url);
  call->message = message;
  call->timed_out = FALSE;
  call->begun_us = g_get_monotonic_time ();
  call->cancellable = g_cancellable_new ();
  elves_cron_metrics.callbacks++;
  self->active++;
  soup_message_add_flags (message, SOUP_MESSAGE_NO_REDIRECT);
  if (g_bytes_get_size (call->body) > 0)
    soup_message_set_request_body_from_bytes (
        message, *call->content_type != '\0' ? call->content_type : DEFAULT_CONTENT_TYPE,
        call->body);
  add_headers (message, call);
  elves_deadlines_arm (self->deadlines, &call->deadline,
                       call->begun_us + call->timeout_s * (gint64) G_USEC_PER_SEC, on_timed_out,
                       call);
  soup_session_send_async (self->session, message, G_PRIORITY_DEFAULT, call->cancellable, on_sent,
                           call);
}

static void
send_next (ElvesCronCaller *self)
{
  while (self->active < self->options.max_concurrent && !g_queue_is_empty (&self->waiting))
    send (g_queue_pop_head (&self->waiting));
}

/* ---- from start to end ---------------------------------------------------------------------- */

ElvesCronCaller *
elves_cron_caller_new (const ElvesCronCallerOptions *options)
{
  ElvesCronCaller *self = g_new0 (ElvesCronCaller, 1);
  self->options = *options;
  self->deadlines = elves_deadlines_new ();
  /* No proxy: a daemon calls whom its task names, whatever its environment says. */
  self->session = soup_session_new_with_options (
      "max-conns", (int) options->max_concurrent, "max-conns-per-host",
      (int) MIN (options->max_per_host, options->max_concurrent), "user-agent",
      "elves-cron/" ELVES_VERSION, "proxy-resolver", NULL, NULL);
  return self;
}

/* A call whose try is under way is freed when that has come back, cancelled. */
static void
give_up (ElvesCronCaller *self, Call *call)
{
  elves_deadlines_disarm (self->deadlines, &call->deadline);
  call->caller = NULL;
  if (call->message != NULL)
    g_cancellable_cancel (call->cancellable);
  else
    call_free (call);
}

/**
 * elves_cron_caller_free:
 * @self: (nullable): calls under way are cut off; nobody hears of them
 */
void
elves_cron_caller_free (ElvesCronCaller *self)
{
  GList *place;
  if (self == NULL)
    return;
  g_queue_clear (&self->waiting);
  while ((place = g_queue_pop_head_link (&self->calls)) != NULL)
    give_up (self, place->data);
  soup_session_abort (self->session);
  g_object_unref (self->session);
  elves_deadlines_free (self->deadlines);
  g_free (self);
}

/**
 * elves_cron_caller_call:
 * @call: copied; its URL, method and headers were checked
 * @done: from the loop, after the last try
 */
void
elves_cron_caller_call (ElvesCronCaller *self,
                        const ElvesCronCall *call,
                        ElvesCronAnswerFunc done,
                        gpointer user_data)
{
  Call *copy = g_new0 (Call, 1);
  copy->caller = self;
  copy->url = g_strdup (call->url);
  copy->method = g_strdup (call->method);
  copy->content_type = g_strdup (call->content_type);
  copy->headers = g_strdup (call->headers);
  copy->key = g_strdup (call->key);
  copy->body = g_bytes_new (call->body, strlen (call->body));
  copy->timeout_s = call->timeout_s;
  copy->retries = call->retries;
  copy->done = done;
  copy->user_data = user_data;
  copy->place.data = copy;
  g_queue_push_tail_link (&self->calls, &copy->place);
  g_queue_push_tail (&self->waiting, copy);
  send_next (self);
}
