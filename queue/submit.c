/* Tasks that start at once are written as running: nothing is written twice. Rows go to the
 * database many at a time, as each statement is a way there and back. */
#include "queue/submit.h"

#include "common/job.h"
#include "queue/account.h"
#include "queue/starting.h"

#define TASK_COLUMNS 20
#define TASK_ROWS 15 /* in one statement: the store takes 300 values */
#define NEED_ROWS 100

#define FIVE(row) row "," row "," row "," row "," row
#define FIFTEEN(row) FIVE (row) "," FIVE (row) "," FIVE (row)
#define HUNDRED(row) FIVE (FIVE (row "," row "," row "," row))
#define TASK_ROW "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
#define INSERT_TASK                                                                                \
  "INSERT INTO queue_task (task_id, queue_id, name, app, ip, mode, func, param, proxy, timeout_s," \
  " depend_task_id, waits_for, dependents, bytes, status, created_ms, started_ms, deadline_ms,"    \
  " changed, made_by) VALUES "
#define NEED_ROW "(?, ?)"
#define INSERT_NEED "INSERT INTO queue_need (task_id, needs) VALUES "

void
elves_queue_submitted_clear (ElvesQueueSubmitted *self)
{
  g_clear_pointer (&self->queue_id, g_free);
  g_clear_pointer (&self->task_ids, g_ptr_array_unref);
  self->existed = FALSE;
}

/* ---- one that is there ---------------------------------------------------------------------- */

/* What is known of a queue of that key, or of that request. */
static gboolean
find_queue (ElvesStoreTx *tx,
            const char *sql,
            const ElvesStoreValue *values,
            const ElvesQueueSubmission *submission,
            const ElvesQueueChange *change,
            ElvesQueueSubmitted *out,
            ElvesQueueVerdict *out_verdict,
            GError **error)
{
  g_autoptr (ElvesStoreRows) rows = elves_store_tx_query (tx, sql, values, error);
  if (rows != NULL && elves_store_rows_next (rows))
    {
      gboolean is_same = g_strcmp0 (elves_store_rows_text (rows, 1), submission->content) == 0;
      gboolean is_mine = g_strcmp0 (elves_store_rows_text (rows, 2), change->fingerprint) == 0;
      out->queue_id = g_strdup (elves_store_rows_text (rows, 0));
      out->existed = !(is_mine && change->may_repeat);
      *out_verdict = is_same ? ELVES_VERDICT_DONE : ELVES_VERDICT_OTHER_CONTENT;
    }
  return elves_store_rows_end (rows, error);
}

static gboolean
find_known (ElvesStoreTx *tx,
            const ElvesQueueChange *change,
            const ElvesQueueSubmission *submission,
            ElvesQueueSubmitted *out,
            ElvesQueueVerdict *out_verdict,
            GError **error)
{
  static const char *const by_key = "SELECT queue_id, content, made_by FROM queue"
                                    " WHERE owner = ? AND submit_key = ?"
                                    " AND submit_key IS NOT NULL";
  static const char *const by_request = "SELECT queue_id, content, made_by FROM queue"
                                        " WHERE made_by = ? ORDER BY seq DESC LIMIT 1";
  if (submission->key != NULL)
    return find_queue (tx, by_key,
                       ELVES_VALUES (ELVES_TEXT (submission->owner), ELVES_TEXT (submission->key)),
                       submission, change, out, out_verdict, error);
  return !change->may_repeat ||
         find_queue (tx, by_request, ELVES_VALUES (ELVES_TEXT (change->fingerprint)), submission,
                     change, out, out_verdict, error);
}

static gboolean
list_tasks (ElvesStoreTx *tx, const char *queue_id, GPtrArray *ids, GError **error)
{
  g_autoptr (ElvesStoreRows) rows =
      elves_store_tx_query (tx, "SELECT task_id FROM queue_task WHERE queue_id = ? ORDER BY seq",
                            ELVES_VALUES (ELVES_TEXT (queue_id)), error);
  while (rows != NULL && elves_store_rows_next (rows))
    g_ptr_array_add (ids, g_strdup (elves_store_rows_text (rows, 0)));
  return elves_store_rows_end (rows, error);
}

/* ---- the queue ------------------------------------------------------------------------------ */

