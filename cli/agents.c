/* elvesctl agents: who is registered in ZooKeeper, as a table. */
#include "cli/command.h"
#include "cli/print.h"
#include "cli/registry.h"
#include "common/error.h"
#include "common/selector.h"

#include <stdio.h>
#include <string.h>

/* --- reading --------------------------------------------------------------------------------- */

/* The content of one node as an object; what is no JSON object: an empty one. */
static JsonNode *
read_agent (ElvesCliRegistry *registry, const char *name)
{
  g_autofree char *content = elves_cli_registry_read (registry, name);
  JsonNode *node = NULL;

  if (content == NULL)
    return NULL; /* it has just gone */
  if (*content != '\0')
    node = json_from_string (content, NULL);
  if (node != NULL && JSON_NODE_HOLDS_OBJECT (node))
    return node;
  g_clear_pointer (&node, json_node_unref);
  node = json_node_alloc ();
  json_node_init_object (node, json_object_new ());
  json_object_unref (json_node_get_object (node));
  return node;
}

static const char *
text_of (JsonObject *object, const char *name)
{
  JsonNode *node = object != NULL ? json_object_get_member (object, name) : NULL;

  return node != NULL && json_node_get_value_type (node) == G_TYPE_STRING
             ? json_node_get_string (node)
             : NULL;
}

static const char *
shown (JsonObject *agent, const char *name)
{
  const char *text = text_of (agent, name);

  return text != NULL ? text : "";
}

static JsonObject *
object_of (JsonObject *agent, const char *name)
{
  JsonNode *node = json_object_get_member (agent, name);

  return node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

/* As scheduler/agent-record has it. */
static gboolean
get_value (gconstpointer subject, const char *name, ElvesLabelText *out_value)
{
  JsonObject *agent = (JsonObject *) subject;
  const char *text;

  if (g_str_has_prefix (name, ELVES_LABEL_APP_PREFIX))
    text = text_of (object_of (agent, "apps"), name + strlen (ELVES_LABEL_APP_PREFIX));
  else if (g_str_equal (name, "ip"))
    text = text_of (agent, "name");
  else if (g_str_equal (name, "version") || g_str_equal (name, "type"))
    text = shown (agent, name);
  else
    text = text_of (object_of (agent, "labels"), name);
  if (text != NULL)
    *out_value = (ElvesLabelText){ text, strlen (text) };
  return text != NULL;
}

static void
add_agent (JsonArray *agents,
           ElvesCliRegistry *registry,
           const char *name,
           const ElvesSelector *selector)
{
  g_autoptr (JsonNode) agent = read_agent (registry, name);

  if (agent == NULL)
    return;
  json_object_set_string_member (json_node_get_object (agent), "name", name);
  if (elves_selector_matches (selector, get_value, json_node_get_object (agent)))
    json_array_add_element (agents, g_steal_pointer (&agent));
}

static JsonNode *
read_agents (ElvesCliRegistry *registry, const ElvesSelector *selector, GError **error)
{
  g_autoptr (GPtrArray) names = elves_cli_registry_agents (registry, error);
  g_autoptr (JsonArray) agents = json_array_new ();
  JsonNode *node;

  if (names == NULL)
    return NULL;
  for (guint i = 0; i < names->len; i++)
    add_agent (agents, registry, names->pdata[i], selector);
  node = json_node_alloc ();
  json_node_init_array (node, agents);
  return node;
}

/* --- printing -------------------------------------------------------------------------------- */

/* Of an object of texts: NAME=TEXT, or NAME alone. */
static char *
pairs_of (JsonObject *agent, const char *member)
{
  JsonObject *object = object_of (agent, member);
  GString *text = g_string_new (NULL);
  JsonObjectIter iter;
  const char *name;

  if (object == NULL)
    return g_string_free (text, FALSE);
  json_object_iter_init (&iter, object);
  while (json_object_iter_next (&iter, &name, NULL))
    {
      const char *value = shown (object, name);

      g_string_append_printf (text, "%s%s", text->len > 0 ? " " : "", name);
      if (*value != '\0')
        g_string_append_printf (text, "=%s", value);
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
  g_autofree char *address = g_strdup_printf ("%s:%" G_GINT64_FORMAT, shown (agent, "ip"), port);
  g_autofree char *apps = pairs_of (agent, "apps"), *labels = pairs_of (agent, "labels");

  printf ("%-16s %-22s %-16s %-8s %-8s %-13s %-25s %s%s%s\n", shown (agent, "name"), address,
          shown (agent, "asset"), shown (agent, "type"), shown (agent, "version"),
          guarantee_of (agent), shown (agent, "started"), apps, *labels != '\0' ? " | " : "",
          labels);
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
          "VERSION", "GUARANTEE", "STARTED", "APPS | LABELS");
  json_array_foreach_element (array, print_row, NULL);
}

static gboolean
parse_arguments (int argc, char **argv, gboolean *json, char **selector, GError **error)
{
  GOptionEntry entries[] = {
    { "selector", 'l', 0, G_OPTION_ARG_STRING, selector,
      "Only those that this label expression selects", "EXPR" },
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
  g_autoptr (ElvesCliRegistry) registry = NULL;
  g_autoptr (ElvesSelector) selector = NULL;
  g_autofree char *expression = NULL;
  gboolean json = FALSE;

  if (!parse_arguments (argc, argv, &json, &expression, error))
    return -1;
  selector = elves_selector_parse (expression != NULL ? expression : "", error);
  if (selector == NULL)
    {
      g_prefix_error (error, "--selector: ");
      return -1;
    }
  if (!elves_cli_settings_load (&settings, context, error))
    return -1;
  registry = elves_cli_registry_open (&settings, error);
  if (registry == NULL)
    return -1;
  agents = read_agents (registry, selector, error);
  if (agents == NULL)
    return -1;
  if (json)
    elves_print_json (agents);
  else
    print_table (agents);
  return ELVES_EXIT_SUCCESS;
}
