/* The end of every job goes through here, so that there is one order of things: the outcome is
 * known, it is published, the broker confirms it, and only then is the delivery acknowledged and
 * the agent told that its result was taken.
 *
 * An outcome that was made here says what it says because we have the message. When the connection
 * to the broker is lost before the confirmation, the message may go to somebody else, who says
 * something else: then the outcome does not leave once more, but is held like one that was made
 * just then. (A result that an agent reported is the same whoever publishes it.)
 *
 * A reply that reaches no queue (its asker has gone) counts as given. A result cast that reaches no
 * queue is said in the log: nobody listens for the results of cron or queue jobs. */
#include "scheduler/replies.h"

#include "common/crash-point.h"
#include "common/log.h"
#include "scheduler/metrics.h"

struct ElvesReplies
{
  ElvesAmqpPublisher *publisher;
  const ElvesMessageRules *rules;
  const ElvesRepliesCallbacks *callbacks;
  gpointer user_data;
  ElvesLogThrottle unrouted_throttle;
  GQueue endings; /* of Ending, by its place: not yet confirmed */
};

typedef struct
{
  ElvesReplies *replies;
  GPtrArray *flights; /* (nullable) of ElvesFlight */
  char *result_key;   /* (nullable) where a result cast went */
  ElvesOutcome made;  /* of one that was made here */
  ElvesReplyDoneFunc done;
  gpointer done_data;
  GList place;
} Ending;

/**
 * elves_replies_new:
 * @publisher: what publishes; must outlive it.
 * @rules: of messages; must outlive it.
 * @callbacks: what becomes of flights; not copied.
 * @user_data: for @callbacks.
 *
 * Returns: (transfer full): the way back to the askers.
 */
ElvesReplies *
elves_replies_new (ElvesAmqpPublisher *publisher,
                   const ElvesMessageRules *rules,
                   const ElvesRepliesCallbacks *callbacks,
                   gpointer user_data)
{
  ElvesReplies *self = g_new0 (ElvesReplies, 1);

  self->publisher = publisher;
  self->rules = rules;
  self->callbacks = callbacks;
  self->user_data = user_data;
  return self;
}

static void
ending_free (Ending *ending)
{
  g_clear_pointer (&ending->flights, g_ptr_array_unref);
  g_free (ending->result_key);
  elves_outcome_clear (&ending->made);
  g_free (ending);
}

/**
 * elves_replies_free:
 * @self: (nullable): freed after its publisher, which may still hold callbacks of ours.
 */
void
elves_replies_free (ElvesReplies *self)
{
  GList *place;

  if (self == NULL)
    return;

  while ((place = g_queue_pop_head_link (&self->endings)) != NULL)
    ending_free (place->data);
  g_free (self);
}

static void
say_unrouted (ElvesReplies *self, const char *routing_key)
{
  guint held_back;

  if (elves_log_throttle_pass (&self->unrouted_throttle, g_get_monotonic_time (), &held_back))
    g_warning ("a result reached no queue: nobody is bound to exchange=%s key=%s held_back=%u",
               self->rules->exchange, routing_key, held_back);
}

static void
finish (Ending *ending, gboolean routed)
{
  ElvesReplies *self = ending->replies;

  for (guint i = 0; ending->flights != NULL && i < ending->flights->len; i++)
    if (elves_flight_advance (ending->flights->pdata[i], ELVES_FLIGHT_CONFIRMED))
      self->callbacks->ended (ending->flights->pdata[i], self->user_data);
  if (ending->done != NULL)
    ending->done (routed, ending->done_data);
  g_queue_unlink (&self->endings, &ending->place);
  ending_free (ending);
}

static void
on_published (gboolean routed, gpointer user_data)
{
  Ending *ending = user_data;

  ELVES_CRASH_POINT ("before-confirm");
  elves_scheduler_metrics.unrouted += routed ? 0 : 1;
  if (!routed && ending->result_key != NULL)
    say_unrouted (ending->replies, ending->result_key);
  finish (ending, routed);
}

