#include "queue/canceller.h"

#include "common/json-writer.h"
#include "common/log.h"
#include "queue/metrics.h"

#include <string.h>

#define CALL_TIMEOUT_MS 10000
#define AGAIN_FIRST_MS 1000
#define AGAIN_CAP_MS 60000
#define NOT_SUPPORTED "[410.3]"

/* One task that is to end. */
typedef struct
{
  ElvesQueueCanceller *canceller;
  char *id, *ip;
  gint64 tries;
  gint64 again_ms; /* when it is asked for again; 0: never */
} Target;

typedef enum
{
  IDLE,    /* until the nearest instant, if there is one */
  READING, /* in the store: what was answered is recorded, and who is due read */
  ASKING
} Phase;

struct ElvesQueueCanceller
{
  ElvesQueueCancellerOptions options;
  Phase phase;
  gboolean again;     /* kicked since they were read */
  GPtrArray *targets; /* of Target: asked */
  GPtrArray *next;    /* of Target: what the work in the store has read */
  guint unanswered;
  gint64 now_ms, next_ms; /* of the work in the store */
  guint timer;            /* GSource id */
  ElvesLogThrottle log;
};

static void
target_free (gpointer data)
{
  Target *target = data;
  g_free (target->id);
  g_free (target->ip);
  g_free (target);
}

/* ---- the store ------------------------------------------------------------------------------ */

static gboolean
record (ElvesStoreTx *tx, const Target *target, GError **error)
{
  ElvesStoreValue never = { .kind = ELVES_STORE_NULL };
  return elves_store_tx_exec (
      tx,
      "UPDATE queue_task SET cancel_ms = ?, cancel_tries = ? WHERE task_id = ?"
      " AND status = 'running'",
      ELVES_VALUES (target->again_ms > 0 ? ELVES_INT (target->again_ms) : never,
                    ELVES_INT (target->tries), ELVES_TEXT (target->id)),
      NULL, error);
}

static gboolean
read_due (ElvesStoreTx *tx, ElvesQueueCanceller *self, GError **error)
{
  g_autoptr (ElvesStoreRows) rows = elves_store_tx_query (
      tx,
      "SELECT task_id, ip, cancel_tries FROM queue_task WHERE status = 'running'"
      " AND cancel_ms IS NOT NULL AND cancel_ms <= ? ORDER BY cancel_ms LIMIT ?",
      ELVES_VALUES (ELVES_INT (self->now_ms), ELVES_INT (ELVES_CANCELLER_CALLS)), error);
  while (rows != NULL && elves_store_rows_next (rows))
    {
      Target *target = g_new0 (Target, 1);
      target->canceller = self;
      target->id = g_strdup (elves_store_rows_text (rows, 0));
      target->ip = g_strdup (elves_store_rows_text (rows, 1));
      target->tries = elves_store_rows_int (rows, 2);
      g_ptr_array_add (self->next, target);
    }
  return elves_store_rows_end (rows, error);
}

static gboolean
read_next (ElvesStoreTx *tx, ElvesQueueCanceller *self, GError **error)
{
  g_autoptr (ElvesStoreRows) rows = elves_store_tx_query (
      tx,
      "SELECT min (cancel_ms) FROM queue_task WHERE status = 'running' AND cancel_ms IS NOT NULL",
      NULL, error);
  self->next_ms = 0;
  if (rows != NULL && elves_store_rows_next (rows))
    self->next_ms = elves_store_rows_int (rows, 0);
  return elves_store_rows_end (rows, error);
}

/* On the store's thread; the loop does not touch these meanwhile. */
static gboolean
on_read (ElvesStoreTx *tx, gpointer user_data, GError **error)
{
  ElvesQueueCanceller *self = user_data;
  g_ptr_array_set_size (self->next, 0);
  for (guint i = 0; i < self->targets->len; i++)
    if (!record (tx, self->targets->pdata[i], error))
      return FALSE;
  return read_due (tx, self, error) && read_next (tx, self, error);
}

static void on_targets (gpointer user_data, const GError *error);

static void
read_targets (ElvesQueueCanceller *self)
{
  self->phase = READING;
  self->again = FALSE;
  self->now_ms = g_get_real_time () / 1000;
  elves_store_submit (self->options.store, on_read, on_targets, self, NULL);
}

