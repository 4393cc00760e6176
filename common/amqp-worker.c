/* The thread behind a consumer or a publisher.
 *
 * The thread owns the connection: it connects, serves it until it is lost, waits (capped, jittered
 * back-off), and begins again, until it is stopped. It sleeps in one poll() for the socket and an
 * eventfd, by which the main loop wakes it.
 *
 * The main loop is woken by one GSource with a ready time: setting it once more before it runs
 * costs nothing, so that a batch is one wake-up. What is handed over lies with the owner (@data)
 * under the owner's lock; flush() gives the thread what one turn of the main loop gathered.
 *
 * Lifetime: @data belongs to the worker, the worker to main and thread both. When the thread hangs
 * in a connect, stop() leaves it behind after STOP_TIMEOUT_MS; it ends by its own time-outs, and
 * the last of both frees.
 */
#include "common/amqp-worker.h"

#include "common/backoff.h"
#include "common/error.h"

#include <gio/gio.h>
#include <gio/gunixsocketaddress.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define CLOSE_TIMEOUT_MS 2000
#define STOP_TIMEOUT_MS 2500
/* Frames read before the next turn: what came is handed over even when more keeps coming. */
#define BURST_MAX_FRAMES 1000

typedef struct
{
  GSource base;
  ElvesAmqpWorker *worker;
} MainSource;

struct ElvesAmqpWorker
{
  ElvesAmqpSettings settings;
  const ElvesAmqpWorkerClass *class;
  gpointer data;
  GSource *source;           /* main context */
  GCancellable *cancellable; /* cancelled: stop */
  int event_fd;
  GMutex lock; /* guards the next three */
  GCond finished_changed;
  gboolean finished;
  char *rebuild; /* (nullable) why the connection is to be given up */
};

static void
worker_clear (gpointer data)
{
  ElvesAmqpWorker *self = data;
  self->class->free (self->data);
  g_source_unref (self->source);
  g_object_unref (self->cancellable);
  close (self->event_fd);
  g_free (self->rebuild);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->finished_changed);
  g_free ((char *) self->settings.host);
  g_free ((char *) self->settings.user);
  g_free ((char *) self->settings.password);
  g_free ((char *) self->settings.vhost);
}

static void
worker_unref (ElvesAmqpWorker *self)
{
  g_atomic_rc_box_release_full (self, worker_clear);
}

/* --- the thread ------------------------------------------------------------------------------ */

static gboolean
is_stopping (ElvesAmqpWorker *self)
{
  return g_cancellable_is_cancelled (self->cancellable);
}

/* @connection: (nullable). @timeout_ms: -1 for ever. */
static void
wait_for_work (ElvesAmqpWorker *self, ElvesAmqpConnection *connection, int timeout_ms)
{
  struct pollfd fds[2] = { { .fd = self->event_fd, .events = POLLIN }, { .fd = -1 } };
  if (connection != NULL)
    {
      gboolean sending = !elves_amqp_output_is_empty (&connection->output);
      fds[1].fd = connection->fd;
      fds[1].events = POLLIN | (sending ? POLLOUT : 0);
    }
  if (poll (fds, G_N_ELEMENTS (fds), timeout_ms) < 0)
    return;
  eventfd_t count;
  if (fds[0].revents != 0)
    eventfd_read (self->event_fd, &count);
  if ((fds[1].revents & POLLIN) != 0)
    connection->received_us = g_get_monotonic_time ();
}

/* @out_more: the burst ended before the frames did. */
static gboolean
read_frames (ElvesAmqpWorker *self,
             ElvesAmqpConnection *connection,
             gboolean *out_more,
             GError **error)
{
  for (guint i = 0; i < BURST_MAX_FRAMES; i++)
    {
      amqp_frame_t frame;
      ElvesAmqpRead result = elves_amqp_connection_read (connection, &frame, error);
      if (result == ELVES_AMQP_READ_FAILED)
        return FALSE;
      if (result == ELVES_AMQP_READ_NOTHING)
        {
          *out_more = FALSE;
          return TRUE;
        }
      if (!self->class->frame (connection, &frame, self->data, error))
        return FALSE;
    }
  *out_more = TRUE;
  return TRUE;
}

