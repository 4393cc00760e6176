/* The memory of final outcomes: a ring and a set of fingerprints of 64 bits, so that a hundred
 * thousand jobs take a few megabytes whatever their keys look like. Two of so many jobs have the
 * same fingerprint with a chance of less than one in a billion.
 *
 * Promises: knows the last @capacity executions that were added; never grows beyond. */
#include "scheduler/final-keys.h"

struct ElvesFinalKeys
{
  guint64 *ring;
  GHashTable *set; /* of places in the ring */
  guint capacity;
  guint64 added;
};

/**
 * elves_final_keys_new:
 * @capacity: how many are remembered, at least 1.
 *
 * Returns: (transfer full): an empty memory.
 */
ElvesFinalKeys *
elves_final_keys_new (guint capacity)
{
  ElvesFinalKeys *self = g_new0 (ElvesFinalKeys, 1);

  self->capacity = capacity;
  self->ring = g_new0 (guint64, capacity);
  self->set = g_hash_table_new (g_int64_hash, g_int64_equal);
  return self;
}

/**
 * elves_final_keys_free:
 * @self: (nullable): the memory.
 */
void
elves_final_keys_free (ElvesFinalKeys *self)
{
  if (self == NULL)
    return;

  g_hash_table_unref (self->set);
  g_free (self->ring);
  g_free (self);
}

static guint64
mix (guint64 hash, guint8 byte)
{
  return (hash ^ byte) * G_GUINT64_CONSTANT (0x100000001b3);
}

/**
 * elves_execution_fingerprint:
 * @type: of the job, in any case.
 * @execution: its key.
 *
 * Returns: FNV-1a of both.
 */
guint64
elves_execution_fingerprint (const char *type, const char *execution)
{
  guint64 hash = G_GUINT64_CONSTANT (0xcbf29ce484222325);

  for (; *type != '\0'; type++)
    hash = mix (hash, (guint8) g_ascii_tolower (*type));
  hash = mix (hash, 0);
  for (; *execution != '\0'; execution++)
    hash = mix (hash, (guint8) *execution);
  return hash;
}

/**
 * elves_final_keys_add:
 * @self: the memory; when it is full, the oldest is forgotten.
 * @type: of a job.
 * @execution: its key.
 */
void
elves_final_keys_add (ElvesFinalKeys *self, const char *type, const char *execution)
{
  guint64 fingerprint = elves_execution_fingerprint (type, execution);
  guint64 *place = &self->ring[self->added % self->capacity];

  if (g_hash_table_contains (self->set, &fingerprint))
    return;
  if (self->added >= self->capacity)
    g_hash_table_remove (self->set, place);
  *place = fingerprint;
  g_hash_table_add (self->set, place);
  self->added++;
}

/**
 * elves_final_keys_contain:
 * @self: the memory.
 * @type: of a job.
 * @execution: its key.
 *
 * Returns: whether it is known to have ended.
 */
gboolean
elves_final_keys_contain (ElvesFinalKeys *self, const char *type, const char *execution)
{
  guint64 fingerprint = elves_execution_fingerprint (type, execution);

  return g_hash_table_contains (self->set, &fingerprint);
}
