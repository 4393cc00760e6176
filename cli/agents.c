/* elvesctl agents: who is registered in ZooKeeper, as a table. */
#include "cli/command.h"
#include "cli/print.h"
#include "cli/settings.h"
#include "common/error.h"
#include "common/names.h"

#include <stdio.h>
#include <zookeeper/zookeeper.h>

enum
{
  CONTENT_LIMIT = 1 << 20, /* bytes: ZooKeeper's own limit of a node */
  PATIENCE_MS = 3000       /* for the connection: somebody sits there and waits */
};

/* --- ZooKeeper ------------------------------------------------------------------------------- */

typedef struct
{
  GMutex mutex;
  GCond changed;
  int state;
} Session;

static void
on_session (zhandle_t *handle, int type, int state, const char *path, void *context)
{
  Session *session = context;

  g_mutex_lock (&session->mutex);
  if (type == ZOO_SESSION_EVENT)
    session->state = state;
  g_cond_signal (&session->changed);
  g_mutex_unlock (&session->mutex);
}

static gboolean
wait_until_connected (Session *session, guint timeout_ms)
{
  gint64 deadline_us = g_get_monotonic_time () + timeout_ms * G_GINT64_CONSTANT (1000);
  gboolean in_time = TRUE;
  gboolean connected;

  g_mutex_lock (&session->mutex);
  while (session->state != ZOO_CONNECTED_STATE && in_time)
    in_time = g_cond_wait_until (&session->changed, &session->mutex, deadline_us);
  connected = session->state == ZOO_CONNECTED_STATE;
  g_mutex_unlock (&session->mutex);
  return connected;
}

/* "a,b:1" -> "a:2181,b:1" */
static char *
with_ports (const char *hosts)
{
  g_auto (GStrv) list = g_strsplit (hosts, ",", -1);

  for (char **host = list; *host != NULL; host++)
    {
      g_autofree char *name = g_strdup (g_strstrip (*host));

      g_free (*host);
      *host =
          strchr (name, ':') != NULL ? g_steal_pointer (&name) : g_strdup_printf ("%s:2181", name);
    }
  return g_strjoinv (",", list);
}

static zhandle_t *
connect_to (const ElvesCliSettings *settings, Session *session, GError **error)
{
  g_autofree char *hosts = with_ports (settings->zookeeper_host);
  zhandle_t *handle;

  zoo_set_debug_level ((ZooLogLevel) 0);
  handle =
      zookeeper_init (hosts, on_session, (int) settings->zookeeper_session_ms, NULL, session, 0);
  if (handle != NULL && wait_until_connected (session, PATIENCE_MS))
    return handle;
  if (handle != NULL)
    zookeeper_close (handle);
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE,
               "cannot reach ZooKeeper at %s within %d ms: is it running, is zookeeper.host right?",
               hosts, PATIENCE_MS);
  return NULL;
}

/* --- reading --------------------------------------------------------------------------------- */

/* The content of one node as an object; what is no JSON object: an empty one. */
static JsonNode *
read_agent (zhandle_t *handle, const char *path)
{
  g_autofree char *content = g_malloc (CONTENT_LIMIT + 1);
  int length = CONTENT_LIMIT;
  JsonNode *node = NULL;

  if (zoo_get (handle, path, 0, content, &length, NULL) != ZOK)
    return NULL; /* it has just gone */
  if (length > 0)
    {
      content[length] = '\0';
      node = json_from_string (content, NULL);
    }
  if (node != NULL && JSON_NODE_HOLDS_OBJECT (node))
    return node;
  g_clear_pointer (&node, json_node_unref);
  node = json_node_alloc ();
  json_node_init_object (node, json_object_new ());
  json_object_unref (json_node_get_object (node));
  return node;
}

static void
add_agent (JsonArray *agents, zhandle_t *handle, const char *parent, const char *name)
{
  g_autofree char *path = g_strdup_printf ("%s/%s", parent, name);
  JsonNode *agent = read_agent (handle, path);

  if (agent == NULL)
    return;
  json_object_set_string_member (json_node_get_object (agent), "name", name);
  json_array_add_element (agents, agent);
}

