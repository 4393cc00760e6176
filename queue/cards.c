/* Queues as v3 and elvesctl see them. Times are UTC, to the millisecond; what has not happened is
 * "".
 */
#include "queue/cards.h"

#include "common/json-writer.h"

#include "queue/card-parts.h"

/* ---- one queue ------------------------------------------------------------------------------ */

#define COLUMNS                                                                              \
  " queue_id, app, name, owner, status, submit_key, extra, on_failure, created_ms,"          \
  " committed_ms, ended_ms, tasks, running, succeeded, failed, stopped, skipped, cancelled," \
  " width, stagger_ms, max_failures"

enum
{
  ID,
  APP,
  NAME,
  OWNER,
  STATUS,
  KEY,
  EXTRA,
  ON_FAILURE,
  CREATED,
  COMMITTED,
  ENDED,
  TASKS,
  RUNNING,
  SUCCEEDED,
  FAILED,
  STOPPED,
  SKIPPED,
  CANCELLED,
  WIDTH,
  STAGGER,
  MAX_FAILURES
};

/* Every task counts once. */
static void
write_counts (GString *out, ElvesStoreRows *row)
{
  static const struct
  {
    const char *name;
    guint column;
  } counts[] = { { "running", RUNNING }, { "finish", SUCCEEDED }, { "failed", FAILED },
                 { "stopped", STOPPED }, { "skipped", SKIPPED },  { "cancelled", CANCELLED } };
  gint64 pendding = elves_store_rows_int (row, TASKS);
  for (guint i = 0; i < G_N_ELEMENTS (counts); i++)
    pendding -= elves_store_rows_int (row, counts[i].column);
  elves_json_open (out, "counts");
  elves_json_add_number (out, "pendding", pendding);
  for (guint i = 0; i < G_N_ELEMENTS (counts); i++)
    elves_json_add_number (out, counts[i].name, elves_store_rows_int (row, counts[i].column));
  elves_json_close (out);
}

static void
write_pace (GString *out, ElvesStoreRows *row)
{
  elves_json_add_number (out, "width", elves_store_rows_int (row, WIDTH));
  elves_json_add_number (out, "stagger_ms", elves_store_rows_int (row, STAGGER));
  if (elves_store_rows_is_null (row, MAX_FAILURES))
    elves_json_add_json (out, "max_failures", "null", 4);
  else
    elves_json_add_number (out, "max_failures", elves_store_rows_int (row, MAX_FAILURES));
}

static void
write_queue (GString *out, const char *name, ElvesStoreRows *row)
{
  elves_json_open (out, name);
  elves_queue_card_add (out, "id", row, ID);
  elves_queue_card_add (out, "app", row, APP);
  elves_queue_card_add (out, "name", row, NAME);
  elves_queue_card_add (out, "key", row, KEY);
  elves_queue_card_add (out, "owner", row, OWNER);
  elves_queue_card_add (out, "extra", row, EXTRA);
  elves_queue_card_add (out, "status", row, STATUS);
  elves_queue_card_add (out, "on_failure", row, ON_FAILURE);
  elves_queue_card_add_time (out, "created", row, CREATED);
  elves_queue_card_add_time (out, "committed", row, COMMITTED);
  elves_queue_card_add_time (out, "ended", row, ENDED);
  write_counts (out, row);
  elves_json_add_number (out, "total", elves_store_rows_int (row, TASKS));
  write_pace (out, row);
  elves_json_close (out);
}

gboolean
elves_queue_card_detail (ElvesStoreTx *tx,
                         const char *queue_id,
                         GString **out_body,
                         ElvesQueueVerdict *out_verdict,
                         GError **error)
{
  g_autoptr (ElvesStoreRows) rows =
      elves_store_tx_query (tx, "SELECT" COLUMNS " FROM queue WHERE queue_id = ?",
                            ELVES_VALUES (ELVES_TEXT (queue_id)), error);
  *out_verdict = ELVES_VERDICT_NO_QUEUE;
  *out_body = NULL;
  if (rows != NULL && elves_store_rows_next (rows))
    {
      *out_verdict = ELVES_VERDICT_DONE;
      *out_body = elves_queue_card_begin ();
      write_queue (*out_body, "result", rows);
      elves_json_close (*out_body);
    }
  return elves_store_rows_end (rows, error);
}

/* ---- many queues ---------------------------------------------------------------------------- */

#define ANY_OF " (? = '' OR app = ?) AND (? = '' OR name = ?) AND (? = '' OR status = ?)"
#define OF_ALL " FROM queue WHERE" ANY_OF
#define OF_OWNER " FROM queue WHERE owner = ? AND" ANY_OF
#define PAGE " ORDER BY seq DESC LIMIT ? OFFSET ?"

void
elves_queue_find_clear (ElvesQueueFind *self)
{
  g_free (self->owner);
  g_free (self->app);
  g_free (self->name);
  g_free (self->status);
  *self = (ElvesQueueFind){ 0 };
}

/* Runs one of two texts that differ in the owner. @tail: more values */
static ElvesStoreRows *
query (ElvesStoreTx *tx,
       const ElvesQueueFind *find,
       const char *of_all,
       const char *of_owner,
       const ElvesStoreValue *tail,
       GError **error)
{
  const char *const texts[] = { find->app, find->name, find->status };
  ElvesStoreValue values[1 + 6 + 2 + 1];
  guint n = 0;
  if (*find->owner != '\0')
    values[n++] = ELVES_TEXT (find->owner);
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      values[n++] = ELVES_TEXT (texts[i]);
      values[n++] = ELVES_TEXT (texts[i]);
    }
  for (; tail != NULL && tail->kind != ELVES_STORE_END; tail++)
    values[n++] = *tail;
  values[n] = (ElvesStoreValue){ .kind = ELVES_STORE_END };
  return elves_store_tx_query (tx, *find->owner != '\0' ? of_owner : of_all, values, error);
}

static gboolean
write_total (ElvesStoreTx *tx, const ElvesQueueFind *find, GString *out, GError **error)
{
  g_autoptr (ElvesStoreRows) rows =
      query (tx, find, "SELECT count (*)" OF_ALL, "SELECT count (*)" OF_OWNER, NULL, error);
  if (rows != NULL && elves_store_rows_next (rows))
    elves_json_add_number (out, "total", elves_store_rows_int (rows, 0));
  return elves_store_rows_end (rows, error);
}

static gboolean
write_found (ElvesStoreTx *tx, const ElvesQueueFind *find, GString *out, GError **error)
{
  gint64 offset = (gint64) (find->page - 1) * find->size;
  g_autoptr (ElvesStoreRows) rows =
      query (tx, find, "SELECT" COLUMNS OF_ALL PAGE, "SELECT" COLUMNS OF_OWNER PAGE,
             ELVES_VALUES (ELVES_INT (find->size), ELVES_INT (offset)), error);
  elves_json_open_array (out, "result");
  while (rows != NULL && out->len < find->max_bytes && elves_store_rows_next (rows))
    write_queue (out, NULL, rows);
  elves_json_close_array (out);
  return elves_store_rows_end (rows, error);
}

gboolean
elves_queue_card_find (ElvesStoreTx *tx,
                       const ElvesQueueFind *find,
                       GString **out_body,
                       GError **error)
{
  GString *body = elves_queue_card_begin ();
  gboolean written = write_total (tx, find, body, error) && write_found (tx, find, body, error);
  elves_json_close (body);
  *out_body = written ? g_steal_pointer (&body) : NULL;
  if (body != NULL)
    g_string_free (body, TRUE);
  return written;
}
