/* Works as one transaction: each behind a savepoint; again from the beginning after the connection
   was lost; one by one when the transaction as a whole is refused. On the store's thread. */
#include "common/store-private.h"

#include "common/crash-point.h"
#include "common/error.h"

static gboolean
run_text (ElvesStoreBackend *backend, const char *sql, GError **error)
{
  return backend->class->run (backend, sql, error);
}

static void
roll_back (ElvesStoreBackend *backend)
{
  /* Some failures have rolled back already. */
  if (!backend->class->is_lost (backend) && backend->class->in_transaction (backend))
    run_text (backend, "ROLLBACK", NULL);
}

static gboolean
call_work (ElvesStoreBackend *backend, ElvesStoreTask *task, GError **error)
{
  ElvesStoreTx tx = { .backend = backend };
  if (!task->work (&tx, task->data, error))
    return FALSE;
  if (tx.failed)
    g_set_error_literal (error, ELVES_ERROR, ELVES_ERROR_INTERNAL,
                         "a work of the store has passed over a failed statement");
  return !tx.failed;
}

/* FALSE: the whole transaction has failed. An error of the work alone is with the task. */
static gboolean
run_behind_savepoint (ElvesStoreBackend *backend,
                      ElvesStoreTask *task,
                      gboolean first,
                      GError **error)
{
  g_clear_error (&task->error);
  const char *savepoint = first ? "SAVEPOINT work" : "RELEASE work; SAVEPOINT work";
  if (!run_text (backend, savepoint, error))
    return FALSE;
  if (call_work (backend, task, &task->error))
    return TRUE;
  gboolean is_whole =
      backend->class->is_lost (backend) || !backend->class->in_transaction (backend);
  if (!is_whole)
    return run_text (backend, "ROLLBACK TO work", error);
  g_propagate_error (error, g_error_copy (task->error));
  return FALSE;
}

static void
set_committing (ElvesStoreTask *const *tasks, guint n, gboolean committing)
{
  for (guint i = 0; i < n; i++)
    tasks[i]->committing = committing;
}

static gboolean
commit (ElvesStoreBackend *backend, ElvesStoreTask *const *tasks, guint n, GError **error)
{
  ELVES_CRASH_POINT ("before-commit");
  set_committing (tasks, n, TRUE);
  if (!backend->class->commit (backend, error))
    return FALSE;
  ELVES_CRASH_POINT ("after-commit");
  for (guint i = 0; i < n; i++)
    tasks[i]->decided = TRUE;
  return TRUE;
}

static gboolean
run_together (ElvesStoreBackend *backend, ElvesStoreTask *const *tasks, guint n, GError **error)
{
  gboolean fine = run_text (backend, backend->class->begin, error);
  for (guint i = 0; i < n && fine; i++)
    fine = run_behind_savepoint (backend, tasks[i], i == 0, error);
  if (fine && commit (backend, tasks, n, error))
    return TRUE;
  roll_back (backend);
  if (!backend->class->is_lost (backend))
    set_committing (tasks, n, FALSE);
  return FALSE;
}

static void
fail (ElvesStoreTask *task, const GError *error)
{
  g_clear_error (&task->error);
  task->error = g_error_copy (error);
  task->decided = TRUE;
}

/* A transaction of each: what there is room for gets through. */
static gboolean
run_one_by_one (ElvesStoreBackend *backend, ElvesStoreTask *const *tasks, guint n, GError **error)
{
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (GError) failure = NULL;
      if (run_together (backend, &tasks[i], 1, &failure))
        continue;
      if (backend->class->is_lost (backend))
        {
          g_propagate_error (error, g_steal_pointer (&failure));
          return FALSE;
        }
      fail (tasks[i], failure);
    }
  return TRUE;
}

/**
 * elves_store_batch_run:
 * @backend: a database that is connected
 * @tasks: what to do
 * @n: how many
 *
 * Returns: %TRUE: all are decided, each has its error or none. %FALSE: the connection is lost, and
 * some are not decided: to be handed in again after elves_store_batch_settle()
 */
gboolean
elves_store_batch_run (ElvesStoreBackend *backend,
                       ElvesStoreTask *const *tasks,
                       guint n,
                       GError **error)
{
  g_autoptr (GPtrArray) open = g_ptr_array_new ();
  for (guint i = 0; i < n; i++)
    if (!tasks[i]->decided)
      g_ptr_array_add (open, tasks[i]);
  if (open->len == 0)
    return TRUE;
  g_autoptr (GError) failure = NULL;
  ElvesStoreTask *const *list = (ElvesStoreTask *const *) open->pdata;
  if (run_together (backend, list, open->len, &failure))
    return TRUE;
  if (!backend->class->is_lost (backend))
    return run_one_by_one (backend, list, open->len, error);
  g_propagate_error (error, g_steal_pointer (&failure));
  return FALSE;
}

/**
 * elves_store_batch_settle:
 * @tasks: what was being done when the connection was lost
 * @n: how many
 * @committed: what became of the commit that it was lost in
 */
void
elves_store_batch_settle (ElvesStoreTask *const *tasks, guint n, gboolean committed)
{
  for (guint i = 0; i < n; i++)
    {
      tasks[i]->decided = tasks[i]->decided || (committed && tasks[i]->committing);
      tasks[i]->committing = FALSE;
    }
}
