#include "queue/sending.h"

#define PAGE_TASKS 256
#define PAGE_BYTES (8 * 1024 * 1024) /* of texts, unless a single task has more */

static gboolean
has_claimed (ElvesStoreTx *tx, gboolean *out_has, GError **error)
{
  g_autoptr (ElvesStoreRows) rows = elves_store_tx_query (
      tx, "SELECT seq FROM queue_task WHERE status = 'running' AND sent = 2 LIMIT 1", NULL, error);
  *out_has = rows != NULL && elves_store_rows_next (rows);
  return elves_store_rows_end (rows, error);
}

/* How far a page goes: so many tasks, of so many bytes in all, but one. */
static gboolean
find_end (ElvesStoreTx *tx, gint64 *out_last, GError **error)
{
  gint64 bytes = 0;
  *out_last = -1;
  g_autoptr (ElvesStoreRows) rows = elves_store_tx_query (
      tx,
      "SELECT seq, bytes FROM queue_task WHERE status = 'running' AND sent = 0 ORDER BY seq"
      " LIMIT ?",
      ELVES_VALUES (ELVES_INT (PAGE_TASKS)), error);
  while (rows != NULL && elves_store_rows_next (rows))
    {
      bytes += elves_store_rows_int (rows, 1);
      if (*out_last >= 0 && bytes > PAGE_BYTES)
        break;
      *out_last = elves_store_rows_int (rows, 0);
    }
  return elves_store_rows_end (rows, error);
}

gboolean
elves_queue_tx_claim (ElvesStoreTx *tx, GError **error)
{
  gboolean has;
  gint64 last;
  if (!has_claimed (tx, &has, error))
    return FALSE;
  if (has)
    return TRUE;
  if (!find_end (tx, &last, error))
    return FALSE;
  return last < 0 || elves_store_tx_exec (tx,
                                          "UPDATE queue_task SET sent = 2"
                                          " WHERE status = 'running' AND sent = 0 AND seq <= ?",
                                          ELVES_VALUES (ELVES_INT (last)), NULL, error);
}

/* After the migration of a store more of them may be there than a page has. */
gboolean
elves_queue_tx_each_claimed (ElvesStoreTx *tx,
                             ElvesQueueSendingFunc each,
                             gpointer user_data,
                             GError **error)
{
  g_autoptr (ElvesStoreRows) rows = elves_store_tx_query (
      tx,
      "SELECT t.seq, t.task_id, t.ip, t.mode, coalesce (t.app, q.app), t.func, t.param, t.proxy,"
      " t.timeout_s FROM queue_task t JOIN queue q ON q.queue_id = t.queue_id"
      " WHERE t.status = 'running' AND t.sent = 2 ORDER BY t.seq LIMIT ?",
      ELVES_VALUES (ELVES_INT (PAGE_TASKS)), error);
  while (rows != NULL && elves_store_rows_next (rows))
    each (rows, user_data);
  return elves_store_rows_end (rows, error);
}

gboolean
elves_queue_tx_mark_page (ElvesStoreTx *tx,
                          const ElvesQueueChange *change,
                          gint64 last,
                          GError **error)
{
  return elves_store_tx_exec (
      tx,
      "UPDATE queue_task SET sent = 1, deadline_ms = timeout_s * 1000 + CAST (? AS BIGINT)"
      " WHERE status = 'running' AND sent = 2 AND seq <= ?",
      ELVES_VALUES (ELVES_INT (change->now_ms + change->limits->grace_ms), ELVES_INT (last)), NULL,
      error);
}

gboolean
elves_queue_tx_mark_some (ElvesStoreTx *tx,
                          const ElvesQueueChange *change,
                          const GPtrArray *tasks,
                          GError **error)
{
  for (guint i = 0; i < tasks->len; i++)
    if (!elves_store_tx_exec (
            tx,
            "UPDATE queue_task SET sent = 1, deadline_ms = timeout_s * 1000 + CAST (? AS BIGINT)"
            " WHERE task_id = ? AND status = 'running'",
            ELVES_VALUES (ELVES_INT (change->now_ms + change->limits->grace_ms),
                          ELVES_TEXT (tasks->pdata[i])),
            NULL, error))
      return FALSE;
  return TRUE;
}
