/* What is done with a job while it takes its time, and who may say how it ended.
 *
 * One deadline for each flight, the nearest of these:
 *   its delivery has been held for long: the message is published again with its execution key,
 *     confirmed, and only then acknowledged; whoever gets it goes on with the job;
 *   an agent with a journal took it: ask what has become of it;
 *   it has paused: call the agent again;
 *   nothing was heard of it for longer than its timeout and a grace: its outcome is unknown.
 *
 * An outcome that is made here is published by whoever has the message. While that may be somebody
 * else (a lost connection, a message published again) the outcome waits; when the message does not
 * come back, somebody else has it and tells the asker. A message that the broker keeps in memory
 * only may have died with the broker: then the outcome is published after the wait. The same goes
 * for the result that an agent reports: results.c takes it where the message is, and an agent whose
 * result we have not got, though it has ended, may be able to report it to another scheduler: the
 * message is published again.
 *
 * An agent without a journal: the delivery is acknowledged when the agent has the job, at most
 * once; the flight is kept for the result. So many kept flights are allowed as KEPT_SHARE times the
 * prefetch; beyond, deliveries are held until the result comes, which lets no more in. */
#include "scheduler/keeper.h"

#include "common/backoff.h"
#include "common/crash-point.h"
#include "scheduler/flight-plan.h"
#include "scheduler/letterbox.h"

enum
{
  KEPT_SHARE = 10,
  HOLD_S = 10,
  FIRST_PAUSE_MS = 100, /* before a message that was published again is acted on: until then the
                           acknowledgement of the one it replaces is at the broker. A message that
                           kills its schedulers would otherwise multiply instead of count. */
  FINISHED_SEEN_MAX = 2 /* questions that a result may be on its way for */
};

struct ElvesKeeper
{
  ElvesDeadlines *deadlines;
  ElvesKeeperOptions options;
  ElvesJobTable *jobs;
  ElvesReplies *replies;
  ElvesDispatch *dispatch;
  ElvesDeliveryDoneFunc done;
  gpointer user_data;
  gint64 connected_us; /* to the broker, since then; 0: not */
  guint kept;          /* flights whose deliveries are acknowledged */
  ElvesLetterbox *letterbox;
};

/**
 * elves_keeper_set_dispatch:
 * @self: the keeper.
 * @dispatch: what calls agents.
 */
void
elves_keeper_set_dispatch (ElvesKeeper *self, ElvesDispatch *dispatch)
{
  self->dispatch = dispatch;
}

/**
 * elves_keeper_set_connected:
 * @self: the keeper.
 * @connected: whether deliveries can come.
 */
void
elves_keeper_set_connected (ElvesKeeper *self, gboolean connected)
{
  self->connected_us = connected ? g_get_monotonic_time () : 0;
}

/* --- when to look at a flight again ---------------------------------------------------------- */

static gint64
after_s (guint seconds)
{
  return g_get_monotonic_time () + seconds * (gint64) G_USEC_PER_SEC;
}

static void on_due (ElvesDeadline *deadline, gpointer user_data);

static void
plan (ElvesKeeper *self, ElvesFlight *flight)
{
  gint64 nearest_us = elves_flight_due_us (flight, self->options.grace_s);

  if (nearest_us == 0)
    elves_deadlines_disarm (self->deadlines, &flight->wake);
  else
    elves_deadlines_arm (self->deadlines, &flight->wake, nearest_us, on_due, self);
}

/* --- ends ------------------------------------------------------------------------------------ */

static void
acknowledge (ElvesKeeper *self, ElvesFlight *flight)
{
  if (flight->custody != ELVES_CUSTODY_HELD)
    return;
  ELVES_CRASH_POINT ("before-ack");
  self->done (flight->epoch, flight->tag, self->user_data);
}

static void
forget_kept (ElvesKeeper *self, const ElvesFlight *flight)
{
  if (flight->custody == ELVES_CUSTODY_ACKED)
    self->kept--;
}

