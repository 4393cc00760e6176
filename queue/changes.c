/* Queues from their creation to their end, as far as those who ask decide. */
#include "queue/changes.h"

#include "common/job.h"
#include "queue/account.h"
#include "queue/starting.h"
#include "queue/stopping.h"

#include <string.h>

void
elves_queue_task_free (ElvesQueueTask *self)
{
  if (self == NULL)
    return;
  g_free (self->id);
  g_free (self->name);
  g_free (self->app);
  g_free (self->ip);
  g_free (self->mode);
  g_free (self->func);
  g_free (self->param);
  g_free (self->proxy);
  g_ptr_array_unref (self->needs);
  g_free (self);
}

static gint64
bytes_of (const char *text)
{
  return text != NULL ? (gint64) strlen (text) : 0;
}

gint64
elves_queue_task_bytes (const ElvesQueueTask *self)
{
  const char *const texts[] = { self->name, self->app,   self->ip,
                                self->func, self->param, self->proxy };
  gint64 bytes = 0;
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    bytes += bytes_of (texts[i]);
  return bytes;
}

/* ---- looking -------------------------------------------------------------------------------- */

/* One text; NULL: no row. */
static gboolean
find_text (ElvesStoreTx *tx,
           const char *sql,
           const ElvesStoreValue *values,
           char **out_text,
           GError **error)
{
  g_autoptr (ElvesStoreRows) rows = elves_store_tx_query (tx, sql, values, error);
  *out_text = NULL;
  if (rows != NULL && elves_store_rows_next (rows))
    *out_text = g_strdup (elves_store_rows_text (rows, 0));
  return elves_store_rows_end (rows, error);
}

static gboolean
count (ElvesStoreTx *tx,
       const char *sql,
       const ElvesStoreValue *values,
       gint64 *out_count,
       GError **error)
{
  g_autoptr (ElvesStoreRows) rows = elves_store_tx_query (tx, sql, values, error);
  *out_count = 0;
  if (rows != NULL && elves_store_rows_next (rows))
    *out_count = elves_store_rows_int (rows, 0);
  return elves_store_rows_end (rows, error);
}

/* ---- create --------------------------------------------------------------------------------- */

static gboolean
insert_queue (ElvesStoreTx *tx,
              const ElvesQueueChange *change,
              const char *app,
              ElvesOnFailure on_failure,
              char **out_id,
              GError **error)
{
  g_autofree char *id = elves_job_new_id ();
  const char *status = elves_queue_state_text (ELVES_QUEUE_PENDDING);
  gboolean done = elves_store_tx_exec (
      tx,
      "INSERT INTO queue (queue_id, app, status, on_failure, created_ms, made_by)"
      " VALUES (?, ?, ?, ?, ?, ?)",
      ELVES_VALUES (ELVES_TEXT (id), ELVES_TEXT (app), ELVES_TEXT (status),
                    ELVES_TEXT (elves_on_failure_texts[on_failure]), ELVES_INT (change->now_ms),
                    ELVES_TEXT (change->fingerprint)),
      NULL, error);
  if (done)
    *out_id = g_steal_pointer (&id);
  return done;
}

/**
 * elves_queue_tx_create:
 * @app: of all its tasks
 * @on_failure: what becomes of tasks behind one that failed
 * @out_id: (transfer full) (nullable): the queue, if the verdict is DONE
 */
gboolean
elves_queue_tx_create (ElvesStoreTx *tx,
                       const ElvesQueueChange *change,
                       const char *app,
                       ElvesOnFailure on_failure,
                       char **out_id,
                       ElvesQueueVerdict *out_verdict,
                       GError **error)
{
  gint64 open;
  *out_id = NULL;
  *out_verdict = ELVES_VERDICT_DONE;
  if (change->may_repeat &&
      !find_text (tx, "SELECT queue_id FROM queue WHERE made_by = ? ORDER BY seq DESC LIMIT 1",
                  ELVES_VALUES (ELVES_TEXT (change->fingerprint)), out_id, error))
    return FALSE;
  if (*out_id != NULL)
    return TRUE;
  if (!elves_queue_count_open (tx, &open, error))
    return FALSE;
  if (open >= change->limits->max_open)
    {
      *out_verdict = ELVES_VERDICT_LIMIT;
      return TRUE;
    }
  return insert_queue (tx, change, app, on_failure, out_id, error);
}

