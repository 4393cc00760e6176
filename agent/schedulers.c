/* Where results may go.
 *
 * In this order: the job's own `origin`, the configured scheduler, the registered ones. The last
 * are the children of `scheduler` in ZooKeeper whose data is JSON with host and port; a child
 * without data, or with something else, belongs to another system and is passed over.
 *
 * An origin comes with the job, from whoever could open a connection to us. So that nobody can make
 * this host connect anywhere, it counts only when it names a place that is trusted without it: this
 * host, the caller's own address, the configured scheduler's host, or a registered one's. No name
 * of an origin is ever looked up to find that out.
 */
#include "agent/schedulers.h"

#include "common/json-reader.h"
#include "common/names.h"

#include <string.h>

#define MAX_HOST_BYTES 255
#define MAX_REGISTERED 64

struct ElvesSchedulers
{
  char *configured; /* (nullable) host:port */
  char *configured_host;
  GHashTable *registered; /* node -> host:port */
  GHashTable *listing;    /* set of node: those that take lists */
  ElvesSchedulersFunc appeared;
  gpointer user_data;
};

static gboolean
parse_port (const char *text, guint16 *out_port)
{
  guint64 number;
  if (!g_ascii_string_to_unsigned (text, 10, 1, G_MAXUINT16, &number, NULL))
    return FALSE;
  *out_port = number;
  return TRUE;
}

static gboolean
host_is_valid (const char *host)
{
  gsize length = strspn (host, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "._-:%");
  return length > 0 && length <= MAX_HOST_BYTES && host[length] == '\0';
}

/**
 * elves_scheduler_address_parse:
 * @text: from outside
 * @out_host: (out) (transfer full): without brackets
 * @out_port: (out): > 0
 *
 * Returns: whether @text is `host:port`
 */
gboolean
elves_scheduler_address_parse (const char *text, char **out_host, guint16 *out_port)
{
  const char *colon = strrchr (text, ':');
  guint16 port;
  if (colon == NULL || colon == text || !parse_port (colon + 1, &port))
    return FALSE;

  g_autofree char *host = g_strndup (text, colon - text);
  gsize length = strlen (host);
  gboolean bracketed = host[0] == '[' && host[length - 1] == ']';
  if (bracketed)
    {
      memmove (host, host + 1, length - 2);
      host[length - 2] = '\0';
    }
  if (!host_is_valid (host) || (!bracketed && strchr (host, ':') != NULL))
    return FALSE;
  *out_host = g_steal_pointer (&host);
  *out_port = port;
  return TRUE;
}

static char *
format_address (const char *host, guint port)
{
  return g_strdup_printf (strchr (host, ':') != NULL ? "[%s]:%u" : "%s:%u", host, port);
}

/**
 * elves_schedulers_new:
 * @config: the agent's configuration
 *
 * Returns: (transfer full): the schedulers known from @config
 */
ElvesSchedulers *
elves_schedulers_new (const ElvesAgentConfig *config)
{
  ElvesSchedulers *self = g_new0 (ElvesSchedulers, 1);
  self->configured_host = g_strdup (config->scheduler_host);
  if (config->scheduler_host[0] != '\0')
    self->configured = format_address (config->scheduler_host, config->scheduler_port);
  self->registered = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->listing = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return self;
}

/**
 * elves_schedulers_free:
 * @self: (nullable): schedulers; a registry that they watch must be gone
 */
void
elves_schedulers_free (ElvesSchedulers *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->registered);
  g_hash_table_unref (self->listing);
  g_free (self->configured_host);
  g_free (self->configured);
  g_free (self);
}

/* The features are short texts without escapes. */
static gboolean
says_lists (const ElvesJsonObject *object)
{
  ElvesJsonValue features = elves_json_object_get (object, "features");
  return features.kind == ELVES_JSON_ARRAY &&
         g_strstr_len (features.text, features.length, "\"" ELVES_FEATURE_LISTS "\"") != NULL;
}

/* Returns: (transfer full) (nullable): host:port from a node's JSON. */
static char *
parse_registration (const guint8 *data, gsize length, gboolean *out_lists)
{
  g_autoptr (ElvesJsonObject) object = elves_json_object_parse ((const char *) data, length, NULL);
  if (object == NULL)
    return NULL;
  ElvesJsonValue host_value = elves_json_object_get (object, "host");
  ElvesJsonValue port_value = elves_json_object_get (object, "port");
  if (host_value.kind != ELVES_JSON_STRING || port_value.kind != ELVES_JSON_NUMBER)
    return NULL;
  g_autofree char *host = elves_json_value_to_text (host_value);
  g_autofree char *port_text = elves_json_value_to_text (port_value);
  guint16 port;
  if (!host_is_valid (host) || !parse_port (port_text, &port))
    return NULL;
  *out_lists = says_lists (object);
  return format_address (host, port);
}

/**
 * elves_schedulers_set_registered:
 * @self: schedulers
 * @node: the name of a child of `scheduler`
 * @data: its content
 * @length: bytes in @data
 */
