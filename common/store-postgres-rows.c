/* One statement to PostgreSQL and its rows. A server that does not answer within store.timeout is
   lost: the connection is given up, and the transaction is run again on another one. */
#include "common/store-postgres.h"

#include "common/error.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

typedef struct
{
  ElvesStoreRows base;
  PGresult *result;
  int row; /* -1 before the first */
} PostgresRows;

void
elves_store_postgres_lose (ElvesStorePostgres *self)
{
  g_clear_pointer (&self->connection, PQfinish);
  g_hash_table_remove_all (self->statements);
}

/* ---- waiting -------------------------------------------------------------------------------- */

static gboolean
lost (ElvesStorePostgres *self, const char *why, GError **error)
{
  g_autofree char *text = g_strstrip (g_strdup (why));
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE, "store %s: %s", self->name, text);
  elves_store_postgres_lose (self);
  return FALSE;
}

static gboolean
wait_for (ElvesStorePostgres *self, short events, gint64 until_us, GError **error)
{
  struct pollfd entry = { .fd = PQsocket (self->connection), .events = events };
  gint64 left_us = until_us - g_get_monotonic_time ();
  int status = left_us > 0 ? poll (&entry, 1, left_us / 1000 + 1) : 0;
  if (status > 0 || (status < 0 && errno == EINTR))
    return TRUE;
  return lost (self, "no answer within store.timeout", error);
}

static gboolean
flush (ElvesStorePostgres *self, gint64 until_us, GError **error)
{
  int status;
  while ((status = PQflush (self->connection)) == 1)
    {
      if (!wait_for (self, POLLIN | POLLOUT, until_us, error))
        return FALSE;
      if (PQconsumeInput (self->connection) == 0)
        return lost (self, PQerrorMessage (self->connection), error);
    }
  return status == 0 ? TRUE : lost (self, PQerrorMessage (self->connection), error);
}

static gboolean
wait_for_result (ElvesStorePostgres *self, gint64 until_us, GError **error)
{
  while (PQisBusy (self->connection))
    {
      if (!wait_for (self, POLLIN, until_us, error))
        return FALSE;
      if (PQconsumeInput (self->connection) == 0)
        return lost (self, PQerrorMessage (self->connection), error);
    }
  return TRUE;
}

/* The database refuses, or the connection is gone. */
static void
set_error (ElvesStorePostgres *self, PGresult *result, GError **error)
{
  const char *state = PQresultErrorField (result, PG_DIAG_SQLSTATE);
  const char *message = PQresultErrorField (result, PG_DIAG_MESSAGE_PRIMARY);
  if (state == NULL || PQstatus (self->connection) == CONNECTION_BAD)
    {
      lost (self, PQresultErrorMessage (result), error);
      return;
    }
  /* 57P: shutting down; 25006: it has become a standby; 40: deadlock, or serialization. */
  gboolean is_lost = g_str_has_prefix (state, "57P") || g_str_has_prefix (state, "40") ||
                     g_str_has_prefix (state, "08") || g_str_equal (state, "25006");
  if (is_lost)
    {
      lost (self, message, error);
      return;
    }
  /* 53: disk full, out of memory; 57, 55: cancelled, locked; 58: the system. */
  gboolean later = g_str_has_prefix (state, "5");
  g_set_error (error, ELVES_ERROR, later ? ELVES_ERROR_UNAVAILABLE : ELVES_ERROR_INTERNAL,
               "store %s: %s (%s)", self->name, message, state);
}

PGresult *
elves_store_postgres_wait (ElvesStorePostgres *self, gboolean sent, GError **error)
{
  /* The server cancels a statement at store.timeout; we give up a little later. */
  gint64 until_us = g_get_monotonic_time () + (gint64) self->timeout_ms * 1500;
  if (!sent)
    {
      lost (self, PQerrorMessage (self->connection), error);
      return NULL;
    }
  PGresult *last = NULL, *result;
  if (!flush (self, until_us, error))
    return NULL;
  while (wait_for_result (self, until_us, error) &&
         (result = PQgetResult (self->connection)) != NULL)
    {
      /* Of several statements the first that fails is the last that is run. */
      PQclear (last);
      last = result;
    }
  ExecStatusType status = PQresultStatus (last); /* of NULL: PGRES_FATAL_ERROR */
  if (self->connection != NULL && (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK))
    return last;
  if (self->connection != NULL && last != NULL)
    set_error (self, last, error);
  else if (self->connection != NULL)
    lost (self, PQerrorMessage (self->connection), error);
  PQclear (last);
  return NULL;
}

