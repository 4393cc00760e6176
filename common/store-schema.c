/* Brings the tables of one component to the version that the program knows: which one they have is
   in a table of its own. In the transaction of the caller. */
#include "common/store-backend.h"

#include "common/error.h"
#include "common/log.h"

static gboolean
read_version (ElvesStoreTx *tx, const char *schema, gint64 *out_version, GError **error)
{
  *out_version = 0;
  g_autoptr (ElvesStoreRows) rows =
      elves_store_tx_query (tx, "SELECT version FROM elves_schema WHERE name = ?",
                            ELVES_VALUES (ELVES_TEXT (schema)), error);
  while (rows != NULL && elves_store_rows_next (rows))
    *out_version = elves_store_rows_int (rows, 0);
  return elves_store_rows_end (rows, error);
}

static gboolean
run_step (ElvesStoreTx *tx, const ElvesStoreMigration *step, GError **error)
{
  for (const char *const *sql = step->statements; *sql != NULL; sql++)
    {
      g_autofree char *text = elves_store_sql_in_dialect (tx->backend->class, *sql);
      if (!tx->backend->class->run (tx->backend, text, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
write_version (ElvesStoreTx *tx, const char *schema, gint64 version, GError **error)
{
  return elves_store_tx_exec (tx,
                              "INSERT INTO elves_schema (name, version) VALUES (?, ?)"
                              " ON CONFLICT (name) DO UPDATE SET version = excluded.version",
                              ELVES_VALUES (ELVES_TEXT (schema), ELVES_INT (version)), NULL, error);
}

/* Processes that start together take turns: the second one finds the work done. */
static gboolean
make_version_table (ElvesStoreTx *tx, GError **error)
{
  const ElvesStoreBackendClass *class = tx->backend->class;
  if (class->lock_schema != NULL && !class->run (tx->backend, class->lock_schema, error))
    return FALSE;
  static const char *const table[] = { "CREATE TABLE IF NOT EXISTS elves_schema"
                                       " (name TEXT PRIMARY KEY, version $INT NOT NULL)",
                                       NULL };
  return run_step (tx, &(ElvesStoreMigration){ table }, error);
}

/**
 * elves_store_schema_update:
 * @tx: the transaction
 * @schema: whose tables
 * @migrations: how to make them
 *
 * Errors: %ELVES_ERROR_UNAVAILABLE: they are of a newer version, or it failed
 */
gboolean
elves_store_schema_update (ElvesStoreTx *tx,
                           const char *schema,
                           const ElvesStoreMigration *migrations,
                           GError **error)
{
  gint64 known = 0, version;
  while (migrations[known].statements != NULL)
    known++;
  if (!make_version_table (tx, error) || !read_version (tx, schema, &version, error))
    return FALSE;
  if (version > known)
    {
      g_set_error (error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE,
                   "the tables of %s are of version %" G_GINT64_FORMAT
                   ", this program knows %" G_GINT64_FORMAT ": a newer Elves made them",
                   schema, version, known);
      return FALSE;
    }
  if (version == known)
    return TRUE;
  for (gint64 step = version; step < known; step++)
    if (!run_step (tx, &migrations[step], error))
      {
        g_prefix_error (error, "making version %" G_GINT64_FORMAT " of the tables: ", step + 1);
        return FALSE;
      }
  g_message ("tables made schema=%s from=%" G_GINT64_FORMAT " to=%" G_GINT64_FORMAT, schema,
             version, known);
  return write_version (tx, schema, known, error);
}
