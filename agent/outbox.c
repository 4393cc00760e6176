/* Each result goes to a scheduler until one has answered "success".
 *
 *   added -> tried: origin, configured scheduler, registered ones -> taken: forgotten
 *              ^                      | none took it            | none knows it
 *              +---- back-off --------+                         +-> set aside, in the journal
 *
 * With a journal the results are there, and here are their keys, and of those that have just come
 * as many as may be on their way in lists: any other, and one that was not taken at once, is read
 * when it is about to leave, a few for each scheduler at one time. Without a journal, or when it
 * could not be written, they are in memory: an agent that is killed loses them.
 *
 *   here            the results that are there, and which execution each is of
 *   outbox-room     how many there may be, and how large
 *   outbox-route    which scheduler is tried when; set aside
 *   outbox-place    one scheduler: reading what goes there, sending it, what it answered
 */
#include "agent/outbox-private.h"

void
elves_outbox_entry_free (ElvesOutboxEntry *self)
{
  ElvesOutbox *outbox = self->outbox;
  elves_outbox_entry_forget_result (self);
  if (self->key != NULL && g_hash_table_lookup (outbox->by_key, self->key) == self)
    g_hash_table_remove (outbox->by_key, self->key);
  elves_deadlines_disarm (outbox->deadlines, &self->deadline);
  g_queue_unlink (&outbox->entries, &self->link);
  g_free (self->key);
  g_free (self->id);
  g_free (self->origin);
  g_free (self);
}

void
elves_outbox_tell_if_idle (ElvesOutbox *self)
{
  if (g_queue_is_empty (&self->entries) && self->idle != NULL)
    self->idle (self->user_data);
}

/**
 * elves_outbox_new:
 * @poller: for the connections
 * @deadlines: for back-off and timeouts
 * @config: the agent's configuration
 * @schedulers: where results may go
 * @journal: (nullable): where they are kept
 * @idle: (nullable): called when the last result was taken
 * @user_data: for @idle
 *
 * Returns: (transfer full): an empty outbox
 */
ElvesOutbox *
elves_outbox_new (ElvesPoller *poller,
                  ElvesDeadlines *deadlines,
                  const ElvesAgentConfig *config,
                  ElvesSchedulers *schedulers,
                  ElvesJournal *journal,
                  ElvesOutboxIdleFunc idle,
                  gpointer user_data)
{
  ElvesOutbox *self = g_new0 (ElvesOutbox, 1);
  self->poller = poller;
  self->config = config;
  self->schedulers = schedulers;
  self->journal = journal;
  self->idle = idle;
  self->user_data = user_data;
  self->deadlines = deadlines;
  g_queue_init (&self->entries);
  self->by_key = g_hash_table_new (g_str_hash, g_str_equal);
  self->places = g_hash_table_new_full (g_str_hash, g_str_equal, NULL,
                                        (GDestroyNotify) elves_outbox_place_free);
  return self;
}

/**
 * elves_outbox_free:
 * @self: (nullable): an outbox; results still in it and in no journal are lost
 */
void
elves_outbox_free (ElvesOutbox *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->places);
  while (!g_queue_is_empty (&self->entries))
    elves_outbox_entry_free (self->entries.head->data);
  g_hash_table_unref (self->by_key);
  g_free (self);
}

static ElvesOutboxEntry *
entry_new (ElvesOutbox *self, const char *key, const char *id, const char *origin)
{
  ElvesOutboxEntry *entry = g_new0 (ElvesOutboxEntry, 1);
  entry->outbox = self;
  entry->key = g_strdup (key);
  entry->id = g_strdup (id);
  entry->origin = g_strdup (origin);
  return entry;
}

static void
add_entry (ElvesOutbox *self, ElvesOutboxEntry *entry)
{
  elves_outbox_forget_idle_places (self);
  entry->since_us = g_get_monotonic_time ();
  entry->link.data = entry;
  g_queue_push_tail_link (&self->entries, &entry->link);
  if (entry->key != NULL)
    g_hash_table_replace (self->by_key, entry->key, entry);
  elves_outbox_entry_route (entry);
}

/**
 * elves_outbox_add:
 * @self: an outbox with a place reserved for this
 * @result: a result of the job that it was reserved for, in no journal; a reference is taken
 * @origin: (nullable): `host:port` of the scheduler to try first, accepted by
 * elves_schedulers_accept_origin()
 */
void
elves_outbox_add (ElvesOutbox *self, ElvesReinstruct *result, const char *origin)
{
  const ElvesInstruct *instruct = result->instruct;
  ElvesOutboxEntry *entry = entry_new (self, instruct->execution, instruct->id, origin);
  elves_outbox_entry_hold_result (entry, result);
  add_entry (self, entry);
}

/**
 * elves_outbox_add_stored:
 * @self: an outbox that has a journal; no place need be reserved
 * @key: execution of which the journal has the result
 * @id: id of its job
 * @result: (nullable): the result itself, if it is at hand
 * @origin: (nullable): as for elves_outbox_add()
 */
void
elves_outbox_add_stored (ElvesOutbox *self,
                         const char *key,
                         const char *id,
                         ElvesReinstruct *result,
                         const char *origin)
{
  if (elves_outbox_hasten (self, key, origin))
    return;
  ElvesOutboxEntry *entry = entry_new (self, key, id, origin);
  entry->stored = TRUE;
  if (result != NULL)
    elves_outbox_entry_hold_result (entry, result);
  add_entry (self, entry);
}

/**
 * elves_outbox_holds:
 * @self: an outbox
 * @execution: an execution key
 *
 * Returns: whether the result of that execution waits to be taken
 */
gboolean
elves_outbox_holds (const ElvesOutbox *self, const char *execution)
{
  return g_hash_table_contains (self->by_key, execution);
}

/**
 * elves_outbox_count:
 * @self: an outbox
 *
 * Returns: results that no scheduler has taken yet
 */
guint
elves_outbox_count (const ElvesOutbox *self)
{
  return self->entries.length;
}
