/* The agent's option table and the rules between its keys.

   Every key is explained in conf/elves-agent.properties and in elves-agent.properties(5); a unit
   test sees to it. Whether apps.dir, users and interpreters exist is not asked here: that is seen
   at start and per job. */

#include "agent/config.h"

#include "common/config-check.h"
#include "common/error.h"
#include "common/labels.h"

#include <signal.h>

#define FIELD(name) G_STRUCT_OFFSET (ElvesAgentConfig, name)

enum
{
  KIB = 1024,
  MIB = 1024 * KIB,
  GIB = 1024 * MIB
};

/* In the order of the enumerations of config.h. */
static const char *const leftovers[] = { "kill", "leave", NULL };
static const char *const unmarked[] = { "error", "exit-status", NULL };
static const char *const containments[] = { "auto", "cgroup", "process", NULL };

const ElvesOption elves_agent_options[] = {
  { "agent.ip", ELVES_OPTION_STRING, FIELD (ip), .flags = ELVES_OPTION_REQUIRED,
    .help = "name of this host in messages and in ZooKeeper" },
  { "agent.asset", ELVES_OPTION_STRING, FIELD (asset), "",
    .help = "asset number of this host; empty: agent.ip" },
  { "agent.labels", ELVES_OPTION_STRING, FIELD (labels), "",
    .help = "what jobs may be addressed to, NAME=VALUE separated by commas" },
  { "agent.listen", ELVES_OPTION_STRING, FIELD (listen), "127.0.0.1",
    .help = "address on which schedulers are served" },
  { "agent.port", ELVES_OPTION_UINT, FIELD (port), "11101", 0, 65535,
    .help = "its port; 0: any free one" },
  { "authips", ELVES_OPTION_STRING, FIELD (allowed), "",
    .help = "addresses and networks that may call" },
  { "agent.maxConnections", ELVES_OPTION_UINT, FIELD (max_connections), "10000", 1, 1000000,
    "connections", .help = "connections at one time" },
  { "agent.idleTimeout", ELVES_OPTION_UINT, FIELD (idle_timeout_s), "300", 1, 86400, "s",
    .help = "connections idle for longer are closed" },
  { "agent.messageTimeout", ELVES_OPTION_UINT, FIELD (message_timeout_s), "60", 1, 3600, "s",
    .help = "limit from the first byte of a message to its last" },
  { "thrift.maxMessage", ELVES_OPTION_UINT64, FIELD (max_message_bytes), "33554432", 1 * KIB,
    1 * GIB, "bytes", .help = "largest Thrift message taken" },
  { "thrift.maxList", ELVES_OPTION_UINT, FIELD (max_list_items), "10000", 1, 1000000,
    "instructions", .help = "longest list of instructions taken" },
  { "zookeeper.enabled", ELVES_OPTION_SWITCH, FIELD (zookeeper_enabled),
    .help = "true: use ZooKeeper; any other text: do not" },
  { "zookeeper.host", ELVES_OPTION_STRING, FIELD (zookeeper_host), "",
    .help = "ZooKeeper servers, HOST[:PORT] separated by commas" },
  { "zookeeper.outTime", ELVES_OPTION_UINT, FIELD (zookeeper_session_ms), "10000", 1000, 600000,
    "ms", .help = "session timeout, and timeout of connecting" },
  { "zookeeper.root", ELVES_OPTION_STRING, FIELD (zookeeper_root), "/elves",
    .help = "znode below which everything is kept" },
  { "scheduler.addr", ELVES_OPTION_STRING, FIELD (scheduler_host), "",
    .help = "scheduler for results of jobs that name none" },
  { "scheduler.port", ELVES_OPTION_UINT, FIELD (scheduler_port), "10101", 1, 65535,
    .help = "its port" },
  { "scheduler.timeout", ELVES_OPTION_UINT, FIELD (scheduler_timeout_s), "5", 1, 3600, "s",
    .help = "limit of handing results over" },
  { "results.max", ELVES_OPTION_UINT, FIELD (max_results), "100000", 1, 10000000, "results",
    .help = "results kept until a scheduler takes them" },
  { "results.maxBytes", ELVES_OPTION_UINT64, FIELD (max_results_bytes), "268435456", 1 * MIB,
    G_GUINT64_CONSTANT (1024) * GIB, "bytes",
    .help = "parameters and results of async jobs kept in memory" },
  { "results.maxList", ELVES_OPTION_UINT, FIELD (max_results_list), "100", 1, 10000, "results",
    .help = "results reported to a scheduler in one list" },
  { "results.maxListBytes", ELVES_OPTION_UINT64, FIELD (max_results_list_bytes), "262144", 1 * KIB,
    16 * MIB, "bytes", .help = "size of one list; a larger result goes by itself" },
  { "apps.dir", ELVES_OPTION_STRING, FIELD (apps_dir), .flags = ELVES_OPTION_REQUIRED,
    .help = "folder that holds one folder for each app" },
  { "apps.allowed", ELVES_OPTION_STRING, FIELD (apps_allowed), "*",
    .help = "apps that may run, separated by commas; *: all of apps.dir" },
  { "app.*.version", ELVES_OPTION_MAP, FIELD (app_version),
    .help = "version of the app that the agent reports" },
  { "app.*.user", ELVES_OPTION_MAP, FIELD (app_user),
    .help = "user its workers run as; needs an agent run by root" },
  { "app.*.concurrency", ELVES_OPTION_MAP, FIELD (app_concurrency), NULL, 1, 100000, "workers",
    .help = "workers of the app at one time" },
  { "worker.python", ELVES_OPTION_STRING, FIELD (worker_python), "/usr/bin/python3",
    .help = "interpreter of apps that name no program" },
  { "worker.maxRunning", ELVES_OPTION_UINT, FIELD (max_running), "64", 1, 100000, "workers",
    .help = "workers at one time" },
  { "worker.maxRunningPerApp", ELVES_OPTION_UINT, FIELD (max_running_per_app), "64", 1, 100000,
    "workers", .help = "workers of one app at one time" },
  { "worker.maxWaiting", ELVES_OPTION_UINT, FIELD (max_waiting), "100000", 0, 10000000, "jobs",
    .help = "jobs that wait for a worker" },
  { "worker.maxTimeout", ELVES_OPTION_UINT, FIELD (max_timeout_s), "0", 0, 2147483, "s",
    .help = "longest timeout of a job, longer ones are cut; 0: no limit" },
  { "worker.outputLimit", ELVES_OPTION_UINT64, FIELD (output_limit_bytes), "8388608", 1 * KIB,
    1 * GIB, "bytes", .help = "output kept of one worker; the rest is cut" },
  { "worker.stderrLimit", ELVES_OPTION_UINT64, FIELD (stderr_limit_bytes), "16384", 0, 16 * MIB,
    "bytes", .help = "last error output kept of one worker" },
  { "worker.drain", ELVES_OPTION_UINT, FIELD (drain_ms), "200", 0, 60000, "ms",
    .help = "wait for the rest of the output after the end of a worker" },
  { "worker.stopSignal", ELVES_OPTION_STRING, FIELD (stop_signal), "TERM",
    .help = "signal at the timeout: TERM, INT, HUP, QUIT, USR1, USR2 or KILL" },
  { "worker.grace", ELVES_OPTION_UINT, FIELD (grace_ms), "2000", 0, 600000, "ms",
    .help = "from that signal to KILL" },
  { "worker.leftovers", ELVES_OPTION_CHOICE, FIELD (leftovers), "kill", .choices = leftovers,
    .help = "processes that outlive their worker: kill or leave them" },
  { "worker.unmarked", ELVES_OPTION_CHOICE, FIELD (unmarked), "exit-status", .choices = unmarked,
    .help =
        "output without markers: an error, or the result, with the exit status saying success" },
  { "worker.argvLimit", ELVES_OPTION_UINT64, FIELD (param_argv_limit_bytes), "98304", 0,
    128 * KIB - 1, "bytes", .help = "larger parameters (as base64 text) go to the worker by file" },
  { "worker.path", ELVES_OPTION_STRING, FIELD (worker_path),
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", .help = "PATH of workers" },
  { "worker.containment", ELVES_OPTION_CHOICE, FIELD (containment), "auto", .choices = containments,
    .help = "how the descendants of a worker are found" },
  { "worker.cgroupRoot", ELVES_OPTION_STRING, FIELD (cgroup_root), "",
    .help = "cgroup v2 folder in which those of workers are made; empty: found" },
  { "run.dir", ELVES_OPTION_STRING, FIELD (run_dir), "", .help = "folder for parameter files" },
  { "warm.enabled", ELVES_OPTION_BOOL, FIELD (warm_enabled), "true",
    .help = "true: workers of apps that ask for it stay alive; false: none does" },
  { "warm.maxWorkers", ELVES_OPTION_UINT, FIELD (warm_max_workers), "32", 1, 10000, "workers",
    .help = "warm workers at one time" },
  { "warm.maxWorkersPerApp", ELVES_OPTION_UINT, FIELD (warm_max_workers_per_app), "4", 1, 10000,
    "workers", .help = "warm workers of one app at one time, and its default" },
  { "warm.maxConcurrency", ELVES_OPTION_UINT, FIELD (warm_max_concurrency), "64", 1, 10000, "calls",
    .help = "calls at one time in a warm worker that says it takes so many" },
  { "warm.maxCalls", ELVES_OPTION_UINT, FIELD (warm_max_calls), "100000", 0, G_MAXUINT, "calls",
    .help = "a warm worker is replaced after so many; 0: never" },
  { "warm.maxMemory", ELVES_OPTION_UINT64, FIELD (warm_max_memory_bytes), "536870912", 0,
    G_GUINT64_CONSTANT (1024) * GIB, "bytes",
    .help = "a warm worker that has grown beyond is replaced; 0: never" },
  { "warm.idleTimeout", ELVES_OPTION_UINT, FIELD (warm_idle_timeout_s), "300", 0, 86400 * 30, "s",
    .help = "a warm worker without calls ends after that time; 0: never" },
  { "warm.startTimeout", ELVES_OPTION_UINT, FIELD (warm_start_timeout_ms), "10000", 10, 600000,
    "ms", .help = "from the start of a warm worker until it is ready" },
  { "warm.lineLimit", ELVES_OPTION_UINT64, FIELD (warm_line_limit_bytes), "16777216", 4 * KIB,
    1 * GIB, "bytes", .help = "longest line taken from a warm worker" },
  { "warm.retryFirst", ELVES_OPTION_UINT, FIELD (warm_retry_first_ms), "200", 1, 60000, "ms",
    .help = "wait after a warm worker that did not answer a single call" },
  { "warm.retryCap", ELVES_OPTION_UINT, FIELD (warm_retry_cap_ms), "30000", 1, 3600000, "ms",
    .help = "longest wait when that goes on" },
  { "output.keep", ELVES_OPTION_UINT, FIELD (output_keep_s), "10", 0, 3600, "s",
    .help = "how long the output of a job that has ended can still be read; 0: not" },
  { "output.keepBytes", ELVES_OPTION_UINT64, FIELD (output_keep_bytes), "4194304", 0, 1 * GIB,
    "bytes", .help = "such output of all jobs together" },
  { "journal.enabled", ELVES_OPTION_BOOL, FIELD (journal_enabled), "true",
    .help = "true: accepted jobs and their results survive the agent" },
  { "journal.dir", ELVES_OPTION_STRING, FIELD (journal_dir), "/var/lib/elves-agent",
    .help = "folder of the journal; no other agent may use it" },
  { "journal.maxAge", ELVES_OPTION_UINT, FIELD (journal_max_age_s), "86400", 60, 31536000, "s",
    .help = "how long jobs whose result was taken are remembered" },
  { "journal.maxBytes", ELVES_OPTION_UINT64, FIELD (journal_max_bytes), "1073741824", 1 * MIB,
    G_GUINT64_CONSTANT (1024) * GIB, "bytes", .help = "size beyond which no more jobs are taken" },
  { "retry.first", ELVES_OPTION_UINT, FIELD (retry_first_ms), "200", 1, 60000, "ms",
    .help = "wait before the second try to reach a scheduler or ZooKeeper" },
  { "retry.cap", ELVES_OPTION_UINT, FIELD (retry_cap_ms), "30000", 1, 3600000, "ms",
    .help = "longest wait between two tries" },
  { "metrics.listen", ELVES_OPTION_STRING, FIELD (metrics_listen), "127.0.0.1",
    .help = "address on which /metrics and /healthz are served over HTTP; empty: nowhere" },
  { "metrics.port", ELVES_OPTION_UINT, FIELD (metrics_port), "11111", 0, 65535,
    .help = "its port; 0: any free one" },
  { "metrics.authips", ELVES_OPTION_STRING, FIELD (metrics_allowed), "",
    .help = "addresses and networks that may ask" },
  { "shutdown.timeout", ELVES_OPTION_UINT, FIELD (shutdown_timeout_s), "30", 0, 3600, "s",
    .help = "wait for running workers when told to end" },
  { NULL }
};

static gboolean
set_wrong (GError **error, const char *key, const char *value, const char *expected)
{
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG, "%s: \"%s\" %s", key, value, expected);
  return FALSE;
}

