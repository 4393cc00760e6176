#include "client/courier.h"

#include "client/broker.h"
#include "common/backoff.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define LAST_CONFIRMS_MS 5000 /* waited for at the end */

struct ElvesClientCourier
{
  const ElvesClientSettings *settings;
  GStrv bindings;
  GAsyncQueue *inbox;        /* of ElvesClientItem: to be handled */
  GAsyncQueue *handled;      /* of ElvesClientItem */
  int wake;                  /* eventfd: there is something in handled, or it is to stop */
  gint is_stopping;          /* atomic */
  gint epoch;                /* atomic: of the connection that stands, or the next one's */
  ElvesClientBroker *broker; /* (nullable) its thread's */
  GThread *thread;

  GMutex lock; /* guards what follows */
  GCond changed;
  gboolean is_connected;
};

static gboolean
is_stopping (ElvesClientCourier *self)
{
  return g_atomic_int_get (&self->is_stopping) != 0;
}

static void
set_connected (ElvesClientCourier *self, gboolean is_connected)
{
  g_mutex_lock (&self->lock);
  self->is_connected = is_connected;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}

/* ---- waiting -------------------------------------------------------------------------------- */

static void
wake_up (ElvesClientCourier *self)
{
  guint64 one = 1;

  while (write (self->wake, &one, sizeof one) < 0 && errno == EINTR)
    ;
}

/* Until the broker says something, we are woken, or the time is over. @fd -1: no broker. */
static void
wait_for (ElvesClientCourier *self, int fd, guint timeout_ms)
{
  struct pollfd fds[] = { { .fd = self->wake, .events = POLLIN }, { .fd = fd, .events = POLLIN } };
  guint64 count;

  poll (fds, G_N_ELEMENTS (fds), (int) MIN (timeout_ms, G_MAXINT));
  while (read (self->wake, &count, sizeof count) < 0 && errno == EINTR)
    ;
}

/* Back-off; being woken by a message that was handled does not end it. */
static void
sleep_before_retry (ElvesClientCourier *self, guint attempt)
{
  const ElvesClientSettings *settings = self->settings;
  guint delay_ms = elves_backoff_delay_ms (attempt, settings->retry_first_ms,
                                           settings->retry_cap_ms, g_random_double ());
  gint64 until_us = g_get_monotonic_time () + (gint64) delay_ms * 1000;
  gint64 left_us = (gint64) delay_ms * 1000;

  while (left_us > 0 && !is_stopping (self))
    {
      wait_for (self, -1, (guint) (left_us / 1000) + 1);
      left_us = until_us - g_get_monotonic_time ();
    }
}

/* ---- with a connection ---------------------------------------------------------------------- */

static gboolean
settle_handled (ElvesClientCourier *self, GError **error)
{
  ElvesClientItem *item;

  while ((item = g_async_queue_try_pop (self->handled)) != NULL)
    if (!elves_client_broker_settle (self->broker, item, error))
      return FALSE;
  return TRUE;
}

static gboolean
take_all (ElvesClientCourier *self, GError **error)
{
  do
    {
      ElvesClientItem *item;
      if (!elves_client_broker_next (self->broker, &item, error))
        return FALSE;
      if (item != NULL)
        g_async_queue_push (self->inbox, item);
    }
  while (elves_client_broker_has_more (self->broker));
  return TRUE;
}

/* Heartbeats are sent, and missed ones noticed, when messages are looked for. */
static gboolean
serve_once (ElvesClientCourier *self, GError **error)
{
  if (!settle_handled (self, error) || !take_all (self, error))
    return FALSE;
  wait_for (self, elves_client_broker_fd (self->broker), self->settings->heartbeat_s * 1000 / 2);
  return TRUE;
}

/* What is put aside counts only when the broker has it. */
static void
settle_last (ElvesClientCourier *self)
{
  gint64 until_us = g_get_monotonic_time () + LAST_CONFIRMS_MS * 1000;

  while (settle_handled (self, NULL) && take_all (self, NULL) &&
         elves_client_broker_unconfirmed (self->broker) > 0 && g_get_monotonic_time () < until_us)
    wait_for (self, elves_client_broker_fd (self->broker), 100);
}

