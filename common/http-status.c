/* The HTTP side of a daemon's status.
 *
 *   thread: accept -> whole request -> ask the main loop -> wait -> answer, close
 *
 * One request is answered at a time, and the wait for the main loop has a limit; what else connects
 * meanwhile waits its turn. A connection that has neither sent its request nor taken its answer
 * after CONNECTION_LIFE_S is cut, however slowly it goes on.
 *
 * libevent was chosen by its memory: it adds less than half a megabyte to a daemon that is idle,
 * libmicrohttpd (with its TLS library) 2.7, and civetweb needs up to two seconds to stop.
 */
#include "common/http-status.h"

#include "common/address-list.h"
#include "common/json-writer.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <event2/util.h>
#include <gio/gio.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 16
#define MAX_CONNECTIONS 16
#define MAX_HEADER_BYTES 8192
#define SILENCE_S 5          /* a connection that moves nothing for longer is closed */
#define CONNECTION_LIFE_S 15 /* or one that is older, whatever it moves */
#define SWEEP_MS 100
#define LOOP_TIMEOUT_MS 2000

typedef enum
{
  PAGE_METRICS,
  PAGE_HEALTH
} Page;

/* What the thread asks of the main loop; guarded by the lock of its server. */
typedef struct
{
  gatomicrefcount references;
  ElvesHttpStatus *server;
  Page page;
  GString *body;
  gboolean healthy, answered;
} Question;

/* A connection, alive as long as evhttp keeps its callbacks on it. */
typedef struct
{
  struct bufferevent *stream; /* (nullable) a reference of ours */
  gint64 since_us;
} Place;

struct ElvesHttpStatus
{
  ElvesAddressList *allowed;
  ElvesHttpStatusCallbacks callbacks;
  gpointer user_data;
  GMainContext *context;
  guint16 port;
  gint64 loop_timeout_us;
  int wake_fd;
  GThread *thread;

  GMutex lock; /* guards closing and the question under way */
  GCond answered;
  gboolean closing;

  /* thread */
  struct event_base *base;
  struct evhttp *http;
  struct evconnlistener *listener;
  struct event *wake, *sweep;
  Place places[MAX_CONNECTIONS];
};

/* --- on the main loop ------------------------------------------------------------------------ */

static void
question_unref (gpointer data)
{
  Question *question = data;

  if (!g_atomic_ref_count_dec (&question->references))
    return;
  g_string_free (question->body, TRUE);
  g_free (question);
}

static gboolean
on_asked (gpointer user_data)
{
  Question *question = user_data;
  ElvesHttpStatus *self = question->server;
  GString *body = g_string_new (NULL);
  gboolean healthy = TRUE;

  g_mutex_lock (&self->lock);
  gboolean closing = self->closing;
  g_mutex_unlock (&self->lock);
  if (!closing && question->page == PAGE_METRICS)
    self->callbacks.metrics (body, self->user_data);
  else if (!closing)
    healthy = self->callbacks.health (body, self->user_data);

  g_mutex_lock (&self->lock);
  g_string_append_len (question->body, body->str, (gssize) body->len);
  question->healthy = healthy;
  question->answered = TRUE;
  g_cond_signal (&self->answered);
  g_mutex_unlock (&self->lock);
  g_string_free (body, TRUE);
  return G_SOURCE_REMOVE;
}

/* --- on the thread: answers ------------------------------------------------------------------ */

/* FALSE: the main loop did not answer, or the server is being closed. */
static gboolean
ask (ElvesHttpStatus *self, Question *question)
{
  gint64 until_us = g_get_monotonic_time () + self->loop_timeout_us;
  g_autoptr (GSource) source = g_idle_source_new ();

  g_atomic_ref_count_inc (&question->references);
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, on_asked, question, question_unref);
  g_source_attach (source, self->context);

  g_mutex_lock (&self->lock);
  while (!question->answered && !self->closing &&
         g_cond_wait_until (&self->answered, &self->lock, until_us))
    ;
  gboolean answered = question->answered;
  g_mutex_unlock (&self->lock);
  if (!answered)
    g_source_destroy (source);
  return answered;
}

