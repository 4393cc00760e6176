/* The option table of elves-cron and the rules between its keys.

   Every key is explained in conf/elves-cron.properties and in elves-cron.properties(5); a unit test
   sees to it. */

#include "cron/config.h"

#include "common/config-check.h"
#include "common/error.h"
#include "common/store.h"
#include "cron/caller-guard.h"

#include <string.h>

enum
{
  EXCHANGES_MAX = 16,
  NAME_MAX_BYTES = 255
};

#define FIELD(name) G_STRUCT_OFFSET (ElvesCronConfig, name)

const ElvesOption elves_cron_options[] = {
  ELVES_BROKER_OPTIONS (ElvesCronConfig, mq, "cron"),
  ELVES_REGISTRY_OPTIONS (ElvesCronConfig, zookeeper),
  ELVES_RETRY_OPTIONS (ElvesCronConfig, retry),
  ELVES_STATUS_OPTIONS (ElvesCronConfig, metrics, "10113"),
  { "store.url", ELVES_OPTION_STRING, FIELD (store_url), "sqlite:/var/lib/elves-cron/cron.db",
    .help = "the database: sqlite:/PATH or postgresql://..." },
  { "store.queue", ELVES_OPTION_UINT, FIELD (store_queue), "10000", 10, 1000000, "works",
    .help = "works waiting for the database, at most" },
  { "store.timeout", ELVES_OPTION_UINT, FIELD (store_timeout_ms), "10000", 100, 600000, "ms",
    .help = "limit of connecting to the database, of a statement, of waiting for a lock" },
  { "cron.timezone", ELVES_OPTION_STRING, FIELD (timezone), "",
    .help = "time zone of rules that name none; empty: of the process" },
  { "cron.missedAfter", ELVES_OPTION_UINT, FIELD (missed_after_s), "60", 1, 86400, "s",
    .help = "an instant older than that was missed, and its task's policy for missed ones counts" },
  { "cron.lateAfter", ELVES_OPTION_UINT, FIELD (late_after_ms), "1000", 1, 3600000, "ms",
    .help = "an instant published later than that counts as late" },
  { "cron.maxOutstanding", ELVES_OPTION_UINT, FIELD (max_outstanding), "5000", 10, 10000, "firings",
    .help = "firings decided and not yet out; beyond it the next ones wait" },
  { "cron.maxSchedules", ELVES_OPTION_UINT, FIELD (max_schedules), "2000000", 1, 100000000, "tasks",
    .help = "timed tasks started at one time; beyond it a start is refused" },
  { "cron.resultGrace", ELVES_OPTION_UINT, FIELD (result_grace_s), "120", 1, 86400, "s",
    .help = "beyond its timeout an execution without a result no longer holds up its task" },
  { "cron.maxParam", ELVES_OPTION_UINT64, FIELD (max_param_bytes), "1048576", 1, 16 << 20, "bytes",
    .help = "largest parameter or body of a timed task" },
  { "messages.exchange", ELVES_OPTION_STRING, FIELD (messages_exchange), "elves.messages",
    .help = "topic exchange that messages of timed tasks are published to" },
  { "messages.exchanges", ELVES_OPTION_STRING, FIELD (messages_exchanges), "taskcenter",
    .help = "other topic exchanges that a timed task may name" },
  { "messages.nameAlert", ELVES_OPTION_UINT, FIELD (messages_name_alert), "0", 0, 1000000000,
    "messages", .help = "of tasks of one name in a minute; beyond it each is warned of; 0: none" },
  { "messages.totalAlert", ELVES_OPTION_UINT, FIELD (messages_total_alert), "0", 0, 1000000000,
    "messages", .help = "of one owner in a minute; beyond it each is warned of; 0: none" },
  { "http.maxConcurrent", ELVES_OPTION_UINT, FIELD (http_max_concurrent), "100", 1, 10000, "calls",
    .help = "HTTP callbacks at one time" },
  { "http.maxPerHost", ELVES_OPTION_UINT, FIELD (http_max_per_host), "10", 1, 10000, "connections",
    .help = "callbacks to one host at one time; fewer when few more could begin" },
  { "http.maxWaiting", ELVES_OPTION_UINT, FIELD (http_max_waiting), "20000", 1, 1000000, "calls",
    .help = "callbacks that have not ended; beyond it no timed task fires" },
  { "http.maxWaitingPerHost", ELVES_OPTION_UINT, FIELD (http_max_waiting_per_host), "5000", 1,
    1000000, "calls",
    .help = "of one host; beyond it a callback fails at once if the host takes none" },
  { "http.stalledAfter", ELVES_OPTION_UINT, FIELD (http_stalled_after_s), "60", 1, 86400, "s",
    .help = "a host that has taken no callback for so long takes none" },
  { "http.signKey", ELVES_OPTION_SECRET, FIELD (http_sign_key), "",
    .help = "callbacks are signed with it; empty: they are not" },
  { "http.forbid", ELVES_OPTION_STRING, FIELD (http_forbid), "",
    .help = "addresses and networks that callbacks may not reach, separated by commas" },
  { "http.forbidPrivate", ELVES_OPTION_BOOL, FIELD (http_forbid_private), "false",
    .help = "callbacks may only reach addresses of the public internet" },
  { "http.maxAnswer", ELVES_OPTION_UINT, FIELD (http_max_answer), "4096", 0, 1 << 20, "bytes",
    .help = "kept of the answer to a callback" },
  { "http.retries", ELVES_OPTION_UINT, FIELD (http_retries), "3", 0, 100,
    .help = "how often a callback that failed is tried again, if its task does not say" },
  { "http.retryFirst", ELVES_OPTION_UINT, FIELD (http_retry_first_ms), "1000", 1, 3600000, "ms",
    .help = "wait before the second try of a callback" },
  { "http.retryCap", ELVES_OPTION_UINT, FIELD (http_retry_cap_ms), "60000", 1, 86400000, "ms",
    .help = "longest wait between two tries of a callback" },
  { "history.age", ELVES_OPTION_UINT, FIELD (history_age_s), "2592000", 60, 315360000, "s",
    .help = "executions older than that are forgotten" },
  { "history.count", ELVES_OPTION_UINT, FIELD (history_count), "1000", 1, 1000000, "executions",
    .help = "executions remembered of each timed task, about" },
  { "history.interval", ELVES_OPTION_UINT, FIELD (history_interval_s), "60", 1, 86400, "s",
    .help = "between two cleanings of the history" },
  { "shutdown.timeout", ELVES_OPTION_UINT, FIELD (shutdown_timeout_s), "10", 0, 3600, "s",
    .help = "wait for what is on its way when told to end" },
  { NULL }
};

