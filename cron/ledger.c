/* The tables, and the fence in front of them.
 *
 * cron_schedule  one row for each timed task: when, what, and how far it has come (cursor_us)
 * cron_firing    one row for each planned instant that was decided, by schedule and instant: that
 *                is the key of its execution, so that a second decision of the same instant cannot
 *                be written. It is the list of what is still to be published, the history, and
 *                what the audit counts.
 * cron_leader    one row: the number of the leader */
#include "cron/ledger.h"

#include "common/error.h"

static const char *const version_1[] = {
  "CREATE TABLE cron_schedule ("
  "id TEXT PRIMARY KEY, request TEXT, name TEXT NOT NULL, "
  "timing $INT NOT NULL, dialect TEXT NOT NULL, rule TEXT NOT NULL, tz TEXT NOT NULL, "
  "gap TEXT NOT NULL, fold TEXT NOT NULL, every_us $INT NOT NULL, at_us $INT NOT NULL, "
  "start_us $INT NOT NULL, end_us $INT NOT NULL, overlap $INT NOT NULL, missed $INT NOT NULL, "
  "missed_cap $INT NOT NULL, count_limit $INT NOT NULL, action $INT NOT NULL, ip TEXT NOT NULL, "
  "mode TEXT NOT NULL, app TEXT NOT NULL, func TEXT NOT NULL, proxy TEXT NOT NULL, "
  "param TEXT NOT NULL, timeout_s $INT NOT NULL, target TEXT NOT NULL, method TEXT NOT NULL, "
  "content_type TEXT NOT NULL, headers TEXT NOT NULL, retries $INT NOT NULL, "
  "state $INT NOT NULL, created_us $INT NOT NULL, first_us $INT NOT NULL, "
  "cursor_us $INT NOT NULL, fired $INT NOT NULL, pruned_us $INT NOT NULL DEFAULT 0, "
  "last_us $INT NOT NULL DEFAULT 0, last_flag $INT, last_error TEXT, last_worker_flag $INT, "
  "last_message TEXT, last_cost_ms $INT)",
  "CREATE INDEX cron_schedule_by_ip ON cron_schedule (ip, created_us)",
  "CREATE INDEX cron_schedule_by_age ON cron_schedule (created_us)",
  "CREATE INDEX cron_schedule_by_request ON cron_schedule (request)",
  "CREATE TABLE cron_firing ("
  "schedule TEXT NOT NULL, planned_us $INT NOT NULL, until_us $INT NOT NULL, "
  "state $INT NOT NULL, decided_us $INT NOT NULL, sent_us $INT NOT NULL DEFAULT 0, "
  "ended_us $INT NOT NULL DEFAULT 0, flag $INT, error TEXT, worker_flag $INT, message TEXT, "
  "cost_ms $INT, PRIMARY KEY (schedule, planned_us))",
  "CREATE INDEX cron_firing_open ON cron_firing (schedule, planned_us) WHERE state IN (1, 2, 7)",
  "CREATE INDEX cron_firing_by_age ON cron_firing (until_us)",
  "CREATE TABLE cron_leader (id $INT PRIMARY KEY, number $INT NOT NULL, holder TEXT NOT NULL, "
  "since_us $INT NOT NULL, beat_us $INT NOT NULL)",
  "INSERT INTO cron_leader (id, number, holder, since_us, beat_us) VALUES (1, 0, '', 0, 0)",
  NULL,
};

/* Tasks that belong to somebody, are known by a name of their own, and are kept when deleted;
   executions that are reported by a token, and what came of each try of a callback. */
