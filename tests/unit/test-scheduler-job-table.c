#include "scheduler/job-table.h"

static ElvesFlight *
new_flight (ElvesJobKind kind, const char *id, const char *execution, guint64 epoch, guint64 tag)
{
  ElvesJob *job = elves_job_new ();

  job->kind = kind;
  elves_instruct_set (&job->instruct->id, id);
  elves_instruct_set (&job->instruct->type, kind == ELVES_JOB_ASYNC ? "queue" : "rt");
  if (execution != NULL)
    job->instruct->execution = g_strdup (execution);
  return elves_flight_new (job, epoch, tag);
}

/* Every state x event pair: the listed ones move, the others are refused and touch nothing. */
static void
test_flight_transitions (void)
{
  enum
  {
    NO = -1,
    CALLING = ELVES_FLIGHT_CALLING,
    PAUSED = ELVES_FLIGHT_PAUSED,
    ACCEPTED = ELVES_FLIGHT_ACCEPTED,
    HOLDING = ELVES_FLIGHT_HOLDING,
    PUBLISHING = ELVES_FLIGHT_PUBLISHING,
    DONE = ELVES_FLIGHT_DONE
  };
  static const int expected[ELVES_N_FLIGHT_STATES][ELVES_N_FLIGHT_EVENTS] = {
    /* DISPATCHED, TAKEN, PAUSE, HOLD, OUTCOME, SETTLED, CONFIRMED */
    { CALLING, NO, PAUSED, NO, NO, NO, NO },                 /* NEW */
    { NO, ACCEPTED, PAUSED, HOLDING, PUBLISHING, DONE, NO }, /* CALLING */
    { CALLING, NO, NO, HOLDING, PUBLISHING, NO, NO },        /* PAUSED */
    { NO, NO, NO, HOLDING, PUBLISHING, DONE, NO },           /* ACCEPTED */
    { NO, NO, NO, NO, PUBLISHING, DONE, NO },                /* HOLDING */
    { NO, PUBLISHING, NO, HOLDING, NO, NO, DONE },           /* PUBLISHING */
    { NO, DONE, NO, NO, NO, NO, NO },                        /* DONE */
  };

  for (int state = 0; state < ELVES_N_FLIGHT_STATES; state++)
    for (int event = 0; event < ELVES_N_FLIGHT_EVENTS; event++)
      {
        ElvesFlightState next = (ElvesFlightState) 99;
        gboolean listed = elves_flight_next_state (state, event, &next);

        g_assert_cmpint (listed, ==, expected[state][event] >= 0);
        g_assert_cmpint (next, ==, listed ? expected[state][event] : 99);
      }
}

static ElvesRedelivery
match (ElvesJobTable *table, const ElvesFlight *flight, guint64 epoch, guint64 tag)
{
  g_autoptr (ElvesFlight) found = NULL;
  ElvesRedelivery known = elves_job_table_match_redelivery (table, flight->job, epoch, tag, &found);

  g_assert_cmpint (known == ELVES_REDELIVERY_ATTACHED, ==, found != NULL);
  if (found != NULL)
    {
      g_assert_cmpuint (found->epoch, ==, epoch);
      g_assert_cmpuint (found->tag, ==, tag);
      g_assert_cmpint (found->custody, ==, ELVES_CUSTODY_HELD);
    }
  return known;
}

static void
test_result_by_execution (void)
{
  g_autoptr (ElvesJobTable) table = elves_job_table_new (3, 10);
  g_autoptr (ElvesFlight) first = new_flight (ELVES_JOB_ASYNC, "id", "id:a", 1, 1);
  g_autoptr (ElvesFlight) second = new_flight (ELVES_JOB_ASYNC, "id", "id:b", 1, 2);
  g_autoptr (ElvesFlight) twin = new_flight (ELVES_JOB_ASYNC, "id", "id:b", 1, 3);
  g_autoptr (GPtrArray) found = NULL;

  elves_job_table_add (table, first);
  elves_job_table_add (table, second);
  elves_job_table_add (table, twin);
  g_assert_cmpuint (elves_job_table_size (table), ==, 3);

  found = elves_job_table_find_result (table, second->job->instruct);
  g_assert_cmpuint (found->len, ==, 2);
  g_assert_true (found->pdata[0] == second && found->pdata[1] == twin);

  elves_job_table_remove (table, second);
  elves_job_table_remove (table, twin);
  g_clear_pointer (&found, g_ptr_array_unref);
  found = elves_job_table_find_result (table, second->job->instruct);
  g_assert_cmpuint (found->len, ==, 0);
  g_assert_cmpuint (elves_job_table_size (table), ==, 1);
}

