/* Who may say how a job ended, and when: the keeper between a dispatcher and a publisher that are
   both made up here, under the names of the real ones. */
#include "scheduler/keeper.h"
#include "tests/lib/run-until.h"

#define EPOCH 1

typedef struct
{
  ElvesDeadlines *deadlines;
  ElvesJobTable *jobs;
  ElvesKeeper *keeper;
  ElvesKeeperOptions options;
  guint64 next_tag;
  guint acked; /* deliveries */
} Fixture;

/* What the others were asked to do; tests are one at a time. */
static struct
{
  guint dispatched, asked, accepted;
  guint outcomes;
  ElvesReason reason; /* of the last outcome */
  GString *queues;    /* where messages were sent, a word each */
  ElvesReplyDoneFunc sent;
  gpointer sent_data;
} seen;

/* --- the others ------------------------------------------------------------------------------ */

void
elves_dispatch_flight (ElvesDispatch *self, ElvesFlight *flight)
{
  seen.dispatched++;
  elves_flight_advance (flight, ELVES_FLIGHT_DISPATCHED);
}

void
elves_dispatch_ask (ElvesDispatch *self, ElvesFlight *flight)
{
  seen.asked++;
}

void
elves_replies_acceptance (ElvesReplies *self, ElvesFlight *flight, const ElvesOutcome *outcome)
{
  seen.accepted++;
}

void
elves_replies_outcome (ElvesReplies *self, ElvesFlight *flight, const ElvesOutcome *outcome)
{
  g_assert_true (elves_flight_advance (flight, ELVES_FLIGHT_OUTCOME));
  seen.outcomes++;
  seen.reason = outcome->reason;
}

void
elves_replies_send (ElvesReplies *self,
                    ElvesPublication *publication,
                    ElvesReplyDoneFunc done,
                    gpointer done_data)
{
  g_string_append_printf (seen.queues, "%s ", publication->routing_key);
  seen.sent = done;
  seen.sent_data = done_data;
  elves_publication_free (publication);
}

static void
confirm_sent (gboolean routed)
{
  ElvesReplyDoneFunc sent = g_steal_pointer (&seen.sent);

  g_assert_nonnull (sent);
  sent (routed, seen.sent_data);
}

/* --- the fixture ----------------------------------------------------------------------------- */

static void
on_done (guint64 epoch, guint64 tag, gpointer user_data)
{
  ((Fixture *) user_data)->acked++;
}

static void
set_up (Fixture *self, gconstpointer data)
{
  self->deadlines = elves_deadlines_new ();
  self->jobs = elves_job_table_new (100, 100);
  self->options = (ElvesKeeperOptions){
    .queue = "queue",
    .dead_queue = "dead",
    .prefetch = 1,
    .ack_timeout_s = data != NULL ? 0 : 1000,
    .recheck_s = 1000,
    .lost_after_s = 1000,
    .grace_s = 10,
    .retry_first_ms = 1,
    .retry_cap_ms = 1,
  };
  self->keeper =
      elves_keeper_new (self->deadlines, &self->options, self->jobs, NULL, on_done, self);
  elves_keeper_set_connected (self->keeper, TRUE);
  memset (&seen, 0, sizeof seen);
  seen.queues = g_string_new (NULL);
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  elves_keeper_free (self->keeper);
  elves_job_table_free (self->jobs);
  elves_deadlines_free (self->deadlines);
  g_string_free (seen.queues, TRUE);
}

static ElvesDelivery *
new_message (void)
{
  ElvesDelivery *message = g_new0 (ElvesDelivery, 1);

  message->epoch = EPOCH;
  message->body = g_bytes_new_static ("{}", 2);
  return message;
}

static ElvesFlight *
new_flight (Fixture *self)
{
  ElvesJob *job = elves_job_new ();
  ElvesFlight *flight;

  job->kind = ELVES_JOB_ASYNC;
  elves_instruct_set (&job->instruct->type, "queue");
  job->instruct->execution = g_strdup_printf ("key-%" G_GUINT64_FORMAT, ++self->next_tag);
  job->instruct->timeout_s = 20;
  flight = elves_flight_new (job, EPOCH, self->next_tag);
  flight->message = new_message ();
  flight->has_journal = TRUE;
  return flight;
}

static void
accept (Fixture *self, ElvesFlight *flight)
{
  g_auto (ElvesOutcome) outcome = { 0 };

  g_assert_true (elves_flight_advance (flight, ELVES_FLIGHT_TAKEN));
  elves_keeper_dispatch_callbacks.accepted (flight, &outcome, flight->job->instruct->execution,
                                            self->keeper);
}

