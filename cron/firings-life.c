/* What becomes of a recorded instant: sent, released; and what a leader finds open. */
#include "cron/firings.h"

#include "cron/life.h"

enum
{
  CHUNK = 20
};

#define TWENTY "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?"
#define SHOT_COLUMNS ELVES_CRON_PLAN_COLUMNS_OF ("s.") ", f.token, f.tries"

static GPtrArray *
new_shots (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify) elves_cron_shot_free);
}

/* From a row whose columns from @at on are SHOT_COLUMNS. */
static ElvesCronShot *
read_shot (ElvesStoreRows *rows, guint at, gint64 planned_us)
{
  ElvesCronShot *shot = g_new0 (ElvesCronShot, 1);
  shot->plan = elves_cron_plan_read (rows, at);
  shot->planned_us = planned_us;
  at += ELVES_CRON_N_PLAN_COLUMNS;
  if (!elves_store_rows_is_null (rows, at))
    shot->token = g_strdup (elves_store_rows_text (rows, at));
  shot->tries = (guint) elves_store_rows_int (rows, at + 1);
  elves_cron_id_parse (shot->plan->id, &shot->id);
  return shot;
}

/* ---- sent ----------------------------------------------------------------------------------- */

typedef struct
{
  GArray *instants;
  gint64 now_us;
  ElvesCronMarkedFunc done;
  gpointer user_data;
} Marking;

static void
marking_free (gpointer data)
{
  Marking *self = data;
  g_array_unref (self->instants);
  g_free (self);
}

/* Those of one planned instant, up to CHUNK, from @from on. Returns: how many. */
static guint
mark_some (const Marking *self, ElvesStoreTx *tx, guint from, GError **error)
{
  const ElvesCronInstant *first = &g_array_index (self->instants, ElvesCronInstant, from);
  ElvesStoreValue values[CHUNK + 3] = { 0 };
  char ids[CHUNK][ELVES_CRON_ID_SIZE];
  guint n = 0;
  values[0] = ELVES_INT (self->now_us);
  values[1] = ELVES_INT (first->planned_us);
  for (; n < CHUNK && from + n < self->instants->len && first[n].planned_us == first->planned_us;
       n++)
    {
      elves_cron_id_write (first[n].id, ids[n]);
      values[n + 2] = ELVES_TEXT (ids[n]);
    }
  for (guint i = n; i < CHUNK; i++)
    values[i + 2] = ELVES_TEXT (NULL);
  return elves_store_tx_exec (tx,
                              "UPDATE cron_firing SET state = 2, sent_us = ? WHERE state = 1 AND "
                              "planned_us = ? AND schedule IN (" TWENTY ")",
                              values, NULL, error)
             ? n
             : 0;
}

static gboolean
mark (ElvesStoreTx *tx, gpointer data, GError **error)
{
  const Marking *self = data;
  for (guint from = 0, n; from < self->instants->len; from += n)
    if ((n = mark_some (self, tx, from, error)) == 0)
      return FALSE;
  return TRUE;
}

static void
on_marked (gpointer data, const GError *error)
{
  Marking *self = data;
  self->done (error, self->user_data);
}

/**
 * elves_cron_firings_mark_sent:
 * @instants: (transfer full): of #ElvesCronInstant; neighbours of one instant cost the least
 */
void
elves_cron_firings_mark_sent (ElvesCronLedger *ledger,
                              GArray *instants,
                              ElvesCronMarkedFunc done,
                              gpointer user_data)
{
  Marking *self = g_new0 (Marking, 1);
  self->instants = instants;
  self->now_us = g_get_real_time ();
  self->done = done;
  self->user_data = user_data;
  elves_cron_ledger_write (ledger, mark, on_marked, self, marking_free);
}

/* ---- released ------------------------------------------------------------------------------- */

typedef struct
{
  char id[ELVES_CRON_ID_SIZE];
  gint64 planned_us, now_us;
  GPtrArray *shots;
  ElvesCronShotsFunc done;
  gpointer user_data;
} Releasing;

static void
releasing_free (gpointer data)
{
  Releasing *self = data;
  g_ptr_array_unref (self->shots);
  g_free (self);
}