void
elves_schedulers_set_registered (ElvesSchedulers *self,
                                 const char *node,
                                 const guint8 *data,
                                 gsize length)
{
  gboolean lists = FALSE;
  char *address = length > 0 ? parse_registration (data, length, &lists) : NULL;
  g_hash_table_remove (self->listing, node);
  if (address == NULL || g_hash_table_size (self->registered) >= MAX_REGISTERED)
    {
      g_free (address);
      g_hash_table_remove (self->registered, node);
      return;
    }
  g_hash_table_replace (self->registered, g_strdup (node), address);
  if (lists)
    g_hash_table_add (self->listing, g_strdup (node));
  if (self->appeared != NULL)
    self->appeared (self->user_data);
}

/**
 * elves_schedulers_remove_registered:
 * @self: schedulers
 * @node: a child that is gone
 */
void
elves_schedulers_remove_registered (ElvesSchedulers *self, const char *node)
{
  g_hash_table_remove (self->registered, node);
  g_hash_table_remove (self->listing, node);
}

static void
on_node_set (ElvesRegistryTable *table,
             const char *name,
             const guint8 *data,
             gsize length,
             gpointer user_data)
{
  elves_schedulers_set_registered (user_data, name, data, length);
}

static void
on_node_gone (ElvesRegistryTable *table, const char *name, gpointer user_data)
{
  elves_schedulers_remove_registered (user_data, name);
}

/**
 * elves_schedulers_watch:
 * @self: schedulers
 * @registry: where they register; must be freed before @self
 * @appeared: (nullable): called when one registered
 * @user_data: for @appeared
 */
void
elves_schedulers_watch (ElvesSchedulers *self,
                        ElvesRegistry *registry,
                        ElvesSchedulersFunc appeared,
                        gpointer user_data)
{
  static const ElvesRegistryTableCallbacks callbacks = { .set = on_node_set, .gone = on_node_gone };
  self->appeared = appeared;
  self->user_data = user_data;
  elves_registry_watch (registry, ELVES_ZNODE_SCHEDULERS, &callbacks, self);
}

static gboolean
is_this_host (const char *host, GInetAddress *address)
{
  return address != NULL ? g_inet_address_get_is_loopback (address)
                         : g_ascii_strcasecmp (host, "localhost") == 0;
}

static gboolean
is_registered_host (const ElvesSchedulers *self, const char *host)
{
  GHashTableIter iter;
  gpointer address;
  g_hash_table_iter_init (&iter, self->registered);
  while (g_hash_table_iter_next (&iter, NULL, &address))
    {
      g_autofree char *registered = NULL;
      guint16 port;
      if (elves_scheduler_address_parse (address, &registered, &port) &&
          g_ascii_strcasecmp (host, registered) == 0)
        return TRUE;
    }
  return FALSE;
}

/**
 * elves_schedulers_accept_origin:
 * @self: schedulers
 * @origin: as the job has it
 * @caller: (nullable): the address that the job came from
 *
 * Returns: whether a result may be sent there
 */
gboolean
elves_schedulers_accept_origin (const ElvesSchedulers *self,
                                const char *origin,
                                GInetAddress *caller)
{
  g_autofree char *host = NULL;
  guint16 port;
  if (!elves_scheduler_address_parse (origin, &host, &port))
    return FALSE;
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (host);
  if (is_this_host (host, address))
    return TRUE;
  if (address != NULL && caller != NULL && g_inet_address_equal (address, caller))
    return TRUE;
  return g_ascii_strcasecmp (host, self->configured_host) == 0 || is_registered_host (self, host);
}

static void
add_once (GPtrArray *candidates, const char *address)
{
  if (address != NULL && !g_ptr_array_find_with_equal_func (candidates, address, g_str_equal, NULL))
    g_ptr_array_add (candidates, g_strdup (address));
}

/**
 * elves_schedulers_candidates:
 * @self: schedulers
 * @origin: (nullable): the job's, accepted
 *
 * Returns: (transfer container): `host:port` texts, each once, in the order to try them
 */
GPtrArray *
elves_schedulers_candidates (const ElvesSchedulers *self, const char *origin)
{
  GPtrArray *candidates = g_ptr_array_new_with_free_func (g_free);
  add_once (candidates, origin);
  add_once (candidates, self->configured);
  GHashTableIter iter;
  gpointer address;
  g_hash_table_iter_init (&iter, self->registered);
  while (g_hash_table_iter_next (&iter, NULL, &address))
    add_once (candidates, address);
  return candidates;
}

/**
 * elves_schedulers_take_lists:
 * @self: schedulers
 * @address: `host:port`
 *
 * Returns: whether one is registered there that says so
 */
gboolean
elves_schedulers_take_lists (const ElvesSchedulers *self, const char *address)
{
  GHashTableIter iter;
  gpointer node;
  g_hash_table_iter_init (&iter, self->listing);
  while (g_hash_table_iter_next (&iter, &node, NULL))
    if (g_strcmp0 (g_hash_table_lookup (self->registered, node), address) == 0)
      return TRUE;
  return FALSE;
}
