#include "queue/outbox.h"

#include "common/crash-point.h"
#include "common/job.h"
#include "common/log.h"
#include "queue/progress.h"

#define PAGE_TASKS 256
#define PAGE_BYTES (8 * 1024 * 1024) /* of texts, unless a single task has more */

/* One task that is to be sent. */
typedef struct
{
  ElvesQueueOutbox *outbox;
  ElvesComponentJob job; /* its texts are ours */
  char *id;
  char *key; /* of its execution */
} Parcel;

typedef enum
{
  IDLE,
  READING,   /* the next page, in the store */
  SENDING,   /* the page is on its way to the broker */
  RECORDING, /* that it has been sent, in the store */
  RESTING    /* until the next attempt */
} Phase;

struct ElvesQueueOutbox
{
  ElvesQueueOutboxOptions options;
  Phase phase;
  gboolean again;    /* kicked since the page was read */
  GPtrArray *page;   /* of Parcel */
  GPtrArray *sent;   /* of char *: confirmed */
  guint unconfirmed; /* of the page */
  gint64 now_ms;     /* when it was recorded */
  guint rest;        /* GSource id */
};

static void read_page (ElvesQueueOutbox *self);

static void
parcel_free (gpointer data)
{
  Parcel *parcel = data;
  const ElvesComponentJob *job = &parcel->job;
  const char *const texts[] = { job->ip, job->mode, job->app, job->func, job->param, job->proxy };
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    g_free ((char *) texts[i]);
  g_free (parcel->id);
  g_free (parcel->key);
  g_free (parcel);
}

static gboolean
on_rested (gpointer user_data)
{
  ElvesQueueOutbox *self = user_data;
  self->rest = 0;
  read_page (self);
  return G_SOURCE_REMOVE;
}

static void
rest (ElvesQueueOutbox *self)
{
  self->phase = RESTING;
  self->rest = g_timeout_add (self->options.retry_ms, on_rested, self);
}

/* ---- reading -------------------------------------------------------------------------------- */

enum
{
  COLUMN_ID,
  COLUMN_IP,
  COLUMN_MODE,
  COLUMN_APP,
  COLUMN_FUNC,
  COLUMN_PARAM,
  COLUMN_PROXY,
  COLUMN_TIMEOUT
};

static Parcel *
parcel_new (ElvesQueueOutbox *self, ElvesStoreRows *row)
{
  Parcel *parcel = g_new0 (Parcel, 1);
  parcel->outbox = self;
  parcel->id = g_strdup (elves_store_rows_text (row, COLUMN_ID));
  /* A task runs once: its id is the key. */
  parcel->key = elves_break_promise ("new-key") ? elves_job_new_id () : g_strdup (parcel->id);
  parcel->job = (ElvesComponentJob){
    .id = parcel->id,
    .execution = parcel->key,
    .ip = g_strdup (elves_store_rows_text (row, COLUMN_IP)),
    .mode = g_strdup (elves_store_rows_text (row, COLUMN_MODE)),
    .app = g_strdup (elves_store_rows_text (row, COLUMN_APP)),
    .func = g_strdup (elves_store_rows_text (row, COLUMN_FUNC)),
    .param = g_strdup (elves_store_rows_text (row, COLUMN_PARAM)),
    .proxy = g_strdup (elves_store_rows_text (row, COLUMN_PROXY)),
    .timeout_s = (gint) elves_store_rows_int (row, COLUMN_TIMEOUT),
  };
  return parcel;
}

/* How far a page goes: so many tasks, of so many bytes in all, but one. */
static gboolean
find_end (ElvesStoreTx *tx, gint64 *out_last, GError **error)
{
  gint64 bytes = 0;
  *out_last = -1;
  g_autoptr (ElvesStoreRows) rows = elves_store_tx_query (
      tx,
      "SELECT seq, bytes FROM queue_task WHERE status = 'running' AND sent = 0 ORDER BY seq"
      " LIMIT ?",
      ELVES_VALUES (ELVES_INT (PAGE_TASKS)), error);
  while (rows != NULL && elves_store_rows_next (rows))
    {
      bytes += elves_store_rows_int (rows, 1);
      if (*out_last >= 0 && bytes > PAGE_BYTES)
        break;
      *out_last = elves_store_rows_int (rows, 0);
    }
  return elves_store_rows_end (rows, error);
}

