/* The watchdog of the connections to the broker.
 *
 *   IDLE --start--> RESTING --interval--> SENT --confirmed and arrived--> RESTING
 *                                          | timeout
 *                                          +-- not confirmed: publisher_stalled; waits once more
 *                                          +-- confirmed:     consumer_stalled -> IDLE
 *
 * A connection that is known to be lost is not watched: it is being rebuilt already. The same holds
 * for the one that publishes: while it is known to be away, the time of a message does not run out.
 * A message that was sent before the last start or rebuild is an old one: it changes nothing.
 */
#include "scheduler/watchdog.h"

typedef enum
{
  IDLE,
  RESTING, /* until the next message */
  SENT
} State;

struct ElvesWatchdog
{
  ElvesDeadlines *deadlines;
  gint64 interval_us, timeout_us;
  ElvesWatchdogCallbacks callbacks;
  gpointer user_data;
  State state;
  ElvesDeadline deadline; /* of RESTING and SENT */
  guint64 number;         /* of the last message */
  gint64 sent_us;
  guint unconfirmed; /* messages, old ones too */
  gboolean arrived, publishing;
};

static void on_due (ElvesDeadline *deadline, gpointer user_data);

static void
arm (ElvesWatchdog *self, gint64 delay_us)
{
  elves_deadlines_arm (self->deadlines, &self->deadline, g_get_monotonic_time () + delay_us, on_due,
                       self);
}

static void
send (ElvesWatchdog *self)
{
  self->state = SENT;
  self->number++;
  self->sent_us = g_get_monotonic_time ();
  self->unconfirmed++;
  self->arrived = FALSE;
  arm (self, self->timeout_us);
  self->callbacks.send (self->number, self->user_data);
}

static void
blame_consumer (ElvesWatchdog *self)
{
  elves_watchdog_stop (self);
  self->callbacks.consumer_stalled (self->user_data);
}

static void
give_up (ElvesWatchdog *self)
{
  if (self->unconfirmed == 0)
    {
      blame_consumer (self);
      return;
    }
  arm (self, self->timeout_us);
  if (self->publishing)
    self->callbacks.publisher_stalled (self->user_data);
}

static void
on_due (ElvesDeadline *deadline, gpointer user_data)
{
  ElvesWatchdog *self = user_data;

  if (self->state == RESTING)
    send (self);
  else
    give_up (self);
}

/**
 * elves_watchdog_new:
 * @deadlines: its clock; must outlive it
 * @interval_ms: from the return of one message to the next
 * @timeout_ms: how long one may be under way
 * @callbacks: copied
 * @user_data: for @callbacks
 *
 * Returns: (transfer full): a watchdog that does nothing yet
 */
ElvesWatchdog *
elves_watchdog_new (ElvesDeadlines *deadlines,
                    guint interval_ms,
                    guint timeout_ms,
                    const ElvesWatchdogCallbacks *callbacks,
                    gpointer user_data)
{
  ElvesWatchdog *self = g_new0 (ElvesWatchdog, 1);

  self->deadlines = deadlines;
  self->interval_us = interval_ms * G_GINT64_CONSTANT (1000);
  self->timeout_us = timeout_ms * G_GINT64_CONSTANT (1000);
  self->callbacks = *callbacks;
  self->user_data = user_data;
  return self;
}

/**
 * elves_watchdog_free:
 * @self: (nullable): a watchdog
 */
void
elves_watchdog_free (ElvesWatchdog *self)
{
  if (self == NULL)
    return;

  elves_deadlines_disarm (self->deadlines, &self->deadline);
  g_free (self);
}

/**
 * elves_watchdog_start:
 * @self: a watchdog
 *
 * There is a new connection that consumes: the first message leaves after the interval.
 */
void
elves_watchdog_start (ElvesWatchdog *self)
{
  self->state = RESTING;
  arm (self, self->interval_us);
}

/**
 * elves_watchdog_stop:
 * @self: a watchdog
 *
 * What is under way counts no more.
 */
void
elves_watchdog_stop (ElvesWatchdog *self)
{
  self->state = IDLE;
  elves_deadlines_disarm (self->deadlines, &self->deadline);
}

/**
 * elves_watchdog_set_publishing:
 * @self: a watchdog
 * @publishing: whether the connection that publishes stands, as far as is known
 *
 * A message under way gets its whole time again when it does.
 */
void
elves_watchdog_set_publishing (ElvesWatchdog *self, gboolean publishing)
{
  if (publishing && !self->publishing && self->state == SENT)
    arm (self, self->timeout_us);
  self->publishing = publishing;
}

static void
rest (ElvesWatchdog *self)
{
  self->state = RESTING;
  arm (self, self->interval_us);
}

/**
 * elves_watchdog_confirmed:
 * @self: a watchdog
 * @routed: whether there was a queue for it
 *
 * The broker has one of the messages.
 */
void
elves_watchdog_confirmed (ElvesWatchdog *self, gboolean routed)
{
  self->unconfirmed--;
  if (self->state != SENT || self->unconfirmed > 0)
    return;
  if (self->arrived)
    rest (self);
  else if (routed)
    arm (self, self->timeout_us); /* from now on it is the other connection's */
  else
    blame_consumer (self);
}

/**
 * elves_watchdog_arrived:
 * @self: a watchdog
 * @number: which message has come back
 *
 * Returns: the microseconds it took; -1 for an old one, or one that came before
 */
gint64
elves_watchdog_arrived (ElvesWatchdog *self, guint64 number)
{
  if (self->state != SENT || number != self->number || self->arrived)
    return -1;
  self->arrived = TRUE;
  if (self->unconfirmed == 0)
    rest (self);
  return g_get_monotonic_time () - self->sent_us;
}