/* An agent that does not know the execution key: the oldest that still waits. */
static void
test_result_by_type_and_id (void)
{
  g_autoptr (ElvesJobTable) table = elves_job_table_new (3, 10);
  g_autoptr (ElvesFlight) first = new_flight (ELVES_JOB_ASYNC, "id", "id:a", 1, 1);
  g_autoptr (ElvesFlight) second = new_flight (ELVES_JOB_ASYNC, "id", "id:b", 1, 2);
  g_autoptr (ElvesInstruct) returned = elves_instruct_new ();
  g_autoptr (GPtrArray) found = NULL;

  elves_job_table_add (table, first);
  elves_job_table_add (table, second);
  elves_instruct_set (&returned->id, "id");
  elves_instruct_set (&returned->type, "QUEUE");

  found = elves_job_table_find_result (table, returned);
  g_assert_cmpuint (found->len, ==, 1);
  g_assert_true (found->pdata[0] == first);

  first->state = ELVES_FLIGHT_PUBLISHING;
  g_clear_pointer (&found, g_ptr_array_unref);
  found = elves_job_table_find_result (table, returned);
  g_assert_true (found->len == 1 && found->pdata[0] == second);
}

static void
test_redelivery (void)
{
  g_autoptr (ElvesJobTable) table = elves_job_table_new (3, 10);
  g_autoptr (ElvesFlight) running = new_flight (ELVES_JOB_ASYNC, "running", NULL, 1, 1);
  g_autoptr (ElvesFlight) ended = new_flight (ELVES_JOB_SYNC, "made up", NULL, 1, 2);
  g_autoptr (ElvesFlight) again = new_flight (ELVES_JOB_SYNC, "made up anew", NULL, 2, 8);

  elves_instruct_set (&ended->job->instruct->func, "f");
  elves_instruct_set (&again->job->instruct->func, "f");
  elves_job_table_add (table, running);
  elves_job_table_add (table, ended);

  g_assert_cmpint (match (table, running, 2, 7), ==, ELVES_REDELIVERY_NEW);
  elves_job_table_lose_deliveries (table, 1);
  ended->state = ELVES_FLIGHT_DONE;
  elves_job_table_remove (table, ended);

  g_assert_cmpint (match (table, running, 2, 7), ==, ELVES_REDELIVERY_ATTACHED);
  g_assert_cmpuint (running->epoch, ==, 2);
  g_assert_cmpuint (running->tag, ==, 7);
  g_assert_cmpint (match (table, again, 2, 8), ==, ELVES_REDELIVERY_SETTLED);
  g_assert_cmpint (match (table, again, 2, 9), ==, ELVES_REDELIVERY_NEW);
}

/* An acknowledgement that was lost with the connection: as many as the broker can hold are known.
 */
static void
test_redelivery_of_ended (void)
{
  g_autoptr (ElvesJobTable) table = elves_job_table_new (3, 10);
  g_autoptr (GPtrArray) flights =
      g_ptr_array_new_with_free_func ((GDestroyNotify) elves_flight_unref);

  for (guint i = 0; i < 5; i++)
    {
      g_autofree char *id = g_strdup_printf ("job %u", i);
      ElvesFlight *flight = new_flight (ELVES_JOB_ASYNC, id, NULL, 1, i);

      g_ptr_array_add (flights, flight);
      elves_job_table_add (table, flight);
      flight->state = ELVES_FLIGHT_DONE;
      elves_job_table_remove (table, flight);
    }
  elves_job_table_lose_deliveries (table, 1);
  for (guint i = 0; i < 5; i++)
    {
      const ElvesFlight *flight = flights->pdata[i];

      g_assert_cmpint (match (table, flight, 2, i), ==,
                       i < 2 ? ELVES_REDELIVERY_NEW : ELVES_REDELIVERY_SETTLED);
    }
}

/* Identical messages: as many are matched as were in flight. */
static void
test_redelivery_of_twins (void)
{
  g_autoptr (ElvesJobTable) table = elves_job_table_new (3, 10);
  g_autoptr (ElvesFlight) first = new_flight (ELVES_JOB_ASYNC, "cron", "k1", 1, 1);
  g_autoptr (ElvesFlight) second = new_flight (ELVES_JOB_ASYNC, "cron", "k2", 1, 2);

  elves_job_table_add (table, first);
  elves_job_table_add (table, second);
  elves_job_table_lose_deliveries (table, 1);
  g_assert_cmpint (match (table, first, 2, 1), ==, ELVES_REDELIVERY_ATTACHED);
  g_assert_cmpint (match (table, first, 2, 2), ==, ELVES_REDELIVERY_ATTACHED);
  g_assert_cmpint (match (table, first, 2, 3), ==, ELVES_REDELIVERY_NEW);
  g_assert_cmpuint (first->tag + second->tag, ==, 3);

  /* Lost once more before anything ended. */
  elves_job_table_lose_deliveries (table, 2);
  g_assert_cmpint (match (table, first, 3, 1), ==, ELVES_REDELIVERY_ATTACHED);
}