static void
publish_outcome (ElvesKeeper *self, ElvesFlight *flight, const ElvesOutcome *outcome)
{
  elves_deadlines_disarm (self->deadlines, &flight->wake);
  if (flight->is_poison && flight->message != NULL)
    elves_letterbox_put_aside (self->letterbox, flight, outcome);
  else
    elves_replies_outcome (self->replies, flight, outcome);
}

static void
hold (ElvesKeeper *self, ElvesFlight *flight, const ElvesOutcome *outcome)
{
  if (!elves_flight_advance (flight, ELVES_FLIGHT_HOLD))
    return;
  elves_outcome_clear (&flight->held);
  elves_outcome_copy (&flight->held, outcome);
  flight->hold_until_us = after_s (HOLD_S);
  plan (self, flight);
}

/* What was made here, or what a sync call answered. */
static void
give_outcome (ElvesKeeper *self, ElvesFlight *flight, const ElvesOutcome *outcome)
{
  if (flight->custody != ELVES_CUSTODY_LOST && !flight->is_republished)
    publish_outcome (self, flight, outcome);
  else
    hold (self, flight, outcome);
}

static void
give_failure (ElvesKeeper *self, ElvesFlight *flight, ElvesReason reason, const char *detail)
{
  g_auto (ElvesOutcome) outcome = { 0 };

  elves_outcome_init_failure (&outcome, reason, detail);
  outcome.started_us = flight->started_us;
  g_info ("a job ends without a word of its agent: %s job=%s agent=%s reason=%s", detail,
          flight->job->instruct->id, flight->job->instruct->ip, elves_reason_text (reason));
  give_outcome (self, flight, &outcome);
}

/**
 * elves_keeper_cancel:
 * @self: the keeper.
 * @flight: one that somebody wants to end.
 *
 * Ends it when it is here only, waiting to be sent once more.
 *
 * Returns: whether it was.
 */
gboolean
elves_keeper_cancel (ElvesKeeper *self, ElvesFlight *flight)
{
  if (flight->state != ELVES_FLIGHT_PAUSED || flight->may_have_started)
    return FALSE;
  give_failure (self, flight, ELVES_REASON_CANCELLED, "it was cancelled before it was sent");
  return TRUE;
}

/**
 * elves_keeper_on_ended:
 * @self: the keeper.
 * @flight: whose outcome the broker has confirmed, or that had nobody to tell.
 */
void
elves_keeper_on_ended (ElvesKeeper *self, ElvesFlight *flight)
{
  elves_deadlines_disarm (self->deadlines, &flight->wake);
  forget_kept (self, flight);
  acknowledge (self, flight);
  elves_job_table_remove (self->jobs, flight);
}

/**
 * elves_keeper_on_taken_back:
 * @self: the keeper.
 * @flight: whose message was lost before its outcome left.
 * @outcome: that.
 */
void
elves_keeper_on_taken_back (ElvesKeeper *self, ElvesFlight *flight, const ElvesOutcome *outcome)
{
  hold (self, flight, outcome);
}

static void
leave_to_others (ElvesKeeper *self, ElvesFlight *flight)
{
  if (elves_flight_advance (flight, ELVES_FLIGHT_SETTLED))
    elves_job_table_drop (self->jobs, flight);
}

/* An accepted job whose message did not come back: whoever has it asks the agent for its state. So
   the table is bounded, however often a connection is lost. */
static gboolean
is_with_others (ElvesKeeper *self, const ElvesFlight *flight)
{
  return flight->state == ELVES_FLIGHT_ACCEPTED && flight->custody == ELVES_CUSTODY_LOST &&
         flight->has_journal && !flight->is_transient && self->connected_us != 0 &&
         MAX (flight->lost_us, self->connected_us) <
             g_get_monotonic_time () - HOLD_S * (gint64) G_USEC_PER_SEC;
}

static void
on_hold_ended (ElvesKeeper *self, ElvesFlight *flight)
{
  if (self->connected_us == 0)
    flight->hold_until_us = after_s (HOLD_S);
  else if (flight->is_transient)
    {
      publish_outcome (self, flight, &flight->held);
      return;
    }
  else
    {
      leave_to_others (self, flight);
      return;
    }
  plan (self, flight);
}

