#include "heartbeat/roster.h"

#include <string.h>

enum
{
  N_SOURCES = ELVES_ROSTER_NODE + 1
};

struct ElvesRoster
{
  gint64 online_ms;
  guint max_agents;
  GHashTable *agents[N_SOURCES]; /* ip -> ElvesRosterAgent, whose ip is the key */
};

static void
agent_free (gpointer data)
{
  ElvesRosterAgent *self = data;

  g_free ((char *) self->ip);
  g_free ((char *) self->asset);
  g_free ((char *) self->version);
  g_free ((char *) self->apps);
  g_free (self);
}

static ElvesRosterAgent *
agent_copy (const ElvesRosterAgent *agent)
{
  ElvesRosterAgent *copy = g_new0 (ElvesRosterAgent, 1);

  copy->ip = g_strdup (agent->ip);
  copy->asset = g_strdup (agent->asset);
  copy->version = g_strdup (agent->version);
  copy->apps = g_strdup (agent->apps);
  copy->checked_ms = agent->checked_ms;
  return copy;
}

/**
 * elves_roster_new:
 * @online_ms: how long a beat is believed
 * @max_agents: of each source
 *
 * Returns: (transfer full): an empty roster
 */
ElvesRoster *
elves_roster_new (gint64 online_ms, guint max_agents)
{
  ElvesRoster *self = g_new0 (ElvesRoster, 1);

  self->online_ms = online_ms;
  self->max_agents = max_agents;
  for (guint i = 0; i < N_SOURCES; i++)
    self->agents[i] = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, agent_free);
  return self;
}

/**
 * elves_roster_free:
 * @self: (nullable): the roster
 */
void
elves_roster_free (ElvesRoster *self)
{
  if (self == NULL)
    return;
  for (guint i = 0; i < N_SOURCES; i++)
    g_hash_table_unref (self->agents[i]);
  g_free (self);
}

/**
 * elves_roster_set:
 * @source: how it is known
 * @agent: copied; replaces what was known of its ip
 *
 * Returns: %FALSE when the roster is full
 */
gboolean
elves_roster_set (ElvesRoster *self, ElvesRosterSource source, const ElvesRosterAgent *agent)
{
  GHashTable *agents = self->agents[source];
  ElvesRosterAgent *copy;

  if (g_hash_table_size (agents) >= self->max_agents && !g_hash_table_contains (agents, agent->ip))
    return FALSE;
  copy = agent_copy (agent);
  g_hash_table_replace (agents, (gpointer) copy->ip, copy);
  return TRUE;
}

/**
 * elves_roster_remove:
 * @ip: nothing happens when it is not known
 */
void
elves_roster_remove (ElvesRoster *self, ElvesRosterSource source, const char *ip)
{
  g_hash_table_remove (self->agents[source], ip);
}

static gboolean
is_fresh (const ElvesRoster *self, const ElvesRosterAgent *beat, gint64 now_ms)
{
  return now_ms - beat->checked_ms <= self->online_ms;
}

/**
 * elves_roster_find:
 * @now_ms: Unix time
 *
 * Returns: (transfer none) (nullable): what is known of @ip, if it is there
 */
const ElvesRosterAgent *
elves_roster_find (const ElvesRoster *self, const char *ip, gint64 now_ms)
{
  const ElvesRosterAgent *agent = g_hash_table_lookup (self->agents[ELVES_ROSTER_NODE], ip);

  if (agent != NULL)
    return agent;
  agent = g_hash_table_lookup (self->agents[ELVES_ROSTER_BEAT], ip);
  return agent != NULL && is_fresh (self, agent, now_ms) ? agent : NULL;
}

static gint
compare_ips (gconstpointer a, gconstpointer b)
{
  const ElvesRosterAgent *const *left = a, *const *right = b;

  return strcmp ((*left)->ip, (*right)->ip);
}

/**
 * elves_roster_list:
 * @now_ms: Unix time
 *
 * Returns: (transfer container) (element-type ElvesRosterAgent): those that are there, by ip
 */
GPtrArray *
elves_roster_list (const ElvesRoster *self, gint64 now_ms)
{
  GPtrArray *list = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer ip, agent;

  g_hash_table_iter_init (&iter, self->agents[ELVES_ROSTER_NODE]);
  while (g_hash_table_iter_next (&iter, NULL, &agent))
    g_ptr_array_add (list, agent);
  g_hash_table_iter_init (&iter, self->agents[ELVES_ROSTER_BEAT]);
  while (g_hash_table_iter_next (&iter, &ip, &agent))
    if (is_fresh (self, agent, now_ms) &&
        !g_hash_table_contains (self->agents[ELVES_ROSTER_NODE], ip))
      g_ptr_array_add (list, agent);
  g_ptr_array_sort (list, compare_ips);
  return list;
}

/**
 * elves_roster_size:
 *
 * Returns: how many agents are known by @source, also those not heard of for long
 */
guint
elves_roster_size (const ElvesRoster *self, ElvesRosterSource source)
{
  return g_hash_table_size (self->agents[source]);
}
