#include "queue/history.h"

static gboolean
find_one (ElvesStoreTx *tx, const char *sql, gint64 number, char **out_queue_id, GError **error)
{
  g_autoptr (ElvesStoreRows) rows =
      elves_store_tx_query (tx, sql, ELVES_VALUES (ELVES_INT (number)), error);
  if (rows != NULL && elves_store_rows_next (rows))
    *out_queue_id = g_strdup (elves_store_rows_text (rows, 0));
  return elves_store_rows_end (rows, error);
}

static gboolean
find_old (ElvesStoreTx *tx, gint64 before_ms, guint keep, char **out_queue_id, GError **error)
{
  static const char *const ended = "SELECT queue_id FROM queue WHERE ended_ms < ?"
                                   " ORDER BY ended_ms LIMIT 1";
  static const char *const abandoned = "SELECT queue_id FROM queue WHERE ended_ms IS NULL"
                                       " AND status = 'pendding' AND created_ms < ? LIMIT 1";
  static const char *const too_many = "SELECT queue_id FROM queue WHERE ended_ms IS NOT NULL"
                                      " ORDER BY ended_ms DESC LIMIT 1 OFFSET ?";
  return find_one (tx, ended, before_ms, out_queue_id, error) &&
         (*out_queue_id != NULL || find_one (tx, abandoned, before_ms, out_queue_id, error)) &&
         (*out_queue_id != NULL || find_one (tx, too_many, keep, out_queue_id, error));
}

static gboolean
remove_queue (ElvesStoreTx *tx, const char *queue_id, GError **error)
{
  static const char *const steps[] = {
    "DELETE FROM queue_need WHERE task_id IN (SELECT task_id FROM queue_task WHERE queue_id = ?)",
    "DELETE FROM queue_task WHERE queue_id = ?",
    "DELETE FROM queue WHERE queue_id = ?",
  };
  for (guint i = 0; i < G_N_ELEMENTS (steps); i++)
    if (!elves_store_tx_exec (tx, steps[i], ELVES_VALUES (ELVES_TEXT (queue_id)), NULL, error))
      return FALSE;
  return TRUE;
}

gboolean
elves_queue_tx_forget (ElvesStoreTx *tx,
                       gint64 before_ms,
                       guint keep,
                       gboolean *out_removed,
                       GError **error)
{
  g_autofree char *queue_id = NULL;
  if (!find_old (tx, before_ms, keep, &queue_id, error))
    return FALSE;
  *out_removed = queue_id != NULL;
  return queue_id == NULL || remove_queue (tx, queue_id, error);
}

/* Done: nothing of it runs, or will be run. */
static gboolean
judge (ElvesStoreTx *tx, const char *queue_id, ElvesQueueVerdict *out_verdict, GError **error)
{
  g_autoptr (ElvesStoreRows) rows = elves_store_tx_query (
      tx,
      "SELECT CASE WHEN ended_ms IS NOT NULL OR status = 'pendding' THEN 1 ELSE 0 END"
      " FROM queue WHERE queue_id = ?",
      ELVES_VALUES (ELVES_TEXT (queue_id)), error);
  *out_verdict = ELVES_VERDICT_NO_QUEUE;
  if (rows != NULL && elves_store_rows_next (rows))
    *out_verdict =
        elves_store_rows_int (rows, 0) != 0 ? ELVES_VERDICT_DONE : ELVES_VERDICT_WRONG_STATE;
  return elves_store_rows_end (rows, error);
}

/**
 * elves_queue_tx_delete:
 * @queue_id: a queue that was never committed, or has ended
 */
gboolean
elves_queue_tx_delete (ElvesStoreTx *tx,
                       const char *queue_id,
                       ElvesQueueVerdict *out_verdict,
                       GError **error)
{
  return judge (tx, queue_id, out_verdict, error) &&
         (*out_verdict != ELVES_VERDICT_DONE || remove_queue (tx, queue_id, error));
}

gboolean
elves_queue_tx_count (ElvesStoreTx *tx, ElvesQueueCounts *out_counts, GError **error)
{
  g_autoptr (ElvesStoreRows) rows = elves_store_tx_query (
      tx,
      "SELECT (SELECT count (*) FROM queue WHERE ended_ms IS NULL),"
      " (SELECT count (*) FROM queue_task WHERE status = 'running'),"
      " (SELECT count (*) FROM queue_task WHERE status = 'running' AND sent = 0)"
      " + (SELECT count (*) FROM queue_task WHERE status = 'running' AND sent = 2)",
      NULL, error);
  if (rows != NULL && elves_store_rows_next (rows))
    {
      out_counts->queues_open = elves_store_rows_int (rows, 0);
      out_counts->tasks_running = elves_store_rows_int (rows, 1);
      out_counts->tasks_unsent = elves_store_rows_int (rows, 2);
    }
  return elves_store_rows_end (rows, error);
}
