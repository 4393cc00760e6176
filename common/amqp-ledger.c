/* Which deliveries of one channel are not settled yet.
 *
 * Settlements gather until flush(): the run of lowest tags that are all acknowledged leaves as one
 * `multiple`, every other one on its own and at once. None is held back to make a longer run: what
 * the broker has not heard of it gives out again after a crash.
 *
 * Bounded by the channel's prefetch: an entry lives from the delivery until its settlement.
 */
#include "common/amqp-ledger.h"

typedef enum
{
  OUTSTANDING,
  ACKED /* by the owner; the broker learns it at the next flush */
} EntryState;

typedef struct
{
  guint64 tag; /* first: the key of by_tag */
  EntryState state;
  GList place; /* in entries */
} Entry;

struct ElvesAmqpLedger
{
  GQueue entries;     /* of Entry, in the order of tags */
  GHashTable *by_tag; /* set of Entry, by its tag */
  GArray *acked;      /* tags, since the last flush */
  GArray *requeued;
};

ElvesAmqpLedger *
elves_amqp_ledger_new (void)
{
  ElvesAmqpLedger *self = g_new0 (ElvesAmqpLedger, 1);
  g_queue_init (&self->entries);
  self->by_tag = g_hash_table_new (g_int64_hash, g_int64_equal);
  self->acked = g_array_new (FALSE, FALSE, sizeof (guint64));
  self->requeued = g_array_new (FALSE, FALSE, sizeof (guint64));
  return self;
}

void
elves_amqp_ledger_free (ElvesAmqpLedger *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->by_tag);
  while (self->entries.head != NULL)
    g_free (g_queue_pop_head_link (&self->entries)->data);
  g_array_unref (self->acked);
  g_array_unref (self->requeued);
  g_free (self);
}

/**
 * elves_amqp_ledger_add:
 * @tag: of a new delivery, greater than all before
 */
void
elves_amqp_ledger_add (ElvesAmqpLedger *self, guint64 tag)
{
  Entry *entry = g_new (Entry, 1);
  *entry = (Entry){ .tag = tag, .state = OUTSTANDING, .place.data = entry };
  g_queue_push_tail_link (&self->entries, &entry->place);
  g_hash_table_add (self->by_tag, entry);
}

static void
forget (ElvesAmqpLedger *self, Entry *entry)
{
  g_hash_table_remove (self->by_tag, entry);
  g_queue_unlink (&self->entries, &entry->place);
  g_free (entry);
}

/**
 * elves_amqp_ledger_settle:
 *
 * Of a tag that is not outstanding: no effect.
 */
void
elves_amqp_ledger_settle (ElvesAmqpLedger *self, guint64 tag, ElvesSettlement settlement)
{
  Entry *entry = g_hash_table_lookup (self->by_tag, &tag);
  if (entry == NULL || entry->state != OUTSTANDING)
    return;
  if (settlement == ELVES_SETTLE_REQUEUE)
    {
      g_array_append_val (self->requeued, tag);
      forget (self, entry);
      return;
    }
  entry->state = ACKED;
  g_array_append_val (self->acked, tag);
}

/* Returns the last tag of the run, 0 when the lowest one is still outstanding. */
static guint64
take_lowest_run (ElvesAmqpLedger *self, guint *out_length)
{
  guint64 last = 0;
  for (; self->entries.head != NULL; (*out_length)++)
    {
      Entry *entry = self->entries.head->data;
      if (entry->state != ACKED)
        break;
      last = entry->tag;
      forget (self, entry);
    }
  return last;
}

/**
 * elves_amqp_ledger_flush:
 * @settle: called for each settlement to be sent, in an order the broker accepts
 *
 * Requeued ones come first: a `multiple` would otherwise take them along.
 */
void
elves_amqp_ledger_flush (ElvesAmqpLedger *self, ElvesSettleFunc settle, gpointer user_data)
{
  for (guint i = 0; i < self->requeued->len; i++)
    settle (g_array_index (self->requeued, guint64, i), FALSE, ELVES_SETTLE_REQUEUE, user_data);
  g_array_set_size (self->requeued, 0);

  guint length = 0;
  guint64 run = take_lowest_run (self, &length);
  if (run != 0)
    settle (run, length > 1, ELVES_SETTLE_ACK, user_data);
  for (guint i = 0; i < self->acked->len; i++)
    {
      guint64 tag = g_array_index (self->acked, guint64, i);
      Entry *entry = g_hash_table_lookup (self->by_tag, &tag);
      if (entry == NULL)
        continue;
      settle (tag, FALSE, ELVES_SETTLE_ACK, user_data);
      forget (self, entry);
    }
  g_array_set_size (self->acked, 0);
}

guint
elves_amqp_ledger_outstanding (const ElvesAmqpLedger *self)
{
  return g_queue_get_length ((GQueue *) &self->entries);
}