/* (transfer full) (nullable): the reason, once. */
static char *
take_rebuild (ElvesAmqpWorker *self)
{
  g_mutex_lock (&self->lock);
  char *why = g_steal_pointer (&self->rebuild);
  g_mutex_unlock (&self->lock);
  return why;
}

static gboolean
must_rebuild (ElvesAmqpWorker *self, GError **error)
{
  g_autofree char *why = take_rebuild (self);
  if (why == NULL)
    return FALSE;
  g_set_error_literal (error, ELVES_ERROR, ELVES_ERROR_TIMEOUT, why);
  return TRUE;
}

/* TRUE: stopped, everything that was laid out is sent. */
static gboolean
serve (ElvesAmqpWorker *self, ElvesAmqpConnection *connection, GError **error)
{
  gboolean more = FALSE;
  while (TRUE)
    {
      if (must_rebuild (self, error) || !read_frames (self, connection, &more, error))
        return FALSE;
      gboolean stopping = is_stopping (self);
      int timeout_ms = elves_amqp_connection_keep_alive_ms (connection);
      self->class->turn (connection, self->data, &timeout_ms);
      if (stopping)
        {
          elves_amqp_connection_close (connection, CLOSE_TIMEOUT_MS);
          return TRUE;
        }
      if (!elves_amqp_connection_keep_alive (connection, error) ||
          !elves_amqp_output_send (&connection->output, connection->fd, error))
        return FALSE;
      wait_for_work (self, connection, more ? 0 : timeout_ms);
    }
}

static void
connect_and_serve (ElvesAmqpWorker *self)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *name = g_strdup_printf ("elves %s", self->class->role);
  g_free (take_rebuild (self)); /* it was about the last connection */
  g_autoptr (ElvesAmqpConnection) connection =
      elves_amqp_connection_open (&self->settings, name, self->cancellable, &error);
  if (connection != NULL && self->class->start (connection, self->data, &error) &&
      serve (self, connection, &error))
    return;
  if (connection != NULL)
    g_prefix_error (&error, "Broker %s:%u: ", self->settings.host, (guint) self->settings.port);
  if (!is_stopping (self))
    self->class->lost (connection, self->data, error);
}

static void
wait_before_retry (ElvesAmqpWorker *self, guint attempt)
{
  guint delay_ms = elves_backoff_delay_ms (attempt, self->settings.retry_first_ms,
                                           self->settings.retry_cap_ms, g_random_double ());
  gint64 end_us = g_get_monotonic_time () + (gint64) delay_ms * 1000;
  gint64 left_us;
  /* A kick may ask to give up. */
  while (!is_stopping (self) && self->class->wanted (self->data) &&
         (left_us = end_us - g_get_monotonic_time ()) > 0)
    wait_for_work (self, NULL, (int) (left_us / 1000) + 1);
}

static gpointer
worker_thread (gpointer data)
{
  ElvesAmqpWorker *self = data;
  guint attempt = 0;
  while (!is_stopping (self))
    {
      if (!self->class->wanted (self->data))
        {
          wait_for_work (self, NULL, -1);
          continue;
        }
      gint64 begin_us = g_get_monotonic_time ();
      connect_and_serve (self);
      /* A connection that did not live long is no success: its peer may close each at once. */
      gint64 lived_ms = (g_get_monotonic_time () - begin_us) / 1000;
      if (lived_ms > (gint64) self->settings.retry_cap_ms + self->settings.connect_timeout_ms)
        attempt = 0;
      wait_before_retry (self, attempt++);
    }
  g_mutex_lock (&self->lock);
  self->finished = TRUE;
  g_cond_signal (&self->finished_changed);
  g_mutex_unlock (&self->lock);
  worker_unref (self);
  return NULL;
}

/* --- the main side --------------------------------------------------------------------------- */

