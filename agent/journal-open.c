/* The file below the journal, its statements, and how it is opened: one SQLite database in WAL
 * mode, one table.
 *
 *   seq         order of acceptance
 *   key         of the execution
 *   id, type    of its job, to recognise a message without a key
 *   sync        1: the result was for a caller that waited; it is kept, not reported
 *   state       0 accepted, 1 started, 2 finished, 3 taken
 *   origin      scheduler that should get the result
 *   ..._ms      when, by the wall clock; taken_ms of a finished one: it was set aside then
 *   boot tracking cgroup pid pid_start    how its processes are found
 *   instruct    the call, until the outcome is there
 *   result      the outcome, until it is taken; of sync ones until they are forgotten
 *
 * The number of the schema stands in user_version; a file of another one, or one that is no
 * database, is not touched: the agent does not start with it, since starting without what it has
 * promised would run jobs twice. */
#include "agent/journal-private.h"

#include "common/error.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define SCHEMA_VERSION 1
#define BUSY_MS 5000 /* somebody looks at the file with another program */
#define LOCK_RETRY_US 10000
#define VACUUMED_AT_ONCE "256" /* pages */

static const char schema[] =
    "CREATE TABLE execution ("
    " seq INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, id TEXT NOT NULL, type TEXT NOT NULL,"
    " sync INTEGER NOT NULL, state INTEGER NOT NULL, origin TEXT,"
    " accepted_ms INTEGER NOT NULL, started_ms INTEGER, finished_ms INTEGER, taken_ms INTEGER,"
    " boot TEXT, tracking TEXT, cgroup TEXT, pid INTEGER, pid_start INTEGER,"
    " instruct BLOB, result BLOB);"
    "CREATE INDEX open_execution ON execution (seq) WHERE state < 3;"
    "CREATE INDEX taken_execution ON execution (taken_ms) WHERE state = 3;"
    "CREATE INDEX aside_execution ON execution (taken_ms) WHERE state = 2 AND taken_ms NOTNULL;"
    "CREATE INDEX execution_of_job ON execution (id, type, accepted_ms);";

static const char *const sql[ELVES_N_SQL] = {
  [ELVES_SQL_BEGIN] = "BEGIN IMMEDIATE",
  [ELVES_SQL_COMMIT] = "COMMIT",
  [ELVES_SQL_ROLLBACK] = "ROLLBACK",
  [ELVES_SQL_PAGES] = "PRAGMA page_count",
  [ELVES_SQL_FREE_PAGES] = "PRAGMA freelist_count",
  [ELVES_SQL_INSERT] = "INSERT INTO execution (key, id, type, sync, state, origin, accepted_ms,"
                       " instruct) VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6, ?7)"
                       " ON CONFLICT (key) DO NOTHING",
  [ELVES_SQL_FIND] = "SELECT state, sync, key, origin FROM execution WHERE key = ?1",
  [ELVES_SQL_FIND_RECENT] =
      "SELECT state, sync, key, origin FROM execution WHERE id = ?1"
      " AND type = ?2 AND accepted_ms >= ?3 ORDER BY accepted_ms DESC, seq DESC LIMIT 1",
  /* Here it is decided that a key starts once: whoever finds it started changes nothing. */
  [ELVES_SQL_START] = "UPDATE execution SET state = 1, started_ms = ?2, boot = ?3, tracking = ?4,"
                      " cgroup = ?5 WHERE key = ?1 AND state = 0",
  [ELVES_SQL_LEADER] = "UPDATE execution SET pid = ?2, pid_start = ?3 WHERE key = ?1 AND state = 1",
  [ELVES_SQL_FINISH] = "UPDATE execution SET state = 2 + sync, finished_ms = ?2, result = ?3,"
                       " instruct = NULL, taken_ms = iif(sync, ?2, NULL)"
                       " WHERE key = ?1 AND state < 2",
  [ELVES_SQL_TAKE] = "UPDATE execution SET state = 3, taken_ms = ?2, instruct = NULL,"
                     " result = iif(sync, result, NULL) WHERE key = ?1",
  [ELVES_SQL_SET_ASIDE] = "UPDATE execution SET taken_ms = coalesce(taken_ms, ?2)"
                          " WHERE key = ?1 AND state = 2",
  [ELVES_SQL_ORIGIN] = "UPDATE execution SET origin = ?2, taken_ms = NULL"
                       " WHERE key = ?1 AND state < 3",
  [ELVES_SQL_FORGET] = "DELETE FROM execution WHERE key = ?1 AND state = 0",
  [ELVES_SQL_READ] = "SELECT result FROM execution WHERE key = ?1",
  [ELVES_SQL_RESTORE] = "SELECT key, state, sync, id, origin, instruct, boot, tracking, cgroup,"
                        " pid, pid_start FROM execution WHERE state < 3 ORDER BY seq",
  [ELVES_SQL_EXPIRE] = "DELETE FROM execution WHERE seq IN (SELECT seq FROM execution"
                       " WHERE state = 3 AND taken_ms < ?1 ORDER BY taken_ms LIMIT ?2)",
  [ELVES_SQL_EXPIRE_ASIDE] = "DELETE FROM execution WHERE state = 2 AND taken_ms < ?1",
  [ELVES_SQL_SPAN] = "SELECT (SELECT max(seq) FROM execution) - (SELECT min(seq) FROM execution)",
  [ELVES_SQL_VACUUM] = "PRAGMA incremental_vacuum(" VACUUMED_AT_ONCE ")",
};

