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
#include <unistd.h>

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
  if (self->fd >= 0)
    close (self->fd);
  self->fd = -1;
  g_clear_pointer (&self->partial, g_byte_array_unref);
  g_clear_pointer (&self->backlog, g_byte_array_unref);
}

/* Last of all: the link may be gone afterwards. */
static void
close_link (ElvesThriftLink *self)
{
  g_autoptr (GError) error = g_steal_pointer (&self->failure);
  self->state = ELVES_LINK_CLOSED;
  g_clear_pointer (&self->dial, elves_dial_cancel);
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

static gboolean
fill (ElvesThriftLink *self)
{
  return self->callbacks.fill && self->callbacks.fill (self, self->user_data);
}

static void
write_out (ElvesThriftLink *self)
{
  fill (self);
  do
    elves_thrift_link_write_some (self);
  while (!self->failure && elves_thrift_link_output_pending (self) == 0 && fill (self));
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

/* Takes @fd. */
static void
open_socket (ElvesThriftLink *self, int fd)
{
  int on = 1;
  self->fd = fd;
  setsockopt (self->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  self->state = ELVES_LINK_OPEN;
  self->last_activity_us = g_get_monotonic_time ();
  self->watch = elves_poller_watch (self->poller, self->fd, G_IO_IN, on_socket_ready, self);
}

static void
on_dialled (int fd, const GError *error, gpointer user_data)
{
  ElvesThriftLink *self = user_data;
  self->dial = NULL;
  if (error != NULL)
    {
      self->failure = g_error_copy (error);
      close_link (self);
      return;
    }
  open_socket (self, fd);
  if (elves_thrift_link_output_pending (self) > 0 || self->finishing)
    elves_poller_defer (self->poller, &self->turn_end);
  if (self->callbacks.opened)
    self->callbacks.opened (self, self->user_data);
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
  self->dial = elves_dial_new (poller, host, port, options->connect_timeout_ms, on_dialled, self);
  return self;
}

/**
 * elves_thrift_link_accept:
 * @fd: (transfer full): connected, does not block; it is closed with the link
 * @options: copied
 * @callbacks: copied; opened() is not called
 *
 * Returns: (transfer full): an open link
 */
ElvesThriftLink *
elves_thrift_link_accept (ElvesPoller *poller,
                          int fd,
                          const ElvesThriftLinkOptions *options,
                          const ElvesThriftLinkCallbacks *callbacks,
                          gpointer user_data)
{
  ElvesThriftLink *self = link_new (poller, options, callbacks, user_data);
  open_socket (self, fd);
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
  g_clear_pointer (&self->dial, elves_dial_cancel);
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
