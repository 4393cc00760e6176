/* Forgetting old executions, and the tasks that are kept for them only.
 *
 * Cleaning goes in small steps, each a work of its own, so that firing never waits long behind
 * one. What is still open is never forgotten. A task whose history was cut says until when
 * (pruned_us): the audit looks no farther back. */
#include "cron/history.h"

#include "common/error.h"
#include "cron/entry.h"
#include "cron/life.h"

enum
{
  STEP = 2000,     /* rows forgotten in one work */
  TASKS_MAX = 200, /* cut in one work */
  UNCLEAN_MAX = 1 << 20
};

/* ---- cleaning ------------------------------------------------------------------------------- */

struct ElvesCronHistory
{
  const ElvesCronConfig *config;
  ElvesCronLedger *ledger;
  GSource *timer;
  GArray *unclean;           /* of guint64: tasks to cut */
  struct Cleaning *cleaning; /* (nullable) under way */
};

typedef struct Cleaning
{
  ElvesCronHistory *history; /* NULL: it was freed meanwhile */
  gint64 before_us;
  gint64 keep;
  GArray *ids;      /* of guint64: tasks to cut */
  gint64 forgotten; /* old ones, by this step */
} Cleaning;

static gboolean
forget_old (ElvesStoreTx *tx, Cleaning *self, GError **error)
{
  return elves_store_tx_exec (
      tx,
      "DELETE FROM cron_firing WHERE (schedule, planned_us) IN (SELECT schedule, planned_us "
      "FROM cron_firing WHERE until_us < ? AND state NOT IN (" ELVES_CRON_SQL_OPEN ") LIMIT ?)",
      ELVES_VALUES (ELVES_INT (self->before_us), ELVES_INT (STEP)), &self->forgotten, error);
}

static gboolean
find_first_kept (ElvesStoreTx *tx,
                 const Cleaning *self,
                 const char *id,
                 gint64 *out_us,
                 GError **error)
{
  g_autoptr (ElvesStoreRows) rows = elves_store_tx_query (
      tx,
      "SELECT planned_us FROM cron_firing WHERE schedule = ? ORDER BY planned_us DESC LIMIT 1 "
      "OFFSET ?",
      ELVES_VALUES (ELVES_TEXT (id), ELVES_INT (self->keep - 1)), error);
  *out_us = 0;
  while (rows != NULL && elves_store_rows_next (rows))
    *out_us = elves_store_rows_int (rows, 0);
  return elves_store_rows_end (rows, error);
}

static gboolean
cut_one (ElvesStoreTx *tx, Cleaning *self, guint64 number, GError **error)
{
  char id[ELVES_CRON_ID_SIZE];
  gint64 first_us = 0, n = 0;
  elves_cron_id_write (number, id);
  if (!find_first_kept (tx, self, id, &first_us, error))
    return FALSE;
  if (first_us == 0)
    return TRUE;
  if (!elves_store_tx_exec (tx,
                            "DELETE FROM cron_firing WHERE schedule = ? AND planned_us < ? AND "
                            "state NOT IN (" ELVES_CRON_SQL_OPEN ")",
                            ELVES_VALUES (ELVES_TEXT (id), ELVES_INT (first_us)), &n, error))
    return FALSE;
  return n == 0 || elves_store_tx_exec (
                       tx, "UPDATE cron_schedule SET pruned_us = ? WHERE id = ? AND pruned_us < ?",
                       ELVES_VALUES (ELVES_INT (first_us), ELVES_TEXT (id), ELVES_INT (first_us)),
                       NULL, error);
}

