/* Cards: read from the store. */
#include "cron/card.h"

void
elves_cron_card_clear (ElvesCronCard *self)
{
  g_clear_pointer (&self->plan, elves_cron_plan_free);
  g_clear_pointer (&self->last_error, g_free);
  g_clear_pointer (&self->last_message, g_free);
  self->last_us = 0;
}

/**
 * elves_cron_card_free:
 * @self: (nullable)
 */
void
elves_cron_card_free (ElvesCronCard *self)
{
  if (self == NULL)
    return;
  elves_cron_card_clear (self);
  g_free (self);
}

void
elves_cron_card_read (ElvesCronCard *self, ElvesStoreRows *rows)
{
  guint at = ELVES_CRON_N_PLAN_COLUMNS;
  elves_cron_card_clear (self);
  self->plan = elves_cron_plan_read (rows, 0);
  self->last_us = elves_store_rows_int (rows, at);
  self->last_flag = elves_store_rows_int (rows, at + 1) != 0;
  self->last_error = g_strdup (elves_store_rows_text (rows, at + 2));
  self->last_worker_flag = (gint) elves_store_rows_int (rows, at + 3);
  self->last_message = g_strdup (elves_store_rows_text (rows, at + 4));
  self->last_cost_ms = (gint) elves_store_rows_int (rows, at + 5);
}

/**
 * elves_cron_card_find:
 * @id: in hex
 *
 * Returns: %FALSE when the store fails; that there is no such task is no failure.
 */
gboolean
elves_cron_card_find (ElvesCronCard *self, ElvesStoreTx *tx, const char *id, GError **error)
{
  g_autoptr (ElvesStoreRows) rows = elves_store_tx_query (
      tx, "SELECT " ELVES_CRON_CARD_COLUMNS " FROM cron_schedule WHERE id = ?",
      ELVES_VALUES (ELVES_TEXT (id)), error);
  elves_cron_card_clear (self);
  while (rows != NULL && elves_store_rows_next (rows))
    elves_cron_card_read (self, rows);
  return elves_store_rows_end (rows, error);
}

gboolean
elves_cron_card_is_expired (const ElvesCronCard *self, gint64 now_us)
{
  return self->plan->end_us != 0 && self->plan->end_us < now_us;
}

/* One that is planned once has fired as often as it may, when it has. */
gboolean
elves_cron_card_is_max_reached (const ElvesCronCard *self)
{
  const ElvesCronPlan *plan = self->plan;
  gint64 count = plan->timing == ELVES_CRON_ONCE ? 1 : plan->count;
  return count != 0 && plan->fired >= count;
}
