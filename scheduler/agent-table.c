/* The table of registered agents: a look-up is a hash look-up, never a round trip.
 *
 * Promises: content that cannot be read leaves the agent out (and the caller is told why): a job
 * for it fails at once as not registered instead of going somewhere by guess. An empty node, as a
 * foreign agent may write it, counts as "reach me at my name, at the usual port". */
#include "scheduler/agent-table.h"

#include "common/error.h"
#include "common/names.h"

#include <json-glib/json-glib.h>

struct ElvesAgentTable
{
  GHashTable *records; /* ip -> ElvesAgentRecord */
  guint16 default_port;
};

static void
record_free (gpointer data)
{
  ElvesAgentRecord *record = data;

  if (record->host != record->ip)
    g_free (record->host);
  g_free (record->ip);
  g_clear_pointer (&record->type, g_ref_string_release);
  g_clear_pointer (&record->version, g_ref_string_release);
  g_free (record);
}

/**
 * elves_agent_table_new:
 * @default_port: for nodes that name no port.
 *
 * Returns: (transfer full): an empty table.
 */
ElvesAgentTable *
elves_agent_table_new (guint16 default_port)
{
  ElvesAgentTable *self = g_new0 (ElvesAgentTable, 1);

  self->records = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, record_free);
  self->default_port = default_port;
  return self;
}

/**
 * elves_agent_table_free:
 * @self: (nullable): the table.
 */
void
elves_agent_table_free (ElvesAgentTable *self)
{
  if (self == NULL)
    return;

  g_hash_table_unref (self->records);
  g_free (self);
}

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

static gboolean
has_feature (JsonObject *object, const char *feature)
{
  JsonNode *node = json_object_get_member (object, "features");
  JsonArray *features;

  if (node == NULL || !JSON_NODE_HOLDS_ARRAY (node))
    return FALSE;
  features = json_node_get_array (node);
  for (guint i = 0; i < json_array_get_length (features); i++)
    {
      JsonNode *element = json_array_get_element (features, i);

      if (json_node_get_value_type (element) == G_TYPE_STRING &&
          g_str_equal (json_node_get_string (element), feature))
        return TRUE;
    }
  return FALSE;
}

/* Thousands of agents are at their own name, of the same type and version: each of these texts is
   there once. */
static void
fill_texts (ElvesAgentRecord *record, const char *host, const char *type, const char *version)
{
  gboolean is_at_name = *host == '\0' || g_str_equal (host, record->ip);

  record->host = is_at_name ? record->ip : g_strdup (host);
  record->type = g_ref_string_new_intern (type);
  record->version = g_ref_string_new_intern (version);
}

static gboolean
fill_record (ElvesAgentRecord *record, const guint8 *data, gsize length, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  JsonObject *object;

  if (length == 0)
    {
      fill_texts (record, "", "", "");
      return TRUE;
    }

  object = parse_content (parser, data, length, error);
  if (object == NULL || !port_member (object, record->port, &record->port, error))
    return FALSE;
  fill_texts (record, text_member (object, "ip"), text_member (object, "type"),
              text_member (object, "version"));
  record->has_journal = has_feature (object, "journal");
  record->takes_lists = has_feature (object, ELVES_FEATURE_LISTS);
  return TRUE;
}

/**
 * elves_agent_table_set:
 * @self: the table.
 * @ip: the node's name.
 * @data: its content; JSON, or nothing.
 * @length: of @data, in bytes.
 * @error: why it was left out.
 *
 * Adds an agent, or replaces what is known of it.
 *
 * Returns: FALSE when the content cannot be used; the agent is then not in the table.
 */
gboolean
elves_agent_table_set (ElvesAgentTable *self,
                       const char *ip,
                       const guint8 *data,
                       gsize length,
                       GError **error)
{
  ElvesAgentRecord *record = g_new0 (ElvesAgentRecord, 1);

  record->ip = g_strdup (ip);
  record->port = self->default_port;
  if (!fill_record (record, data, length, error))
    {
      record_free (record);
      elves_agent_table_remove (self, ip);
      return FALSE;
    }
  g_hash_table_replace (self->records, record->ip, record);
  return TRUE;
}

/**
 * elves_agent_table_remove:
 * @self: the table.
 * @ip: the node's name; one that is not there is fine.
 */
void
elves_agent_table_remove (ElvesAgentTable *self, const char *ip)
{
  g_hash_table_remove (self->records, ip);
}

/**
 * elves_agent_table_lookup:
 * @self: the table.
 * @ip: as a job names it.
 *
 * Returns: (nullable): what is known of the agent, until the table changes.
 */
const ElvesAgentRecord *
elves_agent_table_lookup (ElvesAgentTable *self, const char *ip)
{
  return g_hash_table_lookup (self->records, ip);
}

/**
 * elves_agent_table_draw:
 * @self: the table.
 * @type: what the agent must have said it is.
 *
 * Returns: (nullable): one of them, each as likely as the others, until the table changes.
 */
const ElvesAgentRecord *
elves_agent_table_draw (ElvesAgentTable *self, const char *type)
{
  const ElvesAgentRecord *drawn = NULL;
  GHashTableIter iter;
  gpointer value;
  gint32 seen = 0;

  g_hash_table_iter_init (&iter, self->records);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (g_str_equal (((ElvesAgentRecord *) value)->type, type) &&
        g_random_int_range (0, ++seen) == 0)
      drawn = value;
  return drawn;
}

/**
 * elves_agent_table_size:
 * @self: the table.
 *
 * Returns: how many agents are registered.
 */
guint
elves_agent_table_size (ElvesAgentTable *self)
{
  return g_hash_table_size (self->records);
}

/**
 * elves_agent_table_journals:
 * @self: the table.
 *
 * Returns: how many of them keep a journal; takes time that grows with their number.
 */
guint
elves_agent_table_journals (ElvesAgentTable *self)
{
  GHashTableIter iter;
  gpointer record;
  guint count = 0;

  g_hash_table_iter_init (&iter, self->records);
  while (g_hash_table_iter_next (&iter, NULL, &record))
    count += ((ElvesAgentRecord *) record)->has_journal ? 1 : 0;
  return count;
}
