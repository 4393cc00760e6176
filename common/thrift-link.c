/* Thrift link: one connection on the main loop, as client or as server.
 *
 * States: connecting, open, closed. The end is reported once, from the loop. A peer that has shut
 * down its sending side still gets its answers: the end waits until the output has left.
 *
 * Not here: how bytes move (thrift-link-io.c), what the messages say, reconnecting, idle times.
 * Main thread only. */
#include "common/thrift-link-private.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

/* Pausing alone changes nothing, so that a call that is answered within the turn costs no system
   call; only bytes that come meanwhile do. */
static void
update_events (ElvesThriftLink *self)
{
  GIOCondition events = 0;
  if (elves_thrift_link_is_reading (self) || !self->stalled)
    events |= G_IO_IN;
  if (elves_thrift_link_output_pending (self) > 0)
    events |= G_IO_OUT;
  elves_watch_set_events (self->watch, events);
}

/* ---- The end ---- */

static void
release_socket (ElvesThriftLink *self)
{
  g_clear_pointer (&self->watch, elves_watch_remove);
  elves_poller_cancel_deferred (self->poller, &self->turn_end);
  if (self->socket)
    g_socket_close (self->socket, NULL);
  g_clear_object (&self->connection);
  g_clear_object (&self->socket);
  g_clear_pointer (&self->partial, g_byte_array_unref);
  g_clear_pointer (&self->backlog, g_byte_array_unref);
}

static void
abandon_attempt (ElvesThriftLink *self)
{
  ElvesLinkAttempt *attempt = g_steal_pointer (&self->attempt);
  if (!attempt)
    return;
  attempt->link = NULL;
  g_clear_handle_id (&attempt->timer_id, g_source_remove);
  g_cancellable_cancel (attempt->cancellable);
}

/* Last of all: the link may be gone afterwards. */
static void
close_link (ElvesThriftLink *self)
{
  g_autoptr (GError) error = g_steal_pointer (&self->failure);
  self->state = ELVES_LINK_CLOSED;
  abandon_attempt (self);
  release_socket (self);
  self->callbacks.closed (self, error, self->user_data);
}

/* ---- Turns of the loop ---- */

static void
check_output_limit (ElvesThriftLink *self)
{
  if (elves_thrift_link_output_pending (self) > self->options.output_limit_bytes)
    elves_thrift_link_set_failure (self, ELVES_ERROR_BUSY,
                                   "The peer does not take what is sent to it", 0);
}

/* After anything that may have changed what we wait for. The link may be gone afterwards. */
static void
settle (ElvesThriftLink *self)
{
  if (self->state == ELVES_LINK_OPEN && self->failure)
    elves_thrift_link_write_some (self); /* answers to what came before it */
  if (self->failure || (self->finishing && self->state == ELVES_LINK_OPEN &&
                        elves_thrift_link_output_pending (self) == 0))
    close_link (self);
  else if (self->state == ELVES_LINK_OPEN)
    update_events (self);
}

static void
write_out (ElvesThriftLink *self)
{
  elves_thrift_link_write_some (self);
  if (self->callbacks.drained && !self->failure && elves_thrift_link_output_pending (self) == 0)
    self->callbacks.drained (self, self->user_data);
}

static void
on_turn_ended (gpointer user_data)
{
  ElvesThriftLink *self = user_data;
  if (self->state == ELVES_LINK_OPEN)
    {
      if (!elves_thrift_link_take_backlog (self))
        return;
      write_out (self);
    }
  check_output_limit (self);
  settle (self);
}

static void
on_socket_ready (int fd, GIOCondition condition, gpointer user_data)
{
  ElvesThriftLink *self = user_data;
  if (!elves_thrift_link_take_backlog (self))
    return;
  if (elves_thrift_link_is_reading (self))
    {
      if ((condition & ~G_IO_OUT) && !elves_thrift_link_read_some (self))
        return;
    }
  else
    {
      self->stalled |= (condition & G_IO_IN) != 0;
      if (condition & (G_IO_HUP | G_IO_ERR))
        elves_thrift_link_set_failure (self, ELVES_ERROR_UNAVAILABLE, "The peer is gone", 0);
    }
  if (condition & G_IO_OUT)
    {
      write_out (self);
      if (self->backlog && elves_thrift_link_is_reading (self))
        elves_poller_defer (self->poller, &self->turn_end);
    }
  if (!self->turn_end.queued || self->failure)
    settle (self);
}

