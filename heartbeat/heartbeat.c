/* Wiring. An agent becomes known by a beat (beats -> ZooKeeper -> roster) or by its own node in
 * ZooKeeper; other components ask by AMQP (component -> answers).
 *
 * Starting: read both tables in ZooKeeper, and only then take requests and keep beats: nobody is
 * told that an agent is not there only because we have not heard of it yet. */
#include "heartbeat/heartbeat.h"

#include "common/config-check.h"
#include "common/http-status.h"
#include "common/names.h"
#include "heartbeat/answers.h"
#include "heartbeat/beats.h"
#include "heartbeat/metrics.h"
#include "heartbeat/record.h"
#include "heartbeat/supervisor.h"

enum
{
  N_TABLES = 2,
  PAGE_MAX = 1000000
};

struct ElvesHeartbeat
{
  const ElvesHeartbeatConfig *config;
  ElvesDaemon *daemon;
  ElvesPoller *poller;
  ElvesDeadlines *deadlines;
  ElvesRoster *roster;
  ElvesAppList *apps;
  ElvesSupervisorCalls *supervisor; /* (nullable) auth.mode is not supervisor */
  ElvesComponent *component;
  ElvesRegistry *registry; /* (nullable) ZooKeeper is not used */
  ElvesBeats *beats;
  ElvesHttpStatus *status;     /* (nullable) */
  gboolean has_read[N_TABLES]; /* by source: all of the table was seen once */
};

static gint64
now_ms (void)
{
  return g_get_real_time () / 1000;
}

/* ---- what others ask ---- */

static void
refuse (ElvesHeartbeat *self, ElvesRequest *request, const GError *error)
{
  elves_component_refuse (self->component, request, "[500]Internal ServerError", error->message);
}

static void
on_agent_info (ElvesRequest *request, gpointer user_data)
{
  ElvesHeartbeat *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree char *ip = NULL;

  if (!elves_request_text (request, "ip", &ip, &error))
    refuse (self, request, error);
  else
    elves_component_reply (self->component, request,
                           elves_answer_agent_info (self->roster, ip, now_ms ()));
}

/* The asset is called id by the released code and asset by its documentation. */
static gboolean
read_filter (ElvesRequest *request, char **out_ip, char **out_asset, gint64 page[2], GError **error)
{
  g_autofree char *id = NULL;

  if (!elves_request_text (request, "ip", out_ip, error) ||
      !elves_request_text (request, "id", &id, error) ||
      !elves_request_text (request, "asset", out_asset, error))
    return FALSE;
  if (**out_asset == '\0')
    {
      g_free (*out_asset);
      *out_asset = g_steal_pointer (&id);
    }
  return elves_request_number (request, "pagesize", FALSE, 0, PAGE_MAX, 0, &page[0], error) &&
         elves_request_number (request, "pagenumber", FALSE, 0, PAGE_MAX, 0, &page[1], error);
}

static void
on_agent_list (ElvesRequest *request, gpointer user_data)
{
  ElvesHeartbeat *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree char *ip = NULL, *asset = NULL;
  gint64 page[2];
  ElvesAgentListFilter filter;

  if (!read_filter (request, &ip, &asset, page, &error))
    {
      refuse (self, request, error);
      return;
    }
  filter = (ElvesAgentListFilter){ ip, asset, (guint) page[0], (guint) page[1] };
  elves_component_reply (self->component, request,
                         elves_answer_agent_list (self->roster, &filter, now_ms ()));
}

/* Where the supervisor does not rule, its list changes nothing. */
static void
on_update_app_info (ElvesRequest *request, gpointer user_data)
{
  ElvesHeartbeat *self = user_data;
  g_autoptr (GError) error = NULL;

  if (self->supervisor == NULL)
    g_info ("a list of apps was not taken: auth.mode is not supervisor");
  else if (!elves_app_list_replace (self->apps, elves_request_get (request, "result"), &error))
    g_warning ("a list of apps was not taken: %s from=%s", error->message,
               elves_request_from (request));
  elves_component_done (self->component, request);
}

static const ElvesComponentAction actions[] = { { "agentInfo", on_agent_info },
                                                { "agentList", on_agent_list },
                                                { "updateAppInfo", on_update_app_info },
                                                { NULL } };

static void
on_consuming (gboolean consuming, gpointer user_data)
{
  ElvesHeartbeat *self = user_data;

  if (consuming)
    elves_daemon_ready (self->daemon);
}

static void
make_component (ElvesHeartbeat *self)
{
  ElvesComponentOptions options = {
    .name = "heartbeat",
    .broker = &self->config->mq,
    .retry = &self->config->retry,
    .actions = actions,
    .metrics = &elves_heartbeat_metrics.component,
    .consuming = on_consuming,
    .user_data = self,
  };

  self->component = elves_component_new (&options);
}

