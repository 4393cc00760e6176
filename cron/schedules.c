/* Writing works: create, start, stop, delete.
 *
 * What is checked and what is written is one transaction, behind the fence: there is no moment
 * between the two. A schedule that is stopped leaves a range in the list of firings when it is
 * started again, so that the audit knows why nothing fired. */
#include "cron/schedules.h"

#include "common/error.h"
#include "cron/life.h"

static gboolean
not_found (const char *id, GError **error)
{
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_NOT_FOUND, "no timed task has the id '%s'", id);
  return FALSE;
}

/* The plan without its action. @out_plan: (nullable): there is none. */
static gboolean
find_when (ElvesStoreTx *tx, const char *id, ElvesCronPlan **out_plan, GError **error)
{
  g_autoptr (ElvesStoreRows) rows = elves_store_tx_query (
      tx, "SELECT " ELVES_CRON_WHEN_COLUMNS " FROM cron_schedule WHERE id = ?",
      ELVES_VALUES (ELVES_TEXT (id)), error);
  *out_plan = NULL;
  while (rows != NULL && elves_store_rows_next (rows))
    {
      *out_plan = elves_cron_plan_new ();
      elves_cron_plan_read_when (*out_plan, rows, 0);
    }
  return elves_store_rows_end (rows, error);
}

/* ---- create --------------------------------------------------------------------------------- */

typedef struct
{
  ElvesCronPlan *plan;
  char *request;
  gboolean may_repeat;
  char *known; /* (nullable) made by an earlier run of the same request */
  ElvesCronEntry *entry;
  ElvesCronCreatedFunc done;
  gpointer user_data;
} Creation;

static void
creation_free (gpointer data)
{
  Creation *self = data;
  elves_cron_plan_free (self->plan);
  elves_cron_entry_free (self->entry);
  g_free (self->request);
  g_free (self->known);
  g_free (self);
}

static gboolean
find_request (ElvesStoreTx *tx, Creation *self, GError **error)
{
  g_autoptr (ElvesStoreRows) rows =
      elves_store_tx_query (tx, "SELECT id FROM cron_schedule WHERE request = ? LIMIT 1",
                            ELVES_VALUES (ELVES_TEXT (self->request)), error);
  while (rows != NULL && elves_store_rows_next (rows))
    self->known = g_strdup (elves_store_rows_text (rows, 0));
  return elves_store_rows_end (rows, error);
}

static gboolean
create (ElvesStoreTx *tx, gpointer data, GError **error)
{
  Creation *self = data;
  g_clear_pointer (&self->known, g_free);
  g_clear_pointer (&self->entry, elves_cron_entry_free);
  if (self->may_repeat && !find_request (tx, self, error))
    return FALSE;
  if (self->known != NULL)
    return TRUE;
  if (self->plan->state == ELVES_CRON_STARTED)
    {
      self->entry = elves_cron_plan_entry (self->plan, self->plan->cursor_us, error);
      if (self->entry == NULL)
        return FALSE;
    }
  return elves_cron_plan_insert (self->plan, self->request, tx, error);
}

static void
on_created (gpointer data, const GError *error)
{
  Creation *self = data;
  self->done (self->known != NULL ? self->known : self->plan->id,
              error == NULL ? g_steal_pointer (&self->entry) : NULL, error, self->user_data);
}

void
elves_cron_schedules_create (ElvesCronLedger *ledger,
                             ElvesCronPlan *plan,
                             const char *request,
                             gboolean may_repeat,
                             ElvesCronCreatedFunc done,
                             gpointer user_data)
{
  Creation *self = g_new0 (Creation, 1);
  self->plan = plan;
  self->request = g_strdup (request);
  self->may_repeat = may_repeat;
  self->done = done;
  self->user_data = user_data;
  elves_cron_ledger_write (ledger, create, on_created, self, creation_free);
}

/* ---- start ---------------------------------------------------------------------------------- */

typedef struct
{
  char *id;
  ElvesCronEntry *entry;
  ElvesCronStartedFunc started;
  ElvesCronDoneFunc done;
  gpointer user_data;
} Change;

static void
change_free (gpointer data)
{
  Change *self = data;
  elves_cron_entry_free (self->entry);
  g_free (self->id);
  g_free (self);
}

static Change *
change_new (const char *id, gpointer user_data)
{
  Change *self = g_new0 (Change, 1);
  self->id = g_strdup (id);
  self->user_data = user_data;
  return self;
}

