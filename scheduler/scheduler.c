/* Wiring. What happens to a job, in order of time:
 *
 *   consumer -> intake -> keeper -> dispatch -> (agent) -> replies -> publisher -> confirms -> ack
 *                        |                        |           ^
 *                        +-> desk    async result +-> results +
 *
 * Starting: listen for results, register, and only when the table of agents is complete begin to
 * consume, so that no job fails for an agent we have not yet heard of. Stopping: consume no more,
 * let the jobs in flight end (up to shutdown.timeout), give the rest back to the broker. */
#include "scheduler/scheduler.h"

#include "common/address-list.h"
#include "common/names.h"
#include "scheduler/broker.h"
#include "scheduler/intake.h"
#include "scheduler/part-options.h"
#include "scheduler/presence.h"
#include "scheduler/results.h"
#include "scheduler/status.h"

enum
{
  DRAIN_CHECK_MS = 20
};

struct ElvesScheduler
{
  const ElvesSchedulerConfig *config;
  ElvesDaemon *daemon;
  ElvesMessageRules rules;
  char *origin;

  ElvesPoller *poller;
  ElvesDeadlines *deadlines;
  ElvesAddressList *allowed;
  ElvesAgentTable *agents;
  ElvesAgentPool *pool;
  ElvesJobTable *jobs;
  ElvesSchedulerBroker *broker;
  ElvesReplies *replies;
  ElvesDispatch *dispatch;
  ElvesKeeper *keeper;
  char *dead_queue;
  ElvesErrands *errands;
  ElvesDesk *desk;
  ElvesIntake *intake;
  ElvesResults *results;
  ElvesPresence *presence;      /* (nullable) zookeeper.enabled=false */
  ElvesSchedulerStatus *status; /* (nullable) metrics.listen is empty, or its port is taken */

  GSource *drain; /* (nullable) while stopping */
  gint64 drain_until_us;
};

/* --- jobs ------------------------------------------------------------------------------------ */

static void
on_delivery_done (guint64 epoch, guint64 tag, gpointer user_data)
{
  ElvesScheduler *self = user_data;

  elves_scheduler_broker_ack (self->broker, epoch, tag);
}

static void
on_flight_ended (ElvesFlight *flight, gpointer user_data)
{
  ElvesScheduler *self = user_data;

  elves_keeper_on_ended (self->keeper, flight);
}

static void
on_outcome_taken_back (ElvesFlight *flight, const ElvesOutcome *outcome, gpointer user_data)
{
  ElvesScheduler *self = user_data;

  elves_keeper_on_taken_back (self->keeper, flight, outcome);
}

static const ElvesRepliesCallbacks replies_callbacks = { on_flight_ended, on_outcome_taken_back };

/* --- the broker and the registry ------------------------------------------------------------- */

static void
on_delivered (ElvesDelivery *delivery, gpointer user_data)
{
  ElvesScheduler *self = user_data;

  elves_intake_take (self->intake, delivery);
}

static void
on_consuming (gpointer user_data)
{
  ElvesScheduler *self = user_data;

  elves_keeper_set_connected (self->keeper, TRUE);
  elves_daemon_ready (self->daemon);
}

static void
on_lost (guint64 epoch, gpointer user_data)
{
  ElvesScheduler *self = user_data;

  elves_keeper_set_connected (self->keeper, FALSE);
  if (epoch != 0)
    elves_job_table_lose_deliveries (self->jobs, epoch);
}

static gboolean on_drain_check (gpointer user_data);

static void
on_cancelled (gpointer user_data)
{
  on_drain_check (user_data);
}

static const ElvesSchedulerBrokerCallbacks broker_callbacks = { on_delivered, on_consuming, on_lost,
                                                                on_cancelled };

static void
on_agents_complete (gpointer user_data)
{
  ElvesScheduler *self = user_data;

  if (self->drain == NULL)
    elves_scheduler_broker_consume (self->broker);
}

/* --- from start to end ----------------------------------------------------------------------- */

static void
make_pool (ElvesScheduler *self)
{
  ElvesAgentPoolOptions options = elves_part_options_pool (self->config);

  self->pool = elves_agent_pool_new (self->poller, self->deadlines, &options);
}

