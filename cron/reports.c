/* Reports, and their absence.
 *
 * What waits for a report is in the store only, with the time until when: a timer is set to the
 * earliest of them. So nothing is forgotten with a leader, and nothing is held in memory. */
#include "cron/reports.h"

#include "common/error.h"
#include "common/utf8.h"
#include "cron/life.h"
#include "cron/metrics.h"

#include <string.h>

#define LATE_TEXT "[411.3]Execution Not Reported In Time"

enum
{
  STEP = 200,            /* ended in one work */
  CHECK_S = 60,          /* the timer is no longer than that: somebody may set the clock */
  RETRY_S = 5,           /* when the store has failed */
  MESSAGE_LIMIT = 16384, /* bytes of a report */
};

struct ElvesCronReports
{
  ElvesCronLedger *ledger;
  ElvesCronReportEndFunc ended;
  gpointer user_data;
  gint64 next_us;      /* when the first one is over; G_MAXINT64: none waits */
  GSource *timer;      /* (nullable) */
  struct Sweep *sweep; /* (nullable) under way */
};

typedef struct Sweep
{
  ElvesCronReports *reports; /* NULL: it was freed meanwhile */
  gint64 now_us;
  GArray *ended; /* of ElvesCronInstant */
  gint64 next_us;
} Sweep;

/* ---- those that do not come ----------------------------------------------------------------- */

static gboolean
find_late (Sweep *self, ElvesStoreTx *tx, GError **error)
{
  g_autoptr (ElvesStoreRows) rows = elves_store_tx_query (
      tx,
      "SELECT schedule, planned_us FROM cron_firing WHERE state = 2 AND report_until_us > 0 AND "
      "report_until_us <= ? ORDER BY report_until_us LIMIT ?",
      ELVES_VALUES (ELVES_INT (self->now_us), ELVES_INT (STEP)), error);
  g_array_set_size (self->ended, 0);
  while (rows != NULL && elves_store_rows_next (rows))
    {
      ElvesCronInstant late = { .planned_us = elves_store_rows_int (rows, 1) };
      elves_cron_id_parse (elves_store_rows_text (rows, 0), &late.id);
      g_array_append_val (self->ended, late);
    }
  return elves_store_rows_end (rows, error);
}

static gboolean
end_late (Sweep *self, ElvesStoreTx *tx, const ElvesCronInstant *late, GError **error)
{
  char id[ELVES_CRON_ID_SIZE];
  ElvesCronOutcome outcome = {
    .id = id,
    .planned_us = late->planned_us,
    .ended_us = self->now_us,
    .worker_flag = -1,
    .error = (char *) LATE_TEXT,
    .message = (char *) "",
    .reason = ELVES_CRON_REPORT_TIMEOUT,
  };
  elves_cron_id_write (late->id, id);
  return elves_cron_firings_write_end (tx, &outcome, NULL, error);
}

static gboolean
find_next (Sweep *self, ElvesStoreTx *tx, GError **error)
{
  g_autoptr (ElvesStoreRows) rows = elves_store_tx_query (
      tx,
      "SELECT report_until_us FROM cron_firing WHERE state = 2 AND report_until_us > 0 "
      "ORDER BY report_until_us LIMIT 1",
      NULL, error);
  self->next_us = G_MAXINT64;
  while (rows != NULL && elves_store_rows_next (rows))
    self->next_us = elves_store_rows_int (rows, 0);
  return elves_store_rows_end (rows, error);
}

static gboolean
sweep (ElvesStoreTx *tx, gpointer data, GError **error)
{
  Sweep *self = data;
  if (!find_late (self, tx, error))
    return FALSE;
  for (guint i = 0; i < self->ended->len; i++)
    if (!end_late (self, tx, &g_array_index (self->ended, ElvesCronInstant, i), error))
      return FALSE;
  return find_next (self, tx, error);
}

static void set_timer (ElvesCronReports *self);

