/* What the thread of the journal does with its file: transactions, and some housekeeping.
 *
 * Promises: elves_journal_store_run() is one transaction, on the disk when it returns TRUE
 * (synchronous=FULL, see journal-open.c). When it fails, nothing that was written before is lost,
 * and each request says what kept it from being done. */
#include "agent/journal-private.h"

#include "common/crash-point.h"
#include "common/error.h"

#define EXPIRED_AT_ONCE 500

gint64
elves_journal_now_ms (void)
{
  return g_get_real_time () / 1000;
}

gboolean
elves_journal_set_error (ElvesJournalStore *self, const char *what, GError **error)
{
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE, "journal %s: %s: %s", self->path, what,
               sqlite3_errmsg (self->db));
  return FALSE;
}

sqlite3_stmt *
elves_journal_sql (ElvesJournalStore *self, ElvesSql which)
{
  sqlite3_reset (self->statements[which]);
  sqlite3_clear_bindings (self->statements[which]);
  return self->statements[which];
}

gboolean
elves_journal_step (ElvesJournalStore *self, sqlite3_stmt *statement, GError **error)
{
  int status;
  while ((status = sqlite3_step (statement)) == SQLITE_ROW)
    ;
  gboolean done = status == SQLITE_DONE;
  if (!done)
    elves_journal_set_error (self, "writing failed", error);
  sqlite3_reset (statement);
  sqlite3_clear_bindings (statement); /* what they point to may go now */
  return done;
}

static gboolean
run_one (ElvesJournalStore *self, ElvesSql which, GError **error)
{
  return elves_journal_step (self, elves_journal_sql (self, which), error);
}

/* ---- housekeeping --------------------------------------------------------------------------- */

static gint64
count_pages (ElvesJournalStore *self, ElvesSql which)
{
  sqlite3_stmt *statement = elves_journal_sql (self, which);
  gint64 count = sqlite3_step (statement) == SQLITE_ROW ? sqlite3_column_int64 (statement, 0) : 0;
  sqlite3_reset (statement);
  return count;
}

gint64
elves_journal_used_bytes (ElvesJournalStore *self)
{
  return (count_pages (self, ELVES_SQL_PAGES) - count_pages (self, ELVES_SQL_FREE_PAGES)) *
         self->page_bytes;
}

/**
 * elves_journal_store_measure:
 * @self: a store
 * @out_bytes: what it uses of the disk
 * @out_records: executions from the oldest to the newest; some between them may be gone, because
 * counting them would read them all
 */
void
elves_journal_store_measure (ElvesJournalStore *self, guint64 *out_bytes, guint64 *out_records)
{
  sqlite3_stmt *statement = elves_journal_sql (self, ELVES_SQL_SPAN);
  gboolean some =
      sqlite3_step (statement) == SQLITE_ROW && sqlite3_column_type (statement, 0) != SQLITE_NULL;
  *out_records = some ? sqlite3_column_int64 (statement, 0) + 1 : 0;
  sqlite3_reset (statement);
  *out_bytes = elves_journal_used_bytes (self);
}

int
elves_journal_expire (ElvesJournalStore *self, gint64 before_ms)
{
  sqlite3_stmt *statement = elves_journal_sql (self, ELVES_SQL_EXPIRE);
  sqlite3_bind_int64 (statement, 1, before_ms);
  sqlite3_bind_int64 (statement, 2, EXPIRED_AT_ONCE);
  if (!elves_journal_step (self, statement, NULL))
    return -1;
  return sqlite3_changes (self->db);
}

/**
 * elves_journal_store_tidy:
 * @self: a store
 *
 * Forgets some of what is older than the settings say, and gives some free pages back: called again
 * and again, so that no call takes long. What fails now is done another time.
 */
void
elves_journal_store_tidy (ElvesJournalStore *self)
{
  gint64 before_ms = elves_journal_now_ms () - self->max_age_ms;
  elves_journal_expire (self, before_ms);
  sqlite3_stmt *aside = elves_journal_sql (self, ELVES_SQL_EXPIRE_ASIDE);
  sqlite3_bind_int64 (aside, 1, before_ms);
  elves_journal_step (self, aside, NULL);
  run_one (self, ELVES_SQL_VACUUM, NULL);
}

/* ---- transactions --------------------------------------------------------------------------- */

static void
roll_back (ElvesJournalStore *self)
{
  /* Some failures have rolled back already. */
  if (!sqlite3_get_autocommit (self->db))
    run_one (self, ELVES_SQL_ROLLBACK, NULL);
}

static void
clear_answer (ElvesJournalRequest *request)
{
  g_clear_error (&request->error);
  g_clear_pointer (&request->known_key, g_free);
  g_clear_pointer (&request->known_origin, g_free);
  request->known = FALSE;
}

static gboolean
run_together (ElvesJournalStore *self,
              ElvesJournalRequest *const *requests,
              guint n,
              GError **error)
{
  if (!run_one (self, ELVES_SQL_BEGIN, error))
    return FALSE;
  self->room_bytes = 0;
  gboolean applied = TRUE;
  for (guint i = 0; i < n && applied; i++)
    {
      clear_answer (requests[i]);
      applied = elves_journal_apply (self, requests[i]);
      if (!applied)
        g_propagate_error (error, g_error_copy (requests[i]->error));
    }
  if (applied)
    ELVES_CRASH_POINT ("before-fsync");
  if (applied && run_one (self, ELVES_SQL_COMMIT, error))
    return TRUE;
  roll_back (self);
  return FALSE;
}

static gboolean
run_alone (ElvesJournalStore *self, ElvesJournalRequest *request)
{
  g_autoptr (GError) error = NULL;
  if (run_together (self, &request, 1, &error))
    return TRUE;
  clear_answer (request);
  request->error = g_steal_pointer (&error);
  return FALSE;
}

/**
 * elves_journal_store_run:
 * @self: a store
 * @requests: what to do; each holds its answer afterwards
 * @n: how many
 *
 * One transaction; if that fails, one for each, outcomes before new jobs: what was accepted comes
 * first on a disk that fills up.
 *
 * Returns: whether all was done; else the errors are with the requests
 */
gboolean
elves_journal_store_run (ElvesJournalStore *self, ElvesJournalRequest *const *requests, guint n)
{
  g_autoptr (GError) error = NULL;
  if (run_together (self, requests, n, &error))
    return TRUE;
  gboolean all = TRUE;
  for (guint i = 0; i < n; i++)
    if (requests[i]->verb != ELVES_JOURNAL_ACCEPT)
      all = run_alone (self, requests[i]) && all;
  for (guint i = 0; i < n; i++)
    if (requests[i]->verb == ELVES_JOURNAL_ACCEPT)
      all = run_alone (self, requests[i]) && all;
  return all;
}
