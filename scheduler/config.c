/* The scheduler's option table and the rules between its keys.

   The keys and defaults of the original's conf.properties are kept, so that its file works
   unchanged. Every key is explained in conf/elves-scheduler.properties and in
   elves-scheduler.properties(5); a unit test sees to it. */

#include "scheduler/config.h"

#include "common/config-check.h"

#define FIELD(name) G_STRUCT_OFFSET (ElvesSchedulerConfig, name)

enum
{
  KIB = 1024,
  MIB = 1024 * KIB,
  GIB = 1024 * MIB
};

/* In the order of the enumerations of config.h. */
static const char *const queue_types[] = { "classic", "quorum", NULL };
static const char *const unregistered[] = { "refuse", "dial", NULL };
static const char *const timeout_units[] = { "s", "ms", NULL };

const ElvesOption elves_scheduler_options[] = {
  { "mq.ip", ELVES_OPTION_STRING, FIELD (mq_host), .flags = ELVES_OPTION_REQUIRED,
    .help = "host name or address of the AMQP broker" },
  { "mq.port", ELVES_OPTION_UINT, FIELD (mq_port), "5672", 1, 65535, .help = "its port" },
  { "mq.user", ELVES_OPTION_STRING, FIELD (mq_user), .flags = ELVES_OPTION_REQUIRED,
    .help = "user name at the broker" },
  { "mq.password", ELVES_OPTION_SECRET, FIELD (mq_password), .flags = ELVES_OPTION_REQUIRED,
    .help = "password at the broker; may be empty" },
  { "mq.vhost", ELVES_OPTION_STRING, FIELD (mq_vhost), "/", .help = "virtual host" },
  { "mq.exchange", ELVES_OPTION_STRING, FIELD (mq_exchange), "elves",
    .help = "topic exchange that all components publish to" },
  { "mq.queue", ELVES_OPTION_STRING, FIELD (mq_queue), "scheduler",
    .help = "queue the scheduler takes messages from" },
  { "mq.queueType", ELVES_OPTION_CHOICE, FIELD (mq_queue_type), "classic", .choices = queue_types,
    .help = "type of the queue when it is made" },
  { "mq.prefetch", ELVES_OPTION_UINT, FIELD (mq_prefetch), "1000", 1, 65535, "messages",
    .help = "messages taken and not yet acknowledged, at most" },
  { "mq.ackTimeout", ELVES_OPTION_UINT, FIELD (mq_ack_timeout_s), "300", 1, 86400, "s",
    .help = "a message not acknowledged for longer is published again" },
  { "mq.maxAttempts", ELVES_OPTION_UINT, FIELD (mq_max_attempts), "5", 1, 1000, "deliveries",
    .help = "a message given out again more often goes to the queue of dead letters" },
  { "mq.persistent", ELVES_OPTION_BOOL, FIELD (mq_persistent), "true",
    .help = "true: the broker writes replies and results to disk" },
  { "mq.connectTimeout", ELVES_OPTION_UINT, FIELD (mq_connect_timeout_ms), "5000", 100, 600000,
    "ms", .help = "limit of connecting and logging in" },
  { "mq.heartbeat", ELVES_OPTION_UINT, FIELD (mq_heartbeat_s), "10", 0, 3600, "s",
    .help = "AMQP heartbeat; 0: none" },
  { "mq.replyContentType", ELVES_OPTION_STRING, FIELD (mq_reply_content_type), "",
    .help = "content type of replies; empty: as the original sends them" },
  { "mq.maxMessage", ELVES_OPTION_UINT64, FIELD (mq_max_message_bytes), "16777216", 1 * KIB,
    128 * MIB, "bytes", .help = "largest message; a larger one is refused" },
  { "zookeeper.enabled", ELVES_OPTION_SWITCH, FIELD (zookeeper_enabled),
    .help = "true: use ZooKeeper; any other text: do not" },
  { "zookeeper.host", ELVES_OPTION_STRING, FIELD (zookeeper_host), "",
    .help = "ZooKeeper servers, HOST[:PORT] separated by commas" },
  { "zookeeper.outTime", ELVES_OPTION_UINT, FIELD (zookeeper_session_ms), "10000", 1000, 600000,
    "ms", .help = "session timeout, and timeout of connecting" },
  { "zookeeper.root", ELVES_OPTION_STRING, FIELD (zookeeper_root), "/elves",
    .help = "znode below which everything is kept" },
  { "thrift.scheduler.listen", ELVES_OPTION_STRING, FIELD (thrift_listen), "127.0.0.1",
    .help = "address on which results of agents are taken" },
  { "thrift.scheduler.port", ELVES_OPTION_UINT, FIELD (thrift_scheduler_port), "10101", 0, 65535,
    .help = "its port; 0: any free one" },
  { "thrift.scheduler.advertise", ELVES_OPTION_STRING, FIELD (thrift_advertise), "",
    .help = "address that agents are told to send results to" },
  { "thrift.scheduler.authips", ELVES_OPTION_STRING, FIELD (thrift_allowed), "",
    .help = "addresses and networks that may call" },
  { "thrift.agent.port", ELVES_OPTION_UINT, FIELD (thrift_agent_port), "11101", 1, 65535,
    .help = "port of an agent that did not register one" },
  { "thrift.outTime", ELVES_OPTION_UINT, FIELD (thrift_timeout_ms), "30000", 100, 3600000, "ms",
    .help = "limit of connecting to an agent, and of an answer beyond the timeout of the job" },
  { "thrift.maxMessage", ELVES_OPTION_UINT64, FIELD (thrift_max_message_bytes), "33554432", 1 * KIB,
    1 * GIB, "bytes", .help = "largest Thrift message taken" },
  { "thrift.scheduler.maxConnections", ELVES_OPTION_UINT, FIELD (thrift_max_connections), "20000",
    1, 1000000, "connections", .help = "connections of agents at one time" },
  { "thrift.idleTimeout", ELVES_OPTION_UINT, FIELD (thrift_idle_s), "30", 1, 86400, "s",
    .help = "connections to agents idle for longer are closed" },
  { "agents.unregistered", ELVES_OPTION_CHOICE, FIELD (agents_unregistered), "refuse",
    .choices = unregistered,
    .help = "an agent that ZooKeeper does not list: refuse the job, or try to reach it" },
  { "agents.maxLinks", ELVES_OPTION_UINT, FIELD (agents_max_links), "256", 1, 65535, "connections",
    .help = "connections to one agent" },
  { "agents.maxWaiting", ELVES_OPTION_UINT, FIELD (agents_max_waiting), "10000", 1, 10000000,
    "calls", .help = "calls that wait for a connection to one agent" },
  { "agents.maxBatch", ELVES_OPTION_UINT, FIELD (agents_max_batch), "100", 1, 10000, "instructions",
    .help = "instructions sent to an agent in one list" },
  { "agents.maxListBytes", ELVES_OPTION_UINT64, FIELD (agents_max_list_bytes), "262144", 1 * KIB,
    16 * MIB, "bytes",
    .help = "size of one list; a larger instruction goes on a connection of its own" },
  { "agents.maxInFlight", ELVES_OPTION_UINT, FIELD (agents_max_in_flight), "10000", 1, 1000000,
    "calls", .help = "calls sent to one agent in lists and not yet answered" },
  { "agents.lostAfter", ELVES_OPTION_UINT, FIELD (agents_lost_after_s), "60", 1, 86400, "s",
    .help = "an agent gone for longer is lost, and so are its jobs" },
  { "job.recheck", ELVES_OPTION_UINT, FIELD (job_recheck_s), "30", 1, 86400, "s",
    .help = "how often an agent with a journal is asked about a job it took" },
  { "job.grace", ELVES_OPTION_UINT, FIELD (job_grace_s), "60", 1, 86400, "s",
    .help = "wait for a result beyond the timeout of the job" },
  { "job.remember", ELVES_OPTION_UINT, FIELD (job_remember), "100000", 1, 10000000, "jobs",
    .help = "jobs that have ended whose late results are recognised" },
  { "job.defaultTimeout", ELVES_OPTION_UINT, FIELD (job_default_timeout_s), "90", 1, 2147483, "s",
    .help = "timeout of a job that names none" },
  { "legacy.timeout.unit", ELVES_OPTION_CHOICE, FIELD (legacy_timeout_unit), "s",
    .choices = timeout_units, .help = "unit of the timeout in messages of the flat form" },
  { "retry.first", ELVES_OPTION_UINT, FIELD (retry_first_ms), "200", 1, 60000, "ms",
    .help = "wait before the second try to reach the broker or an agent" },
  { "retry.cap", ELVES_OPTION_UINT, FIELD (retry_cap_ms), "10000", 1, 3600000, "ms",
    .help = "longest wait between two tries" },
  { "watchdog.interval", ELVES_OPTION_UINT, FIELD (watchdog_interval_ms), "5000", 0, 3600000, "ms",
    .help = "between two messages to itself through the broker; 0: none" },
  { "watchdog.timeout", ELVES_OPTION_UINT, FIELD (watchdog_timeout_ms), "15000", 100, 3600000, "ms",
    .help = "one that does not come back for so long has the connection rebuilt" },
  { "canary.interval", ELVES_OPTION_UINT, FIELD (canary_interval_ms), "5000", 0, 3600000, "ms",
    .help = "between two no-ops through the broker to an agent and back; 0: none" },
  { "canary.timeout", ELVES_OPTION_UINT, FIELD (canary_timeout_ms), "5000", 100, 600000, "ms",
    .help = "limit of each of the three steps of one" },
  { "metrics.listen", ELVES_OPTION_STRING, FIELD (metrics_listen), "127.0.0.1",
    .help = "address on which /metrics and /healthz are served over HTTP; empty: nowhere" },
  { "metrics.port", ELVES_OPTION_UINT, FIELD (metrics_port), "10111", 0, 65535,
    .help = "its port; 0: any free one" },
  { "metrics.authips", ELVES_OPTION_STRING, FIELD (metrics_allowed), "",
    .help = "addresses and networks that may ask" },
  { "shutdown.timeout", ELVES_OPTION_UINT, FIELD (shutdown_timeout_s), "30", 0, 3600, "s",
    .help = "wait for jobs in flight when told to end" },
  { "zookeeper.node", ELVES_OPTION_STRING, 0, .flags = ELVES_OPTION_IGNORED,
    .help = "accepted for files of older releases" },
  { NULL }
};

