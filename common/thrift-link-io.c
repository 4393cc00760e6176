/* Thrift link, bytes: what happens between a link and its socket.
 *
 * Reading: one buffer on the stack serves all links, so that an idle link keeps none. What recv()
 * brings is scanned once. A message that lies whole in that buffer is handed up from there; only a
 * message that is not complete yet is kept, in a buffer that grows by what has come, never by what
 * a length promises. Bytes that have come behind a message while the link is paused wait in the
 * backlog, at most one read's worth.
 *
 * Writing: messages are appended to one array, which leaves at the end of the turn (poller.h,
 * deferred work), and by %G_IO_OUT for what the kernel does not take at once.
 *
 * Main thread only. */
#include "common/thrift-link-private.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#define READ_BYTES (64 * 1024)
#define OUTPUT_KEEP_BYTES 4096 /* an array that was larger is released when it is empty */

void
elves_thrift_link_set_failure (ElvesThriftLink *self,
                               ElvesError code,
                               const char *text,
                               int error_number)
{
  if (self->failure)
    return;
  if (error_number)
    self->failure = g_error_new (ELVES_ERROR, code, "%s: %s", text, g_strerror (error_number));
  else
    self->failure = g_error_new_literal (ELVES_ERROR, code, text);
}

/* Hands one message up; FALSE: no more for now, or the link is gone. */
static gboolean
hand_up (ElvesThriftLink *self, const guint8 *bytes, gsize length)
{
  self->callbacks.message (self, bytes, length, self->user_data);
  return !self->freed && elves_thrift_link_is_reading (self);
}

static gboolean
hand_up_partial (ElvesThriftLink *self, const guint8 *rest, gsize length)
{
  g_autoptr (GByteArray) message = g_steal_pointer (&self->partial);
  g_byte_array_append (message, rest, length);
  return hand_up (self, message->data, message->len);
}

static void
keep_partial (ElvesThriftLink *self, const guint8 *bytes, gsize length)
{
  if (!self->partial)
    self->partial = g_byte_array_sized_new (length);
  g_byte_array_append (self->partial, bytes, length);
}

/* Scans @bytes and hands up what is complete. Returns: how many were taken; fewer than all when
   paused or freed from inside, or failed. */
static gsize
scan_bytes (ElvesThriftLink *self, const guint8 *bytes, gsize length)
{
  gsize position = 0;
  while (position < length)
    {
      gsize taken = 0;
      gboolean more;
      switch (elves_thrift_scan_feed (self->scan, bytes + position, length - position, &taken,
                                      &self->failure))
        {
        case ELVES_THRIFT_SCAN_DONE:
          more = self->partial ? hand_up_partial (self, bytes + position, taken)
                               : hand_up (self, bytes + position, taken);
          break;
        case ELVES_THRIFT_SCAN_MORE:
          keep_partial (self, bytes + position, taken);
          more = TRUE;
          break;
        default:
          return position;
        }
      position += taken;
      if (!more)
        break;
    }
  return position;
}

/* As scan_bytes(). FALSE: the link was freed from inside and is gone now. */
static gboolean
take_bytes (ElvesThriftLink *self, const guint8 *bytes, gsize length, gsize *out_taken)
{
  self->taking = TRUE;
  *out_taken = scan_bytes (self, bytes, length);
  self->taking = FALSE;
  if (!self->freed)
    return TRUE;
  self->freed = FALSE;
  elves_thrift_link_free (self);
  return FALSE;
}

/* FALSE: the link is gone. */
gboolean
elves_thrift_link_take_backlog (ElvesThriftLink *self)
{
  if (!self->backlog || !elves_thrift_link_is_reading (self))
    return TRUE;
  g_autoptr (GByteArray) backlog = g_byte_array_ref (self->backlog);
  gsize taken;
  if (!take_bytes (self, backlog->data + self->backlog_taken, backlog->len - self->backlog_taken,
                   &taken))
    return FALSE;
  self->backlog_taken += taken;
  if (self->backlog_taken == backlog->len)
    g_clear_pointer (&self->backlog, g_byte_array_unref);
  return TRUE;
}

/* The peer sends no more: after the answers it is over. */
static void
take_end (ElvesThriftLink *self)
{
  if (self->partial)
    elves_thrift_link_set_failure (self, ELVES_ERROR_UNAVAILABLE,
                                   "The peer closed within a message", 0);
  self->finishing = TRUE;
  self->stalled = TRUE;
}

/* A peer that writes field by field waits for our acknowledgement of each segment: setting the
   option sends it at once. The kernel forgets the option, so it is set after every read that ends
   within a message; a peer that sends whole ones costs no such call. */
static void
acknowledge_at_once (int fd)
{
  int on = 1;
  setsockopt (fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

static void
keep_backlog (ElvesThriftLink *self, const guint8 *bytes, gsize length)
{
  self->backlog = g_byte_array_sized_new (length);
  g_byte_array_append (self->backlog, bytes, length);
  self->backlog_taken = 0;
}

/* FALSE: the link is gone. */
gboolean
elves_thrift_link_read_some (ElvesThriftLink *self)
{
  guint8 buffer[READ_BYTES];
  ssize_t length = recv (self->fd, buffer, sizeof buffer, MSG_DONTWAIT);
  if (length < 0 && errno != EAGAIN && errno != EINTR)
    elves_thrift_link_set_failure (self, ELVES_ERROR_UNAVAILABLE, "Cannot receive", errno);
  else if (length == 0)
    take_end (self);
  if (length <= 0)
    return TRUE;

  self->last_activity_us = g_get_monotonic_time ();
  gsize taken;
  if (!take_bytes (self, buffer, length, &taken))
    return FALSE;
  if (self->partial)
    acknowledge_at_once (self->fd);
  if (taken < (gsize) length && !self->failure && !self->finishing)
    keep_backlog (self, buffer + taken, length - taken);
  return TRUE;
}

/* ---- Writing ---- */

static void
release_output (ElvesThriftLink *self)
{
  if (self->output->len > OUTPUT_KEEP_BYTES)
    g_clear_pointer (&self->output, g_byte_array_unref);
  else
    g_byte_array_set_size (self->output, 0);
  self->output_sent = 0;
}

/* What has left is cut off only when that moves less than it frees. */
static void
compact_output (ElvesThriftLink *self)
{
  if (self->output_sent < READ_BYTES || self->output_sent < elves_thrift_link_output_pending (self))
    return;
  g_byte_array_remove_range (self->output, 0, self->output_sent);
  self->output_sent = 0;
}

void
elves_thrift_link_write_some (ElvesThriftLink *self)
{
  gsize pending;
  while ((pending = elves_thrift_link_output_pending (self)) > 0)
    {
      ssize_t sent = send (self->fd, self->output->data + self->output_sent, pending,
                           MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR)
        continue;
      if (sent < 0 && errno != EAGAIN)
        elves_thrift_link_set_failure (self, ELVES_ERROR_UNAVAILABLE, "Cannot send", errno);
      if (sent < 0)
        break;
      self->output_sent += sent;
      self->last_activity_us = g_get_monotonic_time ();
      if ((gsize) sent < pending)
        break;
    }
  if (pending > 0)
    compact_output (self);
  else if (self->output)
    release_output (self);
}
