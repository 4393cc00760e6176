/* Tasks from running to their end, and what that starts.
 *
 * A task counts the tasks it waits for (waits_for); each success takes one off, and who comes to
 * nothing is ready. So a result costs as much as the task has children, however large the queue. */
#include "queue/progress.h"

#include "common/names.h"

#include <string.h>

#define EXPIRED_AT_ONCE 100
#define ERROR_TEXT_SKIPPED "Depend Task Failed"

static const char *
text_of (ElvesTaskState state)
{
  return elves_task_state_text (state);
}

/* The state after @event, of tasks in the state @from. */
static const char *
text_after (ElvesTaskState from, ElvesTaskEvent event)
{
  ElvesTaskState next = from;
  if (!elves_task_state_next (from, event, &next))
    g_critical ("a task that is %s cannot do event %d", text_of (from), event);
  return text_of (next);
}

/* ---- starting ------------------------------------------------------------------------------- */

gboolean
elves_queue_tx_dispatch_roots (ElvesStoreTx *tx,
                               const ElvesQueueChange *change,
                               const char *queue_id,
                               gint64 *out_started,
                               GError **error)
{
  return elves_store_tx_exec (
      tx,
      "UPDATE queue_task SET status = ?, deadline_ms = timeout_s * 1000 + CAST (? AS BIGINT)"
      " WHERE queue_id = ? AND status = ? AND waits_for = 0",
      ELVES_VALUES (ELVES_TEXT (text_after (ELVES_TASK_PENDDING, ELVES_TASK_DISPATCH)),
                    ELVES_INT (change->now_ms + change->limits->grace_ms), ELVES_TEXT (queue_id),
                    ELVES_TEXT (text_of (ELVES_TASK_PENDDING))),
      out_started, error);
}

/* One need less for each child; the last one starts it. */
static gboolean
dispatch_children (ElvesStoreTx *tx,
                   const ElvesQueueChange *change,
                   const char *task_id,
                   gint64 *out_started,
                   GError **error)
{
  const char *started = text_after (ELVES_TASK_PENDDING, ELVES_TASK_DISPATCH);
  g_autoptr (ElvesStoreRows) rows = elves_store_tx_query (
      tx,
      "UPDATE queue_task SET status = CASE WHEN waits_for = 1 THEN ? ELSE status END,"
      " deadline_ms = timeout_s * 1000 + CAST (? AS BIGINT), waits_for = waits_for - 1"
      " WHERE status = ? AND task_id IN (SELECT task_id FROM queue_need WHERE needs = ?)"
      " RETURNING waits_for",
      ELVES_VALUES (ELVES_TEXT (started), ELVES_INT (change->now_ms + change->limits->grace_ms),
                    ELVES_TEXT (text_of (ELVES_TASK_PENDDING)), ELVES_TEXT (task_id)),
      error);
  *out_started = 0;
  while (rows != NULL && elves_store_rows_next (rows))
    *out_started += elves_store_rows_int (rows, 0) == 0;
  return elves_store_rows_end (rows, error);
}

/* All that can never become ready. */
static gboolean
skip_descendants (ElvesStoreTx *tx,
                  const ElvesQueueChange *change,
                  const char *task_id,
                  GError **error)
{
  return elves_store_tx_exec (
      tx,
      "WITH RECURSIVE behind (task_id) AS (SELECT task_id FROM queue_need WHERE needs = ?"
      " UNION SELECT n.task_id FROM queue_need n JOIN behind b ON n.needs = b.task_id)"
      " UPDATE queue_task SET status = ?, flag = 'false', error = ?, worker_flag = -1,"
      " finished_ms = ? WHERE status = ? AND task_id IN (SELECT task_id FROM behind)",
      ELVES_VALUES (ELVES_TEXT (task_id),
                    ELVES_TEXT (text_after (ELVES_TASK_PENDDING, ELVES_TASK_SKIP)),
                    ELVES_TEXT (ERROR_TEXT_SKIPPED), ELVES_INT (change->now_ms),
                    ELVES_TEXT (text_of (ELVES_TASK_PENDDING))),
      NULL, error);
}

/* ---- ending --------------------------------------------------------------------------------- */

typedef struct
{
  char *queue_id;
  gboolean skips;
} Owner;

static void
owner_clear (Owner *owner)
{
  g_free (owner->queue_id);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Owner, owner_clear)

/* Here it is decided that a task ends once: one that does not run is not changed, and has no owner.
   In one statement, as each is a way to the server and back. */
static gboolean
store_outcome (ElvesStoreTx *tx,
               const ElvesQueueChange *change,
               const char *task_id,
               const ElvesTaskOutcome *outcome,
               Owner *out_owner,
               GError **error)
{
  ElvesOnFailure policy;
  g_autoptr (ElvesStoreRows) rows = elves_store_tx_query (
      tx,
      "UPDATE queue_task SET status = ?, flag = ?, error = ?, reason = ?, worker_flag = ?,"
      " worker_message = ?, result_bytes = ?, worker_cost_ms = ?, finished_ms = ?"
      " WHERE task_id = ? AND status = ? RETURNING queue_id,"
      " (SELECT on_failure FROM queue WHERE queue.queue_id = queue_task.queue_id)",
      ELVES_VALUES (ELVES_TEXT (text_after (ELVES_TASK_RUNNING, ELVES_TASK_END)),
                    ELVES_TEXT (outcome->flag), ELVES_TEXT (outcome->error),
                    ELVES_TEXT (outcome->reason), ELVES_INT (outcome->worker_flag),
                    ELVES_TEXT (outcome->worker_message),
                    ELVES_INT (strlen (outcome->worker_message) + strlen (outcome->error)),
                    ELVES_INT (outcome->worker_cost_ms), ELVES_INT (change->now_ms),
                    ELVES_TEXT (task_id), ELVES_TEXT (text_of (ELVES_TASK_RUNNING))),
      error);
  while (rows != NULL && elves_store_rows_next (rows))
    {
      out_owner->queue_id = g_strdup (elves_store_rows_text (rows, 0));
      out_owner->skips = elves_on_failure_from_text (elves_store_rows_text (rows, 1), &policy) &&
                         policy == ELVES_ON_FAILURE_SKIP;
    }
  return elves_store_rows_end (rows, error);
}