static gboolean
insert_queue (ElvesStoreTx *tx,
              const ElvesQueueChange *change,
              const ElvesQueueSubmission *it,
              const char *queue_id,
              GError **error)
{
  ElvesStoreValue budget = it->max_failures < 0 ? (ElvesStoreValue){ .kind = ELVES_STORE_NULL }
                                                : ELVES_INT (it->max_failures);
  return elves_store_tx_exec (
      tx,
      "INSERT INTO queue (queue_id, app, status, on_failure, created_ms, committed_ms, made_by,"
      " name, owner, extra, submit_key, content, width, stagger_ms, max_failures)"
      " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      ELVES_VALUES (ELVES_TEXT (queue_id), ELVES_TEXT (it->app),
                    ELVES_TEXT (elves_queue_state_text (ELVES_QUEUE_RUNNING)),
                    ELVES_TEXT (elves_on_failure_texts[it->on_failure]), ELVES_INT (change->now_ms),
                    ELVES_INT (change->now_ms), ELVES_TEXT (change->fingerprint),
                    ELVES_TEXT (it->name), ELVES_TEXT (it->owner), ELVES_TEXT (it->extra),
                    ELVES_TEXT (it->key), ELVES_TEXT (it->content), ELVES_INT (it->width),
                    ELVES_INT (it->stagger_ms), budget),
      NULL, error);
}

/* ---- tasks ---------------------------------------------------------------------------------- */

/* Where the rows of a submission go. */
typedef struct
{
  ElvesStoreTx *tx;
  const ElvesQueueChange *change;
  const char *queue_id;
  ElvesQueueAccount *account;
  gint64 room; /* tasks that may still start */
  gint64 started;
} Writing;

static void
fill_task (Writing *writing, const ElvesQueueTask *task, ElvesStoreValue *values)
{
  const ElvesQueueChange *change = writing->change;
  gboolean starts = task->needs->len == 0 && writing->started < writing->room;
  ElvesStoreValue null = { .kind = ELVES_STORE_NULL };
  gint64 deadline_ms = change->now_ms + task->timeout_s * 1000LL + change->limits->grace_ms;
  ElvesTaskState state = starts ? ELVES_TASK_RUNNING : ELVES_TASK_PENDDING;
  writing->started += starts ? 1 : 0;
  const ElvesStoreValue row[TASK_COLUMNS] = {
    ELVES_TEXT (task->id),
    ELVES_TEXT (writing->queue_id),
    ELVES_TEXT (task->name),
    ELVES_TEXT (task->app),
    ELVES_TEXT (task->ip),
    ELVES_TEXT (task->mode),
    ELVES_TEXT (task->func),
    ELVES_TEXT (task->param),
    ELVES_TEXT (task->proxy),
    ELVES_INT (task->timeout_s),
    ELVES_TEXT (task->needs->len > 0 ? task->needs->pdata[0] : ""),
    ELVES_INT (task->needs->len),
    ELVES_INT (task->dependents),
    ELVES_INT (elves_queue_task_bytes (task)),
    ELVES_TEXT (elves_task_state_text (state)),
    ELVES_INT (change->now_ms),
    starts ? ELVES_INT (change->now_ms) : null,
    starts ? ELVES_INT (deadline_ms) : null,
    ELVES_INT (++writing->account->changes),
    ELVES_TEXT (change->fingerprint),
  };
  for (guint i = 0; i < TASK_COLUMNS; i++)
    values[i] = row[i];
}

static gboolean
insert_tasks (Writing *writing, const GPtrArray *tasks, GError **error)
{
  ElvesStoreValue values[TASK_ROWS * TASK_COLUMNS + 1];
  for (guint i = 0; i < tasks->len;)
    {
      guint rows = tasks->len - i >= TASK_ROWS ? TASK_ROWS : 1;
      const char *sql = rows == 1 ? INSERT_TASK TASK_ROW : INSERT_TASK FIFTEEN (TASK_ROW);
      for (guint row = 0; row < rows; row++)
        fill_task (writing, tasks->pdata[i++], values + row * TASK_COLUMNS);
      values[rows * TASK_COLUMNS] = (ElvesStoreValue){ .kind = ELVES_STORE_END };
      if (!elves_store_tx_exec (writing->tx, sql, values, NULL, error))
        return FALSE;
    }
  return TRUE;
}