/* In flight, and its agent has it. */
static ElvesFlight *
new_accepted (Fixture *self)
{
  ElvesFlight *flight = new_flight (self);

  elves_keeper_start (self->keeper, flight);
  accept (self, flight);
  g_assert_cmpuint (seen.accepted, >, 0);
  return flight;
}

static void
end (Fixture *self, ElvesFlight *flight, ElvesReason reason)
{
  g_auto (ElvesOutcome) outcome = { 0 };

  elves_outcome_init_failure (&outcome, reason, "made up");
  elves_keeper_dispatch_callbacks.ended (flight, &outcome, self->keeper);
}

static void
hear (Fixture *self, ElvesFlight *flight, gboolean answered)
{
  elves_keeper_dispatch_callbacks.heard (flight, answered, self->keeper);
}

/* Its message comes on a new connection. */
static void
give_back (Fixture *self, ElvesFlight *flight)
{
  g_autoptr (ElvesFlight) found = NULL;

  g_assert_cmpint (
      elves_job_table_match_redelivery (self->jobs, flight->job, EPOCH + 1, flight->tag, &found),
      ==, ELVES_REDELIVERY_ATTACHED);
  g_assert_true (found == flight);
  elves_keeper_attach (self->keeper, flight, new_message ());
}

/* The broker has confirmed the outcome: the flight is forgotten. */
static void
confirm_outcome (Fixture *self, ElvesFlight *flight)
{
  g_assert_true (elves_flight_advance (flight, ELVES_FLIGHT_CONFIRMED));
  elves_keeper_on_ended (self->keeper, flight);
  g_assert_cmpuint (elves_job_table_size (self->jobs), ==, 0);
}

/* --- tests ----------------------------------------------------------------------------------- */

static void
test_outcome (Fixture *self, gconstpointer data)
{
  g_autoptr (ElvesFlight) flight = new_accepted (self);

  end (self, flight, ELVES_REASON_OUTCOME_UNKNOWN);
  g_assert_cmpuint (seen.outcomes, ==, 1);
  g_assert_cmpuint (self->acked, ==, 0);
  confirm_outcome (self, flight);
  g_assert_cmpuint (self->acked, ==, 1);
}

/* P3: while the message may be with somebody else, nobody is told. */
static void
test_outcome_waits_for_the_message (Fixture *self, gconstpointer data)
{
  g_autoptr (ElvesFlight) flight = new_accepted (self);

  elves_job_table_lose_deliveries (self->jobs, EPOCH);
  g_assert_false (elves_flight_owns_message (flight));
  end (self, flight, ELVES_REASON_OUTCOME_UNKNOWN);
  g_assert_cmpint (flight->state, ==, ELVES_FLIGHT_HOLDING);
  g_assert_cmpuint (seen.outcomes, ==, 0);
  give_back (self, flight);
  g_assert_cmpuint (seen.outcomes, ==, 1);
  g_assert_cmpint (seen.reason, ==, ELVES_REASON_OUTCOME_UNKNOWN);
}

/* P3: an outcome that has not left goes back to where it waits. */
static void
test_outcome_is_taken_back (Fixture *self, gconstpointer data)
{
  g_autoptr (ElvesFlight) flight = new_accepted (self);
  g_auto (ElvesOutcome) outcome = { 0 };

  elves_outcome_init_failure (&outcome, ELVES_REASON_AGENT_LOST, "made up");
  elves_keeper_dispatch_callbacks.ended (flight, &outcome, self->keeper);
  elves_job_table_lose_deliveries (self->jobs, EPOCH);
  elves_keeper_on_taken_back (self->keeper, flight, &outcome);
  g_assert_cmpint (flight->state, ==, ELVES_FLIGHT_HOLDING);
  give_back (self, flight);
  g_assert_cmpuint (seen.outcomes, ==, 2);
  g_assert_cmpint (seen.reason, ==, ELVES_REASON_AGENT_LOST);
}

