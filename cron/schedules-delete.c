/* Deleting timed tasks: by their ids, or by a name; for good, or so that they are remembered.
 *
 * What is remembered has no unique key any more, starts never again, and is forgotten as old
 * executions are (history.c). */
#include "cron/schedules-private.h"

#include "common/error.h"

#include <string.h>

enum
{
  BY_NAME_MAX = 100000
};

typedef struct
{
  char *owner, *name;
  GPtrArray *ids; /* (nullable) */
  gboolean soft;
  GArray *deleted;
  ElvesCronDeletedFunc done;
  gpointer user_data;
} Deletion;

static void
deletion_free (gpointer data)
{
  Deletion *self = data;
  g_array_unref (self->deleted);
  g_clear_pointer (&self->ids, g_ptr_array_unref);
  g_free (self->owner);
  g_free (self->name);
  g_free (self);
}

/* The rows of executions go first: nobody may find them without their task. */
static gboolean
forget (ElvesStoreTx *tx, const char *id, GError **error)
{
  return elves_store_tx_exec (tx, "DELETE FROM cron_firing WHERE schedule = ?",
                              ELVES_VALUES (ELVES_TEXT (id)), NULL, error) &&
         elves_store_tx_exec (tx, "DELETE FROM cron_schedule WHERE id = ?",
                              ELVES_VALUES (ELVES_TEXT (id)), NULL, error);
}

static gboolean
mark (ElvesStoreTx *tx, const char *id, GError **error)
{
  return elves_cron_schedules_drop_queued (tx, id, error) &&
         elves_store_tx_exec (tx, "UPDATE cron_schedule SET state = 0, deleted_us = ? WHERE id = ?",
                              ELVES_VALUES (ELVES_INT (g_get_real_time ()), ELVES_TEXT (id)), NULL,
                              error);
}

static gboolean
delete_one (Deletion *self, ElvesStoreTx *tx, const char *id, GError **error)
{
  g_autoptr (ElvesCronPlan) plan = NULL;
  ElvesCronDeleted fresh = { 0 };
  if (!elves_cron_schedules_find_when (tx, id, self->owner, &plan, error))
    return FALSE;
  if (plan == NULL)
    return TRUE;
  elves_cron_id_parse (id, &fresh.id);
  fresh.spelling = plan->spelling;
  g_array_append_val (self->deleted, fresh);
  return self->soft ? mark (tx, id, error) : forget (tx, id, error);
}

/* (nullable): the store failed. */
static GPtrArray *
find_by_name (const Deletion *self, ElvesStoreTx *tx, GError **error)
{
  g_autoptr (GPtrArray) ids = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (ElvesStoreRows) rows = elves_store_tx_query (
      tx,
      "SELECT id FROM cron_schedule WHERE owner = ? AND name = ? AND deleted_us = 0 "
      "ORDER BY created_us DESC, id DESC LIMIT ?",
      ELVES_VALUES (ELVES_TEXT (self->owner), ELVES_TEXT (self->name), ELVES_INT (BY_NAME_MAX)),
      error);
  while (rows != NULL && elves_store_rows_next (rows))
    g_ptr_array_add (ids, g_strdup (elves_store_rows_text (rows, 0)));
  return elves_store_rows_end (rows, error) ? g_steal_pointer (&ids) : NULL;
}

static gboolean
delete_all (ElvesStoreTx *tx, gpointer data, GError **error)
{
  Deletion *self = data;
  g_autoptr (GPtrArray) ids =
      self->ids != NULL ? g_ptr_array_ref (self->ids) : find_by_name (self, tx, error);
  g_array_set_size (self->deleted, 0);
  for (guint i = 0; ids != NULL && i < ids->len; i++)
    if (!delete_one (self, tx, ids->pdata[i], error))
      return FALSE;
  return ids != NULL;
}

static void
on_deleted (gpointer data, const GError *error)
{
  Deletion *self = data;
  self->done (self->deleted, error, self->user_data);
}

static gpointer
copy_id (gconstpointer id, gpointer user_data)
{
  return g_strdup (id);
}

static GPtrArray *
copy_ids (const GPtrArray *ids)
{
  GPtrArray *copy = g_ptr_array_copy ((GPtrArray *) ids, copy_id, NULL);
  g_ptr_array_set_free_func (copy, g_free);
  return copy;
}

void
elves_cron_schedules_delete (ElvesCronLedger *ledger,
                             const ElvesCronDeletion *deletion,
                             ElvesCronDeletedFunc done,
                             gpointer user_data)
{
  Deletion *self = g_new0 (Deletion, 1);
  self->owner = g_strdup (deletion->owner);
  self->name = g_strdup (deletion->name);
  self->ids = deletion->ids != NULL ? copy_ids (deletion->ids) : NULL;
  self->soft = deletion->soft;
  self->deleted = g_array_new (FALSE, FALSE, sizeof (ElvesCronDeleted));
  self->done = done;
  self->user_data = user_data;
  elves_cron_ledger_write (ledger, delete_all, on_deleted, self, deletion_free);
}
