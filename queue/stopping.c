/* A running task that the broker may have is not stopped here: it is asked to end, until its result
 * comes. One that was never published (sent = 0) has not started, whatever its state says. */
#include "queue/stopping.h"

#include "queue/starting.h"

#include <string.h>

#define ERROR_TEXT_SKIPPED "Depend Task Failed"

const ElvesQueueStop elves_queue_stop_asked = { "", "", FALSE };
const ElvesQueueStop elves_queue_stop_cancelled = { "Task Cancelled", "cancelled", TRUE };
const ElvesQueueStop elves_queue_stop_budget = { "Too Many Tasks Failed", "max-failures", TRUE };

/* ---- stopping ------------------------------------------------------------------------------- */

/* Of the tasks of a queue; none of them has been started. */
#define STOP(which)                                                                   \
  "UPDATE queue_task SET status = 'stopped', error = ?, reason = ?, finished_ms = ?," \
  " started_ms = NULL, changed = picked.place + CAST (? AS BIGINT) FROM"              \
  " (SELECT seq AS at, row_number () OVER (ORDER BY seq) AS place FROM queue_task"    \
  " WHERE queue_id = ? AND " which ") AS picked WHERE queue_task.seq = picked.at"

static gboolean
stop (ElvesStoreTx *tx,
      const char *statement,
      const ElvesQueueChange *change,
      const char *queue_id,
      const ElvesQueueStop *why,
      ElvesQueueAccount *account,
      gint64 *out_stopped,
      GError **error)
{
  if (!elves_store_tx_exec (tx, statement,
                            ELVES_VALUES (ELVES_TEXT (why->error), ELVES_TEXT (why->reason),
                                          ELVES_INT (change->now_ms), ELVES_INT (account->changes),
                                          ELVES_TEXT (queue_id)),
                            out_stopped, error))
    return FALSE;
  account->stopped += *out_stopped;
  account->changes += *out_stopped;
  return TRUE;
}

static gboolean
stop_pendding (ElvesStoreTx *tx,
               const ElvesQueueChange *change,
               const char *queue_id,
               const ElvesQueueStop *why,
               ElvesQueueAccount *account,
               GError **error)
{
  gint64 stopped;
  return stop (tx, STOP ("status = 'pendding'"), change, queue_id, why, account, &stopped, error);
}

static gboolean
stop_unpublished (ElvesStoreTx *tx,
                  const ElvesQueueChange *change,
                  const char *queue_id,
                  const ElvesQueueStop *why,
                  ElvesQueueAccount *account,
                  GError **error)
{
  gint64 stopped;
  if (!stop (tx, STOP ("status = 'running' AND sent = 0"), change, queue_id, why, account, &stopped,
             error))
    return FALSE;
  account->running -= stopped;
  return TRUE;
}

/**
 * elves_queue_tx_halt:
 * @why: what is said of its tasks
 * @account: of the queue, in any state
 */
gboolean
elves_queue_tx_halt (ElvesStoreTx *tx,
                     const ElvesQueueChange *change,
                     const char *queue_id,
                     const ElvesQueueStop *why,
                     ElvesQueueAccount *account,
                     GError **error)
{
  ElvesQueueState next;
  if (!elves_queue_state_next (account->state, ELVES_QUEUE_STOP, &next))
    {
      g_critical ("a queue that is %s cannot stop", elves_queue_state_text (account->state));
      return TRUE;
    }
  account->state = next;
  if (!stop_pendding (tx, change, queue_id, why, account, error) ||
      (why->withdraws && account->running > 0 &&
       !stop_unpublished (tx, change, queue_id, why, account, error)))
    return FALSE;
  return elves_queue_tx_go_on (tx, change, queue_id, account, error);
}

/* ---- skipping ------------------------------------------------------------------------------- */

/**
 * elves_queue_tx_skip:
 * @task_id: a task that does not succeed
 * @account: of its queue
 */
gboolean
elves_queue_tx_skip (ElvesStoreTx *tx,
                     const ElvesQueueChange *change,
                     const char *task_id,
                     ElvesQueueAccount *account,
                     GError **error)
{
  gint64 skipped;
  if (!elves_store_tx_exec (
          tx,
          "WITH RECURSIVE behind (task_id) AS (SELECT task_id FROM queue_need WHERE needs = ?"
          " UNION SELECT n.task_id FROM queue_need n JOIN behind b ON n.needs = b.task_id)"
          " UPDATE queue_task SET status = 'skipped', flag = 'false', error = ?, worker_flag = -1,"
          " finished_ms = ?, changed = picked.place + CAST (? AS BIGINT) FROM"
          " (SELECT seq AS at, row_number () OVER (ORDER BY seq) AS place FROM queue_task"
          " WHERE status = 'pendding' AND task_id IN (SELECT task_id FROM behind)) AS picked"
          " WHERE queue_task.seq = picked.at",
          ELVES_VALUES (ELVES_TEXT (task_id), ELVES_TEXT (ERROR_TEXT_SKIPPED),
                        ELVES_INT (change->now_ms), ELVES_INT (account->changes)),
          &skipped, error))
    return FALSE;
  account->skipped += skipped;
  account->changes += skipped;
  return TRUE;
}

/* ---- cancelling ----------------------------------------------------------------------------- */

static gboolean
ask_running (ElvesStoreTx *tx,
             const ElvesQueueChange *change,
             const char *queue_id,
             ElvesQueueCancelled *out_cancelled,
             GError **error)
{
  if (!elves_store_tx_exec (tx,
                            "UPDATE queue_task SET cancel_ms = coalesce (cancel_ms, ?)"
                            " WHERE queue_id = ? AND status = 'running'",
                            ELVES_VALUES (ELVES_INT (change->now_ms), ELVES_TEXT (queue_id)),
                            &out_cancelled->cancelling, error))
    return FALSE;
  if (out_cancelled->cancelling > 0)
    elves_queue_effects_cancel (change->effects);
  return TRUE;
}

