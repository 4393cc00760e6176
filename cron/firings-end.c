/* How executions end: the outcome of a job, a message or a callback; and the tries of a callback on
 * the way there.
 *
 * The first outcome counts, whoever brings it. A try that was written already is not written once
 * more: its number says so. */
#include "cron/firings.h"

#include "cron/life.h"

enum
{
  ATTEMPTS_MAX = 50 /* tries kept of an execution: the first ones */
};

typedef struct
{
  ElvesCronOutcome *outcome;
  gboolean is_news;
  ElvesCronEndedFunc done;
  gpointer user_data;
} Ending;

ElvesCronOutcome *
elves_cron_outcome_copy (const ElvesCronOutcome *self)
{
  ElvesCronOutcome *copy = g_memdup2 (self, sizeof *self);
  copy->id = g_strdup (self->id);
  copy->error = g_strdup (self->error);
  copy->message = g_strdup (self->message);
  copy->attempt = g_strdup (self->attempt);
  return copy;
}

void
elves_cron_outcome_free (ElvesCronOutcome *self)
{
  if (self == NULL)
    return;
  g_free (self->id);
  g_free (self->error);
  g_free (self->message);
  g_free (self->attempt);
  g_free (self);
}

static void
ending_free (gpointer data)
{
  Ending *self = data;
  elves_cron_outcome_free (self->outcome);
  g_free (self);
}

static gboolean
has_ended (ElvesStoreTx *tx, const ElvesCronOutcome *outcome, gboolean *out_ended, GError **error)
{
  g_autoptr (ElvesStoreRows) rows = elves_store_tx_query (
      tx, "SELECT state FROM cron_firing WHERE schedule = ? AND planned_us = ?",
      ELVES_VALUES (ELVES_TEXT (outcome->id), ELVES_INT (outcome->planned_us)), error);
  *out_ended = FALSE;
  while (rows != NULL && elves_store_rows_next (rows))
    *out_ended = elves_store_rows_int (rows, 0) == ELVES_CRON_ENDED;
  return elves_store_rows_end (rows, error);
}

static gboolean
write_outcome (ElvesStoreTx *tx, const ElvesCronOutcome *outcome, GError **error)
{
  return elves_store_tx_exec (
      tx,
      "UPDATE cron_firing SET state = 3, ended_us = ?, flag = ?, error = ?, worker_flag = ?, "
      "message = ?, cost_ms = ?, reason = ?, sent_us = CASE WHEN sent_us = 0 THEN decided_us ELSE "
      "sent_us END WHERE schedule = ? AND planned_us = ? AND state IN (1, 2)",
      ELVES_VALUES (ELVES_INT (outcome->ended_us), ELVES_INT (outcome->flag ? 1 : 0),
                    ELVES_TEXT (outcome->error), ELVES_INT (outcome->worker_flag),
                    ELVES_TEXT (outcome->message), ELVES_INT (outcome->cost_ms),
                    ELVES_TEXT (outcome->reason), ELVES_TEXT (outcome->id),
                    ELVES_INT (outcome->planned_us)),
      NULL, error);
}

static gboolean
write_last (ElvesStoreTx *tx, const ElvesCronOutcome *outcome, gboolean *out_known, GError **error)
{
  gint64 changed = 0;
  if (!elves_store_tx_exec (
          tx,
          "UPDATE cron_schedule SET last_us = ?, last_flag = ?, last_error = ?, "
          "last_worker_flag = ?, last_message = ?, last_cost_ms = ? WHERE id = ?",
          ELVES_VALUES (ELVES_INT (outcome->ended_us), ELVES_INT (outcome->flag ? 1 : 0),
                        ELVES_TEXT (outcome->error), ELVES_INT (outcome->worker_flag),
                        ELVES_TEXT (outcome->message), ELVES_INT (outcome->cost_ms),
                        ELVES_TEXT (outcome->id)),
          &changed, error))
    return FALSE;
  if (out_known != NULL)
    *out_known = changed > 0;
  return TRUE;
}