static void
make_broker (ElvesScheduler *self)
{
  ElvesSchedulerBrokerParts parts = {
    .config = self->config,
    .poller = self->poller,
    .deadlines = self->deadlines,
    .agents = self->agents,
    .pool = self->pool,
  };

  self->dead_queue = g_strconcat (self->config->mq_queue, ELVES_DEAD_QUEUE_SUFFIX, NULL);
  parts.dead_queue = self->dead_queue;
  self->broker = elves_scheduler_broker_new (&parts, &broker_callbacks, self);
}

static gboolean
listen_for_results (ElvesScheduler *self, GError **error)
{
  ElvesThriftServerOptions options = elves_part_options_server (self->config);

  self->allowed = elves_address_list_parse (self->config->thrift_allowed, error);
  if (self->allowed == NULL)
    return FALSE;
  options.allowed = self->allowed;
  self->results = elves_results_new (self->poller, &options, self->jobs, self->replies, error);
  if (self->results == NULL)
    return FALSE;
  self->origin = g_strdup_printf ("%s:%u", elves_scheduler_config_advertised_host (self->config),
                                  elves_results_port (self->results));
  g_message ("listening for results address=%s:%u", self->config->thrift_listen,
             elves_results_port (self->results));
  return TRUE;
}

static void
start_status (ElvesScheduler *self)
{
  ElvesSchedulerStatusParts parts = {
    .config = self->config,
    .agents = self->agents,
    .pool = self->pool,
    .jobs = self->jobs,
    .publisher = elves_scheduler_broker_publisher (self->broker),
  };

  self->status = elves_scheduler_status_new (&parts);
}

static void
make_keeper (ElvesScheduler *self)
{
  ElvesKeeperOptions options = elves_part_options_keeper (self->config, self->dead_queue);

  self->keeper = elves_keeper_new (self->deadlines, &options, self->jobs, self->replies,
                                   on_delivery_done, self);
}

static void
make_dispatch (ElvesScheduler *self)
{
  ElvesDispatchOptions options = elves_part_options_dispatch (self->config);

  self->dispatch = elves_dispatch_new (self->agents, self->pool, &options,
                                       &elves_keeper_dispatch_callbacks, self->keeper);
  elves_keeper_set_dispatch (self->keeper, self->dispatch);
}

static void
make_errands (ElvesScheduler *self)
{
  ElvesErrandOptions options = elves_part_options_errands (self->config);

  self->errands = elves_errands_new (self->poller, self->deadlines, &options);
}

static void
make_desk (ElvesScheduler *self)
{
  ElvesDeskParts parts = {
    .rules = &self->rules,
    .agents = self->agents,
    .dial_unregistered = elves_scheduler_config_dials_unregistered (self->config),
    .agent_port = (guint16) self->config->thrift_agent_port,
    .errands = self->errands,
    .deadlines = self->deadlines,
    .jobs = self->jobs,
    .keeper = self->keeper,
    .replies = self->replies,
    .done = on_delivery_done,
    .user_data = self,
  };

  self->desk = elves_desk_new (&parts);
}

static void
make_intake (ElvesScheduler *self)
{
  ElvesIntakeOptions options = elves_part_options_intake (self->config, self->origin);

  self->intake = elves_intake_new (&self->rules, &options, self->jobs, self->keeper, self->replies,
                                   self->desk, on_delivery_done, self);
}

static gboolean
make_presence (ElvesScheduler *self, GError **error)
{
  ElvesPresenceParts parts = {
    .config = self->config,
    .agents = self->agents,
    .port = elves_results_port (self->results),
    .complete = on_agents_complete,
    .user_data = self,
  };

  self->presence = elves_presence_new (&parts, error);
  return self->presence != NULL;
}