/* Pairs of texts: a task, and what it needs. */
static gboolean
insert_pairs (ElvesStoreTx *tx, const GPtrArray *texts, GError **error)
{
  ElvesStoreValue values[NEED_ROWS * 2 + 1];
  for (guint i = 0; i < texts->len;)
    {
      guint rows = (texts->len - i) / 2 >= NEED_ROWS ? NEED_ROWS : 1;
      const char *sql = rows == 1 ? INSERT_NEED NEED_ROW : INSERT_NEED HUNDRED (NEED_ROW);
      for (guint k = 0; k < rows * 2; k++)
        values[k] = ELVES_TEXT (texts->pdata[i++]);
      values[rows * 2] = (ElvesStoreValue){ .kind = ELVES_STORE_END };
      if (!elves_store_tx_exec (tx, sql, values, NULL, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
insert_needs (ElvesStoreTx *tx, const GPtrArray *tasks, GError **error)
{
  g_autoptr (GPtrArray) texts = g_ptr_array_new ();
  for (guint i = 0; i < tasks->len; i++)
    {
      const ElvesQueueTask *task = tasks->pdata[i];
      for (guint k = 0; k < task->needs->len; k++)
        {
          g_ptr_array_add (texts, task->id);
          g_ptr_array_add (texts, task->needs->pdata[k]);
        }
    }
  return insert_pairs (tx, texts, error);
}

/* ---- all of it ------------------------------------------------------------------------------ */

static ElvesQueueAccount
new_account (const ElvesQueueSubmission *submission)
{
  return (ElvesQueueAccount){
    .state = ELVES_QUEUE_RUNNING,
    .on_failure = submission->on_failure,
    .tasks = submission->tasks->len,
    .bytes = submission->bytes,
    .width = submission->width,
    .stagger_ms = submission->stagger_ms,
    .max_failures = submission->max_failures,
  };
}

static gboolean
make_queue (ElvesStoreTx *tx,
            const ElvesQueueChange *change,
            const ElvesQueueSubmission *submission,
            ElvesQueueSubmitted *out,
            GError **error)
{
  ElvesQueueAccount account = new_account (submission);
  g_autofree char *id = elves_job_new_id ();
  Writing writing = { tx, change, id, &account, elves_queue_room (&account, change->now_ms), 0 };
  if (!insert_queue (tx, change, submission, id, error) ||
      !insert_tasks (&writing, submission->tasks, error) ||
      !insert_needs (tx, submission->tasks, error))
    return FALSE;
  account.running = writing.started;
  elves_queue_pace (&account, writing.started, change->now_ms);
  elves_queue_effects_start (change->effects);
  elves_queue_effects_touch (change->effects, id);
  if (account.wake_ms > 0)
    elves_queue_effects_wake (change->effects, account.wake_ms);
  for (guint i = 0; i < submission->tasks->len; i++)
    g_ptr_array_add (out->task_ids,
                     g_strdup (((ElvesQueueTask *) submission->tasks->pdata[i])->id));
  out->queue_id = g_steal_pointer (&id);
  return elves_queue_account_write (tx, out->queue_id, &account, error);
}

/**
 * elves_queue_tx_submit:
 * @submission: the queue, with at least one task that needs none
 * @out_submitted: (inout): cleared first
 * @out_verdict: DONE, LIMIT or OTHER_CONTENT
 */
gboolean
elves_queue_tx_submit (ElvesStoreTx *tx,
                       const ElvesQueueChange *change,
                       const ElvesQueueSubmission *submission,
                       ElvesQueueSubmitted *out_submitted,
                       ElvesQueueVerdict *out_verdict,
                       GError **error)
{
  gint64 open;
  elves_queue_submitted_clear (out_submitted);
  out_submitted->task_ids = g_ptr_array_new_with_free_func (g_free);
  *out_verdict = ELVES_VERDICT_DONE;
  if (!find_known (tx, change, submission, out_submitted, out_verdict, error))
    return FALSE;
  if (out_submitted->queue_id != NULL)
    return *out_verdict != ELVES_VERDICT_DONE ||
           list_tasks (tx, out_submitted->queue_id, out_submitted->task_ids, error);
  if (!elves_queue_count_open (tx, &open, error))
    return FALSE;
  if (open >= change->limits->max_open || submission->bytes > change->limits->max_bytes ||
      submission->tasks->len > change->limits->max_tasks)
    *out_verdict = ELVES_VERDICT_LIMIT;
  return *out_verdict != ELVES_VERDICT_DONE ||
         make_queue (tx, change, submission, out_submitted, error);
}
