/* PostgreSQL for the store: connecting, the lock of an exclusive one, and commits whose answer is
   lost.
 *
 * When the connection breaks while a commit is under way, nobody knows whether it took place. So
 * the number of the transaction is asked before, and after reconnecting the server says what became
 * of it (pg_xact_status). What the server still holds of our last connection is ended first.
 *
 * The exclusive lock is one of the session (pg_try_advisory_lock): it goes with the connection, and
 * a process that finds it taken after reconnecting has been replaced. Both need a server, or a pool
 * in front of it, that gives a client one session. */
#include "common/store-postgres.h"

#include "common/error.h"

#include <string.h>

#define TAKEN_AFTER 5 /* refusals: the server needs a moment to end our last session */

/* A query of one row and one column, not kept. (transfer full) (nullable): NULL is also SQL's. */
static char *
ask (ElvesStorePostgres *self, const char *sql, const char *value, GError **error)
{
  g_autoptr (GError) failure = NULL;
  const char *values[] = { value };
  gboolean sent =
      PQsendQueryParams (self->connection, sql, value != NULL ? 1 : 0, NULL, values, NULL, NULL, 0);
  PGresult *result = elves_store_postgres_wait (self, sent, &failure);
  char *answer = NULL;
  if (result != NULL && PQntuples (result) > 0 && !PQgetisnull (result, 0, 0))
    answer = g_strdup (PQgetvalue (result, 0, 0));
  PQclear (result);
  if (failure != NULL)
    g_propagate_error (error, g_steal_pointer (&failure));
  return answer;
}

static gboolean
run (ElvesStoreBackend *base, const char *sql, GError **error)
{
  ElvesStorePostgres *self = (ElvesStorePostgres *) base;
  PGresult *result = elves_store_postgres_wait (self, PQsendQuery (self->connection, sql), error);
  PQclear (result);
  return result != NULL;
}

/* ---- connecting ----------------------------------------------------------------------------- */

static gboolean
open_connection (ElvesStorePostgres *self, GError **error)
{
  g_autofree char *limit = g_strdup_printf ("%u", MAX (2, (self->timeout_ms + 999) / 1000));
  g_autofree char *unanswered = g_strdup_printf ("%u", self->timeout_ms);
  const char *keys[] = { "application_name", "dbname",          "connect_timeout",
                         "tcp_user_timeout", "client_encoding", NULL };
  const char *values[] = { "elves", self->url, limit, unanswered, "UTF8", NULL };
  self->connection = PQconnectdbParams (keys, values, 1);
  if (PQstatus (self->connection) == CONNECTION_OK && PQsetnonblocking (self->connection, 1) == 0)
    return TRUE;
  g_autofree char *why = g_strstrip (g_strdup (PQerrorMessage (self->connection)));
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE, "store: %s", why);
  elves_store_postgres_lose (self);
  return FALSE;
}

static gboolean
prepare_session (ElvesStorePostgres *self, GError **error)
{
  g_autofree char *sql =
      g_strdup_printf ("SET statement_timeout = %u; SET lock_timeout = %u;"
                       "SET idle_in_transaction_session_timeout = %u;"
                       "SET client_min_messages = warning; SET standard_conforming_strings = on;"
                       /* Statements are planned once, and often when their tables are empty: a scan
                          of the whole table seems best then, and is kept while it grows. */
                       "SET enable_seqscan = off;"
                       /* What is said to be done is on the disk, whatever the default here. */
                       "SELECT set_config ('synchronous_commit', 'on', false)"
                       " WHERE current_setting ('synchronous_commit') = 'off'",
                       self->timeout_ms, self->timeout_ms, self->timeout_ms * 2);
  g_free (self->name);
  self->name = g_strdup_printf ("postgresql://%s:%s/%s", PQhost (self->connection),
                                PQport (self->connection), PQdb (self->connection));
  return run (&self->base, sql, error);
}

/* The server may not have noticed yet that we have left. */
static gboolean
end_last_session (ElvesStorePostgres *self, GError **error)
{
  if (self->pid == NULL)
    return TRUE;
  g_autoptr (GError) failure = NULL;
  g_autofree char *which = g_strdup_printf ("%s %s", self->pid, self->started);
  g_free (ask (self,
               "SELECT pg_terminate_backend (pid) FROM pg_stat_activity"
               " WHERE pid::text || ' ' || backend_start::text = $1::text",
               which, &failure));
  if (failure != NULL)
    g_propagate_error (error, g_steal_pointer (&failure));
  return self->connection != NULL && (error == NULL || *error == NULL);
}

static gboolean
take_lock (ElvesStorePostgres *self, GError **error)
{
  if (!self->exclusive)
    return TRUE;
  g_autoptr (GError) failure = NULL;
  g_autofree char *answer =
      ask (self, "SELECT pg_try_advisory_lock (hashtext ('elves ' || $1::text))", self->schema,
           &failure);
  if (g_strcmp0 (answer, "t") == 0)
    {
      self->lock_refusals = 0;
      return TRUE;
    }
  if (failure == NULL)
    {
      self->lock_refusals++;
      g_set_error (&failure, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE,
                   "store %s: another process uses the tables of %s", self->name, self->schema);
    }
  g_propagate_error (error, g_steal_pointer (&failure));
  return FALSE;
}

