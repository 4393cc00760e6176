/* The journal as the main loop sees it: requests go to a thread of its own, answers come back.
 *
 *   accepted -> started -> finished -> taken -> (journal.maxAge) forgotten
 *                             +-> set aside -> (journal.maxAge) forgotten
 *
 * Promises: an answer without an error means that the disk has it. All that came together is one
 * transaction, and so one fsync: while the disk is busy with one batch the next one gathers.
 * Requests take effect in the order in which they were made. What nobody waits for (that a result
 * was taken, which pid it is) lies a moment, to travel with others.
 *
 * When the disk is full or fails, each request says so; the journal itself stays, tries every
 * request again on its own, and says in the log when it fails and when it works again. That a
 * result was taken is not forgotten meanwhile: it is written as soon as writing works.
 *
 * Who waits is the limit of the queue: the caller accepts no more than it has room for. */
#include "agent/journal.h"

#include "agent/journal-store.h"
#include "agent/metrics.h"
#include "common/error.h"
#include "common/log.h"

#define LINGER_MS 50   /* for requests nobody waits for */
#define RETRY_MS 1000  /* for those that must be written in the end */
#define TIDY_MS 10000  /* between two rounds of forgetting and vacuuming */
#define MAX_BATCH 4096 /* requests in one transaction */

struct ElvesJournal
{
  ElvesJournalStore *store; /* the thread's, once it runs */

  GThread *thread;                 /* (nullable) */
  GMutex lock;                     /* of all that follows */
  GCond handed;                    /* requests, or the end */
  GCond finished;                  /* nothing is left to do */
  GQueue asked;                    /* of ElvesJournalRequest */
  GQueue answered;                 /* of ElvesJournalRequest */
  GQueue again;                    /* of ElvesJournalRequest: TAKE that failed */
  gboolean urgent;                 /* somebody waits for one of asked */
  gboolean busy;                   /* a batch is being written */
  guint64 commits, bytes, records; /* so far; as it is */
  gboolean ending;

  GSource *deliver;
  guint pending; /* main loop: requests with an answer to come */
  gboolean failing;
  ElvesLogThrottle failure_log;
};

/* ---- the thread ----------------------------------------------------------------------------- */

static gint64
after_ms (guint delay_ms)
{
  return g_get_monotonic_time () + (gint64) delay_ms * 1000;
}

/* With the lock. Until there is a batch worth a transaction, it is time to tidy up, or the end. */
static void
wait_for_work (ElvesJournal *self, gint64 tidy_us)
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
take_batch (ElvesJournal *self)
{
  GPtrArray *batch = g_ptr_array_new ();
  while (self->asked.length > 0 && batch->len < MAX_BATCH)
    g_ptr_array_add (batch, g_queue_pop_head (&self->asked));
  if (self->asked.length == 0)
    self->urgent = FALSE;
  return batch;
}

static void
run_batch (ElvesJournal *self, GPtrArray *batch)
{
  if (batch->len > 0)
    elves_journal_store_run (self->store, (ElvesJournalRequest **) batch->pdata, batch->len);
}

/* With the lock. */
static void
hand_back (ElvesJournal *self, GPtrArray *batch)
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
retry_takes (ElvesJournal *self)
{
  g_mutex_lock (&self->lock);
  while (self->again.length > 0)
    g_queue_push_tail (&self->asked, g_queue_pop_head (&self->again));
  g_mutex_unlock (&self->lock);
}