static gboolean
count_in_queue (ElvesStoreTx *tx,
                const ElvesQueueChange *change,
                const char *queue_id,
                gint64 started,
                GError **error)
{
  gint64 more = started - 1;
  return elves_store_tx_exec (
      tx,
      "UPDATE queue SET running = running + CAST (? AS BIGINT),"
      " ended_ms = CASE WHEN running + CAST (? AS BIGINT) = 0 THEN CAST (? AS BIGINT)"
      " ELSE ended_ms END WHERE queue_id = ?",
      ELVES_VALUES (ELVES_INT (more), ELVES_INT (more), ELVES_INT (change->now_ms),
                    ELVES_TEXT (queue_id)),
      NULL, error);
}

static gboolean
go_on (ElvesStoreTx *tx,
       const ElvesQueueChange *change,
       const char *task_id,
       const Owner *owner,
       gboolean success,
       GError **error)
{
  gint64 started = 0;
  if (success && !dispatch_children (tx, change, task_id, &started, error))
    return FALSE;
  if (!success && owner->skips && !skip_descendants (tx, change, task_id, error))
    return FALSE;
  return count_in_queue (tx, change, owner->queue_id, started, error);
}

/**
 * elves_queue_tx_end_task:
 * @task_id: a task, known or not
 * @outcome: what came of it
 * @out_verdict: LATE: it does not run, and nothing is changed
 *
 * Only after success do the tasks that depend on it start, those that depend on nothing else.
 */
gboolean
elves_queue_tx_end_task (ElvesStoreTx *tx,
                         const ElvesQueueChange *change,
                         const char *task_id,
                         const ElvesTaskOutcome *outcome,
                         ElvesQueueVerdict *out_verdict,
                         GError **error)
{
  g_auto (Owner) owner = { 0 };
  gboolean success = strcmp (outcome->flag, "true") == 0 && outcome->worker_flag == 1;
  if (!store_outcome (tx, change, task_id, outcome, &owner, error))
    return FALSE;
  *out_verdict = owner.queue_id != NULL ? ELVES_VERDICT_DONE : ELVES_VERDICT_LATE;
  return owner.queue_id == NULL || go_on (tx, change, task_id, &owner, success, error);
}

/* ---- deadlines ------------------------------------------------------------------------------ */

static gboolean
find_expired (ElvesStoreTx *tx, gint64 now_ms, GPtrArray *tasks, GError **error)
{
  g_autoptr (ElvesStoreRows) rows = elves_store_tx_query (
      tx,
      "SELECT task_id FROM queue_task WHERE status = 'running' AND deadline_ms <= ?"
      " ORDER BY deadline_ms LIMIT ?",
      ELVES_VALUES (ELVES_INT (now_ms), ELVES_INT (EXPIRED_AT_ONCE)), error);
  while (rows != NULL && elves_store_rows_next (rows))
    g_ptr_array_add (tasks, g_strdup (elves_store_rows_text (rows, 0)));
  return elves_store_rows_end (rows, error);
}

static gboolean
find_next_deadline (ElvesStoreTx *tx, gint64 *out_next_ms, GError **error)
{
  g_autoptr (ElvesStoreRows) rows = elves_store_tx_query (
      tx, "SELECT min (deadline_ms) FROM queue_task WHERE status = 'running'", NULL, error);
  *out_next_ms = G_MAXINT64;
  if (rows != NULL && elves_store_rows_next (rows) && !elves_store_rows_is_null (rows, 0))
    *out_next_ms = elves_store_rows_int (rows, 0);
  return elves_store_rows_end (rows, error);
}

gboolean
elves_queue_tx_expire (ElvesStoreTx *tx,
                       const ElvesQueueChange *change,
                       guint *out_expired,
                       gint64 *out_next_ms,
                       GError **error)
{
  static const ElvesTaskOutcome outcome = { .flag = "false",
                                            .error = ELVES_ERROR_TEXT_ASYNC,
                                            .reason = "outcome-unknown",
                                            .worker_flag = -1,
                                            .worker_message = "" };
  ElvesQueueVerdict verdict;
  g_autoptr (GPtrArray) tasks = g_ptr_array_new_with_free_func (g_free);
  if (!find_expired (tx, change->now_ms, tasks, error))
    return FALSE;
  for (guint i = 0; i < tasks->len; i++)
    if (!elves_queue_tx_end_task (tx, change, tasks->pdata[i], &outcome, &verdict, error))
      return FALSE;
  *out_expired = tasks->len;
  return find_next_deadline (tx, out_next_ms, error);
}

gboolean
elves_queue_tx_mark_sent (ElvesStoreTx *tx,
                          const ElvesQueueChange *change,
                          const GPtrArray *tasks,
                          GError **error)
{
  for (guint i = 0; i < tasks->len; i++)
    if (!elves_store_tx_exec (
            tx,
            "UPDATE queue_task SET sent = 1, deadline_ms = timeout_s * 1000 + CAST (? AS BIGINT)"
            " WHERE task_id = ?",
            ELVES_VALUES (ELVES_INT (change->now_ms + change->limits->grace_ms),
                          ELVES_TEXT (tasks->pdata[i])),
            NULL, error))
      return FALSE;
  return TRUE;
}
