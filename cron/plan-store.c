/* A plan as a row of cron_schedule. */
#include "cron/plan.h"

#include <string.h>

static void
take_text (char **field, ElvesStoreRows *rows, guint column)
{
  const char *text = elves_store_rows_text (rows, column);
  g_free (*field);
  *field = g_strdup (text != NULL ? text : "");
}

static gint
get_int (ElvesStoreRows *rows, guint column)
{
  return (gint) elves_store_rows_int (rows, column);
}

static void
read_timing (ElvesCronPlan *self, ElvesStoreRows *rows, guint at)
{
  self->timing = get_int (rows, at);
  elves_schedule_dialect_from_name (elves_store_rows_text (rows, at + 1), &self->dialect);
  take_text (&self->rule, rows, at + 2);
  take_text (&self->tz, rows, at + 3);
  elves_schedule_gap_from_name (elves_store_rows_text (rows, at + 4), &self->gap);
  elves_schedule_fold_from_name (elves_store_rows_text (rows, at + 5), &self->fold);
  self->every_us = elves_store_rows_int (rows, at + 6);
  self->at_us = elves_store_rows_int (rows, at + 7);
  self->start_us = elves_store_rows_int (rows, at + 8);
  self->end_us = elves_store_rows_int (rows, at + 9);
}

/**
 * elves_cron_plan_read_when:
 * @at: column of the first of %ELVES_CRON_WHEN_COLUMNS
 */
void
elves_cron_plan_read_when (ElvesCronPlan *self, ElvesStoreRows *rows, guint at)
{
  take_text (&self->id, rows, at);
  read_timing (self, rows, at + 1);
  self->overlap = get_int (rows, at + 11);
  self->missed = get_int (rows, at + 12);
  self->missed_cap = (guint) get_int (rows, at + 13);
  self->count = elves_store_rows_int (rows, at + 14);
  self->timeout_s = get_int (rows, at + 15);
  self->state = get_int (rows, at + 16);
  self->created_us = elves_store_rows_int (rows, at + 17);
  self->first_us = elves_store_rows_int (rows, at + 18);
  self->cursor_us = elves_store_rows_int (rows, at + 19);
  self->fired = elves_store_rows_int (rows, at + 20);
  self->action = get_int (rows, at + 21);
  take_text (&self->owner, rows, at + 22);
  self->spelling = (guint) get_int (rows, at + 23);
  self->report_timeout_s = (guint) get_int (rows, at + 24);
  self->first_now = get_int (rows, at + 25) != 0;
  self->deleted_us = elves_store_rows_int (rows, at + 26);
}

static void
read_action (ElvesCronPlan *self, ElvesStoreRows *rows, guint at)
{
  char **const fields[] = { &self->name,         &self->ip,          &self->mode,
                            &self->app,          &self->func,        &self->proxy,
                            &self->param,        &self->target,      &self->method,
                            &self->content_type, &self->headers,     &self->exchange,
                            &self->targets,      &self->token_param, &self->retry_delays,
                            &self->spawned_by,   &self->unique_key,  &self->extra };
  for (guint i = 0; i < G_N_ELEMENTS (fields); i++)
    take_text (fields[i], rows, at + i);
  self->retries = (guint) get_int (rows, at + G_N_ELEMENTS (fields));
  self->spawn = get_int (rows, at + G_N_ELEMENTS (fields) + 1) != 0;
}

/**
 * elves_cron_plan_read:
 * @at: column of the first of %ELVES_CRON_PLAN_COLUMNS
 *
 * Returns: (transfer full): the plan of this row.
 */
ElvesCronPlan *
elves_cron_plan_read (ElvesStoreRows *rows, guint at)
{
  ElvesCronPlan *self = elves_cron_plan_new ();
  elves_cron_plan_read_when (self, rows, at);
  read_action (self, rows, at + ELVES_CRON_N_WHEN_COLUMNS);
  return self;
}

/* ---- writing -------------------------------------------------------------------------------- */

enum
{
  N_VALUES = ELVES_CRON_N_PLAN_COLUMNS + 1 /* the request, or the id */
};