/* P3: a copy of the message that is on its way may come to somebody else. */
static void
test_outcome_waits_for_the_copy (Fixture *self, gconstpointer data)
{
  g_autoptr (ElvesFlight) flight = new_accepted (self);

  run_until (seen.sent != NULL);
  g_assert_cmpstr (seen.queues->str, ==, "queue ");
  g_assert_false (elves_flight_owns_message (flight));
  end (self, flight, ELVES_REASON_AGENT_LOST);
  g_assert_cmpuint (seen.outcomes, ==, 0);
  confirm_sent (TRUE);
  g_assert_cmpuint (self->acked, ==, 1);
  g_assert_cmpint (flight->custody, ==, ELVES_CUSTODY_LOST);
  give_back (self, flight);
  g_assert_cmpuint (seen.outcomes, ==, 1);
}

/* P3: who gets such a message says that the outcome is unknown. */
static void
test_sync_without_a_key_is_kept (Fixture *self, gconstpointer data)
{
  g_autoptr (ElvesFlight) flight = new_flight (self);

  flight->job->kind = ELVES_JOB_SYNC;
  elves_keeper_start (self->keeper, flight);
  for (guint i = 0; i < 100; i++)
    g_main_context_iteration (NULL, FALSE);
  g_assert_null (seen.sent);
  g_assert_true (elves_flight_owns_message (flight));
  flight->has_own_key = TRUE;
  run_until (seen.sent != NULL);
  confirm_sent (TRUE);
}

/* P1: what reached no queue does not replace the message. */
static void
test_copy_that_reached_no_queue (Fixture *self, gconstpointer data)
{
  g_autoptr (ElvesFlight) flight = new_accepted (self);

  run_until (seen.sent != NULL);
  g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "*could not be published again*");
  confirm_sent (FALSE);
  g_test_assert_expected_messages ();
  g_assert_cmpuint (self->acked, ==, 0);
  g_assert_true (elves_flight_owns_message (flight));
  end (self, flight, ELVES_REASON_AGENT_LOST);
  g_assert_cmpuint (seen.outcomes, ==, 1);
  confirm_outcome (self, flight);
  g_assert_cmpuint (self->acked, ==, 1);
}

static void
test_result_that_does_not_come (Fixture *self, gconstpointer data)
{
  g_autoptr (ElvesFlight) flight = new_accepted (self);

  flight->finished_seen = 1;
  hear (self, flight, TRUE);
  g_assert_null (seen.sent);
  flight->finished_seen = 2;
  hear (self, flight, TRUE);
  g_assert_cmpstr (seen.queues->str, ==, "queue ");
  confirm_sent (TRUE);
  g_assert_cmpint (flight->custody, ==, ELVES_CUSTODY_LOST);
}

static void
test_agent_lost (Fixture *self, gconstpointer data)
{
  g_autoptr (ElvesFlight) flight = new_accepted (self);
  gint64 now_us = g_get_monotonic_time ();

  flight->missing_since_us = now_us - 900 * G_USEC_PER_SEC;
  hear (self, flight, FALSE);
  g_assert_cmpuint (seen.outcomes, ==, 0);
  flight->missing_since_us = now_us - 1001 * G_USEC_PER_SEC;
  hear (self, flight, TRUE);
  g_assert_cmpuint (seen.outcomes, ==, 0);
  hear (self, flight, FALSE);
  g_assert_cmpuint (seen.outcomes, ==, 1);
  g_assert_cmpint (seen.reason, ==, ELVES_REASON_AGENT_LOST);
}

/* P4: silence of what may have started, and of what never did. */
static void
test_silence (Fixture *self, gconstpointer data)
{
  g_autoptr (ElvesFlight) sent = new_accepted (self);
  g_autoptr (ElvesFlight) unsent = new_flight (self);

  sent->heard_at_us -= 31 * G_USEC_PER_SEC;
  hear (self, sent, FALSE);
  run_until (seen.outcomes == 1);
  g_assert_cmpint (seen.reason, ==, ELVES_REASON_OUTCOME_UNKNOWN);

  elves_keeper_start (self->keeper, unsent);
  unsent->heard_at_us -= 31 * G_USEC_PER_SEC;
  g_assert_true (elves_flight_advance (unsent, ELVES_FLIGHT_PAUSE));
  elves_keeper_dispatch_callbacks.paused (unsent, self->keeper);
  run_until (seen.outcomes == 2);
  g_assert_cmpint (seen.reason, ==, ELVES_REASON_UNREACHABLE);
}

static void
test_delivered_before (Fixture *self, gconstpointer data)
{
  g_autoptr (ElvesFlight) flight = new_flight (self);

  flight->delivered_before = flight->may_have_started = TRUE;
  elves_keeper_start (self->keeper, flight);
  g_assert_cmpuint (seen.dispatched, ==, 0);
  g_assert_cmpint (flight->state, ==, ELVES_FLIGHT_PAUSED);
  run_until (seen.dispatched == 1);
}

