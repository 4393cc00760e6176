/* With ZooKeeper a beat is written there and comes back by the watch, to this heartbeat as to all
 * others: nothing else changes the roster. Until the table has been read once, beats are answered
 * and not kept, so that an old content never follows a newer one. */
#include "heartbeat/beats.h"

#include "common/log.h"
#include "common/names.h"
#include "common/thrift-server.h"
#include "heartbeat/metrics.h"
#include "heartbeat/record.h"

enum
{
  MESSAGE_TIMEOUT_S = 60,
  NESTING = 16
};

struct ElvesBeats
{
  ElvesBeatsParts parts;
  ElvesAddressList *allowed;
  ElvesThriftServer *server;
  gboolean keeps;
  ElvesLogThrottle throttle;
};

/* Which addresses may be the name of a node, and of an agent. */
static gboolean
is_address (const char *ip)
{
  g_autoptr (GInetAddress) address = ip != NULL ? g_inet_address_new_from_string (ip) : NULL;

  return address != NULL;
}

static void
leave_out (ElvesBeats *self, const ElvesAgentInfo *info, const char *why)
{
  guint held_back;

  elves_heartbeat_metrics.beats_left_out++;
  if (elves_log_throttle_pass (&self->throttle, g_get_monotonic_time (), &held_back))
    g_warning ("a heartbeat is not kept: %s ip=%s held_back=%u", why,
               info->ip != NULL ? info->ip : "", held_back);
}

static void
write_node (ElvesBeats *self, const ElvesAgentInfo *info, gint64 now_ms)
{
  g_autofree char *path = g_strconcat (ELVES_ZNODE_BEATS "/", info->ip, NULL);
  g_autoptr (GBytes) content = elves_heartbeat_record_to_beat (info, now_ms);

  elves_registry_write (self->parts.registry, path, content);
}

static void
keep (ElvesBeats *self, const ElvesAgentInfo *info)
{
  gint64 now_ms = g_get_real_time () / 1000;
  g_auto (ElvesHeartbeatRecord) record = { { 0 } };

  if (!is_address (info->ip))
    leave_out (self, info, "it has no address");
  else if (!self->keeps)
    leave_out (self, info, "the table in ZooKeeper is not read yet");
  else if (self->parts.registry != NULL)
    write_node (self, info, now_ms);
  else
    {
      elves_heartbeat_record_from_info (&record, info, now_ms);
      if (!elves_roster_set (self->parts.roster, ELVES_ROSTER_BEAT, &record.agent))
        leave_out (self, info, "there are more agents than agents.max");
    }
}

static void
take_beat (ElvesBeats *self, ElvesThriftCall *call, const ElvesAgentInfo *info)
{
  g_autofree char *answer =
      elves_app_list_answer (self->parts.apps, info->ip != NULL ? info->ip : "");

  elves_heartbeat_metrics.beats++;
  keep (self, info);
  elves_thrift_call_answer_text (call, answer);
}

static void
on_call (ElvesThriftServer *server G_GNUC_UNUSED, ElvesThriftCall *call, gpointer user_data)
{
  const ElvesRpcRequest *request = elves_thrift_call_request (call);

  if (request->method == ELVES_RPC_HEARTBEAT_PACKAGE)
    take_beat (user_data, call, &request->agent);
  else if (request->method == ELVES_RPC_ALIVE_CHECK)
    elves_thrift_call_answer_text (call, "success");
  else
    elves_thrift_call_answer_exception (call, ELVES_RPC_EXCEPTION_UNKNOWN_METHOD,
                                        "HeartbeatService has no such method");
}

static gboolean
listen_for_beats (ElvesBeats *self, GError **error)
{
  static const ElvesThriftServerCallbacks callbacks = { on_call };
  const ElvesHeartbeatConfig *config = self->parts.config;
  gsize message_bytes = config->thrift_max_message_bytes;
  ElvesThriftServerOptions options = {
    .host = config->thrift_listen,
    .port = (guint16) config->thrift_port,
    .allowed = self->allowed,
    .max_connections = config->thrift_max_connections,
    .idle_timeout_s = config->thrift_idle_s,
    .message_timeout_s = MESSAGE_TIMEOUT_S,
    .link = { .limits = { message_bytes, message_bytes, 0, NESTING },
              .output_limit_bytes = 2 * message_bytes },
  };

  self->server = elves_thrift_server_new (self->parts.poller, &options, &callbacks, self, error);
  if (self->server == NULL)
    return FALSE;
  g_message ("listening for heartbeats address=%s:%u", config->thrift_listen,
             elves_thrift_server_port (self->server));
  return TRUE;
}

/**
 * elves_beats_new:
 * @parts: copied
 * @error: why it cannot listen
 *
 * Returns: (transfer full): listening
 */
ElvesBeats *
elves_beats_new (const ElvesBeatsParts *parts, GError **error)
{
  g_autoptr (ElvesBeats) self = g_new0 (ElvesBeats, 1);

  self->parts = *parts;
  self->keeps = parts->registry == NULL;
  self->allowed = elves_address_list_parse (parts->config->thrift_allowed, error);
  if (self->allowed == NULL || !listen_for_beats (self, error))
    return NULL;
  return g_steal_pointer (&self);
}

/**
 * elves_beats_free:
 * @self: (nullable): the beats
 */
void
elves_beats_free (ElvesBeats *self)
{
  if (self == NULL)
    return;
  elves_thrift_server_free (self->server);
  elves_address_list_free (self->allowed);
  g_free (self);
}

/**
 * elves_beats_start_keeping:
 *
 * What ZooKeeper has is known.
 */
void
elves_beats_start_keeping (ElvesBeats *self)
{
  self->keeps = TRUE;
}