/**
 * elves_queue_tx_cancel:
 * @queue_id: a queue in any state
 */
gboolean
elves_queue_tx_cancel (ElvesStoreTx *tx,
                       const ElvesQueueChange *change,
                       const char *queue_id,
                       ElvesQueueCancelled *out_cancelled,
                       ElvesQueueVerdict *out_verdict,
                       GError **error)
{
  g_auto (ElvesQueueAccount) account = { 0 };
  *out_cancelled = (ElvesQueueCancelled){ 0 };
  if (!elves_queue_account_read (tx, queue_id, &account, out_verdict, error))
    return FALSE;
  if (*out_verdict != ELVES_VERDICT_DONE)
    return TRUE;
  gint64 stopped = account.stopped;
  if (!elves_queue_tx_halt (tx, change, queue_id, &elves_queue_stop_cancelled, &account, error) ||
      !elves_queue_account_write (tx, queue_id, &account, error))
    return FALSE;
  out_cancelled->stopped = account.stopped - stopped;
  return account.running == 0 || ask_running (tx, change, queue_id, out_cancelled, error);
}

typedef enum
{
  NOWHERE,
  WAITS, /* pendding, or running and never published */
  RUNS,
  HAS_ENDED
} Whereabouts;

static gboolean
find_task (ElvesStoreTx *tx,
           const char *queue_id,
           const char *task_id,
           Whereabouts *out_where,
           gboolean *out_is_running,
           GError **error)
{
  g_autoptr (ElvesStoreRows) rows = elves_store_tx_query (
      tx, "SELECT status, sent FROM queue_task WHERE task_id = ? AND queue_id = ?",
      ELVES_VALUES (ELVES_TEXT (task_id), ELVES_TEXT (queue_id)), error);
  ElvesTaskState state;
  *out_where = NOWHERE;
  *out_is_running = FALSE;
  if (rows != NULL && elves_store_rows_next (rows) &&
      elves_task_state_from_text (elves_store_rows_text (rows, 0), &state))
    {
      *out_is_running = state == ELVES_TASK_RUNNING;
      if (state == ELVES_TASK_PENDDING)
        *out_where = WAITS;
      else if (*out_is_running)
        *out_where = elves_store_rows_int (rows, 1) == 0 ? WAITS : RUNS;
      else
        *out_where = HAS_ENDED;
    }
  return elves_store_rows_end (rows, error);
}

static gboolean
stop_one (ElvesStoreTx *tx,
          const ElvesQueueChange *change,
          const char *task_id,
          gboolean is_running,
          ElvesQueueAccount *account,
          GError **error)
{
  account->changes++;
  account->stopped++;
  account->running -= is_running ? 1 : 0;
  return elves_store_tx_exec (
             tx,
             "UPDATE queue_task SET status = 'stopped', error = ?, reason = ?, finished_ms = ?,"
             " started_ms = NULL, changed = ? WHERE task_id = ?",
             ELVES_VALUES (ELVES_TEXT (elves_queue_stop_cancelled.error),
                           ELVES_TEXT (elves_queue_stop_cancelled.reason),
                           ELVES_INT (change->now_ms), ELVES_INT (account->changes),
                           ELVES_TEXT (task_id)),
             NULL, error) &&
         (account->on_failure != ELVES_ON_FAILURE_SKIP ||
          elves_queue_tx_skip (tx, change, task_id, account, error));
}

static gboolean
cancel_waiting (ElvesStoreTx *tx,
                const ElvesQueueChange *change,
                const char *queue_id,
                const char *task_id,
                gboolean is_running,
                GError **error)
{
  g_auto (ElvesQueueAccount) account = { 0 };
  ElvesQueueVerdict verdict;
  return elves_queue_account_read (tx, queue_id, &account, &verdict, error) &&
         stop_one (tx, change, task_id, is_running, &account, error) &&
         elves_queue_tx_go_on (tx, change, queue_id, &account, error) &&
         elves_queue_account_write (tx, queue_id, &account, error);
}

static gboolean
ask_one (ElvesStoreTx *tx, const ElvesQueueChange *change, const char *task_id, GError **error)
{
  elves_queue_effects_cancel (change->effects);
  return elves_store_tx_exec (
      tx, "UPDATE queue_task SET cancel_ms = coalesce (cancel_ms, ?) WHERE task_id = ?",
      ELVES_VALUES (ELVES_INT (change->now_ms), ELVES_TEXT (task_id)), NULL, error);
}

/**
 * elves_queue_tx_cancel_task:
 * @queue_id: a queue
 * @task_id: one of its tasks, in any state
 */
gboolean
elves_queue_tx_cancel_task (ElvesStoreTx *tx,
                            const ElvesQueueChange *change,
                            const char *queue_id,
                            const char *task_id,
                            ElvesQueueCancelled *out_cancelled,
                            ElvesQueueVerdict *out_verdict,
                            GError **error)
{
  Whereabouts where;
  gboolean is_running;
  *out_cancelled = (ElvesQueueCancelled){ 0 };
  if (!find_task (tx, queue_id, task_id, &where, &is_running, error))
    return FALSE;
  *out_verdict = where == NOWHERE ? ELVES_VERDICT_NO_TASK : ELVES_VERDICT_DONE;
  out_cancelled->stopped = where == WAITS;
  out_cancelled->cancelling = where == RUNS;
  if (where == WAITS)
    return cancel_waiting (tx, change, queue_id, task_id, is_running, error);
  return where != RUNS || ask_one (tx, change, task_id, error);
}
