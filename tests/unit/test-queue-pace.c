/* What is pure of submitted queues: orders of graphs against a plain search, and how many tasks may
   start when. */
#include "queue/graph.h"
#include "queue/starting.h"

enum
{
  MAX_NODES = 8
};

/* Takes off who needs nobody, until nobody is left or nobody can be taken off. */
static guint
count_done (guint n, const GArray *edges, gboolean *done)
{
  guint n_done = 0;
  for (gboolean more = TRUE; more;)
    {
      more = FALSE;
      for (guint i = 0; i < n; i++)
        {
          gboolean ready = !done[i];
          for (guint e = 0; e < edges->len; e++)
            {
              const ElvesQueueEdge *edge = &g_array_index (edges, ElvesQueueEdge, e);
              ready = ready && !(edge->task == i && !done[edge->needs]);
            }
          if (ready)
            {
              done[i] = more = TRUE;
              n_done++;
            }
        }
    }
  return n_done;
}

static void
test_graphs (void)
{
  guint circles = 0;
  for (guint round = 0; round < 3000; round++)
    {
      g_autoptr (GArray) edges = g_array_new (FALSE, FALSE, sizeof (ElvesQueueEdge));
      gboolean done[MAX_NODES] = { 0 };
      guint n = (guint) g_test_rand_int_range (1, MAX_NODES + 1), in_circle = MAX_NODES;
      for (gint e = g_test_rand_int_range (0, 12); e > 0; e--)
        {
          ElvesQueueEdge edge = { (guint) g_test_rand_int_range (0, (gint) n),
                                  (guint) g_test_rand_int_range (0, (gint) n) };
          g_array_append_val (edges, edge);
        }
      gboolean has_order = count_done (n, edges, done) == n;
      g_assert_cmpint (elves_queue_graph_has_order (n, edges, &in_circle), ==, has_order);
      g_assert_true (has_order || (in_circle < n && !done[in_circle]));
      circles += has_order ? 0 : 1;
    }
  g_assert_cmpuint (circles, >, 100);
}

static ElvesQueueAccount
account (gint64 tasks, gint64 running, gint64 width, gint64 stagger_ms)
{
  return (ElvesQueueAccount){ .state = ELVES_QUEUE_RUNNING,
                              .tasks = tasks,
                              .running = running,
                              .width = width,
                              .stagger_ms = stagger_ms };
}

static void
test_room (void)
{
  ElvesQueueAccount free = account (10, 4, 0, 0), narrow = account (10, 4, 5, 0);
  ElvesQueueAccount full = account (10, 5, 5, 0), over = account (10, 7, 5, 0);
  ElvesQueueAccount slow = account (10, 4, 0, 100);
  g_assert_cmpint (elves_queue_room (&free, 0), ==, 6);
  g_assert_cmpint (elves_queue_room (&narrow, 0), ==, 1);
  g_assert_cmpint (elves_queue_room (&full, 0), ==, 0);
  g_assert_cmpint (elves_queue_room (&over, 0), ==, 0);
  g_assert_cmpint (elves_queue_room (&slow, 0), ==, 1);
  free.state = ELVES_QUEUE_STOPPED;
  g_assert_cmpint (elves_queue_room (&free, 0), ==, 0);
}

static void
test_stagger (void)
{
  ElvesQueueAccount slow = account (10, 1, 2, 100);
  elves_queue_pace (&slow, 1, 1000);
  g_assert_cmpint (slow.next_start_ms, ==, 1100);
  g_assert_cmpint (slow.wake_ms, ==, 1100);
  g_assert_cmpint (elves_queue_room (&slow, 1099), ==, 0);
  g_assert_cmpint (elves_queue_room (&slow, 1100), ==, 1);
  g_assert_cmpint (elves_queue_room (&slow, 500), ==, 1); /* the clock was set back */
  slow.running = 2;
  elves_queue_pace (&slow, 1, 1100);
  g_assert_cmpint (slow.wake_ms, ==, 0); /* the width is full: a result wakes it */
  slow.running = 1;
  slow.succeeded = 9;
  elves_queue_pace (&slow, 0, 1150);
  g_assert_cmpint (slow.wake_ms, ==, 0); /* there is nothing left to start */
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/queue-pace/graphs", test_graphs);
  g_test_add_func ("/queue-pace/room", test_room);
  g_test_add_func ("/queue-pace/stagger", test_stagger);
  return g_test_run ();
}