static gboolean
on_source_ready (GSource *source, GSourceFunc callback, gpointer user_data)
{
  /* A callback may stop us. */
  ElvesAmqpWorker *self = g_atomic_rc_box_acquire (((MainSource *) source)->worker);
  g_source_set_ready_time (source, -1);
  self->class->dispatch (self->data);
  if (!g_source_is_destroyed (source))
    self->class->flush (self->data);
  worker_unref (self);
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs main_source_funcs = { .dispatch = on_source_ready };

static ElvesAmqpSettings
copy_settings (const ElvesAmqpSettings *settings)
{
  ElvesAmqpSettings copy = *settings;
  copy.host = g_strdup (settings->host);
  copy.user = g_strdup (settings->user);
  copy.password = g_strdup (settings->password);
  copy.vhost = g_strdup (settings->vhost);
  return copy;
}

/**
 * elves_amqp_worker_new:
 * @data: (transfer full): freed by @class when main and thread are done with it
 *
 * Returns: (transfer full): not yet running
 */
ElvesAmqpWorker *
elves_amqp_worker_new (const ElvesAmqpSettings *settings,
                       const ElvesAmqpWorkerClass *class,
                       gpointer data)
{
  ElvesAmqpWorker *self = g_atomic_rc_box_new0 (ElvesAmqpWorker);
  self->settings = copy_settings (settings);
  self->class = class;
  self->data = data;
  self->cancellable = g_cancellable_new ();
  self->event_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  g_mutex_init (&self->lock);
  g_cond_init (&self->finished_changed);
  self->source = g_source_new (&main_source_funcs, sizeof (MainSource));
  ((MainSource *) self->source)->worker = self;
  g_source_set_static_name (self->source, class->role);
  g_source_attach (self->source, g_main_context_get_thread_default ());
  return self;
}

/* GLib (2.74) deadlocks when one thread initialises a class whose properties are of a type that
   another thread registers in that moment: the worker's GSocketClient and the main thread's first
   GSocketAddress. So what connecting uses is made known before there is a thread. */
static void
initialise_classes (void)
{
  static gsize done;
  if (!g_once_init_enter (&done))
    return;
  const GType types[] = { G_TYPE_INET_SOCKET_ADDRESS, G_TYPE_UNIX_SOCKET_ADDRESS,
                          G_TYPE_NETWORK_ADDRESS,     G_TYPE_SOCKET,
                          G_TYPE_TCP_CONNECTION,      G_TYPE_SOCKET_CLIENT,
                          G_TYPE_CANCELLABLE,         G_TYPE_TASK };
  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    g_type_class_unref (g_type_class_ref (types[i]));
  g_object_unref (g_resolver_get_default ());
  g_once_init_leave (&done, 1);
}

/* Starts the thread: when @data is ready for it. */
void
elves_amqp_worker_run (ElvesAmqpWorker *self)
{
  initialise_classes ();
  g_thread_unref (g_thread_new (self->class->role, worker_thread, g_atomic_rc_box_acquire (self)));
}

/**
 * elves_amqp_worker_stop:
 * @self: (transfer full)
 *
 * Gives the thread what has gathered, lets it close the connection, and waits for it, at most
 * STOP_TIMEOUT_MS. No callback afterwards.
 */
void
elves_amqp_worker_stop (ElvesAmqpWorker *self)
{
  self->class->flush (self->data);
  g_source_destroy (self->source);
  g_cancellable_cancel (self->cancellable);
  elves_amqp_worker_kick (self);
  gint64 deadline_us = g_get_monotonic_time () + STOP_TIMEOUT_MS * 1000;
  g_mutex_lock (&self->lock);
  while (!self->finished)
    if (!g_cond_wait_until (&self->finished_changed, &self->lock, deadline_us))
      break;
  g_mutex_unlock (&self->lock);
  worker_unref (self);
}

void
elves_amqp_worker_rebuild (ElvesAmqpWorker *self, const char *why)
{
  g_mutex_lock (&self->lock);
  g_free (self->rebuild);
  self->rebuild = g_strdup (why);
  g_mutex_unlock (&self->lock);
  elves_amqp_worker_kick (self);
}

void
elves_amqp_worker_kick (ElvesAmqpWorker *self)
{
  eventfd_write (self->event_fd, 1);
}

void
elves_amqp_worker_schedule (ElvesAmqpWorker *self)
{
  g_source_set_ready_time (self->source, 0);
}

gboolean
elves_amqp_worker_is_stopped (ElvesAmqpWorker *self)
{
  return g_source_is_destroyed (self->source);
}
