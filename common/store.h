/* A database behind one small interface: SQLite (a file, nothing to set up) or PostgreSQL.
 *
 * A database blocks, so it has a thread of its own. The main loop submits works; each is run on
 * the thread, in the order of submission, all that wait together in one transaction (one fsync),
 * each behind a savepoint, so that one's failure does not undo the others. Done is said on the
 * loop, after the commit: without an error the disk has it.
 *
 * While PostgreSQL cannot be reached, works wait and are run again; nothing that was accepted is
 * dropped. What may wait is bounded (store.queue): beyond it a work fails with ELVES_ERROR_BUSY. A
 * work may therefore be run more than once, of which one run counts: what it leaves in memory it
 * must set anew each time. A full disk, or a database that refuses, fails the work.
 *
 * SQL is what both understand. Values are "?"; never part of the text. Every statement is prepared
 * once and kept, by its text: so texts are constants. ON CONFLICT, RETURNING, LIMIT and CAST work
 * in both. In the text of a migration $SERIAL is a 64-bit primary key that counts itself, $INT a
 * 64-bit number, $BYTES bytes. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct ElvesStore ElvesStore;
typedef struct ElvesStoreTx ElvesStoreTx;     /* the transaction that a work is part of */
typedef struct ElvesStoreRows ElvesStoreRows; /* what a query found, one row after the other */

/* ---- opening -------------------------------------------------------------------------------- */

typedef struct
{
  const char *url;    /* sqlite:/PATH or postgresql://... (libpq's connection URI); copied */
  const char *schema; /* the name of these tables, such as "queue": has its own version; copied */
  /* TRUE: one process at a time has it, another one cannot open it. SQLite is always so. */
  gboolean exclusive;
  guint queue_limit; /* store.queue: works waiting, at most */
  guint timeout_ms;  /* store.timeout: connecting; a statement; waiting for a lock */
  guint retry_first_ms, retry_cap_ms;
  guint max_pages; /* for tests: the disk is full then (SQLite); 0: none */
} ElvesStoreOptions;

/* A step from one version of the tables to the next; steps are run in order, each once, all that
   are missing in one transaction. A database of a newer version than the last step is refused. */
typedef struct
{
  const char *const *statements; /* NULL-terminated */
} ElvesStoreMigration;           /* a list ends with NULL statements; its n-th makes version n */

ElvesStore *elves_store_open (const ElvesStoreOptions *options,
                              const ElvesStoreMigration *migrations,
                              GError **error);
void elves_store_free (ElvesStore *self);
gboolean elves_store_url_check (const char *url, GError **error);

/* ---- works ---------------------------------------------------------------------------------- */

/* On the store's thread. FALSE, with an error: what it has written is undone, and the error is
   said to done. Must not keep @tx. */
typedef gboolean (*ElvesStoreWork) (ElvesStoreTx *tx, gpointer data, GError **error);

/* On the loop, never from inside elves_store_submit(), exactly once: after the commit, or with the
   reason why nothing of the work was kept. */
typedef void (*ElvesStoreDone) (gpointer data, const GError *error);

void elves_store_submit (ElvesStore *self,
                         ElvesStoreWork work,
                         ElvesStoreDone done,
                         gpointer data,
                         GDestroyNotify destroy);
gboolean elves_store_run (ElvesStore *self, ElvesStoreWork work, gpointer data, GError **error);
void elves_store_drain (ElvesStore *self, guint timeout_ms);

/* ---- statements, in a work ------------------------------------------------------------------ */

typedef enum
{
  ELVES_STORE_END, /* of a list of values */
  ELVES_STORE_NULL,
  ELVES_STORE_TEXT,
  ELVES_STORE_INT,
  ELVES_STORE_BYTES
} ElvesStoreKind;

typedef struct
{
  ElvesStoreKind kind;
  union
  {
    const char *text; /* (nullable): NULL */
    gint64 number;
    GBytes *bytes; /* (nullable): NULL */
  };
} ElvesStoreValue;

/* clang-format off */
#define ELVES_TEXT(value) ((ElvesStoreValue){ .kind = ELVES_STORE_TEXT, .text = (value) })
#define ELVES_INT(value) ((ElvesStoreValue){ .kind = ELVES_STORE_INT, .number = (value) })
#define ELVES_BYTES(value) ((ElvesStoreValue){ .kind = ELVES_STORE_BYTES, .bytes = (value) })
/* elves_store_tx_exec (tx, "UPDATE t SET a = ? WHERE id = ?", ELVES_VALUES (ELVES_INT (1),
   ELVES_TEXT (id)), NULL, error); without values: NULL instead. */
#define ELVES_VALUES(...) ((const ElvesStoreValue[]){ __VA_ARGS__, { .kind = ELVES_STORE_END } })
/* clang-format on */

/* @out_changed: (nullable) how many rows */
gboolean elves_store_tx_exec (ElvesStoreTx *tx,
                              const char *sql,
                              const ElvesStoreValue *values,
                              gint64 *out_changed,
                              GError **error);

/* (transfer full). All rows may be held in memory: page through long tables.

     g_autoptr (ElvesStoreRows) rows = elves_store_tx_query (tx, "SELECT ...", values, error);
     while (rows != NULL && elves_store_rows_next (rows))
       ... elves_store_rows_text (rows, 0) ...
     return elves_store_rows_end (rows, error);

   One query of a text at a time. */
ElvesStoreRows *elves_store_tx_query (ElvesStoreTx *tx,
                                      const char *sql,
                                      const ElvesStoreValue *values,
                                      GError **error);
gboolean elves_store_rows_next (ElvesStoreRows *self); /* FALSE: no more, or it failed */
/* Whether all rows were read; @self NULL: FALSE, and the error is set already. */
gboolean elves_store_rows_end (ElvesStoreRows *self, GError **error);
gboolean elves_store_rows_is_null (ElvesStoreRows *self, guint column);
const char *elves_store_rows_text (ElvesStoreRows *self, guint column); /* (nullable); until next */
gint64 elves_store_rows_int (ElvesStoreRows *self, guint column);       /* NULL: 0 */
GBytes *elves_store_rows_bytes (ElvesStoreRows *self, guint column); /* (transfer full)(nullable) */
void elves_store_rows_free (ElvesStoreRows *self);

/* ---- how it is ------------------------------------------------------------------------------ */

typedef struct
{
  guint waiting;       /* works submitted, not yet done */
  guint64 works;       /* done, with and without an error */
  guint64 commits;     /* transactions */
  guint64 failures;    /* works that failed by the database, and attempts to reach it that did */
  guint64 refused;     /* works refused because too many wait */
  gboolean is_failing; /* the last transaction failed, or PostgreSQL is out of reach */
  gboolean is_taken;   /* exclusive: another process has it since we lost it; end, and start anew */
} ElvesStoreFigures;

void elves_store_get_figures (ElvesStore *self, ElvesStoreFigures *out_figures);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesStore, elves_store_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesStoreRows, elves_store_rows_free)

G_END_DECLS
