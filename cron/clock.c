/* A timerfd on CLOCK_REALTIME. The kernel cancels it when the clock is set
 * (TFD_TIMER_CANCEL_ON_SET; also after a suspend), which is read as ECANCELED: so a step of NTP or
 * of an operator is seen at once, and not when the next planned time happens to come.
 *
 * How far it jumped is seen beside CLOCK_MONOTONIC, which neither is set nor runs in a suspend. */
#include "cron/clock.h"

#include "common/error.h"

#include <errno.h>
#include <glib-unix.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

/* A slew of NTP is no jump. */
#define JUMP_US (G_USEC_PER_SEC / 2)
/* No sleep is planned for longer: due() with nothing due does no harm. */
#define FAR_US (G_GINT64_CONSTANT (86400) * G_USEC_PER_SEC)

struct ElvesCronClock
{
  ElvesCronClockCallbacks callbacks;
  gpointer user_data;
  int fd;
  GSource *source;
  gint64 offset_us; /* wall clock - monotonic, when last looked at */
};

gint64
elves_cron_clock_now_us (void)
{
  return g_get_real_time ();
}

static gint64
offset_now_us (void)
{
  return g_get_real_time () - g_get_monotonic_time ();
}

static void
note_jump (ElvesCronClock *self)
{
  gint64 offset_us = offset_now_us ();
  gint64 by_us = offset_us - self->offset_us;
  self->offset_us = offset_us;
  if (ABS (by_us) >= JUMP_US && self->callbacks.jumped != NULL)
    self->callbacks.jumped (by_us, self->user_data);
}

static gboolean
on_readable (gint fd, GIOCondition condition, gpointer user_data)
{
  ElvesCronClock *self = user_data;
  guint64 expirations;
  ssize_t got = read (fd, &expirations, sizeof expirations);
  if (got < 0 && errno == EAGAIN)
    return G_SOURCE_CONTINUE;
  note_jump (self);
  self->callbacks.due (g_get_real_time (), self->user_data);
  return G_SOURCE_CONTINUE;
}

/**
 * elves_cron_clock_new:
 * @callbacks: copied
 *
 * Returns: (transfer full): a clock that does not wake yet.
 * Errors: %ELVES_ERROR_INTERNAL when the kernel has no timer to give.
 */
ElvesCronClock *
elves_cron_clock_new (const ElvesCronClockCallbacks *callbacks, gpointer user_data, GError **error)
{
  int fd = timerfd_create (CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
  ElvesCronClock *self;
  if (fd < 0)
    {
      g_set_error (error, ELVES_ERROR, ELVES_ERROR_INTERNAL, "Cannot make a timer: %s",
                   g_strerror (errno));
      return NULL;
    }
  self = g_new0 (ElvesCronClock, 1);
  self->callbacks = *callbacks;
  self->user_data = user_data;
  self->fd = fd;
  self->offset_us = offset_now_us ();
  self->source = g_unix_fd_source_new (fd, G_IO_IN);
  g_source_set_callback (self->source, G_SOURCE_FUNC (on_readable), self, NULL);
  g_source_attach (self->source, g_main_context_get_thread_default ());
  return self;
}

/**
 * elves_cron_clock_free:
 * @self: (nullable)
 */
void
elves_cron_clock_free (ElvesCronClock *self)
{
  if (self == NULL)
    return;
  g_source_destroy (self->source);
  g_source_unref (self->source);
  close (self->fd);
  g_free (self);
}

static int
set_timer (ElvesCronClock *self, gint64 at_us)
{
  struct itimerspec when = { .it_value = { .tv_sec = at_us / G_USEC_PER_SEC,
                                           .tv_nsec = at_us % G_USEC_PER_SEC * 1000 } };
  return timerfd_settime (self->fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &when, NULL) == 0
             ? 0
             : errno;
}

/**
 * elves_cron_clock_wake_at:
 * @at_us: unix microseconds; %G_MAXINT64: only when the clock is set
 */
void
elves_cron_clock_wake_at (ElvesCronClock *self, gint64 at_us)
{
  int error_number = set_timer (self, CLAMP (at_us, 1, g_get_real_time () + FAR_US));
  /* The clock was set since: that is said only once, so wake now and see. */
  if (error_number == ECANCELED)
    error_number = set_timer (self, 1);
  if (error_number != 0)
    g_critical ("cannot set the timer: %s", g_strerror (error_number));
}
