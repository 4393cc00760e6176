/* Firings that no instant of a plan is for: by hand; and those of tasks that a task makes.
 *
 * They are recorded before they are published, as all others. What was fired by hand has the
 * fingerprint of its request: a request that comes again fires nothing, and the audit passes it
 * over. */
#include "cron/firings.h"

#include "common/error.h"
#include "cron/life.h"

#include <string.h>

typedef struct
{
  char *id, *owner, *request; /* by hand */
  ElvesCronShot *parent;      /* (nullable) of a task that makes one */
  ElvesCronPlan *child;       /* then: the one that is made */
  gint64 now_us;
  char token[ELVES_CRON_TOKEN_SIZE];
  GPtrArray *shots;
  ElvesCronShotsFunc done;
  gpointer user_data;
} Firing;

static void
firing_free (gpointer data)
{
  Firing *self = data;
  elves_cron_shot_free (self->parent);
  elves_cron_plan_free (self->child);
  g_ptr_array_unref (self->shots);
  g_free (self->id);
  g_free (self->owner);
  g_free (self->request);
  g_free (self);
}

static Firing *
firing_new (ElvesCronShotsFunc done, gpointer user_data)
{
  Firing *self = g_new0 (Firing, 1);
  self->now_us = g_get_real_time ();
  elves_cron_token_make (self->token);
  self->shots = g_ptr_array_new_with_free_func ((GDestroyNotify) elves_cron_shot_free);
  self->done = done;
  self->user_data = user_data;
  return self;
}

static void
on_fired (gpointer data, const GError *error)
{
  Firing *self = data;
  self->done (self->shots, error, self->user_data);
}

static gboolean
insert (Firing *self, ElvesStoreTx *tx, const ElvesCronPlan *plan, gint64 at_us, GError **error)
{
  const char *token = *plan->token_param != '\0' && !plan->spawn ? self->token : NULL;
  ElvesCronShot *shot = g_new0 (ElvesCronShot, 1);
  elves_cron_id_parse (plan->id, &shot->id);
  shot->planned_us = at_us;
  shot->plan = elves_cron_plan_copy (plan);
  shot->token = g_strdup (token);
  g_ptr_array_add (self->shots, shot);
  return elves_store_tx_exec (
      tx,
      "INSERT INTO cron_firing (schedule, planned_us, until_us, state, decided_us, token, request) "
      "VALUES (?, ?, ?, 1, ?, ?, ?)",
      ELVES_VALUES (ELVES_TEXT (plan->id), ELVES_INT (at_us), ELVES_INT (at_us),
                    ELVES_INT (self->now_us), ELVES_TEXT (token), ELVES_TEXT (self->request)),
      NULL, error);
}

/* ---- by hand -------------------------------------------------------------------------------- */

/* (nullable): the store failed, or there is none. */
static ElvesCronPlan *
find_plan (Firing *self, ElvesStoreTx *tx, GError **error)
{
  g_autoptr (ElvesCronPlan) plan = NULL;
  g_autoptr (ElvesStoreRows) rows = elves_store_tx_query (
      tx, "SELECT " ELVES_CRON_PLAN_COLUMNS " FROM cron_schedule WHERE id = ? AND deleted_us = 0",
      ELVES_VALUES (ELVES_TEXT (self->id)), error);
  while (rows != NULL && elves_store_rows_next (rows))
    {
      g_clear_pointer (&plan, elves_cron_plan_free);
      plan = elves_cron_plan_read (rows, 0);
    }
  if (!elves_store_rows_end (rows, error))
    return NULL;
  if (plan != NULL && (*self->owner == '\0' || strcmp (plan->owner, self->owner) == 0))
    return g_steal_pointer (&plan);
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_NOT_FOUND, "no timed task has the id '%s'",
               self->id);
  return NULL;
}

/* Nothing is planned for this microsecond, and nothing was. @out_fired: this request was here. */
static gboolean
look_at (Firing *self,
         ElvesStoreTx *tx,
         gint64 at_us,
         gboolean *out_taken,
         gboolean *out_fired,
         GError **error)
{
  g_autoptr (ElvesStoreRows) rows = elves_store_tx_query (
      tx,
      "SELECT planned_us, request FROM cron_firing WHERE schedule = ? AND (planned_us = ? OR "
      "request = ?)",
      ELVES_VALUES (ELVES_TEXT (self->id), ELVES_INT (at_us), ELVES_TEXT (self->request)), error);
  *out_taken = *out_fired = FALSE;
  while (rows != NULL && elves_store_rows_next (rows))
    {
      *out_taken = *out_taken || elves_store_rows_int (rows, 0) == at_us;
      *out_fired = *out_fired || (!elves_store_rows_is_null (rows, 1) &&
                                  strcmp (elves_store_rows_text (rows, 1), self->request) == 0);
    }
  return elves_store_rows_end (rows, error);
}

static gboolean
is_planned (const ElvesCronPlan *plan, gint64 at_us)
{
  g_autoptr (ElvesSchedule) schedule = elves_cron_plan_schedule (plan, NULL);
  return schedule != NULL && elves_schedule_next (schedule, at_us - 1) == at_us;
}

