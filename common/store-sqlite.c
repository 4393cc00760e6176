/* SQLite for the store: one file, write-ahead log, each commit on the disk before it is said to be
   done. One process at a time, seen to by a lock beside the file (SQLite's own locks are left to
   it, so that the file can be looked at and backed up while the daemon runs). */
#include "common/store-backend.h"

#include "common/error.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_RETRY_US (20 * 1000)

typedef struct
{
  ElvesStoreBackend base;
  sqlite3 *db;
  char *path;
  int lock_fd;
  GHashTable *statements; /* text -> sqlite3_stmt */
} Sqlite;

typedef struct
{
  ElvesStoreRows base;
  Sqlite *store;
  sqlite3_stmt *statement;
} SqliteRows;

static gboolean
set_error (Sqlite *self, const char *what, GError **error)
{
  int status = sqlite3_errcode (self->db) & 0xff;
  gboolean is_ours = status == SQLITE_ERROR || status == SQLITE_MISUSE ||
                     status == SQLITE_CONSTRAINT || status == SQLITE_RANGE;
  g_set_error (error, ELVES_ERROR, is_ours ? ELVES_ERROR_INTERNAL : ELVES_ERROR_UNAVAILABLE,
               "store %s: %s: %s", self->path, what, sqlite3_errmsg (self->db));
  return FALSE;
}

/* ---- rows ----------------------------------------------------------------------------------- */

static gboolean
rows_next (ElvesStoreRows *rows, GError **error)
{
  SqliteRows *self = (SqliteRows *) rows;
  if (self->statement == NULL)
    return FALSE;
  int status = sqlite3_step (self->statement);
  if (status == SQLITE_ROW)
    return TRUE;
  if (status != SQLITE_DONE)
    set_error (self->store, "a statement failed", error);
  return FALSE;
}

static gint64
rows_changed (ElvesStoreRows *rows)
{
  return sqlite3_changes64 (((SqliteRows *) rows)->store->db);
}

static gboolean
rows_is_null (ElvesStoreRows *rows, guint column)
{
  return sqlite3_column_type (((SqliteRows *) rows)->statement, column) == SQLITE_NULL;
}

static const char *
rows_text (ElvesStoreRows *rows, guint column)
{
  return (const char *) sqlite3_column_text (((SqliteRows *) rows)->statement, column);
}

static gint64
rows_number (ElvesStoreRows *rows, guint column)
{
  return sqlite3_column_int64 (((SqliteRows *) rows)->statement, column);
}

static GBytes *
rows_bytes (ElvesStoreRows *rows, guint column)
{
  sqlite3_stmt *statement = ((SqliteRows *) rows)->statement;
  const void *data = sqlite3_column_blob (statement, column);
  return g_bytes_new (data, sqlite3_column_bytes (statement, column));
}

static void
rows_free (ElvesStoreRows *rows)
{
  SqliteRows *self = (SqliteRows *) rows;
  sqlite3_reset (self->statement);
  sqlite3_clear_bindings (self->statement);
  g_free (self);
}

static const ElvesStoreRowsClass rows_class = {
  .next = rows_next,
  .changed = rows_changed,
  .is_null = rows_is_null,
  .text = rows_text,
  .number = rows_number,
  .bytes = rows_bytes,
  .free = rows_free,
};

/* ---- statements ----------------------------------------------------------------------------- */

static int
bind (sqlite3_stmt *statement, int index, const ElvesStoreValue *value)
{
  gsize length = 0;
  const void *data;
  switch (value->kind)
    {
    case ELVES_STORE_TEXT:
      return sqlite3_bind_text (statement, index, value->text, -1, SQLITE_TRANSIENT);
    case ELVES_STORE_INT:
      return sqlite3_bind_int64 (statement, index, value->number);
    case ELVES_STORE_BYTES:
      if (value->bytes == NULL)
        return sqlite3_bind_null (statement, index);
      data = g_bytes_get_data (value->bytes, &length);
      return sqlite3_bind_blob64 (statement, index, data != NULL ? data : "", length,
                                  SQLITE_TRANSIENT);
    case ELVES_STORE_NULL:
    case ELVES_STORE_END:
    default:
      return sqlite3_bind_null (statement, index);
    }
}

/* Kept by its text. */
static sqlite3_stmt *
find_statement (Sqlite *self, const char *sql, GError **error)
{
  sqlite3_stmt *statement = g_hash_table_lookup (self->statements, sql);
  if (statement != NULL)
    {
      if (!sqlite3_stmt_busy (statement))
        return statement;
      g_set_error (error, ELVES_ERROR, ELVES_ERROR_INTERNAL, "this query is still read: %s", sql);
      return NULL;
    }
  if (sqlite3_prepare_v3 (self->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) !=
      SQLITE_OK)
    {
      set_error (self, sql, error);
      return NULL;
    }
  g_hash_table_insert (self->statements, g_strdup (sql), statement);
  return statement;
}

