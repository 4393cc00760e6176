/* Reading answers without trusting their shape. */
#include "cli/members.h"

static JsonNode *
member (JsonObject *object, const char *name)
{
  return object != NULL ? json_object_get_member (object, name) : NULL;
}

/**
 * elves_cli_object:
 * @object: (nullable): where to look
 * @name: of the member
 *
 * Returns: (transfer none) (nullable): the object of that name.
 */
JsonObject *
elves_cli_object (JsonObject *object, const char *name)
{
  JsonNode *node = member (object, name);

  return node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

/**
 * elves_cli_array:
 * @object: (nullable): where to look
 * @name: of the member
 *
 * Returns: (transfer none) (nullable): the array of that name.
 */
JsonArray *
elves_cli_array (JsonObject *object, const char *name)
{
  JsonNode *node = member (object, name);

  return node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
}

/**
 * elves_cli_text:
 * @object: (nullable): where to look
 * @name: of the member
 *
 * Returns: (transfer none): the text of that name, or "".
 */
const char *
elves_cli_text (JsonObject *object, const char *name)
{
  JsonNode *node = member (object, name);

  if (node == NULL || json_node_get_value_type (node) != G_TYPE_STRING)
    return "";
  return json_node_get_string (node);
}

/**
 * elves_cli_number:
 * @object: (nullable): where to look
 * @name: of the member
 *
 * Returns: the number of that name, or of the text of that name, or 0.
 */
gint64
elves_cli_number (JsonObject *object, const char *name)
{
  JsonNode *node = member (object, name);

  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node))
    return 0;
  return json_node_get_value_type (node) == G_TYPE_STRING
             ? g_ascii_strtoll (json_node_get_string (node), NULL, 10)
             : json_node_get_int (node);
}
