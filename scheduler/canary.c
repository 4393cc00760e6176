/* The canary.
 *
 *   RESTING --interval--> OUT --arrived--> CALLING --answered--> BACK --arrived--> RESTING
 *                          \------------------+------ timeout -----/  failed at that step
 *
 * Its messages go by the queue that our consumer's connection has for itself: in the jobs' own
 * queue they would wait behind jobs, or go to another scheduler. The agent is drawn anew each time,
 * from those of our own kind: others need not know the function.
 *
 * At most one is under way. A call to an agent that is given up may be answered later: until then
 * no next one starts. While the broker has not confirmed a message, the next round fails without
 * another one, so that an outage does not gather messages. */
#include "scheduler/canary.h"

#include "common/names.h"
#include "scheduler/metrics.h"

#include <string.h>

#define MESSAGE_PREFIX "canary."

typedef enum
{
  IDLE, /* nothing consumes */
  RESTING,
  OUT,
  CALLING,
  BACK
} State;

struct ElvesCanary
{
  ElvesCanaryParts parts;
  ElvesAmqpConsumer *consumer; /* (nullable) */
  char *queue;                 /* (nullable) of the consumer's connection */
  State state;
  ElvesDeadline deadline;
  guint64 number; /* of the last round */
  gint64 begun_us, since_us;
  char *agent;         /* (nullable) who was drawn */
  guint unconfirmed;   /* messages */
  gboolean is_calling; /* an agent's answer is due */
  gboolean has_failed; /* the last one */
};

/* --- rounds ---------------------------------------------------------------------------------- */

static void on_due (ElvesDeadline *deadline, gpointer user_data);

static void
enter (ElvesCanary *self, State state, guint delay_ms)
{
  self->state = state;
  self->since_us = g_get_monotonic_time ();
  elves_deadlines_arm (self->parts.deadlines, &self->deadline,
                       self->since_us + delay_ms * G_GINT64_CONSTANT (1000), on_due, self);
}

static void
rest (ElvesCanary *self)
{
  enter (self, RESTING, self->parts.config->canary_interval_ms);
}

static void
fail (ElvesCanary *self, ElvesCanaryStep step, const char *why)
{
  elves_scheduler_metrics.canary_failed[step]++;
  if (!self->has_failed)
    g_warning ("the canary did not come back: %s step=%s agent=%s", why,
               elves_canary_step_text (step), self->agent != NULL ? self->agent : "-");
  self->has_failed = TRUE;
  rest (self);
}

static void
on_published (gboolean routed, gpointer user_data)
{
  ElvesCanary *self = user_data;

  self->unconfirmed--;
}

static void
publish (ElvesCanary *self, State state)
{
  ElvesPublication *publication = g_new0 (ElvesPublication, 1);

  publication->exchange = g_strdup ("");
  publication->routing_key = g_strdup (self->queue);
  publication->content_type = g_strdup ("text/plain");
  publication->message_id = g_strdup_printf (MESSAGE_PREFIX "%" G_GUINT64_FORMAT, self->number);
  publication->body = g_bytes_new (NULL, 0);
  self->unconfirmed++;
  enter (self, state, self->parts.config->canary_timeout_ms);
  elves_amqp_publisher_publish (self->parts.publisher, publication, on_published, self);
}

static void
begin (ElvesCanary *self)
{
  const ElvesAgentRecord *agent = elves_agent_table_draw (self->parts.agents, ELVES_AGENT_TYPE);

  g_clear_pointer (&self->agent, g_free);
  if (agent == NULL || self->is_calling)
    {
      rest (self);
      return;
    }
  self->agent = g_strdup (agent->ip);
  self->number++;
  elves_scheduler_metrics.canary_sent++;
  if (self->unconfirmed > 0)
    {
      fail (self, ELVES_CANARY_OUT, "the broker has not confirmed the last one");
      return;
    }
  self->begun_us = g_get_monotonic_time ();
  publish (self, OUT);
}

static void
on_due (ElvesDeadline *deadline, gpointer user_data)
{
  ElvesCanary *self = user_data;

  if (self->state == RESTING)
    begin (self);
  else
    fail (self,
          self->state == OUT       ? ELVES_CANARY_OUT
          : self->state == CALLING ? ELVES_CANARY_AGENT
                                   : ELVES_CANARY_BACK,
          "it took too long");
}

static void
count_hop (ElvesCanary *self, ElvesHistogram *histogram)
{
  elves_histogram_add (histogram, g_get_monotonic_time () - self->since_us);
}

static void
succeed (ElvesCanary *self)
{
  gint64 took_us = g_get_monotonic_time () - self->begun_us;

  elves_histogram_add (&elves_scheduler_metrics.canary_total, took_us);
  elves_scheduler_metrics.canary_last_us = (guint64) took_us;
  if (self->has_failed)
    g_message ("the canary comes back again");
  self->has_failed = FALSE;
  rest (self);
}

