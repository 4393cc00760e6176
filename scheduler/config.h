/* Every key of the scheduler's configuration, as a plain struct. */
#pragma once

#include "common/config.h"

G_BEGIN_DECLS

typedef enum
{
  ELVES_QUEUE_CLASSIC,
  ELVES_QUEUE_QUORUM
} ElvesQueueType;
typedef enum
{
  ELVES_UNREGISTERED_REFUSE,
  ELVES_UNREGISTERED_DIAL
} ElvesUnregistered;
typedef enum
{
  ELVES_TIMEOUT_UNIT_S,
  ELVES_TIMEOUT_UNIT_MS
} ElvesTimeoutUnit;

typedef struct
{
  /* mq.* */
  char *mq_host; /* mq.ip */
  guint mq_port;
  char *mq_user, *mq_password;
  char *mq_vhost; /* mq.vhost */
  char *mq_exchange, *mq_queue;
  int mq_queue_type; /* mq.queueType: ElvesQueueType */
  guint mq_prefetch;
  guint mq_ack_timeout_s; /* mq.ackTimeout: a delivery held longer is published again */
  guint mq_max_attempts;  /* mq.maxAttempts: given out more often, it is put aside */
  gboolean mq_persistent; /* mq.persistent: replies and results are written to disk by the broker */
  guint mq_connect_timeout_ms;  /* mq.connectTimeout */
  guint mq_heartbeat_s;         /* mq.heartbeat */
  char *mq_reply_content_type;  /* mq.replyContentType, "" = the interface's */
  guint64 mq_max_message_bytes; /* mq.maxMessage */

  /* zookeeper.* */
  int zookeeper_enabled; /* zookeeper.enabled: see elves_scheduler_config_uses_registry() */
  char *zookeeper_host, *zookeeper_root;
  guint zookeeper_session_ms; /* zookeeper.outTime */

  /* thrift.* */
  char *thrift_listen; /* thrift.scheduler.listen */
  guint thrift_scheduler_port;
  char *thrift_advertise; /* thrift.scheduler.advertise, "" = thrift.scheduler.listen */
  char *thrift_allowed;   /* thrift.scheduler.authips */
  guint thrift_agent_port;
  guint thrift_timeout_ms;          /* thrift.outTime */
  guint64 thrift_max_message_bytes; /* thrift.maxMessage */
  guint thrift_max_connections;     /* thrift.scheduler.maxConnections */
  guint thrift_idle_s;              /* thrift.idleTimeout */

  /* agents.* */
  int agents_unregistered;  /* ElvesUnregistered */
  guint agents_max_links;   /* agents.maxLinks: connections to one agent */
  guint agents_max_waiting; /* agents.maxWaiting: calls waiting for a connection to one agent */
  guint agents_max_batch;   /* agents.maxBatch: instructions in one list */
  guint64 agents_max_list_bytes; /* agents.maxListBytes: of one list */
  guint agents_max_in_flight;    /* agents.maxInFlight: sent in lists to one agent, not answered */

  guint agents_lost_after_s; /* agents.lostAfter: then the jobs of an agent that has gone end */

  /* jobs */
  guint job_recheck_s; /* job.recheck: how often an agent is asked about a job it took */
  guint job_grace_s;   /* job.grace: beyond the timeout, until the outcome counts as unknown */
  guint job_remember;  /* job.remember: executions that ended are known for so many more */
  guint job_default_timeout_s;        /* job.defaultTimeout */
  int legacy_timeout_unit;            /* legacy.timeout.unit: ElvesTimeoutUnit */
  guint retry_first_ms, retry_cap_ms; /* retry.first, retry.cap: reconnecting */
  guint shutdown_timeout_s;           /* shutdown.timeout: waiting for jobs in flight at SIGTERM */

  guint watchdog_interval_ms; /* watchdog.interval, 0 = no watchdog */
  guint watchdog_timeout_ms;  /* watchdog.timeout */
  guint canary_interval_ms;   /* canary.interval, 0 = no canary */
  guint canary_timeout_ms;    /* canary.timeout: of each of its steps */

  char *metrics_listen;  /* metrics.listen, "" = no status is served */
  guint metrics_port;    /* metrics.port */
  char *metrics_allowed; /* metrics.authips */
} ElvesSchedulerConfig;

extern const ElvesOption elves_scheduler_options[];

/* Rules between keys. */
gboolean elves_scheduler_config_check (gconstpointer config, GError **error);
/* Missing zookeeper.enabled with zookeeper.host given: on, as the seed's file means it. */
gboolean elves_scheduler_config_uses_registry (const ElvesSchedulerConfig *self);
/* (transfer none): where agents report to, as they are told. */
const char *elves_scheduler_config_advertised_host (const ElvesSchedulerConfig *self);
/* An agent that is not registered is dialled: so it shall be, or there is no registry. */
gboolean elves_scheduler_config_dials_unregistered (const ElvesSchedulerConfig *self);

G_END_DECLS
