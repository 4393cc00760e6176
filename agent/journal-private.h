/* What the parts of the journal's store share: journal-open.c, -store.c, -rows.c. */
#pragma once

#include "agent/journal-store.h"

#include <sqlite3.h>

G_BEGIN_DECLS

typedef enum
{
  ELVES_SQL_BEGIN,
  ELVES_SQL_COMMIT,
  ELVES_SQL_ROLLBACK,
  ELVES_SQL_PAGES,
  ELVES_SQL_FREE_PAGES,
  ELVES_SQL_INSERT,
  ELVES_SQL_FIND,
  ELVES_SQL_FIND_RECENT,
  ELVES_SQL_START,
  ELVES_SQL_LEADER,
  ELVES_SQL_FINISH,
  ELVES_SQL_TAKE,
  ELVES_SQL_SET_ASIDE,
  ELVES_SQL_ORIGIN,
  ELVES_SQL_FORGET,
  ELVES_SQL_READ,
  ELVES_SQL_RESTORE,
  ELVES_SQL_EXPIRE,
  ELVES_SQL_EXPIRE_ASIDE,
  ELVES_SQL_VACUUM,
  ELVES_SQL_SPAN,
  ELVES_N_SQL
} ElvesSql;

struct ElvesJournalStore
{
  sqlite3 *db;
  sqlite3_stmt *statements[ELVES_N_SQL];
  int lock_fd;
  char *path;
  gint64 max_age_ms;
  gint64 max_bytes, page_bytes;
  gint64 room_bytes; /* as it was last looked, less what was accepted since, in this transaction */
};

/* The statement, unbound. */
sqlite3_stmt *elves_journal_sql (ElvesJournalStore *self, ElvesSql which);
/* Steps a statement that gives no rows, and resets it. */
gboolean elves_journal_step (ElvesJournalStore *self, sqlite3_stmt *statement, GError **error);
gboolean elves_journal_set_error (ElvesJournalStore *self, const char *what, GError **error);
gint64 elves_journal_now_ms (void);
/* Old executions that were taken, at most some; how many. -1: the database failed. */
int elves_journal_expire (ElvesJournalStore *self, gint64 before_ms);
gint64 elves_journal_used_bytes (ElvesJournalStore *self);

/* FALSE: the transaction has failed; request->error says why. */
gboolean elves_journal_apply (ElvesJournalStore *self, ElvesJournalRequest *request);

G_END_DECLS
