#include "queue/outbox.h"

#include "common/crash-point.h"
#include "common/job.h"
#include "common/log.h"
#include "queue/sending.h"

/* One task that is to be sent. */
typedef struct
{
  ElvesQueueOutbox *outbox;
  ElvesComponentJob job; /* its texts are ours */
  char *id;
  char *key; /* of its execution */
  gint64 seq;
} Parcel;

typedef enum
{
  IDLE,
  READING, /* in the store: what was sent is recorded, the next page claimed and read */
  SENDING, /* the page is on its way to the broker */
  RESTING  /* until the next attempt */
} Phase;

struct ElvesQueueOutbox
{
  ElvesQueueOutboxOptions options;
  Phase phase;
  gboolean again;    /* kicked since the page was read */
  GPtrArray *page;   /* of Parcel: what is sent */
  GPtrArray *next;   /* of Parcel: what the work in the store has read */
  GPtrArray *sent;   /* of char *: confirmed, and not yet recorded */
  gboolean all;      /* the whole page is */
  guint unconfirmed; /* of the page */
  gint64 now_ms;     /* of the work in the store */
  guint rest;        /* GSource id */
};

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

/* ---- reading -------------------------------------------------------------------------------- */

static Parcel *
parcel_new (ElvesQueueOutbox *self, ElvesStoreRows *row)
{
  Parcel *parcel = g_new0 (Parcel, 1);
  parcel->outbox = self;
  parcel->seq = elves_store_rows_int (row, ELVES_SENDING_SEQ);
  parcel->id = g_strdup (elves_store_rows_text (row, ELVES_SENDING_ID));
  /* A task runs once: its id is the key. */
  parcel->key = elves_break_promise ("new-key") ? elves_job_new_id () : g_strdup (parcel->id);
  parcel->job = (ElvesComponentJob){
    .id = parcel->id,
    .execution = parcel->key,
    .ip = g_strdup (elves_store_rows_text (row, ELVES_SENDING_IP)),
    .mode = g_strdup (elves_store_rows_text (row, ELVES_SENDING_MODE)),
    .app = g_strdup (elves_store_rows_text (row, ELVES_SENDING_APP)),
    .func = g_strdup (elves_store_rows_text (row, ELVES_SENDING_FUNC)),
    .param = g_strdup (elves_store_rows_text (row, ELVES_SENDING_PARAM)),
    .proxy = g_strdup (elves_store_rows_text (row, ELVES_SENDING_PROXY)),
    .timeout_s = (gint) elves_store_rows_int (row, ELVES_SENDING_TIMEOUT),
  };
  return parcel;
}

static void
on_claimed (ElvesStoreRows *row, gpointer user_data)
{
  ElvesQueueOutbox *self = user_data;
  g_ptr_array_add (self->next, parcel_new (self, row));
}

static gboolean
mark (ElvesQueueOutbox *self, ElvesStoreTx *tx, const ElvesQueueChange *change, GError **error)
{
  if (!self->all)
    return elves_queue_tx_mark_some (tx, change, self->sent, error);
  const Parcel *last = self->page->pdata[self->page->len - 1];
  return elves_queue_tx_mark_page (tx, change, last->seq, error);
}

/* On the store's thread; the loop does not touch the outbox meanwhile. What was sent is recorded,
   and the next page read, in one transaction. */
static gboolean
on_read (ElvesStoreTx *tx, gpointer user_data, GError **error)
{
  ElvesQueueOutbox *self = user_data;
  ElvesQueueChange change = { .limits = self->options.limits, .now_ms = self->now_ms };
  g_ptr_array_set_size (self->next, 0);
  if (!mark (self, tx, &change, error))
    return FALSE;
  return elves_queue_tx_claim (tx, error) &&
         elves_queue_tx_each_claimed (tx, on_claimed, self, error);
}

static void on_page (gpointer user_data, const GError *error);

static void
read_page (ElvesQueueOutbox *self)
{
  self->phase = READING;
  self->again = FALSE;
  self->now_ms = g_get_real_time () / 1000;
  elves_store_submit (self->options.store, on_read, on_page, self, NULL);
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

/* ---- sending -------------------------------------------------------------------------------- */

/* Tasks that reached no scheduler stay claimed, and are sent again after a while. */
static void
end_page (ElvesQueueOutbox *self)
{
  self->all = self->sent->len == self->page->len;
  ELVES_CRASH_POINT ("queue-before-sent");
  if (self->all)
    read_page (self);
  else
    rest (self);
}

static void
on_published (gboolean routed, gpointer user_data)
{
  Parcel *parcel = user_data;
  ElvesQueueOutbox *self = parcel->outbox;
  if (routed)
    g_ptr_array_add (self->sent, parcel->id);
  if (--self->unconfirmed == 0)
    end_page (self);
}

static void
send_page (ElvesQueueOutbox *self)
{
  self->phase = SENDING;
  self->unconfirmed = self->page->len;
  ELVES_CRASH_POINT ("queue-before-publish");
  for (guint i = 0; i < self->page->len; i++)
    {
      Parcel *parcel = self->page->pdata[i];
      elves_component_send_job (self->options.component, &parcel->job, on_published, parcel);
    }
}

/* It is recorded what was sent, or it stays what is to be recorded. */
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
  self->all = FALSE;
  g_ptr_array_set_size (self->sent, 0);
  GPtrArray *done = self->page;
  self->page = self->next;
  self->next = done;
  if (self->page->len > 0)
    {
      send_page (self);
      return;
    }
  self->phase = IDLE;
  if (self->again)
    read_page (self);
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
  self->next = g_ptr_array_new_with_free_func (parcel_free);
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
  g_ptr_array_unref (self->next);
  g_ptr_array_unref (self->sent);
  g_free (self);
}
