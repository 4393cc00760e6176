/* Tasks, page by page. How far a page goes is found first, by the sizes of what was said: a page
 * may have to be held in memory. */
#include "queue/cards.h"

#include "common/json-writer.h"

#include "queue/card-parts.h"

#define FRAME_BYTES 768 /* of a task in an answer, beside what it said */

#define COLUMNS                                                                               \
  "SELECT t.seq, t.task_id, t.name, t.ip, coalesce (t.app, q.app), t.func, t.status, t.flag," \
  " t.error, t.reason, t.worker_flag, t.worker_message, t.worker_cost_ms, t.created_ms,"      \
  " t.started_ms, t.finished_ms FROM queue_task t JOIN queue q ON q.queue_id = t.queue_id"    \
  " WHERE t.queue_id = ?"

enum
{
  SEQ,
  ID,
  NAME,
  IP,
  APP,
  FUNC,
  STATUS,
  FLAG,
  ERROR,
  REASON,
  WORKER_FLAG,
  WORKER_MESSAGE,
  WORKER_COST,
  CREATED,
  STARTED,
  FINISHED
};

static void
write_task (GString *out, ElvesStoreRows *row)
{
  elves_json_open (out, NULL);
  elves_json_add_number (out, "seq", elves_store_rows_int (row, SEQ));
  elves_queue_card_add (out, "id", row, ID);
  elves_queue_card_add (out, "name", row, NAME);
  elves_queue_card_add (out, "ip", row, IP);
  elves_queue_card_add (out, "app", row, APP);
  elves_queue_card_add (out, "func", row, FUNC);
  elves_queue_card_add (out, "status", row, STATUS);
  elves_queue_card_add (out, "flag", row, FLAG);
  elves_queue_card_add (out, "error", row, ERROR);
  elves_queue_card_add (out, "reason", row, REASON);
  elves_json_add_number (out, "worker_flag", elves_store_rows_int (row, WORKER_FLAG));
  elves_queue_card_add (out, "worker_message", row, WORKER_MESSAGE);
  elves_json_add_number (out, "worker_costtime", elves_store_rows_int (row, WORKER_COST));
  elves_queue_card_add_time (out, "created", row, CREATED);
  elves_queue_card_add_time (out, "started", row, STARTED);
  elves_queue_card_add_time (out, "finished", row, FINISHED);
  elves_json_close (out);
}

/* Which column orders, and which tasks of the queue: the two texts for it. */
typedef struct
{
  const char *measure, *read;
  gboolean is_filtered; /* by one text */
} Order;

#define BY_PLACE(where)                                                                     \
  "SELECT t.seq, t.result_bytes FROM queue_task t WHERE t.queue_id = ? AND t.seq > ?" where \
  " ORDER BY t.seq LIMIT ?",                                                                \
      COLUMNS " AND t.seq > ? AND t.seq <= ?" where " ORDER BY t.seq"
#define SUCCEEDED "t.flag = 'true' AND t.worker_flag = 1"

static const Order by_place = { BY_PLACE (""), FALSE };
static const Order by_change = {
  "SELECT changed, result_bytes FROM queue_task WHERE queue_id = ? AND changed > ?"
  " ORDER BY changed LIMIT ?",
  COLUMNS " AND t.changed > ? AND t.changed <= ? ORDER BY t.changed", FALSE
};

static const Order of_filters[] = {
  [ELVES_TASKS_OF_STATE] = { BY_PLACE (" AND t.status = ?"), TRUE },
  [ELVES_TASKS_OF_ID] = { BY_PLACE (" AND t.task_id = ?"), TRUE },
  [ELVES_TASKS_SUCCEEDED] = { BY_PLACE (" AND t.status = ? AND " SUCCEEDED), TRUE },
  [ELVES_TASKS_CANCELLED] = { BY_PLACE (" AND t.status = ? AND t.reason = 'cancelled'"), TRUE },
  [ELVES_TASKS_FAILED] = { BY_PLACE (" AND t.status = ? AND NOT (" SUCCEEDED
                                     ") AND coalesce (t.reason, '') <> 'cancelled'"),
                           TRUE },
};

/* *out_last: the end of the page; as it was when there is none. */
static gboolean
find_end (ElvesStoreTx *tx,
          const char *queue_id,
          const Order *order,
          const ElvesQueueTasksQuery *query,
          gint64 *out_last,
          gboolean *out_more,
          GError **error)
{
  gsize bytes = 0;
  guint n = 0;
  const ElvesStoreValue *values =
      order->is_filtered ? ELVES_VALUES (ELVES_TEXT (queue_id), ELVES_INT (query->after),
                                         ELVES_TEXT (query->filter), ELVES_INT (query->limit + 1))
                         : ELVES_VALUES (ELVES_TEXT (queue_id), ELVES_INT (query->after),
                                         ELVES_INT (query->limit + 1));
  g_autoptr (ElvesStoreRows) rows = elves_store_tx_query (tx, order->measure, values, error);
  *out_more = FALSE;
  while (rows != NULL && !*out_more && elves_store_rows_next (rows))
    {
      bytes += FRAME_BYTES + (gsize) elves_store_rows_int (rows, 1);
      *out_more = n == query->limit || (n > 0 && bytes > query->max_bytes);
      if (!*out_more)
        *out_last = elves_store_rows_int (rows, 0);
      n++;
    }
  return elves_store_rows_end (rows, error);
}