/* The name becomes a znode and a member of messages. */
static gboolean
check_ip (const char *ip, GError **error)
{
  for (const char *c = ip; *c; c++)
    if (*c == '/' || !g_ascii_isgraph (*c))
      return set_wrong (error, "agent.ip", ip, "must be an address or a host name");
  if (g_str_equal (ip, ".") || g_str_equal (ip, ".."))
    return set_wrong (error, "agent.ip", ip, "must be an address or a host name");
  return TRUE;
}

static gboolean
check_labels (const char *text, GError **error)
{
  g_autoptr (GError) why = NULL;
  g_autofree char *labels = elves_labels_parse (text, &why);
  if (labels == NULL)
    g_set_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG, "agent.labels: %s", why->message);
  return labels != NULL;
}

/* "": chosen at start. */
static gboolean
check_folder (const char *key, const char *path, GError **error)
{
  if (!*path || g_path_is_absolute (path))
    return TRUE;
  return set_wrong (error, key, path, "must be an absolute path");
}

static gboolean
check_stop_signal (const char *name, GError **error)
{
  if (elves_agent_config_signal_number (name) != 0)
    return TRUE;
  return set_wrong (error, "worker.stopSignal", name,
                    "is not known (expected TERM, INT, HUP, QUIT, USR1, USR2 or KILL)");
}

