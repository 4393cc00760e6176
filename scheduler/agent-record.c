/* The content of an agent's node.
 *
 * Promises: content that cannot be read is refused, and the caller is told why: a job for that
 * agent fails at once as not registered instead of going somewhere by guess. An empty node, as a
 * foreign agent may write it, counts as "reach me at my name, at the usual port". Thousands of
 * agents say the same of their type, apps and features: each of these texts is there once. */
#include "scheduler/agent-record.h"

#include "common/error.h"
#include "common/json-writer.h"
#include "common/names.h"

#include <json-glib/json-glib.h>

#include <string.h>

/**
 * elves_agent_record_free:
 * @self: (nullable): a record
 */
void
elves_agent_record_free (ElvesAgentRecord *self)
{
  if (self == NULL)
    return;
  if (self->host != self->ip)
    g_free (self->host);
  g_free (self->ip);
  g_free (self->asset);
  g_free (self->started);
  g_clear_pointer (&self->type, g_ref_string_release);
  g_clear_pointer (&self->version, g_ref_string_release);
  g_clear_pointer (&self->apps, g_ref_string_release);
  g_clear_pointer (&self->features, g_ref_string_release);
  g_clear_pointer (&self->labels, g_ref_string_release);
  g_free (self);
}

/* ---- reading -------------------------------------------------------------------------------- */

static const char *
text_member (JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);

  if (node == NULL || json_node_get_value_type (node) != G_TYPE_STRING)
    return "";
  return json_node_get_string (node);
}

static gboolean
port_member (JsonObject *object, guint16 fallback, guint16 *out_port, GError **error)
{
  JsonNode *node = json_object_get_member (object, "port");
  gint64 port = fallback;

  if (node != NULL)
    port = json_node_get_value_type (node) == G_TYPE_INT64 ? json_node_get_int (node) : -1;
  if (port < 1 || port > G_MAXUINT16)
    {
      g_set_error (error, ELVES_ERROR, ELVES_ERROR_INVALID, "its port is not a port number");
      return FALSE;
    }
  *out_port = (guint16) port;
  return TRUE;
}

static JsonObject *
parse_content (JsonParser *parser, const guint8 *data, gsize length, GError **error)
{
  JsonNode *root;

  if (!json_parser_load_from_data (parser, (const char *) data, (gssize) length, error))
    return NULL;
  root = json_parser_get_root (parser);
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    {
      g_set_error (error, ELVES_ERROR, ELVES_ERROR_INVALID, "its content is not a JSON object");
      return NULL;
    }
  return json_node_get_object (root);
}

static void
add_text (JsonObject *object, const char *name, JsonNode *node, gpointer user_data)
{
  if (json_node_get_value_type (node) == G_TYPE_STRING)
    elves_labels_add (user_data, name, json_node_get_string (node));
}

/* Of a member that is an object of texts; anything else in it is passed over. */
static GRefString *
read_object (JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);
  g_autoptr (GString) labels = g_string_new (NULL);

  if (node != NULL && JSON_NODE_HOLDS_OBJECT (node))
    json_object_foreach_member (json_node_get_object (node), add_text, labels);
  return g_ref_string_new_intern (labels->str);
}

static void
add_name (JsonArray *array, guint index, JsonNode *node, gpointer user_data)
{
  if (json_node_get_value_type (node) == G_TYPE_STRING)
    elves_labels_add (user_data, json_node_get_string (node), "");
}

static GRefString *
read_features (JsonObject *object)
{
  JsonNode *node = json_object_get_member (object, "features");
  g_autoptr (GString) features = g_string_new (NULL);

  if (node != NULL && JSON_NODE_HOLDS_ARRAY (node))
    json_array_foreach_element (json_node_get_array (node), add_name, features);
  return g_ref_string_new_intern (features->str);
}

/**
 * elves_agent_record_has:
 * @self: a record
 * @feature: of its features
 *
 * Returns: whether the agent says that it has it.
 */
gboolean
elves_agent_record_has (const ElvesAgentRecord *self, const char *feature)
{
  ElvesLabelText value;

  return elves_labels_find (self->features, feature, &value);
}

static char *
started_member (JsonObject *object)
{
  JsonNode *node = json_object_get_member (object, "started");

  if (node != NULL && json_node_get_value_type (node) == G_TYPE_INT64)
    return g_strdup_printf ("%" G_GINT64_FORMAT, json_node_get_int (node));
  return g_strdup (text_member (object, "started"));
}

