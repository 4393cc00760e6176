/* What a worker does not read waits here and costs the loop nothing; a line that comes whole is not
   copied. */
#include "agent/warm-pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* ---- input ---------------------------------------------------------------------------------- */

/**
 * elves_warm_input_open:
 * @self: of zeros
 * @poller: must outlive it
 * @deaf: told when nobody reads any more, from inside elves_warm_input_flush() or the loop
 * @user_data: for @deaf
 *
 * Returns: the end for the worker, 3 or above, which the caller closes; -1: there is none, and
 * @self is closed
 */
int
elves_warm_input_open (ElvesWarmInput *self,
                       ElvesPoller *poller,
                       ElvesWarmDeafFunc deaf,
                       gpointer user_data)
{
  int ends[2];
  *self = (ElvesWarmInput){ .poller = poller, .fd = -1, .deaf = deaf, .user_data = user_data };
  self->unsent = g_byte_array_new ();
  if (pipe2 (ends, O_CLOEXEC) != 0)
    return -1;
  int moved = fcntl (ends[0], F_DUPFD_CLOEXEC, 3);
  close (ends[0]);
  self->fd = ends[1];
  fcntl (self->fd, F_SETFL, O_NONBLOCK);
  return moved;
}

gboolean
elves_warm_input_is_open (const ElvesWarmInput *self)
{
  return self->fd >= 0;
}

static void
on_ready (int fd, GIOCondition condition, gpointer user_data)
{
  elves_warm_input_flush (user_data);
}

static void
await_room (ElvesWarmInput *self, gboolean wait)
{
  if (!wait)
    g_clear_pointer (&self->watch, elves_watch_remove);
  else if (self->watch == NULL)
    self->watch = elves_poller_watch (self->poller, self->fd, G_IO_OUT, on_ready, self);
}

/* Writes what the pipe takes; returns: -1: nobody reads. */
static gssize
write_some (const ElvesWarmInput *self)
{
  gsize done = 0;
  while (done < self->unsent->len)
    {
      gssize written = write (self->fd, self->unsent->data + done, self->unsent->len - done);
      if (written < 0 && errno == EAGAIN)
        break;
      if (written < 0 && errno != EINTR)
        return -1;
      done += MAX (written, 0);
    }
  return done;
}

/**
 * elves_warm_input_flush:
 * @self: an open input
 *
 * Writes what was appended to `unsent`; the rest when there is room.
 */
void
elves_warm_input_flush (ElvesWarmInput *self)
{
  gssize done = write_some (self);
  if (done < 0)
    {
      elves_warm_input_close (self);
      self->deaf (self->user_data);
      return;
    }
  g_byte_array_remove_range (self->unsent, 0, done);
  await_room (self, self->unsent->len > 0);
}

void
elves_warm_input_close (ElvesWarmInput *self)
{
  g_clear_pointer (&self->watch, elves_watch_remove);
  if (self->fd >= 0)
    close (self->fd);
  self->fd = -1;
  g_byte_array_set_size (self->unsent, 0);
}

void
elves_warm_input_clear (ElvesWarmInput *self)
{
  elves_warm_input_close (self);
  g_clear_pointer (&self->unsent, g_byte_array_unref);
}

/* ---- lines ---------------------------------------------------------------------------------- */

void
elves_warm_lines_init (ElvesWarmLines *self, gsize limit_bytes)
{
  *self = (ElvesWarmLines){ g_byte_array_new (), limit_bytes };
}

void
elves_warm_lines_clear (ElvesWarmLines *self)
{
  g_clear_pointer (&self->begun, g_byte_array_unref);
}

/* A line that came in pieces is put together first. */
static gboolean
end_line (ElvesWarmLines *self,
          const guint8 *bytes,
          gsize length,
          ElvesWarmLineFunc func,
          gpointer user_data)
{
  if (self->begun->len == 0)
    return func ((const char *) bytes, length, user_data);
  g_byte_array_append (self->begun, bytes, length);
  gboolean more = func ((const char *) self->begun->data, self->begun->len, user_data);
  g_byte_array_set_size (self->begun, 0);
  return more;
}

/**
 * elves_warm_lines_take:
 * @self: lines
 * @bytes: what has come
 * @length: of it
 * @func: gets each line that is whole
 * @user_data: for @func
 *
 * Returns: %FALSE: a line is longer than the limit; it is thrown away, and what came with it
 */
gboolean
elves_warm_lines_take (ElvesWarmLines *self,
                       const guint8 *bytes,
                       gsize length,
                       ElvesWarmLineFunc func,
                       gpointer user_data)
{
  while (length > 0)
    {
      const guint8 *end = memchr (bytes, '\n', length);
      gsize n = end != NULL ? (gsize) (end - bytes) : length;
      if (self->begun->len + n > self->limit_bytes)
        {
          g_byte_array_set_size (self->begun, 0);
          return FALSE;
        }
      if (end == NULL)
        {
          g_byte_array_append (self->begun, bytes, n);
          return TRUE;
        }
      if (!end_line (self, bytes, n, func, user_data))
        return TRUE;
      bytes = end + 1;
      length -= n + 1;
    }
  return TRUE;
}