/* --- the agent ------------------------------------------------------------------------------- */

static void
on_answered (const ElvesReinstruct *answer,
             ElvesReason reason,
             const char *detail,
             gint64 call_us,
             gpointer user_data)
{
  ElvesCanary *self = user_data;

  self->is_calling = FALSE;
  if (self->state != CALLING)
    return; /* it was given up */
  if (answer == NULL)
    fail (self, ELVES_CANARY_AGENT, detail);
  else if (answer->flag != 1)
    fail (self, ELVES_CANARY_AGENT, "the agent's built-in function failed");
  else
    {
      count_hop (self, &elves_scheduler_metrics.canary_agent);
      publish (self, BACK);
    }
}

static ElvesInstruct *
make_instruct (ElvesCanary *self)
{
  ElvesInstruct *instruct = elves_instruct_new ();
  g_autofree char *id = elves_job_new_id ();

  elves_instruct_set (&instruct->id, id);
  elves_instruct_set (&instruct->ip, self->agent);
  elves_instruct_set (&instruct->type, "rt");
  elves_instruct_set (&instruct->mode, "NP");
  elves_instruct_set (&instruct->app, ELVES_BUILTIN_APP);
  elves_instruct_set (&instruct->func, ELVES_BUILTIN_PING);
  instruct->timeout_s = (gint32) (self->parts.config->canary_timeout_ms + 999) / 1000;
  return instruct;
}

static void
call_agent (ElvesCanary *self)
{
  const ElvesAgentRecord *agent = elves_agent_table_lookup (self->parts.agents, self->agent);
  g_autoptr (ElvesInstruct) instruct = NULL;

  if (agent == NULL)
    {
      fail (self, ELVES_CANARY_AGENT, "the agent is no longer registered");
      return;
    }
  instruct = make_instruct (self);
  self->is_calling = TRUE;
  enter (self, CALLING, self->parts.config->canary_timeout_ms);
  elves_agent_pool_call (self->parts.pool, agent->host, agent->port, agent->takes_lists,
                         ELVES_JOB_SYNC, instruct, on_answered, self);
}

/* --------------------------------------------------------------------------------------------- */

/**
 * elves_canary_new:
 * @parts: what it goes through; the struct is copied
 *
 * Returns: (transfer full) (nullable): %NULL when canary.interval is 0
 */
ElvesCanary *
elves_canary_new (const ElvesCanaryParts *parts)
{
  ElvesCanary *self;

  if (parts->config->canary_interval_ms == 0)
    return NULL;
  self = g_new0 (ElvesCanary, 1);
  self->parts = *parts;
  return self;
}

/**
 * elves_canary_free:
 * @self: (nullable): freed after publisher and pool, which may still hold what is its own
 */
void
elves_canary_free (ElvesCanary *self)
{
  if (self == NULL)
    return;

  elves_deadlines_disarm (self->parts.deadlines, &self->deadline);
  g_free (self->agent);
  g_free (self->queue);
  g_free (self);
}

/**
 * elves_canary_set_consumer:
 * @self: (nullable)
 * @consumer: (nullable): what consumes, on a new connection; %NULL: nothing does
 *
 * A round that is under way is over, and counts for nothing: that a connection is lost is known.
 */
void
elves_canary_set_consumer (ElvesCanary *self, ElvesAmqpConsumer *consumer)
{
  if (self == NULL)
    return;

  elves_deadlines_disarm (self->parts.deadlines, &self->deadline);
  self->state = IDLE;
  self->consumer = consumer;
  g_free (self->queue);
  self->queue = consumer != NULL ? elves_amqp_consumer_echo_queue (consumer) : NULL;
  if (self->queue != NULL)
    rest (self);
}

static guint64
number_of (const ElvesDelivery *delivery)
{
  return g_ascii_strtoull (delivery->message_id + strlen (MESSAGE_PREFIX), NULL, 10);
}

/**
 * elves_canary_take:
 * @self: (nullable)
 * @delivery: what the broker gave
 *
 * Returns: whether it is a message of the canary's: then it is acknowledged
 */
gboolean
elves_canary_take (ElvesCanary *self, const ElvesDelivery *delivery)
{
  if (self == NULL || !delivery->echo || delivery->message_id == NULL ||
      !g_str_has_prefix (delivery->message_id, MESSAGE_PREFIX))
    return FALSE;

  if (self->consumer != NULL)
    elves_amqp_consumer_ack (self->consumer, delivery->epoch, delivery->tag);
  if (number_of (delivery) != self->number)
    return TRUE;
  if (self->state == OUT)
    {
      count_hop (self, &elves_scheduler_metrics.canary_out);
      call_agent (self);
    }
  else if (self->state == BACK)
    {
      count_hop (self, &elves_scheduler_metrics.canary_back);
      succeed (self);
    }
  return TRUE;
}
