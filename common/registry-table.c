/* The children of one node and the data of each, kept up to date by watches.
 *
 * A fired watch, a lost reply and a new session all do the same: they mark what has to be read
 * again, and _advance() reads it, all children of a batch pipelined. Nothing is forgotten before
 * the server has said that it is gone, so a table keeps what it knew while there is no connection;
 * callbacks come only for differences. The watched node is created when it is missing.
 *
 * Watches fire once. The order "event, then anything that was read after the change" is kept by
 * ZooKeeper and by the mailbox; so reading again on every event misses nothing but intermediate
 * content. */

#include "common/registry-private.h"

#include <string.h>

typedef struct
{
  GBytes *data;   /* NULL until first read: not yet told to anyone */
  gboolean stale; /* has to be read (again) */
  gboolean busy;  /* is being read */
  guint listing;  /* the number of the last listing that had it */
} Child;

struct ElvesRegistryTable
{
  ElvesRegistry *registry;
  char *path;
  ElvesRegistryTableCallbacks callbacks;
  gpointer user_data;

  GHashTable *children;   /* name -> Child */
  gboolean stale;         /* the list has to be read (again) */
  gboolean busy;          /* it is being read */
  gboolean parents_tried; /* the watched node was missing, and created just now */
  gboolean complete_due;
  guint listing;
  guint unread; /* children that are stale or busy */
};

static void
child_free (gpointer data)
{
  Child *child = data;
  if (child->data)
    g_bytes_unref (child->data);
  g_free (child);
}

static void
mark_stale (ElvesRegistryTable *self, Child *child)
{
  if (!child->stale && !child->busy)
    self->unread++;
  child->stale = TRUE;
}

static void
check_complete (ElvesRegistryTable *self)
{
  if (!self->complete_due || self->stale || self->busy || self->unread > 0)
    return;
  self->complete_due = FALSE;
  if (self->callbacks.complete)
    self->callbacks.complete (self, self->user_data);
}

static void
remove_child (ElvesRegistryTable *self, const char *name)
{
  char *key = NULL;
  gpointer value = NULL;
  if (!g_hash_table_steal_extended (self->children, name, (gpointer *) &key, &value))
    return;
  Child *child = value;
  if (child->stale || child->busy)
    self->unread--;
  if (child->data)
    self->callbacks.gone (self, key, self->user_data);
  g_free (key);
  child_free (child);
}

static void
store (ElvesRegistryTable *self, const char *name, Child *child, GBytes *data)
{
  if (child->data && g_bytes_equal (child->data, data))
    return;
  if (child->data)
    g_bytes_unref (child->data);
  child->data = g_bytes_ref (data);
  gsize length;
  const guint8 *bytes = g_bytes_get_data (data, &length);
  self->callbacks.set (self, name, bytes ? bytes : (const guint8 *) "", length, self->user_data);
}

/* The child may have gone, and even come back as another Child, since it was asked for: the name
   decides, and a reply for a child that is not busy is not for it. */
static void
on_child_read (gpointer owner, const ElvesRegistryReply *reply)
{
  ElvesRegistryTable *self = owner;
  const char *name = strrchr (reply->target, '/') + 1;
  Child *child = g_hash_table_lookup (self->children, name);
  if (!child || !child->busy)
    return;
  child->busy = FALSE;
  if (reply->rc == ZOK)
    {
      if (!child->stale)
        self->unread--;
      store (self, name, child, reply->data);
    }
  else if (reply->rc == ZNONODE)
    {
      child->stale = TRUE; /* unread, and counted as such */
      remove_child (self, name);
      /* Should it be back by now, its listing has come before this and left nothing to see. */
      self->stale = TRUE;
    }
  else
    {
      child->stale = TRUE;
      elves_registry_retry_later (self->registry, reply->target, reply->rc);
      return;
    }
  elves_registry_table_advance (self);
}

static void
remove_unlisted (ElvesRegistryTable *self)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  GHashTableIter iter;
  gpointer name, value;
  g_hash_table_iter_init (&iter, self->children);
  while (g_hash_table_iter_next (&iter, &name, &value))
    if (((Child *) value)->listing != self->listing)
      g_ptr_array_add (names, g_strdup (name));
  for (guint i = 0; i < names->len; i++)
    remove_child (self, names->pdata[i]);
}

