/* The keys of the original's clients, and some of our own. Where the original had RocketMQ in mind:
 * an instance is a virtual host, the access key a user, the topic an exchange. */
#include "client/settings.h"

#include <string.h>

#define DEFAULT_PORT 5672
#define NAME_LIMIT_BYTES 100 /* names of queues are made of two of them, and have 255 bytes */
#define DELAY_LIMIT_MS (7 * 24 * 3600 * 1000u)

/* Of RocketMQ. */
#define DEFAULT_DELAYS "10s,30s,1m,2m,3m,4m,5m,6m,7m,8m,9m,10m,20m,30m,1h,2h"

static gboolean
fail (GError **error, const char *key, const char *expected)
{
  g_set_error (error, ELVES_CONSUMER_ERROR, ELVES_CONSUMER_ERROR_INVALID, "%s: expected %s", key,
               expected);
  return FALSE;
}

/* ---- values --------------------------------------------------------------------------------- */

static gboolean
set_text (char **field, const char *value)
{
  g_free (*field);
  *field = g_strdup (value);
  return TRUE;
}

static gboolean
set_name (char **field, const char *key, const char *value, GError **error)
{
  if (*value == '\0' || strlen (value) > NAME_LIMIT_BYTES || !g_utf8_validate (value, -1, NULL))
    return fail (error, key, "a name of 1 to 100 bytes");
  return set_text (field, value);
}

static gboolean
set_number (guint *field, const char *key, const char *value, guint min, guint max, GError **error)
{
  guint64 number;

  if (!g_ascii_string_to_unsigned (value, 10, min, max, &number, NULL))
    {
      g_autofree char *expected = g_strdup_printf ("a number from %u to %u", min, max);
      return fail (error, key, expected);
    }
  *field = (guint) number;
  return TRUE;
}

/* "10.0.0.1", "broker:5672", "[::1]:5672" */
static gboolean
parse_server (const char *text, ElvesClientServer *out)
{
  gboolean in_brackets = *text == '[';
  const char *bracket = in_brackets ? strchr (text, ']') : NULL;
  const char *colon = strchr (bracket != NULL ? bracket : text, ':');
  const char *begin = in_brackets ? text + 1 : text;
  const char *end = bracket != NULL ? bracket : colon != NULL ? colon : text + strlen (text);
  guint64 port = DEFAULT_PORT;

  if (end == begin || in_brackets != (bracket != NULL))
    return FALSE;
  if (colon != NULL && !g_ascii_string_to_unsigned (colon + 1, 10, 1, 65535, &port, NULL))
    return FALSE;
  *out = (ElvesClientServer){ g_strndup (begin, (gsize) (end - begin)), (guint16) port };
  return TRUE;
}

static void
clear_servers (ElvesClientSettings *self)
{
  for (guint i = 0; i < self->n_servers; i++)
    g_free (self->servers[i].host);
  g_clear_pointer (&self->servers, g_free);
  self->n_servers = 0;
}

static gboolean
set_servers (ElvesClientSettings *self, const char *value, GError **error)
{
  g_auto (GStrv) texts = g_strsplit_set (value, ",;", -1);

  clear_servers (self);
  self->servers = g_new0 (ElvesClientServer, g_strv_length (texts) + 1);
  for (guint i = 0; texts[i] != NULL; i++)
    if (!parse_server (g_strstrip (texts[i]), &self->servers[self->n_servers++]))
      return fail (error, "namesvr", "HOST[:PORT], separated by commas");
  return self->n_servers > 0 || fail (error, "namesvr", "HOST[:PORT], separated by commas");
}

/* "10s", "500ms" */
static gboolean
parse_delay (const char *text, guint *out_ms)
{
  static const struct
  {
    const char *name;
    guint ms;
  } units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 } };
  gsize digits = strspn (text, "0123456789");
  g_autofree char *number_text = g_strndup (text, digits);
  guint64 number;

  for (gsize i = 0; i < G_N_ELEMENTS (units); i++)
    if (strcmp (text + digits, units[i].name) == 0)
      {
        if (!g_ascii_string_to_unsigned (number_text, 10, 1, DELAY_LIMIT_MS / units[i].ms, &number,
                                         NULL))
          return FALSE;
        *out_ms = (guint) number * units[i].ms;
        return TRUE;
      }
  return FALSE;
}

