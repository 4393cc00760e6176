/* ZooKeeper, as elvesctl asks it. */
#include "cli/registry.h"

#include "common/error.h"
#include "common/names.h"

#include <string.h>
#include <zookeeper/zookeeper.h>

enum
{
  CONTENT_LIMIT = 1 << 20, /* bytes: ZooKeeper's own limit of a node */
  PATIENCE_MS = 3000       /* for the connection */
};

struct ElvesCliRegistry
{
  zhandle_t *handle;
  char *parent; /* of the agents */
  GMutex mutex; /* @state */
  GCond changed;
  int state;
};

static void
on_session (zhandle_t *handle, int type, int state, const char *path, void *context)
{
  ElvesCliRegistry *self = context;

  g_mutex_lock (&self->mutex);
  if (type == ZOO_SESSION_EVENT)
    self->state = state;
  g_cond_signal (&self->changed);
  g_mutex_unlock (&self->mutex);
}

static gboolean
wait_until_connected (ElvesCliRegistry *self, guint timeout_ms)
{
  gint64 deadline_us = g_get_monotonic_time () + timeout_ms * G_GINT64_CONSTANT (1000);
  gboolean in_time = TRUE;
  gboolean connected;

  g_mutex_lock (&self->mutex);
  while (self->state != ZOO_CONNECTED_STATE && in_time)
    in_time = g_cond_wait_until (&self->changed, &self->mutex, deadline_us);
  connected = self->state == ZOO_CONNECTED_STATE;
  g_mutex_unlock (&self->mutex);
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

/**
 * elves_cli_registry_open:
 * @settings: where it is.
 * @error: why it cannot be asked.
 *
 * Returns: (transfer full): a session.
 */
ElvesCliRegistry *
elves_cli_registry_open (const ElvesCliSettings *settings, GError **error)
{
  g_autofree char *hosts = with_ports (settings->zookeeper_host);
  ElvesCliRegistry *self = g_new0 (ElvesCliRegistry, 1);

  self->parent = g_strdup_printf ("%s/%s", settings->zookeeper_root, ELVES_ZNODE_AGENTS);
  g_mutex_init (&self->mutex);
  g_cond_init (&self->changed);
  zoo_set_debug_level ((ZooLogLevel) 0);
  self->handle =
      zookeeper_init (hosts, on_session, (int) settings->zookeeper_session_ms, NULL, self, 0);
  if (self->handle != NULL && wait_until_connected (self, PATIENCE_MS))
    return self;
  elves_cli_registry_close (self);
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE,
               "cannot reach ZooKeeper at %s within %d ms: is it running, is zookeeper.host right?",
               hosts, PATIENCE_MS);
  return NULL;
}

/**
 * elves_cli_registry_close:
 * @self: (nullable): a session.
 */
void
elves_cli_registry_close (ElvesCliRegistry *self)
{
  if (self == NULL)
    return;

  if (self->handle != NULL)
    zookeeper_close (self->handle);
  g_mutex_clear (&self->mutex);
  g_cond_clear (&self->changed);
  g_free (self->parent);
  g_free (self);
}

static int
compare_names (const void *a, const void *b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

/**
 * elves_cli_registry_agents:
 * @self: a session.
 * @error: why they cannot be read.
 *
 * Returns: (transfer full): the names of all registered agents, sorted.
 */
GPtrArray *
elves_cli_registry_agents (ElvesCliRegistry *self, GError **error)
{
  struct String_vector names = { 0 };
  int status = zoo_get_children (self->handle, self->parent, 0, &names);
  GPtrArray *agents;

  if (status != ZOK && status != ZNONODE)
    {
      g_set_error (error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE, "cannot read %s: %s", self->parent,
                   zerror (status));
      return NULL;
    }
  agents = g_ptr_array_new_with_free_func (g_free);
  for (int i = 0; i < names.count; i++)
    g_ptr_array_add (agents, g_strdup (names.data[i]));
  g_ptr_array_sort (agents, compare_names);
  deallocate_String_vector (&names);
  return agents;
}

/**
 * elves_cli_registry_read:
 * @self: a session.
 * @agent: its name.
 *
 * Returns: (transfer full) (nullable): what it registered, perhaps nothing; %NULL when it has gone.
 */
char *
elves_cli_registry_read (ElvesCliRegistry *self, const char *agent)
{
  g_autofree char *path = g_strdup_printf ("%s/%s", self->parent, agent);
  g_autofree char *content = g_malloc (CONTENT_LIMIT + 1);
  int length = CONTENT_LIMIT;

  if (zoo_get (self->handle, path, 0, content, &length, NULL) != ZOK)
    return NULL;
  content[MAX (length, 0)] = '\0';
  return g_steal_pointer (&content);
}
