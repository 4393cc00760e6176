#include "openapi/replay.h"

typedef struct
{
  char *sign; /* the key in the table */
  gint64 until_s;
} Seen;

struct ElvesReplayMemory
{
  guint limit;
  gint64 keep_s;
  GHashTable *signs; /* of texts of @seen */
  GQueue seen;       /* of Seen, the oldest first */
};

static void
forget_oldest (ElvesReplayMemory *self)
{
  Seen *oldest = g_queue_pop_head (&self->seen);

  g_hash_table_remove (self->signs, oldest->sign);
  g_free (oldest->sign);
  g_free (oldest);
}

/**
 * elves_replay_memory_new:
 * @limit: signatures, at most
 * @keep_s: how long one is remembered: longer than it is good for
 *
 * Returns: (transfer full): nothing seen yet
 */
ElvesReplayMemory *
elves_replay_memory_new (guint limit, gint64 keep_s)
{
  ElvesReplayMemory *self = g_new0 (ElvesReplayMemory, 1);

  self->limit = limit;
  self->keep_s = keep_s;
  self->signs = g_hash_table_new (g_str_hash, g_str_equal);
  g_queue_init (&self->seen);
  return self;
}

/**
 * elves_replay_memory_free:
 * @self: (nullable): the memory
 */
void
elves_replay_memory_free (ElvesReplayMemory *self)
{
  if (self == NULL)
    return;
  while (!g_queue_is_empty (&self->seen))
    forget_oldest (self);
  g_hash_table_unref (self->signs);
  g_free (self);
}

/**
 * elves_replay_memory_take:
 * @sign: hex, in any case
 * @now_s: a time that never goes back
 *
 * Returns: whether @sign is new
 */
gboolean
elves_replay_memory_take (ElvesReplayMemory *self, const char *sign, gint64 now_s)
{
  g_autofree char *lower = g_ascii_strdown (sign, -1);
  const Seen *oldest;
  Seen *seen;

  while ((oldest = g_queue_peek_head (&self->seen)) != NULL && oldest->until_s < now_s)
    forget_oldest (self);
  if (g_hash_table_contains (self->signs, lower) || self->seen.length >= self->limit)
    return FALSE;
  seen = g_new (Seen, 1);
  *seen = (Seen){ g_steal_pointer (&lower), now_s + self->keep_s };
  g_queue_push_tail (&self->seen, seen);
  g_hash_table_add (self->signs, seen->sign);
  return TRUE;
}
