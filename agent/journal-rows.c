/* Requests to the journal as statements, and rows as records. No transaction begins or ends here.
 *
 * An acceptance inserts a row unless there is one of that key, or looks first, in the same
 * transaction: so two calls with one key cannot both be new. */
#include "agent/journal-private.h"

#include "common/error.h"

#define REMEMBERED_ANYWAY_MS (3600 * 1000) /* taken executions, also when the journal is full */

static void
bind_text (sqlite3_stmt *statement, int index, const char *text)
{
  sqlite3_bind_text (statement, index, text, -1, SQLITE_STATIC);
}

static void
bind_bytes (sqlite3_stmt *statement, int index, GBytes *bytes)
{
  gsize length;
  const void *data = g_bytes_get_data (bytes, &length);
  sqlite3_bind_blob64 (statement, index, data != NULL ? data : "", length, SQLITE_STATIC);
}

static GBytes *
column_bytes (sqlite3_stmt *statement, int index)
{
  if (sqlite3_column_type (statement, index) == SQLITE_NULL)
    return NULL;
  const void *data = sqlite3_column_blob (statement, index);
  return g_bytes_new (data, sqlite3_column_bytes (statement, index));
}

static const char *
column_text (sqlite3_stmt *statement, int index)
{
  return (const char *) sqlite3_column_text (statement, index);
}

/* Takes one row at most. */
static gboolean
look (ElvesJournalStore *self, sqlite3_stmt *statement, ElvesJournalRequest *request)
{
  int status = sqlite3_step (statement);
  if (status == SQLITE_ROW)
    {
      request->known = TRUE;
      request->state = sqlite3_column_int (statement, 0);
      request->known_sync = sqlite3_column_int (statement, 1);
      request->known_key = g_strdup (column_text (statement, 2));
      request->known_origin = g_strdup (column_text (statement, 3));
    }
  else if (status != SQLITE_DONE)
    elves_journal_set_error (self, "reading failed", &request->error);
  sqlite3_reset (statement);
  sqlite3_clear_bindings (statement);
  return request->error == NULL;
}

static gboolean
find (ElvesJournalStore *self, ElvesJournalRequest *request)
{
  sqlite3_stmt *statement = elves_journal_sql (self, ELVES_SQL_FIND);
  bind_text (statement, 1, request->key);
  if (!look (self, statement, request))
    return FALSE;
  if (request->known || request->seen_within_s <= 0)
    return TRUE;
  statement = elves_journal_sql (self, ELVES_SQL_FIND_RECENT);
  bind_text (statement, 1, request->id);
  bind_text (statement, 2, request->type);
  sqlite3_bind_int64 (statement, 3, elves_journal_now_ms () - request->seen_within_s * 1000);
  return look (self, statement, request);
}

/* Forgets what was taken long ago, oldest first, until there is room. */
static gboolean
make_room (ElvesJournalStore *self, GError **error)
{
  gint64 before_ms = elves_journal_now_ms () - MIN (self->max_age_ms, REMEMBERED_ANYWAY_MS);
  while (elves_journal_used_bytes (self) >= self->max_bytes)
    if (elves_journal_expire (self, before_ms) <= 0)
      {
        g_set_error (error, ELVES_ERROR, ELVES_ERROR_BUSY,
                     "the journal is full (journal.maxBytes %" G_GINT64_FORMAT ")",
                     self->max_bytes);
        return FALSE;
      }
  return TRUE;
}

/* Looking costs as much as writing a row, so that it is not done for each. */
static gboolean
take_room (ElvesJournalStore *self, ElvesJournalRequest *request)
{
  gint64 bytes = self->page_bytes + (gint64) g_bytes_get_size (request->body);
  self->room_bytes -= bytes;
  if (self->room_bytes > 0)
    return TRUE;
  if (!make_room (self, &request->error))
    return FALSE;
  self->room_bytes = self->max_bytes - elves_journal_used_bytes (self) - bytes;
  return TRUE;
}

static gboolean
insert (ElvesJournalStore *self, ElvesJournalRequest *request)
{
  sqlite3_stmt *statement = elves_journal_sql (self, ELVES_SQL_INSERT);
  bind_text (statement, 1, request->key);
  bind_text (statement, 2, request->id);
  bind_text (statement, 3, request->type);
  sqlite3_bind_int (statement, 4, request->sync);
  bind_text (statement, 5, request->origin);
  sqlite3_bind_int64 (statement, 6, elves_journal_now_ms ());
  bind_bytes (statement, 7, request->body);
  return elves_journal_step (self, statement, &request->error);
}

/* @what: a row of this key in the right state must be there */
static gboolean
change (ElvesJournalStore *self, ElvesJournalRequest *request, sqlite3_stmt *statement)
{
  if (!elves_journal_step (self, statement, &request->error))
    return FALSE;
  if (sqlite3_changes (self->db) == 0 && request->verb == ELVES_JOURNAL_START)
    g_set_error (&request->error, ELVES_ERROR, ELVES_ERROR_NOT_FOUND,
                 "no execution %s waits to be started", request->key);
  return TRUE;
}

static gboolean
start (ElvesJournalStore *self, ElvesJournalRequest *request)
{
  sqlite3_stmt *statement = elves_journal_sql (self, ELVES_SQL_START);
  bind_text (statement, 1, request->key);
  sqlite3_bind_int64 (statement, 2, elves_journal_now_ms ());
  bind_text (statement, 3, request->boot);
  bind_text (statement, 4, request->tracking);
  bind_text (statement, 5, request->cgroup);
  return change (self, request, statement);
}