/**
 * elves_cron_config_elects:
 *
 * Returns: whether this process waits for its election: there may be others on its database, and
 * ZooKeeper says who leads.
 */
gboolean
elves_cron_config_elects (const ElvesCronConfig *self)
{
  return !g_str_has_prefix (self->store_url, "sqlite:") &&
         elves_config_uses_registry (self->zookeeper.enabled, self->zookeeper.host);
}

char **
elves_cron_config_exchanges (const ElvesCronConfig *self)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) words = g_strsplit_set (self->messages_exchanges, ", \t", -1);
  g_strv_builder_add (builder, self->messages_exchange);
  for (guint i = 0; words[i] != NULL; i++)
    if (*words[i] != '\0' && strcmp (words[i], self->messages_exchange) != 0)
      g_strv_builder_add (builder, words[i]);
  return g_strv_builder_end (builder);
}

/* Each in use costs a connection. */
static gboolean
check_exchanges (const ElvesCronConfig *self, GError **error)
{
  g_auto (GStrv) names = elves_cron_config_exchanges (self);
  gboolean good = g_strv_length (names) <= EXCHANGES_MAX + 1;
  for (guint i = 0; names[i] != NULL; i++)
    good = good && *names[i] != '\0' && strlen (names[i]) <= NAME_MAX_BYTES &&
           !g_str_has_prefix (names[i], "amq.");
  if (!good)
    g_set_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG,
                 "messages.exchanges: expected at most %d names of at most %d bytes, none of which "
                 "begins with amq.",
                 EXCHANGES_MAX, NAME_MAX_BYTES);
  return good;
}

static gboolean
check_forbidden (const ElvesCronConfig *self, GError **error)
{
  g_autoptr (ElvesCronGuard) guard =
      elves_cron_guard_new (self->http_forbid, self->http_forbid_private, error);
  if (guard == NULL)
    g_prefix_error (error, "http.forbid: ");
  return guard != NULL;
}

/**
 * elves_cron_config_check:
 * @config: an #ElvesCronConfig
 *
 * Errors: %ELVES_ERROR_CONFIG names the key that is wrong and what it conflicts with.
 */
gboolean
elves_cron_config_check (gconstpointer config, GError **error)
{
  const ElvesCronConfig *self = config;
  if (!elves_store_url_check (self->store_url, error))
    {
      g_prefix_error (error, "store.url: ");
      return FALSE;
    }
  return check_forbidden (self, error) && check_exchanges (self, error) &&
         elves_config_check_registry (self->zookeeper.enabled, self->zookeeper.host,
                                      self->zookeeper.root, error) &&
         elves_config_check_metrics (self->metrics.listen, self->metrics.allowed, error) &&
         elves_config_check_retry (self->retry.first_ms, self->retry.cap_ms, error);
}