/**
 * elves_scheduler_config_check:
 * @config: an #ElvesSchedulerConfig
 *
 * Errors: %ELVES_ERROR_CONFIG names the key that is wrong and what it conflicts with.
 */
gboolean
elves_scheduler_config_check (gconstpointer config, GError **error)
{
  const ElvesSchedulerConfig *self = config;
  return elves_config_check_registry (self->zookeeper_enabled, self->zookeeper_host,
                                      self->zookeeper_root, error) &&
         elves_config_check_listen ("thrift.scheduler.listen", self->thrift_listen,
                                    "thrift.scheduler.authips", self->thrift_allowed, error) &&
         elves_config_check_metrics (self->metrics_listen, self->metrics_allowed, error) &&
         elves_config_check_retry (self->retry_first_ms, self->retry_cap_ms, error);
}

/**
 * elves_scheduler_config_uses_registry:
 *
 * Returns: whether ZooKeeper is used.
 */
gboolean
elves_scheduler_config_uses_registry (const ElvesSchedulerConfig *self)
{
  return elves_config_uses_registry (self->zookeeper_enabled, self->zookeeper_host);
}

/**
 * elves_scheduler_config_dials_unregistered:
 *
 * Returns: whether an agent that is not registered is dialled.
 */
gboolean
elves_scheduler_config_dials_unregistered (const ElvesSchedulerConfig *self)
{
  return !elves_scheduler_config_uses_registry (self) ||
         self->agents_unregistered == ELVES_UNREGISTERED_DIAL;
}

/**
 * elves_scheduler_config_advertised_host:
 *
 * Returns: (transfer none): where agents report to: what is said, or else where we listen.
 */
const char *
elves_scheduler_config_advertised_host (const ElvesSchedulerConfig *self)
{
  return *self->thrift_advertise != '\0' ? self->thrift_advertise : self->thrift_listen;
}
