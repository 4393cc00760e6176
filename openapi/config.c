/* The openapi's option table and the rules between its keys. Keys of the original are kept; its
   default key is not. Every key is explained in conf/elves-openapi.properties and in
   elves-openapi.properties(5); a unit test sees to it. */

#include "openapi/config.h"

#include "common/config-check.h"
#include "common/error.h"
#include "common/zone.h"
#include "openapi/qbasecron-task.h"

#define FIELD(name) G_STRUCT_OFFSET (ElvesOpenapiConfig, name)

/* The keys of a door, an ElvesDoorConfig named like it. */
/* clang-format off */
#define DOOR_OPTIONS(door, default_port) \
  { #door ".enabled", ELVES_OPTION_BOOL, FIELD (door.enabled), "false", \
    .help = "whether this interface is served" }, \
  { #door ".listen", ELVES_OPTION_STRING, FIELD (door.listen), "127.0.0.1", \
    .help = "address of its own port" }, \
  { #door ".port", ELVES_OPTION_UINT, FIELD (door.port), default_port, 0, 65535, \
    .help = "port of its own; 0: it is served on server.port" }, \
  { #door ".authips", ELVES_OPTION_STRING, FIELD (door.allowed), "", \
    .help = "addresses and networks that may connect to its own port" }
/* clang-format on */

static const char *const push_drivers[] = { "log", "none", NULL };

const ElvesOption elves_openapi_options[] = {
  ELVES_BROKER_OPTIONS (ElvesOpenapiConfig, mq, "openapi"),
  { "server.listen", ELVES_OPTION_STRING, FIELD (listen), "127.0.0.1",
    .help = "address on which the HTTP interfaces are served" },
  { "server.port", ELVES_OPTION_UINT, FIELD (port), "9091", 0, 65535,
    .help = "its port; 0: any free one" },
  { "server.authips", ELVES_OPTION_STRING, FIELD (allowed), "",
    .help = "addresses and networks that may connect" },
  { "server.tls.certificate", ELVES_OPTION_STRING, FIELD (tls_certificate), "",
    .help = "file with the certificate, PEM; empty: plain HTTP" },
  { "server.tls.key", ELVES_OPTION_STRING, FIELD (tls_key), "",
    .help = "file with its private key, PEM" },
  { "server.maxConnections", ELVES_OPTION_UINT, FIELD (max_connections), "10000", 1, 1000000,
    "connections", .help = "connections at one time" },
  { "server.maxRequests", ELVES_OPTION_UINT, FIELD (max_requests), "2000", 1, 1000000, "requests",
    .help = "requests being answered at one time; more get status 503" },
  { "server.maxBody", ELVES_OPTION_UINT64, FIELD (max_body_bytes), "4194304", 0, 128 << 20, "bytes",
    .help = "largest body of a request" },
  { "server.clientTimeout", ELVES_OPTION_UINT, FIELD (client_timeout_s), "30", 1, 3600, "s",
    .help = "limit of sending a request, of taking its answer, and of silence in between" },
  { "auth.mode", ELVES_OPTION_STRING, FIELD (auth_mode), "simple",
    .help = "supervisor: keys and permissions are its; anything else: auth.id and auth.key" },
  { "auth.id", ELVES_OPTION_STRING, FIELD (auth_id), "", .help = "the auth_id of simple mode" },
  { "auth.key", ELVES_OPTION_SECRET, FIELD (auth_key), "",
    .help = "its key, which requests are signed with; empty: nobody can sign" },
  { "auth.checkId", ELVES_OPTION_BOOL, FIELD (auth_check_id), "true",
    .help = "false: any auth_id is accepted in simple mode" },
  { "auth.md5", ELVES_OPTION_BOOL, FIELD (auth_md5), "true",
    .help = "false: signatures by MD5 are refused" },
  { "auth.refuseReplay", ELVES_OPTION_BOOL, FIELD (auth_refuse_replay), "false",
    .help = "true: a signed request is taken once" },
  { "auth.replayMemory", ELVES_OPTION_UINT, FIELD (auth_replay_memory), "100000", 1, 10000000,
    "requests", .help = "signed requests remembered for that" },
  { "auth.token.*", ELVES_OPTION_MAP, FIELD (auth_tokens),
    .help = "bearer token of the auth_id that the key ends with" },
  { "cron.enabled", ELVES_OPTION_BOOL, FIELD (cron_enabled), "true",
    .help = "whether timed tasks are served" },
  { "queue.enabled", ELVES_OPTION_BOOL, FIELD (queue_enabled), "true",
    .help = "whether queues of tasks are served" },
  { "openapi.compat.swappedCodes", ELVES_OPTION_BOOL, FIELD (swapped_codes), "false",
    .help = "true: the error codes of ip and param are those that the original mixed up" },
  { "openapi.maxStreams", ELVES_OPTION_UINT, FIELD (max_streams), "1000", 1, 1000000, "streams",
    .help = "answers at one time that come in parts, as it happens; more get status 503" },
  { "openapi.maxTargets", ELVES_OPTION_UINT, FIELD (max_targets), "10000", 1, 100000, "agents",
    .help = "agents of one job, and tasks of one queue, made through /api/v3" },
  { "openapi.callTimeout", ELVES_OPTION_UINT, FIELD (call_timeout_ms), "5000", 100, 600000, "ms",
    .help = "limit of an answer of another component; a job's has its own timeout more" },
  DOOR_OPTIONS (taskcenter, "0"),
  { "taskcenter.topic", ELVES_OPTION_STRING, FIELD (taskcenter_topic), "taskcenter",
    .help = "exchange that its messages are published to" },
  { "taskcenter.requireNameAndData", ELVES_OPTION_BOOL, FIELD (taskcenter_strict), "true",
    .help = "false: tasks without a name or data are taken" },
  { "taskcenter.compat.loopPlusOne", ELVES_OPTION_BOOL, FIELD (taskcenter_loop_plus_one), "false",
    .help = "true: the first message of a loop does not count, as with the original" },
  { "taskcenter.maxAnswer", ELVES_OPTION_UINT64, FIELD (taskcenter_max_answer_bytes), "67108864",
    1024, 1 << 30, "bytes", .help = "largest list of tasks" },
  DOOR_OPTIONS (romens, "0"),
  { "romens.reportTimeout", ELVES_OPTION_UINT, FIELD (romens_report_timeout_s), "86400", 1,
    31536000, "s", .help = "limit of the report of an execution; then it has ended as TIMEOUT" },
  { "romens.callbackTimeout", ELVES_OPTION_UINT, FIELD (romens_callback_timeout_s), "30", 1, 3600,
    "s", .help = "limit of delivering a callback" },
  { "romens.endAt", ELVES_OPTION_BOOL, FIELD (romens_end_at), "false",
    .help = "true: endAt of a history is a limit; as documented it has no effect" },
  DOOR_OPTIONS (qbasecron, "0"),
  { "qbasecron.timezone", ELVES_OPTION_STRING, FIELD (qbasecron_timezone), "",
    .help = "zone of the times of tasks, such as Europe/Berlin; empty: that of the process" },
  { "qbasecron.pushUrl", ELVES_OPTION_STRING, FIELD (qbasecron_push_url),
    "http://127.0.0.1:3453/api/v0.1.0/push/api",
    .help = "where a task calls that names no callback_url" },
  { "qbasecron.push.driver", ELVES_OPTION_CHOICE, FIELD (qbasecron_push_driver), "log",
    .choices = push_drivers, .help = "what takes notifications for devices" },
  { "qbasecron.push.file", ELVES_OPTION_STRING, FIELD (qbasecron_push_file), "",
    .help = "where the driver log records them, a line each; empty: in the log" },
  { "qbasecron.push.maxFile", ELVES_OPTION_UINT64, FIELD (qbasecron_push_max_file_bytes),
    "16777216", 4096, G_GUINT64_CONSTANT (1) << 40, "bytes",
    .help = "its largest size; then it becomes FILE.1" },
  ELVES_RETRY_OPTIONS (ElvesOpenapiConfig, retry),
  ELVES_STATUS_OPTIONS (ElvesOpenapiConfig, metrics, "10115"),
  { NULL }
};