/* Deleted softly, or made by another task and done: the record goes with its last execution. */
static gboolean
forget_tasks (ElvesStoreTx *tx, Cleaning *self, GError **error)
{
  gint64 deleted = 0, spawned = 0;
  if (!elves_store_tx_exec (
          tx,
          "DELETE FROM cron_schedule WHERE id IN (SELECT id FROM cron_schedule s WHERE "
          "deleted_us > 0 AND deleted_us < ? AND NOT EXISTS (SELECT 1 FROM cron_firing f WHERE "
          "f.schedule = s.id) LIMIT ?)",
          ELVES_VALUES (ELVES_INT (self->before_us), ELVES_INT (STEP)), &deleted, error) ||
      !elves_store_tx_exec (
          tx,
          "DELETE FROM cron_schedule WHERE id IN (SELECT id FROM cron_schedule s WHERE "
          "spawned_by <> '' AND state <> 1 AND created_us < ? AND NOT EXISTS (SELECT 1 FROM "
          "cron_firing f WHERE f.schedule = s.id) LIMIT ?)",
          ELVES_VALUES (ELVES_INT (self->before_us), ELVES_INT (STEP)), &spawned, error))
    return FALSE;
  self->forgotten = MAX (self->forgotten, MAX (deleted, spawned));
  return TRUE;
}

static gboolean
clean (ElvesStoreTx *tx, gpointer data, GError **error)
{
  Cleaning *self = data;
  if (!forget_old (tx, self, error) || !forget_tasks (tx, self, error))
    return FALSE;
  for (guint i = 0; i < self->ids->len; i++)
    if (!cut_one (tx, self, g_array_index (self->ids, guint64, i), error))
      return FALSE;
  return TRUE;
}

static void submit_cleaning (ElvesCronHistory *self);

static void
on_cleaned (gpointer data, const GError *error)
{
  Cleaning *cleaning = data;
  ElvesCronHistory *self = cleaning->history;
  if (self == NULL)
    return;
  self->cleaning = NULL;
  if (error != NULL)
    g_warning ("the history is not cleaned: %s", error->message);
  else if (cleaning->forgotten >= STEP || self->unclean->len > 0)
    submit_cleaning (self);
}

static void
cleaning_free (gpointer data)
{
  Cleaning *self = data;
  g_array_unref (self->ids);
  g_free (self);
}

static GArray *
take_unclean (ElvesCronHistory *self)
{
  GArray *ids = g_array_new (FALSE, FALSE, sizeof (guint64));
  guint n = MIN (self->unclean->len, TASKS_MAX);
  g_array_append_vals (ids, self->unclean->data, n);
  g_array_remove_range (self->unclean, 0, n);
  return ids;
}

static void
submit_cleaning (ElvesCronHistory *self)
{
  Cleaning *cleaning = g_new0 (Cleaning, 1);
  cleaning->history = self;
  cleaning->before_us = g_get_real_time () - self->config->history_age_s * (gint64) G_USEC_PER_SEC;
  cleaning->keep = self->config->history_count;
  cleaning->ids = take_unclean (self);
  self->cleaning = cleaning;
  elves_cron_ledger_write (self->ledger, clean, on_cleaned, cleaning, cleaning_free);
}

static gboolean
on_timer (gpointer user_data)
{
  ElvesCronHistory *self = user_data;
  if (self->cleaning == NULL)
    submit_cleaning (self);
  return G_SOURCE_CONTINUE;
}

ElvesCronHistory *
elves_cron_history_new (const ElvesCronConfig *config, ElvesCronLedger *ledger)
{
  ElvesCronHistory *self = g_new0 (ElvesCronHistory, 1);
  self->config = config;
  self->ledger = ledger;
  self->unclean = g_array_new (FALSE, FALSE, sizeof (guint64));
  self->timer = g_timeout_source_new_seconds (config->history_interval_s);
  g_source_set_callback (self->timer, on_timer, self, NULL);
  g_source_attach (self->timer, g_main_context_get_thread_default ());
  return self;
}

void
elves_cron_history_add (ElvesCronHistory *self, guint64 id)
{
  if (self->unclean->len < UNCLEAN_MAX)
    g_array_append_val (self->unclean, id);
}

/**
 * elves_cron_history_free:
 * @self: (nullable)
 */
void
elves_cron_history_free (ElvesCronHistory *self)
{
  if (self == NULL)
    return;
  g_source_destroy (self->timer);
  g_source_unref (self->timer);
  if (self->cleaning != NULL)
    self->cleaning->history = NULL;
  g_array_unref (self->unclean);
  g_free (self);
}