static void
send_text (struct evhttp_request *request, int status, const char *type, const char *text)
{
  struct evbuffer *body = evhttp_request_get_output_buffer (request);
  struct evkeyvalq *headers = evhttp_request_get_output_headers (request);

  evhttp_add_header (headers, "Content-Type", type);
  evhttp_add_header (headers, "Cache-Control", "no-store");
  evhttp_add_header (headers, "Connection", "close");
  if (evhttp_request_get_command (request) != EVHTTP_REQ_HEAD)
    evbuffer_add (body, text, strlen (text));
  evhttp_send_reply (request, status, NULL, NULL);
}

static void
answer (ElvesHttpStatus *self, struct evhttp_request *request, Page page)
{
  static const char *const types[] = {
    [PAGE_METRICS] = "text/plain; version=0.0.4; charset=utf-8", [PAGE_HEALTH] = "application/json"
  };
  Question *question = g_new0 (Question, 1);

  g_atomic_ref_count_init (&question->references);
  question->server = self;
  question->page = page;
  question->body = g_string_new (NULL);
  if (!ask (self, question))
    send_text (request, HTTP_SERVUNAVAIL, "application/json",
               "{\"status\":\"failing\",\"problem\":\"the main loop does not answer\"}\n");
  else
    send_text (request, question->healthy ? HTTP_OK : HTTP_SERVUNAVAIL, types[page],
               question->body->str);
  question_unref (question);
}

static gboolean
is_allowed (const ElvesHttpStatus *self, struct evhttp_request *request)
{
  char *peer = NULL;
  ev_uint16_t port = 0;

  if (elves_address_list_is_empty (self->allowed))
    return TRUE; /* then it listens on loopback only */
  evhttp_connection_get_peer (evhttp_request_get_connection (request), &peer, &port);
  g_autoptr (GInetAddress) address = peer != NULL ? g_inet_address_new_from_string (peer) : NULL;
  return address != NULL && elves_address_list_contains (self->allowed, address);
}

static void
on_request (struct evhttp_request *request, void *data)
{
  ElvesHttpStatus *self = data;
  const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri (request);
  const char *path = uri != NULL ? evhttp_uri_get_path (uri) : NULL;

  if (!is_allowed (self, request))
    send_text (request, 403, "text/plain", "this address is not in metrics.authips\n");
  else if (g_strcmp0 (path, "/metrics") == 0)
    answer (self, request, PAGE_METRICS);
  else if (g_strcmp0 (path, "/healthz") == 0)
    answer (self, request, PAGE_HEALTH);
  else
    send_text (request, HTTP_NOTFOUND, "text/plain", "there are /metrics and /healthz\n");
}

/* --- on the thread: connections -------------------------------------------------------------- */

/* evhttp takes its callbacks off what it lets go of. */
static gboolean
is_let_go (struct bufferevent *stream)
{
  bufferevent_data_cb on_read, on_write;
  bufferevent_event_cb on_event;

  bufferevent_getcb (stream, &on_read, &on_write, &on_event, NULL);
  return on_read == NULL && on_write == NULL && on_event == NULL;
}

static gboolean
is_too_old (const Place *place)
{
  return g_get_monotonic_time () - place->since_us > CONNECTION_LIFE_S * G_USEC_PER_SEC;
}

static guint
sweep (ElvesHttpStatus *self)
{
  guint in_use = 0;

  for (guint i = 0; i < MAX_CONNECTIONS; i++)
    {
      Place *place = &self->places[i];

      if (place->stream == NULL)
        continue;
      if (is_let_go (place->stream))
        {
          bufferevent_decref (place->stream);
          place->stream = NULL;
          continue;
        }
      in_use++;
      if (is_too_old (place))
        shutdown (bufferevent_getfd (place->stream), SHUT_RDWR); /* evhttp sees its end */
    }
  return in_use;
}

static void
on_sweep (evutil_socket_t fd, short what, void *data)
{
  ElvesHttpStatus *self = data;
  guint in_use = sweep (self);

  if (in_use < MAX_CONNECTIONS)
    evconnlistener_enable (self->listener);
  if (in_use == 0)
    event_del (self->sweep);
}

