/* The scheduler's side of the broker.
 *
 * There is a publisher from the start: answers and results leave by it. A consumer comes when it is
 * asked for, as jobs shall not come before the agents are known. Of what it brings, the messages of
 * the scheduler to itself stay here (echo, canary); all else is handed over as it comes.
 *
 * A consumer's connections are numbered by epochs: a delivery is acknowledged on the one that
 * brought it, or not at all. */
#include "scheduler/broker.h"

#include "common/names.h"
#include "scheduler/canary.h"
#include "scheduler/echo.h"
#include "scheduler/metrics.h"

struct ElvesSchedulerBroker
{
  ElvesSchedulerBrokerParts parts;
  const ElvesSchedulerBrokerCallbacks *callbacks;
  gpointer user_data;

  ElvesAmqpPublisher *publisher;
  ElvesAmqpConsumer *consumer; /* (nullable) until the agents are known, and when it is closed */
  guint64 epoch;               /* of the consumer's connection; 0: none yet */
  ElvesEcho *echo;             /* (nullable) watchdog.interval is 0 */
  ElvesCanary *canary;         /* (nullable) canary.interval is 0 */
};

/* --- what comes ------------------------------------------------------------------------------ */

static void
on_deliveries (ElvesAmqpConsumer *consumer, GPtrArray *deliveries, gpointer user_data)
{
  ElvesSchedulerBroker *self = user_data;

  for (guint i = 0; i < deliveries->len; i++)
    if (!elves_canary_take (self->canary, deliveries->pdata[i]) &&
        !elves_echo_take (self->echo, deliveries->pdata[i]))
      self->callbacks->delivered (g_steal_pointer (&deliveries->pdata[i]), self->user_data);
}

static void
watch_consumer (ElvesSchedulerBroker *self, ElvesAmqpConsumer *consumer)
{
  elves_echo_set_consumer (self->echo, consumer);
  elves_canary_set_consumer (self->canary, consumer);
}

static void
on_lost (ElvesSchedulerBroker *self, const GError *error)
{
  guint64 epoch = self->epoch;

  g_warning ("not consuming: %s", error->message);
  self->epoch = 0;
  elves_scheduler_metrics.consuming = 0;
  watch_consumer (self, NULL);
  self->callbacks->lost (epoch, self->user_data);
}

static void
on_consumer_state (ElvesAmqpConsumer *consumer,
                   guint64 epoch,
                   const GError *error,
                   gpointer user_data)
{
  ElvesSchedulerBroker *self = user_data;
  const ElvesSchedulerConfig *config = self->parts.config;

  if (error != NULL)
    {
      on_lost (self, error);
      return;
    }
  self->epoch = epoch;
  elves_scheduler_metrics.consuming = 1;
  elves_scheduler_metrics.consumer_connects++;
  g_message ("consuming queue=%s exchange=%s prefetch=%u", config->mq_queue, config->mq_exchange,
             config->mq_prefetch);
  watch_consumer (self, consumer);
  self->callbacks->consuming (self->user_data);
}

static void
on_consumer_cancelled (ElvesAmqpConsumer *consumer, gpointer user_data)
{
  ElvesSchedulerBroker *self = user_data;

  watch_consumer (self, NULL);
  self->callbacks->cancelled (self->user_data);
}

static const ElvesAmqpConsumerCallbacks consumer_callbacks = { on_deliveries, on_consumer_state,
                                                               on_consumer_cancelled };

static void
on_publisher_state (ElvesAmqpPublisher *publisher, const GError *error, gpointer user_data)
{
  ElvesSchedulerBroker *self = user_data;

  elves_echo_set_publishing (self->echo, error == NULL);
  elves_scheduler_metrics.publishing = error == NULL;
  if (error != NULL)
    {
      g_warning ("not publishing: %s", error->message);
      return;
    }
  elves_scheduler_metrics.publisher_connects++;
  g_message ("publishing");
}

static const ElvesAmqpPublisherCallbacks publisher_callbacks = { on_publisher_state };

/* --- from start to end ----------------------------------------------------------------------- */

static ElvesAmqpSettings
mq_settings (ElvesSchedulerBroker *self)
{
  const ElvesSchedulerConfig *config = self->parts.config;

  return (ElvesAmqpSettings){
    .host = config->mq_host,
    .port = (guint16) config->mq_port,
    .user = config->mq_user,
    .password = config->mq_password,
    .vhost = config->mq_vhost,
    .connect_timeout_ms = config->mq_connect_timeout_ms,
    .heartbeat_s = config->mq_heartbeat_s,
    .retry_first_ms = config->retry_first_ms,
    .retry_cap_ms = config->retry_cap_ms,
    .poller = self->parts.poller,
  };
}

