/* The heartbeat's option table and the rules between its keys. Keys and defaults of the original
   are kept. Every key is explained in conf/elves-heartbeat.properties and in
   elves-heartbeat.properties(5); a unit test sees to it. */

#include "heartbeat/config.h"

#include "common/config-check.h"
#include "heartbeat/app-list.h"

#define FIELD(name) G_STRUCT_OFFSET (ElvesHeartbeatConfig, name)

const ElvesOption elves_heartbeat_options[] = {
  ELVES_BROKER_OPTIONS (ElvesHeartbeatConfig, mq, "heartbeat"),
  ELVES_REGISTRY_OPTIONS (ElvesHeartbeatConfig, zookeeper),
  { "thrift.heartbeat.listen", ELVES_OPTION_STRING, FIELD (thrift_listen), "127.0.0.1",
    .help = "address on which heartbeats are taken" },
  { "thrift.heartbeat.port", ELVES_OPTION_UINT, FIELD (thrift_port), "11102", 0, 65535,
    .help = "its port; 0: any free one" },
  { "thrift.heartbeat.authips", ELVES_OPTION_STRING, FIELD (thrift_allowed), "",
    .help = "addresses and networks that may call" },
  { "thrift.heartbeat.maxConnections", ELVES_OPTION_UINT, FIELD (thrift_max_connections), "20000",
    1, 1000000, "connections", .help = "connections of agents at one time" },
  { "thrift.maxMessage", ELVES_OPTION_UINT64, FIELD (thrift_max_message_bytes), "1048576", 1024,
    1 << 30, "bytes", .help = "largest Thrift message taken" },
  { "thrift.idleTimeout", ELVES_OPTION_UINT, FIELD (thrift_idle_s), "30", 1, 86400, "s",
    .help = "connections of agents idle for longer are closed" },
  { "auth.mode", ELVES_OPTION_STRING, FIELD (auth_mode), "simple",
    .help = "supervisor: it says which apps run where; anything else: auth.localAppInfo does" },
  { "auth.localAppInfo", ELVES_OPTION_STRING, FIELD (auth_local_app_info), "",
    .help = "apps of every agent, {'app':'version',...}; empty: agents keep what they have" },
  { "auth.refresh", ELVES_OPTION_UINT, FIELD (auth_refresh_s), "3600", 1, 86400, "s",
    .help = "how often the supervisor is asked for the apps" },
  { "agents.max", ELVES_OPTION_UINT, FIELD (agents_max), "100000", 1, 10000000, "agents",
    .help = "agents that are kept in memory" },
  { "agents.onlineFor", ELVES_OPTION_UINT, FIELD (agents_online_s), "600", 1, 86400, "s",
    .help = "an agent whose last heartbeat is older is offline" },
  ELVES_RETRY_OPTIONS (ElvesHeartbeatConfig, retry),
  ELVES_STATUS_OPTIONS (ElvesHeartbeatConfig, metrics, "10114"),
  { NULL }
};

/**
 * elves_heartbeat_config_asks_supervisor:
 *
 * Returns: whether the supervisor says which apps run where
 */
gboolean
elves_heartbeat_config_asks_supervisor (const ElvesHeartbeatConfig *self)
{
  return g_ascii_strcasecmp (self->auth_mode, "supervisor") == 0;
}

static gboolean
check_app_info (const ElvesHeartbeatConfig *self, GError **error)
{
  g_autoptr (ElvesAppList) apps = NULL;

  if (*self->auth_local_app_info == '\0')
    return TRUE;
  apps = elves_app_list_new_local (self->auth_local_app_info, error);
  return apps != NULL;
}

/**
 * elves_heartbeat_config_check:
 * @config: an #ElvesHeartbeatConfig
 *
 * Errors: %ELVES_ERROR_CONFIG names the key that is wrong and what it conflicts with.
 */
gboolean
elves_heartbeat_config_check (gconstpointer config, GError **error)
{
  const ElvesHeartbeatConfig *self = config;
  const ElvesRegistryConfig *zookeeper = &self->zookeeper;

  return elves_config_check_registry (zookeeper->enabled, zookeeper->host, zookeeper->root,
                                      error) &&
         elves_config_check_listen ("thrift.heartbeat.listen", self->thrift_listen,
                                    "thrift.heartbeat.authips", self->thrift_allowed, error) &&
         elves_config_check_metrics (self->metrics.listen, self->metrics.allowed, error) &&
         elves_config_check_retry (self->retry.first_ms, self->retry.cap_ms, error) &&
         check_app_info (self, error);
}