/* evhttp asks for the stream of a connection it has just accepted. */
static struct bufferevent *
on_accepted (struct event_base *base, void *data)
{
  static const struct timeval interval = { .tv_usec = SWEEP_MS * 1000 };
  ElvesHttpStatus *self = data;
  struct bufferevent *stream = bufferevent_socket_new (base, -1, 0);
  guint in_use = sweep (self);

  if (stream == NULL)
    return NULL;
  for (guint i = 0; i < MAX_CONNECTIONS; i++)
    if (self->places[i].stream == NULL)
      {
        bufferevent_incref (stream);
        self->places[i].stream = stream;
        self->places[i].since_us = g_get_monotonic_time ();
        break;
      }
  if (in_use + 1 >= MAX_CONNECTIONS)
    evconnlistener_disable (self->listener);
  event_add (self->sweep, &interval);
  return stream;
}

static void
on_wake (evutil_socket_t fd, short what, void *data)
{
  ElvesHttpStatus *self = data;

  event_base_loopbreak (self->base);
}

static gpointer
run (gpointer data)
{
  ElvesHttpStatus *self = data;
  sigset_t all;

  sigfillset (&all); /* signals are the main thread's */
  pthread_sigmask (SIG_BLOCK, &all, NULL);
  event_base_dispatch (self->base);
  return NULL;
}

/* --- beginning and end ----------------------------------------------------------------------- */

static GSocket *
open_listener (const char *host, guint16 port, guint16 *out_port, GError **error)
{
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new_from_string (host, port);
  g_autoptr (GSocket) socket = NULL;
  g_autoptr (GSocketAddress) bound = NULL;

  if (address == NULL)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "it is no address");
      return NULL;
    }
  socket = g_socket_new (g_socket_address_get_family (address), G_SOCKET_TYPE_STREAM,
                         G_SOCKET_PROTOCOL_TCP, error);
  if (socket == NULL)
    return NULL;
  g_socket_set_listen_backlog (socket, BACKLOG);
  g_socket_set_blocking (socket, FALSE);
  if (!g_socket_bind (socket, address, TRUE, error) || !g_socket_listen (socket, error))
    return NULL;
  bound = g_socket_get_local_address (socket, error);
  if (bound == NULL)
    return NULL;
  *out_port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound));
  return g_steal_pointer (&socket);
}