static gboolean
accept (ElvesJournalStore *self, ElvesJournalRequest *request)
{
  gboolean has_room = take_room (self, request);
  if (!has_room || request->seen_within_s > 0)
    {
      g_autoptr (GError) full = g_steal_pointer (&request->error);
      if (!find (self, request))
        return FALSE;
      if (!request->known)
        request->error = g_steal_pointer (&full);
      if (request->known || !has_room)
        return TRUE; /* refused, which is no failure of the database */
    }
  if (!insert (self, request))
    return FALSE;
  if (sqlite3_changes (self->db) == 0)
    return find (self, request);
  return request->boot == NULL || start (self, request);
}

static gboolean
set_leader (ElvesJournalStore *self, ElvesJournalRequest *request)
{
  sqlite3_stmt *statement = elves_journal_sql (self, ELVES_SQL_LEADER);
  bind_text (statement, 1, request->key);
  sqlite3_bind_int64 (statement, 2, request->pid);
  sqlite3_bind_int64 (statement, 3, request->pid_start);
  return change (self, request, statement);
}

static gboolean
finish (ElvesJournalStore *self, ElvesJournalRequest *request)
{
  sqlite3_stmt *statement = elves_journal_sql (self, ELVES_SQL_FINISH);
  bind_text (statement, 1, request->key);
  sqlite3_bind_int64 (statement, 2, elves_journal_now_ms ());
  bind_bytes (statement, 3, request->body);
  return change (self, request, statement);
}

static gboolean
take (ElvesJournalStore *self, ElvesJournalRequest *request)
{
  sqlite3_stmt *statement = elves_journal_sql (self, ELVES_SQL_TAKE);
  bind_text (statement, 1, request->key);
  sqlite3_bind_int64 (statement, 2, elves_journal_now_ms ());
  return change (self, request, statement);
}

static gboolean
set_aside (ElvesJournalStore *self, ElvesJournalRequest *request)
{
  sqlite3_stmt *statement = elves_journal_sql (self, ELVES_SQL_SET_ASIDE);
  bind_text (statement, 1, request->key);
  sqlite3_bind_int64 (statement, 2, elves_journal_now_ms ());
  return change (self, request, statement);
}

static gboolean
set_origin (ElvesJournalStore *self, ElvesJournalRequest *request)
{
  sqlite3_stmt *statement = elves_journal_sql (self, ELVES_SQL_ORIGIN);
  bind_text (statement, 1, request->key);
  bind_text (statement, 2, request->origin);
  return change (self, request, statement);
}

static gboolean
forget (ElvesJournalStore *self, ElvesJournalRequest *request)
{
  sqlite3_stmt *statement = elves_journal_sql (self, ELVES_SQL_FORGET);
  bind_text (statement, 1, request->key);
  return change (self, request, statement);
}

static gboolean
read_result (ElvesJournalStore *self, ElvesJournalRequest *request)
{
  sqlite3_stmt *statement = elves_journal_sql (self, ELVES_SQL_READ);
  bind_text (statement, 1, request->key);
  g_clear_pointer (&request->body, g_bytes_unref);
  int status = sqlite3_step (statement);
  if (status == SQLITE_ROW)
    request->body = column_bytes (statement, 0);
  else if (status != SQLITE_DONE)
    elves_journal_set_error (self, "reading failed", &request->error);
  sqlite3_reset (statement);
  return request->error == NULL;
}

gboolean
elves_journal_apply (ElvesJournalStore *self, ElvesJournalRequest *request)
{
  static gboolean (*const verbs[]) (ElvesJournalStore *, ElvesJournalRequest *) = {
    [ELVES_JOURNAL_ACCEPT] = accept,       [ELVES_JOURNAL_FIND] = find,
    [ELVES_JOURNAL_START] = start,         [ELVES_JOURNAL_LEADER] = set_leader,
    [ELVES_JOURNAL_FINISH] = finish,       [ELVES_JOURNAL_TAKE] = take,
    [ELVES_JOURNAL_SET_ASIDE] = set_aside, [ELVES_JOURNAL_ORIGIN] = set_origin,
    [ELVES_JOURNAL_FORGET] = forget,       [ELVES_JOURNAL_READ] = read_result,
  };
  return verbs[request->verb](self, request);
}

/**
 * elves_journal_store_restore:
 * @self: a store
 * @restored: told of every execution that has not been taken, in the order of acceptance
 * @user_data: for @restored
 *
 * Errors: %ELVES_ERROR_UNAVAILABLE: the file is damaged, or cannot be read
 */
gboolean
elves_journal_store_restore (ElvesJournalStore *self,
                             ElvesJournalRestoredFunc restored,
                             gpointer user_data,
                             GError **error)
{
  sqlite3_stmt *row = elves_journal_sql (self, ELVES_SQL_RESTORE);
  int status;
  while ((status = sqlite3_step (row)) == SQLITE_ROW)
    {
      g_autoptr (GBytes) instruct = column_bytes (row, 5);
      ElvesJournalRecord record = {
        .key = column_text (row, 0),
        .state = sqlite3_column_int (row, 1),
        .sync = sqlite3_column_int (row, 2),
        .id = column_text (row, 3),
        .origin = column_text (row, 4),
        .instruct = instruct,
        .boot = column_text (row, 6),
        .tracking = column_text (row, 7),
        .cgroup = column_text (row, 8),
        .pid = sqlite3_column_int64 (row, 9),
        .pid_start = sqlite3_column_int64 (row, 10),
      };
      restored (&record, user_data);
    }
  gboolean done = status == SQLITE_DONE;
  if (!done)
    elves_journal_set_error (self, "reading failed", error);
  sqlite3_reset (row);
  return done;
}
