/* Reads what a worker writes.
 *
 * What is over the limit is read and counted, not kept, so that the worker never waits for us and
 * memory stays bounded: of standard output the beginning is kept, of the error output the end. In
 * one turn of the loop only so much is read that a flood does not starve the others. All captures
 * share one buffer. */
#include "agent/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define READ_BYTES (64 * 1024)
#define MAX_READS_PER_TURN 16

void
elves_capture_init (ElvesCapture *self, ElvesCaptureKeep keep, gsize limit_bytes)
{
  *self = (ElvesCapture){ .fd = -1, .keep = keep, .limit_bytes = limit_bytes };
  self->kept = g_byte_array_new ();
}

void
elves_capture_clear (ElvesCapture *self)
{
  elves_capture_close (self);
  g_clear_pointer (&self->kept, g_byte_array_unref);
}

/**
 * elves_capture_open:
 * @self: a capture that is not open
 *
 * Returns: the end for the worker, 3 or above, which the caller closes; -1: errno says why not.
 */
int
elves_capture_open (ElvesCapture *self)
{
  int ends[2];
  if (pipe2 (ends, O_CLOEXEC) != 0)
    return -1;
  self->fd = ends[0];
  fcntl (self->fd, F_SETFL, O_NONBLOCK);
  if (ends[1] >= 3)
    return ends[1];
  /* The worker's 0, 1 and 2 are made by dup: the source must be none of them. */
  int moved = fcntl (ends[1], F_DUPFD_CLOEXEC, 3);
  close (ends[1]);
  return moved;
}

static void
keep (ElvesCapture *self, const guint8 *bytes, gsize length)
{
  self->n_bytes += length;
  if (self->sink != NULL)
    {
      self->sink (bytes, length, self->sink_data);
      return;
    }
  if (self->keep == ELVES_CAPTURE_BEGINNING)
    {
      gsize room = self->limit_bytes - MIN (self->limit_bytes, self->kept->len);
      g_byte_array_append (self->kept, bytes, MIN (room, length));
      return;
    }
  g_byte_array_append (self->kept, bytes, length);
  /* Not each time: it moves what is kept. */
  if (self->kept->len > 2 * self->limit_bytes + READ_BYTES)
    g_byte_array_remove_range (self->kept, 0, self->kept->len - self->limit_bytes);
}

/**
 * elves_capture_read:
 * @self: a capture
 *
 * Reads what is there, up to a mebibyte; closes the pipe at its end.
 */
void
elves_capture_read (ElvesCapture *self)
{
  static guint8 buffer[READ_BYTES];
  for (int n = 0; n < MAX_READS_PER_TURN && self->fd >= 0; n++)
    {
      gssize length = read (self->fd, buffer, sizeof buffer);
      if (length > 0)
        keep (self, buffer, length);
      else if (length < 0 && errno == EAGAIN)
        return;
      else if (length == 0 || errno != EINTR)
        elves_capture_close (self);
    }
}

static void
on_pipe_ready (int fd, GIOCondition condition, gpointer user_data)
{
  ElvesCapture *self = user_data;
  elves_capture_read (self);
  self->func (self->user_data);
}

/**
 * elves_capture_watch:
 * @self: an open capture
 * @poller: must outlive the capture
 * @func: told after each reading; may clear the capture
 * @user_data: for @func
 */
void
elves_capture_watch (ElvesCapture *self,
                     ElvesPoller *poller,
                     ElvesCaptureFunc func,
                     gpointer user_data)
{
  self->func = func;
  self->user_data = user_data;
  self->watch = elves_poller_watch (poller, self->fd, G_IO_IN, on_pipe_ready, self);
}

void
elves_capture_close (ElvesCapture *self)
{
  g_clear_pointer (&self->watch, elves_watch_remove);
  if (self->fd >= 0)
    close (self->fd);
  self->fd = -1;
}

gboolean
elves_capture_has_ended (const ElvesCapture *self)
{
  return self->fd < 0;
}

/**
 * elves_capture_take:
 * @self: a capture, which keeps nothing afterwards
 *
 * Returns: (transfer full): what was kept, at most the limit.
 */
GBytes *
elves_capture_take (ElvesCapture *self)
{
  if (self->kept->len > self->limit_bytes)
    g_byte_array_remove_range (self->kept, 0, self->kept->len - self->limit_bytes);
  return g_byte_array_free_to_bytes (g_steal_pointer (&self->kept));
}
