/* Every key of the heartbeat's configuration, as a plain struct. */
#pragma once

#include "common/config-parts.h"

G_BEGIN_DECLS

typedef struct
{
  ElvesBrokerConfig mq;
  ElvesRegistryConfig zookeeper;
  ElvesStatusConfig metrics;
  ElvesRetryConfig retry;

  char *thrift_listen;              /* thrift.heartbeat.listen */
  guint thrift_port;                /* thrift.heartbeat.port */
  char *thrift_allowed;             /* thrift.heartbeat.authips */
  guint thrift_max_connections;     /* thrift.heartbeat.maxConnections */
  guint64 thrift_max_message_bytes; /* thrift.maxMessage */
  guint thrift_idle_s;              /* thrift.idleTimeout */

  char *auth_mode;           /* auth.mode: supervisor in any case, or anything else */
  char *auth_local_app_info; /* auth.localAppInfo */
  guint auth_refresh_s;      /* auth.refresh: how often the supervisor is asked */

  guint agents_max;      /* agents.max */
  guint agents_online_s; /* agents.onlineFor: how long a beat is believed */
} ElvesHeartbeatConfig;

extern const ElvesOption elves_heartbeat_options[];

gboolean elves_heartbeat_config_check (gconstpointer config, GError **error);
gboolean elves_heartbeat_config_asks_supervisor (const ElvesHeartbeatConfig *self);

G_END_DECLS
