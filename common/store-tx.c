/* Statements of a work, and the rows that they find. On the store's thread. */
#include "common/store-backend.h"

#include "common/error.h"

/**
 * elves_store_tx_query:
 * @tx: the transaction
 * @sql: one statement, a constant text
 * @values: (nullable): of its "?", ended by %ELVES_STORE_END
 *
 * Returns: (transfer full): what it finds
 * Errors: the work cannot succeed any more
 */
ElvesStoreRows *
elves_store_tx_query (ElvesStoreTx *tx,
                      const char *sql,
                      const ElvesStoreValue *values,
                      GError **error)
{
  ElvesStoreRows *rows = tx->backend->class->query (tx->backend, sql, values, error);
  if (rows == NULL)
    tx->failed = TRUE;
  else
    rows->tx = tx;
  return rows;
}

/**
 * elves_store_tx_exec:
 * @tx: the transaction
 * @sql: one statement, a constant text
 * @values: (nullable): of its "?", ended by %ELVES_STORE_END
 * @out_changed: (nullable): how many rows it has changed
 *
 * Errors: the work cannot succeed any more
 */
gboolean
elves_store_tx_exec (ElvesStoreTx *tx,
                     const char *sql,
                     const ElvesStoreValue *values,
                     gint64 *out_changed,
                     GError **error)
{
  g_autoptr (ElvesStoreRows) rows = elves_store_tx_query (tx, sql, values, error);
  while (rows != NULL && elves_store_rows_next (rows))
    ;
  if (!elves_store_rows_end (rows, error))
    return FALSE;
  if (out_changed != NULL)
    *out_changed = rows->class->changed (rows);
  return TRUE;
}

/**
 * elves_store_rows_next:
 * @self: what a query found
 *
 * Returns: whether there is one more row, which is the current one now
 */
gboolean
elves_store_rows_next (ElvesStoreRows *self)
{
  if (self->error != NULL)
    return FALSE;
  gboolean more = self->class->next (self, &self->error);
  if (self->error != NULL)
    self->tx->failed = TRUE;
  return more;
}

/**
 * elves_store_rows_end:
 * @self: (nullable): rows; %NULL: their query failed, and @error is set already
 *
 * Errors: why there were no more rows
 */
gboolean
elves_store_rows_end (ElvesStoreRows *self, GError **error)
{
  if (self == NULL)
    return FALSE;
  if (self->error == NULL)
    return TRUE;
  g_propagate_error (error, g_error_copy (self->error));
  return FALSE;
}

gboolean
elves_store_rows_is_null (ElvesStoreRows *self, guint column)
{
  return self->class->is_null (self, column);
}

/**
 * elves_store_rows_text:
 * @self: rows
 * @column: from 0
 *
 * Returns: (nullable): the text, until the next row
 */
const char *
elves_store_rows_text (ElvesStoreRows *self, guint column)
{
  return self->class->is_null (self, column) ? NULL : self->class->text (self, column);
}

gint64
elves_store_rows_int (ElvesStoreRows *self, guint column)
{
  return self->class->is_null (self, column) ? 0 : self->class->number (self, column);
}

/**
 * elves_store_rows_bytes:
 * @self: rows
 * @column: from 0
 *
 * Returns: (transfer full) (nullable): the bytes
 */
GBytes *
elves_store_rows_bytes (ElvesStoreRows *self, guint column)
{
  return self->class->is_null (self, column) ? NULL : self->class->bytes (self, column);
}

void
elves_store_rows_free (ElvesStoreRows *self)
{
  if (self == NULL)
    return;
  g_clear_error (&self->error);
  self->class->free (self);
}
