#include "common/poller.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct
{
  ElvesPoller *poller;
  int ours, theirs;
  ElvesWatch *watch;
  GIOCondition seen;
  guint calls;
  ElvesWatch **victim; /* removed from inside the callback */
} Fixture;

static void
on_ready (int fd, GIOCondition condition, gpointer user_data)
{
  Fixture *self = user_data;
  g_assert_cmpint (fd, ==, self->ours);
  self->seen |= condition;
  self->calls++;
  if (self->victim)
    g_clear_pointer (self->victim, elves_watch_remove);
}

static void
fixture_init (Fixture *self, ElvesPoller *poller, GIOCondition events)
{
  int pair[2];
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
  *self = (Fixture){ .poller = poller, .ours = pair[0], .theirs = pair[1] };
  self->watch = elves_poller_watch (poller, self->ours, events, on_ready, self);
}

static void
fixture_clear (Fixture *self)
{
  elves_watch_remove (self->watch);
  close (self->ours);
  if (self->theirs >= 0)
    close (self->theirs);
}

static void
turn (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    if (g_test_failed ())
      return;
}

static void
test_conditions (void)
{
  g_autoptr (ElvesPoller) poller = elves_poller_new (NULL);
  Fixture self;
  fixture_init (&self, poller, G_IO_IN);

  g_main_context_iteration (NULL, FALSE);
  g_assert_cmpuint (self.calls, ==, 0);

  g_assert_cmpint (write (self.theirs, "x", 1), ==, 1);
  g_main_context_iteration (NULL, FALSE);
  g_assert_cmpint (self.seen, ==, G_IO_IN);
  g_main_context_iteration (NULL, FALSE);
  g_assert_cmpuint (self.calls, ==, 2); /* level-triggered */

  elves_watch_set_events (self.watch, G_IO_OUT);
  self.seen = 0;
  g_main_context_iteration (NULL, FALSE);
  g_assert_cmpint (self.seen, ==, G_IO_OUT);

  elves_watch_set_events (self.watch, 0);
  self.calls = 0;
  g_main_context_iteration (NULL, FALSE);
  g_assert_cmpuint (self.calls, ==, 0);

  close (self.theirs);
  self.theirs = -1;
  self.seen = 0;
  g_main_context_iteration (NULL, FALSE);
  g_assert_true (self.seen & G_IO_HUP);
  fixture_clear (&self);
}

/* Whichever of the two is called first removes the other, whose event has been fetched already. */
static void
test_remove_other_inside (void)
{
  g_autoptr (ElvesPoller) poller = elves_poller_new (NULL);
  Fixture pair[2];
  fixture_init (&pair[0], poller, G_IO_OUT);
  fixture_init (&pair[1], poller, G_IO_OUT);
  pair[0].victim = &pair[1].watch;
  pair[1].victim = &pair[0].watch;

  g_main_context_iteration (NULL, FALSE);
  g_assert_cmpuint (pair[0].calls + pair[1].calls, ==, 1);
  fixture_clear (&pair[0]);
  fixture_clear (&pair[1]);
}

static void
test_remove_self_inside (void)
{
  g_autoptr (ElvesPoller) poller = elves_poller_new (NULL);
  Fixture self;
  fixture_init (&self, poller, G_IO_OUT);
  self.victim = &self.watch;

  turn ();
  g_assert_cmpuint (self.calls, ==, 1);
  g_assert_null (self.watch);
  fixture_clear (&self);
}

static void
test_many_ready (void)
{
  g_autoptr (ElvesPoller) poller = elves_poller_new (NULL);
  Fixture many[150]; /* more than one batch */
  for (guint i = 0; i < G_N_ELEMENTS (many); i++)
    fixture_init (&many[i], poller, G_IO_OUT);
  for (guint i = 0; i < 4; i++)
    g_main_context_iteration (NULL, FALSE);
  for (guint i = 0; i < G_N_ELEMENTS (many); i++)
    {
      g_assert_cmpuint (many[i].calls, >, 0);
      fixture_clear (&many[i]);
    }
}

typedef struct
{
  ElvesPoller *poller;
  ElvesDeferred deferred;
  ElvesDeferred *cancels, *defers;
  guint calls;
  gboolean again;
} Work;

