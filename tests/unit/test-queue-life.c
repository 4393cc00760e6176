/* Every state with every event. */
#include "queue/life.h"

static void
test_queues (void)
{
  static const char *const table[] = {
    "pendding commit running", "pendding stop stopped", "running commit -",
    "running stop stopped",    "stopped commit -",      "stopped stop stopped",
  };
  static const char *const events[] = { "commit", "stop" };
  guint row = 0;
  for (guint state = 0; state < ELVES_N_QUEUE_STATES; state++)
    for (guint event = 0; event < ELVES_N_QUEUE_EVENTS; event++)
      {
        ElvesQueueState next;
        gboolean possible = elves_queue_state_next (state, event, &next);
        g_autofree char *line =
            g_strdup_printf ("%s %s %s", elves_queue_state_text (state), events[event],
                             possible ? elves_queue_state_text (next) : "-");
        g_assert_cmpstr (line, ==, table[row++]);
      }
}

static void
test_tasks (void)
{
  static const char *const table[] = {
    "pendding dispatch running",
    "pendding end -",
    "pendding stop stopped",
    "pendding skip skipped",
    "pendding withdraw -",
    "running dispatch -",
    "running end finish",
    "running stop -",
    "running skip -",
    "running withdraw stopped",
    "finish dispatch -",
    "finish end -",
    "finish stop -",
    "finish skip -",
    "finish withdraw -",
    "stopped dispatch -",
    "stopped end -",
    "stopped stop -",
    "stopped skip -",
    "stopped withdraw -",
    "skipped dispatch -",
    "skipped end -",
    "skipped stop -",
    "skipped skip -",
    "skipped withdraw -",
  };
  static const char *const events[] = { "dispatch", "end", "stop", "skip", "withdraw" };
  guint row = 0;
  for (guint state = 0; state < ELVES_N_TASK_STATES; state++)
    for (guint event = 0; event < ELVES_N_TASK_EVENTS; event++)
      {
        ElvesTaskState next;
        gboolean possible = elves_task_state_next (state, event, &next);
        g_autofree char *line =
            g_strdup_printf ("%s %s %s", elves_task_state_text (state), events[event],
                             possible ? elves_task_state_text (next) : "-");
        g_assert_cmpstr (line, ==, table[row++]);
      }
}

static void
test_texts (void)
{
  ElvesQueueState queue;
  ElvesTaskState task;
  ElvesOnFailure policy;
  for (guint i = 0; i < ELVES_N_QUEUE_STATES; i++)
    g_assert_true (elves_queue_state_from_text (elves_queue_state_text (i), &queue) && queue == i);
  for (guint i = 0; i < ELVES_N_TASK_STATES; i++)
    g_assert_true (elves_task_state_from_text (elves_task_state_text (i), &task) && task == i);
  g_assert_true (elves_on_failure_from_text ("skipped", &policy));
  g_assert_cmpint (policy, ==, ELVES_ON_FAILURE_SKIP);
  g_assert_false (elves_task_state_from_text ("pending", &task));
  g_assert_false (elves_queue_state_from_text (NULL, &queue));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/queue-life/queues", test_queues);
  g_test_add_func ("/queue-life/tasks", test_tasks);
  g_test_add_func ("/queue-life/texts", test_texts);
  return g_test_run ();
}