/* From the last decision before its stop until now, as one range. */
static gboolean
write_pause (ElvesStoreTx *tx, const ElvesCronPlan *plan, gint64 now_us, GError **error)
{
  if (plan->first_us == 0 || now_us <= plan->cursor_us)
    return TRUE;
  return elves_store_tx_exec (
      tx,
      "INSERT INTO cron_firing (schedule, planned_us, until_us, state, decided_us) "
      "VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
      ELVES_VALUES (ELVES_TEXT (plan->id), ELVES_INT (plan->cursor_us + 1), ELVES_INT (now_us),
                    ELVES_INT (ELVES_CRON_WAS_PAUSED), ELVES_INT (now_us)),
      NULL, error);
}

static gboolean
start_plan (ElvesStoreTx *tx, Change *self, ElvesCronPlan *plan, GError **error)
{
  gint64 now_us = MAX (g_get_real_time (), plan->cursor_us);
  self->entry = elves_cron_plan_entry (plan, now_us, error);
  if (self->entry == NULL)
    return FALSE;
  if (elves_cron_entry_is_over (self->entry))
    {
      g_set_error_literal (error, ELVES_ERROR, ELVES_ERROR_INVALID, "no instant comes any more");
      return FALSE;
    }
  return write_pause (tx, plan, now_us, error) &&
         elves_store_tx_exec (
             tx, "UPDATE cron_schedule SET state = 1, cursor_us = ?, first_us = ? WHERE id = ?",
             ELVES_VALUES (ELVES_INT (now_us),
                           ELVES_INT (plan->first_us != 0 ? plan->first_us : now_us),
                           ELVES_TEXT (plan->id)),
             NULL, error);
}

static gboolean
start (ElvesStoreTx *tx, gpointer data, GError **error)
{
  Change *self = data;
  g_autoptr (ElvesCronPlan) plan = NULL;
  g_clear_pointer (&self->entry, elves_cron_entry_free);
  if (!find_when (tx, self->id, &plan, error))
    return FALSE;
  if (plan == NULL)
    return not_found (self->id, error);
  return plan->state == ELVES_CRON_STARTED || start_plan (tx, self, plan, error);
}

static void
on_started (gpointer data, const GError *error)
{
  Change *self = data;
  self->started (error == NULL ? g_steal_pointer (&self->entry) : NULL, error, self->user_data);
}

void
elves_cron_schedules_start (ElvesCronLedger *ledger,
                            const char *id,
                            ElvesCronStartedFunc done,
                            gpointer user_data)
{
  Change *self = change_new (id, user_data);
  self->started = done;
  elves_cron_ledger_write (ledger, start, on_started, self, change_free);
}

/* ---- stop, delete --------------------------------------------------------------------------- */

static void
on_changed (gpointer data, const GError *error)
{
  Change *self = data;
  self->done (error, self->user_data);
}

/* What waits for the end of an execution does not fire any more. */
static gboolean
stop (ElvesStoreTx *tx, gpointer data, GError **error)
{
  Change *self = data;
  g_autoptr (ElvesCronPlan) plan = NULL;
  if (!find_when (tx, self->id, &plan, error))
    return FALSE;
  if (plan == NULL)
    return not_found (self->id, error);
  if (plan->state != ELVES_CRON_STARTED)
    return TRUE;
  return elves_store_tx_exec (tx,
                              "UPDATE cron_firing SET state = 4 WHERE schedule = ? AND state = 7",
                              ELVES_VALUES (ELVES_TEXT (self->id)), NULL, error) &&
         elves_store_tx_exec (tx, "UPDATE cron_schedule SET state = 0 WHERE id = ?",
                              ELVES_VALUES (ELVES_TEXT (self->id)), NULL, error);
}

static gboolean delete (ElvesStoreTx *tx, gpointer data, GError **error)
{
  Change *self = data;
  gint64 changed = 0;
  if (!elves_store_tx_exec (tx, "DELETE FROM cron_firing WHERE schedule = ?",
                            ELVES_VALUES (ELVES_TEXT (self->id)), NULL, error) ||
      !elves_store_tx_exec (tx, "DELETE FROM cron_schedule WHERE id = ?",
                            ELVES_VALUES (ELVES_TEXT (self->id)), &changed, error))
    return FALSE;
  return changed > 0 || not_found (self->id, error);
}

static void
submit_change (ElvesCronLedger *ledger,
               ElvesStoreWork work,
               const char *id,
               ElvesCronDoneFunc done,
               gpointer user_data)
{
  Change *self = change_new (id, user_data);
  self->done = done;
  elves_cron_ledger_write (ledger, work, on_changed, self, change_free);
}

void
elves_cron_schedules_stop (ElvesCronLedger *ledger,
                           const char *id,
                           ElvesCronDoneFunc done,
                           gpointer user_data)
{
  submit_change (ledger, stop, id, done, user_data);
}

void
elves_cron_schedules_delete (ElvesCronLedger *ledger,
                             const char *id,
                             ElvesCronDoneFunc done,
                             gpointer user_data)
{
  submit_change (ledger, delete, id, done, user_data);
}