static void
on_turn_ended (gpointer user_data)
{
  Work *self = user_data;
  self->calls++;
  if (self->cancels)
    elves_poller_cancel_deferred (self->poller, self->cancels);
  if (self->defers)
    elves_poller_defer (self->poller, self->defers);
  if (self->again)
    elves_poller_defer (self->poller, &self->deferred);
}

static void
work_init (Work *self, ElvesPoller *poller)
{
  *self = (Work){ .poller = poller };
  self->deferred.func = on_turn_ended;
  self->deferred.user_data = self;
}

static void
test_deferred (void)
{
  g_autoptr (ElvesPoller) poller = elves_poller_new (NULL);
  Work a, b, c;
  work_init (&a, poller);
  work_init (&b, poller);
  work_init (&c, poller);
  a.cancels = &b.deferred;
  c.again = TRUE;
  elves_poller_defer (poller, &a.deferred);
  elves_poller_defer (poller, &a.deferred);
  elves_poller_defer (poller, &b.deferred);
  elves_poller_defer (poller, &c.deferred);
  g_assert_cmpuint (a.calls, ==, 0);

  g_assert_true (g_main_context_iteration (NULL, FALSE));
  g_assert_cmpuint (a.calls, ==, 1);
  g_assert_cmpuint (b.calls, ==, 0);
  guint turns = c.calls;
  g_assert_cmpuint (turns, >=, 1);
  g_assert_true (g_main_context_iteration (NULL, FALSE));
  g_assert_cmpuint (c.calls, ==, turns + 1);

  elves_poller_cancel_deferred (poller, &c.deferred);
  g_assert_false (g_main_context_iteration (NULL, FALSE));
}

/* What deferred work defers runs in the same turn; work that defers itself, and work that defer
   each other, once a turn. */
static void
test_deferred_by_deferred (void)
{
  g_autoptr (ElvesPoller) poller = elves_poller_new (NULL);
  Work a, b;
  work_init (&a, poller);
  work_init (&b, poller);
  a.defers = &b.deferred;
  b.defers = &a.deferred;
  elves_poller_defer (poller, &a.deferred);
  for (guint turn = 1; turn <= 3; turn++)
    {
      g_assert_true (g_main_context_iteration (NULL, FALSE));
      g_assert_cmpuint (a.calls, ==, turn);
      g_assert_cmpuint (b.calls, ==, turn);
    }
  elves_poller_cancel_deferred (poller, &a.deferred);
  g_assert_false (g_main_context_iteration (NULL, FALSE));
}

typedef struct
{
  ElvesPoller *poller;
  Work *work;
  guint calls_inside;
} Deferrer;

static void
on_ready_defer (int fd, GIOCondition condition, gpointer user_data)
{
  Deferrer *self = user_data;
  elves_poller_defer (self->poller, &self->work->deferred);
  self->calls_inside = self->work->calls;
}

/* What a watch defers runs in the same turn, after the watch. */
static void
test_deferred_in_dispatch (void)
{
  g_autoptr (ElvesPoller) poller = elves_poller_new (NULL);
  Fixture fixture;
  fixture_init (&fixture, poller, 0);
  Work work;
  work_init (&work, poller);
  Deferrer deferrer = { .poller = poller, .work = &work };
  ElvesWatch *watch =
      elves_poller_watch (poller, fixture.theirs, G_IO_OUT, on_ready_defer, &deferrer);

  g_assert_true (g_main_context_iteration (NULL, FALSE));
  g_assert_cmpuint (deferrer.calls_inside, ==, 0);
  g_assert_cmpuint (work.calls, ==, 1);
  elves_watch_remove (watch);
  fixture_clear (&fixture);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/poller/conditions", test_conditions);
  g_test_add_func ("/poller/remove-other-inside", test_remove_other_inside);
  g_test_add_func ("/poller/remove-self-inside", test_remove_self_inside);
  g_test_add_func ("/poller/many-ready", test_many_ready);
  g_test_add_func ("/poller/deferred", test_deferred);
  g_test_add_func ("/poller/deferred-by-deferred", test_deferred_by_deferred);
  g_test_add_func ("/poller/deferred-in-dispatch", test_deferred_in_dispatch);
  return g_test_run ();
}