static void
take_listing (ElvesRegistryTable *self, char **names)
{
  self->listing++;
  for (guint i = 0; names[i]; i++)
    {
      Child *child = g_hash_table_lookup (self->children, names[i]);
      if (!child)
        {
          child = g_new0 (Child, 1);
          g_hash_table_insert (self->children, g_strdup (names[i]), child);
          mark_stale (self, child);
        }
      child->listing = self->listing;
    }
  remove_unlisted (self);
}

static void
on_listed (gpointer owner, const ElvesRegistryReply *reply)
{
  ElvesRegistryTable *self = owner;
  self->busy = FALSE;
  if (reply->rc == ZOK)
    take_listing (self, reply->names);
  else
    {
      self->stale = TRUE;
      if (reply->rc != ZNONODE || self->parents_tried ||
          !elves_registry_is_connected (self->registry))
        {
          self->parents_tried = FALSE;
          elves_registry_retry_later (self->registry, reply->target, reply->rc);
          return;
        }
      g_autofree char *inside = g_strconcat (self->path, "/", NULL);
      elves_registry_create_parents (self->registry, inside);
    }
  self->parents_tried = reply->rc == ZNONODE;
  elves_registry_table_advance (self);
}

static void
read_children (ElvesRegistryTable *self)
{
  GHashTableIter iter;
  gpointer name, value;
  g_hash_table_iter_init (&iter, self->children);
  while (g_hash_table_iter_next (&iter, &name, &value))
    {
      Child *child = value;
      if (!child->stale || child->busy)
        continue;
      child->stale = FALSE;
      child->busy = TRUE;
      g_autofree char *path = g_strconcat (self->path, "/", name, NULL);
      elves_registry_request_get (self->registry, path, on_child_read, self);
    }
}

void
elves_registry_table_advance (ElvesRegistryTable *self)
{
  if (!elves_registry_is_connected (self->registry))
    return;
  if (self->stale && !self->busy)
    {
      self->stale = FALSE;
      self->busy = TRUE;
      elves_registry_request_children (self->registry, self->path, on_listed, self);
    }
  /* Not while a listing is under way after a new session: what it drops need not be read. */
  if (!self->busy && self->unread > 0)
    read_children (self);
  check_complete (self);
}

void
elves_registry_table_session_began (ElvesRegistryTable *self)
{
  GHashTableIter iter;
  gpointer value;
  g_hash_table_iter_init (&iter, self->children);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    mark_stale (self, value);
  self->stale = self->complete_due = TRUE;
}

void
elves_registry_table_watch_fired (ElvesRegistryTable *self, const char *path)
{
  gsize length = strlen (self->path);
  if (!g_str_has_prefix (path, self->path))
    return;
  if (path[length] == '\0')
    self->stale = TRUE;
  else if (path[length] == '/')
    {
      Child *child = g_hash_table_lookup (self->children, path + length + 1);
      if (!child)
        return;
      mark_stale (self, child);
    }
  elves_registry_table_advance (self);
}

void
elves_registry_table_free (ElvesRegistryTable *self)
{
  g_hash_table_unref (self->children);
  g_free (self->path);
  g_free (self);
}

/**
 * elves_registry_watch:
 * @path: below the root, "agent"
 * @callbacks: copied; set and gone are needed
 *
 * Returns: (transfer none): freed with @self.
 */
ElvesRegistryTable *
elves_registry_watch (ElvesRegistry *self,
                      const char *path,
                      const ElvesRegistryTableCallbacks *callbacks,
                      gpointer user_data)
{
  ElvesRegistryTable *table = g_new0 (ElvesRegistryTable, 1);
  table->registry = self;
  table->path = elves_registry_full_path (self, path);
  table->callbacks = *callbacks;
  table->user_data = user_data;
  table->children = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, child_free);
  table->stale = table->complete_due = TRUE;
  elves_registry_add_table (self, table);
  elves_registry_table_advance (table);
  return table;
}
