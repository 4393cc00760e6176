/* What store.c needs of a database. All of it on the store's thread; every function may block.
 *
 * A failure is one of two: the connection is lost (is_lost() says so), then the whole transaction
 * is run again after connect(); or the database refuses, which is the answer to the work. */
#pragma once

#include "common/store.h"

G_BEGIN_DECLS

typedef struct ElvesStoreBackend ElvesStoreBackend;

typedef struct
{
  const char *serial, *number, *bytes; /* $SERIAL, $INT, $BYTES in this dialect */
  const char *begin;
  const char *lock_schema; /* (nullable) run before the version of a schema is read */

  /* Nothing, if there is a connection. @out_committed: whether the transaction during whose commit
     the connection was lost did get through. */
  gboolean (*connect) (ElvesStoreBackend *self, gboolean *out_committed, GError **error);
  gboolean (*is_lost) (ElvesStoreBackend *self);
  gboolean (*is_taken) (ElvesStoreBackend *self); /* another process has it meanwhile */
  gboolean (*in_transaction) (ElvesStoreBackend *self);
  /* Statements without values or rows, separated by semicolons; not kept. */
  gboolean (*run) (ElvesStoreBackend *self, const char *sql, GError **error);
  gboolean (*commit) (ElvesStoreBackend *self, GError **error);
  ElvesStoreRows *(*query) (ElvesStoreBackend *self,
                            const char *sql,
                            const ElvesStoreValue *values,
                            GError **error);
  void (*free) (ElvesStoreBackend *self);
} ElvesStoreBackendClass;

struct ElvesStoreBackend
{
  const ElvesStoreBackendClass *class;
};

typedef struct
{
  gboolean (*next) (ElvesStoreRows *self, GError **error); /* FALSE without an error: no more */
  gint64 (*changed) (ElvesStoreRows *self);                /* after the last row */
  gboolean (*is_null) (ElvesStoreRows *self, guint column);
  const char *(*text) (ElvesStoreRows *self, guint column);
  gint64 (*number) (ElvesStoreRows *self, guint column);
  GBytes *(*bytes) (ElvesStoreRows *self, guint column);
  void (*free) (ElvesStoreRows *self);
} ElvesStoreRowsClass;

struct ElvesStoreRows
{
  const ElvesStoreRowsClass *class;
  ElvesStoreTx *tx;
  GError *error; /* (nullable) why no more rows come */
};

struct ElvesStoreTx
{
  ElvesStoreBackend *backend;
  gboolean failed; /* a statement did: the work cannot succeed any more */
};

/* Errors: ELVES_ERROR_UNAVAILABLE. */
ElvesStoreBackend *elves_store_sqlite_new (const ElvesStoreOptions *options, GError **error);
ElvesStoreBackend *elves_store_postgres_new (const ElvesStoreOptions *options, GError **error);

gboolean elves_store_schema_update (ElvesStoreTx *tx,
                                    const char *schema,
                                    const ElvesStoreMigration *migrations,
                                    GError **error);

/* ---- texts; pure ---------------------------------------------------------------------------- */

#define ELVES_STORE_SQLITE_SCHEME "sqlite:"

gboolean elves_store_url_is_postgres (const char *url);
char *elves_store_sql_in_dialect (const ElvesStoreBackendClass *dialect, const char *sql);
char *elves_store_sql_with_numbers (const char *sql); /* "?" outside of quotes becomes $1, $2 ... */
guint elves_store_values_count (const ElvesStoreValue *values); /* (nullable) */

G_END_DECLS