/* A message published again comes with its key. */
static void
test_republished (void)
{
  g_autoptr (ElvesJobTable) table = elves_job_table_new (3, 10);
  g_autoptr (ElvesFlight) flight = new_flight (ELVES_JOB_ASYNC, "cron", "key", 1, 1);
  g_autoptr (ElvesFlight) sync = new_flight (ELVES_JOB_SYNC, "cron", "key", 1, 1);

  elves_job_table_add (table, flight);
  g_assert_cmpint (match (table, flight, 1, 2), ==, ELVES_REDELIVERY_NEW); /* another message */

  flight->is_republished = TRUE; /* it comes back before the confirmation */
  g_assert_cmpint (match (table, sync, 1, 2), ==, ELVES_REDELIVERY_NEW);
  g_assert_cmpint (match (table, flight, 1, 2), ==, ELVES_REDELIVERY_ATTACHED);
  g_assert_false (flight->is_republished);

  flight->custody = ELVES_CUSTODY_LOST; /* and after it */
  g_assert_cmpint (match (table, flight, 1, 3), ==, ELVES_REDELIVERY_ATTACHED);

  flight->state = ELVES_FLIGHT_DONE;
  elves_job_table_remove (table, flight);
  g_assert_cmpint (match (table, flight, 1, 4), ==, ELVES_REDELIVERY_SETTLED);
  g_assert_cmpint (match (table, sync, 1, 5), ==, ELVES_REDELIVERY_NEW); /* of another type */
}

static void
test_rekey (void)
{
  g_autoptr (ElvesJobTable) table = elves_job_table_new (3, 10);
  g_autoptr (ElvesFlight) flight = new_flight (ELVES_JOB_ASYNC, "cron", "made up", 1, 1);
  g_autoptr (ElvesInstruct) result = elves_instruct_new ();
  g_autoptr (GPtrArray) found = NULL;

  elves_job_table_add (table, flight);
  elves_job_table_rekey (table, flight, "the agent's");
  elves_job_table_rekey (table, flight, "the agent's");
  result->execution = g_strdup ("the agent's");
  found = elves_job_table_find_result (table, result);
  g_assert_cmpuint (found->len, ==, 1);
  elves_job_table_drop (table, flight);
  g_assert_cmpuint (elves_job_table_size (table), ==, 0);
  g_assert_false (elves_job_table_is_final (table, flight->job->instruct));
}

static void
test_finals_are_bounded (void)
{
  g_autoptr (ElvesJobTable) table = elves_job_table_new (1, 2);
  static const char *const keys[] = { "a", "b", "c", "b" };
  static const gboolean known[] = { FALSE, TRUE, TRUE, TRUE };
  g_autoptr (ElvesInstruct) instruct = elves_instruct_new ();

  elves_instruct_set (&instruct->type, "queue");
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      elves_instruct_set (&instruct->execution, keys[i]);
      elves_job_table_add_final (table, instruct);
      g_assert_true (elves_job_table_is_final (table, instruct));
    }
  elves_instruct_set (&instruct->type, "QUEUE");
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      elves_instruct_set (&instruct->execution, keys[i]);
      g_assert_cmpint (elves_job_table_is_final (table, instruct), ==, known[i]);
    }
}

/* One that was left to others is not taken for answered when its message comes here after all. */
static void
test_dropped (void)
{
  g_autoptr (ElvesJobTable) table = elves_job_table_new (3, 10);
  g_autoptr (ElvesFlight) flight = new_flight (ELVES_JOB_ASYNC, "queue", "key", 1, 1);

  elves_job_table_add (table, flight);
  elves_job_table_lose_deliveries (table, 1);
  g_assert_cmpint (flight->custody, ==, ELVES_CUSTODY_LOST);
  flight->state = ELVES_FLIGHT_DONE;
  elves_job_table_drop (table, flight);
  g_assert_cmpuint (elves_job_table_size (table), ==, 0);
  g_assert_cmpint (match (table, flight, 2, 1), ==, ELVES_REDELIVERY_NEW);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/job-table/flight-transitions", test_flight_transitions);
  g_test_add_func ("/job-table/result-by-execution", test_result_by_execution);
  g_test_add_func ("/job-table/result-by-type-and-id", test_result_by_type_and_id);
  g_test_add_func ("/job-table/redelivery", test_redelivery);
  g_test_add_func ("/job-table/redelivery-of-ended", test_redelivery_of_ended);
  g_test_add_func ("/job-table/redelivery-of-twins", test_redelivery_of_twins);
  g_test_add_func ("/job-table/republished", test_republished);
  g_test_add_func ("/job-table/rekey", test_rekey);
  g_test_add_func ("/job-table/finals-are-bounded", test_finals_are_bounded);
  g_test_add_func ("/job-table/dropped", test_dropped);
  return g_test_run ();
}