/* ---- add ------------------------------------------------------------------------------------ */

static gboolean
find_needs (ElvesStoreTx *tx,
            const char *queue_id,
            const GPtrArray *needs,
            ElvesQueueVerdict *out_verdict,
            GError **error)
{
  gint64 found;
  for (guint i = 0; i < needs->len && *out_verdict == ELVES_VERDICT_DONE; i++)
    {
      if (!count (tx, "SELECT count (*) FROM queue_task WHERE task_id = ? AND queue_id = ?",
                  ELVES_VALUES (ELVES_TEXT (needs->pdata[i]), ELVES_TEXT (queue_id)), &found,
                  error))
        return FALSE;
      if (found == 0)
        *out_verdict = ELVES_VERDICT_NO_PARENT;
    }
  return TRUE;
}

static gboolean
insert_task (ElvesStoreTx *tx,
             const ElvesQueueChange *change,
             const char *queue_id,
             const char *task_id,
             const ElvesQueueTask *task,
             gint64 changed,
             GError **error)
{
  const char *first_need = task->needs->len > 0 ? task->needs->pdata[0] : "";
  return elves_store_tx_exec (
      tx,
      "INSERT INTO queue_task (task_id, queue_id, ip, mode, func, param, proxy, timeout_s,"
      " depend_task_id, waits_for, bytes, status, created_ms, made_by, changed)"
      " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      ELVES_VALUES (ELVES_TEXT (task_id), ELVES_TEXT (queue_id), ELVES_TEXT (task->ip),
                    ELVES_TEXT (task->mode), ELVES_TEXT (task->func), ELVES_TEXT (task->param),
                    ELVES_TEXT (task->proxy), ELVES_INT (task->timeout_s), ELVES_TEXT (first_need),
                    ELVES_INT (task->needs->len), ELVES_INT (elves_queue_task_bytes (task)),
                    ELVES_TEXT (elves_task_state_text (ELVES_TASK_PENDDING)),
                    ELVES_INT (change->now_ms), ELVES_TEXT (change->fingerprint),
                    ELVES_INT (changed)),
      NULL, error);
}

/* Both ends of it. */
static gboolean
insert_need (ElvesStoreTx *tx, const char *task_id, const char *needs, GError **error)
{
  return elves_store_tx_exec (tx, "INSERT INTO queue_need (task_id, needs) VALUES (?, ?)",
                              ELVES_VALUES (ELVES_TEXT (task_id), ELVES_TEXT (needs)), NULL,
                              error) &&
         elves_store_tx_exec (tx,
                              "UPDATE queue_task SET dependents = dependents + 1 WHERE task_id = ?",
                              ELVES_VALUES (ELVES_TEXT (needs)), NULL, error);
}

static gboolean
insert_needs (ElvesStoreTx *tx, const char *task_id, const GPtrArray *needs, GError **error)
{
  for (guint i = 0; i < needs->len; i++)
    if (!insert_need (tx, task_id, needs->pdata[i], error))
      return FALSE;
  return TRUE;
}

static gboolean
store_task (ElvesStoreTx *tx,
            const ElvesQueueChange *change,
            const char *queue_id,
            ElvesQueueAccount *account,
            const ElvesQueueTask *task,
            char **out_id,
            GError **error)
{
  g_autofree char *id = elves_job_new_id ();
  account->tasks++;
  account->changes++;
  account->bytes += elves_queue_task_bytes (task);
  gboolean done = insert_task (tx, change, queue_id, id, task, account->changes, error) &&
                  insert_needs (tx, id, task->needs, error) &&
                  elves_queue_account_write (tx, queue_id, account, error);
  elves_queue_effects_touch (change->effects, queue_id);
  if (done)
    *out_id = g_steal_pointer (&id);
  return done;
}

static ElvesQueueVerdict
may_add (const ElvesQueueChange *change,
         const ElvesQueueAccount *account,
         const ElvesQueueTask *task)
{
  if (account->state != ELVES_QUEUE_PENDDING)
    return ELVES_VERDICT_WRONG_STATE;
  gboolean fits = account->tasks < change->limits->max_tasks &&
                  account->bytes + elves_queue_task_bytes (task) <= change->limits->max_bytes;
  return fits ? ELVES_VERDICT_DONE : ELVES_VERDICT_LIMIT;
}