static gboolean
on_timer (gpointer user_data)
{
  ElvesQueueCanceller *self = user_data;
  self->timer = 0;
  read_targets (self);
  return G_SOURCE_REMOVE;
}

static void
rest (ElvesQueueCanceller *self, gint64 delay_ms)
{
  self->phase = IDLE;
  self->timer = g_timeout_add ((guint) CLAMP (delay_ms, 1, AGAIN_CAP_MS), on_timer, self);
}

/* ---- asking --------------------------------------------------------------------------------- */

/* Whether it makes sense to ask again. */
static gboolean
note_answer (Target *target, const ElvesCallerAnswer *answer, const GError *error)
{
  guint held_back;
  g_autofree char *text =
      answer != NULL ? elves_json_value_to_text (elves_json_object_get (answer->members, "error"))
                     : g_strdup (error->message);
  if (answer != NULL && *text == '\0')
    return TRUE;
  gboolean is_final = g_str_has_prefix (text, NOT_SUPPORTED);
  if (elves_log_throttle_pass (&target->canceller->log, g_get_monotonic_time (), &held_back))
    g_message ("a task is not cancelled%s: %s task=%s ip=%s held_back=%u", is_final ? "" : " yet",
               text, target->id, target->ip, held_back);
  return !is_final;
}

static void
on_answer (const ElvesCallerAnswer *answer, const GError *error, gpointer user_data)
{
  Target *target = user_data;
  ElvesQueueCanceller *self = target->canceller;
  gint64 delay_ms = MIN ((gint64) AGAIN_FIRST_MS << MIN (target->tries, 10), AGAIN_CAP_MS);
  target->again_ms = note_answer (target, answer, error) ? g_get_real_time () / 1000 + delay_ms : 0;
  target->tries++;
  if (--self->unanswered == 0)
    read_targets (self);
}

static void
ask (Target *target)
{
  GString *body = g_string_new (NULL);
  elves_json_open (body, NULL);
  elves_json_add_text (body, "ip", target->ip);
  elves_json_add_text (body, "id", target->id);
  elves_json_add_text (body, "type", "queue");
  elves_json_add_text (body, "execution", target->id); /* a task runs once: its id is the key */
  elves_json_close (body);
  ElvesCallerRequest request = { "scheduler", "cancelJob", body, CALL_TIMEOUT_MS };
  elves_queue_metrics.cancels_asked++;
  elves_caller_call (target->canceller->options.caller, &request, on_answer, target);
  g_string_free (body, TRUE);
}

static void
ask_all (ElvesQueueCanceller *self)
{
  self->phase = ASKING;
  self->unanswered = self->targets->len;
  for (guint i = 0; i < self->targets->len; i++)
    ask (self->targets->pdata[i]);
}

static void
on_targets (gpointer user_data, const GError *error)
{
  ElvesQueueCanceller *self = user_data;
  if (error != NULL)
    {
      g_info ("the tasks to cancel cannot be read: %s", error->message);
      rest (self, AGAIN_FIRST_MS);
      return;
    }
  GPtrArray *done = self->targets;
  self->targets = self->next;
  self->next = done;
  g_ptr_array_set_size (self->next, 0);
  if (self->targets->len > 0)
    ask_all (self);
  else if (self->again)
    read_targets (self);
  else if (self->next_ms > 0)
    rest (self, self->next_ms - self->now_ms);
  else
    self->phase = IDLE;
}

/* ---- beginning and end ---------------------------------------------------------------------- */

void
elves_queue_canceller_kick (ElvesQueueCanceller *self)
{
  self->again = TRUE;
  if (self->phase != IDLE)
    return;
  if (self->timer != 0)
    g_source_remove (self->timer);
  self->timer = 0;
  read_targets (self);
}

ElvesQueueCanceller *
elves_queue_canceller_new (const ElvesQueueCancellerOptions *options)
{
  ElvesQueueCanceller *self = g_new0 (ElvesQueueCanceller, 1);
  self->options = *options;
  self->targets = g_ptr_array_new_with_free_func (target_free);
  self->next = g_ptr_array_new_with_free_func (target_free);
  return self;
}

void
elves_queue_canceller_free (ElvesQueueCanceller *self)
{
  if (self == NULL)
    return;
  if (self->timer != 0)
    g_source_remove (self->timer);
  g_ptr_array_unref (self->targets);
  g_ptr_array_unref (self->next);
  g_free (self);
}