static void
test_asks_again (Fixture *self, gconstpointer data)
{
  g_autoptr (ElvesFlight) flight = new_accepted (self);

  g_assert_cmpint (flight->ask_at_us, >, g_get_monotonic_time ());
  flight->ask_at_us = 1;
  elves_keeper_attach (self->keeper, flight, new_message ()); /* which plans anew */
  run_until (seen.asked == 1);
}

/* Without a journal: acknowledged when the agent has it, as long as few are kept so. */
static void
test_at_most_once (Fixture *self, gconstpointer data)
{
  const guint kept_max = 10 * self->options.prefetch;

  for (guint i = 0; i <= kept_max; i++)
    {
      g_autoptr (ElvesFlight) flight = new_flight (self);

      flight->has_journal = FALSE;
      elves_keeper_start (self->keeper, flight);
      accept (self, flight);
      g_assert_cmpuint (self->acked, ==, MIN (i + 1, kept_max));
      g_assert_true (elves_flight_owns_message (flight));
    }
}

static void
test_poison_is_put_aside (Fixture *self, gconstpointer data)
{
  g_autoptr (ElvesFlight) flight = new_flight (self);

  flight->is_poison = TRUE;
  elves_keeper_start (self->keeper, flight);
  g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_INFO, "*could not be handed over*");
  g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "*put aside*");
  end (self, flight, ELVES_REASON_OUTCOME_UNKNOWN);
  g_test_assert_expected_messages ();
  g_assert_cmpstr (seen.queues->str, ==, "dead ");
  g_assert_cmpuint (seen.outcomes, ==, 0);
  confirm_sent (TRUE);
  g_assert_cmpuint (seen.outcomes, ==, 1);
}

/* Only what is here and nowhere else is ended here. */
static void
test_cancel (Fixture *self, gconstpointer data)
{
  g_autoptr (ElvesFlight) flight = new_flight (self);

  elves_keeper_start (self->keeper, flight);
  g_assert_false (elves_keeper_cancel (self->keeper, flight)); /* it is being called */
  g_assert_true (elves_flight_advance (flight, ELVES_FLIGHT_PAUSE));
  flight->may_have_started = TRUE;
  g_assert_false (elves_keeper_cancel (self->keeper, flight));
  flight->may_have_started = FALSE;
  g_assert_cmpuint (seen.outcomes, ==, 0);
  g_assert_true (elves_keeper_cancel (self->keeper, flight));
  g_assert_cmpuint (seen.outcomes, ==, 1);
  g_assert_cmpint (seen.reason, ==, ELVES_REASON_CANCELLED);
  g_assert_false (elves_keeper_cancel (self->keeper, flight)); /* it has its outcome */
  confirm_outcome (self, flight);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *name;
    void (*run) (Fixture *self, gconstpointer data);
    gboolean publishes_again_at_once;
  } tests[] = {
    { "/keeper/outcome", test_outcome, FALSE },
    { "/keeper/p3-outcome-waits-for-the-message", test_outcome_waits_for_the_message, FALSE },
    { "/keeper/p3-outcome-is-taken-back", test_outcome_is_taken_back, FALSE },
    { "/keeper/p3-outcome-waits-for-the-copy", test_outcome_waits_for_the_copy, TRUE },
    { "/keeper/p3-sync-without-a-key-is-kept", test_sync_without_a_key_is_kept, TRUE },
    { "/keeper/p1-copy-that-reached-no-queue", test_copy_that_reached_no_queue, TRUE },
    { "/keeper/result-that-does-not-come", test_result_that_does_not_come, FALSE },
    { "/keeper/agent-lost", test_agent_lost, FALSE },
    { "/keeper/p4-silence", test_silence, FALSE },
    { "/keeper/delivered-before", test_delivered_before, FALSE },
    { "/keeper/asks-again", test_asks_again, FALSE },
    { "/keeper/at-most-once", test_at_most_once, FALSE },
    { "/keeper/cancel", test_cancel, FALSE },
    { "/keeper/poison-is-put-aside", test_poison_is_put_aside, FALSE },
  };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].name, Fixture, GINT_TO_POINTER (tests[i].publishes_again_at_once), set_up,
                tests[i].run, tear_down);
  return g_test_run ();
}