static gboolean
on_leaving (gpointer user_data)
{
  Ending *ending = user_data;
  ElvesReplies *self = ending->replies;
  ElvesFlight *flight = ending->flights->pdata[0];

  if (flight->custody != ELVES_CUSTODY_LOST || flight->is_transient)
    return TRUE;
  self->callbacks->taken_back (flight, &ending->made, self->user_data);
  g_queue_unlink (&self->endings, &ending->place);
  ending_free (ending);
  return FALSE;
}

/* @publication: (nullable) (transfer full): NULL ends it at once. @wanted: (nullable). */
static void
end_with (ElvesReplies *self, ElvesPublication *publication, ElvesWantedFunc wanted, Ending *ending)
{
  ending->replies = self;
  ending->place.data = ending;
  g_queue_push_tail_link (&self->endings, &ending->place);
  if (publication != NULL)
    elves_amqp_publisher_publish_while (self->publisher, publication, wanted, on_published, ending);
  else
    finish (ending, TRUE);
}

/**
 * elves_replies_acceptance:
 * @self: the way back.
 * @flight: a job that was handed to its agent, or not.
 * @outcome: delivered, or why not.
 */
void
elves_replies_acceptance (ElvesReplies *self, ElvesFlight *flight, const ElvesOutcome *outcome)
{
  ElvesPublication *publication = elves_job_message_acceptance (self->rules, flight->job, outcome);

  if (publication != NULL)
    elves_replies_send (self, publication, NULL, NULL);
}

/**
 * elves_replies_outcome:
 * @self: the way back.
 * @flight: a job that has ended; its state says so from now on.
 * @outcome: how.
 */
void
elves_replies_outcome (ElvesReplies *self, ElvesFlight *flight, const ElvesOutcome *outcome)
{
  const ElvesJob *job = flight->job;
  ElvesPublication *publication;
  Ending *ending;

  if (!elves_flight_advance (flight, ELVES_FLIGHT_OUTCOME))
    return;
  elves_scheduler_metrics_count_outcome (outcome);

  publication = job->kind == ELVES_JOB_SYNC
                    ? elves_job_message_reply (self->rules, job, outcome)
                    : elves_job_message_result (self->rules, job->instruct, job->rand_id, outcome);
  ending = g_new0 (Ending, 1);
  ending->flights = g_ptr_array_new_with_free_func ((GDestroyNotify) elves_flight_unref);
  g_ptr_array_add (ending->flights, elves_flight_ref (flight));
  elves_outcome_copy (&ending->made, outcome);
  if (publication != NULL && job->kind == ELVES_JOB_ASYNC)
    ending->result_key = g_strdup (publication->routing_key);
  end_with (self, publication, on_leaving, ending);
}

/**
 * elves_replies_result:
 * @self: the way back.
 * @flights: of #ElvesFlight: who waits for it.
 * @instruct: what was run.
 * @rand_id: (nullable): of the flat form.
 * @outcome: how it ended.
 * @done: (nullable): called when the broker has it, or when there is nobody to tell.
 * @done_data: for @done.
 */
void
elves_replies_result (ElvesReplies *self,
                      GPtrArray *flights,
                      const ElvesInstruct *instruct,
                      const char *rand_id,
                      const ElvesOutcome *outcome,
                      ElvesReplyDoneFunc done,
                      gpointer done_data)
{
  ElvesPublication *publication =
      elves_job_message_result (self->rules, instruct, rand_id, outcome);
  Ending *ending = g_new0 (Ending, 1);

  elves_scheduler_metrics_count_outcome (outcome);
  for (guint i = 0; i < flights->len; i++)
    elves_flight_advance (flights->pdata[i], ELVES_FLIGHT_OUTCOME);
  ending->flights = g_ptr_array_ref (flights);
  ending->done = done;
  ending->done_data = done_data;
  if (publication != NULL)
    ending->result_key = g_strdup (publication->routing_key);
  end_with (self, publication, NULL, ending);
}

/**
 * elves_replies_send:
 * @self: the way back.
 * @publication: (transfer full): what to publish.
 * @done: (nullable): called when the broker has it.
 * @done_data: for @done.
 */
void
elves_replies_send (ElvesReplies *self,
                    ElvesPublication *publication,
                    ElvesReplyDoneFunc done,
                    gpointer done_data)
{
  Ending *ending = g_new0 (Ending, 1);

  ending->done = done;
  ending->done_data = done_data;
  end_with (self, publication, NULL, ending);
}
