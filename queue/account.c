#include "queue/account.h"

#define COLUMNS                                                                                 \
  " status, on_failure, tasks, bytes, running, succeeded, failed, cancelled, stopped, skipped," \
  " changes, width, stagger_ms, max_failures, next_start_ms, wake_ms, ended_ms, made_by,"       \
  " committed_by"

enum
{
  STATUS,
  ON_FAILURE,
  TASKS,
  BYTES,
  RUNNING,
  SUCCEEDED,
  FAILED,
  CANCELLED,
  STOPPED,
  SKIPPED,
  CHANGES,
  WIDTH,
  STAGGER,
  MAX_FAILURES,
  NEXT_START,
  WAKE,
  ENDED,
  MADE_BY,
  COMMITTED_BY
};

void
elves_queue_account_clear (ElvesQueueAccount *self)
{
  g_clear_pointer (&self->made_by, g_free);
  g_clear_pointer (&self->committed_by, g_free);
}

static void
read_counters (ElvesStoreRows *row, ElvesQueueAccount *out)
{
  out->tasks = elves_store_rows_int (row, TASKS);
  out->bytes = elves_store_rows_int (row, BYTES);
  out->running = elves_store_rows_int (row, RUNNING);
  out->succeeded = elves_store_rows_int (row, SUCCEEDED);
  out->failed = elves_store_rows_int (row, FAILED);
  out->cancelled = elves_store_rows_int (row, CANCELLED);
  out->stopped = elves_store_rows_int (row, STOPPED);
  out->skipped = elves_store_rows_int (row, SKIPPED);
  out->changes = elves_store_rows_int (row, CHANGES);
}

/* FALSE: a status that this program does not know. */
static gboolean
read_row (ElvesStoreRows *row, ElvesQueueAccount *out)
{
  elves_queue_account_clear (out);
  read_counters (row, out);
  out->width = elves_store_rows_int (row, WIDTH);
  out->stagger_ms = elves_store_rows_int (row, STAGGER);
  out->max_failures =
      elves_store_rows_is_null (row, MAX_FAILURES) ? -1 : elves_store_rows_int (row, MAX_FAILURES);
  out->next_start_ms = elves_store_rows_int (row, NEXT_START);
  out->wake_ms = elves_store_rows_int (row, WAKE);
  out->ended_ms = elves_store_rows_int (row, ENDED);
  out->made_by = g_strdup (elves_store_rows_text (row, MADE_BY));
  out->committed_by = g_strdup (elves_store_rows_text (row, COMMITTED_BY));
  if (!elves_on_failure_from_text (elves_store_rows_text (row, ON_FAILURE), &out->on_failure))
    out->on_failure = ELVES_ON_FAILURE_LEAVE;
  return elves_queue_state_from_text (elves_store_rows_text (row, STATUS), &out->state);
}

/**
 * elves_queue_account_read:
 * @out_account: (inout): cleared or used before; filled when the verdict is DONE
 */
gboolean
elves_queue_account_read (ElvesStoreTx *tx,
                          const char *queue_id,
                          ElvesQueueAccount *out_account,
                          ElvesQueueVerdict *out_verdict,
                          GError **error)
{
  g_autoptr (ElvesStoreRows) rows =
      elves_store_tx_query (tx, "SELECT" COLUMNS " FROM queue WHERE queue_id = ?",
                            ELVES_VALUES (ELVES_TEXT (queue_id)), error);
  *out_verdict = ELVES_VERDICT_NO_QUEUE;
  while (rows != NULL && elves_store_rows_next (rows))
    if (read_row (rows, out_account))
      *out_verdict = ELVES_VERDICT_DONE;
  return elves_store_rows_end (rows, error);
}

/**
 * elves_queue_account_end_one:
 * @ending: how the task has ended
 * @out_account: (inout): what the queue is after that
 */
gboolean
elves_queue_account_end_one (ElvesStoreTx *tx,
                             const char *queue_id,
                             ElvesQueueEnding ending,
                             ElvesQueueAccount *out_account,
                             GError **error)
{
  g_autoptr (ElvesStoreRows) rows = elves_store_tx_query (
      tx,
      "UPDATE queue SET running = running - 1, changes = changes + 1,"
      " succeeded = succeeded + CAST (? AS BIGINT), failed = failed + CAST (? AS BIGINT),"
      " cancelled = cancelled + CAST (? AS BIGINT) WHERE queue_id = ? RETURNING" COLUMNS,
      ELVES_VALUES (ELVES_INT (ending == ELVES_ENDING_SUCCESS),
                    ELVES_INT (ending == ELVES_ENDING_FAILURE),
                    ELVES_INT (ending == ELVES_ENDING_CANCELLED), ELVES_TEXT (queue_id)),
      error);
  while (rows != NULL && elves_store_rows_next (rows))
    read_row (rows, out_account);
  return elves_store_rows_end (rows, error);
}

static ElvesStoreValue
int_or_null (gint64 number, gint64 null)
{
  return number == null ? (ElvesStoreValue){ .kind = ELVES_STORE_NULL } : ELVES_INT (number);
}

/**
 * elves_queue_account_write:
 * @account: as it is to be: what is fixed when a queue is made is not written
 */
gboolean
elves_queue_account_write (ElvesStoreTx *tx,
                           const char *queue_id,
                           const ElvesQueueAccount *account,
                           GError **error)
{
  return elves_store_tx_exec (
      tx,
      "UPDATE queue SET status = ?, tasks = ?, bytes = ?, running = ?, stopped = ?, skipped = ?,"
      " changes = ?, next_start_ms = ?, wake_ms = ?, ended_ms = ? WHERE queue_id = ?",
      ELVES_VALUES (ELVES_TEXT (elves_queue_state_text (account->state)),
                    ELVES_INT (account->tasks), ELVES_INT (account->bytes),
                    ELVES_INT (account->running), ELVES_INT (account->stopped),
                    ELVES_INT (account->skipped), ELVES_INT (account->changes),
                    ELVES_INT (account->next_start_ms), int_or_null (account->wake_ms, 0),
                    int_or_null (account->ended_ms, 0), ELVES_TEXT (queue_id)),
      NULL, error);
}

gint64
elves_queue_account_pendding (const ElvesQueueAccount *self)
{
  return self->tasks - self->running - self->succeeded - self->failed - self->cancelled -
         self->stopped - self->skipped;
}

gboolean
elves_queue_count_open (ElvesStoreTx *tx, gint64 *out_open, GError **error)
{
  g_autoptr (ElvesStoreRows) rows =
      elves_store_tx_query (tx, "SELECT count (*) FROM queue WHERE ended_ms IS NULL", NULL, error);
  *out_open = 0;
  if (rows != NULL && elves_store_rows_next (rows))
    *out_open = elves_store_rows_int (rows, 0);
  return elves_store_rows_end (rows, error);
}
