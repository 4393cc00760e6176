/* Requests in batches, each of them one transaction.
 *
 *   asked -> a batch, written -> answered
 *     ^                | TAKE that failed
 *     +---- again <----+
 *
 * All that came together is one transaction, and so one fsync: while the disk is busy with one
 * batch the next one gathers. What nobody waits for (that a result was taken, which pid it is) lies
 * a moment, to travel with others.
 *
 * When the disk is full or fails, each request of the batch is tried on its own, and answered with
 * its error. That a result was taken is not forgotten meanwhile: it is written as soon as writing
 * works. */
#include "agent/journal-thread.h"

#define LINGER_MS 50   /* for requests nobody waits for */
#define RETRY_MS 1000  /* for those that must be written in the end */
#define TIDY_MS 10000  /* between two rounds of forgetting and vacuuming */
#define MAX_BATCH 4096 /* requests in one transaction */

struct ElvesJournalThread
{
  ElvesJournalStore *store;
  GSource *deliver;
  GThread *thread;
  GMutex lock;     /* of all that follows */
  GCond handed;    /* requests, or the end */
  GCond finished;  /* nothing is left to do */
  GQueue asked;    /* of ElvesJournalRequest */
  GQueue answered; /* of ElvesJournalRequest */
  GQueue again;    /* of ElvesJournalRequest: TAKE that failed */
  gboolean urgent; /* somebody waits for one of asked */
  gboolean busy;   /* a batch is being written */
  ElvesJournalFigures figures;
  gboolean ending;
};

/* ---- on the thread -------------------------------------------------------------------------- */

static gint64
after_ms (guint delay_ms)
{
  return g_get_monotonic_time () + (gint64) delay_ms * 1000;
}

/* With the lock. Until there is a batch worth a transaction, it is time to tidy up, or the end. */
static void
wait_for_work (ElvesJournalThread *self, gint64 tidy_us)
{
  gint64 linger_us = G_MAXINT64;
  while (!self->urgent && !self->ending)
    {
      if (self->asked.length > 0 && linger_us == G_MAXINT64)
        linger_us = after_ms (LINGER_MS);
      if (!g_cond_wait_until (&self->handed, &self->lock, MIN (linger_us, tidy_us)))
        return;
    }
}

/* With the lock. */
static GPtrArray *
take_batch (ElvesJournalThread *self)
{
  GPtrArray *batch = g_ptr_array_new ();
  while (self->asked.length > 0 && batch->len < MAX_BATCH)
    g_ptr_array_add (batch, g_queue_pop_head (&self->asked));
  if (self->asked.length == 0)
    self->urgent = FALSE;
  return batch;
}

static void
run_batch (ElvesJournalThread *self, GPtrArray *batch)
{
  if (batch->len > 0)
    elves_journal_store_run (self->store, (ElvesJournalRequest **) batch->pdata, batch->len);
}

/* With the lock. */
static void
hand_back (ElvesJournalThread *self, GPtrArray *batch)
{
  for (guint i = 0; i < batch->len; i++)
    {
      ElvesJournalRequest *request = batch->pdata[i];
      gboolean must_be_written = request->error != NULL && request->verb == ELVES_JOURNAL_TAKE;
      if (must_be_written)
        g_queue_push_tail (&self->again, request);
      else
        g_queue_push_tail (&self->answered, request);
    }
  if (self->answered.length > 0)
    g_source_set_ready_time (self->deliver, 0);
}

static void
retry_takes (ElvesJournalThread *self)
{
  g_mutex_lock (&self->lock);
  while (self->again.length > 0)
    g_queue_push_tail (&self->asked, g_queue_pop_head (&self->again));
  g_mutex_unlock (&self->lock);
}

