/* Writing works: create, start, stop.
 *
 * What is checked and what is written is one transaction, behind the fence: there is no moment
 * between the two. A schedule that is stopped leaves a range in the list of firings when it is
 * started again, so that the audit knows why nothing fired. */
#include "cron/schedules-private.h"

#include "common/error.h"
#include "cron/life.h"

#include <string.h>

gboolean
elves_cron_schedules_not_found (const char *id, GError **error)
{
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_NOT_FOUND, "no timed task has the id '%s'", id);
  return FALSE;
}

gboolean
elves_cron_schedules_find_when (ElvesStoreTx *tx,
                                const char *id,
                                const char *owner,
                                ElvesCronPlan **out_plan,
                                GError **error)
{
  g_autoptr (ElvesCronPlan) plan = NULL;
  g_autoptr (ElvesStoreRows) rows = elves_store_tx_query (
      tx, "SELECT " ELVES_CRON_WHEN_COLUMNS " FROM cron_schedule WHERE id = ? AND deleted_us = 0",
      ELVES_VALUES (ELVES_TEXT (id)), error);
  while (rows != NULL && elves_store_rows_next (rows))
    {
      plan = elves_cron_plan_new ();
      elves_cron_plan_read_when (plan, rows, 0);
    }
  if (plan != NULL && (*owner == '\0' || strcmp (plan->owner, owner) == 0))
    *out_plan = g_steal_pointer (&plan);
  else
    *out_plan = NULL;
  return elves_store_rows_end (rows, error);
}

gboolean
elves_cron_schedules_drop_queued (ElvesStoreTx *tx, const char *id, GError **error)
{
  return elves_store_tx_exec (tx,
                              "UPDATE cron_firing SET state = 4 WHERE schedule = ? AND state = 7",
                              ELVES_VALUES (ELVES_TEXT (id)), NULL, error);
}

/* ---- create --------------------------------------------------------------------------------- */

typedef struct
{
  ElvesCronCard fresh; /* its plan is what is to be made */
  ElvesCronCard known; /* what was there before, if anything was */
  gboolean existed;
  char *request;
  gboolean may_repeat;
  ElvesCronEntry *entry;
  ElvesCronCreatedFunc done;
  gpointer user_data;
} Creation;

static void
creation_free (gpointer data)
{
  Creation *self = data;
  elves_cron_card_clear (&self->fresh);
  elves_cron_card_clear (&self->known);
  elves_cron_entry_free (self->entry);
  g_free (self->request);
  g_free (self);
}

/* @out_id: (nullable): no row. */
static gboolean
find_id (ElvesStoreTx *tx,
         const char *sql,
         const ElvesStoreValue *values,
         char **out_id,
         GError **error)
{
  g_autoptr (ElvesStoreRows) rows = elves_store_tx_query (tx, sql, values, error);
  *out_id = NULL;
  while (rows != NULL && elves_store_rows_next (rows))
    {
      g_free (*out_id);
      *out_id = g_strdup (elves_store_rows_text (rows, 0));
    }
  return elves_store_rows_end (rows, error);
}

/* What an earlier run of this request has made. */
static gboolean
find_request (ElvesStoreTx *tx, Creation *self, GError **error)
{
  g_autofree char *id = NULL;
  return find_id (tx, "SELECT id FROM cron_schedule WHERE request = ? LIMIT 1",
                  ELVES_VALUES (ELVES_TEXT (self->request)), &id, error) &&
         (id == NULL || elves_cron_card_find (&self->known, tx, id, error));
}

static gboolean
find_unique (ElvesStoreTx *tx, Creation *self, GError **error)
{
  const ElvesCronPlan *plan = self->fresh.plan;
  g_autofree char *id = NULL;
  if (!find_id (tx,
                "SELECT id FROM cron_schedule WHERE owner = ? AND unique_key = ? AND "
                "unique_key <> '' AND deleted_us = 0",
                ELVES_VALUES (ELVES_TEXT (plan->owner), ELVES_TEXT (plan->unique_key)), &id, error))
    return FALSE;
  self->existed = id != NULL;
  return id == NULL || elves_cron_card_find (&self->known, tx, id, error);
}

static gboolean
find_known (ElvesStoreTx *tx, Creation *self, GError **error)
{
  elves_cron_card_clear (&self->known);
  self->existed = FALSE;
  if (self->may_repeat && !find_request (tx, self, error))
    return FALSE;
  return self->known.plan != NULL || *self->fresh.plan->unique_key == '\0' ||
         find_unique (tx, self, error);
}

