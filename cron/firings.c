/* Recording. A batch is written in chunks, because each statement costs a round trip to PostgreSQL:
 * one reads what the chunk's tasks fire, one inserts the instants, one moves the tasks on. A chunk
 * that is not full is filled with NULLs for the first, and written one by one otherwise.
 *
 * What an insert finds written already is no shot: it was decided before. */
#include "cron/firings.h"

#include "cron/life.h"
#include "cron/metrics.h"

#include <string.h>

enum
{
  CHUNK = 50,
  N_COLUMNS = 6
};

#define FIVE(text) text ", " text ", " text ", " text ", " text
#define FIFTY(text)                                                                                \
  FIVE (text)                                                                                      \
  ", " FIVE (text) ", " FIVE (text) ", " FIVE (text) ", " FIVE (text) ", " FIVE (text) ", " FIVE ( \
      text) ", " FIVE (text) ", " FIVE (text) ", " FIVE (text)

#define ONE_ROW "(?, ?, ?, ?, ?, ?)"
#define INSERT \
  "INSERT INTO cron_firing (schedule, planned_us, until_us, state, decided_us, token) VALUES "
#define INSERT_END " ON CONFLICT DO NOTHING RETURNING schedule, planned_us"

void
elves_cron_shot_free (ElvesCronShot *self)
{
  if (self == NULL)
    return;
  elves_cron_plan_free (self->plan);
  g_free (self->token);
  g_free (self);
}

char *
elves_cron_key (const char *id, gint64 planned_us)
{
  return g_strdup_printf ("%s:%" G_GINT64_FORMAT, id, planned_us);
}

gboolean
elves_cron_key_rest_parse (const char *rest, gint64 *out_planned_us)
{
  guint64 number;
  if (!g_ascii_string_to_unsigned (rest, 10, 1, G_MAXINT64, &number, NULL))
    return FALSE;
  *out_planned_us = (gint64) number;
  return TRUE;
}

/* ---- record --------------------------------------------------------------------------------- */

typedef struct
{
  GArray *records;
  gint64 now_us;
  GPtrArray *shots;
  guint doubled; /* instants that were decided before */
  ElvesCronShotsFunc done;
  gpointer user_data;
} Recording;

/* Up to CHUNK records on their way into the store. */
typedef struct
{
  Recording *recording;
  ElvesStoreTx *tx;
  const ElvesCronRecord *records;
  guint n;
  char ids[CHUNK][ELVES_CRON_ID_SIZE];
  char tokens[CHUNK][ELVES_CRON_TOKEN_SIZE]; /* "": none */
  gboolean written[CHUNK];
  GHashTable *plans; /* id -> ElvesCronPlan of what is started */
} Chunk;

static void
recording_free (gpointer data)
{
  Recording *self = data;
  g_array_unref (self->records);
  g_ptr_array_unref (self->shots);
  g_free (self);
}

static gboolean
read_plans (Chunk *chunk, GError **error)
{
  ElvesStoreValue values[CHUNK + 1] = { 0 };
  g_autoptr (ElvesStoreRows) rows = NULL;
  for (guint i = 0; i < CHUNK; i++)
    values[i] = ELVES_TEXT (i < chunk->n ? chunk->ids[i] : NULL);
  rows = elves_store_tx_query (chunk->tx,
                               "SELECT " ELVES_CRON_PLAN_COLUMNS
                               " FROM cron_schedule WHERE state = 1 AND id IN (" FIFTY ("?") ")",
                               values, error);
  while (rows != NULL && elves_store_rows_next (rows))
    {
      ElvesCronPlan *plan = elves_cron_plan_read (rows, 0);
      g_hash_table_insert (chunk->plans, plan->id, plan);
    }
  return elves_store_rows_end (rows, error);
}

static ElvesCronLife
life_of (ElvesCronVerdict verdict)
{
  switch (verdict)
    {
    case ELVES_CRON_FIRE:
      return ELVES_CRON_DECIDED;
    case ELVES_CRON_QUEUE:
      return ELVES_CRON_QUEUED;
    case ELVES_CRON_OVERLAPPED:
      return ELVES_CRON_PASSED_OVER;
    case ELVES_CRON_MISSED:
      break;
    }
  return ELVES_CRON_WAS_MISSED;
}

/* @token: (nullable) */
static void
add_shot (Chunk *chunk, guint i, const char *token)
{
  const ElvesCronPlan *plan = g_hash_table_lookup (chunk->plans, chunk->ids[i]);
  ElvesCronShot *shot;
  if (chunk->records[i].decision.verdict != ELVES_CRON_FIRE)
    return;
  shot = g_new0 (ElvesCronShot, 1);
  shot->id = chunk->records[i].id;
  shot->planned_us = chunk->records[i].decision.planned_us;
  shot->plan = elves_cron_plan_copy (plan);
  shot->token = g_strdup (token);
  g_ptr_array_add (chunk->recording->shots, shot);
}

