/* The candidates' table and our own node in it.
 *
 * The node's name is the GUID, a dash and the number of the server: "9f..-0000000012". The GUID
 * tells our node from the others' without asking for its owner. A node of ours from a session that
 * ended is another one's: it counts until the server has removed it, because nobody else may lead
 * before.
 *
 * While the connection is lost a leader goes on, for two thirds of the session: then it stops, so
 * that it has when the next one begins. */
#include "common/election.h"

#include <string.h>

struct ElvesElection
{
  char *guid;
  guint patience_ms;
  ElvesElectionFunc changed;
  gpointer user_data;
  GHashTable *candidates; /* names */
  char *own;              /* (nullable) name of our node in this session */
  gboolean is_known;      /* the table of this session is complete */
  gboolean leads;
  GSource *doubt; /* (nullable) while the connection is lost */
};

static const char *
number_of (const char *name)
{
  const char *dash = strrchr (name, '-');
  return dash != NULL ? dash + 1 : name;
}

static gboolean
is_lowest (ElvesElection *self)
{
  GHashTableIter iter;
  const char *name;
  if (self->own == NULL || !self->is_known || !g_hash_table_contains (self->candidates, self->own))
    return FALSE;
  g_hash_table_iter_init (&iter, self->candidates);
  while (g_hash_table_iter_next (&iter, (gpointer *) &name, NULL))
    if (strcmp (number_of (name), number_of (self->own)) < 0)
      return FALSE;
  return TRUE;
}

static void
set_leads (ElvesElection *self, gboolean leads)
{
  if (self->leads == leads)
    return;
  self->leads = leads;
  self->changed (leads, self->user_data);
}

static void
end_doubt (ElvesElection *self)
{
  if (self->doubt == NULL)
    return;
  g_source_destroy (self->doubt);
  g_clear_pointer (&self->doubt, g_source_unref);
}

static void
look (ElvesElection *self)
{
  if (self->doubt == NULL)
    set_leads (self, is_lowest (self));
}

static void
on_announced (ElvesRegistry *registry, const char *full_path, gpointer user_data)
{
  ElvesElection *self = user_data;
  g_free (self->own);
  self->own = g_path_get_basename (full_path);
  look (self);
}

static void
on_set (ElvesRegistryTable *table,
        const char *name,
        const guint8 *data,
        gsize length,
        gpointer user_data)
{
  ElvesElection *self = user_data;
  g_hash_table_add (self->candidates, g_strdup (name));
  look (self);
}

static void
on_gone (ElvesRegistryTable *table, const char *name, gpointer user_data)
{
  ElvesElection *self = user_data;
  g_hash_table_remove (self->candidates, name);
  if (g_strcmp0 (self->own, name) == 0)
    g_clear_pointer (&self->own, g_free);
  look (self);
}

static void
on_complete (ElvesRegistryTable *table, gpointer user_data)
{
  ElvesElection *self = user_data;
  self->is_known = TRUE;
  look (self);
}

static const ElvesRegistryTableCallbacks table_callbacks = { on_set, on_gone, on_complete };

static gboolean
on_out_of_patience (gpointer user_data)
{
  ElvesElection *self = user_data;
  set_leads (self, FALSE);
  return G_SOURCE_REMOVE;
}

/**
 * elves_election_connected:
 * @connected: to ZooKeeper
 */
void
elves_election_connected (ElvesElection *self, gboolean connected)
{
  if (connected)
    {
      end_doubt (self);
      look (self);
      return;
    }
  if (self->doubt != NULL)
    return;
  self->doubt = g_timeout_source_new (self->patience_ms);
  g_source_set_callback (self->doubt, on_out_of_patience, self, NULL);
  g_source_attach (self->doubt, g_main_context_get_thread_default ());
}

ElvesElection *
elves_election_new (ElvesRegistry *registry,
                    const char *path,
                    const char *holder,
                    guint session_timeout_ms,
                    ElvesElectionFunc changed,
                    gpointer user_data)
{
  ElvesElection *self = g_new0 (ElvesElection, 1);
  g_autofree char *name = NULL;
  g_autoptr (GBytes) data = g_bytes_new (holder, strlen (holder));
  self->guid = g_uuid_string_random ();
  self->patience_ms = session_timeout_ms * 2 / 3;
  self->changed = changed;
  self->user_data = user_data;
  self->candidates = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  name = g_strdup_printf ("%s/%s-", path, self->guid);
  elves_registry_announce (registry, name, TRUE, data, on_announced, self);
  elves_registry_watch (registry, path, &table_callbacks, self);
  return self;
}

/**
 * elves_election_free:
 * @self: (nullable): after the registry, which calls it
 */
void
elves_election_free (ElvesElection *self)
{
  if (self == NULL)
    return;
  end_doubt (self);
  g_hash_table_unref (self->candidates);
  g_free (self->guid);
  g_free (self->own);
  g_free (self);
}