/* --- publishing again ------------------------------------------------------------------------ */

static void
hand_on (ElvesKeeper *self, ElvesFlight *flight)
{
  flight->custody = ELVES_CUSTODY_LOST;
  flight->lost_us = g_get_monotonic_time ();
  flight->is_republished = flight->is_transient = FALSE;
  g_clear_pointer (&flight->message, elves_delivery_free);
  if (flight->state < ELVES_FLIGHT_PUBLISHING)
    plan (self, flight);
}

/* What reached no queue is not there: the message that it replaces is the only one. */
static void
keep_original (ElvesKeeper *self, ElvesFlight *flight)
{
  flight->is_republished = FALSE;
  if (flight->state == ELVES_FLIGHT_HOLDING)
    publish_outcome (self, flight, &flight->held);
  else if (flight->state < ELVES_FLIGHT_HOLDING)
    {
      flight->republish_at_us = after_s (self->options.ack_timeout_s);
      plan (self, flight);
    }
}

static void
on_republished (ElvesFlight *flight,
                guint64 epoch,
                guint64 tag,
                gboolean is_current,
                gboolean routed,
                gpointer user_data)
{
  ElvesKeeper *self = user_data;

  if (routed)
    self->done (epoch, tag, self->user_data);
  if (is_current && routed)
    hand_on (self, flight);
  else if (is_current)
    keep_original (self, flight);
}

static const ElvesLetterboxCallbacks letterbox_callbacks = { on_republished };

static void
republish (ElvesKeeper *self, ElvesFlight *flight)
{
  flight->is_republished = TRUE;
  flight->republish_at_us = 0;
  elves_letterbox_republish (self->letterbox, flight);
}

/* At most once: nobody shall ever get this message again. */
static void
acknowledge_early (ElvesKeeper *self, ElvesFlight *flight)
{
  if (flight->custody != ELVES_CUSTODY_HELD ||
      self->kept >= (guint64) self->options.prefetch * KEPT_SHARE)
    return;
  acknowledge (self, flight);
  flight->custody = ELVES_CUSTODY_ACKED;
  g_clear_pointer (&flight->message, elves_delivery_free);
  self->kept++;
}

/* Of an agent without a journal, or for a sync job that names no id, the message may not come to
   another scheduler: that would have to say that the outcome is unknown, while the job runs. */
static gboolean
may_go_round (const ElvesFlight *flight)
{
  return flight->has_journal && flight->message != NULL &&
         (flight->job->kind == ELVES_JOB_ASYNC || flight->has_own_key);
}

static void
on_held_for_long (ElvesKeeper *self, ElvesFlight *flight)
{
  flight->republish_at_us = after_s (self->options.ack_timeout_s);
  if (may_go_round (flight))
    republish (self, flight);
  else if (flight->state == ELVES_FLIGHT_ACCEPTED)
    acknowledge_early (self, flight);
}

/* --- asking again ---------------------------------------------------------------------------- */

static gint64
lost_at_us (ElvesKeeper *self, const ElvesFlight *flight)
{
  return flight->missing_since_us + self->options.lost_after_s * (gint64) G_USEC_PER_SEC;
}

static gboolean
is_lost (ElvesKeeper *self, const ElvesFlight *flight)
{
  return flight->missing_since_us != 0 && flight->may_have_started &&
         g_get_monotonic_time () >= lost_at_us (self, flight);
}

/* With jitter, so that a restart does not bring all questions at once for ever. */
static void
plan_question (ElvesKeeper *self, ElvesFlight *flight, gint64 delay_us)
{
  delay_us -= (gint64) (g_random_double () * (double) delay_us / 4);
  flight->ask_at_us = g_get_monotonic_time () + delay_us;
  if (flight->missing_since_us != 0 && flight->may_have_started)
    flight->ask_at_us = MIN (flight->ask_at_us, lost_at_us (self, flight));
  plan (self, flight);
}