static const char *
token_of (const Chunk *chunk, guint i)
{
  return *chunk->tokens[i] != '\0' ? chunk->tokens[i] : NULL;
}

static void
note_written (Chunk *chunk, const char *id, gint64 planned_us)
{
  for (guint i = 0; i < chunk->n; i++)
    if (chunk->records[i].decision.planned_us == planned_us && strcmp (chunk->ids[i], id) == 0)
      {
        chunk->written[i] = TRUE;
        add_shot (chunk, i, token_of (chunk, i));
        return;
      }
}

/* What the insert has written: of these, those that fire are shots. */
static gboolean
collect (Chunk *chunk, ElvesStoreRows *rows, GError **error)
{
  while (rows != NULL && elves_store_rows_next (rows))
    note_written (chunk, elves_store_rows_text (rows, 0), elves_store_rows_int (rows, 1));
  return elves_store_rows_end (rows, error);
}

/* What stands there already: written by this very work, if the connection was lost while it was
   committed and it is run again; else decided before, which is not done twice. */
static gboolean
look_at_first (Chunk *chunk, guint i, GError **error)
{
  gboolean is_ours = FALSE;
  g_autofree char *token = NULL;
  g_autoptr (ElvesStoreRows) rows = elves_store_tx_query (
      chunk->tx,
      "SELECT decided_us, token FROM cron_firing WHERE schedule = ? AND planned_us = ? AND state = "
      "1",
      ELVES_VALUES (ELVES_TEXT (chunk->ids[i]), ELVES_INT (chunk->records[i].decision.planned_us)),
      error);
  while (rows != NULL && elves_store_rows_next (rows))
    {
      is_ours = elves_store_rows_int (rows, 0) == chunk->recording->now_us;
      g_free (token);
      token =
          elves_store_rows_is_null (rows, 1) ? NULL : g_strdup (elves_store_rows_text (rows, 1));
    }
  if (is_ours)
    add_shot (chunk, i, token);
  else
    chunk->recording->doubled++;
  return elves_store_rows_end (rows, error);
}

static void
fill_row (const Chunk *chunk, guint i, ElvesStoreValue *values)
{
  const ElvesCronDecision *decision = &chunk->records[i].decision;
  values[0] = ELVES_TEXT (chunk->ids[i]);
  values[1] = ELVES_INT (decision->planned_us);
  values[2] = ELVES_INT (decision->until_us);
  values[3] = ELVES_INT (life_of (decision->verdict));
  values[4] = ELVES_INT (chunk->recording->now_us);
  values[5] = ELVES_TEXT (token_of (chunk, i));
}

static gboolean
counts (const ElvesCronRecord *record)
{
  return record->decision.verdict == ELVES_CRON_FIRE ||
         record->decision.verdict == ELVES_CRON_QUEUE;
}

/* Of callbacks that carry one: of what fires, or will. */
static void
make_tokens (Chunk *chunk)
{
  for (guint i = 0; i < chunk->n; i++)
    {
      const ElvesCronPlan *plan = g_hash_table_lookup (chunk->plans, chunk->ids[i]);
      if (plan != NULL && *plan->token_param != '\0' && !plan->spawn && counts (&chunk->records[i]))
        elves_cron_token_make (chunk->tokens[i]);
    }
}

static gboolean
insert_one (Chunk *chunk, guint i, GError **error)
{
  ElvesStoreValue values[N_COLUMNS + 1] = { 0 };
  g_autoptr (ElvesStoreRows) rows = NULL;
  fill_row (chunk, i, values);
  rows = elves_store_tx_query (chunk->tx, INSERT ONE_ROW INSERT_END, values, error);
  return collect (chunk, rows, error);
}

static gboolean
insert_all (Chunk *chunk, GError **error)
{
  ElvesStoreValue values[CHUNK * N_COLUMNS + 1] = { 0 };
  g_autoptr (ElvesStoreRows) rows = NULL;
  for (guint i = 0; i < CHUNK; i++)
    fill_row (chunk, i, &values[i * N_COLUMNS]);
  rows = elves_store_tx_query (chunk->tx, INSERT FIFTY (ONE_ROW) INSERT_END, values, error);
  return collect (chunk, rows, error);
}