/* ---- the registry ---- */

typedef gboolean (*ReadFunc) (ElvesHeartbeatRecord *record,
                              const char *ip,
                              const guint8 *data,
                              gsize length,
                              GError **error);

static void
take_record (ElvesHeartbeat *self,
             ElvesRosterSource source,
             const char *ip,
             const guint8 *data,
             gsize length)
{
  static const ReadFunc read[] = { [ELVES_ROSTER_BEAT] = elves_heartbeat_record_from_beat,
                                   [ELVES_ROSTER_NODE] = elves_heartbeat_record_from_node };
  g_auto (ElvesHeartbeatRecord) record = { { 0 } };
  g_autoptr (GError) error = NULL;

  if (!read[source](&record, ip, data, length, &error))
    {
      g_warning ("an agent is left out: %s agent=%s", error->message, ip);
      elves_roster_remove (self->roster, source, ip);
    }
  else if (!elves_roster_set (self->roster, source, &record.agent))
    g_warning ("an agent is left out: there are more than agents.max agent=%s", ip);
}

static void
on_beat_set (ElvesRegistryTable *table G_GNUC_UNUSED,
             const char *name,
             const guint8 *data,
             gsize length,
             gpointer user_data)
{
  take_record (user_data, ELVES_ROSTER_BEAT, name, data, length);
}

static void
on_beat_gone (ElvesRegistryTable *table G_GNUC_UNUSED, const char *name, gpointer user_data)
{
  elves_roster_remove (((ElvesHeartbeat *) user_data)->roster, ELVES_ROSTER_BEAT, name);
}

static void
on_node_set (ElvesRegistryTable *table G_GNUC_UNUSED,
             const char *name,
             const guint8 *data,
             gsize length,
             gpointer user_data)
{
  take_record (user_data, ELVES_ROSTER_NODE, name, data, length);
}

static void
on_node_gone (ElvesRegistryTable *table G_GNUC_UNUSED, const char *name, gpointer user_data)
{
  elves_roster_remove (((ElvesHeartbeat *) user_data)->roster, ELVES_ROSTER_NODE, name);
}

static void
has_read (ElvesHeartbeat *self, ElvesRosterSource source)
{
  gboolean had_all = self->has_read[ELVES_ROSTER_BEAT] && self->has_read[ELVES_ROSTER_NODE];

  self->has_read[source] = TRUE;
  if (had_all || !self->has_read[ELVES_ROSTER_BEAT] || !self->has_read[ELVES_ROSTER_NODE])
    return;
  elves_beats_start_keeping (self->beats);
  elves_component_start (self->component);
}

static void
on_beats_complete (ElvesRegistryTable *table G_GNUC_UNUSED, gpointer user_data)
{
  has_read (user_data, ELVES_ROSTER_BEAT);
}

static void
on_nodes_complete (ElvesRegistryTable *table G_GNUC_UNUSED, gpointer user_data)
{
  has_read (user_data, ELVES_ROSTER_NODE);
}

static void
on_registry_state (ElvesRegistry *registry G_GNUC_UNUSED,
                   gboolean connected,
                   const char *detail,
                   gpointer user_data G_GNUC_UNUSED)
{
  elves_heartbeat_metrics.registered = connected;
  elves_heartbeat_metrics.registry_connects += connected ? 1 : 0;
  if (connected)
    g_message ("connected to ZooKeeper");
  else
    g_warning ("not connected to ZooKeeper: %s", detail != NULL ? detail : "no answer yet");
}

static gboolean
make_registry (ElvesHeartbeat *self, GError **error)
{
  static const ElvesRegistryCallbacks callbacks = { on_registry_state };
  const ElvesRegistryConfig *zookeeper = &self->config->zookeeper;
  ElvesRegistrySettings settings = {
    .hosts = zookeeper->host,
    .root = zookeeper->root,
    .session_timeout_ms = zookeeper->session_ms,
    .retry_first_ms = self->config->retry.first_ms,
    .retry_cap_ms = self->config->retry.cap_ms,
  };

  if (!elves_config_uses_registry (zookeeper->enabled, zookeeper->host))
    return TRUE;
  self->registry = elves_registry_new (&settings, &callbacks, self, error);
  return self->registry != NULL;
}

static void
watch_registry (ElvesHeartbeat *self)
{
  static const ElvesRegistryTableCallbacks beats = { on_beat_set, on_beat_gone, on_beats_complete };
  static const ElvesRegistryTableCallbacks nodes = { on_node_set, on_node_gone, on_nodes_complete };

  elves_registry_announce (self->registry, ELVES_ZNODE_HEARTBEATS "/", TRUE, NULL, NULL, NULL);
  elves_registry_watch (self->registry, ELVES_ZNODE_BEATS, &beats, self);
  elves_registry_watch (self->registry, ELVES_ZNODE_AGENTS, &nodes, self);
}