/**
 * elves_agent_config_check:
 * @config: an #ElvesAgentConfig
 *
 * Errors: %ELVES_ERROR_CONFIG names the key that is wrong and what it conflicts with.
 */
gboolean
elves_agent_config_check (gconstpointer config, GError **error)
{
  const ElvesAgentConfig *self = config;
  return check_ip (self->ip, error) && check_labels (self->labels, error) &&
         elves_config_check_listen ("agent.listen", self->listen, "authips", self->allowed,
                                    error) &&
         elves_config_check_registry (self->zookeeper_enabled, self->zookeeper_host,
                                      self->zookeeper_root, error) &&
         check_folder ("apps.dir", self->apps_dir, error) &&
         check_folder ("journal.dir", self->journal_dir, error) &&
         check_folder ("run.dir", self->run_dir, error) &&
         check_folder ("worker.cgroupRoot", self->cgroup_root, error) &&
         check_stop_signal (self->stop_signal, error) &&
         elves_config_check_metrics (self->metrics_listen, self->metrics_allowed, error) &&
         elves_config_check_retry (self->retry_first_ms, self->retry_cap_ms, error);
}

/**
 * elves_agent_config_uses_registry:
 *
 * Returns: whether ZooKeeper is used.
 */
gboolean
elves_agent_config_uses_registry (const ElvesAgentConfig *self)
{
  return elves_config_uses_registry (self->zookeeper_enabled, self->zookeeper_host);
}

/**
 * elves_agent_config_signal_number:
 * @name: of worker.stopSignal, without SIG
 *
 * Returns: the signal; 0 when the name is not one that may be used.
 */
int
elves_agent_config_signal_number (const char *name)
{
  static const struct
  {
    const char *name;
    int number;
  } signals[] = {
    { "TERM", SIGTERM }, { "INT", SIGINT },   { "HUP", SIGHUP },   { "QUIT", SIGQUIT },
    { "USR1", SIGUSR1 }, { "USR2", SIGUSR2 }, { "KILL", SIGKILL },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (signals); i++)
    if (g_str_equal (signals[i].name, name))
      return signals[i].number;
  return 0;
}
