/* Every key of the agent's configuration, as a plain struct. */
#pragma once

#include "common/config.h"

G_BEGIN_DECLS

typedef enum
{
  ELVES_LEFTOVERS_KILL,
  ELVES_LEFTOVERS_LEAVE
} ElvesLeftovers;
typedef enum
{
  ELVES_UNMARKED_ERROR,
  ELVES_UNMARKED_EXIT_STATUS
} ElvesUnmarked;
typedef enum
{
  ELVES_CONTAINMENT_AUTO,
  ELVES_CONTAINMENT_CGROUP,
  ELVES_CONTAINMENT_PROCESS
} ElvesContainmentChoice;

typedef struct
{
  /* agent.* */
  char *ip;                  /* agent.ip: the name of this host in messages and in ZooKeeper */
  char *asset;               /* agent.asset, "" = agent.ip */
  char *labels;              /* agent.labels: see common/labels.h */
  char *listen;              /* agent.listen */
  guint port;                /* agent.port */
  char *allowed;             /* authips */
  guint max_connections;     /* agent.maxConnections */
  guint idle_timeout_s;      /* agent.idleTimeout */
  guint message_timeout_s;   /* agent.messageTimeout */
  guint64 max_message_bytes; /* thrift.maxMessage */
  guint max_list_items;      /* thrift.maxList */

  /* zookeeper.* */
  int zookeeper_enabled; /* see elves_agent_config_uses_registry() */
  char *zookeeper_host, *zookeeper_root;
  guint zookeeper_session_ms; /* zookeeper.outTime */

  /* scheduler.* : where results go when a job names no origin */
  char *scheduler_host;      /* scheduler.addr, "" = only origin and ZooKeeper */
  guint scheduler_port;      /* scheduler.port */
  guint scheduler_timeout_s; /* scheduler.timeout */
  guint max_results;         /* results.max: results kept in memory until a scheduler takes them */
  guint64 max_results_bytes; /* results.maxBytes: of them, and of the parameters of async jobs */
  guint max_results_list;    /* results.maxList: in one list */
  guint64 max_results_list_bytes; /* results.maxListBytes */

  /* apps */
  char *apps_dir;     /* apps.dir */
  char *apps_allowed; /* apps.allowed: names separated by commas, "*" = every folder of apps.dir */
  GHashTable *app_version;     /* app.*.version */
  GHashTable *app_user;        /* app.*.user */
  GHashTable *app_concurrency; /* app.*.concurrency */

  /* worker.* */
  char *worker_python;            /* worker.python: program of the default entry */
  guint max_running;              /* worker.maxRunning: children at one time */
  guint max_running_per_app;      /* worker.maxRunningPerApp */
  guint max_waiting;              /* worker.maxWaiting: behind them */
  guint max_timeout_s;            /* worker.maxTimeout: caps every timeout, 0 = no cap */
  guint64 output_limit_bytes;     /* worker.outputLimit */
  guint64 stderr_limit_bytes;     /* worker.stderrLimit */
  guint drain_ms;                 /* worker.drain: after the child's exit, for its pipes */
  char *stop_signal;              /* worker.stopSignal: TERM, INT, ... */
  guint grace_ms;                 /* worker.grace: from the stop signal to KILL */
  int leftovers;                  /* worker.leftovers */
  int unmarked;                   /* worker.unmarked: output without markers */
  guint64 param_argv_limit_bytes; /* worker.argvLimit: larger parameters go by file */
  char *worker_path;              /* worker.path: PATH of workers */
  int containment;                /* worker.containment */
  char *cgroup_root;              /* worker.cgroupRoot, "" = found */
  char *run_dir;                  /* run.dir: parameter files */

  /* warm.* : workers that stay alive */
  gboolean warm_enabled;          /* warm.enabled */
  guint warm_max_workers;         /* warm.maxWorkers: of all apps */
  guint warm_max_workers_per_app; /* warm.maxWorkersPerApp: an app may ask for less */
  guint warm_max_concurrency;     /* warm.maxConcurrency: of a worker, which may ask for less */
  guint warm_max_calls;           /* warm.maxCalls: of a worker in its life, 0 = no limit */
  guint64 warm_max_memory_bytes;  /* warm.maxMemory: resident, of a worker, 0 = no limit */
  guint warm_idle_timeout_s;      /* warm.idleTimeout: without a call, 0 = no limit */
  guint warm_start_timeout_ms;    /* warm.startTimeout: until it is ready */
  guint64 warm_line_limit_bytes;  /* warm.lineLimit: longest line taken from a worker */
  guint warm_retry_first_ms, warm_retry_cap_ms; /* warm.retryFirst, warm.retryCap */

  guint output_keep_s;       /* output.keep: after the end of a job, 0 = not */
  guint64 output_keep_bytes; /* output.keepBytes: of all jobs */

  /* journal.* */
  char *journal_dir;         /* journal.dir */
  gboolean journal_enabled;  /* journal.enabled */
  guint journal_max_age_s;   /* journal.maxAge */
  guint64 journal_max_bytes; /* journal.maxBytes */

  guint retry_first_ms, retry_cap_ms; /* retry.first, retry.cap */
  guint shutdown_timeout_s;           /* shutdown.timeout */

  char *metrics_listen;  /* metrics.listen, "" = no status is served */
  guint metrics_port;    /* metrics.port */
  char *metrics_allowed; /* metrics.authips */
} ElvesAgentConfig;

extern const ElvesOption elves_agent_options[];

/* Rules between keys. */
gboolean elves_agent_config_check (gconstpointer config, GError **error);
/* Missing zookeeper.enabled with zookeeper.host given: on. */
gboolean elves_agent_config_uses_registry (const ElvesAgentConfig *self);
/* SIGTERM for "TERM"; 0 for a name that worker.stopSignal does not take. */
int elves_agent_config_signal_number (const char *name);

G_END_DECLS
