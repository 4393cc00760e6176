/* What a task's owner may say in headers: names of letters, values without line ends. What frames a
   message or keeps the connection is libsoup's business: such names are refused. */
#include "cron/caller-headers.h"

#include <json-glib/json-glib.h>
#include <string.h>

static JsonObject *
parse_headers (const char *text, JsonParser *parser)
{
  JsonNode *root;
  if (!json_parser_load_from_data (parser, text, -1, NULL))
    return NULL;
  root = json_parser_get_root (parser);
  return root != NULL && JSON_NODE_HOLDS_OBJECT (root) ? json_node_get_object (root) : NULL;
}

static gboolean
is_framing (const char *name)
{
  static const char *const names[] = {
    "connection",        "content-length",   "expect",     "te",     "trailer",
    "transfer-encoding", "proxy-connection", "keep-alive", "upgrade"
  };
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    if (g_ascii_strcasecmp (name, names[i]) == 0)
      return TRUE;
  return FALSE;
}

static gboolean
is_header (const char *name, JsonNode *node)
{
  const char *value = JSON_NODE_HOLDS_VALUE (node) ? json_node_get_string (node) : NULL;
  return value != NULL && *name != '\0' &&
         strspn (name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") ==
             strlen (name) &&
         strpbrk (value, "\r\n") == NULL && !is_framing (name);
}

gboolean
elves_cron_headers_check (const char *text)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonObject *object = *text != '\0' ? parse_headers (text, parser) : NULL;
  JsonObjectIter iter;
  const char *name;
  JsonNode *node;
  if (object == NULL)
    return *text == '\0';
  json_object_iter_init (&iter, object);
  while (json_object_iter_next (&iter, &name, &node))
    if (!is_header (name, node))
      return FALSE;
  return TRUE;
}

void
elves_cron_headers_add (const char *text, SoupMessageHeaders *headers)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonObject *object = *text != '\0' ? parse_headers (text, parser) : NULL;
  JsonObjectIter iter;
  const char *name;
  JsonNode *node;
  if (object == NULL)
    return;
  json_object_iter_init (&iter, object);
  while (json_object_iter_next (&iter, &name, &node))
    if (is_header (name, node))
      soup_message_headers_replace (headers, name, json_node_get_string (node));
}