static gboolean
lock_folder (ElvesJournalStore *self, const ElvesJournalSettings *settings, GError **error)
{
  const char *folder = settings->folder;
  g_autofree char *path = g_build_filename (folder, "lock", NULL);
  int failed = g_mkdir_with_parents (folder, 0700);
  if (failed == 0)
    self->lock_fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (self->lock_fd < 0)
    {
      g_set_error (error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE, "journal.dir %s: %s", folder,
                   g_strerror (errno));
      return FALSE;
    }
  /* A child that an agent was just starting when it was killed has the lock until it executes: what
     an agent leaves behind is looked for after that. */
  gint64 limit_us = g_get_monotonic_time () + (gint64) settings->lock_wait_ms * 1000;
  int status;
  while ((status = flock (self->lock_fd, LOCK_EX | LOCK_NB)) != 0 &&
         g_get_monotonic_time () < limit_us)
    g_usleep (LOCK_RETRY_US);
  if (status == 0)
    return TRUE;
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE,
               "journal.dir %s: another agent uses this folder", folder);
  return FALSE;
}

static gboolean
exec (ElvesJournalStore *self, const char *text, GError **error)
{
  if (sqlite3_exec (self->db, text, NULL, NULL, NULL) == SQLITE_OK)
    return TRUE;
  return elves_journal_set_error (self, "cannot be used", error);
}

static gboolean
read_number (ElvesJournalStore *self, const char *pragma, gint64 *out_value, GError **error)
{
  sqlite3_stmt *statement = NULL;
  gboolean read = sqlite3_prepare_v2 (self->db, pragma, -1, &statement, NULL) == SQLITE_OK &&
                  sqlite3_step (statement) == SQLITE_ROW;
  if (read)
    *out_value = sqlite3_column_int64 (statement, 0);
  else
    elves_journal_set_error (self, "cannot be read", error);
  sqlite3_finalize (statement);
  return read;
}

static gboolean
make_schema (ElvesJournalStore *self, GError **error)
{
  gint64 version = 0;
  if (!read_number (self, "PRAGMA user_version", &version, error))
    return FALSE;
  if (version == SCHEMA_VERSION)
    return TRUE;
  if (version != 0)
    {
      g_set_error (error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE,
                   "journal %s is of version %" G_GINT64_FORMAT ", not %d: made by another Elves",
                   self->path, version, SCHEMA_VERSION);
      return FALSE;
    }
  g_autofree char *text =
      g_strdup_printf ("BEGIN; %s PRAGMA user_version = %d; COMMIT;", schema, SCHEMA_VERSION);
  return exec (self, text, error);
}

static gboolean
set_up (ElvesJournalStore *self, const ElvesJournalSettings *settings, GError **error)
{
  sqlite3_busy_timeout (self->db, BUSY_MS);
  if (!exec (self,
             "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;"
             "PRAGMA synchronous = FULL; PRAGMA cache_size = -1024; PRAGMA temp_store = MEMORY;"
             "PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 33554432;"
             "PRAGMA cell_size_check = ON;",
             error) ||
      !make_schema (self, error) ||
      !read_number (self, "PRAGMA page_size", &self->page_bytes, error))
    return FALSE;
  g_autofree char *limit = g_strdup_printf ("PRAGMA max_page_count = %u", settings->max_pages);
  if (settings->max_pages > 0 && !exec (self, limit, error))
    return FALSE;
  for (guint i = 0; i < ELVES_N_SQL; i++)
    if (sqlite3_prepare_v3 (self->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &self->statements[i],
                            NULL) != SQLITE_OK)
      return elves_journal_set_error (self, "cannot be used", error);
  return TRUE;
}

/**
 * elves_journal_store_open:
 * @settings: where it is, and its limits
 *
 * Makes folder and file if there are none. Blocks.
 *
 * Returns: (transfer full): the store, which no other process uses
 * Errors: %ELVES_ERROR_UNAVAILABLE: locked, not readable, no journal, of another version
 */
ElvesJournalStore *
elves_journal_store_open (const ElvesJournalSettings *settings, GError **error)
{
  g_autoptr (ElvesJournalStore) self = g_new0 (ElvesJournalStore, 1);
  sqlite3_config (SQLITE_CONFIG_MEMSTATUS, 0); /* else each allocation takes a lock to be counted */
  self->lock_fd = -1;
  self->path = g_build_filename (settings->folder, "journal.sqlite", NULL);
  self->max_age_ms = (gint64) settings->max_age_s * 1000;
  self->max_bytes = MIN (settings->max_bytes, G_MAXINT64);
  if (!lock_folder (self, settings, error))
    return NULL;
  /* SQLite makes it with the mask of the process: results are nobody else's business. */
  mode_t mask = umask (0077);
  int status =
      sqlite3_open_v2 (self->path, &self->db,
                       SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
  gboolean opened = status == SQLITE_OK ? set_up (self, settings, error)
                                        : elves_journal_set_error (self, "cannot be opened", error);
  umask (mask);
  return opened ? g_steal_pointer (&self) : NULL;
}

/**
 * elves_journal_store_close:
 * @self: (nullable): a store
 */
void
elves_journal_store_close (ElvesJournalStore *self)
{
  if (self == NULL)
    return;
  for (guint i = 0; i < ELVES_N_SQL; i++)
    sqlite3_finalize (self->statements[i]);
  sqlite3_close (self->db);
  if (self->lock_fd >= 0)
    close (self->lock_fd);
  g_free (self->path);
  g_free (self);
}