/* While a handler hangs and connections come and go, what the lost ones brought would pile up. */
static void
forget_stale (ElvesClientCourier *self)
{
  ElvesClientItem *item;

  while ((item = g_async_queue_try_pop (self->inbox)) != NULL)
    {
      if (item->is_end)
        {
          g_async_queue_push (self->inbox, item);
          return;
        }
      elves_client_item_free (item);
    }
}

static void
serve (ElvesClientCourier *self)
{
  g_autoptr (GError) error = NULL;

  set_connected (self, TRUE);
  g_info ("consuming queue=%s", self->settings->queue);
  while (!is_stopping (self) && error == NULL)
    serve_once (self, &error);
  if (error != NULL)
    g_warning ("the broker is lost queue=%s: %s", self->settings->queue, error->message);
  else
    settle_last (self);
  set_connected (self, FALSE);
  g_atomic_int_inc (&self->epoch);
  forget_stale (self);
}

/* ---- the thread ----------------------------------------------------------------------------- */

static void
try_once (ElvesClientCourier *self, guint server, guint *attempt)
{
  g_autoptr (GError) error = NULL;
  guint epoch = (guint) g_atomic_int_get (&self->epoch);

  self->broker = elves_client_broker_open (self->settings, server,
                                           (const char *const *) self->bindings, epoch, &error);
  if (self->broker != NULL)
    {
      *attempt = 0;
      serve (self);
    }
  else
    g_warning ("no broker queue=%s: %s", self->settings->queue, error->message);
  g_clear_pointer (&self->broker, elves_client_broker_free);
}

static gpointer
run (gpointer data)
{
  ElvesClientCourier *self = data;
  guint attempt = 0, server = 0;

  while (!is_stopping (self))
    {
      try_once (self, server, &attempt);
      server = (server + 1) % self->settings->n_servers;
      if (!is_stopping (self))
        sleep_before_retry (self, attempt++);
    }
  return NULL;
}

/* ---- from outside --------------------------------------------------------------------------- */

static void
free_item (gpointer data)
{
  elves_client_item_free (data);
}

ElvesClientCourier *
elves_client_courier_new (const ElvesClientSettings *settings,
                          const char *const *bindings,
                          GAsyncQueue *inbox,
                          GError **error)
{
  int wake = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  ElvesClientCourier *self;

  if (wake < 0)
    {
      g_set_error (error, ELVES_CONSUMER_ERROR, ELVES_CONSUMER_ERROR_BROKER, "eventfd: %s",
                   g_strerror (errno));
      return NULL;
    }
  self = g_new0 (ElvesClientCourier, 1);
  self->settings = settings;
  self->bindings = g_strdupv ((char **) bindings);
  self->inbox = g_async_queue_ref (inbox);
  self->handled = g_async_queue_new_full (free_item);
  self->wake = wake;
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  self->thread = g_thread_new ("elves-client", run, self);
  return self;
}

void
elves_client_courier_free (ElvesClientCourier *self)
{
  if (self == NULL)
    return;
  g_atomic_int_set (&self->is_stopping, 1);
  wake_up (self);
  g_thread_join (self->thread);
  g_async_queue_unref (self->handled);
  g_async_queue_unref (self->inbox);
  g_strfreev (self->bindings);
  close (self->wake);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->changed);
  g_free (self);
}

void
elves_client_courier_hand_back (ElvesClientCourier *self, ElvesClientItem *item)
{
  g_async_queue_push (self->handled, item);
  wake_up (self);
}

gboolean
elves_client_courier_is_stale (const ElvesClientCourier *self, const ElvesClientItem *item)
{
  return item->epoch != (guint) g_atomic_int_get (&self->epoch);
}

gboolean
elves_client_courier_wait (ElvesClientCourier *self, guint timeout_ms)
{
  gint64 until_us = g_get_monotonic_time () + (gint64) timeout_ms * 1000;
  gboolean is_connected;

  g_mutex_lock (&self->lock);
  while (!self->is_connected && g_cond_wait_until (&self->changed, &self->lock, until_us))
    ;
  is_connected = self->is_connected;
  g_mutex_unlock (&self->lock);
  return is_connected;
}
