/* A connection to the broker that is made again for ever.
 *
 * An attempt opens it on a thread. An open connection is served by the main loop, where nothing
 * waits: what has come is received at once, and what one turn of the loop gathered leaves with one
 * send at its end. So a message wakes this process once, and no other thread.
 *
 * One alarm stands for the time to try again, the next sign of life, and whatever the owner waits
 * for. Setting it costs a system call; that is not done for a message.
 *
 * Lifetime: @data belongs to the session, the session to its owner, to an attempt, and to whatever
 * is calling the owner: a callback may stop it.
 */
#include "common/amqp-session.h"

#include "common/amqp-attempt.h"
#include "common/backoff.h"
#include "common/error.h"

#define CLOSE_TIMEOUT_MS 2000

typedef struct
{
  GSource base;
  ElvesAmqpSession *session;
} Alarm;

struct ElvesAmqpSession
{
  ElvesAmqpSettings settings;
  const ElvesAmqpSessionClass *class;
  gpointer data;
  ElvesPoller *poller;
  gboolean owns_poller;
  gboolean stopped;

  GSource *alarm;
  gint64 alarm_us; /* when it is due, monotonic; 0: not set */
  ElvesDeferred turn;

  ElvesAmqpAttempt *attempt; /* (nullable) under way */
  guint attempts;            /* without success */
  gint64 attempt_at_us;      /* the last one began */

  ElvesAmqpConnection *connection; /* (nullable) open */
  ElvesWatch *watch;               /* of it */
  char *rebuild;                   /* (nullable) why it is to be given up */
};

static void
session_clear (gpointer data)
{
  ElvesAmqpSession *self = data;
  self->class->free (self->data);
  g_source_unref (self->alarm);
  g_free (self->rebuild);
  g_free ((char *) self->settings.host);
  g_free ((char *) self->settings.user);
  g_free ((char *) self->settings.password);
  g_free ((char *) self->settings.vhost);
}

static ElvesAmqpSession *
session_ref (gpointer self)
{
  return g_atomic_rc_box_acquire (self);
}

static void
session_unref (gpointer self)
{
  g_atomic_rc_box_release_full (self, session_clear);
}

/* --- the alarm ------------------------------------------------------------------------------- */

/* @timeout_ms: -1 for none. An earlier alarm stays. */
static void
set_alarm (ElvesAmqpSession *self, int timeout_ms)
{
  if (timeout_ms < 0)
    return;
  gint64 at_us = g_get_monotonic_time () + (gint64) timeout_ms * 1000;
  if (self->alarm_us != 0 && self->alarm_us <= at_us)
    return;
  self->alarm_us = at_us;
  g_source_set_ready_time (self->alarm, at_us);
}

static void
clear_alarm (ElvesAmqpSession *self)
{
  self->alarm_us = 0;
  g_source_set_ready_time (self->alarm, -1);
}

/* --- a connection ---------------------------------------------------------------------------- */

/* (transfer full) (nullable) */
static ElvesAmqpConnection *
take_connection (ElvesAmqpSession *self)
{
  g_clear_pointer (&self->watch, elves_watch_remove);
  g_clear_pointer (&self->rebuild, g_free);
  return g_steal_pointer (&self->connection);
}

static void
plan_attempt (ElvesAmqpSession *self)
{
  /* A connection that did not live long is no success: its peer may close each at once. */
  gint64 lived_ms = (g_get_monotonic_time () - self->attempt_at_us) / 1000;
  if (lived_ms > (gint64) self->settings.retry_cap_ms + self->settings.connect_timeout_ms)
    self->attempts = 0;
  clear_alarm (self);
  set_alarm (self, (int) elves_backoff_delay_ms (self->attempts++, self->settings.retry_first_ms,
                                                 self->settings.retry_cap_ms, g_random_double ()));
}

/* @error: (transfer full) */
static void
lose (ElvesAmqpSession *self, GError *error)
{
  g_autoptr (GError) cause = error;
  g_autoptr (ElvesAmqpConnection) connection = take_connection (self);
  g_prefix_error (&cause, "Broker %s:%u: ", self->settings.host, (guint) self->settings.port);
  plan_attempt (self);
  self->class->lost (connection, self->data, cause);
  if (!self->stopped)
    elves_amqp_session_schedule (self);
}

static gboolean
read_frames (ElvesAmqpSession *self, GError **error)
{
  amqp_frame_t frame;
  ElvesAmqpRead result;
  self->connection->received_us = g_get_monotonic_time ();
  while ((result = elves_amqp_connection_read (self->connection, &frame, error)) ==
         ELVES_AMQP_READ_FRAME)
    if (!self->class->frame (self->connection, &frame, self->data, error))
      return FALSE;
  return result == ELVES_AMQP_READ_NOTHING;
}

static void
receive (ElvesAmqpSession *self)
{
  GError *error = NULL;
  if (!read_frames (self, &error))
    {
      lose (self, error);
      return;
    }
  self->class->received (self->data);
  if (!self->stopped)
    elves_amqp_session_schedule (self);
}

static void
on_socket_ready (int fd, GIOCondition condition, gpointer user_data)
{
  ElvesAmqpSession *self = session_ref (user_data);
  if (condition == G_IO_OUT)
    elves_amqp_session_schedule (self);
  else
    receive (self);
  session_unref (self);
}

static gboolean
keep_up (ElvesAmqpSession *self, GError **error)
{
  ElvesAmqpOutput *output = &self->connection->output;
  if (self->rebuild != NULL)
    {
      g_set_error_literal (error, ELVES_ERROR, ELVES_ERROR_TIMEOUT, self->rebuild);
      return FALSE;
    }
  if (!elves_amqp_connection_keep_alive (self->connection, error) ||
      !elves_amqp_output_send (output, self->connection->fd, error))
    return FALSE;
  elves_watch_set_events (self->watch,
                          G_IO_IN | (elves_amqp_output_is_empty (output) ? 0 : G_IO_OUT));
  return TRUE;
}

