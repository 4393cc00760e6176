/* Pages of executions. */
#include "cron/history.h"

#include "common/error.h"
#include "cron/life.h"

#include <string.h>

typedef struct
{
  ElvesCronPageOptions options; /* its texts are ours */
  GPtrArray *executions;
  gboolean more;
  gint64 total;
  ElvesCronExecutionsFunc done;
  gpointer user_data;
} Paging;

static void
execution_free (gpointer data)
{
  ElvesCronExecution *self = data;
  g_free (self->error);
  g_free (self->message);
  g_free (self->reason);
  g_free (self->token);
  g_free (self->attempts);
  g_free (self);
}

static void
paging_free (gpointer data)
{
  Paging *self = data;
  g_ptr_array_unref (self->executions);
  g_free ((char *) self->options.id);
  g_free ((char *) self->options.owner);
  g_free (self);
}

static char *
take_text (ElvesStoreRows *rows, guint column)
{
  return elves_store_rows_is_null (rows, column) ? NULL
                                                 : g_strdup (elves_store_rows_text (rows, column));
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
  self->reason = take_text (rows, 11);
  self->token = take_text (rows, 12);
  self->attempts = take_text (rows, 13);
  self->http_status = (gint) elves_store_rows_int (rows, 14);
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

#define COLUMNS                                                                            \
  "planned_us, until_us, state, decided_us, sent_us, ended_us, flag, error, worker_flag, " \
  "message, "                                                                              \
  "cost_ms, reason, token, attempts, http_status"
#define BY_NUMBER                                                                                  \
  " FROM cron_firing WHERE schedule = ? AND planned_us >= ? AND planned_us <= ? AND state NOT IN " \
  "(5, 6)"

static gboolean
count (ElvesStoreTx *tx, Paging *self, GError **error)
{
  const ElvesCronPageOptions *options = &self->options;
  g_autoptr (ElvesStoreRows) rows =
      elves_store_tx_query (tx, "SELECT COUNT(*)" BY_NUMBER,
                            ELVES_VALUES (ELVES_TEXT (options->id), ELVES_INT (options->begin_us),
                                          ELVES_INT (options->end_us)),
                            error);
  while (rows != NULL && elves_store_rows_next (rows))
    self->total = elves_store_rows_int (rows, 0);
  return elves_store_rows_end (rows, error);
}

static ElvesStoreRows *
query (ElvesStoreTx *tx, const Paging *self, GError **error)
{
  const ElvesCronPageOptions *options = &self->options;
  if (options->page == 0)
    return elves_store_tx_query (tx,
                                 "SELECT " COLUMNS " FROM cron_firing WHERE schedule = ? AND "
                                 "planned_us < ? ORDER BY planned_us DESC LIMIT ?",
                                 ELVES_VALUES (ELVES_TEXT (options->id),
                                               ELVES_INT (options->before_us),
                                               ELVES_INT ((gint64) options->limit + 1)),
                                 error);
  return elves_store_tx_query (
      tx, "SELECT " COLUMNS BY_NUMBER " ORDER BY planned_us DESC LIMIT ? OFFSET ?",
      ELVES_VALUES (ELVES_TEXT (options->id), ELVES_INT (options->begin_us),
                    ELVES_INT (options->end_us), ELVES_INT ((gint64) options->limit + 1),
                    ELVES_INT ((gint64) (options->page - 1) * options->limit)),
      error);
}

static gboolean
page (ElvesStoreTx *tx, gpointer data, GError **error)
{
  Paging *self = data;
  g_autoptr (ElvesStoreRows) rows = NULL;
  self->total = 0;
  if (!exists (tx, self->options.id, self->options.owner, error) ||
      (self->options.page != 0 && !count (tx, self, error)))
    return FALSE;
  rows = query (tx, self, error);
  g_ptr_array_set_size (self->executions, 0);
  self->more = FALSE;
  while (rows != NULL && elves_store_rows_next (rows))
    if (self->executions->len == self->options.limit)
      self->more = TRUE;
    else
      g_ptr_array_add (self->executions, read_execution (rows));
  return elves_store_rows_end (rows, error);
}

static void
on_paged (gpointer data, const GError *error)
{
  Paging *self = data;
  self->done (self->executions, self->more, self->total, error, self->user_data);
}

void
elves_cron_history_page (ElvesCronLedger *ledger,
                         const ElvesCronPageOptions *options,
                         ElvesCronExecutionsFunc done,
                         gpointer user_data)
{
  Paging *self = g_new0 (Paging, 1);
  self->options = *options;
  self->options.id = g_strdup (options->id);
  self->options.owner = g_strdup (options->owner);
  self->executions = g_ptr_array_new_with_free_func (execution_free);
  self->done = done;
  self->user_data = user_data;
  elves_cron_ledger_read (ledger, page, on_paged, self, paging_free);
}