static guint
set_when (const ElvesCronPlan *self, ElvesStoreValue *values)
{
  const ElvesStoreValue all[] = {
    ELVES_TEXT (self->id),
    ELVES_INT (self->timing),
    ELVES_TEXT (elves_schedule_dialect_name (self->dialect)),
    ELVES_TEXT (self->rule),
    ELVES_TEXT (self->tz),
    ELVES_TEXT (elves_schedule_gap_name (self->gap)),
    ELVES_TEXT (elves_schedule_fold_name (self->fold)),
    ELVES_INT (self->every_us),
    ELVES_INT (self->at_us),
    ELVES_INT (self->start_us),
    ELVES_INT (self->end_us),
    ELVES_INT (self->overlap),
    ELVES_INT (self->missed),
    ELVES_INT (self->missed_cap),
    ELVES_INT (self->count),
    ELVES_INT (self->timeout_s),
    ELVES_INT (self->state),
    ELVES_INT (self->created_us),
    ELVES_INT (self->first_us),
    ELVES_INT (self->cursor_us),
    ELVES_INT (self->fired),
    ELVES_INT (self->action),
    ELVES_TEXT (self->owner),
    ELVES_INT (self->spelling),
    ELVES_INT (self->report_timeout_s),
    ELVES_INT (self->first_now ? 1 : 0),
    ELVES_INT (self->deleted_us),
  };
  G_STATIC_ASSERT (G_N_ELEMENTS (all) == ELVES_CRON_N_WHEN_COLUMNS);
  memcpy (values, all, sizeof all);
  return G_N_ELEMENTS (all);
}

static void
set_action (const ElvesCronPlan *self, ElvesStoreValue *values)
{
  const ElvesStoreValue all[] = {
    ELVES_TEXT (self->name),         ELVES_TEXT (self->ip),
    ELVES_TEXT (self->mode),         ELVES_TEXT (self->app),
    ELVES_TEXT (self->func),         ELVES_TEXT (self->proxy),
    ELVES_TEXT (self->param),        ELVES_TEXT (self->target),
    ELVES_TEXT (self->method),       ELVES_TEXT (self->content_type),
    ELVES_TEXT (self->headers),      ELVES_TEXT (self->exchange),
    ELVES_TEXT (self->targets),      ELVES_TEXT (self->token_param),
    ELVES_TEXT (self->retry_delays), ELVES_TEXT (self->spawned_by),
    ELVES_TEXT (self->unique_key),   ELVES_TEXT (self->extra),
    ELVES_INT (self->retries),       ELVES_INT (self->spawn ? 1 : 0),
  };
  G_STATIC_ASSERT (G_N_ELEMENTS (all) == ELVES_CRON_N_PLAN_COLUMNS - ELVES_CRON_N_WHEN_COLUMNS);
  memcpy (values, all, sizeof all);
}

static gboolean
write_plan (const ElvesCronPlan *self,
            const char *sql,
            const char *last,
            ElvesStoreTx *tx,
            GError **error)
{
  ElvesStoreValue values[N_VALUES + 1] = { 0 };
  guint n = set_when (self, values);
  set_action (self, values + n);
  values[N_VALUES - 1] = ELVES_TEXT (last);
  return elves_store_tx_exec (tx, sql, values, NULL, error);
}

#define TEN "?, ?, ?, ?, ?, ?, ?, ?, ?, ?"
#define ALL_PLACES TEN ", " TEN ", " TEN ", " TEN ", ?, ?, ?, ?, ?, ?, ?"
G_STATIC_ASSERT (ELVES_CRON_N_PLAN_COLUMNS == 47);

/**
 * elves_cron_plan_insert:
 * @request: (nullable): the fingerprint of the request that made it
 */
gboolean
elves_cron_plan_insert (const ElvesCronPlan *self,
                        const char *request,
                        ElvesStoreTx *tx,
                        GError **error)
{
  return write_plan (self,
                     "INSERT INTO cron_schedule (" ELVES_CRON_PLAN_COLUMNS
                     ", request) VALUES (" ALL_PLACES ", ?) ON CONFLICT DO NOTHING",
                     request, tx, error);
}

gboolean
elves_cron_plan_update (const ElvesCronPlan *self, ElvesStoreTx *tx, GError **error)
{
  return write_plan (self,
                     "UPDATE cron_schedule SET (" ELVES_CRON_PLAN_COLUMNS ") = (" ALL_PLACES
                     ") WHERE id = ?",
                     self->id, tx, error);
}