gboolean
elves_cron_firings_write_end (ElvesStoreTx *tx,
                              const ElvesCronOutcome *outcome,
                              gboolean *out_known,
                              GError **error)
{
  return (outcome->planned_us == 0 || write_outcome (tx, outcome, error)) &&
         write_last (tx, outcome, out_known, error);
}

static gboolean
write_attempt (ElvesStoreTx *tx, const ElvesCronOutcome *outcome, GError **error)
{
  return elves_store_tx_exec (
      tx,
      "UPDATE cron_firing SET tries = tries + 1, http_status = ?, attempts = CASE WHEN tries < ? "
      "THEN COALESCE (attempts, '') || CAST (? AS TEXT) ELSE attempts END WHERE schedule = ? AND "
      "planned_us = ? AND tries = ?",
      ELVES_VALUES (ELVES_INT (outcome->http_status), ELVES_INT (ATTEMPTS_MAX),
                    ELVES_TEXT (outcome->attempt), ELVES_TEXT (outcome->id),
                    ELVES_INT (outcome->planned_us), ELVES_INT (outcome->number)),
      NULL, error);
}

static gboolean
write_delivery (ElvesStoreTx *tx, const ElvesCronOutcome *outcome, GError **error)
{
  return elves_store_tx_exec (
      tx,
      "UPDATE cron_firing SET state = 2, sent_us = ?, report_until_us = ? WHERE schedule = ? AND "
      "planned_us = ? AND state = 1",
      ELVES_VALUES (ELVES_INT (outcome->ended_us), ELVES_INT (outcome->report_until_us),
                    ELVES_TEXT (outcome->id), ELVES_INT (outcome->planned_us)),
      NULL, error);
}

static gboolean
end_first (ElvesStoreTx *tx, Ending *self, GError **error)
{
  gboolean had_ended = FALSE;
  if (self->outcome->planned_us != 0 && !has_ended (tx, self->outcome, &had_ended, error))
    return FALSE;
  return had_ended || elves_cron_firings_write_end (tx, self->outcome, &self->is_news, error);
}

static gboolean
end (ElvesStoreTx *tx, gpointer data, GError **error)
{
  Ending *self = data;
  const ElvesCronOutcome *outcome = self->outcome;
  self->is_news = FALSE;
  if (outcome->attempt != NULL && !write_attempt (tx, outcome, error))
    return FALSE;
  switch (outcome->step)
    {
    case ELVES_CRON_STEP_TRIED:
      return TRUE;
    case ELVES_CRON_STEP_DELIVERED:
      return write_delivery (tx, outcome, error);
    case ELVES_CRON_STEP_END:
      break;
    }
  return end_first (tx, self, error);
}

static void
on_ended (gpointer data, const GError *error)
{
  Ending *self = data;
  self->done (self->outcome, error == NULL && self->is_news, error, self->user_data);
}

void
elves_cron_firings_end (ElvesCronLedger *ledger,
                        ElvesCronOutcome *outcome,
                        ElvesCronEndedFunc done,
                        gpointer user_data)
{
  Ending *self = g_new0 (Ending, 1);
  self->outcome = outcome;
  self->done = done;
  self->user_data = user_data;
  elves_cron_ledger_write (ledger, end, on_ended, self, ending_free);
}

const char *
elves_cron_status_name (guint life, gboolean ok, const char *reason)
{
  switch ((ElvesCronLife) life)
    {
    case ELVES_CRON_ENDED:
      if (g_strcmp0 (reason, ELVES_CRON_REPORT_TIMEOUT) == 0)
        return "TIMEOUT";
      return ok ? "SUCCESS" : "FAILED";
    case ELVES_CRON_PASSED_OVER:
      return "SKIPPED";
    case ELVES_CRON_WAS_MISSED:
      return "MISSED";
    case ELVES_CRON_WAS_PAUSED:
      return "PAUSED";
    default:
      return "RUNNING";
    }
}
