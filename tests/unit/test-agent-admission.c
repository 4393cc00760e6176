/* Limits, order and fairness of agent/admission. */
#include "agent/admission.h"

#include "common/error.h"

typedef struct
{
  GString *order; /* one letter for each job admitted */
  char letter;
  ElvesTicket *ticket;
} Job;

static void
on_admitted (gpointer user_data)
{
  Job *job = user_data;
  g_string_append_c (job->order, job->letter);
}

static void
enter (ElvesAdmission *admission,
       Job *job,
       GString *order,
       const char *app,
       char letter,
       guint limit)
{
  g_autoptr (GError) error = NULL;
  job->order = order;
  job->letter = letter;
  job->ticket = elves_admission_enter (admission, app, limit, on_admitted, job, &error);
  g_assert_no_error (error);
  g_assert_nonnull (job->ticket);
}

static void
leave (Job *job)
{
  elves_ticket_leave (g_steal_pointer (&job->ticket));
}

static void
test_limit_and_order (void)
{
  g_autoptr (ElvesAdmission) admission = elves_admission_new (2, 2);
  g_autoptr (GString) order = g_string_new (NULL);
  Job jobs[4];
  for (guint i = 0; i < 4; i++)
    enter (admission, &jobs[i], order, "app", 'a' + i, 0);
  g_assert_cmpstr (order->str, ==, "ab");
  g_assert_cmpuint (elves_admission_running (admission), ==, 2);
  g_assert_cmpuint (elves_admission_waiting (admission), ==, 2);
  g_assert_false (elves_ticket_is_admitted (jobs[2].ticket));

  leave (&jobs[1]);
  g_assert_cmpstr (order->str, ==, "abc");
  leave (&jobs[0]);
  g_assert_cmpstr (order->str, ==, "abcd");
  leave (&jobs[2]);
  leave (&jobs[3]);
  g_assert_cmpuint (elves_admission_running (admission), ==, 0);
}

static void
test_busy (void)
{
  g_autoptr (ElvesAdmission) admission = elves_admission_new (1, 1);
  g_autoptr (GString) order = g_string_new (NULL);
  Job running, waiting;
  enter (admission, &running, order, "app", 'a', 0);
  enter (admission, &waiting, order, "app", 'b', 0);

  g_autoptr (GError) error = NULL;
  g_assert_null (elves_admission_enter (admission, "other", 0, on_admitted, NULL, &error));
  g_assert_error (error, ELVES_ERROR, ELVES_ERROR_BUSY);
  g_assert_nonnull (strstr (error->message, "worker.maxWaiting"));

  leave (&waiting); /* gave up: its place is free again */
  g_assert_cmpuint (elves_admission_waiting (admission), ==, 0);
  enter (admission, &waiting, order, "other", 'c', 0);
  leave (&running);
  g_assert_cmpstr (order->str, ==, "ac");
  leave (&waiting);
}

static void
test_app_at_its_limit_does_not_block_others (void)
{
  g_autoptr (ElvesAdmission) admission = elves_admission_new (3, 10);
  g_autoptr (GString) order = g_string_new (NULL);
  Job slow[3], other;
  for (guint i = 0; i < 3; i++)
    enter (admission, &slow[i], order, "slow", 's', 1);
  g_assert_cmpstr (order->str, ==, "s");
  enter (admission, &other, order, "other", 'o', 1);
  g_assert_cmpstr (order->str, ==, "so");
  leave (&other);
  g_assert_cmpstr (order->str, ==, "so");
  leave (&slow[0]);
  g_assert_cmpstr (order->str, ==, "sos");
  leave (&slow[1]);
  leave (&slow[2]);
}

static void
test_apps_take_turns (void)
{
  g_autoptr (ElvesAdmission) admission = elves_admission_new (1, 10);
  g_autoptr (GString) order = g_string_new (NULL);
  Job first, many[3], few[2];
  enter (admission, &first, order, "x", 'x', 0);
  for (guint i = 0; i < 3; i++)
    enter (admission, &many[i], order, "m", 'm', 0);
  for (guint i = 0; i < 2; i++)
    enter (admission, &few[i], order, "f", 'f', 0);
  leave (&first);
  leave (&many[0]);
  leave (&few[0]);
  leave (&many[1]);
  leave (&few[1]);
  leave (&many[2]);
  g_assert_cmpstr (order->str, ==, "xmfmfm");
}

/* A job that ends before its admission has returned to the caller. */
typedef struct
{
  ElvesTicket *previous;
  guint admitted;
} Nested;

static void
on_admitted_leave_previous (gpointer user_data)
{
  Nested *nested = user_data;
  nested->admitted++;
  elves_ticket_leave (g_steal_pointer (&nested->previous));
}

static void
test_leave_inside_admitted (void)
{
  g_autoptr (ElvesAdmission) admission = elves_admission_new (2, 10);
  g_autoptr (GString) order = g_string_new (NULL);
  Job first, waiting[2];
  enter (admission, &first, order, "a", 'a', 0);
  Nested nested = { .previous = first.ticket };
  ElvesTicket *second =
      elves_admission_enter (admission, "b", 0, on_admitted_leave_previous, &nested, NULL);
  g_assert_cmpuint (nested.admitted, ==, 1);
  g_assert_cmpuint (elves_admission_running (admission), ==, 1);
  enter (admission, &waiting[0], order, "c", 'c', 0);
  enter (admission, &waiting[1], order, "d", 'd', 0);
  elves_ticket_leave (second);
  g_assert_cmpstr (order->str, ==, "acd");
  leave (&waiting[0]);
  leave (&waiting[1]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/agent/admission/limit-and-order", test_limit_and_order);
  g_test_add_func ("/agent/admission/busy", test_busy);
  g_test_add_func ("/agent/admission/app-at-its-limit-does-not-block-others",
                   test_app_at_its_limit_does_not_block_others);
  g_test_add_func ("/agent/admission/apps-take-turns", test_apps_take_turns);
  g_test_add_func ("/agent/admission/leave-inside-admitted", test_leave_inside_admitted);
  return g_test_run ();
}