static gboolean
create (ElvesStoreTx *tx, gpointer data, GError **error)
{
  Creation *self = data;
  const ElvesCronPlan *plan = self->fresh.plan;
  g_clear_pointer (&self->entry, elves_cron_entry_free);
  if (!find_known (tx, self, error))
    return FALSE;
  if (self->known.plan != NULL)
    return TRUE;
  if (plan->state == ELVES_CRON_STARTED)
    {
      self->entry = elves_cron_plan_entry (plan, plan->cursor_us, error);
      if (self->entry == NULL)
        return FALSE;
    }
  return elves_cron_plan_insert (plan, self->request, tx, error);
}

static void
on_created (gpointer data, const GError *error)
{
  Creation *self = data;
  const ElvesCronCard *card = self->known.plan != NULL ? &self->known : &self->fresh;
  self->done (error == NULL ? card : NULL, self->existed,
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
  self->fresh.plan = plan;
  self->request = g_strdup (request);
  self->may_repeat = may_repeat;
  self->done = done;
  self->user_data = user_data;
  elves_cron_ledger_write (ledger, create, on_created, self, creation_free);
}

/* ---- start ---------------------------------------------------------------------------------- */

typedef struct
{
  char *id, *owner;
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
  g_free (self->owner);
  g_free (self);
}

static Change *
change_new (const char *id, const char *owner, gpointer user_data)
{
  Change *self = g_new0 (Change, 1);
  self->id = g_strdup (id);
  self->owner = g_strdup (owner);
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

/* Whose first instant is its start, has it now, or later. */
static void
begin_interval (ElvesCronPlan *plan, gint64 *now_us)
{
  if (!plan->first_now || plan->first_us != 0)
    return;
  plan->start_us = MAX (plan->start_us, *now_us);
  *now_us -= 1;
}

static gboolean
start_plan (ElvesStoreTx *tx, Change *self, ElvesCronPlan *plan, GError **error)
{
  gint64 now_us = MAX (g_get_real_time (), plan->cursor_us);
  begin_interval (plan, &now_us);
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
             tx,
             "UPDATE cron_schedule SET state = 1, cursor_us = ?, first_us = ?, start_us = ? "
             "WHERE id = ?",
             ELVES_VALUES (ELVES_INT (now_us),
                           ELVES_INT (plan->first_us != 0 ? plan->first_us : now_us),
                           ELVES_INT (plan->start_us), ELVES_TEXT (plan->id)),
             NULL, error);
}

static gboolean
start (ElvesStoreTx *tx, gpointer data, GError **error)
{
  Change *self = data;
  g_autoptr (ElvesCronPlan) plan = NULL;
  g_clear_pointer (&self->entry, elves_cron_entry_free);
  if (!elves_cron_schedules_find_when (tx, self->id, self->owner, &plan, error))
    return FALSE;
  if (plan == NULL)
    return elves_cron_schedules_not_found (self->id, error);
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
                            const char *owner,
                            ElvesCronStartedFunc done,
                            gpointer user_data)
{
  Change *self = change_new (id, owner, user_data);
  self->started = done;
  elves_cron_ledger_write (ledger, start, on_started, self, change_free);
}

/* ---- stop ----------------------------------------------------------------------------------- */

static void
on_stopped (gpointer data, const GError *error)
{
  Change *self = data;
  self->done (error, self->user_data);
}

static gboolean
stop (ElvesStoreTx *tx, gpointer data, GError **error)
{
  Change *self = data;
  g_autoptr (ElvesCronPlan) plan = NULL;
  if (!elves_cron_schedules_find_when (tx, self->id, self->owner, &plan, error))
    return FALSE;
  if (plan == NULL)
    return elves_cron_schedules_not_found (self->id, error);
  if (plan->state != ELVES_CRON_STARTED)
    return TRUE;
  return elves_cron_schedules_drop_queued (tx, self->id, error) &&
         elves_store_tx_exec (tx, "UPDATE cron_schedule SET state = 0 WHERE id = ?",
                              ELVES_VALUES (ELVES_TEXT (self->id)), NULL, error);
}

void
elves_cron_schedules_stop (ElvesCronLedger *ledger,
                           const char *id,
                           const char *owner,
                           ElvesCronDoneFunc done,
                           gpointer user_data)
{
  Change *self = change_new (id, owner, user_data);
  self->done = done;
  elves_cron_ledger_write (ledger, stop, on_stopped, self, change_free);
}
