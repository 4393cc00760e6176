/* What comes from the broker.
 *
 * A message that is no job is acknowledged, never redelivered for ever: with an answer where its
 * generation has one and somebody can be answered, counted and logged (once a second at most) where
 * not.
 *
 * A message the broker gives out again is first looked up among the jobs that are known: what runs
 * already is not run again. Not known here, another scheduler may have sent it to its agent, and
 * may have died of it: it is published again, which counts its attempts, and acknowledged when that
 * is confirmed. It then comes as one that was delivered before; after too many attempts, as poison.
 */
#include "scheduler/intake.h"

#include "common/crash-point.h"
#include "common/log.h"
#include "scheduler/letter.h"
#include "scheduler/metrics.h"

struct ElvesIntake
{
  const ElvesMessageRules *rules;
  char *origin, *queue;
  guint max_attempts;
  gint32 seen_within_s;
  ElvesJobTable *jobs;
  ElvesKeeper *keeper;
  ElvesReplies *replies;
  ElvesDesk *desk;
  ElvesDeliveryDoneFunc done;
  gpointer user_data;
  ElvesLogThrottle throttle;
  guint64 refused, dropped;
  GQueue refusals; /* of Refusal, by its place: not yet confirmed */
};

/* A refusal, or a message published again, on its way. */
typedef struct
{
  ElvesIntake *intake;
  guint64 epoch, tag;
  gboolean is_round; /* the message itself */
  GList place;
} Refusal;

/**
 * elves_intake_new:
 * @rules: of messages; must outlive it.
 * @options: names and limits.
 * @jobs: the jobs in flight.
 * @keeper: takes new jobs.
 * @replies: takes refusals.
 * @desk: gets what asks for no job.
 * @done: called when a delivery needs nothing more.
 * @user_data: for @done.
 *
 * Returns: (transfer full): the intake.
 */
ElvesIntake *
elves_intake_new (const ElvesMessageRules *rules,
                  const ElvesIntakeOptions *options,
                  ElvesJobTable *jobs,
                  ElvesKeeper *keeper,
                  ElvesReplies *replies,
                  ElvesDesk *desk,
                  ElvesDeliveryDoneFunc done,
                  gpointer user_data)
{
  ElvesIntake *self = g_new0 (ElvesIntake, 1);

  self->rules = rules;
  self->origin = g_strdup (options->origin);
  self->queue = g_strdup (options->queue);
  self->max_attempts = options->max_attempts;
  self->seen_within_s = options->seen_within_s;
  self->jobs = jobs;
  self->keeper = keeper;
  self->replies = replies;
  self->desk = desk;
  self->done = done;
  self->user_data = user_data;
  return self;
}

/**
 * elves_intake_free:
 * @self: (nullable): freed after the publisher, which may hold refusals of ours.
 */
void
elves_intake_free (ElvesIntake *self)
{
  GList *place;

  if (self == NULL)
    return;

  while ((place = g_queue_pop_head_link (&self->refusals)) != NULL)
    g_free (place->data);
  g_free (self->origin);
  g_free (self->queue);
  g_free (self);
}

/* A message published again that reached no queue is the only one there is. */
static void
on_refusal_sent (gboolean routed, gpointer user_data)
{
  Refusal *refusal = user_data;

  if (routed || !refusal->is_round)
    refusal->intake->done (refusal->epoch, refusal->tag, refusal->intake->user_data);
  else
    g_warning ("a message could not be published again: no queue=%s", refusal->intake->queue);
  g_queue_unlink (&refusal->intake->refusals, &refusal->place);
  g_free (refusal);
}

static void
publish_for (ElvesIntake *self,
             ElvesPublication *publication,
             const ElvesDelivery *delivery,
             gboolean is_round)
{
  Refusal *refusal = g_new0 (Refusal, 1);

  refusal->intake = self;
  refusal->epoch = delivery->epoch;
  refusal->tag = delivery->tag;
  refusal->is_round = is_round;
  refusal->place.data = refusal;
  g_queue_push_tail_link (&self->refusals, &refusal->place);
  elves_replies_send (self->replies, publication, on_refusal_sent, refusal);
}

static void
refuse (ElvesIntake *self, ElvesPublication *publication, const ElvesDelivery *delivery)
{
  if (publication != NULL)
    publish_for (self, publication, delivery, FALSE);
  else
    self->done (delivery->epoch, delivery->tag, self->user_data);
}

/* --- jobs ------------------------------------------------------------------------------------ */

