/* An ephemeral node that is kept: created in every session, put back when it is removed, and given
 * its latest content.
 *
 * One request at a time is under way; which one comes next follows from what is known
 * (_advance()), so that a reply that was lost with the connection, a watch and a new session are
 * all handled alike: they make something unknown, and the next step finds it out.
 *
 * - A node of that name of an earlier session of ours is deleted; one of another session is watched
 *   until it goes (a process that was killed and started again meets its own node until the old
 *   session expires).
 * - A create whose reply was lost may have succeeded. A plain name shows that by itself. For a
 *   sequential one the children are searched for a node of this session before another is made. */

#include "common/registry-private.h"

#include <string.h>

struct ElvesAnnouncement
{
  ElvesRegistry *registry;
  char *path; /* full, as requested */
  gboolean sequential;
  GBytes *data;
  ElvesAnnouncedFunc done;
  gpointer user_data;

  gboolean busy;          /* a request is under way */
  char *node;             /* the real path once something is created or found, else NULL */
  gboolean confirmed;     /* the node exists, is ours, and is watched */
  gboolean told;          /* done was called for it */
  gboolean foreign;       /* the node belongs to another session: wait for the watch */
  gboolean parents_tried; /* just now: if they are missing still, wait */
  gboolean search;        /* a create may have succeeded unseen */
  char **candidates;      /* (nullable) children to look at */
  guint next_candidate;   /* index in candidates */
  GBytes *written;        /* (nullable) what the node holds, when that is known */
  GBytes *writing;        /* (nullable) what the request under way will make it hold */
};

static void
clear_bytes (GBytes **bytes)
{
  g_clear_pointer (bytes, g_bytes_unref);
}

static void
forget_node (ElvesAnnouncement *self)
{
  g_clear_pointer (&self->node, g_free);
  clear_bytes (&self->written);
  self->confirmed = self->told = self->foreign = FALSE;
}

static void
forget_candidates (ElvesAnnouncement *self)
{
  g_clear_pointer (&self->candidates, g_strfreev);
  self->next_candidate = 0;
}

/* Answers that say nothing about the node: the same request again, later. */
static void
fail (ElvesAnnouncement *self, const ElvesRegistryReply *reply)
{
  elves_registry_retry_later (self->registry, reply->target, reply->rc);
}

static gboolean
is_lost (int rc)
{
  return rc == ZCONNECTIONLOSS || rc == ZOPERATIONTIMEOUT;
}

static void
on_created (gpointer owner, const ElvesRegistryReply *reply)
{
  ElvesAnnouncement *self = owner;
  self->busy = FALSE;
  g_autoptr (GBytes) writing = g_steal_pointer (&self->writing);
  if (reply->rc == ZOK)
    {
      self->node = g_strdup (reply->path);
      self->written = g_steal_pointer (&writing);
    }
  else if (reply->rc == ZNODEEXISTS)
    self->node = g_strdup (self->path);
  else if (reply->rc == ZNONODE && !self->parents_tried &&
           elves_registry_is_connected (self->registry))
    elves_registry_create_parents (self->registry, self->path);
  else
    {
      self->parents_tried = FALSE;
      self->search = self->search || (self->sequential && is_lost (reply->rc));
      fail (self, reply);
      return;
    }
  self->parents_tried = reply->rc == ZNONODE;
  elves_announcement_advance (self);
}

static void
on_old_deleted (gpointer owner, const ElvesRegistryReply *reply)
{
  ElvesAnnouncement *self = owner;
  self->busy = FALSE;
  if (reply->rc != ZOK && reply->rc != ZNONODE)
    {
      fail (self, reply);
      return;
    }
  forget_node (self);
  elves_announcement_advance (self);
}

static void
found_owner (ElvesAnnouncement *self, gint64 owner)
{
  if (owner == elves_registry_session_id (self->registry))
    {
      self->confirmed = TRUE;
      if (!self->told && self->done)
        self->done (self->registry, self->node, self->user_data);
      self->told = TRUE;
      elves_announcement_advance (self);
    }
  else if (owner != 0 && elves_registry_was_session (self->registry, owner))
    {
      self->busy = TRUE;
      elves_registry_request_delete (self->registry, self->node, on_old_deleted, self);
    }
  else
    {
      self->foreign = TRUE;
      g_message ("registry: waiting for a node to go path=%s owner=0x%" G_GINT64_MODIFIER "x",
                 self->node, (guint64) owner);
    }
}

static void
on_inspected (gpointer owner, const ElvesRegistryReply *reply)
{
  ElvesAnnouncement *self = owner;
  self->busy = FALSE;
  if (reply->rc == ZOK && self->node)
    found_owner (self, reply->owner);
  else if (reply->rc == ZNONODE || reply->rc == ZOK)
    {
      forget_node (self);
      elves_announcement_advance (self);
    }
  else
    fail (self, reply);
}

