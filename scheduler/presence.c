/* The scheduler's side of the registry.
 *
 * The table of agents follows their nodes; while there is no connection it keeps what it last knew.
 * Our own node stands for as long as our session, and is made again with the next one. */
#include "scheduler/presence.h"

#include "common/names.h"
#include "common/registry.h"
#include "scheduler/metrics.h"

#include <json-glib/json-glib.h>

struct ElvesPresence
{
  ElvesPresenceParts parts;
  ElvesRegistry *registry;
};

/* --- the agents ------------------------------------------------------------------------------ */

static void
on_agent_set (ElvesRegistryTable *table,
              const char *name,
              const guint8 *data,
              gsize length,
              gpointer user_data)
{
  ElvesPresence *self = user_data;
  g_autoptr (GError) error = NULL;

  if (!elves_agent_table_set (self->parts.agents, name, data, length, &error))
    g_warning ("an agent is left out: %s agent=%s", error->message, name);
  else
    g_debug ("registered agent=%s", name);
}

static void
on_agent_gone (ElvesRegistryTable *table, const char *name, gpointer user_data)
{
  ElvesPresence *self = user_data;

  elves_agent_table_remove (self->parts.agents, name);
  g_debug ("no longer registered agent=%s", name);
}

static void
on_agents_complete (ElvesRegistryTable *table, gpointer user_data)
{
  ElvesPresence *self = user_data;

  g_message ("the table of agents is complete agents=%u",
             elves_agent_table_size (self->parts.agents));
  self->parts.complete (self->parts.user_data);
}

static const ElvesRegistryTableCallbacks table_callbacks = { on_agent_set, on_agent_gone,
                                                             on_agents_complete };

/* --- we -------------------------------------------------------------------------------------- */

static void
on_registry_state (ElvesRegistry *registry,
                   gboolean connected,
                   const char *detail,
                   gpointer user_data)
{
  elves_scheduler_metrics.registered = connected;
  elves_scheduler_metrics.registry_connects += connected ? 1 : 0;
  if (connected)
    g_message ("connected to ZooKeeper");
  else
    g_warning ("not connected to ZooKeeper: %s", detail != NULL ? detail : "no answer yet");
}

static const ElvesRegistryCallbacks registry_callbacks = { on_registry_state };

/* What other components and agents read of us: design.md section 4. */
static GBytes *
znode_content (const ElvesPresenceParts *parts)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree char *started = g_date_time_format_iso8601 (now);
  char *text;

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "host");
  json_builder_add_string_value (builder, elves_scheduler_config_advertised_host (parts->config));
  json_builder_set_member_name (builder, "port");
  json_builder_add_int_value (builder, parts->port);
  json_builder_set_member_name (builder, "version");
  json_builder_add_string_value (builder, ELVES_VERSION);
  json_builder_set_member_name (builder, "started");
  json_builder_add_string_value (builder, started);
  json_builder_set_member_name (builder, "features");
  json_builder_begin_array (builder);
  json_builder_add_string_value (builder, ELVES_FEATURE_LISTS);
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  text = json_to_string (root, FALSE);
  return g_bytes_new_take (text, strlen (text));
}

/* --- from start to end ----------------------------------------------------------------------- */

static gboolean
connect_registry (ElvesPresence *self, GError **error)
{
  const ElvesSchedulerConfig *config = self->parts.config;
  ElvesRegistrySettings settings = {
    .hosts = config->zookeeper_host,
    .root = config->zookeeper_root,
    .session_timeout_ms = config->zookeeper_session_ms,
    .retry_first_ms = config->retry_first_ms,
    .retry_cap_ms = config->retry_cap_ms,
  };
  g_autoptr (GBytes) content = znode_content (&self->parts);

  self->registry = elves_registry_new (&settings, &registry_callbacks, self, error);
  if (self->registry == NULL)
    return FALSE;
  elves_registry_announce (self->registry, ELVES_ZNODE_SCHEDULERS "/", TRUE, content, NULL, NULL);
  elves_registry_watch (self->registry, ELVES_ZNODE_AGENTS, &table_callbacks, self);
  return TRUE;
}

/**
 * elves_presence_new:
 * @parts: what it needs; copied.
 * @error: why there is no registry to talk to: what is configured cannot be one.
 *
 * Returns: (transfer full): registers this scheduler and fills the table of agents, as soon as it
 * is connected and from then on.
 */
ElvesPresence *
elves_presence_new (const ElvesPresenceParts *parts, GError **error)
{
  g_autoptr (ElvesPresence) self = g_new0 (ElvesPresence, 1);

  self->parts = *parts;
  if (!connect_registry (self, error))
    return NULL;
  return g_steal_pointer (&self);
}

/**
 * elves_presence_free:
 * @self: (nullable): the registry's side.
 */
void
elves_presence_free (ElvesPresence *self)
{
  if (self == NULL)
    return;

  elves_registry_free (self->registry);
  g_free (self);
}
