#include "heartbeat/app-list.h"

#include "common/error.h"
#include "common/json-writer.h"

#include <json-glib/json-glib.h>
#include <string.h>

struct ElvesAppList
{
  gboolean is_known;
  char *local;       /* (nullable) one JSON object, for every ip */
  GHashTable *by_ip; /* ip -> GString: one JSON object, not closed yet */
};

static void
string_free (gpointer data)
{
  g_string_free (data, TRUE);
}

static GHashTable *
empty_table (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, string_free);
}

/**
 * elves_app_list_new:
 *
 * Returns: (transfer full): a list that knows nothing yet
 */
ElvesAppList *
elves_app_list_new (void)
{
  ElvesAppList *self = g_new0 (ElvesAppList, 1);

  self->by_ip = empty_table ();
  return self;
}

/**
 * elves_app_list_new_local:
 * @text: the value of auth.localAppInfo
 *
 * Returns: (transfer full): the same apps for every ip; %NULL with @error
 */
ElvesAppList *
elves_app_list_new_local (const char *text, GError **error)
{
  g_autofree char *strict = g_strdup (text);
  g_autoptr (ElvesJsonObject) object = NULL;
  g_autoptr (GError) cause = NULL;
  ElvesAppList *self;

  if (strchr (strict, '"') == NULL)
    g_strdelimit (strict, "'", '"');
  object = elves_json_object_parse (strict, strlen (strict), &cause);
  if (object == NULL)
    {
      g_set_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG,
                   "auth.localAppInfo: expected {'app':'version',...}: %s", cause->message);
      return NULL;
    }
  self = elves_app_list_new ();
  self->is_known = TRUE;
  self->local = g_steal_pointer (&strict);
  return self;
}

/**
 * elves_app_list_free:
 * @self: (nullable): the list
 */
void
elves_app_list_free (ElvesAppList *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->by_ip);
  g_free (self->local);
  g_free (self);
}

/* NULL: it is none, or not a text. */
static const char *
text_member (JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);

  if (node == NULL || json_node_get_value_type (node) != G_TYPE_STRING)
    return NULL;
  return json_node_get_string (node);
}

static void
add_app (GHashTable *by_ip, const char *ip, const char *app, const char *version)
{
  GString *apps = g_hash_table_lookup (by_ip, ip);

  if (apps == NULL)
    {
      apps = g_string_new (NULL);
      elves_json_open (apps, NULL);
      g_hash_table_insert (by_ip, g_strdup (ip), apps);
    }
  elves_json_add_text (apps, app, version);
}

/* It becomes the name of a member as it is. */
static gboolean
is_plain (const char *name)
{
  for (const char *at = name; *at != '\0'; at++)
    if (!g_ascii_isalnum (*at) && strchr ("._-+@", *at) == NULL)
      return FALSE;
  return *name != '\0';
}

/* An app without a version is not to be run anywhere. */
static gboolean
add_entry (GHashTable *by_ip, JsonNode *node)
{
  JsonObject *object = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  const char *app = object != NULL ? text_member (object, "app") : NULL;
  const char *version = object != NULL ? text_member (object, "version") : NULL;
  JsonNode *ips = object != NULL ? json_object_get_member (object, "agentList") : NULL;
  JsonArray *array;

  if (app == NULL || !is_plain (app) || ips == NULL || !JSON_NODE_HOLDS_ARRAY (ips))
    return FALSE;
  array = json_node_get_array (ips);
  for (guint i = 0; version != NULL && *version != '\0' && i < json_array_get_length (array); i++)
    {
      JsonNode *ip = json_array_get_element (array, i);
      if (json_node_get_value_type (ip) == G_TYPE_STRING)
        add_app (by_ip, json_node_get_string (ip), app, version);
    }
  return TRUE;
}

/**
 * elves_app_list_replace:
 * @result: the member of that name in appAuthInfo's answer or in updateAppInfo; checked by
 *   elves_json_object_parse(), so that its nesting is bounded
 *
 * Returns: %FALSE with @error, and nothing has changed
 */
gboolean
elves_app_list_replace (ElvesAppList *self, ElvesJsonValue result, GError **error)
{
  g_autoptr (GHashTable) by_ip = empty_table ();
  g_autofree char *text = g_strndup (result.text, result.length);
  g_autoptr (JsonNode) root =
      result.kind == ELVES_JSON_ARRAY ? json_from_string (text, NULL) : NULL;
  JsonArray *entries =
      root != NULL && JSON_NODE_HOLDS_ARRAY (root) ? json_node_get_array (root) : NULL;

  for (guint i = 0; entries != NULL && i < json_array_get_length (entries); i++)
    if (!add_entry (by_ip, json_array_get_element (entries, i)))
      entries = NULL;
  if (entries == NULL)
    {
      g_set_error_literal (error, ELVES_ERROR, ELVES_ERROR_PROTOCOL,
                           "result is not a list of {\"app\",\"version\",\"agentList\":[ip]}");
      return FALSE;
    }
  g_hash_table_unref (self->by_ip);
  self->by_ip = g_steal_pointer (&by_ip);
  self->is_known = TRUE;
  return TRUE;
}

/**
 * elves_app_list_answer:
 * @ip: of the agent that beats
 *
 * Returns: (transfer full): the text that it is answered
 */
char *
elves_app_list_answer (const ElvesAppList *self, const char *ip)
{
  const GString *apps = g_hash_table_lookup (self->by_ip, ip);

  if (!self->is_known)
    return g_strdup ("{}");
  if (self->local != NULL)
    return g_strdup_printf ("{\"data\":%s}", self->local);
  return g_strdup_printf ("{\"data\":%s}}", apps != NULL ? apps->str : "{");
}