/* On the store's thread; the loop does not touch the page meanwhile. */
static gboolean
on_read (ElvesStoreTx *tx, gpointer user_data, GError **error)
{
  ElvesQueueOutbox *self = user_data;
  gint64 last;
  g_ptr_array_set_size (self->page, 0);
  if (!find_end (tx, &last, error))
    return FALSE;
  g_autoptr (ElvesStoreRows) rows = elves_store_tx_query (
      tx,
      "SELECT t.task_id, t.ip, t.mode, q.app, t.func, t.param, t.proxy, t.timeout_s"
      " FROM queue_task t JOIN queue q ON q.queue_id = t.queue_id"
      " WHERE t.status = 'running' AND t.sent = 0 AND t.seq <= ? ORDER BY t.seq",
      ELVES_VALUES (ELVES_INT (last)), error);
  while (rows != NULL && elves_store_rows_next (rows))
    g_ptr_array_add (self->page, parcel_new (self, rows));
  return elves_store_rows_end (rows, error);
}

/* ---- recording ------------------------------------------------------------------------------ */

static gboolean
on_record (ElvesStoreTx *tx, gpointer user_data, GError **error)
{
  ElvesQueueOutbox *self = user_data;
  ElvesQueueChange change = { .limits = self->options.limits, .now_ms = self->now_ms };
  return elves_queue_tx_mark_sent (tx, &change, self->sent, error);
}

static void
on_recorded (gpointer user_data, const GError *error)
{
  ElvesQueueOutbox *self = user_data;
  gboolean all = self->sent->len == self->page->len && error == NULL;
  if (error != NULL)
    g_warning ("it cannot be recorded that tasks were sent, they are sent again: %s",
               error->message);
  if (all)
    read_page (self);
  else
    rest (self);
}

static void
record (ElvesQueueOutbox *self)
{
  self->phase = RECORDING;
  self->now_ms = g_get_real_time () / 1000;
  ELVES_CRASH_POINT ("queue-before-sent");
  elves_store_submit (self->options.store, on_record, on_recorded, self, NULL);
}

/* ---- sending -------------------------------------------------------------------------------- */

static void
on_published (gboolean routed, gpointer user_data)
{
  Parcel *parcel = user_data;
  ElvesQueueOutbox *self = parcel->outbox;
  if (routed)
    g_ptr_array_add (self->sent, parcel->id);
  if (--self->unconfirmed == 0)
    record (self);
}

static void
on_page (gpointer user_data, const GError *error)
{
  ElvesQueueOutbox *self = user_data;
  if (error != NULL)
    {
      g_warning ("the tasks to send cannot be read: %s", error->message);
      rest (self);
      return;
    }
  if (self->page->len == 0)
    {
      self->phase = IDLE;
      if (self->again)
        read_page (self);
      return;
    }
  self->phase = SENDING;
  self->unconfirmed = self->page->len;
  g_ptr_array_set_size (self->sent, 0);
  ELVES_CRASH_POINT ("queue-before-publish");
  for (guint i = 0; i < self->page->len; i++)
    {
      Parcel *parcel = self->page->pdata[i];
      elves_component_send_job (self->options.component, &parcel->job, on_published, parcel);
    }
}

static void
read_page (ElvesQueueOutbox *self)
{
  self->phase = READING;
  self->again = FALSE;
  elves_store_submit (self->options.store, on_read, on_page, self, NULL);
}

/* ---- beginning and end ---------------------------------------------------------------------- */

void
elves_queue_outbox_kick (ElvesQueueOutbox *self)
{
  self->again = TRUE;
  if (self->phase == IDLE)
    read_page (self);
}

gboolean
elves_queue_outbox_is_busy (const ElvesQueueOutbox *self)
{
  return self->phase != IDLE && self->phase != RESTING;
}

ElvesQueueOutbox *
elves_queue_outbox_new (const ElvesQueueOutboxOptions *options)
{
  ElvesQueueOutbox *self = g_new0 (ElvesQueueOutbox, 1);
  self->options = *options;
  self->page = g_ptr_array_new_with_free_func (parcel_free);
  self->sent = g_ptr_array_new ();
  return self;
}

void
elves_queue_outbox_free (ElvesQueueOutbox *self)
{
  if (self == NULL)
    return;
  if (self->rest != 0)
    g_source_remove (self->rest);
  g_ptr_array_unref (self->page);
  g_ptr_array_unref (self->sent);
  g_free (self);
}