static gboolean
make_parts (ElvesScheduler *self, GError **error)
{
  self->rules = elves_part_options_rules (self->config);
  self->poller = elves_poller_new (error);
  if (self->poller == NULL)
    return FALSE;
  self->deadlines = elves_deadlines_new ();
  self->agents = elves_agent_table_new ((guint16) self->config->thrift_agent_port);
  self->jobs = elves_job_table_new (self->config->mq_prefetch, self->config->job_remember);
  make_pool (self);
  make_broker (self);
  self->replies = elves_replies_new (elves_scheduler_broker_publisher (self->broker), &self->rules,
                                     &replies_callbacks, self);
  make_keeper (self);
  if (!listen_for_results (self, error))
    return FALSE;
  make_dispatch (self);
  make_errands (self);
  make_desk (self);
  make_intake (self);
  start_status (self);
  if (elves_scheduler_config_uses_registry (self->config) && !make_presence (self, error))
    return FALSE;
  if (elves_scheduler_config_dials_unregistered (self->config))
    elves_scheduler_broker_consume (self->broker);
  return TRUE;
}

/**
 * elves_scheduler_new:
 * @config: must outlive the scheduler.
 * @daemon: told when jobs are being consumed, and when stopping is done.
 * @error: why it cannot start.
 *
 * Returns: (transfer full): a scheduler; it connects on its own.
 */
ElvesScheduler *
elves_scheduler_new (const ElvesSchedulerConfig *config, ElvesDaemon *daemon, GError **error)
{
  g_autoptr (ElvesScheduler) self = g_new0 (ElvesScheduler, 1);

  self->config = config;
  self->daemon = daemon;
  if (!make_parts (self, error))
    return NULL;
  return g_steal_pointer (&self);
}

static gboolean
on_drain_check (gpointer user_data)
{
  ElvesScheduler *self = user_data;
  guint jobs = elves_job_table_size (self->jobs);
  guint publications =
      elves_amqp_publisher_outstanding (elves_scheduler_broker_publisher (self->broker));

  if ((jobs > 0 || publications > 0) && g_get_monotonic_time () < self->drain_until_us)
    return G_SOURCE_CONTINUE;

  g_message ("stopped given_back=%u unconfirmed=%u", jobs, publications);
  elves_daemon_quit (self->daemon, 0);
  return G_SOURCE_REMOVE;
}

static void
begin_drain (ElvesScheduler *self)
{
  self->drain_until_us =
      g_get_monotonic_time () + self->config->shutdown_timeout_s * (gint64) G_USEC_PER_SEC;
  self->drain = g_timeout_source_new (DRAIN_CHECK_MS);
  g_source_set_callback (self->drain, on_drain_check, self, NULL);
  g_source_attach (self->drain, g_main_context_get_thread_default ());
}

/**
 * elves_scheduler_stop:
 * @self: the scheduler: consumes no more and quits its daemon when the jobs in flight have ended,
 * or shutdown.timeout has passed.
 */
void
elves_scheduler_stop (ElvesScheduler *self)
{
  if (self->drain != NULL)
    return;

  g_message ("stopping in_flight=%u", elves_job_table_size (self->jobs));
  begin_drain (self);
  elves_scheduler_broker_cancel (self->broker);
}

/**
 * elves_scheduler_free:
 * @self: (nullable): a scheduler, perhaps half built.
 *
 * The consumer goes first: it sends the last acknowledgements and gives the rest back. What others
 * may still call (replies, results, intake) goes after the publisher and the pool.
 */
void
elves_scheduler_free (ElvesScheduler *self)
{
  if (self == NULL)
    return;

  if (self->drain != NULL)
    {
      g_source_destroy (self->drain);
      g_source_unref (self->drain);
    }
  elves_scheduler_status_free (self->status);
  elves_scheduler_broker_close_consumer (self->broker);
  elves_presence_free (self->presence);
  elves_agent_pool_free (self->pool);
  elves_errands_free (self->errands);
  g_clear_pointer (&self->broker, elves_scheduler_broker_free);
  elves_results_free (self->results);
  elves_intake_free (self->intake);
  elves_desk_free (self->desk);
  elves_dispatch_free (self->dispatch);
  elves_keeper_free (self->keeper);
  elves_replies_free (self->replies);
  elves_job_table_free (self->jobs);
  elves_agent_table_free (self->agents);
  elves_address_list_free (self->allowed);
  elves_deadlines_free (self->deadlines);
  elves_poller_free (self->poller);
  g_free (self->origin);
  g_free (self->dead_queue);
  g_free (self);
}