static gpointer
run_thread (gpointer data)
{
  ElvesJournal *self = data;
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
      self->commits += batch->len > 0;
      self->bytes = bytes;
      self->records = records;
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

/* ---- answers -------------------------------------------------------------------------------- */

static void
note_failure (ElvesJournal *self, const GError *error)
{
  guint held_back = 0;
  self->failing = TRUE;
  elves_agent_metrics.journal_failing = 1;
  elves_agent_metrics.journal_errors++;
  if (!elves_log_throttle_pass (&self->failure_log, g_get_monotonic_time (), &held_back))
    return;
  g_autofree char *field = elves_log_field ("error", error->message);
  g_warning ("the journal cannot be written: no new jobs are taken %s more=%u", field, held_back);
}

static void
note_success (ElvesJournal *self)
{
  if (self->failing)
    g_message ("the journal can be written again");
  self->failing = FALSE;
  elves_agent_metrics.journal_failing = 0;
}

static void
answer (ElvesJournal *self, ElvesJournalRequest *request)
{
  if (request->error != NULL &&
      !g_error_matches (request->error, ELVES_ERROR, ELVES_ERROR_NOT_FOUND))
    note_failure (self, request->error);
  else if (request->verb != ELVES_JOURNAL_READ && request->verb != ELVES_JOURNAL_FIND)
    note_success (self);
  if (request->done == NULL)
    return;
  self->pending--;
  ElvesJournalReply reply = {
    .error = request->error,
    .known = request->known,
    .state = request->state,
    .sync = request->known_sync,
    .key = request->known ? request->known_key : request->key,
    .origin = request->known_origin,
    .body = request->verb == ELVES_JOURNAL_READ ? request->body : NULL,
  };
  request->done (&reply, request->user_data);
}

static void
deliver_answers (ElvesJournal *self)
{
  g_mutex_lock (&self->lock);
  GQueue answered = self->answered;
  g_queue_init (&self->answered);
  elves_agent_metrics.journal_commits = self->commits;
  elves_agent_metrics.journal_bytes = self->bytes;
  elves_agent_metrics.journal_records = self->records;
  g_mutex_unlock (&self->lock);
  ElvesJournalRequest *request;
  while ((request = g_queue_pop_head (&answered)) != NULL)
    {
      answer (self, request);
      elves_journal_request_free (request);
    }
}

static gboolean
on_deliver (gpointer user_data)
{
  ElvesJournal *self = user_data;
  g_source_set_ready_time (self->deliver, -1);
  deliver_answers (self);
  return G_SOURCE_CONTINUE;
}

static gboolean
dispatch_deliver (GSource *source, GSourceFunc callback, gpointer user_data)
{
  return callback (user_data);
}

/* ---- beginning and end ---------------------------------------------------------------------- */

/**
 * elves_journal_new:
 * @settings: where it is, and its limits
 *
 * Opens the journal, or makes it. Blocks. Answers come from the thread-default main context.
 *
 * Returns: (transfer full): the journal
 * Errors: %ELVES_ERROR_UNAVAILABLE: another agent has it, it is damaged or of another version
 */
ElvesJournal *
elves_journal_new (const ElvesJournalSettings *settings, GError **error)
{
  static GSourceFuncs funcs = { .dispatch = dispatch_deliver };
  ElvesJournalStore *store = elves_journal_store_open (settings, error);
  if (store == NULL)
    return NULL;
  ElvesJournal *self = g_new0 (ElvesJournal, 1);
  self->store = store;
  g_mutex_init (&self->lock);
  g_cond_init (&self->handed);
  g_cond_init (&self->finished);
  self->deliver = g_source_new (&funcs, sizeof (GSource));
  g_source_set_callback (self->deliver, on_deliver, self, NULL);
  g_source_attach (self->deliver, g_main_context_get_thread_default ());
  return self;
}

/**
 * elves_journal_restore:
 * @self: a journal to which nothing was handed yet
 * @restored: told of every execution that has not been taken, in the order of acceptance
 * @user_data: for @restored
 *
 * Blocks.
 *
 * Errors: %ELVES_ERROR_UNAVAILABLE: the file is damaged, or cannot be read
 */
gboolean
elves_journal_restore (ElvesJournal *self,
                       ElvesJournalRestoredFunc restored,
                       gpointer user_data,
                       GError **error)
{
  g_return_val_if_fail (self->thread == NULL, FALSE);
  return elves_journal_store_restore (self->store, restored, user_data, error);
}

/**
 * elves_journal_drain:
 * @self: a journal
 *
 * Blocks until all that was asked is answered, and calls back; that a result was taken is tried
 * once more at most.
 */
void
elves_journal_drain (ElvesJournal *self)
{
  while (self->thread != NULL)
    {
      g_mutex_lock (&self->lock);
      self->urgent = TRUE;
      g_cond_signal (&self->handed);
      while (self->asked.length > 0 || self->busy)
        g_cond_wait (&self->finished, &self->lock);
      gboolean done = self->answered.length == 0;
      g_mutex_unlock (&self->lock);
      if (done)
        return;
      deliver_answers (self); /* which may ask for more */
    }
}

/**
 * elves_journal_free:
 * @self: (nullable): a journal
 *
 * Writes what was handed over; nobody is called any more.
 */
void
elves_journal_free (ElvesJournal *self)
{
  if (self == NULL)
    return;
  g_mutex_lock (&self->lock);
  self->ending = TRUE;
  g_cond_signal (&self->handed);
  g_mutex_unlock (&self->lock);
  if (self->thread != NULL)
    g_thread_join (self->thread);
  g_source_destroy (self->deliver);
  g_source_unref (self->deliver);
  elves_journal_store_close (self->store);
  g_queue_clear_full (&self->asked, (GDestroyNotify) elves_journal_request_free);
  g_queue_clear_full (&self->answered, (GDestroyNotify) elves_journal_request_free);
  g_queue_clear_full (&self->again, (GDestroyNotify) elves_journal_request_free);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->handed);
  g_cond_clear (&self->finished);
  g_free (self);
}

