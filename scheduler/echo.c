/* What the watchdog watches: a message is published like any reply, to a queue that only our
 * consumer's connection has, and comes on the channel on which jobs come. So it passes both
 * connections, both their threads and the main loop. The jobs' own queue would not do: behind a
 * hundred thousand messages nothing comes back in time, and another scheduler may take it.
 *
 * Deletes nothing, decides nothing about jobs: a rebuilt connection is to them a lost one.
 */
#include "scheduler/echo.h"

#include "scheduler/metrics.h"
#include "scheduler/watchdog.h"

struct ElvesEcho
{
  ElvesAmqpPublisher *publisher;
  ElvesAmqpConsumer *consumer; /* (nullable) */
  char *queue;                 /* (nullable) of the consumer's connection */
  ElvesWatchdog *watchdog;
  guint timeout_ms;
};

static void
on_published (gboolean routed, gpointer user_data)
{
  ElvesEcho *self = user_data;

  elves_watchdog_confirmed (self->watchdog, routed);
}

static void
on_send (guint64 number, gpointer user_data)
{
  ElvesEcho *self = user_data;
  ElvesPublication *publication = g_new0 (ElvesPublication, 1);

  publication->exchange = g_strdup ("");
  publication->routing_key = g_strdup (self->queue);
  publication->content_type = g_strdup ("text/plain");
  publication->message_id = g_strdup_printf ("%" G_GUINT64_FORMAT, number);
  publication->body = g_bytes_new (NULL, 0);
  elves_scheduler_metrics.watchdog_sent++;
  elves_amqp_publisher_publish (self->publisher, publication, on_published, self);
}

static void
on_publisher_stalled (gpointer user_data)
{
  ElvesEcho *self = user_data;
  g_autofree char *why = g_strdup_printf (
      "the broker has confirmed nothing for %u ms: connecting anew", self->timeout_ms);

  elves_scheduler_metrics.publisher_stalled++;
  elves_amqp_publisher_rebuild (self->publisher, why);
}

static void
on_consumer_stalled (gpointer user_data)
{
  ElvesEcho *self = user_data;
  g_autofree char *why = g_strdup_printf (
      "a message to ourselves has not come back within %u ms: connecting anew", self->timeout_ms);

  elves_scheduler_metrics.consumer_stalled++;
  elves_amqp_consumer_rebuild (self->consumer, why);
}

/**
 * elves_echo_new:
 * @deadlines: its clock; must outlive it
 * @config: the scheduler's; must outlive it
 * @publisher: what sends; to be freed before it
 *
 * Returns: (transfer full) (nullable): %NULL when watchdog.interval is 0
 */
ElvesEcho *
elves_echo_new (ElvesDeadlines *deadlines,
                const ElvesSchedulerConfig *config,
                ElvesAmqpPublisher *publisher)
{
  static const ElvesWatchdogCallbacks callbacks = { on_send, on_publisher_stalled,
                                                    on_consumer_stalled };
  ElvesEcho *self;

  if (config->watchdog_interval_ms == 0)
    return NULL;
  self = g_new0 (ElvesEcho, 1);
  self->publisher = publisher;
  self->timeout_ms = config->watchdog_timeout_ms;
  self->watchdog = elves_watchdog_new (deadlines, config->watchdog_interval_ms, self->timeout_ms,
                                       &callbacks, self);
  return self;
}

/**
 * elves_echo_free:
 * @self: (nullable): freed after its publisher, which may hold a message of ours
 */
void
elves_echo_free (ElvesEcho *self)
{
  if (self == NULL)
    return;

  elves_watchdog_free (self->watchdog);
  g_free (self->queue);
  g_free (self);
}

/**
 * elves_echo_set_consumer:
 * @self: (nullable)
 * @consumer: (nullable): what consumes, on a new connection; %NULL: nothing does
 */
void
elves_echo_set_consumer (ElvesEcho *self, ElvesAmqpConsumer *consumer)
{
  if (self == NULL)
    return;

  elves_watchdog_stop (self->watchdog);
  self->consumer = consumer;
  g_free (self->queue);
  self->queue = consumer != NULL ? elves_amqp_consumer_echo_queue (consumer) : NULL;
  if (self->queue != NULL)
    elves_watchdog_start (self->watchdog);
}

/**
 * elves_echo_set_publishing:
 * @self: (nullable)
 * @publishing: whether the publisher is connected, as far as it knows
 */
void
elves_echo_set_publishing (ElvesEcho *self, gboolean publishing)
{
  if (self != NULL)
    elves_watchdog_set_publishing (self->watchdog, publishing);
}

/**
 * elves_echo_take:
 * @self: (nullable)
 * @delivery: what the broker gave
 *
 * Returns: whether it is a message of the scheduler to itself: then it is acknowledged
 */
gboolean
elves_echo_take (ElvesEcho *self, const ElvesDelivery *delivery)
{
  gint64 time_us;

  if (self == NULL || !delivery->echo)
    return FALSE;
  time_us = elves_watchdog_arrived (
      self->watchdog,
      delivery->message_id != NULL ? g_ascii_strtoull (delivery->message_id, NULL, 10) : 0);
  if (time_us >= 0)
    elves_histogram_add (&elves_scheduler_metrics.watchdog_round_trip, time_us);
  if (self->consumer != NULL)
    elves_amqp_consumer_ack (self->consumer, delivery->epoch, delivery->tag);
  return TRUE;
}
