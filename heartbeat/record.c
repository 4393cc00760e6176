#include "heartbeat/record.h"

#include "common/error.h"
#include "common/json-reader.h"
#include "common/json-writer.h"

#include <string.h>

/**
 * elves_heartbeat_record_clear:
 * @self: a record, or zeros
 */
void
elves_heartbeat_record_clear (ElvesHeartbeatRecord *self)
{
  g_free (self->asset);
  g_free (self->version);
  g_free (self->apps);
  memset (self, 0, sizeof *self);
}

/* @text: (nullable); taken. What is no JSON object becomes an empty one. It is read as a member of
   another object: there is no limit to the members of that. */
static char *
object_or_empty (char *text)
{
  g_autofree char *outer = g_strdup_printf ("{\"apps\":%s}", text != NULL ? text : "{}");
  g_autoptr (ElvesJsonObject) object = elves_json_object_parse (outer, strlen (outer), NULL);
  ElvesJsonValue apps = { ELVES_JSON_ABSENT };

  g_free (text);
  if (object != NULL)
    apps = elves_json_object_get (object, "apps");
  return apps.kind == ELVES_JSON_OBJECT ? g_strndup (apps.text, apps.length) : g_strdup ("{}");
}

/* Each of @asset, @version, @apps: (transfer full) (nullable) */
static void
set (ElvesHeartbeatRecord *self,
     const char *ip,
     char *asset,
     char *version,
     char *apps,
     gint64 checked_ms)
{
  self->asset = asset != NULL ? asset : g_strdup ("");
  self->version = version != NULL ? version : g_strdup ("");
  self->apps = object_or_empty (apps);
  self->agent = (ElvesRosterAgent){ ip, self->asset, self->version, self->apps, checked_ms };
}

/**
 * elves_heartbeat_record_from_info:
 * @self: (out caller-allocates)
 * @info: what the agent sent; its ip is lent
 * @now_ms: Unix time
 */
void
elves_heartbeat_record_from_info (ElvesHeartbeatRecord *self,
                                  const ElvesAgentInfo *info,
                                  gint64 now_ms)
{
  set (self, info->ip, g_strdup (info->id), g_strdup (info->version), g_strdup (info->apps),
       now_ms);
}

/* NULL: it is neither a text nor a number. */
static char *
text_member (const ElvesJsonObject *object, const char *name)
{
  ElvesJsonValue value = elves_json_object_get (object, name);

  if (value.kind != ELVES_JSON_STRING && value.kind != ELVES_JSON_NUMBER)
    return NULL;
  return elves_json_value_to_text (value);
}

static gboolean
refuse (GError **error, const char *what)
{
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_INVALID, "its content has no %s", what);
  return FALSE;
}

/**
 * elves_heartbeat_record_from_beat:
 * @self: (out caller-allocates)
 *
 * Returns: %FALSE when @data is not the content of a beat's node
 */
gboolean
elves_heartbeat_record_from_beat (ElvesHeartbeatRecord *self,
                                  const char *ip,
                                  const guint8 *data,
                                  gsize length,
                                  GError **error)
{
  g_autoptr (ElvesJsonObject) node = elves_json_object_parse ((const char *) data, length, error);
  g_autoptr (ElvesJsonObject) agent = NULL;
  g_autofree char *time = NULL;
  ElvesJsonValue value;
  gint64 checked_ms;

  if (node == NULL)
    return FALSE;
  value = elves_json_object_get (node, "agent");
  if (value.kind != ELVES_JSON_OBJECT)
    return refuse (error, "object agent");
  agent = elves_json_object_parse (value.text, value.length, error);
  if (agent == NULL)
    return FALSE;
  time = text_member (node, "checkTime");
  if (time == NULL || !g_ascii_string_to_signed (time, 10, 0, G_MAXINT64, &checked_ms, NULL))
    return refuse (error, "number checkTime");
  set (self, ip, text_member (agent, "id"), text_member (agent, "version"),
       text_member (agent, "apps"), checked_ms);
  return TRUE;
}

/**
 * elves_heartbeat_record_from_node:
 * @self: (out caller-allocates)
 *
 * Returns: %FALSE when @data is not the content of an agent's own node
 */
gboolean
elves_heartbeat_record_from_node (ElvesHeartbeatRecord *self,
                                  const char *ip,
                                  const guint8 *data,
                                  gsize length,
                                  GError **error)
{
  g_autoptr (ElvesJsonObject) node = elves_json_object_parse ((const char *) data, length, error);
  ElvesJsonValue apps;

  if (node == NULL)
    return FALSE;
  apps = elves_json_object_get (node, "apps");
  set (self, ip, text_member (node, "asset"), text_member (node, "version"),
       apps.kind == ELVES_JSON_OBJECT ? g_strndup (apps.text, apps.length) : NULL, 0);
  return TRUE;
}

/**
 * elves_heartbeat_record_to_beat:
 * @info: what an agent sent
 * @now_ms: Unix time
 *
 * Returns: (transfer full): the content of its node
 */
GBytes *
elves_heartbeat_record_to_beat (const ElvesAgentInfo *info, gint64 now_ms)
{
  GString *out = g_string_new (NULL);

  elves_json_open (out, NULL);
  elves_json_add_number (out, "checkTime", now_ms);
  elves_json_open (out, "agent");
  elves_json_add_text (out, "id", info->id);
  elves_json_add_text (out, "ip", info->ip);
  elves_json_add_text (out, "version", info->version);
  elves_json_add_text (out, "apps", info->apps);
  elves_json_close (out);
  elves_json_close (out);
  return g_string_free_to_bytes (out);
}