/* ---- requests ------------------------------------------------------------------------------- */

static ElvesJournalRequest *
request_new (ElvesJournalVerb verb, const char *key, ElvesJournalFunc done, gpointer user_data)
{
  ElvesJournalRequest *request = g_new0 (ElvesJournalRequest, 1);
  request->verb = verb;
  request->key = g_strdup (key);
  request->done = done;
  request->user_data = user_data;
  return request;
}

static void
hand_over (ElvesJournal *self, ElvesJournalRequest *request)
{
  if (self->thread == NULL)
    self->thread = g_thread_new ("journal", run_thread, self);
  if (request->done != NULL)
    self->pending++;
  g_mutex_lock (&self->lock);
  g_queue_push_tail (&self->asked, request);
  gboolean wake = request->done != NULL && !self->urgent;
  if (wake)
    self->urgent = TRUE;
  if (wake || self->asked.length == 1)
    g_cond_signal (&self->handed);
  g_mutex_unlock (&self->lock);
}

static void
set_start (ElvesJournalRequest *request, const ElvesJournalStart *how)
{
  request->boot = g_strdup (how->boot);
  request->tracking = g_strdup (how->tracking);
  request->cgroup = g_strdup (how->cgroup);
}

static ElvesJournalRequest *
request_about (ElvesJournalVerb verb,
               const ElvesJournalAcceptance *what,
               ElvesJournalFunc done,
               gpointer user_data)
{
  ElvesJournalRequest *request = request_new (verb, what->key, done, user_data);
  request->id = g_strdup (what->id);
  request->type = g_strdup (what->type);
  request->origin = g_strdup (what->origin);
  request->seen_within_s = what->seen_within_s;
  request->sync = what->sync;
  request->body = what->instruct != NULL ? g_bytes_ref (what->instruct) : NULL;
  if (what->start != NULL)
    set_start (request, what->start);
  return request;
}

/**
 * elves_journal_accept:
 * @self: a journal
 * @what: an execution; unless it is known, it is now
 * @done: told when the disk has it, or that it is known
 * @user_data: for @done
 */
void
elves_journal_accept (ElvesJournal *self,
                      const ElvesJournalAcceptance *what,
                      ElvesJournalFunc done,
                      gpointer user_data)
{
  hand_over (self, request_about (ELVES_JOURNAL_ACCEPT, what, done, user_data));
}

/**
 * elves_journal_find:
 * @self: a journal
 * @what: an execution to look for
 * @done: told whether it is known
 * @user_data: for @done
 */
void
elves_journal_find (ElvesJournal *self,
                    const ElvesJournalAcceptance *what,
                    ElvesJournalFunc done,
                    gpointer user_data)
{
  hand_over (self, request_about (ELVES_JOURNAL_FIND, what, done, user_data));
}

