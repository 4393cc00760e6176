/* Every key of elves-cron's configuration, as a plain struct. */
#pragma once

#include "common/config-parts.h"

G_BEGIN_DECLS

typedef struct
{
  ElvesBrokerConfig mq;
  ElvesRegistryConfig zookeeper;
  ElvesStatusConfig metrics;
  ElvesRetryConfig retry;

  char *store_url;
  guint store_queue;
  guint store_timeout_ms;

  char *timezone;          /* cron.timezone, "" = the process's */
  guint missed_after_s;    /* cron.missedAfter: an instant older than that was missed */
  guint late_after_ms;     /* cron.lateAfter: published later than that counts as late */
  guint max_outstanding;   /* cron.maxOutstanding: firings decided and not out, at most */
  guint max_schedules;     /* cron.maxSchedules: started at one time */
  guint result_grace_s;    /* cron.resultGrace: beyond the timeout, an execution is given up */
  guint64 max_param_bytes; /* cron.maxParam */

  char *messages_exchange;  /* messages.exchange */
  char *messages_exchanges; /* messages.exchanges: others that a task may name */
  guint messages_name_alert, messages_total_alert; /* in a minute; 0: none */

  guint http_max_concurrent; /* http.maxConcurrent */
  guint http_max_per_host;   /* http.maxPerHost */
  guint http_max_waiting;    /* http.maxWaiting: in all, not ended */
  guint http_max_waiting_per_host;
  guint http_stalled_after_s;
  char *http_sign_key; /* http.signKey, "" = no signature */
  char *http_forbid;   /* http.forbid: networks */
  gboolean http_forbid_private;
  guint http_max_answer; /* http.maxAnswer: bytes kept of an answer */
  guint http_retries;    /* http.retries: of a callback that names none */
  guint http_retry_first_ms, http_retry_cap_ms;

  guint history_age_s;      /* history.age */
  guint history_count;      /* history.count: of each task */
  guint history_interval_s; /* history.interval: between two cleanings */

  guint shutdown_timeout_s;
} ElvesCronConfig;

extern const ElvesOption elves_cron_options[];

/* Rules between keys. */
gboolean elves_cron_config_check (gconstpointer config, GError **error);
/* (transfer full): messages.exchange, and those of messages.exchanges. */
char **elves_cron_config_exchanges (const ElvesCronConfig *self);
/* Several processes on one database: one of them is elected. */
gboolean elves_cron_config_elects (const ElvesCronConfig *self);

G_END_DECLS