/* The time of the decision says that it is this work's, also when it is run again. */
static gboolean
release (ElvesStoreTx *tx, gpointer data, GError **error)
{
  Releasing *self = data;
  g_autoptr (ElvesStoreRows) rows = NULL;
  g_ptr_array_set_size (self->shots, 0);
  if (!elves_store_tx_exec (tx,
                            "UPDATE cron_firing SET state = 1, decided_us = ? "
                            "WHERE schedule = ? AND planned_us = ? AND state = 7",
                            ELVES_VALUES (ELVES_INT (self->now_us), ELVES_TEXT (self->id),
                                          ELVES_INT (self->planned_us)),
                            NULL, error))
    return FALSE;
  rows = elves_store_tx_query (
      tx,
      "SELECT " SHOT_COLUMNS " FROM cron_schedule s JOIN cron_firing f ON f.schedule = s.id "
      "WHERE f.schedule = ? AND f.planned_us = ? AND f.state = 1 AND f.decided_us = ?",
      ELVES_VALUES (ELVES_TEXT (self->id), ELVES_INT (self->planned_us), ELVES_INT (self->now_us)),
      error);
  while (rows != NULL && elves_store_rows_next (rows))
    g_ptr_array_add (self->shots, read_shot (rows, 0, self->planned_us));
  return elves_store_rows_end (rows, error);
}

static void
on_released (gpointer data, const GError *error)
{
  Releasing *self = data;
  self->done (self->shots, error, self->user_data);
}

void
elves_cron_firings_release (ElvesCronLedger *ledger,
                            guint64 id,
                            gint64 planned_us,
                            ElvesCronShotsFunc done,
                            gpointer user_data)
{
  Releasing *self = g_new0 (Releasing, 1);
  elves_cron_id_write (id, self->id);
  self->planned_us = planned_us;
  self->now_us = g_get_real_time ();
  self->shots = new_shots ();
  self->done = done;
  self->user_data = user_data;
  elves_cron_ledger_write (ledger, release, on_released, self, releasing_free);
}

/* ---- open ----------------------------------------------------------------------------------- */

typedef struct
{
  GPtrArray *shots;
  GArray *running, *queued;
  ElvesCronOpenFunc done;
  gpointer user_data;
} Opening;

static void
opening_free (gpointer data)
{
  Opening *self = data;
  g_ptr_array_unref (self->shots);
  g_array_unref (self->running);
  g_array_unref (self->queued);
  g_free (self);
}

static void
take_open (Opening *self, ElvesStoreRows *rows)
{
  gint64 planned_us = elves_store_rows_int (rows, 0);
  gint64 life = elves_store_rows_int (rows, 1);
  ElvesCronShot *shot = read_shot (rows, 2, planned_us);
  ElvesCronInstant instant = { shot->id, planned_us };
  if (shot->plan->overlap != ELVES_CRON_OVERLAP_ALLOW)
    g_array_append_val (life == ELVES_CRON_QUEUED ? self->queued : self->running, instant);
  if (life == ELVES_CRON_DECIDED)
    g_ptr_array_add (self->shots, shot);
  else
    elves_cron_shot_free (shot);
}

static gboolean
open_firings (ElvesStoreTx *tx, gpointer data, GError **error)
{
  Opening *self = data;
  g_autoptr (ElvesStoreRows) rows =
      elves_store_tx_query (tx,
                            "SELECT f.planned_us, f.state, " SHOT_COLUMNS
                            " FROM cron_firing f JOIN cron_schedule s ON s.id = f.schedule "
                            "WHERE f.state IN (1, 2, 7) AND (f.state = 1 OR s.overlap <> 0) "
                            "AND s.deleted_us = 0 "
                            "ORDER BY f.planned_us",
                            NULL, error);
  g_ptr_array_set_size (self->shots, 0);
  g_array_set_size (self->running, 0);
  g_array_set_size (self->queued, 0);
  while (rows != NULL && elves_store_rows_next (rows))
    take_open (self, rows);
  return elves_store_rows_end (rows, error);
}

static void
on_opened (gpointer data, const GError *error)
{
  Opening *self = data;
  self->done (self->shots, self->running, self->queued, error, self->user_data);
}

void
elves_cron_firings_open (ElvesCronLedger *ledger, ElvesCronOpenFunc done, gpointer user_data)
{
  Opening *self = g_new0 (Opening, 1);
  self->shots = new_shots ();
  self->running = g_array_new (FALSE, FALSE, sizeof (ElvesCronInstant));
  self->queued = g_array_new (FALSE, FALSE, sizeof (ElvesCronInstant));
  self->done = done;
  self->user_data = user_data;
  elves_cron_ledger_read (ledger, open_firings, on_opened, self, opening_free);
}