/**
 * elves_openapi_config_asks_supervisor:
 *
 * Returns: whether keys and permissions are the supervisor's
 */
gboolean
elves_openapi_config_asks_supervisor (const ElvesOpenapiConfig *self)
{
  return g_ascii_strcasecmp (self->auth_mode, "supervisor") == 0;
}

static gboolean
check_tls (const ElvesOpenapiConfig *self, GError **error)
{
  if ((*self->tls_certificate == '\0') == (*self->tls_key == '\0'))
    return TRUE;
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG,
               "server.tls.certificate and server.tls.key: give both or none");
  return FALSE;
}

/* Of a door behind server.port nobody listens on its own. */
static gboolean
check_door (const char *name, const ElvesDoorConfig *door, GError **error)
{
  g_autofree char *listen_key = g_strconcat (name, ".listen", NULL);
  g_autofree char *allow_key = g_strconcat (name, ".authips", NULL);

  return !door->enabled || door->port == 0 ||
         elves_config_check_listen (listen_key, door->listen, allow_key, door->allowed, error);
}

static gboolean
check_qbasecron (const ElvesOpenapiConfig *self, GError **error)
{
  g_auto (GStrv) targets = elves_qbasecron_targets (self->qbasecron_push_url);
  g_autoptr (GError) zone_error = NULL;

  if (elves_zone_get (self->qbasecron_timezone, &zone_error) == NULL)
    g_set_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG, "qbasecron.timezone: %s",
                 zone_error->message);
  else if (targets == NULL)
    g_set_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG,
                 "qbasecron.pushUrl: expected http://HOST... or https://HOST...");
  else
    return check_door ("qbasecron", &self->qbasecron, error);
  return FALSE;
}

/**
 * elves_openapi_config_check:
 * @config: an #ElvesOpenapiConfig
 *
 * Errors: %ELVES_ERROR_CONFIG names the key that is wrong and what it conflicts with.
 */
gboolean
elves_openapi_config_check (gconstpointer config, GError **error)
{
  const ElvesOpenapiConfig *self = config;

  return elves_config_check_listen ("server.listen", self->listen, "server.authips", self->allowed,
                                    error) &&
         elves_config_check_metrics (self->metrics.listen, self->metrics.allowed, error) &&
         elves_config_check_retry (self->retry.first_ms, self->retry.cap_ms, error) &&
         check_tls (self, error) && check_door ("taskcenter", &self->taskcenter, error) &&
         check_door ("romens", &self->romens, error) && check_qbasecron (self, error);
}
