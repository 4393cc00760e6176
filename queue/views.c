/* queueResult as the interface has it, with members of ours beside it: "queue" describes the queue,
 * "depend_task_ids" and times stand with each task. queueList is ours. */
#include "queue/views.h"

#include "common/json-writer.h"
#include "queue/life.h"

#define TASK_FRAME_BYTES 512 /* of a task in an answer, beside its texts */
#define DEFAULT_PAGE 100     /* of a list */

static char *
format_time (gint64 time_ms)
{
  if (time_ms == 0)
    return g_strdup ("");
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_local (time_ms / 1000);
  return g_date_time_format (time, "%Y-%m-%d %H:%M:%S");
}

static void
add_time (GString *out, const char *name, gint64 time_ms)
{
  g_autofree char *text = format_time (time_ms);
  elves_json_add_text (out, name, text);
}

/* ---- queues --------------------------------------------------------------------------------- */

#define QUEUE_COLUMNS                                                                            \
  "SELECT queue_id, app, status, on_failure, created_ms, committed_ms, ended_ms, tasks, running" \
  " FROM queue"

enum
{
  QUEUE_ID,
  QUEUE_APP,
  QUEUE_STATUS,
  QUEUE_ON_FAILURE,
  QUEUE_CREATED,
  QUEUE_COMMITTED,
  QUEUE_ENDED,
  QUEUE_TASKS,
  QUEUE_RUNS
};

static void
write_queue (GString *out, const char *name, ElvesStoreRows *row)
{
  elves_json_open (out, name);
  elves_json_add_text (out, "id", elves_store_rows_text (row, QUEUE_ID));
  elves_json_add_text (out, "app", elves_store_rows_text (row, QUEUE_APP));
  elves_json_add_text (out, "status", elves_store_rows_text (row, QUEUE_STATUS));
  elves_json_add_text (out, "on_failure", elves_store_rows_text (row, QUEUE_ON_FAILURE));
  add_time (out, "create_time", elves_store_rows_int (row, QUEUE_CREATED));
  add_time (out, "commit_time", elves_store_rows_int (row, QUEUE_COMMITTED));
  add_time (out, "end_time", elves_store_rows_int (row, QUEUE_ENDED));
  elves_json_add_number (out, "tasks", elves_store_rows_int (row, QUEUE_TASKS));
  elves_json_add_number (out, "running", elves_store_rows_int (row, QUEUE_RUNS));
  elves_json_close (out);
}

/* ---- tasks ---------------------------------------------------------------------------------- */

static const char *
text_or_empty (ElvesStoreRows *row, guint column)
{
  const char *text = elves_store_rows_text (row, column);
  return text != NULL ? text : "";
}

#define TASK_COLUMNS                                                                           \
  "SELECT task_id, depend_task_id, flag, error, worker_message, status, worker_cost_ms,"       \
  " worker_flag, reason, ip, func, created_ms, finished_ms FROM queue_task WHERE queue_id = ?" \
  " ORDER BY seq LIMIT ? OFFSET ?"

enum
{
  TASK_ID,
  TASK_NEED,
  TASK_FLAG,
  TASK_ERROR,
  TASK_MESSAGE,
  TASK_STATUS,
  TASK_COST,
  TASK_WORKER_FLAG,
  TASK_REASON,
  TASK_IP,
  TASK_FUNC,
  TASK_CREATED,
  TASK_FINISHED
};

static void
write_task (GString *out, ElvesStoreRows *row)
{
  elves_json_open (out, elves_store_rows_text (row, TASK_ID));
  elves_json_add_text (out, "id", elves_store_rows_text (row, TASK_ID));
  elves_json_add_text (out, "depend_task_id", elves_store_rows_text (row, TASK_NEED));
  elves_json_add_text (out, "flag", text_or_empty (row, TASK_FLAG));
  elves_json_add_text (out, "error", text_or_empty (row, TASK_ERROR));
  elves_json_add_text (out, "worker_message", text_or_empty (row, TASK_MESSAGE));
  elves_json_add_text (out, "status", elves_store_rows_text (row, TASK_STATUS));
  elves_json_add_number (out, "worker_costtime", elves_store_rows_int (row, TASK_COST));
  elves_json_add_number (out, "worker_flag", elves_store_rows_int (row, TASK_WORKER_FLAG));
  elves_json_add_text (out, "reason", text_or_empty (row, TASK_REASON));
  elves_json_add_text (out, "ip", elves_store_rows_text (row, TASK_IP));
  elves_json_add_text (out, "func", elves_store_rows_text (row, TASK_FUNC));
  add_time (out, "create_time", elves_store_rows_int (row, TASK_CREATED));
  add_time (out, "finish_time", elves_store_rows_int (row, TASK_FINISHED));
  elves_json_close (out);
}

