/* How a connection comes to be.
 *
 * A daemon may have to reach ten thousand agents at once. GSocketClient costs as much as the call
 * that follows, and a timer and a polled descriptor of the main context for each attempt; an
 * address needs none of that: one system call, one watch, one deadline. A name is left to GIO, with
 * its resolver's threads. */
#include "common/dial.h"

#include "common/deadlines.h"
#include "common/error.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <sys/socket.h>
#include <unistd.h>

struct ElvesDial
{
  ElvesPoller *poller;
  ElvesDialFunc func; /* NULL: cancelled; only while GIO has not answered */
  gpointer user_data;
  guint timeout_ms;
  ElvesDeadline deadline;
  char *host;
  int fd;             /* -1: a name, or handed over */
  ElvesWatch *watch;  /* (nullable) an address */
  int error_number;   /* of connect() itself */
  ElvesDeferred fail; /* tells it */
  GCancellable *cancellable;
};

/* From now on it does not know its poller, which may go. */
static void
leave_poller (ElvesDial *self)
{
  elves_deadlines_disarm (elves_poller_deadlines (self->poller), &self->deadline);
  g_clear_pointer (&self->watch, elves_watch_remove);
  elves_poller_cancel_deferred (self->poller, &self->fail);
}

static void
dial_free (ElvesDial *self)
{
  if (self->fd >= 0)
    close (self->fd);
  g_clear_object (&self->cancellable);
  g_free (self->host);
  g_free (self);
}

/* Takes @self. */
static void
end (ElvesDial *self, const GError *error)
{
  ElvesDialFunc func = self->func;
  gpointer user_data = self->user_data;
  int fd = error == NULL ? self->fd : -1;
  if (error == NULL)
    self->fd = -1;
  leave_poller (self);
  dial_free (self);
  func (fd, error, user_data);
}

static void
fail (ElvesDial *self, ElvesError code, const char *text)
{
  g_autoptr (GError) error = g_error_new_literal (ELVES_ERROR, code, text);
  end (self, error);
}

static void
fail_by_number (ElvesDial *self, int error_number)
{
  g_autofree char *text =
      g_strdup_printf ("Could not connect to %s: %s", self->host, g_strerror (error_number));
  ElvesError code = error_number == ECONNREFUSED ? ELVES_ERROR_REFUSED
                    : error_number == ETIMEDOUT  ? ELVES_ERROR_TIMEOUT
                                                 : ELVES_ERROR_UNAVAILABLE;
  fail (self, code, text);
}

static void
on_due (ElvesDeadline *deadline, gpointer user_data)
{
  ElvesDial *self = user_data;
  ElvesDialFunc func = self->func;
  gpointer func_data = self->user_data;
  g_autoptr (GError) error = g_error_new (ELVES_ERROR, ELVES_ERROR_TIMEOUT,
                                          "Not connected within %u ms", self->timeout_ms);
  elves_dial_cancel (self);
  func (-1, error, func_data);
}

/* --- to an address --------------------------------------------------------------------------- */

static void
on_ready (int fd, GIOCondition condition, gpointer user_data)
{
  ElvesDial *self = user_data;
  int error_number = 0;
  socklen_t length = sizeof error_number;
  getsockopt (fd, SOL_SOCKET, SO_ERROR, &error_number, &length);
  if (error_number != 0)
    fail_by_number (self, error_number);
  else
    end (self, NULL);
}

static void
on_refused_at_once (gpointer user_data)
{
  ElvesDial *self = user_data;
  fail_by_number (self, self->error_number);
}

static void
fail_later (ElvesDial *self, int error_number)
{
  self->error_number = error_number;
  self->fail = (ElvesDeferred){ .func = on_refused_at_once, .user_data = self };
  elves_poller_defer (self->poller, &self->fail);
}

static void
dial_address (ElvesDial *self, GSocketAddress *address)
{
  struct sockaddr_storage native;
  gssize length = g_socket_address_get_native_size (address);
  if (!g_socket_address_to_native (address, &native, sizeof native, NULL))
    {
      fail_later (self, EAFNOSUPPORT);
      return;
    }
  self->fd = socket (native.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (self->fd < 0 || (connect (self->fd, (struct sockaddr *) &native, (socklen_t) length) < 0 &&
                       errno != EINPROGRESS))
    fail_later (self, errno);
  else
    self->watch = elves_poller_watch (self->poller, self->fd, G_IO_OUT, on_ready, self);
}

/* --- to a name ------------------------------------------------------------------------------- */

/* The connection's own descriptor goes with it. */
static int
take_descriptor (GSocketConnection *connection)
{
  return fcntl (g_socket_get_fd (g_socket_connection_get_socket (connection)), F_DUPFD_CLOEXEC, 0);
}

static ElvesError
code_of (const GError *error)
{
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED))
    return ELVES_ERROR_REFUSED;
  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT) ? ELVES_ERROR_TIMEOUT
                                                                   : ELVES_ERROR_UNAVAILABLE;
}

static void
on_connected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  ElvesDial *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocketConnection) connection =
      g_socket_client_connect_to_host_finish (G_SOCKET_CLIENT (source), result, &error);
  if (self->func == NULL)
    dial_free (self);
  else if (connection == NULL)
    fail (self, code_of (error), error->message);
  else if ((self->fd = take_descriptor (connection)) < 0)
    fail_by_number (self, errno);
  else
    end (self, NULL);
}

static void
dial_name (ElvesDial *self, guint16 port)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketConnectable) address = g_network_address_new (self->host, port);
  self->cancellable = g_cancellable_new ();
  g_socket_client_set_enable_proxy (client, FALSE);
  g_socket_client_connect_async (client, address, self->cancellable, on_connected, self);
}

/* --------------------------------------------------------------------------------------------- */

/**
 * elves_dial_new:
 * @poller: where its socket is watched
 * @host: a name or an address
 * @timeout_ms: resolving included
 * @func: is told how it ended
 * @user_data: for @func
 *
 * Returns: (transfer none): until @func is called, or it is cancelled
 */
ElvesDial *
elves_dial_new (ElvesPoller *poller,
                const char *host,
                guint16 port,
                guint timeout_ms,
                ElvesDialFunc func,
                gpointer user_data)
{
  ElvesDial *self = g_new0 (ElvesDial, 1);
  self->poller = poller;
  self->host = g_strdup (host);
  self->timeout_ms = timeout_ms;
  self->func = func;
  self->user_data = user_data;
  self->fd = -1;
  elves_deadlines_arm (elves_poller_deadlines (poller), &self->deadline,
                       g_get_monotonic_time () + timeout_ms * G_GINT64_CONSTANT (1000), on_due,
                       self);
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new_from_string (host, port);
  if (address != NULL)
    dial_address (self, address);
  else
    dial_name (self, port);
  return self;
}

/**
 * elves_dial_cancel:
 * @self: (nullable): is over, and @func is not called any more
 */
void
elves_dial_cancel (ElvesDial *self)
{
  if (self == NULL)
    return;
  leave_poller (self);
  self->func = NULL;
  if (self->cancellable != NULL)
    g_cancellable_cancel (self->cancellable);
  else
    dial_free (self);
}