static gint64
pause_us (ElvesKeeper *self, const ElvesFlight *flight)
{
  guint attempt = flight->tries > 0 ? flight->tries - 1 : 0;

  return elves_backoff_delay_ms (attempt, self->options.retry_first_ms, self->options.retry_cap_ms,
                                 g_random_double ()) *
         G_GINT64_CONSTANT (1000);
}

static void
on_time_to_ask (ElvesKeeper *self, ElvesFlight *flight)
{
  flight->ask_at_us = 0;
  if (is_with_others (self, flight))
    leave_to_others (self, flight);
  else if (flight->state == ELVES_FLIGHT_ACCEPTED)
    elves_dispatch_ask (self->dispatch, flight);
  else
    elves_dispatch_flight (self->dispatch, flight);
}

static void
on_due (ElvesDeadline *deadline, gpointer user_data)
{
  ElvesKeeper *self = user_data;
  ElvesFlight *held = (gpointer) ((char *) deadline - G_STRUCT_OFFSET (ElvesFlight, wake));
  g_autoptr (ElvesFlight) flight = elves_flight_ref (held);
  gint64 now_us = g_get_monotonic_time ();

  if (flight->state == ELVES_FLIGHT_HOLDING)
    {
      on_hold_ended (self, flight);
      return;
    }
  if (flight->state < ELVES_FLIGHT_HOLDING && flight->custody == ELVES_CUSTODY_HELD &&
      flight->republish_at_us != 0 && now_us >= flight->republish_at_us)
    on_held_for_long (self, flight);
  if (elves_flight_is_waiting (flight) &&
      now_us >= elves_flight_silence_ends_us (flight, self->options.grace_s))
    give_failure (self, flight,
                  flight->may_have_started ? ELVES_REASON_OUTCOME_UNKNOWN
                                           : ELVES_REASON_UNREACHABLE,
                  "nothing was heard of it within its timeout and the grace");
  else if (elves_flight_is_waiting (flight) && flight->ask_at_us != 0 &&
           now_us >= flight->ask_at_us)
    on_time_to_ask (self, flight);
  if (flight->state < ELVES_FLIGHT_HOLDING)
    plan (self, flight);
}

/* --- what comes of calls --------------------------------------------------------------------- */

static void
on_accepted (ElvesFlight *flight,
             const ElvesOutcome *outcome,
             const char *execution,
             gpointer user_data)
{
  ElvesKeeper *self = user_data;

  flight->is_poison = FALSE;
  flight->may_have_started = TRUE;
  flight->heard_at_us = g_get_monotonic_time ();
  if (execution != NULL && flight->has_journal)
    elves_job_table_rekey (self->jobs, flight, execution);
  elves_replies_acceptance (self->replies, flight, outcome);
  if (flight->has_journal)
    plan_question (self, flight, self->options.recheck_s * (gint64) G_USEC_PER_SEC);
  else
    {
      flight->ask_at_us = 0;
      acknowledge_early (self, flight);
      plan (self, flight);
    }
}

static void
on_ended (ElvesFlight *flight, const ElvesOutcome *outcome, gpointer user_data)
{
  ElvesKeeper *self = user_data;

  if (!outcome->delivered)
    g_info ("a job could not be handed over: %s job=%s agent=%s reason=%s",
            outcome->detail != NULL ? outcome->detail : "", flight->job->instruct->id,
            flight->job->instruct->ip, elves_reason_text (outcome->reason));
  if (flight->job->kind == ELVES_JOB_ASYNC && flight->state == ELVES_FLIGHT_CALLING &&
      !flight->is_poison)
    elves_replies_acceptance (self->replies, flight, outcome);
  give_outcome (self, flight, outcome);
}

static void
on_paused (ElvesFlight *flight, gpointer user_data)
{
  ElvesKeeper *self = user_data;

  if (is_lost (self, flight))
    give_failure (self, flight, ELVES_REASON_AGENT_LOST, "its agent has gone");
  else
    plan_question (self, flight, pause_us (self, flight));
}

static void
on_settled (ElvesFlight *flight, gpointer user_data)
{
  ElvesKeeper *self = user_data;

  elves_keeper_on_ended (self, flight);
}

