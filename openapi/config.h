/* Every key of the openapi's configuration, as a plain struct. */
#pragma once

#include "common/config-parts.h"

G_BEGIN_DECLS

/* A door that may be switched on; port 0: it is behind server.port. */
typedef struct
{
  gboolean enabled;
  char *listen;
  guint port;
  char *allowed;
} ElvesDoorConfig; /* taskcenter.*, ... */

/* qbasecron.push.driver */
enum
{
  ELVES_PUSH_LOG,
  ELVES_PUSH_NONE
};

typedef struct
{
  ElvesBrokerConfig mq;
  ElvesStatusConfig metrics;
  ElvesRetryConfig retry;

  /* server.* */
  char *listen;
  guint port;
  char *allowed; /* server.authips */
  char *tls_certificate, *tls_key;
  guint max_connections, max_requests, max_streams, max_targets;
  guint64 max_body_bytes;
  guint client_timeout_s;

  /* auth.* */
  char *auth_mode; /* supervisor in any case, or anything else */
  char *auth_id, *auth_key;
  gboolean auth_check_id;
  gboolean auth_md5;
  gboolean auth_refuse_replay;
  guint auth_replay_memory;
  GHashTable *auth_tokens; /* auth_id -> token */

  gboolean cron_enabled, queue_enabled;

  ElvesDoorConfig qbasecron;
  char *qbasecron_timezone; /* IANA name; "": the process's own */
  char *qbasecron_push_url; /* where a task without callback_url calls */
  int qbasecron_push_driver;
  char *qbasecron_push_file; /* "": the log */
  guint64 qbasecron_push_max_file_bytes;

  gboolean swapped_codes; /* openapi.compat.swappedCodes */
  guint call_timeout_ms;

  ElvesDoorConfig taskcenter;
  char *taskcenter_topic;
  gboolean taskcenter_strict; /* taskcenter.requireNameAndData */
  gboolean taskcenter_loop_plus_one;
  guint64 taskcenter_max_answer_bytes;

  ElvesDoorConfig romens; /* and romens.* */
  guint romens_report_timeout_s, romens_callback_timeout_s;
  gboolean romens_end_at;
} ElvesOpenapiConfig;

extern const ElvesOption elves_openapi_options[];

gboolean elves_openapi_config_check (gconstpointer config, GError **error);
gboolean elves_openapi_config_asks_supervisor (const ElvesOpenapiConfig *self);

G_END_DECLS
