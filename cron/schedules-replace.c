/* Replacing what a timed task is. It keeps its id, when it was made, and its history; its counter
   begins anew, and so does its plan: from now on. */
#include "cron/schedules-private.h"

#include "common/error.h"

typedef struct
{
  ElvesCronCard card; /* the new plan, and what was the last outcome */
  gint64 now_us;
  gboolean keeps_state;
  ElvesCronEntry *entry;
  ElvesCronReplacedFunc done;
  gpointer user_data;
} Replacement;

static void
replacement_free (gpointer data)
{
  Replacement *self = data;
  elves_cron_card_clear (&self->card);
  elves_cron_entry_free (self->entry);
  g_free (self);
}

/* Without a start, an interval counts from now, not from when the task was made. */
static void
begin_anew (ElvesCronPlan *plan, gint64 created_us, gint64 now_us)
{
  if (plan->timing == ELVES_CRON_BY_INTERVAL && plan->start_us == 0)
    plan->start_us = now_us;
  plan->created_us = created_us;
}

static void
take_over (ElvesCronPlan *plan, const ElvesCronPlan *old)
{
  if (*plan->owner == '\0')
    {
      g_free (plan->owner);
      plan->owner = g_strdup (old->owner);
    }
  plan->spelling = plan->spelling != ELVES_CRON_HEX ? plan->spelling : old->spelling;
}

/* Another task may have the unique key already. */
static gboolean
is_free (ElvesStoreTx *tx, const ElvesCronPlan *plan, GError **error)
{
  gboolean is_taken = FALSE;
  g_autoptr (ElvesStoreRows) rows = elves_store_tx_query (
      tx,
      "SELECT id FROM cron_schedule WHERE owner = ? AND unique_key = ? AND unique_key <> '' AND "
      "deleted_us = 0 AND id <> ?",
      ELVES_VALUES (ELVES_TEXT (plan->owner), ELVES_TEXT (plan->unique_key), ELVES_TEXT (plan->id)),
      error);
  while (rows != NULL && elves_store_rows_next (rows))
    is_taken = TRUE;
  if (!elves_store_rows_end (rows, error))
    return FALSE;
  if (is_taken)
    g_set_error (error, ELVES_ERROR, ELVES_ERROR_INVALID, "unique: another task has '%s'",
                 plan->unique_key);
  return !is_taken;
}

static gboolean
write_new (Replacement *self, ElvesStoreTx *tx, const ElvesCronPlan *old, GError **error)
{
  ElvesCronPlan *plan = self->card.plan;
  if (self->keeps_state && old->state == ELVES_CRON_STOPPED)
    {
      plan->state = ELVES_CRON_STOPPED;
      plan->first_us = plan->cursor_us = 0;
    }
  begin_anew (plan, old->created_us, self->now_us);
  take_over (plan, old);
  if (plan->state == ELVES_CRON_STARTED)
    {
      self->entry = elves_cron_plan_entry (plan, plan->cursor_us, error);
      if (self->entry == NULL)
        return FALSE;
    }
  return is_free (tx, plan, error) && elves_cron_schedules_drop_queued (tx, plan->id, error) &&
         elves_cron_plan_update (plan, tx, error);
}

static gboolean
replace (ElvesStoreTx *tx, gpointer data, GError **error)
{
  Replacement *self = data;
  g_autoptr (ElvesCronPlan) old = NULL;
  const char *id = self->card.plan->id;
  g_clear_pointer (&self->entry, elves_cron_entry_free);
  if (!elves_cron_schedules_find_when (tx, id, self->card.plan->owner, &old, error))
    return FALSE;
  return old != NULL ? write_new (self, tx, old, error)
                     : elves_cron_schedules_not_found (id, error);
}

static void
on_replaced (gpointer data, const GError *error)
{
  Replacement *self = data;
  self->done (error == NULL ? &self->card : NULL,
              error == NULL ? g_steal_pointer (&self->entry) : NULL, error, self->user_data);
}

void
elves_cron_schedules_replace (ElvesCronLedger *ledger,
                              ElvesCronPlan *plan,
                              gboolean keeps_state,
                              ElvesCronReplacedFunc done,
                              gpointer user_data)
{
  Replacement *self = g_new0 (Replacement, 1);
  self->card.plan = plan;
  self->now_us = plan->created_us;
  self->keeps_state = keeps_state;
  self->done = done;
  self->user_data = user_data;
  elves_cron_ledger_write (ledger, replace, on_replaced, self, replacement_free);
}
