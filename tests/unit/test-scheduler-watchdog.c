/* The watchdog without a broker: who is blamed for a message that does not come back, and when. */

#include "scheduler/watchdog.h"
#include "tests/lib/run-until.h"

#define INTERVAL_MS 10
#define TIMEOUT_MS 60

typedef struct
{
  ElvesDeadlines *deadlines;
  ElvesWatchdog *watchdog;
  guint64 sent;
  guint publisher_stalls, consumer_stalls;
} Fixture;

static void
on_send (guint64 number, gpointer user_data)
{
  Fixture *self = user_data;
  g_assert_cmpuint (number, ==, self->sent + 1);
  self->sent = number;
}

static void
on_publisher_stalled (gpointer user_data)
{
  Fixture *self = user_data;
  self->publisher_stalls++;
}

static void
on_consumer_stalled (gpointer user_data)
{
  Fixture *self = user_data;
  self->consumer_stalls++;
}

static void
set_up (Fixture *self, gconstpointer data)
{
  static const ElvesWatchdogCallbacks callbacks = { on_send, on_publisher_stalled,
                                                    on_consumer_stalled };
  self->deadlines = elves_deadlines_new ();
  self->watchdog = elves_watchdog_new (self->deadlines, INTERVAL_MS, TIMEOUT_MS, &callbacks, self);
  elves_watchdog_set_publishing (self->watchdog, TRUE);
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  elves_watchdog_free (self->watchdog);
  elves_deadlines_free (self->deadlines);
}

static void
turn_for_ms (guint time_ms)
{
  gint64 until_us = g_get_monotonic_time () + time_ms * 1000;
  run_until (g_get_monotonic_time () >= until_us);
}

static void
start (Fixture *self)
{
  guint64 before = self->sent;
  elves_watchdog_start (self->watchdog);
  run_until (self->sent > before);
}

static void
test_comes_back (Fixture *self, gconstpointer data)
{
  start (self);
  for (guint64 i = 1; i <= 5; i++)
    {
      elves_watchdog_confirmed (self->watchdog, TRUE);
      g_assert_cmpint (elves_watchdog_arrived (self->watchdog, i), >=, 0);
      g_assert_cmpint (elves_watchdog_arrived (self->watchdog, i), ==, -1);
      run_until (self->sent > i);
    }
  g_assert_cmpuint (self->consumer_stalls + self->publisher_stalls, ==, 0);
}

/* The broker may deliver before it confirms; it must do both. */
static void
test_confirmed_late (Fixture *self, gconstpointer data)
{
  start (self);
  g_assert_cmpint (elves_watchdog_arrived (self->watchdog, 1), >=, 0);
  elves_watchdog_confirmed (self->watchdog, TRUE);
  run_until (self->sent == 2);
  g_assert_cmpint (elves_watchdog_arrived (self->watchdog, 2), >=, 0);
  run_until (self->publisher_stalls == 1);
  g_assert_cmpuint (self->sent, ==, 2);
  g_assert_cmpuint (self->consumer_stalls, ==, 0);
}

static void
test_not_delivered (Fixture *self, gconstpointer data)
{
  start (self);
  elves_watchdog_confirmed (self->watchdog, TRUE);
  run_until (self->consumer_stalls == 1);
  turn_for_ms (2 * TIMEOUT_MS);
  g_assert_cmpuint (self->consumer_stalls, ==, 1); /* once, until it consumes again */
  g_assert_cmpuint (self->sent, ==, 1);
  g_assert_cmpuint (self->publisher_stalls, ==, 0);

  start (self);
  g_assert_cmpint (elves_watchdog_arrived (self->watchdog, 1), ==, -1); /* of old */
  elves_watchdog_confirmed (self->watchdog, TRUE);
  g_assert_cmpint (elves_watchdog_arrived (self->watchdog, 2), >=, 0);
}

static void
test_no_queue (Fixture *self, gconstpointer data)
{
  start (self);
  elves_watchdog_confirmed (self->watchdog, FALSE);
  g_assert_cmpuint (self->consumer_stalls, ==, 1);
}

static void
test_not_confirmed (Fixture *self, gconstpointer data)
{
  start (self);
  run_until (self->publisher_stalls == 1);
  elves_watchdog_set_publishing (self->watchdog, FALSE);
  turn_for_ms (3 * TIMEOUT_MS);
  g_assert_cmpuint (self->publisher_stalls, ==, 1); /* known to be away */

  elves_watchdog_set_publishing (self->watchdog, TRUE);
  elves_watchdog_confirmed (self->watchdog, TRUE); /* it was published again */
  g_assert_cmpint (elves_watchdog_arrived (self->watchdog, 1), >=, 0);
  g_assert_cmpuint (self->consumer_stalls, ==, 0);
}

/* One that is confirmed after its connection was replaced says nothing about the next one. */
static void
test_old_confirmation (Fixture *self, gconstpointer data)
{
  start (self);
  elves_watchdog_stop (self->watchdog);
  start (self);
  elves_watchdog_confirmed (self->watchdog, FALSE);
  run_until (self->publisher_stalls == 1);
  g_assert_cmpuint (self->consumer_stalls, ==, 0);
}

static void
test_stopped (Fixture *self, gconstpointer data)
{
  start (self);
  elves_watchdog_confirmed (self->watchdog, TRUE);
  elves_watchdog_stop (self->watchdog);
  turn_for_ms (2 * TIMEOUT_MS);
  g_assert_cmpuint (self->sent, ==, 1);
  g_assert_cmpuint (self->consumer_stalls + self->publisher_stalls, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) \
  g_test_add ("/scheduler-watchdog/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("comes-back", test_comes_back);
  ADD ("confirmed-late", test_confirmed_late);
  ADD ("not-delivered", test_not_delivered);
  ADD ("no-queue", test_no_queue);
  ADD ("not-confirmed", test_not_confirmed);
  ADD ("old-confirmation", test_old_confirmation);
  ADD ("stopped", test_stopped);
  return g_test_run ();
}