static ElvesStoreRows *
query (ElvesStoreBackend *base, const char *sql, const ElvesStoreValue *values, GError **error)
{
  Sqlite *self = (Sqlite *) base;
  sqlite3_stmt *statement = find_statement (self, sql, error);
  if (statement == NULL)
    return NULL;
  guint n = elves_store_values_count (values);
  gboolean bound = sqlite3_bind_parameter_count (statement) == (int) n;
  for (guint i = 0; i < n && bound; i++)
    bound = bind (statement, i + 1, &values[i]) == SQLITE_OK;
  if (!bound)
    {
      g_set_error (error, ELVES_ERROR, ELVES_ERROR_INTERNAL, "%u values do not fit: %s", n, sql);
      sqlite3_clear_bindings (statement);
      return NULL;
    }
  SqliteRows *rows = g_new0 (SqliteRows, 1);
  rows->base.class = &rows_class;
  rows->store = self;
  rows->statement = statement;
  return &rows->base;
}

static gboolean
run (ElvesStoreBackend *base, const char *sql, GError **error)
{
  Sqlite *self = (Sqlite *) base;
  if (sqlite3_exec (self->db, sql, NULL, NULL, NULL) == SQLITE_OK)
    return TRUE;
  return set_error (self, "cannot be used", error);
}

static gboolean
commit (ElvesStoreBackend *base, GError **error)
{
  return run (base, "COMMIT", error);
}

static gboolean
in_transaction (ElvesStoreBackend *base)
{
  return !sqlite3_get_autocommit (((Sqlite *) base)->db);
}

/* ---- beginning and end ---------------------------------------------------------------------- */

static gboolean
connect (ElvesStoreBackend *base, gboolean *out_committed, GError **error)
{
  *out_committed = FALSE;
  return TRUE;
}

static gboolean
never (ElvesStoreBackend *base)
{
  return FALSE;
}

static void
sqlite_free (ElvesStoreBackend *base)
{
  Sqlite *self = (Sqlite *) base;
  g_clear_pointer (&self->statements, g_hash_table_unref);
  sqlite3_close (self->db);
  if (self->lock_fd >= 0)
    close (self->lock_fd);
  g_free (self->path);
  g_free (self);
}

static gboolean
lock_file (Sqlite *self, guint wait_ms, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (self->path);
  g_autofree char *path = g_strconcat (self->path, ".lock", NULL);
  if (g_mkdir_with_parents (folder, 0700) == 0)
    self->lock_fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (self->lock_fd < 0)
    {
      g_set_error (error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE, "store %s: %s", self->path,
                   g_strerror (errno));
      return FALSE;
    }
  gint64 limit_us = g_get_monotonic_time () + (gint64) wait_ms * 1000; /* one that is just ending */
  while (flock (self->lock_fd, LOCK_EX | LOCK_NB) != 0)
    {
      if (g_get_monotonic_time () >= limit_us)
        {
          g_set_error (error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE,
                       "store %s: another process uses it", self->path);
          return FALSE;
        }
      g_usleep (LOCK_RETRY_US);
    }
  return TRUE;
}

static gboolean
set_up (Sqlite *self, const ElvesStoreOptions *options, GError **error)
{
  sqlite3_busy_timeout (self->db, options->timeout_ms);
  sqlite3_db_config (self->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  g_autofree char *limit = options->max_pages > 0
                               ? g_strdup_printf ("PRAGMA max_page_count = %u", options->max_pages)
                               : g_strdup ("");
  return run (&self->base,
              "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;"
              "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA cache_size = -8192;"
              "PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 67108864;"
              "PRAGMA cell_size_check = ON;",
              error) &&
         run (&self->base, limit, error);
}

static const ElvesStoreBackendClass sqlite_class = {
  .serial = "INTEGER PRIMARY KEY AUTOINCREMENT",
  .number = "INTEGER",
  .bytes = "BLOB",
  .begin = "BEGIN IMMEDIATE",
  .connect = connect,
  .is_lost = never,
  .is_taken = never,
  .in_transaction = in_transaction,
  .run = run,
  .commit = commit,
  .query = query,
  .free = sqlite_free,
};

static void
finalize_statement (gpointer statement)
{
  sqlite3_finalize (statement);
}

/**
 * elves_store_sqlite_new:
 * @options: where the file is
 *
 * Makes folder and file if there are none.
 *
 * Returns: (transfer full): the file, which no other store of ours uses
 * Errors: %ELVES_ERROR_UNAVAILABLE
 */
ElvesStoreBackend *
elves_store_sqlite_new (const ElvesStoreOptions *options, GError **error)
{
  Sqlite *self = g_new0 (Sqlite, 1);
  self->base.class = &sqlite_class;
  self->lock_fd = -1;
  self->path = g_strdup (options->url + strlen (ELVES_STORE_SQLITE_SCHEME));
  self->statements = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, finalize_statement);
  gboolean opened = lock_file (self, options->timeout_ms, error);
  if (opened)
    {
      mode_t mask = umask (0077); /* SQLite makes its files with the mask of the process */
      int status =
          sqlite3_open_v2 (self->path, &self->db,
                           SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
      opened = status == SQLITE_OK ? set_up (self, options, error)
                                   : set_error (self, "cannot be opened", error);
      umask (mask);
    }
  if (opened)
    return &self->base;
  sqlite_free (&self->base);
  return NULL;
}
