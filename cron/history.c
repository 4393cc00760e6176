/* Pages of executions, and forgetting the old ones.
 *
 * Cleaning goes in small steps, each a work of its own, so that firing never waits long behind
 * one. What is still open is never forgotten. A task whose history was cut says until when
 * (pruned_us): the audit looks no farther back. */
#include "cron/history.h"

#include "common/error.h"
#include "cron/entry.h"
#include "cron/life.h"

#include <string.h>

enum
{
  STEP = 2000,     /* rows forgotten in one work */
  TASKS_MAX = 200, /* cut in one work */
  UNCLEAN_MAX = 1 << 20
};

/* ---- pages ---------------------------------------------------------------------------------- */

typedef struct
{
  char *id, *owner;
  gint64 before_us;
  guint limit;
  GPtrArray *executions;
  gboolean more;
  ElvesCronExecutionsFunc done;
  gpointer user_data;
} Paging;

static void
execution_free (gpointer data)
{
  ElvesCronExecution *self = data;
  g_free (self->error);
  g_free (self->message);
  g_free (self);
}

static void
paging_free (gpointer data)
{
  Paging *self = data;
  g_ptr_array_unref (self->executions);
  g_free (self->id);
  g_free (self->owner);
  g_free (self);
}

static ElvesCronExecution *
read_execution (ElvesStoreRows *rows)
{
  ElvesCronExecution *self = g_new0 (ElvesCronExecution, 1);
  self->planned_us = elves_store_rows_int (rows, 0);
  self->until_us = elves_store_rows_int (rows, 1);
  self->life = (guint) elves_store_rows_int (rows, 2);
  self->decided_us = elves_store_rows_int (rows, 3);
  self->sent_us = elves_store_rows_int (rows, 4);
  self->ended_us = elves_store_rows_int (rows, 5);
  self->flag = elves_store_rows_int (rows, 6) != 0;
  self->error = g_strdup (elves_store_rows_text (rows, 7));
  self->worker_flag = (gint) elves_store_rows_int (rows, 8);
  self->message = g_strdup (elves_store_rows_text (rows, 9));
  self->cost_ms = (gint) elves_store_rows_int (rows, 10);
  return self;
}

static gboolean
exists (ElvesStoreTx *tx, const char *id, const char *owner, GError **error)
{
  gboolean found = FALSE;
  g_autoptr (ElvesStoreRows) rows = elves_store_tx_query (
      tx, "SELECT owner FROM cron_schedule WHERE id = ?", ELVES_VALUES (ELVES_TEXT (id)), error);
  while (rows != NULL && elves_store_rows_next (rows))
    found = *owner == '\0' || strcmp (elves_store_rows_text (rows, 0), owner) == 0;
  if (!elves_store_rows_end (rows, error))
    return FALSE;
  if (!found)
    g_set_error (error, ELVES_ERROR, ELVES_ERROR_NOT_FOUND, "no timed task has the id '%s'", id);
  return found;
}

static gboolean
page (ElvesStoreTx *tx, gpointer data, GError **error)
{
  Paging *self = data;
  g_autoptr (ElvesStoreRows) rows = NULL;
  if (!exists (tx, self->id, self->owner, error))
    return FALSE;
  rows = elves_store_tx_query (
      tx,
      "SELECT planned_us, until_us, state, decided_us, sent_us, ended_us, flag, error, "
      "worker_flag, message, cost_ms FROM cron_firing WHERE schedule = ? AND planned_us < ? "
      "ORDER BY planned_us DESC LIMIT ?",
      ELVES_VALUES (ELVES_TEXT (self->id), ELVES_INT (self->before_us),
                    ELVES_INT ((gint64) self->limit + 1)),
      error);
  g_ptr_array_set_size (self->executions, 0);
  self->more = FALSE;
  while (rows != NULL && elves_store_rows_next (rows))
    if (self->executions->len == self->limit)
      self->more = TRUE;
    else
      g_ptr_array_add (self->executions, read_execution (rows));
  return elves_store_rows_end (rows, error);
}

static void
on_paged (gpointer data, const GError *error)
{
  Paging *self = data;
  self->done (self->executions, self->more, error, self->user_data);
}

void
elves_cron_history_page (ElvesCronLedger *ledger,
                         const char *id,
                         const char *owner,
                         gint64 before_us,
                         guint limit,
                         ElvesCronExecutionsFunc done,
                         gpointer user_data)
{
  Paging *self = g_new0 (Paging, 1);
  self->id = g_strdup (id);
  self->owner = g_strdup (owner);
  self->before_us = before_us;
  self->limit = limit;
  self->executions = g_ptr_array_new_with_free_func (execution_free);
  self->done = done;
  self->user_data = user_data;
  elves_cron_ledger_read (ledger, page, on_paged, self, paging_free);
}

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

static gboolean
clean (ElvesStoreTx *tx, gpointer data, GError **error)
{
  Cleaning *self = data;
  if (!forget_old (tx, self, error))
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
