/* Tasks that are ready start in their order. Those that cannot yet need no list of their own: they
   are the pendding ones that wait for nothing. A queue that waits for an instant of its stagger
   says so in wake_ms; one that waits for its width goes on with its next result. */
#include "queue/starting.h"

#define WOKEN_AT_ONCE 50

/* A clock that was set back makes nobody wait longer than the stagger. */
static gboolean
is_early (const ElvesQueueAccount *account, gint64 now_ms)
{
  return now_ms < account->next_start_ms && account->next_start_ms - now_ms <= account->stagger_ms;
}

gint64
elves_queue_room (const ElvesQueueAccount *account, gint64 now_ms)
{
  gint64 room = account->width > 0 ? account->width - account->running : G_MAXINT32;
  if (account->state != ELVES_QUEUE_RUNNING)
    return 0;
  if (account->stagger_ms > 0)
    room = is_early (account, now_ms) ? 0 : MIN (room, 1);
  return CLAMP (room, 0, elves_queue_account_pendding (account));
}

void
elves_queue_pace (ElvesQueueAccount *account, gint64 started, gint64 now_ms)
{
  gboolean has_width = account->width == 0 || account->running < account->width;
  if (account->stagger_ms > 0 && started > 0)
    account->next_start_ms = now_ms + account->stagger_ms;
  account->wake_ms = 0;
  if (account->state == ELVES_QUEUE_RUNNING && has_width && is_early (account, now_ms) &&
      elves_queue_account_pendding (account) > 0)
    account->wake_ms = account->next_start_ms;
}

static gboolean
start_ready (ElvesStoreTx *tx,
             const ElvesQueueChange *change,
             const char *queue_id,
             const ElvesQueueAccount *account,
             gint64 room,
             gint64 *out_started,
             GError **error)
{
  return elves_store_tx_exec (
      tx,
      "UPDATE queue_task SET status = 'running', started_ms = ?,"
      " deadline_ms = timeout_s * 1000 + CAST (? AS BIGINT),"
      " changed = picked.place + CAST (? AS BIGINT) FROM"
      " (SELECT ready.seq AS at, row_number () OVER (ORDER BY ready.seq) AS place FROM"
      " (SELECT seq FROM queue_task WHERE queue_id = ? AND status = 'pendding'"
      " AND waits_for = 0 ORDER BY seq LIMIT ?) AS ready) AS picked"
      " WHERE queue_task.seq = picked.at",
      ELVES_VALUES (ELVES_INT (change->now_ms),
                    ELVES_INT (change->now_ms + change->limits->grace_ms),
                    ELVES_INT (account->changes), ELVES_TEXT (queue_id), ELVES_INT (room)),
      out_started, error);
}

/* Nothing runs, and nothing will: what is still pendding waits for a task that has failed. */
static void
set_end (const ElvesQueueChange *change, ElvesQueueAccount *account)
{
  gboolean has_ended =
      account->state != ELVES_QUEUE_PENDDING && account->running == 0 && account->wake_ms == 0;
  if (has_ended && account->ended_ms == 0)
    account->ended_ms = change->now_ms;
}

/**
 * elves_queue_tx_go_on:
 * @account: of the queue, as it is now
 */
gboolean
elves_queue_tx_go_on (ElvesStoreTx *tx,
                      const ElvesQueueChange *change,
                      const char *queue_id,
                      ElvesQueueAccount *account,
                      GError **error)
{
  gint64 room = elves_queue_room (account, change->now_ms), started = 0;
  if (room > 0 && !start_ready (tx, change, queue_id, account, room, &started, error))
    return FALSE;
  account->running += started;
  account->changes += started;
  /* Nothing was ready: the next one that becomes so starts at once. */
  if (room > 0 && started == 0)
    account->wake_ms = 0;
  else
    elves_queue_pace (account, started, change->now_ms);
  set_end (change, account);
  if (started > 0)
    elves_queue_effects_start (change->effects);
  if (account->wake_ms > 0)
    elves_queue_effects_wake (change->effects, account->wake_ms);
  elves_queue_effects_touch (change->effects, queue_id);
  return TRUE;
}

/* ---- instants ------------------------------------------------------------------------------- */

static gboolean
find_due (ElvesStoreTx *tx, gint64 now_ms, GPtrArray *queues, GError **error)
{
  g_autoptr (ElvesStoreRows) rows =
      elves_store_tx_query (tx,
                            "SELECT queue_id FROM queue WHERE wake_ms IS NOT NULL AND wake_ms <= ?"
                            " ORDER BY wake_ms LIMIT ?",
                            ELVES_VALUES (ELVES_INT (now_ms), ELVES_INT (WOKEN_AT_ONCE)), error);
  while (rows != NULL && elves_store_rows_next (rows))
    g_ptr_array_add (queues, g_strdup (elves_store_rows_text (rows, 0)));
  return elves_store_rows_end (rows, error);
}

static gboolean
find_next (ElvesStoreTx *tx, gint64 *out_next_ms, GError **error)
{
  g_autoptr (ElvesStoreRows) rows = elves_store_tx_query (
      tx, "SELECT min (wake_ms) FROM queue WHERE wake_ms IS NOT NULL", NULL, error);
  *out_next_ms = 0;
  if (rows != NULL && elves_store_rows_next (rows))
    *out_next_ms = elves_store_rows_int (rows, 0);
  return elves_store_rows_end (rows, error);
}

static gboolean
wake (ElvesStoreTx *tx, const ElvesQueueChange *change, const char *queue_id, GError **error)
{
  g_auto (ElvesQueueAccount) account = { 0 };
  ElvesQueueVerdict verdict;
  return elves_queue_account_read (tx, queue_id, &account, &verdict, error) &&
         elves_queue_tx_go_on (tx, change, queue_id, &account, error) &&
         elves_queue_account_write (tx, queue_id, &account, error);
}

gboolean
elves_queue_tx_wake (ElvesStoreTx *tx,
                     const ElvesQueueChange *change,
                     gint64 *out_next_ms,
                     GError **error)
{
  g_autoptr (GPtrArray) queues = g_ptr_array_new_with_free_func (g_free);
  if (!find_due (tx, change->now_ms, queues, error))
    return FALSE;
  for (guint i = 0; i < queues->len; i++)
    if (!wake (tx, change, queues->pdata[i], error))
      return FALSE;
  return find_next (tx, out_next_ms, error);
}