static gboolean
write_tasks (ElvesStoreTx *tx,
             GString *out,
             const char *queue_id,
             gint64 limit,
             gint64 offset,
             GError **error)
{
  g_autoptr (ElvesStoreRows) rows = elves_store_tx_query (
      tx, TASK_COLUMNS, ELVES_VALUES (ELVES_TEXT (queue_id), ELVES_INT (limit), ELVES_INT (offset)),
      error);
  elves_json_open (out, "result");
  while (rows != NULL && elves_store_rows_next (rows))
    write_task (out, rows);
  elves_json_close (out);
  return elves_store_rows_end (rows, error);
}

/* Before anything is read: the answer is made in memory. */
static gboolean
measure (ElvesStoreTx *tx,
         const char *queue_id,
         gint64 limit,
         gint64 offset,
         gint64 *out_bytes,
         GError **error)
{
  g_autoptr (ElvesStoreRows) rows = elves_store_tx_query (
      tx,
      "SELECT sum (result_bytes), count (*) FROM (SELECT result_bytes FROM queue_task"
      " WHERE queue_id = ? ORDER BY seq LIMIT ? OFFSET ?) AS page",
      ELVES_VALUES (ELVES_TEXT (queue_id), ELVES_INT (limit), ELVES_INT (offset)), error);
  *out_bytes = 0;
  if (rows != NULL && elves_store_rows_next (rows))
    *out_bytes = elves_store_rows_int (rows, 0) + elves_store_rows_int (rows, 1) * TASK_FRAME_BYTES;
  return elves_store_rows_end (rows, error);
}

gboolean
elves_queue_view_result (ElvesStoreTx *tx,
                         const char *queue_id,
                         const ElvesQueuePage *page,
                         GString **out_body,
                         ElvesQueueViewVerdict *out_verdict,
                         GError **error)
{
  gint64 limit = page->page_size > 0 ? page->page_size : G_MAXINT32;
  gint64 offset = page->page_size > 0 ? (gint64) (page->page - 1) * page->page_size : 0;
  gint64 bytes;
  g_autoptr (ElvesStoreRows) queue = elves_store_tx_query (
      tx, QUEUE_COLUMNS " WHERE queue_id = ?", ELVES_VALUES (ELVES_TEXT (queue_id)), error);
  *out_body = NULL;
  *out_verdict = ELVES_VIEW_NO_QUEUE;
  if (queue == NULL || !elves_store_rows_next (queue))
    return elves_store_rows_end (queue, error);
  if (!measure (tx, queue_id, limit, offset, &bytes, error))
    return FALSE;
  *out_verdict = bytes <= (gint64) page->max_bytes ? ELVES_VIEW_DONE : ELVES_VIEW_TOO_LARGE;
  if (*out_verdict != ELVES_VIEW_DONE)
    return TRUE;
  GString *body = g_string_new (NULL);
  elves_json_open (body, NULL);
  elves_json_add_text (body, "flag", "true");
  elves_json_add_text (body, "error", "");
  write_queue (body, "queue", queue);
  gboolean written = write_tasks (tx, body, queue_id, limit, offset, error);
  elves_json_close (body);
  if (written)
    *out_body = g_steal_pointer (&body);
  else
    g_string_free (body, TRUE);
  return written;
}

/* ---- lists ---------------------------------------------------------------------------------- */

static gboolean
write_queues (ElvesStoreTx *tx, GString *out, gint64 limit, gint64 offset, GError **error)
{
  g_autoptr (ElvesStoreRows) rows =
      elves_store_tx_query (tx, QUEUE_COLUMNS " ORDER BY seq DESC LIMIT ? OFFSET ?",
                            ELVES_VALUES (ELVES_INT (limit), ELVES_INT (offset)), error);
  elves_json_open_array (out, "result");
  while (rows != NULL && elves_store_rows_next (rows))
    write_queue (out, NULL, rows);
  elves_json_close_array (out);
  return elves_store_rows_end (rows, error);
}

static gboolean
write_count (ElvesStoreTx *tx, GString *out, GError **error)
{
  g_autoptr (ElvesStoreRows) rows =
      elves_store_tx_query (tx, "SELECT count (*) FROM queue", NULL, error);
  if (rows != NULL && elves_store_rows_next (rows))
    elves_json_add_number (out, "count", elves_store_rows_int (rows, 0));
  return elves_store_rows_end (rows, error);
}

gboolean
elves_queue_view_list (ElvesStoreTx *tx,
                       const ElvesQueuePage *page,
                       GString **out_body,
                       GError **error)
{
  gint64 size = page->page_size > 0 ? page->page_size : DEFAULT_PAGE;
  GString *body = g_string_new (NULL);
  elves_json_open (body, NULL);
  elves_json_add_text (body, "flag", "true");
  elves_json_add_text (body, "error", "");
  gboolean written = write_count (tx, body, error) &&
                     write_queues (tx, body, size, (gint64) (page->page - 1) * size, error);
  elves_json_close (body);
  *out_body = written ? g_steal_pointer (&body) : NULL;
  if (body != NULL)
    g_string_free (body, TRUE);
  return written;
}