static void
set_limits (struct evhttp *http)
{
  evhttp_set_timeout (http, SILENCE_S);
  evhttp_set_max_headers_size (http, MAX_HEADER_BYTES);
  evhttp_set_max_body_size (http, 0);
  evhttp_set_allowed_methods (http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
  evhttp_set_default_content_type (http, NULL);
}

/* Out of memory is the only way this fails: then it aborts, as GLib does. */
static void
serve (ElvesHttpStatus *self, GSocket *socket)
{
  int fd = dup (g_socket_get_fd (socket));
  struct event_config *config = event_config_new ();

  evutil_make_socket_closeonexec (fd);
  event_config_set_flag (config, EVENT_BASE_FLAG_NOLOCK);
  self->base = event_base_new_with_config (config);
  event_config_free (config);
  self->http = evhttp_new (self->base);
  self->listener = evconnlistener_new (self->base, NULL, NULL,
                                       LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
  self->wake_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  g_assert (self->http != NULL && self->listener != NULL && self->wake_fd >= 0);
  self->wake = event_new (self->base, self->wake_fd, EV_READ, on_wake, self);
  self->sweep = event_new (self->base, -1, EV_PERSIST, on_sweep, self);
  event_add (self->wake, NULL);
  set_limits (self->http);
  evhttp_set_bevcb (self->http, on_accepted, self);
  evhttp_set_gencb (self->http, on_request, self);
  evhttp_bind_listener (self->http, self->listener); /* takes the listener */
}

static void
on_libevent_log (int severity, const char *message)
{
  g_debug ("libevent: %s", message);
}

/**
 * elves_http_status_new:
 * @options: where to listen, and for whom
 * @callbacks: what is said
 * @user_data: for @callbacks
 *
 * Returns: (transfer full): a server that listens
 * Errors: %ELVES_ERROR_CONFIG for a bad list of addresses; of GIO, when it cannot listen there
 */
ElvesHttpStatus *
elves_http_status_new (const ElvesHttpStatusOptions *options,
                       const ElvesHttpStatusCallbacks *callbacks,
                       gpointer user_data,
                       GError **error)
{
  guint16 bound_port = 0;
  g_autoptr (ElvesAddressList) allowed = elves_address_list_parse (options->allowed, error);
  g_autoptr (GSocket) socket = NULL;

  if (allowed == NULL)
    return NULL;
  socket = open_listener (options->host, options->port, &bound_port, error);
  if (socket == NULL)
    {
      g_prefix_error (error, "Cannot listen on %s port %u: ", options->host, options->port);
      return NULL;
    }
  event_set_log_callback (on_libevent_log);
  ElvesHttpStatus *self = g_new0 (ElvesHttpStatus, 1);
  self->allowed = g_steal_pointer (&allowed);
  self->callbacks = *callbacks;
  self->user_data = user_data;
  self->port = bound_port;
  self->loop_timeout_us =
      (options->loop_timeout_ms > 0 ? options->loop_timeout_ms : LOOP_TIMEOUT_MS) *
      G_GINT64_CONSTANT (1000);
  self->context = g_main_context_ref_thread_default ();
  g_mutex_init (&self->lock);
  g_cond_init (&self->answered);
  serve (self, socket);
  self->thread = g_thread_new ("http-status", run, self);
  return self;
}

static void
stop_thread (ElvesHttpStatus *self)
{
  guint64 one = 1;

  g_mutex_lock (&self->lock);
  self->closing = TRUE;
  g_cond_signal (&self->answered);
  g_mutex_unlock (&self->lock);
  if (write (self->wake_fd, &one, sizeof one) < 0)
    g_critical ("an eventfd does not take a one: %s", g_strerror (errno));
  g_thread_join (self->thread);
}

/**
 * elves_http_status_serve:
 * @options: copied; an empty host: switched off
 * @callbacks: copied
 *
 * As elves_http_status_new(), for a daemon, which works with or without its status: what keeps it
 * from being served is logged.
 *
 * Returns: (transfer full) (nullable): a server, or %NULL when it is off or cannot be
 */
ElvesHttpStatus *
elves_http_status_serve (const ElvesHttpStatusOptions *options,
                         const ElvesHttpStatusCallbacks *callbacks,
                         gpointer user_data)
{
  if (*options->host == '\0')
    return NULL;
  g_autoptr (GError) error = NULL;
  ElvesHttpStatus *self = elves_http_status_new (options, callbacks, user_data, &error);
  if (self == NULL)
    g_warning ("no status is served: %s", error->message);
  else
    g_message ("serving status address=%s port=%u", options->host, elves_http_status_port (self));
  return self;
}

/**
 * elves_http_status_free:
 * @self: (nullable): a server; open connections are closed
 */
void
elves_http_status_free (ElvesHttpStatus *self)
{
  if (self == NULL)
    return;

  stop_thread (self);
  evhttp_free (self->http); /* and the listener */
  sweep (self);
  event_free (self->wake);
  event_free (self->sweep);
  event_base_free (self->base);
  close (self->wake_fd);
  elves_address_list_free (self->allowed);
  g_main_context_unref (self->context);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->answered);
  g_free (self);
}

/**
 * elves_http_status_port:
 * @self: a server
 *
 * Returns: the port it listens on
 */
guint16
elves_http_status_port (const ElvesHttpStatus *self)
{
  return self->port;
}

/**
 * elves_http_status_write_health:
 * @out: where it is appended
 * @name: of the daemon
 * @problems: (element-type utf8): what is wrong
 *
 * Returns: whether @problems is empty
 */
gboolean
elves_http_status_write_health (GString *out, const char *name, const GPtrArray *problems)
{
  elves_json_open (out, NULL);
  elves_json_add_text (out, "status", problems->len == 0 ? "ok" : "failing");
  elves_json_add_text (out, "daemon", name);
  elves_json_add_text (out, "version", ELVES_VERSION);
  if (problems->len > 0)
    {
      GString *joined = g_string_new (problems->pdata[0]);
      for (guint i = 1; i < problems->len; i++)
        g_string_append_printf (joined, "; %s", (const char *) problems->pdata[i]);
      elves_json_add_text (out, "problem", joined->str);
      g_string_free (joined, TRUE);
    }
  elves_json_close (out);
  g_string_append_c (out, '\n');
  return problems->len == 0;
}