static void
on_swept (gpointer data, const GError *error)
{
  Sweep *sweep = data;
  ElvesCronReports *self = sweep->reports;
  if (self == NULL)
    return;
  self->sweep = NULL;
  if (error != NULL)
    g_warning ("executions that were not reported do not end: %s", error->message);
  self->next_us =
      MIN (self->next_us,
           error != NULL ? g_get_real_time () + RETRY_S * (gint64) G_USEC_PER_SEC : sweep->next_us);
  for (guint i = 0; error == NULL && i < sweep->ended->len; i++)
    {
      const ElvesCronInstant *late = &g_array_index (sweep->ended, ElvesCronInstant, i);
      elves_cron_metrics.ended_badly++;
      self->ended (late->id, late->planned_us, self->user_data);
    }
  set_timer (self);
}

static void
sweep_free (gpointer data)
{
  Sweep *self = data;
  g_array_unref (self->ended);
  g_free (self);
}

/* What is expected while it runs is in next_us again when it ends. */
void
elves_cron_reports_begin (ElvesCronReports *self)
{
  Sweep *fresh;
  if (self->sweep != NULL)
    return;
  fresh = g_new0 (Sweep, 1);
  fresh->reports = self;
  fresh->now_us = g_get_real_time ();
  fresh->ended = g_array_new (FALSE, FALSE, sizeof (ElvesCronInstant));
  self->sweep = fresh;
  self->next_us = G_MAXINT64;
  elves_cron_ledger_write (self->ledger, sweep, on_swept, fresh, sweep_free);
}

static void
stop_timer (ElvesCronReports *self)
{
  if (self->timer == NULL)
    return;
  g_source_destroy (self->timer);
  g_clear_pointer (&self->timer, g_source_unref);
}

static gboolean
on_timer (gpointer user_data)
{
  ElvesCronReports *self = user_data;
  g_clear_pointer (&self->timer, g_source_unref);
  if (g_get_real_time () >= self->next_us)
    elves_cron_reports_begin (self);
  else
    set_timer (self);
  return G_SOURCE_REMOVE;
}

static void
set_timer (ElvesCronReports *self)
{
  gint64 left_us = self->next_us - g_get_real_time ();
  stop_timer (self);
  if (self->next_us == G_MAXINT64)
    return;
  self->timer = g_timeout_source_new ((guint) CLAMP (left_us / 1000 + 1, 1, CHECK_S * 1000));
  g_source_set_callback (self->timer, on_timer, self, NULL);
  g_source_attach (self->timer, g_main_context_get_thread_default ());
}

void
elves_cron_reports_expect (ElvesCronReports *self, gint64 until_us)
{
  if (until_us >= self->next_us)
    return;
  self->next_us = until_us;
  if (self->sweep == NULL)
    set_timer (self);
}

ElvesCronReports *
elves_cron_reports_new (ElvesCronLedger *ledger, ElvesCronReportEndFunc ended, gpointer user_data)
{
  ElvesCronReports *self = g_new0 (ElvesCronReports, 1);
  self->ledger = ledger;
  self->ended = ended;
  self->user_data = user_data;
  self->next_us = G_MAXINT64;
  return self;
}

/**
 * elves_cron_reports_free:
 * @self: (nullable)
 */
void
elves_cron_reports_free (ElvesCronReports *self)
{
  if (self == NULL)
    return;
  stop_timer (self);
  if (self->sweep != NULL)
    self->sweep->reports = NULL;
  g_free (self);
}

/* ---- those that come ------------------------------------------------------------------------ */

typedef struct
{
  char *token, *owner, *message;
  gboolean ok;
  gint64 now_us;
  gboolean is_open;
  ElvesCronReported reported;
  ElvesCronReportedFunc done;
  gpointer user_data;
} Report;

static void
report_free (gpointer data)
{
  Report *self = data;
  g_free (self->token);
  g_free (self->owner);
  g_free (self->message);
  g_free (self);
}