static int
compare_names (const void *a, const void *b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

static JsonNode *
read_agents (zhandle_t *handle, const ElvesCliSettings *settings, GError **error)
{
  g_autofree char *parent = g_strdup_printf ("%s/%s", settings->zookeeper_root, ELVES_ZNODE_AGENTS);
  g_autoptr (JsonArray) agents = json_array_new ();
  struct String_vector names = { 0 };
  int status = zoo_get_children (handle, parent, 0, &names);
  JsonNode *node;

  if (status != ZOK && status != ZNONODE)
    {
      g_set_error (error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE, "cannot read %s: %s", parent,
                   zerror (status));
      return NULL;
    }
  if (names.count > 0)
    qsort (names.data, (size_t) names.count, sizeof *names.data, compare_names);
  for (int i = 0; i < names.count; i++)
    add_agent (agents, handle, parent, names.data[i]);
  deallocate_String_vector (&names);
  node = json_node_alloc ();
  json_node_init_array (node, agents);
  return node;
}

/* --- printing -------------------------------------------------------------------------------- */

static const char *
text_of (JsonObject *agent, const char *name)
{
  JsonNode *node = json_object_get_member (agent, name);

  return node != NULL && json_node_get_value_type (node) == G_TYPE_STRING
             ? json_node_get_string (node)
             : "";
}

static char *
apps_of (JsonObject *agent)
{
  JsonNode *node = json_object_get_member (agent, "apps");
  GString *text = g_string_new (NULL);
  JsonObjectIter iter;
  const char *name;
  JsonNode *version;

  if (node == NULL || !JSON_NODE_HOLDS_OBJECT (node))
    return g_string_free (text, FALSE);
  json_object_iter_init (&iter, json_node_get_object (node));
  while (json_object_iter_next (&iter, &name, &version))
    {
      g_string_append_printf (text, "%s%s", text->len > 0 ? " " : "", name);
      if (json_node_get_value_type (version) == G_TYPE_STRING &&
          *json_node_get_string (version) != '\0')
        g_string_append_printf (text, "=%s", json_node_get_string (version));
    }
  return g_string_free (text, FALSE);
}

/* What is promised to the jobs of an agent. */
static const char *
guarantee_of (JsonObject *agent)
{
  JsonNode *node = json_object_get_member (agent, "features");
  JsonArray *features;

  if (node == NULL || !JSON_NODE_HOLDS_ARRAY (node))
    return "at-most-once";
  features = json_node_get_array (node);
  for (guint i = 0; i < json_array_get_length (features); i++)
    {
      JsonNode *feature = json_array_get_element (features, i);

      if (json_node_get_value_type (feature) == G_TYPE_STRING &&
          g_str_equal (json_node_get_string (feature), "journal"))
        return "journal";
    }
  return "at-most-once";
}

static void
print_row (JsonArray *agents, guint index, JsonNode *element, gpointer user_data)
{
  JsonObject *agent = json_node_get_object (element);
  gint64 port = json_object_get_int_member_with_default (agent, "port", 0);
  g_autofree char *address = g_strdup_printf ("%s:%" G_GINT64_FORMAT, text_of (agent, "ip"), port);
  g_autofree char *apps = apps_of (agent);

  printf ("%-16s %-22s %-16s %-8s %-8s %-13s %-25s %s\n", text_of (agent, "name"), address,
          text_of (agent, "asset"), text_of (agent, "type"), text_of (agent, "version"),
          guarantee_of (agent), text_of (agent, "started"), apps);
}

static void
print_table (JsonNode *agents)
{
  JsonArray *array = json_node_get_array (agents);

  if (json_array_get_length (array) == 0)
    {
      fputs ("elvesctl: no agent is registered\n", stderr);
      return;
    }
  printf ("%-16s %-22s %-16s %-8s %-8s %-13s %-25s %s\n", "AGENT", "ADDRESS", "ASSET", "TYPE",
          "VERSION", "GUARANTEE", "STARTED", "APPS");
  json_array_foreach_element (array, print_row, NULL);
}

static gboolean
parse_arguments (int argc, char **argv, gboolean *json, GError **error)
{
  GOptionEntry entries[] = {
    { "json", 'j', 0, G_OPTION_ARG_NONE, json, "Print what the agents registered, as JSON", NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);

  g_option_context_set_summary (context, "Lists the agents that are registered in ZooKeeper.");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, error))
    return FALSE;
  if (argc == 1)
    return TRUE;
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG, "agents takes no argument");
  return FALSE;
}

/**
 * elves_cli_agents:
 * @context: where ZooKeeper is.
 * @argc: number of arguments.
 * @argv: "agents", then the command's own.
 * @error: what went wrong.
 *
 * Returns: the exit status, or -1 with @error set.
 */
int
elves_cli_agents (const ElvesCliContext *context, int argc, char **argv, GError **error)
{
  g_auto (ElvesCliSettings) settings = { 0 };
  g_autoptr (JsonNode) agents = NULL;
  Session session = { 0 };
  gboolean json = FALSE;
  zhandle_t *handle;

  if (!parse_arguments (argc, argv, &json, error) ||
      !elves_cli_settings_load (&settings, context, error))
    return -1;
  handle = connect_to (&settings, &session, error);
  if (handle == NULL)
    return -1;
  agents = read_agents (handle, &settings, error);
  zookeeper_close (handle);
  if (agents == NULL)
    return -1;
  if (json)
    elves_print_json (agents);
  else
    print_table (agents);
  return ELVES_EXIT_SUCCESS;
}