static gpointer
run_thread (gpointer data)
{
  ElvesJournalThread *self = data;
  gint64 tidy_us = after_ms (TIDY_MS), retry_us = 0;
  g_mutex_lock (&self->lock);
  for (;;)
    {
      wait_for_work (self, self->again.length > 0 ? MIN (retry_us, tidy_us) : tidy_us);
      g_autoptr (GPtrArray) batch = take_batch (self);
      self->busy = TRUE;
      g_mutex_unlock (&self->lock);
      run_batch (self, batch);
      guint64 bytes, records;
      elves_journal_store_measure (self->store, &bytes, &records);
      gint64 now_us = g_get_monotonic_time ();
      if (now_us >= tidy_us)
        {
          elves_journal_store_tidy (self->store);
          tidy_us = after_ms (TIDY_MS);
        }
      if (now_us >= retry_us)
        {
          retry_takes (self);
          retry_us = after_ms (RETRY_MS);
        }
      g_mutex_lock (&self->lock);
      self->busy = FALSE;
      self->figures.commits += batch->len > 0;
      self->figures.bytes = bytes;
      self->figures.records = records;
      hand_back (self, batch);
      if (self->asked.length > 0)
        continue;
      g_cond_broadcast (&self->finished);
      if (self->ending)
        break;
    }
  g_mutex_unlock (&self->lock);
  return NULL;
}

/* ---- for the main loop ---------------------------------------------------------------------- */

/**
 * elves_journal_thread_start:
 * @store: an open store
 * @deliver: a source of the main loop
 *
 * Returns: (transfer full): the thread, which waits for requests
 */
ElvesJournalThread *
elves_journal_thread_start (ElvesJournalStore *store, GSource *deliver)
{
  ElvesJournalThread *self = g_new0 (ElvesJournalThread, 1);
  self->store = store;
  self->deliver = deliver;
  g_mutex_init (&self->lock);
  g_cond_init (&self->handed);
  g_cond_init (&self->finished);
  self->thread = g_thread_new ("journal", run_thread, self);
  return self;
}

/**
 * elves_journal_thread_end:
 * @self: (nullable): a thread
 *
 * Blocks until what was handed over is written; answers that were not collected are thrown away.
 */
void
elves_journal_thread_end (ElvesJournalThread *self)
{
  if (self == NULL)
    return;
  g_mutex_lock (&self->lock);
  self->ending = TRUE;
  g_cond_signal (&self->handed);
  g_mutex_unlock (&self->lock);
  g_thread_join (self->thread);
  g_queue_clear_full (&self->asked, (GDestroyNotify) elves_journal_request_free);
  g_queue_clear_full (&self->answered, (GDestroyNotify) elves_journal_request_free);
  g_queue_clear_full (&self->again, (GDestroyNotify) elves_journal_request_free);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->handed);
  g_cond_clear (&self->finished);
  g_free (self);
}

/**
 * elves_journal_thread_hand_over:
 * @self: a thread
 * @request: (transfer full): what to do
 */
void
elves_journal_thread_hand_over (ElvesJournalThread *self, ElvesJournalRequest *request)
{
  g_mutex_lock (&self->lock);
  g_queue_push_tail (&self->asked, request);
  gboolean wake = request->done != NULL && !self->urgent;
  if (wake)
    self->urgent = TRUE;
  if (wake || self->asked.length == 1)
    g_cond_signal (&self->handed);
  g_mutex_unlock (&self->lock);
}

/**
 * elves_journal_thread_collect:
 * @self: a thread
 * @out_answered: (transfer full): requests that have their answers, in the order of these
 * @out_figures: about the store
 */
void
elves_journal_thread_collect (ElvesJournalThread *self,
                              GQueue *out_answered,
                              ElvesJournalFigures *out_figures)
{
  g_mutex_lock (&self->lock);
  *out_answered = self->answered;
  g_queue_init (&self->answered);
  *out_figures = self->figures;
  g_mutex_unlock (&self->lock);
}

/**
 * elves_journal_thread_drain:
 * @self: a thread
 *
 * Blocks until it has nothing to do; that a result was taken is tried once more at most.
 *
 * Returns: whether there are answers to collect
 */
gboolean
elves_journal_thread_drain (ElvesJournalThread *self)
{
  g_mutex_lock (&self->lock);
  self->urgent = TRUE;
  g_cond_signal (&self->handed);
  while (self->asked.length > 0 || self->busy)
    g_cond_wait (&self->finished, &self->lock);
  gboolean answered = self->answered.length > 0;
  g_mutex_unlock (&self->lock);
  return answered;
}