/* One that this very work has ended, when it is run again, had not ended before. */
static void
read_execution (Report *self, ElvesStoreRows *rows)
{
  guint life = (guint) elves_store_rows_int (rows, 2);
  gboolean is_ours = elves_store_rows_int (rows, 6) == self->now_us;
  elves_cron_id_parse (elves_store_rows_text (rows, 0), &self->reported.id);
  self->reported.planned_us = elves_store_rows_int (rows, 1);
  self->is_open = life == ELVES_CRON_DECIDED || life == ELVES_CRON_SENT;
  self->reported.already = !self->is_open && !is_ours;
  self->reported.status = elves_cron_status_name (
      life, elves_store_rows_int (rows, 3) != 0 && elves_store_rows_int (rows, 4) == 1,
      elves_store_rows_is_null (rows, 5) ? NULL : elves_store_rows_text (rows, 5));
  self->reported.spelling = (guint) elves_store_rows_int (rows, 7);
}

static gboolean
find_execution (Report *self, ElvesStoreTx *tx, GError **error)
{
  g_autoptr (ElvesStoreRows) rows = elves_store_tx_query (
      tx,
      "SELECT f.schedule, f.planned_us, f.state, f.flag, f.worker_flag, f.reason, f.ended_us, "
      "s.spelling, s.owner FROM cron_firing f JOIN cron_schedule s ON s.id = f.schedule "
      "WHERE f.token = ?",
      ELVES_VALUES (ELVES_TEXT (self->token)), error);
  self->reported = (ElvesCronReported){ 0 };
  while (rows != NULL && elves_store_rows_next (rows))
    if (*self->owner == '\0' || strcmp (elves_store_rows_text (rows, 8), self->owner) == 0)
      read_execution (self, rows);
  if (!elves_store_rows_end (rows, error))
    return FALSE;
  if (self->reported.planned_us == 0)
    g_set_error_literal (error, ELVES_ERROR, ELVES_ERROR_NOT_FOUND, "token: no execution has it");
  return self->reported.planned_us != 0;
}

static gboolean
take (ElvesStoreTx *tx, gpointer data, GError **error)
{
  Report *self = data;
  char id[ELVES_CRON_ID_SIZE];
  ElvesCronOutcome outcome = {
    .id = id,
    .ended_us = self->now_us,
    .flag = TRUE,
    .worker_flag = self->ok ? 1 : 0,
    .error = (char *) "",
    .message = self->message,
  };
  if (!find_execution (self, tx, error))
    return FALSE;
  if (!self->is_open)
    return TRUE;
  self->reported.status = elves_cron_status_name (ELVES_CRON_ENDED, self->ok, NULL);
  outcome.planned_us = self->reported.planned_us;
  elves_cron_id_write (self->reported.id, id);
  return elves_cron_firings_write_end (tx, &outcome, NULL, error);
}

static void
on_taken (gpointer data, const GError *error)
{
  Report *self = data;
  if (error == NULL && !self->reported.already && self->ok)
    elves_cron_metrics.ended_well++;
  else if (error == NULL && !self->reported.already)
    elves_cron_metrics.ended_badly++;
  self->done (error == NULL ? &self->reported : NULL, error, self->user_data);
}

/**
 * elves_cron_reports_take:
 * @owner: "": of anybody
 * @ok: how the execution ended; the first report of it counts
 */
void
elves_cron_reports_take (ElvesCronLedger *ledger,
                         const char *token,
                         const char *owner,
                         gboolean ok,
                         const char *message,
                         ElvesCronReportedFunc done,
                         gpointer user_data)
{
  Report *self = g_new0 (Report, 1);
  self->token = g_strdup (token);
  self->owner = g_strdup (owner);
  self->ok = ok;
  self->message = elves_utf8_clean (message, strlen (message), MESSAGE_LIMIT, NULL);
  self->now_us = g_get_real_time ();
  self->done = done;
  self->user_data = user_data;
  elves_cron_ledger_write (ledger, take, on_taken, self, report_free);
}