static gboolean
insert (Chunk *chunk, GError **error)
{
  gboolean is_whole = chunk->n == CHUNK && g_hash_table_size (chunk->plans) == CHUNK;
  if (is_whole && !insert_all (chunk, error))
    return FALSE;
  for (guint i = 0; i < chunk->n && !is_whole; i++)
    if (g_hash_table_contains (chunk->plans, chunk->ids[i]) && !insert_one (chunk, i, error))
      return FALSE;
  for (guint i = 0; i < chunk->n; i++)
    if (g_hash_table_contains (chunk->plans, chunk->ids[i]) && !chunk->written[i] &&
        !look_at_first (chunk, i, error))
      return FALSE;
  return TRUE;
}

/* ---- the tasks move on ---------------------------------------------------------------------- */

static gboolean
are_alike (const Chunk *chunk)
{
  for (guint i = 0; i < chunk->n; i++)
    if (chunk->records[i].decision.until_us != chunk->records[0].decision.until_us ||
        counts (&chunk->records[i]) != counts (&chunk->records[0]) || chunk->records[i].finishes)
      return FALSE;
  return TRUE;
}

static gboolean
move_all (Chunk *chunk, GError **error)
{
  ElvesStoreValue values[CHUNK + 4] = { 0 };
  values[0] = ELVES_INT (chunk->records[0].decision.until_us);
  values[1] = ELVES_INT (counts (&chunk->records[0]) ? 1 : 0);
  values[2] = values[0]; /* a work that is run again does not count twice */
  for (guint i = 0; i < CHUNK; i++)
    values[i + 3] = ELVES_TEXT (i < chunk->n ? chunk->ids[i] : NULL);
  return elves_store_tx_exec (chunk->tx,
                              "UPDATE cron_schedule SET cursor_us = ?, fired = fired + ? "
                              "WHERE cursor_us < ? AND state = 1 AND id IN (" FIFTY ("?") ")",
                              values, NULL, error);
}

static gboolean
move_one (Chunk *chunk, guint i, GError **error)
{
  const ElvesCronRecord *record = &chunk->records[i];
  return elves_store_tx_exec (
      chunk->tx,
      "UPDATE cron_schedule SET cursor_us = ?, fired = fired + ?, state = ? "
      "WHERE cursor_us < ? AND state = 1 AND id = ?",
      ELVES_VALUES (ELVES_INT (record->decision.until_us), ELVES_INT (counts (record) ? 1 : 0),
                    ELVES_INT (record->finishes ? ELVES_CRON_FINISHED : ELVES_CRON_STARTED),
                    ELVES_INT (record->decision.until_us), ELVES_TEXT (chunk->ids[i])),
      NULL, error);
}

static gboolean
move_on (Chunk *chunk, GError **error)
{
  if (are_alike (chunk))
    return move_all (chunk, error);
  for (guint i = 0; i < chunk->n; i++)
    if (!move_one (chunk, i, error))
      return FALSE;
  return TRUE;
}

static gboolean
record_chunk (Recording *self, ElvesStoreTx *tx, guint from, GError **error)
{
  g_autoptr (GHashTable) plans =
      g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify) elves_cron_plan_free);
  Chunk chunk = { .recording = self,
                  .tx = tx,
                  .records = &g_array_index (self->records, ElvesCronRecord, from),
                  .n = MIN (CHUNK, self->records->len - from),
                  .plans = plans };
  for (guint i = 0; i < chunk.n; i++)
    elves_cron_id_write (chunk.records[i].id, chunk.ids[i]);
  if (!read_plans (&chunk, error))
    return FALSE;
  make_tokens (&chunk);
  return insert (&chunk, error) && move_on (&chunk, error);
}

static gboolean
record (ElvesStoreTx *tx, gpointer data, GError **error)
{
  Recording *self = data;
  g_ptr_array_set_size (self->shots, 0);
  self->doubled = 0;
  for (guint from = 0; from < self->records->len; from += CHUNK)
    if (!record_chunk (self, tx, from, error))
      return FALSE;
  return TRUE;
}

static void
on_recorded (gpointer data, const GError *error)
{
  Recording *self = data;
  if (error == NULL)
    elves_cron_metrics.doubled += self->doubled;
  self->done (self->shots, error, self->user_data);
}

/**
 * elves_cron_firings_record:
 * @records: (transfer full): of #ElvesCronRecord, in order of time
 * @done: from the loop, after the commit
 */
void
elves_cron_firings_record (ElvesCronLedger *ledger,
                           GArray *records,
                           ElvesCronShotsFunc done,
                           gpointer user_data)
{
  Recording *self = g_new0 (Recording, 1);
  self->records = records;
  self->now_us = g_get_real_time ();
  self->shots = g_ptr_array_new_with_free_func ((GDestroyNotify) elves_cron_shot_free);
  self->done = done;
  self->user_data = user_data;
  elves_cron_ledger_write (ledger, record, on_recorded, self, recording_free);
}