static const char *const version_2[] = {
  "ALTER TABLE cron_schedule ADD COLUMN owner TEXT NOT NULL DEFAULT ''",
  "ALTER TABLE cron_schedule ADD COLUMN unique_key TEXT NOT NULL DEFAULT ''",
  "ALTER TABLE cron_schedule ADD COLUMN extra TEXT NOT NULL DEFAULT ''",
  "ALTER TABLE cron_schedule ADD COLUMN spelling $INT NOT NULL DEFAULT 0",
  "ALTER TABLE cron_schedule ADD COLUMN first_now $INT NOT NULL DEFAULT 0",
  "ALTER TABLE cron_schedule ADD COLUMN exchange TEXT NOT NULL DEFAULT ''",
  "ALTER TABLE cron_schedule ADD COLUMN targets TEXT NOT NULL DEFAULT ''",
  "ALTER TABLE cron_schedule ADD COLUMN token_param TEXT NOT NULL DEFAULT ''",
  "ALTER TABLE cron_schedule ADD COLUMN report_timeout_s $INT NOT NULL DEFAULT 0",
  "ALTER TABLE cron_schedule ADD COLUMN retry_delays TEXT NOT NULL DEFAULT ''",
  "ALTER TABLE cron_schedule ADD COLUMN spawn $INT NOT NULL DEFAULT 0",
  "ALTER TABLE cron_schedule ADD COLUMN spawned_by TEXT NOT NULL DEFAULT ''",
  "ALTER TABLE cron_schedule ADD COLUMN deleted_us $INT NOT NULL DEFAULT 0",
  "CREATE UNIQUE INDEX cron_schedule_by_unique ON cron_schedule (owner, unique_key) "
  "WHERE unique_key <> '' AND deleted_us = 0",
  "CREATE INDEX cron_schedule_by_owner ON cron_schedule (owner, created_us)",
  "CREATE INDEX cron_schedule_by_name ON cron_schedule (owner, name)",
  "CREATE INDEX cron_schedule_deleted ON cron_schedule (deleted_us) WHERE deleted_us > 0",
  "CREATE INDEX cron_schedule_spawned ON cron_schedule (created_us) WHERE spawned_by <> ''",
  "ALTER TABLE cron_firing ADD COLUMN request TEXT",
  "ALTER TABLE cron_firing ADD COLUMN token TEXT",
  "ALTER TABLE cron_firing ADD COLUMN report_until_us $INT NOT NULL DEFAULT 0",
  "ALTER TABLE cron_firing ADD COLUMN reason TEXT",
  "ALTER TABLE cron_firing ADD COLUMN http_status $INT NOT NULL DEFAULT 0",
  "ALTER TABLE cron_firing ADD COLUMN tries $INT NOT NULL DEFAULT 0",
  "ALTER TABLE cron_firing ADD COLUMN attempts TEXT",
  "CREATE UNIQUE INDEX cron_firing_by_token ON cron_firing (token) WHERE token IS NOT NULL",
  "CREATE INDEX cron_firing_by_report ON cron_firing (report_until_us) "
  "WHERE state = 2 AND report_until_us > 0",
  NULL,
};

static const ElvesStoreMigration migrations[] = { { version_1 }, { version_2 }, { NULL } };

struct ElvesCronLedger
{
  ElvesStore *store;
  char *holder;
  gint64 number; /* of our leadership; 0: none. Written on the loop, read on the store's thread */
  gboolean is_deposed;
  void (*deposed) (gpointer user_data);
  gpointer user_data;
};

/* A work behind the fence. */
typedef struct
{
  ElvesCronLedger *ledger;
  gint64 number; /* as it was when it was submitted */
  ElvesStoreWork work;
  ElvesStoreDone done;
  gpointer data;
  GDestroyNotify destroy;
} Fenced;

/**
 * elves_cron_ledger_open:
 *
 * Returns: (transfer full): the ledger, with its tables.
 */
ElvesCronLedger *
elves_cron_ledger_open (const ElvesCronLedgerOptions *options, GError **error)
{
  ElvesStoreOptions store_options = {
    .url = options->url,
    .schema = "cron",
    .exclusive = options->exclusive,
    .queue_limit = options->queue_limit,
    .timeout_ms = options->timeout_ms,
    .retry_first_ms = options->retry_first_ms,
    .retry_cap_ms = options->retry_cap_ms,
  };
  ElvesStore *store = elves_store_open (&store_options, migrations, error);
  ElvesCronLedger *self;
  if (store == NULL)
    return NULL;
  self = g_new0 (ElvesCronLedger, 1);
  self->store = store;
  self->holder = g_strdup (options->holder);
  return self;
}

/**
 * elves_cron_ledger_free:
 * @self: (nullable)
 */
void
elves_cron_ledger_free (ElvesCronLedger *self)
{
  if (self == NULL)
    return;
  elves_store_free (self->store);
  g_free (self->holder);
  g_free (self);
}

ElvesStore *
elves_cron_ledger_store (ElvesCronLedger *self)
{
  return self->store;
}

gint64
elves_cron_ledger_number (ElvesCronLedger *self)
{
  return self->number;
}

