/* Counting messages by the minute.
 *
 * A minute of any time zone begins at a whole minute of unix time. In memory; what is too much of
 * names is in the totals only. */
#include "cron/tally.h"

#include <string.h>

#define MINUTE_US (60 * (gint64) G_USEC_PER_SEC)

enum
{
  NAMES_MAX = 10000 /* of all owners */
};

/* Of one owner. */
typedef struct
{
  guint64 total;
  GHashTable *names; /* name -> guint64 */
} Counts;

struct ElvesCronTally
{
  const ElvesCronConfig *config;
  gint64 minute;
  GHashTable *owners; /* owner -> Counts */
  guint n_names;
  struct Restoring *restoring; /* (nullable) */
};

typedef struct Restoring
{
  ElvesCronTally *tally; /* NULL: it was freed meanwhile */
  gint64 minute;
  GPtrArray *rows; /* owner, name, count, owner, ... */
} Restoring;

static void
counts_free (gpointer data)
{
  Counts *counts = data;
  g_hash_table_unref (counts->names);
  g_free (counts);
}

ElvesCronTally *
elves_cron_tally_new (const ElvesCronConfig *config)
{
  ElvesCronTally *self = g_new0 (ElvesCronTally, 1);
  self->config = config;
  self->owners = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, counts_free);
  return self;
}

/**
 * elves_cron_tally_free:
 * @self: (nullable)
 */
void
elves_cron_tally_free (ElvesCronTally *self)
{
  if (self == NULL)
    return;
  if (self->restoring != NULL)
    self->restoring->tally = NULL;
  g_hash_table_unref (self->owners);
  g_free (self);
}

static void
turn (ElvesCronTally *self, gint64 now_us)
{
  if (now_us / MINUTE_US == self->minute)
    return;
  self->minute = now_us / MINUTE_US;
  self->n_names = 0;
  g_hash_table_remove_all (self->owners);
}

static Counts *
counts_of (ElvesCronTally *self, const char *owner)
{
  Counts *counts = g_hash_table_lookup (self->owners, owner);
  if (counts != NULL)
    return counts;
  counts = g_new0 (Counts, 1);
  counts->names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_hash_table_insert (self->owners, g_strdup (owner), counts);
  return counts;
}

/* Returns: of the name now; 0: there are too many names. */
static guint64
count (ElvesCronTally *self, Counts *counts, const char *name, guint64 by)
{
  guint64 *known = g_hash_table_lookup (counts->names, name);
  counts->total += by;
  if (known == NULL && self->n_names >= NAMES_MAX)
    return 0;
  if (known == NULL)
    {
      known = g_new0 (guint64, 1);
      g_hash_table_insert (counts->names, g_strdup (name), known);
      self->n_names++;
    }
  return *known += by;
}

/* The texts are those of taskcenter, which others look for in logs. */
void
elves_cron_tally_add (ElvesCronTally *self, const char *owner, const char *name, gint64 now_us)
{
  guint name_limit = self->config->messages_name_alert;
  guint total_limit = self->config->messages_total_alert;
  Counts *counts;
  guint64 n;
  turn (self, now_us);
  counts = counts_of (self, owner);
  n = count (self, counts, name, 1);
  if (name_limit != 0 && n > name_limit)
    g_warning ("#NAME_TO_MANY_TASK name=%s currentCount=%" G_GUINT64_FORMAT " maxCount=%u", name, n,
               name_limit);
  if (total_limit != 0 && counts->total > total_limit)
    g_warning ("#TOTAL_TO_MANY_TASK currentTotalCount=%" G_GUINT64_FORMAT " maxTotalCount=%u",
               counts->total, total_limit);
}

guint64
elves_cron_tally_total (ElvesCronTally *self, const char *owner, gint64 now_us)
{
  const Counts *counts;
  turn (self, now_us);
  counts = g_hash_table_lookup (self->owners, owner);
  return counts != NULL ? counts->total : 0;
}

void
elves_cron_tally_foreach (ElvesCronTally *self,
                          const char *owner,
                          gint64 now_us,
                          ElvesCronTallyFunc each,
                          gpointer user_data)
{
  const Counts *counts;
  GHashTableIter iter;
  gpointer name, n;
  turn (self, now_us);
  counts = g_hash_table_lookup (self->owners, owner);
  if (counts == NULL)
    return;
  g_hash_table_iter_init (&iter, counts->names);
  while (g_hash_table_iter_next (&iter, &name, &n))
    each (name, *(guint64 *) n, user_data);
}

/* ---- from the store ------------------------------------------------------------------------- */

/* By the index of age: what is sent in a minute was planned in it, or not long before. */
static gboolean
read_counts (ElvesStoreTx *tx, gpointer data, GError **error)
{
  Restoring *self = data;
  gint64 from_us = self->minute * MINUTE_US;
  g_autoptr (ElvesStoreRows) rows = elves_store_tx_query (
      tx,
      "SELECT s.owner, s.name, COUNT(*) FROM cron_firing f JOIN cron_schedule s ON s.id = "
      "f.schedule WHERE f.until_us >= ? AND f.ended_us >= ? AND f.state = 3 AND s.action = 2 "
      "GROUP BY s.owner, s.name LIMIT ?",
      ELVES_VALUES (ELVES_INT (from_us - 60 * MINUTE_US), ELVES_INT (from_us),
                    ELVES_INT (NAMES_MAX)),
      error);
  g_ptr_array_set_size (self->rows, 0);
  while (rows != NULL && elves_store_rows_next (rows))
    for (guint i = 0; i < 3; i++)
      g_ptr_array_add (self->rows, g_strdup (elves_store_rows_text (rows, i)));
  return elves_store_rows_end (rows, error);
}

static void
on_counts (gpointer data, const GError *error)
{
  Restoring *restoring = data;
  ElvesCronTally *self = restoring->tally;
  if (self == NULL)
    return;
  self->restoring = NULL;
  turn (self, g_get_real_time ());
  if (error != NULL || self->minute != restoring->minute)
    return;
  for (guint i = 0; i + 2 < restoring->rows->len; i += 3)
    {
      char **row = (char **) &restoring->rows->pdata[i];
      count (self, counts_of (self, row[0]), row[1], g_ascii_strtoull (row[2], NULL, 10));
    }
}

static void
restoring_free (gpointer data)
{
  Restoring *self = data;
  g_ptr_array_unref (self->rows);
  g_free (self);
}

void
elves_cron_tally_restore (ElvesCronTally *self, ElvesCronLedger *ledger)
{
  Restoring *restoring = g_new0 (Restoring, 1);
  restoring->tally = self;
  restoring->minute = g_get_real_time () / MINUTE_US;
  restoring->rows = g_ptr_array_new_with_free_func (g_free);
  self->restoring = restoring;
  elves_cron_ledger_read (ledger, read_counts, on_counts, restoring, restoring_free);
}