/* Its agent cannot report to us, it seems: perhaps it can to another. */
static gboolean
is_better_elsewhere (const ElvesFlight *flight)
{
  return flight->finished_seen >= FINISHED_SEEN_MAX && flight->custody == ELVES_CUSTODY_HELD &&
         !flight->is_republished && flight->message != NULL;
}

static void
on_heard (ElvesFlight *flight, gboolean answered, gpointer user_data)
{
  ElvesKeeper *self = user_data;

  if (answered)
    flight->heard_at_us = g_get_monotonic_time ();
  if (is_better_elsewhere (flight))
    republish (self, flight);
  if (!answered && is_lost (self, flight))
    give_failure (self, flight, ELVES_REASON_AGENT_LOST, "its agent has gone");
  else
    plan_question (self, flight, self->options.recheck_s * (gint64) G_USEC_PER_SEC);
}

const ElvesDispatchCallbacks elves_keeper_dispatch_callbacks = { on_accepted, on_ended, on_paused,
                                                                 on_settled, on_heard };

/* --- messages -------------------------------------------------------------------------------- */

/**
 * elves_keeper_start:
 * @self: the keeper.
 * @flight: a new one, with its message.
 */
void
elves_keeper_start (ElvesKeeper *self, ElvesFlight *flight)
{
  flight->republish_at_us = after_s (self->options.ack_timeout_s);
  elves_job_table_add (self->jobs, flight);
  if (flight->delivered_before && elves_flight_advance (flight, ELVES_FLIGHT_PAUSE))
    {
      flight->ask_at_us = g_get_monotonic_time () + FIRST_PAUSE_MS * G_GINT64_CONSTANT (1000);
      plan (self, flight);
      return;
    }
  elves_dispatch_flight (self->dispatch, flight);
  if (flight->state == ELVES_FLIGHT_CALLING)
    plan (self, flight);
}

/**
 * elves_keeper_attach:
 * @self: the keeper.
 * @flight: one that answers for @message now.
 * @message: (transfer full): its message, delivered again.
 */
void
elves_keeper_attach (ElvesKeeper *self, ElvesFlight *flight, ElvesDelivery *message)
{
  elves_delivery_free (flight->message);
  flight->message = message;
  flight->republish_at_us = after_s (self->options.ack_timeout_s);
  if (flight->state == ELVES_FLIGHT_HOLDING)
    publish_outcome (self, flight, &flight->held);
  else if (flight->state < ELVES_FLIGHT_HOLDING)
    plan (self, flight);
}

/* --- beginning and end ----------------------------------------------------------------------- */

/**
 * elves_keeper_new:
 * @deadlines: where deadlines are kept; must outlive the flights.
 * @options: times and limits.
 * @jobs: the jobs in flight.
 * @replies: the way back to the askers.
 * @done: called when a delivery needs nothing more.
 * @user_data: for @done.
 *
 * Returns: (transfer full): the keeper.
 */
ElvesKeeper *
elves_keeper_new (ElvesDeadlines *deadlines,
                  const ElvesKeeperOptions *options,
                  ElvesJobTable *jobs,
                  ElvesReplies *replies,
                  ElvesDeliveryDoneFunc done,
                  gpointer user_data)
{
  ElvesKeeper *self = g_new0 (ElvesKeeper, 1);

  self->deadlines = deadlines;
  self->options = *options;
  self->jobs = jobs;
  self->replies = replies;
  self->done = done;
  self->user_data = user_data;
  self->letterbox = elves_letterbox_new (replies, self->options.queue, self->options.dead_queue,
                                         &letterbox_callbacks, self);
  return self;
}

static void
disarm (ElvesFlight *flight, gpointer user_data)
{
  ElvesKeeper *self = user_data;

  elves_deadlines_disarm (self->deadlines, &flight->wake);
}

/**
 * elves_keeper_free:
 * @self: (nullable): the keeper; no flight is waited for any more.
 */
void
elves_keeper_free (ElvesKeeper *self)
{
  if (self == NULL)
    return;

  elves_letterbox_free (self->letterbox);
  elves_job_table_foreach (self->jobs, disarm, self);
  g_free (self);
}
