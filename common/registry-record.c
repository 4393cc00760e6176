/* Persistent nodes that are written: the content given last stands there, sooner or later.
 *
 * One request at a time is under way for a node. A write that failed, or was lost with the
 * connection, is made again; a newer content replaces one that waits. What is written is forgotten
 * here: the memory is that of the nodes that still wait. */

#include "common/registry-private.h"

struct ElvesRegistryRecord
{
  ElvesRegistry *registry;
  char *path;             /* full; the key in the registry's table */
  GBytes *data;           /* to be written */
  GBytes *writing;        /* (nullable) what the request under way will make it hold */
  gboolean missing;       /* the node is to be created */
  gboolean parents_tried; /* just now: if they are missing still, wait */
};

/* Nothing to be known about the node: the same request again, later. */
static void
fail (ElvesRegistryRecord *self, const ElvesRegistryReply *reply)
{
  self->missing = self->parents_tried = FALSE;
  elves_registry_retry_later (self->registry, reply->target, reply->rc);
}

static void
create_parents (ElvesRegistryRecord *self, const ElvesRegistryReply *reply)
{
  if (self->parents_tried || !elves_registry_is_connected (self->registry))
    {
      fail (self, reply);
      return;
    }
  self->parents_tried = TRUE;
  elves_registry_create_parents (self->registry, self->path);
  elves_registry_record_advance (self);
}

static void
on_written (gpointer owner, const ElvesRegistryReply *reply)
{
  ElvesRegistryRecord *self = owner;
  gboolean was_missing = self->missing;
  g_autoptr (GBytes) writing = g_steal_pointer (&self->writing);

  if (reply->rc == ZOK && writing == self->data)
    {
      elves_registry_drop_record (self->registry, self->path);
      return;
    }
  if (reply->rc == ZNONODE && was_missing)
    {
      create_parents (self, reply);
      return;
    }
  self->missing = reply->rc == ZNONODE;
  if (reply->rc == ZOK || reply->rc == ZNONODE || reply->rc == ZNODEEXISTS)
    elves_registry_record_advance (self);
  else
    fail (self, reply);
}

static void
write_next (ElvesRegistryRecord *self)
{
  self->writing = g_bytes_ref (self->data);
  if (self->missing)
    elves_registry_request_create (self->registry, self->path, self->data, 0, on_written, self);
  else
    elves_registry_request_set (self->registry, self->path, self->data, on_written, self);
}

void
elves_registry_record_advance (ElvesRegistryRecord *self)
{
  if (self->writing == NULL && elves_registry_is_connected (self->registry))
    write_next (self);
}

void
elves_registry_record_free (ElvesRegistryRecord *self)
{
  g_free (self->path);
  g_bytes_unref (self->data);
  g_clear_pointer (&self->writing, g_bytes_unref);
  g_free (self);
}

/**
 * elves_registry_write:
 * @path: below the root, "heartbeat/agent/10.0.0.1"
 * @data: the content of the persistent node, which is made when it is missing
 *
 * Returns at once. Of several contents of one node the last one wins.
 */
void
elves_registry_write (ElvesRegistry *self, const char *path, GBytes *data)
{
  g_autofree char *full_path = elves_registry_full_path (self, path);
  ElvesRegistryRecord *record = elves_registry_find_record (self, full_path);

  if (record != NULL)
    {
      g_bytes_unref (record->data);
      record->data = g_bytes_ref (data);
      return;
    }
  record = g_new0 (ElvesRegistryRecord, 1);
  record->registry = self;
  record->path = g_steal_pointer (&full_path);
  record->data = g_bytes_ref (data);
  elves_registry_add_record (self, record->path, record);
  elves_registry_record_advance (record);
}