/* ---- rows ----------------------------------------------------------------------------------- */

static gboolean
rows_next (ElvesStoreRows *rows, GError **error)
{
  PostgresRows *self = (PostgresRows *) rows;
  if (self->row < PQntuples (self->result))
    self->row++;
  return self->row < PQntuples (self->result);
}

static gint64
rows_changed (ElvesStoreRows *rows)
{
  return g_ascii_strtoll (PQcmdTuples (((PostgresRows *) rows)->result), NULL, 10);
}

static gboolean
rows_is_null (ElvesStoreRows *rows, guint column)
{
  PostgresRows *self = (PostgresRows *) rows;
  return PQgetisnull (self->result, self->row, column);
}

static const char *
rows_text (ElvesStoreRows *rows, guint column)
{
  PostgresRows *self = (PostgresRows *) rows;
  return PQgetvalue (self->result, self->row, column);
}

static gint64
rows_number (ElvesStoreRows *rows, guint column)
{
  return g_ascii_strtoll (rows_text (rows, column), NULL, 10);
}

static GBytes *
rows_bytes (ElvesStoreRows *rows, guint column)
{
  size_t length = 0;
  unsigned char *data = PQunescapeBytea ((const unsigned char *) rows_text (rows, column), &length);
  GBytes *bytes = g_bytes_new (data, length);
  PQfreemem (data);
  return bytes;
}

static void
rows_free (ElvesStoreRows *rows)
{
  PQclear (((PostgresRows *) rows)->result);
  g_free (rows);
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

static const char *
prepare (ElvesStorePostgres *self, const char *sql, GError **error)
{
  const char *known = g_hash_table_lookup (self->statements, sql);
  if (known != NULL)
    return known;
  char *name = g_strdup_printf ("s%u", g_hash_table_size (self->statements));
  g_autofree char *text = elves_store_sql_with_numbers (sql);
  PGresult *result = elves_store_postgres_wait (
      self, PQsendPrepare (self->connection, name, text, 0, NULL), error);
  if (result == NULL)
    {
      g_prefix_error (error, "%s: ", sql);
      g_free (name);
      return NULL;
    }
  PQclear (result);
  g_hash_table_insert (self->statements, g_strdup (sql), name);
  return name;
}

enum
{
  MAX_VALUES = 300,
  NUMBER_BYTES = 24
};

typedef struct
{
  const char *values[MAX_VALUES];
  int lengths[MAX_VALUES], formats[MAX_VALUES];
  char numbers[MAX_VALUES][NUMBER_BYTES];
} Parameters;

static void
set_parameter (Parameters *self, guint i, const ElvesStoreValue *value)
{
  gsize length = 0;
  self->values[i] = NULL;
  self->lengths[i] = 0;
  self->formats[i] = 0;
  if (value->kind == ELVES_STORE_TEXT)
    self->values[i] = value->text;
  else if (value->kind == ELVES_STORE_INT)
    {
      g_snprintf (self->numbers[i], NUMBER_BYTES, "%" G_GINT64_FORMAT, value->number);
      self->values[i] = self->numbers[i];
    }
  else if (value->kind == ELVES_STORE_BYTES && value->bytes != NULL)
    {
      self->values[i] = g_bytes_get_data (value->bytes, &length);
      if (self->values[i] == NULL)
        self->values[i] = "";
      self->lengths[i] = (int) MIN (length, G_MAXINT);
      self->formats[i] = 1;
    }
}

ElvesStoreRows *
elves_store_postgres_query (ElvesStoreBackend *base,
                            const char *sql,
                            const ElvesStoreValue *values,
                            GError **error)
{
  ElvesStorePostgres *self = (ElvesStorePostgres *) base;
  Parameters parameters;
  guint n = elves_store_values_count (values);
  g_return_val_if_fail (n <= MAX_VALUES, NULL);
  const char *name = prepare (self, sql, error);
  if (name == NULL)
    return NULL;
  for (guint i = 0; i < n; i++)
    set_parameter (&parameters, i, &values[i]);
  gboolean sent = PQsendQueryPrepared (self->connection, name, n, parameters.values,
                                       parameters.lengths, parameters.formats, 0);
  PGresult *result = elves_store_postgres_wait (self, sent, error);
  if (result == NULL)
    return NULL;
  PostgresRows *rows = g_new0 (PostgresRows, 1);
  rows->base.class = &rows_class;
  rows->result = result;
  rows->row = -1;
  return &rows->base;
}