void
elves_cron_ledger_on_deposed (ElvesCronLedger *self,
                              void (*deposed) (gpointer user_data),
                              gpointer user_data)
{
  self->deposed = deposed;
  self->user_data = user_data;
}

/* ---- to lead -------------------------------------------------------------------------------- */

typedef struct
{
  ElvesCronLedger *ledger;
  gint64 number;
  ElvesStoreDone done;
  gpointer user_data;
} Taking;

static gboolean
take_number (ElvesStoreTx *tx, gpointer data, GError **error)
{
  Taking *taking = data;
  gint64 now_us = g_get_real_time ();
  g_autoptr (ElvesStoreRows) rows = NULL;
  if (!elves_store_tx_exec (tx,
                            "UPDATE cron_leader SET number = number + 1, holder = ?, "
                            "since_us = ?, beat_us = ? WHERE id = 1",
                            ELVES_VALUES (ELVES_TEXT (taking->ledger->holder), ELVES_INT (now_us),
                                          ELVES_INT (now_us)),
                            NULL, error))
    return FALSE;
  rows = elves_store_tx_query (tx, "SELECT number FROM cron_leader WHERE id = 1", NULL, error);
  while (rows != NULL && elves_store_rows_next (rows))
    taking->number = elves_store_rows_int (rows, 0);
  return elves_store_rows_end (rows, error);
}

static void
on_number_taken (gpointer data, const GError *error)
{
  Taking *taking = data;
  if (error == NULL)
    {
      taking->ledger->number = taking->number;
      taking->ledger->is_deposed = FALSE;
    }
  taking->done (taking->user_data, error);
}

void
elves_cron_ledger_lead (ElvesCronLedger *self, ElvesStoreDone done, gpointer user_data)
{
  Taking *taking = g_new0 (Taking, 1);
  taking->ledger = self;
  taking->done = done;
  taking->user_data = user_data;
  elves_store_submit (self->store, take_number, on_number_taken, taking, g_free);
}

/* ---- works ---------------------------------------------------------------------------------- */

static gboolean
run_fenced (ElvesStoreTx *tx, gpointer data, GError **error)
{
  Fenced *fenced = data;
  gint64 changed = 0;
  if (!elves_store_tx_exec (
          tx, "UPDATE cron_leader SET beat_us = ? WHERE id = 1 AND number = ?",
          ELVES_VALUES (ELVES_INT (g_get_real_time ()), ELVES_INT (fenced->number)), &changed,
          error))
    return FALSE;
  if (changed == 1)
    return fenced->work (tx, fenced->data, error);
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_REFUSED,
               "Another elves-cron leads: this one's number was %" G_GINT64_FORMAT, fenced->number);
  return FALSE;
}

static void
on_fenced_done (gpointer data, const GError *error)
{
  Fenced *fenced = data;
  ElvesCronLedger *self = fenced->ledger;
  gboolean is_news = g_error_matches (error, ELVES_ERROR, ELVES_ERROR_REFUSED) &&
                     fenced->number == self->number && !self->is_deposed;
  if (is_news)
    self->is_deposed = TRUE;
  fenced->done (fenced->data, error);
  if (is_news && self->deposed != NULL)
    self->deposed (self->user_data);
}

static void
fenced_free (gpointer data)
{
  Fenced *fenced = data;
  if (fenced->destroy != NULL)
    fenced->destroy (fenced->data);
  g_free (fenced);
}

/**
 * elves_cron_ledger_write:
 * @work: run when this process leads still; else it fails with %ELVES_ERROR_REFUSED
 */
void
elves_cron_ledger_write (ElvesCronLedger *self,
                         ElvesStoreWork work,
                         ElvesStoreDone done,
                         gpointer data,
                         GDestroyNotify destroy)
{
  Fenced *fenced = g_new0 (Fenced, 1);
  fenced->ledger = self;
  fenced->number = self->number;
  fenced->work = work;
  fenced->done = done;
  fenced->data = data;
  fenced->destroy = destroy;
  elves_store_submit (self->store, run_fenced, on_fenced_done, fenced, fenced_free);
}

void
elves_cron_ledger_read (ElvesCronLedger *self,
                        ElvesStoreWork work,
                        ElvesStoreDone done,
                        gpointer data,
                        GDestroyNotify destroy)
{
  elves_store_submit (self->store, work, done, data, destroy);
}