static gboolean
remember_session (ElvesStorePostgres *self, GError **error)
{
  g_autofree char *started = ask (self,
                                  "SELECT backend_start::text FROM pg_stat_activity"
                                  " WHERE pid = pg_backend_pid ()",
                                  NULL, error);
  if (self->connection == NULL)
    return FALSE;
  g_free (self->pid);
  g_free (self->started);
  self->pid = g_strdup_printf ("%d", PQbackendPID (self->connection));
  self->started = g_steal_pointer (&started);
  return TRUE;
}

static gboolean
resolve_commit (ElvesStorePostgres *self, gboolean *out_committed, GError **error)
{
  if (self->xid == NULL)
    return TRUE;
  g_autofree char *status = ask (self, "SELECT pg_xact_status ($1::text::xid8)", self->xid, error);
  if (g_strcmp0 (status, "committed") != 0 && g_strcmp0 (status, "aborted") != 0)
    {
      if (self->connection != NULL && (error == NULL || *error == NULL))
        g_set_error (error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE, "store %s: transaction %s is %s",
                     self->name, self->xid, status != NULL ? status : "not known");
      return FALSE;
    }
  *out_committed = g_str_equal (status, "committed");
  g_clear_pointer (&self->xid, g_free);
  return TRUE;
}

static gboolean
connect (ElvesStoreBackend *base, gboolean *out_committed, GError **error)
{
  ElvesStorePostgres *self = (ElvesStorePostgres *) base;
  *out_committed = FALSE;
  if (self->connection != NULL)
    return TRUE;
  gboolean connected = open_connection (self, error) && prepare_session (self, error) &&
                       end_last_session (self, error) && take_lock (self, error) &&
                       remember_session (self, error) &&
                       resolve_commit (self, out_committed, error);
  if (!connected)
    elves_store_postgres_lose (self);
  return connected;
}

/* ---- transactions --------------------------------------------------------------------------- */

static gboolean
commit (ElvesStoreBackend *base, GError **error)
{
  ElvesStorePostgres *self = (ElvesStorePostgres *) base;
  g_autofree char *xid = ask (self, "SELECT pg_current_xact_id_if_assigned ()", NULL, error);
  if (self->connection == NULL)
    return FALSE;
  gboolean committed = run (base, "COMMIT", error);
  gboolean in_doubt = !committed && self->connection == NULL;
  g_free (self->xid);
  self->xid = in_doubt ? g_steal_pointer (&xid) : NULL; /* none: nothing was written */
  return committed;
}

static gboolean
is_lost (ElvesStoreBackend *base)
{
  return ((ElvesStorePostgres *) base)->connection == NULL;
}

static gboolean
is_taken (ElvesStoreBackend *base)
{
  return ((ElvesStorePostgres *) base)->lock_refusals >= TAKEN_AFTER;
}

static gboolean
in_transaction (ElvesStoreBackend *base)
{
  PGTransactionStatusType status = PQtransactionStatus (((ElvesStorePostgres *) base)->connection);
  return status == PQTRANS_INTRANS || status == PQTRANS_INERROR;
}

/* ---- beginning and end ---------------------------------------------------------------------- */

static void
postgres_free (ElvesStoreBackend *base)
{
  ElvesStorePostgres *self = (ElvesStorePostgres *) base;
  elves_store_postgres_lose (self);
  g_hash_table_unref (self->statements);
  g_free (self->url);
  g_free (self->schema);
  g_free (self->name);
  g_free (self->xid);
  g_free (self->pid);
  g_free (self->started);
  g_free (self);
}

static const ElvesStoreBackendClass postgres_class = {
  .serial = "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
  .number = "BIGINT",
  .bytes = "BYTEA",
  .begin = "BEGIN",
  .lock_schema = "SELECT pg_advisory_xact_lock (hashtext ('elves_schema'))",
  .connect = connect,
  .is_lost = is_lost,
  .is_taken = is_taken,
  .in_transaction = in_transaction,
  .run = run,
  .commit = commit,
  .query = elves_store_postgres_query,
  .free = postgres_free,
};

/**
 * elves_store_postgres_new:
 * @options: where it is
 *
 * Returns: (transfer full): a database, connected
 * Errors: %ELVES_ERROR_UNAVAILABLE
 */
ElvesStoreBackend *
elves_store_postgres_new (const ElvesStoreOptions *options, GError **error)
{
  ElvesStorePostgres *self = g_new0 (ElvesStorePostgres, 1);
  gboolean committed;
  self->base.class = &postgres_class;
  self->url = g_strdup (options->url);
  self->schema = g_strdup (options->schema);
  self->name = g_strdup ("postgresql");
  self->exclusive = options->exclusive;
  self->timeout_ms = MAX (options->timeout_ms, 1000);
  self->statements = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  if (connect (&self->base, &committed, error))
    return &self->base;
  postgres_free (&self->base);
  return NULL;
}