static void
on_written (gpointer owner, const ElvesRegistryReply *reply)
{
  ElvesAnnouncement *self = owner;
  self->busy = FALSE;
  g_autoptr (GBytes) writing = g_steal_pointer (&self->writing);
  clear_bytes (&self->written);
  if (reply->rc == ZOK)
    self->written = g_steal_pointer (&writing);
  else if (reply->rc == ZNONODE)
    forget_node (self);
  else
    {
      fail (self, reply);
      return;
    }
  elves_announcement_advance (self);
}

static void
on_candidate (gpointer owner, const ElvesRegistryReply *reply)
{
  ElvesAnnouncement *self = owner;
  self->busy = FALSE;
  if (reply->rc != ZOK && reply->rc != ZNONODE)
    {
      forget_candidates (self);
      fail (self, reply);
      return;
    }
  gboolean ours = reply->rc == ZOK && reply->owner == elves_registry_session_id (self->registry) &&
                  !elves_registry_stands (self->registry, reply->target);
  if (ours)
    self->node = g_strdup (reply->target);
  if (ours || !self->candidates || !self->candidates[self->next_candidate])
    {
      self->search = FALSE;
      forget_candidates (self);
    }
  elves_announcement_advance (self);
}

static void
on_candidates (gpointer owner, const ElvesRegistryReply *reply)
{
  ElvesAnnouncement *self = owner;
  self->busy = FALSE;
  forget_candidates (self);
  if (reply->rc == ZOK)
    self->candidates = g_strdupv (reply->names);
  else if (reply->rc != ZNONODE)
    {
      fail (self, reply);
      return;
    }
  self->search = self->candidates && self->candidates[0];
  elves_announcement_advance (self);
}

static void
search_next (ElvesAnnouncement *self)
{
  const char *slash = strrchr (self->path, '/');
  g_autofree char *folder = g_strndup (self->path, (gsize) (slash - self->path));
  if (!self->candidates)
    {
      elves_registry_request_children (self->registry, folder, on_candidates, self);
      return;
    }
  const char *name = self->candidates[self->next_candidate++];
  g_autofree char *path = g_strconcat (folder, "/", name, NULL);
  elves_registry_request_exists (self->registry, path, on_candidate, self);
}

void
elves_announcement_advance (ElvesAnnouncement *self)
{
  if (self->busy || self->foreign || !elves_registry_is_connected (self->registry))
    return;
  if (self->confirmed && self->written == self->data)
    return;
  self->busy = TRUE;
  if (!self->node && self->search)
    search_next (self);
  else if (!self->node)
    {
      int mode = self->sequential ? ZOO_EPHEMERAL_SEQUENTIAL : ZOO_EPHEMERAL;
      self->writing = g_bytes_ref (self->data);
      elves_registry_request_create (self->registry, self->path, self->data, mode, on_created,
                                     self);
    }
  else if (!self->confirmed)
    elves_registry_request_exists (self->registry, self->node, on_inspected, self);
  else
    {
      self->writing = g_bytes_ref (self->data);
      elves_registry_request_set (self->registry, self->node, self->data, on_written, self);
    }
}

void
elves_announcement_session_began (ElvesAnnouncement *self)
{
  forget_node (self);
  forget_candidates (self);
  self->search = FALSE;
}

void
elves_announcement_watch_fired (ElvesAnnouncement *self, const char *path)
{
  if (!self->node || strcmp (self->node, path) != 0)
    return;
  self->confirmed = self->foreign = FALSE;
  elves_announcement_advance (self);
}

gboolean
elves_announcement_stands (ElvesAnnouncement *self, const char *full_path)
{
  return self->node && strcmp (self->node, full_path) == 0;
}

void
elves_announcement_free (ElvesAnnouncement *self)
{
  forget_node (self);
  forget_candidates (self);
  clear_bytes (&self->data);
  clear_bytes (&self->writing);
  g_free (self->path);
  g_free (self);
}

/**
 * elves_registry_announce:
 * @path: below the root, "agent/10.0.0.1"
 * @sequential: the server appends ten digits; @path may end in "/"
 * @data: the content
 * @done: (nullable): called each time the node stands anew, with its full path
 *
 * Returns: (transfer none): freed with @self.
 */
ElvesAnnouncement *
elves_registry_announce (ElvesRegistry *self,
                         const char *path,
                         gboolean sequential,
                         GBytes *data,
                         ElvesAnnouncedFunc done,
                         gpointer user_data)
{
  ElvesAnnouncement *announcement = g_new0 (ElvesAnnouncement, 1);
  announcement->registry = self;
  announcement->path = elves_registry_full_path (self, path);
  announcement->sequential = sequential;
  announcement->data = data ? g_bytes_ref (data) : g_bytes_new (NULL, 0);
  announcement->done = done;
  announcement->user_data = user_data;
  elves_registry_add_announcement (self, announcement);
  elves_announcement_advance (announcement);
  return announcement;
}

/**
 * elves_announcement_update:
 * @data: the new content; written as soon as the connection allows, the last one wins
 */
void
elves_announcement_update (ElvesAnnouncement *self, GBytes *data)
{
  GBytes *old = self->data;
  self->data = g_bytes_ref (data);
  g_bytes_unref (old);
  elves_announcement_advance (self);
}