/**
 * elves_journal_start:
 * @self: a journal
 * @key: an execution that was accepted
 * @how: how to find its processes later
 * @done: told when it may be started: the disk has the intent, and had none before. With
 * %ELVES_ERROR_NOT_FOUND it may never be.
 * @user_data: for @done
 */
void
elves_journal_start (ElvesJournal *self,
                     const char *key,
                     const ElvesJournalStart *how,
                     ElvesJournalFunc done,
                     gpointer user_data)
{
  ElvesJournalRequest *request = request_new (ELVES_JOURNAL_START, key, done, user_data);
  set_start (request, how);
  hand_over (self, request);
}

/**
 * elves_journal_set_leader:
 * @self: a journal
 * @key: an execution that was started
 * @pid: its first process
 * @pid_start: when that began, in clock ticks after boot
 *
 * Nobody waits for that: without it the tree is found by its tracking entry.
 */
void
elves_journal_set_leader (ElvesJournal *self, const char *key, gint64 pid, gint64 pid_start)
{
  ElvesJournalRequest *request = request_new (ELVES_JOURNAL_LEADER, key, NULL, NULL);
  request->pid = pid;
  request->pid_start = pid_start;
  hand_over (self, request);
}

/**
 * elves_journal_finish:
 * @self: a journal
 * @key: an execution
 * @result: its outcome; the first one stays
 * @done: told when the disk has it
 * @user_data: for @done
 */
void
elves_journal_finish (ElvesJournal *self,
                      const char *key,
                      GBytes *result,
                      ElvesJournalFunc done,
                      gpointer user_data)
{
  ElvesJournalRequest *request = request_new (ELVES_JOURNAL_FINISH, key, done, user_data);
  request->body = g_bytes_ref (result);
  hand_over (self, request);
}

/**
 * elves_journal_take:
 * @self: a journal
 * @key: an execution whose result was taken: only that it was is kept
 */
void
elves_journal_take (ElvesJournal *self, const char *key)
{
  hand_over (self, request_new (ELVES_JOURNAL_TAKE, key, NULL, NULL));
}

/**
 * elves_journal_set_aside:
 * @self: a journal
 * @key: an execution that is finished, and of which no scheduler knows: it is forgotten some time
 * later, unless one asks
 */
void
elves_journal_set_aside (ElvesJournal *self, const char *key)
{
  hand_over (self, request_new (ELVES_JOURNAL_SET_ASIDE, key, NULL, NULL));
}

/**
 * elves_journal_set_origin:
 * @self: a journal
 * @key: an execution that has not been taken: a scheduler has asked for it
 * @origin: (nullable): the scheduler, which gets the result now
 */
void
elves_journal_set_origin (ElvesJournal *self, const char *key, const char *origin)
{
  ElvesJournalRequest *request = request_new (ELVES_JOURNAL_ORIGIN, key, NULL, NULL);
  request->origin = g_strdup (origin);
  hand_over (self, request);
}

/**
 * elves_journal_forget:
 * @self: a journal
 * @key: an execution that was accepted, and will not be started
 */
void
elves_journal_forget (ElvesJournal *self, const char *key)
{
  hand_over (self, request_new (ELVES_JOURNAL_FORGET, key, NULL, NULL));
}

/**
 * elves_journal_read:
 * @self: a journal
 * @key: an execution that is finished
 * @done: gets its result
 * @user_data: for @done
 */
void
elves_journal_read (ElvesJournal *self, const char *key, ElvesJournalFunc done, gpointer user_data)
{
  hand_over (self, request_new (ELVES_JOURNAL_READ, key, done, user_data));
}

/**
 * elves_journal_pending:
 * @self: a journal
 *
 * Returns: requests whose answer is to come
 */
guint
elves_journal_pending (const ElvesJournal *self)
{
  return self->pending;
}

/**
 * elves_journal_is_failing:
 * @self: a journal
 *
 * Returns: whether the last thing to be written could not be
 */
gboolean
elves_journal_is_failing (const ElvesJournal *self)
{
  return self->failing;
}