static void
on_turn (gpointer user_data)
{
  ElvesAmqpSession *self = session_ref (user_data);
  GError *error = NULL;
  int timeout_ms =
      self->connection == NULL ? -1 : elves_amqp_connection_keep_alive_ms (self->connection);
  self->class->turn (self->connection, self->data, &timeout_ms);
  if (self->connection != NULL && !self->stopped)
    {
      set_alarm (self, timeout_ms);
      if (!keep_up (self, &error))
        lose (self, error);
    }
  session_unref (self);
}

/* --- attempts -------------------------------------------------------------------------------- */

static void
serve (ElvesAmqpSession *self, ElvesAmqpConnection *connection)
{
  self->connection = connection;
  self->watch = elves_poller_watch (self->poller, connection->fd, G_IO_IN, on_socket_ready, self);
  self->class->opened (self->data);
  if (!self->stopped)
    receive (self);
}

static void
on_attempt_ended (ElvesAmqpConnection *connection, const GError *error, gpointer user_data)
{
  ElvesAmqpSession *self = session_ref (user_data);
  g_clear_pointer (&self->attempt, elves_amqp_attempt_free);
  if (connection == NULL)
    {
      plan_attempt (self);
      self->class->lost (NULL, self->data, error);
    }
  else if (self->class->wanted (self->data))
    serve (self, connection);
  else
    elves_amqp_connection_free (connection);
  session_unref (self);
}

static gboolean
start_on_thread (ElvesAmqpConnection *connection, gpointer data, GError **error)
{
  const ElvesAmqpSession *self = data;
  return self->class->start (connection, self->data, error);
}

static void
attempt (ElvesAmqpSession *self)
{
  ElvesAmqpAttemptPlan plan = { .settings = &self->settings,
                                .role = self->class->role,
                                .start = start_on_thread,
                                .data = self,
                                .release = session_unref };
  if (!self->class->wanted (self->data))
    return;
  self->attempt_at_us = g_get_monotonic_time ();
  session_ref (self); /* of the plan */
  self->attempt = elves_amqp_attempt_new (&plan, on_attempt_ended, self);
}

static gboolean
on_alarm (GSource *source, GSourceFunc callback, gpointer user_data)
{
  ElvesAmqpSession *self = ((Alarm *) source)->session;
  clear_alarm (self);
  if (self->connection != NULL)
    elves_amqp_session_schedule (self);
  else if (self->attempt == NULL)
    attempt (self);
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs alarm_funcs = { .dispatch = on_alarm };

/* --- from start to end ----------------------------------------------------------------------- */

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

static ElvesPoller *
new_poller (void)
{
  g_autoptr (GError) error = NULL;
  ElvesPoller *poller = elves_poller_new (&error);
  if (poller == NULL)
    g_error ("%s", error->message);
  return poller;
}

/**
 * elves_amqp_session_new:
 * @data: (transfer full): freed by @class when main loop and thread are done with it
 *
 * Returns: (transfer full): not yet running
 */
ElvesAmqpSession *
elves_amqp_session_new (const ElvesAmqpSettings *settings,
                        const ElvesAmqpSessionClass *class,
                        gpointer data)
{
  ElvesAmqpSession *self = g_atomic_rc_box_new0 (ElvesAmqpSession);
  self->settings = copy_settings (settings);
  self->class = class;
  self->data = data;
  self->owns_poller = settings->poller == NULL;
  self->poller = self->owns_poller ? new_poller () : settings->poller;
  self->turn.func = on_turn;
  self->turn.user_data = self;
  self->alarm = g_source_new (&alarm_funcs, sizeof (Alarm));
  ((Alarm *) self->alarm)->session = self;
  g_source_set_static_name (self->alarm, class->role);
  g_source_attach (self->alarm, g_main_context_get_thread_default ());
  return self;
}

/* Begins to connect: when @data is ready for it. */
void
elves_amqp_session_run (ElvesAmqpSession *self)
{
  attempt (self);
}

/**
 * elves_amqp_session_stop:
 * @self: (transfer full)
 *
 * Sends what has gathered and closes the connection, or ends the attempt: in at most 2.5 s. No
 * callback afterwards.
 */
void
elves_amqp_session_stop (ElvesAmqpSession *self)
{
  int timeout_ms = -1;
  self->stopped = TRUE;
  g_source_destroy (self->alarm);
  elves_poller_cancel_deferred (self->poller, &self->turn);
  g_clear_pointer (&self->attempt, elves_amqp_attempt_free);
  if (self->connection != NULL)
    {
      self->class->turn (self->connection, self->data, &timeout_ms);
      elves_amqp_connection_close (self->connection, CLOSE_TIMEOUT_MS);
    }
  elves_amqp_connection_free (take_connection (self));
  if (self->owns_poller)
    elves_poller_free (self->poller);
  session_unref (self);
}

void
elves_amqp_session_rebuild (ElvesAmqpSession *self, const char *why)
{
  if (self->connection == NULL)
    return;
  g_free (self->rebuild);
  self->rebuild = g_strdup (why);
  elves_amqp_session_schedule (self);
}

void
elves_amqp_session_schedule (ElvesAmqpSession *self)
{
  elves_poller_defer (self->poller, &self->turn);
}

gboolean
elves_amqp_session_is_open (const ElvesAmqpSession *self)
{
  return self->connection != NULL;
}

gboolean
elves_amqp_session_is_stopped (const ElvesAmqpSession *self)
{
  return self->stopped;
}