/* A key of its own comes before the header, which repeats it or was made up by a scheduler. */
static void
set_identity (ElvesIntake *self, ElvesFlight *flight)
{
  const ElvesDelivery *message = flight->message;
  ElvesInstruct *instruct = flight->job->instruct;

  flight->has_own_key = instruct->execution != NULL;
  flight->delivered_before = flight->may_have_started = message->is_again;
  flight->is_poison = message->is_again && message->attempts > self->max_attempts;
  if (instruct->execution == NULL)
    instruct->execution = elves_job_new_id ();
  if (message->is_again && !flight->has_own_key)
    instruct->seen_within_s = self->seen_within_s;
  g_free (instruct->origin);
  instruct->origin = g_strdup (self->origin);
}

static void
start_job (ElvesIntake *self, ElvesJob *job, ElvesDelivery *delivery)
{
  g_autoptr (ElvesFlight) flight = elves_flight_new (job, delivery->epoch, delivery->tag);

  flight->message = delivery;
  set_identity (self, flight);
  elves_keeper_start (self->keeper, flight);
}

/* A message that nobody here knows, and that somebody had before. */
static void
send_round (ElvesIntake *self, const ElvesJob *job, const ElvesDelivery *delivery)
{
  elves_scheduler_metrics.republished++;
  publish_for (
      self,
      elves_letter_new (delivery, self->queue, job->instruct->execution, delivery->attempts + 1),
      delivery, TRUE);
}

static void
take_job (ElvesIntake *self, ElvesJob *taken_job, ElvesDelivery *taken_delivery)
{
  g_autoptr (ElvesJob) job = taken_job;
  g_autoptr (ElvesDelivery) delivery = taken_delivery;
  g_autoptr (ElvesFlight) known = NULL;
  ElvesRedelivery redelivery = ELVES_REDELIVERY_NEW;

  if (job->instruct->execution == NULL && delivery->is_again)
    job->instruct->execution = g_strdup (delivery->execution);
  if (delivery->redelivered || delivery->is_again)
    redelivery =
        elves_job_table_match_redelivery (self->jobs, job, delivery->epoch, delivery->tag, &known);
  if (redelivery != ELVES_REDELIVERY_NEW && delivery->redelivered)
    elves_scheduler_metrics.redelivered_known++;
  if (redelivery == ELVES_REDELIVERY_ATTACHED)
    elves_keeper_attach (self->keeper, known, g_steal_pointer (&delivery));
  else if (redelivery == ELVES_REDELIVERY_SETTLED)
    self->done (delivery->epoch, delivery->tag, self->user_data);
  else if (delivery->redelivered)
    send_round (self, job, delivery);
  else
    start_job (self, g_steal_pointer (&job), g_steal_pointer (&delivery));
}

static void
say_why (ElvesIntake *self, const char *what, const GError *error)
{
  guint held_back;

  if (elves_log_throttle_pass (&self->throttle, g_get_monotonic_time (), &held_back))
    g_message ("a message was %s: %s refused=%" G_GUINT64_FORMAT " dropped=%" G_GUINT64_FORMAT
               " held_back=%u",
               what, error->message, self->refused, self->dropped, held_back);
}

/**
 * elves_intake_take:
 * @self: the intake.
 * @delivery: (transfer full): what the broker gave.
 */
void
elves_intake_take (ElvesIntake *self, ElvesDelivery *delivery)
{
  g_autoptr (ElvesDelivery) taken = delivery;
  ElvesMessageProperties properties = { delivery->reply_to, delivery->correlation_id,
                                        delivery->message_id };
  g_autoptr (GError) error = NULL;
  ElvesPublication *refusal = NULL;
  ElvesJob *job = NULL;
  gsize length;
  const void *bytes = g_bytes_get_data (delivery->body, &length);

  elves_scheduler_metrics.deliveries++;
  elves_scheduler_metrics.redelivered += delivery->redelivered ? 1 : 0;

  ELVES_CRASH_POINT ("after-consume");
  switch (elves_job_message_parse (self->rules, &properties, bytes, length, &job, &refusal, &error))
    {
    case ELVES_MESSAGE_JOB:
      take_job (self, job, g_steal_pointer (&taken));
      break;
    case ELVES_MESSAGE_REFUSED:
      self->refused++;
      elves_scheduler_metrics.messages_refused++;
      say_why (self, "refused", error);
      refuse (self, refusal, delivery);
      break;
    case ELVES_MESSAGE_DROPPED:
      if (elves_desk_take (self->desk, delivery))
        break;
      self->dropped++;
      elves_scheduler_metrics.messages_dropped++;
      say_why (self, "dropped", error);
      refuse (self, NULL, delivery);
      break;
    }
}