/* ---- Opening ---- */

static ElvesThriftLink *
link_new (ElvesPoller *poller,
          const ElvesThriftLinkOptions *options,
          const ElvesThriftLinkCallbacks *callbacks,
          gpointer user_data)
{
  ElvesThriftLink *self = g_new0 (ElvesThriftLink, 1);
  self->poller = poller;
  self->options = *options;
  self->callbacks = *callbacks;
  self->user_data = user_data;
  self->fd = -1;
  self->scan = elves_thrift_scan_new (&options->limits);
  self->turn_end.func = on_turn_ended;
  self->turn_end.user_data = self;
  self->last_activity_us = g_get_monotonic_time ();
  return self;
}

static void
open_socket (ElvesThriftLink *self, GSocket *socket)
{
  int on = 1;
  self->socket = g_object_ref (socket);
  self->fd = g_socket_get_fd (socket);
  setsockopt (self->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  self->state = ELVES_LINK_OPEN;
  self->last_activity_us = g_get_monotonic_time ();
  self->watch = elves_poller_watch (self->poller, self->fd, G_IO_IN, on_socket_ready, self);
}

static void
attempt_free (ElvesLinkAttempt *attempt)
{
  g_clear_handle_id (&attempt->timer_id, g_source_remove);
  g_object_unref (attempt->cancellable);
  g_free (attempt);
}

static void
fail_connecting (ElvesThriftLink *self, const GError *cause, gboolean timed_out)
{
  ElvesError code = ELVES_ERROR_UNAVAILABLE;
  if (timed_out || g_error_matches (cause, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
    code = ELVES_ERROR_TIMEOUT;
  else if (g_error_matches (cause, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED))
    code = ELVES_ERROR_REFUSED;
  if (timed_out)
    self->failure = g_error_new (ELVES_ERROR, code, "Not connected within %u ms",
                                 self->options.connect_timeout_ms);
  else
    self->failure = g_error_new_literal (ELVES_ERROR, code, cause->message);
  close_link (self);
}

static void
on_connected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  ElvesLinkAttempt *attempt = user_data;
  ElvesThriftLink *self = attempt->link;
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocketConnection) connection =
      g_socket_client_connect_to_host_finish (G_SOCKET_CLIENT (source), result, &error);
  gboolean timed_out = attempt->timed_out;
  attempt_free (attempt);
  if (!self)
    return;
  self->attempt = NULL;
  if (!connection)
    {
      fail_connecting (self, error, timed_out);
      return;
    }
  self->connection = g_steal_pointer (&connection);
  open_socket (self, g_socket_connection_get_socket (self->connection));
  if (elves_thrift_link_output_pending (self) > 0 || self->finishing)
    elves_poller_defer (self->poller, &self->turn_end);
  if (self->callbacks.opened)
    self->callbacks.opened (self, self->user_data);
}

static gboolean
on_connect_timed_out (gpointer user_data)
{
  ElvesLinkAttempt *attempt = user_data;
  attempt->timer_id = 0;
  attempt->timed_out = TRUE;
  g_cancellable_cancel (attempt->cancellable);
  return G_SOURCE_REMOVE;
}

/**
 * elves_thrift_link_connect:
 * @host: a name or an address
 * @options: copied; the connect timeout covers resolving the name
 * @callbacks: copied
 *
 * Returns: (transfer full): a link that connects; messages may be appended at once
 */
ElvesThriftLink *
elves_thrift_link_connect (ElvesPoller *poller,
                           const char *host,
                           guint16 port,
                           const ElvesThriftLinkOptions *options,
                           const ElvesThriftLinkCallbacks *callbacks,
                           gpointer user_data)
{
  ElvesThriftLink *self = link_new (poller, options, callbacks, user_data);
  ElvesLinkAttempt *attempt = g_new0 (ElvesLinkAttempt, 1);
  attempt->link = self;
  attempt->cancellable = g_cancellable_new ();
  attempt->timer_id = g_timeout_add (options->connect_timeout_ms, on_connect_timed_out, attempt);
  self->attempt = attempt;

  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_socket_client_set_enable_proxy (client, FALSE);
  g_autoptr (GSocketConnectable) address = g_network_address_new (host, port);
  g_socket_client_connect_async (client, address, attempt->cancellable, on_connected, attempt);
  return self;
}

/**
 * elves_thrift_link_accept:
 * @socket: connected; a reference is taken, and it is closed with the link
 * @options: copied
 * @callbacks: copied; opened() is not called
 *
 * Returns: (transfer full): an open link
 */
ElvesThriftLink *
elves_thrift_link_accept (ElvesPoller *poller,
                          GSocket *socket,
                          const ElvesThriftLinkOptions *options,
                          const ElvesThriftLinkCallbacks *callbacks,
                          gpointer user_data)
{
  ElvesThriftLink *self = link_new (poller, options, callbacks, user_data);
  open_socket (self, socket);
  return self;
}

/**
 * elves_thrift_link_free:
 * @self: (nullable): closes the connection without a callback; what has not been sent is lost
 */
void
elves_thrift_link_free (ElvesThriftLink *self)
{
  if (!self)
    return;
  if (self->taking)
    {
      self->freed = TRUE;
      return;
    }
  abandon_attempt (self);
  release_socket (self);
  g_clear_pointer (&self->output, g_byte_array_unref);
  g_clear_error (&self->failure);
  elves_thrift_scan_free (self->scan);
  g_free (self);
}

/* ---- The user's side ---- */

/**
 * elves_thrift_link_output:
 *
 * Returns: (transfer none): append whole messages, then call elves_thrift_link_flush(); valid until
 *   the loop turns
 */
GByteArray *
elves_thrift_link_output (ElvesThriftLink *self)
{
  if (!self->output)
    self->output = g_byte_array_new ();
  return self->output;
}

/**
 * elves_thrift_link_flush:
 *
 * What was appended leaves at the end of this turn of the loop, or once the link is open.
 */
void
elves_thrift_link_flush (ElvesThriftLink *self)
{
  if (self->state != ELVES_LINK_CLOSED && !self->freed)
    elves_poller_defer (self->poller, &self->turn_end);
}

/**
 * elves_thrift_link_waiting_bytes:
 *
 * Returns: how much of what was appended has not been handed to the kernel
 */
gsize
elves_thrift_link_waiting_bytes (ElvesThriftLink *self)
{
  return elves_thrift_link_output_pending (self);
}

/**
 * elves_thrift_link_finish:
 *
 * Closes the link when everything appended has left. elves_thrift_link_free() remains allowed.
 */
void
elves_thrift_link_finish (ElvesThriftLink *self)
{
  self->finishing = TRUE;
  elves_thrift_link_flush (self);
}

/**
 * elves_thrift_link_pause:
 *
 * Hands up no further message, also of those that have come, until elves_thrift_link_resume().
 */
void
elves_thrift_link_pause (ElvesThriftLink *self)
{
  self->paused = TRUE;
}

/**
 * elves_thrift_link_resume:
 *
 * Messages that have come already are handed up from the loop, not from inside this.
 */
void
elves_thrift_link_resume (ElvesThriftLink *self)
{
  self->paused = FALSE;
  self->stalled = self->finishing;
  elves_thrift_link_flush (self);
}

/**
 * elves_thrift_link_last_activity_us:
 *
 * Returns: when the last byte came or left, in microseconds of the monotonic clock
 */
gint64
elves_thrift_link_last_activity_us (ElvesThriftLink *self)
{
  return self->last_activity_us;
}

/**
 * elves_thrift_link_in_message:
 *
 * Returns: whether a message has begun and not ended
 */
gboolean
elves_thrift_link_in_message (ElvesThriftLink *self)
{
  return self->partial != NULL;
}