static gboolean
set_delays (ElvesClientSettings *self, const char *value, GError **error)
{
  g_auto (GStrv) texts = g_strsplit (value, ",", -1);
  gboolean is_right = g_strv_length (texts) <= ELVES_CLIENT_DELAYS_MAX;

  self->n_delays = 0;
  for (guint i = 0; is_right && texts[i] != NULL; i++)
    is_right = parse_delay (g_strstrip (texts[i]), &self->delays_ms[self->n_delays++]);
  return is_right ||
         fail (error, "retry.delays",
               "at most 64 times such as 500ms, 10s, 5m, 2h, up to a week, with commas between");
}

/* ---- keys ----------------------------------------------------------------------------------- */

/* Keys of the original that mean nothing here. */
static gboolean
is_ignored (const char *key)
{
  return strcmp (key, "group_name") == 0 || strcmp (key, "servicename") == 0;
}

static gboolean
set_own (ElvesClientSettings *self, const char *key, const char *value, GError **error)
{
  if (strcmp (key, "retry.delays") == 0)
    return set_delays (self, value, error);
  if (strcmp (key, "prefetch") == 0)
    return set_number (&self->prefetch, key, value, 1, 10000, error);
  if (strcmp (key, "connect.timeout") == 0)
    return set_number (&self->connect_timeout_ms, key, value, 100, 600000, error);
  if (strcmp (key, "heartbeat") == 0)
    return set_number (&self->heartbeat_s, key, value, 1, 3600, error);
  if (strcmp (key, "reconnect.first") == 0)
    return set_number (&self->retry_first_ms, key, value, 1, 60000, error);
  if (strcmp (key, "reconnect.cap") == 0)
    return set_number (&self->retry_cap_ms, key, value, 1, 3600000, error);
  return fail (error, key, "a key that elves-client(3) has");
}

static gboolean
set_one (ElvesClientSettings *self, const char *key, const char *value, GError **error)
{
  if (value == NULL)
    return fail (error, key, "a value");
  if (strcmp (key, "groupid") == 0)
    return set_name (&self->group, key, value, error);
  if (strcmp (key, "topic") == 0)
    return set_name (&self->topic, key, value, error);
  if (strcmp (key, "namesvr") == 0)
    return set_servers (self, value, error);
  if (strcmp (key, "instance_name") == 0)
    return set_text (&self->vhost, *value != '\0' ? value : "/");
  if (strcmp (key, "access_key") == 0)
    return set_text (&self->user, value);
  if (strcmp (key, "secret_key") == 0)
    return set_text (&self->password, value);
  return is_ignored (key) || set_own (self, key, value, error);
}

static ElvesClientSettings *
new_default (void)
{
  ElvesClientSettings *self = g_new0 (ElvesClientSettings, 1);

  set_text (&self->vhost, "/");
  set_text (&self->user, "guest");
  set_text (&self->password, "guest");
  set_text (&self->topic, "taskcenter");
  set_delays (self, DEFAULT_DELAYS, NULL);
  self->prefetch = 16;
  self->connect_timeout_ms = 5000;
  self->heartbeat_s = 10;
  self->retry_first_ms = 200;
  self->retry_cap_ms = 10000;
  return self;
}

static gboolean
check (ElvesClientSettings *self, GError **error)
{
  if (self->group == NULL)
    return fail (error, "groupid", "a name: it is missing");
  if (self->n_servers == 0)
    return fail (error, "namesvr", "HOST[:PORT]: it is missing");
  self->queue = g_strdup_printf ("%s.%s", self->topic, self->group);
  self->dead_queue = g_strconcat ("%DLQ%", self->group, NULL);
  return TRUE;
}

ElvesClientSettings *
elves_client_settings_new (const ElvesConsumerSetting *list, GError **error)
{
  g_autoptr (ElvesClientSettings) self = new_default ();

  for (; list->key != NULL; list++)
    if (!set_one (self, list->key, list->value, error))
      return NULL;
  return check (self, error) ? g_steal_pointer (&self) : NULL;
}

void
elves_client_settings_free (ElvesClientSettings *self)
{
  if (self == NULL)
    return;
  clear_servers (self);
  g_free (self->vhost);
  g_free (self->user);
  g_free (self->password);
  g_free (self->topic);
  g_free (self->group);
  g_free (self->queue);
  g_free (self->dead_queue);
  g_free (self);
}

char *
elves_client_settings_delay_queue (const ElvesClientSettings *self, guint delay_ms)
{
  return g_strdup_printf ("%%RETRY%%%s.%u", self->queue, delay_ms);
}
