/* Tasks from running to their end, and what that starts.
 *
 * A task counts the tasks it waits for (waits_for); each success takes one off, and who comes to
 * nothing is ready. So a result costs as much as the task has children, however large the queue. */
#include "queue/progress.h"

#include "common/names.h"
#include "queue/account.h"
#include "queue/starting.h"
#include "queue/stopping.h"

#include <string.h>

#define EXPIRED_AT_ONCE 100
#define REASON_CANCELLED "cancelled"

/* ---- ending --------------------------------------------------------------------------------- */

typedef struct
{
  char *queue_id;
  gint64 dependents;
} Ended;

static void
ended_clear (Ended *ended)
{
  g_free (ended->queue_id);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Ended, ended_clear)

/* Here it is decided that a task ends once: one that does not run is not changed, and is in no
   queue. In one statement, as each is a way to the server and back. */
static gboolean
store_outcome (ElvesStoreTx *tx,
               const ElvesQueueChange *change,
               const char *task_id,
               const ElvesTaskOutcome *outcome,
               Ended *out_ended,
               GError **error)
{
  g_autoptr (ElvesStoreRows) rows = elves_store_tx_query (
      tx,
      "UPDATE queue_task SET status = 'finish', flag = ?, error = ?, reason = ?, worker_flag = ?,"
      " worker_message = ?, result_bytes = ?, worker_cost_ms = ?, finished_ms = ?,"
      " changed = (SELECT changes + 1 FROM queue WHERE queue.queue_id = queue_task.queue_id)"
      " WHERE task_id = ? AND status = 'running' RETURNING queue_id, dependents",
      ELVES_VALUES (
          ELVES_TEXT (outcome->flag), ELVES_TEXT (outcome->error), ELVES_TEXT (outcome->reason),
          ELVES_INT (outcome->worker_flag), ELVES_TEXT (outcome->worker_message),
          ELVES_INT (strlen (outcome->worker_message) + strlen (outcome->error)),
          ELVES_INT (outcome->worker_cost_ms), ELVES_INT (change->now_ms), ELVES_TEXT (task_id)),
      error);
  while (rows != NULL && elves_store_rows_next (rows))
    {
      out_ended->queue_id = g_strdup (elves_store_rows_text (rows, 0));
      out_ended->dependents = elves_store_rows_int (rows, 1);
    }
  return elves_store_rows_end (rows, error);
}

static ElvesQueueEnding
ending_of (const ElvesTaskOutcome *outcome)
{
  if (strcmp (outcome->flag, "true") == 0 && outcome->worker_flag == 1)
    return ELVES_ENDING_SUCCESS;
  return strcmp (outcome->reason, REASON_CANCELLED) == 0 ? ELVES_ENDING_CANCELLED
                                                         : ELVES_ENDING_FAILURE;
}

/* One need less for each child; without one it is ready. */
static gboolean
release_children (ElvesStoreTx *tx, const char *task_id, GError **error)
{
  return elves_store_tx_exec (
      tx,
      "UPDATE queue_task SET waits_for = waits_for - 1 WHERE status = 'pendding'"
      " AND task_id IN (SELECT task_id FROM queue_need WHERE needs = ?)",
      ELVES_VALUES (ELVES_TEXT (task_id)), NULL, error);
}

static gboolean
spends_budget (const ElvesQueueAccount *account)
{
  return account->state == ELVES_QUEUE_RUNNING && account->max_failures >= 0 &&
         account->failed > account->max_failures;
}

static gboolean
settle_children (ElvesStoreTx *tx,
                 const ElvesQueueChange *change,
                 const char *task_id,
                 ElvesQueueEnding ending,
                 ElvesQueueAccount *account,
                 GError **error)
{
  if (ending == ELVES_ENDING_SUCCESS)
    return release_children (tx, task_id, error);
  return account->on_failure != ELVES_ON_FAILURE_SKIP ||
         elves_queue_tx_skip (tx, change, task_id, account, error);
}

/* Nothing changes any more of a queue that has other tasks running and none waiting: the most
   frequent case by far costs no further statement. */
static gboolean
go_on (ElvesStoreTx *tx,
       const ElvesQueueChange *change,
       const Ended *ended,
       const char *task_id,
       ElvesQueueEnding ending,
       GError **error)
{
  g_auto (ElvesQueueAccount) account = { 0 };
  if (!elves_queue_account_end_one (tx, ended->queue_id, ending, &account, error))
    return FALSE;
  elves_queue_effects_touch (change->effects, ended->queue_id);
  if (account.running > 0 && elves_queue_account_pendding (&account) == 0 &&
      !spends_budget (&account))
    return TRUE;
  if (ended->dependents > 0 && !settle_children (tx, change, task_id, ending, &account, error))
    return FALSE;
  gboolean fine = spends_budget (&account)
                      ? elves_queue_tx_halt (tx, change, ended->queue_id, &elves_queue_stop_budget,
                                             &account, error)
                      : elves_queue_tx_go_on (tx, change, ended->queue_id, &account, error);
  return fine && elves_queue_account_write (tx, ended->queue_id, &account, error);
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
  g_auto (Ended) ended = { 0 };
  if (!store_outcome (tx, change, task_id, outcome, &ended, error))
    return FALSE;
  *out_verdict = ended.queue_id != NULL ? ELVES_VERDICT_DONE : ELVES_VERDICT_LATE;
  return ended.queue_id == NULL || go_on (tx, change, &ended, task_id, ending_of (outcome), error);
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
