/* Parts of configurations that several components have: a struct to embed and the rows of its keys.
 *
 *   typedef struct { ElvesBrokerConfig mq; ... } ElvesCronConfig;
 *   const ElvesOption elves_cron_options[] = { ELVES_BROKER_OPTIONS (ElvesCronConfig, mq, "cron"),
 *                                              ... { NULL } };
 */
#pragma once

#include "common/config.h"

G_BEGIN_DECLS

typedef struct
{
  char *host;
  guint port;
  char *user, *password, *vhost;
  char *exchange, *queue;
  int queue_type; /* index into elves_config_queue_types */
  guint prefetch;
  guint connect_timeout_ms, heartbeat_s;
  char *reply_content_type; /* "": the interface's */
  guint64 max_message_bytes;
} ElvesBrokerConfig; /* mq.* */

typedef struct
{
  int enabled; /* elves_config_uses_registry() says what it means */
  char *host, *root;
  guint session_ms;
} ElvesRegistryConfig; /* zookeeper.* */

typedef struct
{
  char *listen; /* "": no status is served */
  guint port;
  char *allowed;
} ElvesStatusConfig; /* metrics.* */

typedef struct
{
  guint first_ms, cap_ms;
} ElvesRetryConfig; /* retry.* */

typedef struct
{
  char *url;
  guint queue_limit, timeout_ms;
} ElvesStoreConfig; /* store.* */

extern const char *const elves_config_queue_types[]; /* "classic", "quorum" */

#define ELVES_CONFIG_FIELD(Config, member) G_STRUCT_OFFSET (Config, member)

/* clang-format off */
#define ELVES_BROKER_OPTIONS(Config, part, default_queue) \
  { "mq.ip", ELVES_OPTION_STRING, ELVES_CONFIG_FIELD (Config, part.host), \
    .flags = ELVES_OPTION_REQUIRED, .help = "host name or address of the AMQP broker" }, \
  { "mq.port", ELVES_OPTION_UINT, ELVES_CONFIG_FIELD (Config, part.port), "5672", 1, 65535, \
    .help = "its port" }, \
  { "mq.user", ELVES_OPTION_STRING, ELVES_CONFIG_FIELD (Config, part.user), \
    .flags = ELVES_OPTION_REQUIRED, .help = "user name at the broker" }, \
  { "mq.password", ELVES_OPTION_SECRET, ELVES_CONFIG_FIELD (Config, part.password), \
    .flags = ELVES_OPTION_REQUIRED, .help = "password at the broker; may be empty" }, \
  { "mq.vhost", ELVES_OPTION_STRING, ELVES_CONFIG_FIELD (Config, part.vhost), "/", \
    .help = "virtual host" }, \
  { "mq.exchange", ELVES_OPTION_STRING, ELVES_CONFIG_FIELD (Config, part.exchange), "elves", \
    .help = "topic exchange that all components publish to" }, \
  { "mq.queue", ELVES_OPTION_STRING, ELVES_CONFIG_FIELD (Config, part.queue), default_queue, \
    .help = "queue that requests are taken from" }, \
  { "mq.queueType", ELVES_OPTION_CHOICE, ELVES_CONFIG_FIELD (Config, part.queue_type), "classic", \
    .choices = elves_config_queue_types, .help = "type of the queue when it is made" }, \
  { "mq.prefetch", ELVES_OPTION_UINT, ELVES_CONFIG_FIELD (Config, part.prefetch), "1000", 1, \
    65535, "messages", .help = "messages taken and not yet acknowledged, at most" }, \
  { "mq.connectTimeout", ELVES_OPTION_UINT, ELVES_CONFIG_FIELD (Config, part.connect_timeout_ms), \
    "5000", 100, 600000, "ms", .help = "limit of connecting and logging in" }, \
  { "mq.heartbeat", ELVES_OPTION_UINT, ELVES_CONFIG_FIELD (Config, part.heartbeat_s), "10", 0, \
    3600, "s", .help = "AMQP heartbeat; 0: none" }, \
  { "mq.replyContentType", ELVES_OPTION_STRING, \
    ELVES_CONFIG_FIELD (Config, part.reply_content_type), "", \
    .help = "content type of replies; empty: as the original sends them" }, \
  { "mq.maxMessage", ELVES_OPTION_UINT64, ELVES_CONFIG_FIELD (Config, part.max_message_bytes), \
    "16777216", 1024, 128 << 20, "bytes", .help = "largest message; a larger one is refused" }

#define ELVES_REGISTRY_OPTIONS(Config, part) \
  { "zookeeper.enabled", ELVES_OPTION_SWITCH, ELVES_CONFIG_FIELD (Config, part.enabled), \
    .help = "true: use ZooKeeper; any other text: do not" }, \
  { "zookeeper.host", ELVES_OPTION_STRING, ELVES_CONFIG_FIELD (Config, part.host), "", \
    .help = "ZooKeeper servers, HOST[:PORT] separated by commas" }, \
  { "zookeeper.outTime", ELVES_OPTION_UINT, ELVES_CONFIG_FIELD (Config, part.session_ms), \
    "10000", 1000, 600000, "ms", .help = "session timeout, and timeout of connecting" }, \
  { "zookeeper.root", ELVES_OPTION_STRING, ELVES_CONFIG_FIELD (Config, part.root), "/elves", \
    .help = "znode below which everything is kept" }

#define ELVES_STATUS_OPTIONS(Config, part, default_port) \
  { "metrics.listen", ELVES_OPTION_STRING, ELVES_CONFIG_FIELD (Config, part.listen), "127.0.0.1", \
    .help = "address on which /metrics and /healthz are served; empty: nowhere" }, \
  { "metrics.port", ELVES_OPTION_UINT, ELVES_CONFIG_FIELD (Config, part.port), default_port, 0, \
    65535, .help = "its port; 0: any free one" }, \
  { "metrics.authips", ELVES_OPTION_STRING, ELVES_CONFIG_FIELD (Config, part.allowed), "", \
    .help = "addresses and networks that may ask" }

#define ELVES_RETRY_OPTIONS(Config, part) \
  { "retry.first", ELVES_OPTION_UINT, ELVES_CONFIG_FIELD (Config, part.first_ms), "200", 1, \
    60000, "ms", .help = "wait before the second try to reach a server" }, \
  { "retry.cap", ELVES_OPTION_UINT, ELVES_CONFIG_FIELD (Config, part.cap_ms), "10000", 1, \
    3600000, "ms", .help = "longest wait between two tries" }

#define ELVES_STORE_OPTIONS(Config, part, default_url) \
  { "store.url", ELVES_OPTION_SECRET, ELVES_CONFIG_FIELD (Config, part.url), default_url, \
    .help = "the database: sqlite:/PATH or postgresql://USER:PASSWORD@HOST/NAME" }, \
  { "store.queue", ELVES_OPTION_UINT, ELVES_CONFIG_FIELD (Config, part.queue_limit), "10000", 1, \
    1000000, "works", .help = "works that wait for the database, at most" }, \
  { "store.timeout", ELVES_OPTION_UINT, ELVES_CONFIG_FIELD (Config, part.timeout_ms), "10000", \
    1000, 600000, "ms", .help = "limit of connecting to the database, of a statement, of a lock" }
/* clang-format on */

G_END_DECLS