static gboolean
fire (ElvesStoreTx *tx, gpointer data, GError **error)
{
  Firing *self = data;
  g_autoptr (ElvesCronPlan) plan = find_plan (self, tx, error);
  gint64 at_us = self->now_us;
  gboolean is_taken = TRUE, was_fired = FALSE;
  g_ptr_array_set_size (self->shots, 0);
  if (plan == NULL)
    return FALSE;
  while (is_taken && !was_fired)
    {
      if (!look_at (self, tx, at_us, &is_taken, &was_fired, error))
        return FALSE;
      is_taken = is_taken || is_planned (plan, at_us);
      at_us += is_taken ? 1 : 0;
    }
  return was_fired || insert (self, tx, plan, at_us, error);
}

void
elves_cron_firings_fire (ElvesCronLedger *ledger,
                         const char *id,
                         const char *owner,
                         const char *request,
                         ElvesCronShotsFunc done,
                         gpointer user_data)
{
  Firing *self = firing_new (done, user_data);
  self->id = g_strdup (id);
  self->owner = g_strdup (owner);
  self->request = g_strdup (request);
  elves_cron_ledger_write (ledger, fire, on_fired, self, firing_free);
}

/* ---- of a task that makes tasks ------------------------------------------------------------- */

static void
set (char **field, const char *text)
{
  g_free (*field);
  *field = g_strdup (text);
}

/* It has fired, once, with its first instant; nothing of it is held in memory. */
static ElvesCronPlan *
make_child (const ElvesCronPlan *parent, gint64 now_us)
{
  ElvesCronPlan *child = elves_cron_plan_copy (parent);
  char id[ELVES_CRON_ID_SIZE];
  elves_cron_id_write (elves_cron_id_new (now_us), id);
  set (&child->id, id);
  set (&child->spawned_by, parent->id);
  set (&child->unique_key, "");
  set (&child->rule, "");
  child->spawn = child->first_now = FALSE;
  child->timing = ELVES_CRON_ONCE;
  child->every_us = child->start_us = child->end_us = child->count = 0;
  child->overlap = ELVES_CRON_OVERLAP_ALLOW;
  elves_cron_plan_turn_urls (child, (guint) parent->fired);
  child->at_us = child->created_us = child->cursor_us = now_us;
  child->first_us = now_us - 1;
  child->fired = 1;
  child->state = ELVES_CRON_FINISHED;
  return child;
}

/* The parent's firing ends by this: whoever has ended it makes the child. */
static gboolean
end_parent (Firing *self, ElvesStoreTx *tx, gboolean *out_ended, GError **error)
{
  gint64 changed = 0;
  ElvesCronOutcome outcome = {
    .id = self->parent->plan->id,
    .planned_us = self->parent->planned_us,
    .ended_us = self->now_us,
    .flag = TRUE,
    .worker_flag = 1,
    .error = (char *) "",
    .message = self->child->id,
  };
  if (!elves_store_tx_exec (
          tx,
          "UPDATE cron_firing SET sent_us = ? WHERE schedule = ? AND planned_us = ? AND "
          "state = 1",
          ELVES_VALUES (ELVES_INT (self->now_us), ELVES_TEXT (outcome.id),
                        ELVES_INT (outcome.planned_us)),
          &changed, error))
    return FALSE;
  *out_ended = changed > 0;
  return changed == 0 || elves_cron_firings_write_end (tx, &outcome, NULL, error);
}

/* A work whose answer was lost may be run again: the child is there then, and its firing is to be
   published by us. */
static gboolean
find_child (Firing *self, ElvesStoreTx *tx, GError **error)
{
  g_autoptr (ElvesStoreRows) rows =
      elves_store_tx_query (tx, "SELECT token FROM cron_firing WHERE schedule = ? AND state = 1",
                            ELVES_VALUES (ELVES_TEXT (self->child->id)), error);
  while (rows != NULL && elves_store_rows_next (rows))
    {
      ElvesCronShot *shot = g_new0 (ElvesCronShot, 1);
      elves_cron_id_parse (self->child->id, &shot->id);
      shot->planned_us = self->child->at_us;
      shot->plan = elves_cron_plan_copy (self->child);
      if (!elves_store_rows_is_null (rows, 0))
        shot->token = g_strdup (elves_store_rows_text (rows, 0));
      g_ptr_array_add (self->shots, shot);
    }
  return elves_store_rows_end (rows, error);
}

static gboolean
spawn (ElvesStoreTx *tx, gpointer data, GError **error)
{
  Firing *self = data;
  gboolean ended = FALSE;
  g_ptr_array_set_size (self->shots, 0);
  if (!end_parent (self, tx, &ended, error))
    return FALSE;
  if (!ended)
    return find_child (self, tx, error);
  return elves_cron_plan_insert (self->child, NULL, tx, error) &&
         insert (self, tx, self->child, self->child->at_us, error);
}

void
elves_cron_firings_spawn (ElvesCronLedger *ledger,
                          const ElvesCronShot *shot,
                          ElvesCronShotsFunc done,
                          gpointer user_data)
{
  Firing *self = firing_new (done, user_data);
  self->parent = g_new0 (ElvesCronShot, 1);
  self->parent->id = shot->id;
  self->parent->planned_us = shot->planned_us;
  self->parent->plan = elves_cron_plan_copy (shot->plan);
  self->child = make_child (shot->plan, self->now_us);
  elves_cron_ledger_write (ledger, spawn, on_fired, self, firing_free);
}