/* ---- status ---- */

static void
on_metrics (GString *out, gpointer user_data)
{
  ElvesHeartbeat *self = user_data;

  elves_component_measure (self->component);
  elves_heartbeat_metrics.beats_known = elves_roster_size (self->roster, ELVES_ROSTER_BEAT);
  elves_heartbeat_metrics.nodes = elves_roster_size (self->roster, ELVES_ROSTER_NODE);
  elves_metrics_write (elves_heartbeat_metric_table, &elves_heartbeat_metrics, out);
}

static gboolean
on_health (GString *out, gpointer user_data)
{
  ElvesHeartbeat *self = user_data;
  g_autoptr (GPtrArray) problems = g_ptr_array_new ();

  elves_component_add_problems (self->component, problems);
  if (self->registry != NULL && elves_heartbeat_metrics.registered == 0)
    g_ptr_array_add (problems, (gpointer) "not connected to ZooKeeper");
  return elves_http_status_write_health (out, "elves-heartbeat", problems);
}

static void
start_status (ElvesHeartbeat *self)
{
  static const ElvesHttpStatusCallbacks callbacks = { on_metrics, on_health };
  const ElvesStatusConfig *metrics = &self->config->metrics;
  ElvesHttpStatusOptions options = { .host = metrics->listen,
                                     .port = (guint16) metrics->port,
                                     .allowed = metrics->allowed };

  self->status = elves_http_status_serve (&options, &callbacks, self);
}

/* ---- from start to end ---- */

static gboolean
make_apps (ElvesHeartbeat *self, GError **error)
{
  const ElvesHeartbeatConfig *config = self->config;
  gboolean asks = elves_heartbeat_config_asks_supervisor (config);

  if (asks || *config->auth_local_app_info == '\0')
    self->apps = elves_app_list_new ();
  else
    self->apps = elves_app_list_new_local (config->auth_local_app_info, error);
  if (asks)
    self->supervisor = elves_supervisor_calls_new (self->deadlines, config, self->apps);
  return self->apps != NULL;
}

static gboolean
make_beats (ElvesHeartbeat *self, GError **error)
{
  ElvesBeatsParts parts = {
    .config = self->config,
    .poller = self->poller,
    .roster = self->roster,
    .apps = self->apps,
    .registry = self->registry,
  };

  self->beats = elves_beats_new (&parts, error);
  return self->beats != NULL;
}

static gboolean
make_parts (ElvesHeartbeat *self, GError **error)
{
  const ElvesHeartbeatConfig *config = self->config;

  self->poller = elves_poller_new (error);
  if (self->poller == NULL)
    return FALSE;
  self->deadlines = elves_deadlines_new ();
  self->roster =
      elves_roster_new (config->agents_online_s * G_GINT64_CONSTANT (1000), config->agents_max);
  make_component (self);
  if (!make_apps (self, error) || !make_registry (self, error) || !make_beats (self, error))
    return FALSE;
  start_status (self);
  if (self->registry != NULL)
    watch_registry (self);
  else
    elves_component_start (self->component);
  return TRUE;
}

/**
 * elves_heartbeat_new:
 * @config: must outlive it
 * @daemon: told when requests are taken
 * @error: why it cannot start
 *
 * Returns: (transfer full): connects on its own
 */
ElvesHeartbeat *
elves_heartbeat_new (const ElvesHeartbeatConfig *config, ElvesDaemon *daemon, GError **error)
{
  g_autoptr (ElvesHeartbeat) self = g_new0 (ElvesHeartbeat, 1);

  self->config = config;
  self->daemon = daemon;
  if (!make_parts (self, error))
    return NULL;
  return g_steal_pointer (&self);
}

/**
 * elves_heartbeat_stop:
 *
 * Nothing is under way that would be lost: a request not answered comes again elsewhere.
 */
void
elves_heartbeat_stop (ElvesHeartbeat *self)
{
  g_message ("stopping");
  elves_daemon_quit (self->daemon, 0);
}

/**
 * elves_heartbeat_free:
 * @self: (nullable): perhaps half built
 */
void
elves_heartbeat_free (ElvesHeartbeat *self)
{
  if (self == NULL)
    return;
  elves_http_status_free (self->status);
  elves_beats_free (self->beats);
  elves_registry_free (self->registry);
  elves_component_free (self->component);
  elves_supervisor_calls_free (self->supervisor);
  elves_app_list_free (self->apps);
  elves_roster_free (self->roster);
  elves_deadlines_free (self->deadlines);
  elves_poller_free (self->poller);
  g_free (self);
}
