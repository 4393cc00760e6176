/* The children of one node and the data of each, kept up to date by watches.
 *
 * A fired watch, a lost reply and a new session all do the same: they mark what has to be read
 * again, and _advance() reads it, all children of a batch pipelined; what was not marked costs
 * nothing, however many there are. Nothing is forgotten before
 * the server has said that it is gone, so a table keeps what it knew while there is no connection;
 * callbacks come only for what was changed since. Contents are not kept: the number of the
 * transaction that made a content tells whether it is another one. The watched node is created when
 * it is missing.
 *
 * Watches fire once. The order "event, then anything that was read after the change" is kept by
 * ZooKeeper and by the mailbox; so reading again on every event misses nothing but intermediate
 * content. */

#include "common/registry-private.h"

#include <string.h>

typedef struct
{
  char *name;
  GList place;    /* in the queue of what has to be read: stale, and not busy */
  gint64 change;  /* that made what was told last; 0: not yet told to anyone */
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
  GQueue to_read;         /* of Child */
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
  g_free (child->name);
  g_free (child);
}

static Child *
add_child (ElvesRegistryTable *self, const char *name)
{
  Child *child = g_new0 (Child, 1);
  child->name = g_strdup (name);
  child->place.data = child;
  g_hash_table_insert (self->children, child->name, child);
  return child;
}

static void
mark_stale (ElvesRegistryTable *self, Child *child)
{
  if (!child->stale && !child->busy)
    {
      self->unread++;
      g_queue_push_tail_link (&self->to_read, &child->place);
    }
  child->stale = TRUE;
}

/* Its answer has come: it is read again when it was marked meanwhile, or when @again. */
static void
end_reading (ElvesRegistryTable *self, Child *child, gboolean again)
{
  child->busy = FALSE;
  child->stale |= again;
  if (child->stale)
    g_queue_push_tail_link (&self->to_read, &child->place);
  else
    self->unread--;
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
  gpointer value = NULL;
  if (!g_hash_table_steal_extended (self->children, name, NULL, &value))
    return;
  Child *child = value;
  if (child->stale || child->busy)
    self->unread--;
  if (child->stale && !child->busy)
    g_queue_unlink (&self->to_read, &child->place);
  if (child->change != 0)
    self->callbacks.gone (self, child->name, self->user_data);
  child_free (child);
}

static void
tell (ElvesRegistryTable *self, Child *child, const ElvesRegistryReply *reply)
{
  if (child->change == reply->change)
    return;
  child->change = reply->change;
  gsize length;
  const guint8 *bytes = g_bytes_get_data (reply->data, &length);
  self->callbacks.set (self, child->name, bytes ? bytes : (const guint8 *) "", length,
                       self->user_data);
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
  end_reading (self, child, reply->rc != ZOK && reply->rc != ZNONODE);
  if (reply->rc == ZOK)
    tell (self, child, reply);
  else if (reply->rc == ZNONODE)
    {
      remove_child (self, name);
      /* Should it be back by now, its listing has come before this and left nothing to see. */
      self->stale = TRUE;
    }
  else
    {
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
          child = add_child (self, names[i]);
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
  GList *place;
  while ((place = g_queue_pop_head_link (&self->to_read)))
    {
      Child *child = place->data;
      child->stale = FALSE;
      child->busy = TRUE;
      g_autofree char *path = g_strconcat (self->path, "/", child->name, NULL);
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
  if (!self->busy)
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
  table->children = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, child_free);
  table->stale = table->complete_due = TRUE;
  elves_registry_add_table (self, table);
  elves_registry_table_advance (table);
  return table;
}
