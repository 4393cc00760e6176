/* One connection to PostgreSQL, each wait of which has a limit. What store-postgres.c and
   store-postgres-rows.c share. */
#pragma once

#include "common/store-backend.h"

#include <libpq-fe.h>

G_BEGIN_DECLS

typedef struct
{
  ElvesStoreBackend base;
  char *url, *schema;
  char *name; /* of the database, for messages: without a password */
  gboolean exclusive;
  guint timeout_ms;
  PGconn *connection;     /* (nullable) none: lost */
  GHashTable *statements; /* text -> name, of this connection */
  char *xid;              /* (nullable) a transaction whose commit was sent and not answered */
  char *pid, *started;    /* (nullable) the last connection, as the server knows it */
  guint lock_refusals;    /* one after the other: another process has the database */
} ElvesStorePostgres;

/* Sends what @send has handed to libpq, and takes the last result. NULL: an error is set. */
PGresult *elves_store_postgres_wait (ElvesStorePostgres *self, gboolean sent, GError **error);
void elves_store_postgres_lose (ElvesStorePostgres *self);
ElvesStoreRows *elves_store_postgres_query (ElvesStoreBackend *base,
                                            const char *sql,
                                            const ElvesStoreValue *values,
                                            GError **error);

G_END_DECLS
