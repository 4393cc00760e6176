/* One attempt to open a connection, on a thread.
 *
 * Lifetime: a thread that hangs in a connect is left behind after STOP_TIMEOUT_MS; it ends by its
 * own time-outs, and the last of both sides frees.
 */
#include "common/amqp-attempt.h"

#include <gio/gio.h>
#include <gio/gunixsocketaddress.h>

#define STOP_TIMEOUT_MS 2500

typedef struct
{
  GSource base;
  ElvesAmqpAttempt *attempt;
} Notice;

struct ElvesAmqpAttempt
{
  ElvesAmqpAttemptPlan plan;
  ElvesAmqpAttemptFunc func;
  gpointer user_data;
  GSource *notice; /* main context: ready when the thread has ended */
  GCancellable *cancellable;
  GMutex lock; /* guards the rest */
  GCond ended_changed;
  gboolean ended;
  ElvesAmqpConnection *connection; /* (nullable) */
  GError *error;                   /* (nullable) */
};

static void
attempt_clear (gpointer data)
{
  ElvesAmqpAttempt *self = data;
  elves_amqp_connection_free (self->connection);
  g_clear_error (&self->error);
  g_source_unref (self->notice);
  g_object_unref (self->cancellable);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->ended_changed);
  self->plan.release (self->plan.data);
}

static void
attempt_unref (ElvesAmqpAttempt *self)
{
  g_atomic_rc_box_release_full (self, attempt_clear);
}

static ElvesAmqpConnection *
open_connection (ElvesAmqpAttempt *self, GError **error)
{
  const ElvesAmqpSettings *settings = self->plan.settings;
  g_autofree char *name = g_strdup_printf ("elves %s", self->plan.role);
  g_autoptr (ElvesAmqpConnection) connection =
      elves_amqp_connection_open (settings, name, self->cancellable, error);
  if (connection == NULL)
    return NULL;
  if (self->plan.start (connection, self->plan.data, error))
    return g_steal_pointer (&connection);
  g_prefix_error (error, "Broker %s:%u: ", settings->host, (guint) settings->port);
  return NULL;
}

static gpointer
attempt_thread (gpointer data)
{
  ElvesAmqpAttempt *self = data;
  GError *error = NULL;
  ElvesAmqpConnection *connection = open_connection (self, &error);
  g_mutex_lock (&self->lock);
  self->connection = connection;
  self->error = error;
  self->ended = TRUE;
  g_cond_signal (&self->ended_changed);
  g_mutex_unlock (&self->lock);
  g_source_set_ready_time (self->notice, 0);
  attempt_unref (self);
  return NULL;
}

static gboolean
on_notice (GSource *source, GSourceFunc callback, gpointer user_data)
{
  ElvesAmqpAttempt *self = ((Notice *) source)->attempt;
  g_mutex_lock (&self->lock);
  ElvesAmqpConnection *connection = g_steal_pointer (&self->connection);
  g_autoptr (GError) error = g_steal_pointer (&self->error);
  g_mutex_unlock (&self->lock);
  self->func (connection, error, self->user_data); /* may free us */
  return G_SOURCE_REMOVE;
}

static GSourceFuncs notice_funcs = { .dispatch = on_notice };

static GSource *
new_notice (ElvesAmqpAttempt *self)
{
  GSource *source = g_source_new (&notice_funcs, sizeof (Notice));
  ((Notice *) source)->attempt = self;
  g_source_set_static_name (source, self->plan.role);
  g_source_attach (source, g_main_context_get_thread_default ());
  return source;
}

/* GLib (2.74) deadlocks when one thread initialises a class whose properties are of a type that
   another thread registers in that moment: the attempt's GSocketClient and the main thread's first
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

/**
 * elves_amqp_attempt_new:
 * @plan: copied; what it points to is used until it is released
 *
 * Returns: (transfer full): an attempt under way
 */
ElvesAmqpAttempt *
elves_amqp_attempt_new (const ElvesAmqpAttemptPlan *plan,
                        ElvesAmqpAttemptFunc ended,
                        gpointer user_data)
{
  ElvesAmqpAttempt *self = g_atomic_rc_box_new0 (ElvesAmqpAttempt);
  initialise_classes ();
  self->plan = *plan;
  self->func = ended;
  self->user_data = user_data;
  self->cancellable = g_cancellable_new ();
  g_mutex_init (&self->lock);
  g_cond_init (&self->ended_changed);
  self->notice = new_notice (self);
  g_thread_unref (g_thread_new (plan->role, attempt_thread, g_atomic_rc_box_acquire (self)));
  return self;
}

static void
wait_for_end (ElvesAmqpAttempt *self)
{
  gint64 deadline_us = g_get_monotonic_time () + STOP_TIMEOUT_MS * 1000;
  g_mutex_lock (&self->lock);
  while (!self->ended)
    if (!g_cond_wait_until (&self->ended_changed, &self->lock, deadline_us))
      break;
  g_mutex_unlock (&self->lock);
}

/**
 * elves_amqp_attempt_free:
 * @self: (nullable): ended or not
 *
 * Waits for the thread at most STOP_TIMEOUT_MS. No callback afterwards.
 */
void
elves_amqp_attempt_free (ElvesAmqpAttempt *self)
{
  if (self == NULL)
    return;
  g_source_destroy (self->notice);
  g_cancellable_cancel (self->cancellable);
  wait_for_end (self);
  attempt_unref (self);
}