static gboolean
write_tasks (ElvesStoreTx *tx,
             const char *queue_id,
             const Order *order,
             const ElvesQueueTasksQuery *query,
             gint64 last,
             GString *out,
             GError **error)
{
  const ElvesStoreValue *values =
      order->is_filtered
          ? ELVES_VALUES (ELVES_TEXT (queue_id), ELVES_INT (query->after), ELVES_INT (last),
                          ELVES_TEXT (query->filter))
          : ELVES_VALUES (ELVES_TEXT (queue_id), ELVES_INT (query->after), ELVES_INT (last));
  elves_json_open_array (out, "result");
  if (last > query->after)
    {
      g_autoptr (ElvesStoreRows) rows = elves_store_tx_query (tx, order->read, values, error);
      while (rows != NULL && elves_store_rows_next (rows))
        write_task (out, rows);
      if (!elves_store_rows_end (rows, error))
        return FALSE;
    }
  elves_json_close_array (out);
  return TRUE;
}

/* *out_ended: nothing will change by itself any more. */
static gboolean
judge (ElvesStoreTx *tx,
       const char *queue_id,
       gint64 *out_changes,
       gboolean *out_ended,
       ElvesQueueVerdict *out_verdict,
       GError **error)
{
  g_autoptr (ElvesStoreRows) rows =
      elves_store_tx_query (tx, "SELECT changes, ended_ms FROM queue WHERE queue_id = ?",
                            ELVES_VALUES (ELVES_TEXT (queue_id)), error);
  *out_verdict = ELVES_VERDICT_NO_QUEUE;
  if (rows != NULL && elves_store_rows_next (rows))
    {
      *out_verdict = ELVES_VERDICT_DONE;
      *out_changes = elves_store_rows_int (rows, 0);
      *out_ended = !elves_store_rows_is_null (rows, 1);
    }
  return elves_store_rows_end (rows, error);
}

/* What both answers have in common. @last: (inout) */
static gboolean
write_page (ElvesStoreTx *tx,
            const char *queue_id,
            const Order *order,
            const ElvesQueueTasksQuery *query,
            gint64 *last,
            gboolean *out_more,
            GString **out_body,
            GError **error)
{
  *last = query->after;
  if (!find_end (tx, queue_id, order, query, last, out_more, error))
    return FALSE;
  GString *body = elves_queue_card_begin ();
  if (write_tasks (tx, queue_id, order, query, *last, body, error))
    *out_body = body;
  else
    g_string_free (body, TRUE);
  return *out_body != NULL;
}

gboolean
elves_queue_card_tasks (ElvesStoreTx *tx,
                        const char *queue_id,
                        const ElvesQueueTasksQuery *query,
                        GString **out_body,
                        ElvesQueueVerdict *out_verdict,
                        GError **error)
{
  gint64 changes, last;
  gboolean ended, more;
  *out_body = NULL;
  if (!judge (tx, queue_id, &changes, &ended, out_verdict, error))
    return FALSE;
  if (*out_verdict != ELVES_VERDICT_DONE)
    return TRUE;
  if (!write_page (tx, queue_id, query->filter != NULL ? &of_filters[query->kind] : &by_place,
                   query, &last, &more, out_body, error))
    return FALSE;
  elves_json_add_number (*out_body, "next", more ? last : 0);
  elves_json_close (*out_body);
  return TRUE;
}

static void
end_changes (GString *body, gint64 next, gboolean ended)
{
  elves_json_add_number (body, "next", next);
  elves_json_add_text (body, "ended", ended ? "true" : "false");
  elves_json_close (body);
}

/**
 * elves_queue_card_changes:
 * @out_verdict: WRONG_STATE: after is a number that no change of this queue has had
 *
 * A task is there once, as it is now, however often it has changed. "ended" comes with the last of
 * them.
 */
gboolean
elves_queue_card_changes (ElvesStoreTx *tx,
                          const char *queue_id,
                          const ElvesQueueTasksQuery *query,
                          GString **out_body,
                          gboolean *out_news,
                          ElvesQueueVerdict *out_verdict,
                          GError **error)
{
  gint64 changes = 0, last;
  gboolean ended = FALSE, more;
  *out_body = NULL;
  if (!judge (tx, queue_id, &changes, &ended, out_verdict, error))
    return FALSE;
  if (*out_verdict == ELVES_VERDICT_DONE && query->after > changes)
    *out_verdict = ELVES_VERDICT_WRONG_STATE;
  if (*out_verdict != ELVES_VERDICT_DONE)
    return TRUE;
  if (!write_page (tx, queue_id, &by_change, query, &last, &more, out_body, error))
    return FALSE;
  *out_news = last > query->after || ended;
  end_changes (*out_body, more ? last : changes, ended && !more);
  return TRUE;
}

GString *
elves_queue_card_no_changes (gint64 since)
{
  GString *body = elves_queue_card_begin ();
  elves_json_open_array (body, "result");
  elves_json_close_array (body);
  end_changes (body, since, FALSE);
  return body;
}