/**
 * elves_queue_tx_add:
 * @queue_id: a queue that is not committed
 * @task: its needs must be there already: so there is no cycle
 * @out_id: (transfer full) (nullable): the task, if the verdict is DONE
 */
gboolean
elves_queue_tx_add (ElvesStoreTx *tx,
                    const ElvesQueueChange *change,
                    const char *queue_id,
                    const ElvesQueueTask *task,
                    char **out_id,
                    ElvesQueueVerdict *out_verdict,
                    GError **error)
{
  g_auto (ElvesQueueAccount) account = { 0 };
  *out_id = NULL;
  if (!elves_queue_account_read (tx, queue_id, &account, out_verdict, error))
    return FALSE;
  if (*out_verdict == ELVES_VERDICT_DONE && change->may_repeat &&
      !find_text (tx, "SELECT task_id FROM queue_task WHERE queue_id = ? AND made_by = ?",
                  ELVES_VALUES (ELVES_TEXT (queue_id), ELVES_TEXT (change->fingerprint)), out_id,
                  error))
    return FALSE;
  if (*out_verdict != ELVES_VERDICT_DONE || *out_id != NULL)
    return TRUE;
  *out_verdict = may_add (change, &account, task);
  if (!find_needs (tx, queue_id, task->needs, out_verdict, error))
    return FALSE;
  return *out_verdict != ELVES_VERDICT_DONE ||
         store_task (tx, change, queue_id, &account, task, out_id, error);
}

/* ---- commit, stop --------------------------------------------------------------------------- */

static gboolean
commit_queue (ElvesStoreTx *tx,
              const ElvesQueueChange *change,
              const char *queue_id,
              ElvesQueueAccount *account,
              GError **error)
{
  return elves_store_tx_exec (
             tx, "UPDATE queue SET committed_ms = ?, committed_by = ? WHERE queue_id = ?",
             ELVES_VALUES (ELVES_INT (change->now_ms), ELVES_TEXT (change->fingerprint),
                           ELVES_TEXT (queue_id)),
             NULL, error) &&
         elves_queue_tx_go_on (tx, change, queue_id, account, error) &&
         elves_queue_account_write (tx, queue_id, account, error);
}

/**
 * elves_queue_tx_commit:
 * @queue_id: a queue that is not committed
 */
gboolean
elves_queue_tx_commit (ElvesStoreTx *tx,
                       const ElvesQueueChange *change,
                       const char *queue_id,
                       ElvesQueueVerdict *out_verdict,
                       GError **error)
{
  g_auto (ElvesQueueAccount) account = { 0 };
  if (!elves_queue_account_read (tx, queue_id, &account, out_verdict, error))
    return FALSE;
  if (*out_verdict != ELVES_VERDICT_DONE)
    return TRUE;
  if (elves_queue_state_next (account.state, ELVES_QUEUE_COMMIT, &account.state))
    return commit_queue (tx, change, queue_id, &account, error);
  gboolean is_repeated =
      change->may_repeat && g_strcmp0 (account.committed_by, change->fingerprint) == 0;
  *out_verdict = is_repeated ? ELVES_VERDICT_DONE : ELVES_VERDICT_WRONG_STATE;
  return TRUE;
}

/**
 * elves_queue_tx_stop:
 * @queue_id: a queue in any state; again has no effect
 *
 * Running tasks are left alone: their results are still stored.
 */
gboolean
elves_queue_tx_stop (ElvesStoreTx *tx,
                     const ElvesQueueChange *change,
                     const char *queue_id,
                     ElvesQueueVerdict *out_verdict,
                     GError **error)
{
  g_auto (ElvesQueueAccount) account = { 0 };
  if (!elves_queue_account_read (tx, queue_id, &account, out_verdict, error))
    return FALSE;
  return *out_verdict != ELVES_VERDICT_DONE ||
         (elves_queue_tx_halt (tx, change, queue_id, &elves_queue_stop_asked, &account, error) &&
          elves_queue_account_write (tx, queue_id, &account, error));
}