static void
start_publishing (ElvesSchedulerBroker *self)
{
  const ElvesSchedulerConfig *config = self->parts.config;
  ElvesAmqpSettings settings = mq_settings (self);
  ElvesAmqpTopology topology = { .exchange = config->mq_exchange };
  ElvesCanaryParts canary = { .deadlines = self->parts.deadlines,
                              .config = config,
                              .agents = self->parts.agents,
                              .pool = self->parts.pool };

  self->publisher = elves_amqp_publisher_new (&settings, &topology, config->mq_persistent,
                                              &publisher_callbacks, self);
  self->echo = elves_echo_new (self->parts.deadlines, config, self->publisher);
  canary.publisher = self->publisher;
  self->canary = elves_canary_new (&canary);
}

/**
 * elves_scheduler_broker_new:
 * @parts: what it needs; copied.
 * @callbacks: what happens; must outlive it.
 * @user_data: for @callbacks.
 *
 * Returns: (transfer full): the two ends; it publishes, as soon as it is connected.
 */
ElvesSchedulerBroker *
elves_scheduler_broker_new (const ElvesSchedulerBrokerParts *parts,
                            const ElvesSchedulerBrokerCallbacks *callbacks,
                            gpointer user_data)
{
  ElvesSchedulerBroker *self = g_new0 (ElvesSchedulerBroker, 1);

  self->parts = *parts;
  self->callbacks = callbacks;
  self->user_data = user_data;
  start_publishing (self);
  return self;
}

/**
 * elves_scheduler_broker_publisher:
 * @self: the broker's side.
 *
 * Returns: (transfer none): what publishes, for as long as @self is there.
 */
ElvesAmqpPublisher *
elves_scheduler_broker_publisher (ElvesSchedulerBroker *self)
{
  return self->publisher;
}

/**
 * elves_scheduler_broker_consume:
 * @self: the broker's side: begins to consume, unless it has begun.
 */
void
elves_scheduler_broker_consume (ElvesSchedulerBroker *self)
{
  static const char *const bindings[] = { ELVES_BINDING_TWO_WORDS, ELVES_BINDING_WHOLE_KEY, NULL };
  const ElvesSchedulerConfig *config = self->parts.config;
  ElvesAmqpSettings settings = mq_settings (self);
  ElvesAmqpTopology topology = {
    .exchange = config->mq_exchange,
    .queue = config->mq_queue,
    .dead_queue = self->parts.dead_queue,
    .quorum = config->mq_queue_type == ELVES_QUEUE_QUORUM,
    .bindings = bindings,
    .prefetch = config->mq_prefetch,
    .echo = self->echo != NULL || self->canary != NULL,
  };

  if (self->consumer == NULL)
    self->consumer = elves_amqp_consumer_new (&settings, &topology, &consumer_callbacks, self);
}

/**
 * elves_scheduler_broker_ack:
 * @self: (nullable): the broker's side.
 * @epoch: the connection that brought the delivery.
 * @tag: its number there.
 *
 * The delivery needs nothing more. When its connection has gone the broker gives it out again.
 */
void
elves_scheduler_broker_ack (ElvesSchedulerBroker *self, guint64 epoch, guint64 tag)
{
  elves_scheduler_metrics.acks++;
  if (self != NULL && self->consumer != NULL)
    elves_amqp_consumer_ack (self->consumer, epoch, tag);
}

/**
 * elves_scheduler_broker_cancel:
 * @self: the broker's side: consumes no more. What it has brought may still be acknowledged.
 */
void
elves_scheduler_broker_cancel (ElvesSchedulerBroker *self)
{
  elves_scheduler_metrics.consuming = 0;
  watch_consumer (self, NULL);
  if (self->consumer != NULL)
    elves_amqp_consumer_cancel (self->consumer);
}

/**
 * elves_scheduler_broker_close_consumer:
 * @self: (nullable): the broker's side; publishes on.
 */
void
elves_scheduler_broker_close_consumer (ElvesSchedulerBroker *self)
{
  if (self != NULL)
    elves_amqp_consumer_free (g_steal_pointer (&self->consumer));
}

/**
 * elves_scheduler_broker_free:
 * @self: (nullable): the broker's side.
 */
void
elves_scheduler_broker_free (ElvesSchedulerBroker *self)
{
  if (self == NULL)
    return;

  elves_scheduler_broker_close_consumer (self);
  elves_amqp_publisher_free (self->publisher);
  elves_echo_free (self->echo);
  elves_canary_free (self->canary);
  g_free (self);
}