/* @object: (nullable): an empty node. */
static gboolean
fill (ElvesAgentRecord *self, JsonObject *object, GError **error)
{
  const char *host = text_member (object, "ip");

  if (!port_member (object, self->port, &self->port, error))
    return FALSE;
  self->host = *host == '\0' || g_str_equal (host, self->ip) ? self->ip : g_strdup (host);
  self->type = g_ref_string_new_intern (text_member (object, "type"));
  self->version = g_ref_string_new_intern (text_member (object, "version"));
  self->asset = g_strdup (text_member (object, "asset"));
  self->started = started_member (object);
  self->apps = read_object (object, "apps");
  self->labels = read_object (object, "labels");
  self->features = read_features (object);
  self->has_journal = elves_agent_record_has (self, "journal");
  self->takes_lists = elves_agent_record_has (self, ELVES_FEATURE_LISTS);
  return TRUE;
}

/**
 * elves_agent_record_parse:
 * @ip: the node's name
 * @default_port: of a node that names none
 * @data: its content; JSON, or nothing
 * @length: of @data, in bytes
 *
 * Returns: (transfer full): what it says; %NULL on error.
 * Errors: %ELVES_ERROR_INVALID, or those of json-glib.
 */
ElvesAgentRecord *
elves_agent_record_parse (const char *ip,
                          guint16 default_port,
                          const guint8 *data,
                          gsize length,
                          GError **error)
{
  g_autoptr (ElvesAgentRecord) self = g_new0 (ElvesAgentRecord, 1);
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  const char *content = length > 0 ? (const char *) data : "{}";
  JsonObject *object =
      parse_content (parser, (const guint8 *) content, length > 0 ? length : 2, error);

  self->ip = g_strdup (ip);
  self->port = default_port;
  if (object == NULL || !fill (self, object, error))
    return NULL;
  return g_steal_pointer (&self);
}

/* ---- answers -------------------------------------------------------------------------------- */

static gboolean
give (const char *text, ElvesLabelText *out_value)
{
  *out_value = (ElvesLabelText){ text, strlen (text) };
  return TRUE;
}

/**
 * elves_agent_record_get:
 * @record: an #ElvesAgentRecord
 * @name: as a selector has it
 * @out_value: what the agent has by it
 *
 * Returns: whether it has it.
 */
gboolean
elves_agent_record_get (gconstpointer record, const char *name, ElvesLabelText *out_value)
{
  const ElvesAgentRecord *self = record;

  if (g_str_has_prefix (name, ELVES_LABEL_APP_PREFIX))
    return elves_labels_find (self->apps, name + strlen (ELVES_LABEL_APP_PREFIX), out_value);
  if (g_str_equal (name, "ip"))
    return give (self->ip, out_value);
  if (g_str_equal (name, "version"))
    return give (self->version, out_value);
  if (g_str_equal (name, "type"))
    return give (self->type, out_value);
  return elves_labels_find (self->labels, name, out_value);
}

static void
write_features (const ElvesAgentRecord *self, GString *json)
{
  const char *position = self->features;
  ElvesLabelText name, value;

  elves_json_open_array (json, "features");
  while (elves_labels_next (&position, &name, &value))
    {
      g_autofree char *text = g_strndup (name.text, name.length);
      elves_json_add_text (json, NULL, text);
    }
  elves_json_close_array (json);
}

/**
 * elves_agent_record_write:
 * @self: a record
 * @json: one object is appended
 * @with_apps: whether there is room for its apps
 */
void
elves_agent_record_write (const ElvesAgentRecord *self, GString *json, gboolean with_apps)
{
  elves_json_open (json, NULL);
  elves_json_add_text (json, "ip", self->ip);
  elves_json_add_text (json, "asset", self->asset);
  elves_json_add_text (json, "version", self->version);
  elves_json_add_text (json, "type", self->type);
  elves_labels_write (json, "apps", with_apps ? self->apps : "");
  if (!with_apps)
    elves_json_add_text (json, "apps_left_out", "true");
  write_features (self, json);
  elves_labels_write (json, "labels", self->labels);
  elves_json_add_text (json, "started", self->started);
  elves_json_close (json);
}
