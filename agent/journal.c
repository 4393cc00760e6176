/* The journal as the main loop sees it: requests go to a thread of its own, answers come back.
 *
 *   accepted -> started -> finished -> taken -> (journal.maxAge) forgotten
 *                             +-> set aside -> (journal.maxAge) forgotten
 *
 * Promises: an answer without an error means that the disk has it. Requests take effect in the
 * order in which they were made.
 *
 * When the disk is full or fails, each request says so; the journal itself stays, and says in the
 * log when it fails and when it works again.
 *
 * Who waits is the limit of the queue: the caller accepts no more than it has room for. */
#include "agent/journal.h"

#include "agent/journal-thread.h"
#include "agent/metrics.h"
#include "common/error.h"
#include "common/log.h"

struct ElvesJournal
{
  ElvesJournalStore *store;   /* the thread's, once it runs */
  ElvesJournalThread *thread; /* (nullable): nothing was handed over yet */
  GSource *deliver;
  guint pending; /* requests with an answer to come */
  gboolean failing;
  ElvesLogThrottle failure_log;
};

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
  GQueue answered = G_QUEUE_INIT;
  ElvesJournalFigures figures;
  elves_journal_thread_collect (self->thread, &answered, &figures);
  elves_agent_metrics.journal_commits = figures.commits;
  elves_agent_metrics.journal_bytes = figures.bytes;
  elves_agent_metrics.journal_records = figures.records;
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
  while (self->thread != NULL && elves_journal_thread_drain (self->thread))
    deliver_answers (self); /* which may ask for more */
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
  elves_journal_thread_end (self->thread);
  g_source_destroy (self->deliver);
  g_source_unref (self->deliver);
  elves_journal_store_close (self->store);
  g_free (self);
}

/* ---- requests ------------------------------------------------------------------------------- */

static void
hand_over (ElvesJournal *self, ElvesJournalRequest *request)
{
  if (self->thread == NULL)
    self->thread = elves_journal_thread_start (self->store, self->deliver);
  if (request->done != NULL)
    self->pending++;
  elves_journal_thread_hand_over (self->thread, request);
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
  hand_over (self, elves_journal_request_about (ELVES_JOURNAL_ACCEPT, what, done, user_data));
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
  hand_over (self, elves_journal_request_about (ELVES_JOURNAL_FIND, what, done, user_data));
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
  ElvesJournalRequest *request =
      elves_journal_request_new (ELVES_JOURNAL_START, key, done, user_data);
  elves_journal_request_set_start (request, how);
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
  ElvesJournalRequest *request = elves_journal_request_new (ELVES_JOURNAL_LEADER, key, NULL, NULL);
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
  ElvesJournalRequest *request =
      elves_journal_request_new (ELVES_JOURNAL_FINISH, key, done, user_data);
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
  hand_over (self, elves_journal_request_new (ELVES_JOURNAL_TAKE, key, NULL, NULL));
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
  hand_over (self, elves_journal_request_new (ELVES_JOURNAL_SET_ASIDE, key, NULL, NULL));
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
  ElvesJournalRequest *request = elves_journal_request_new (ELVES_JOURNAL_ORIGIN, key, NULL, NULL);
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
  hand_over (self, elves_journal_request_new (ELVES_JOURNAL_FORGET, key, NULL, NULL));
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
  hand_over (self, elves_journal_request_new (ELVES_JOURNAL_READ, key, done, user_data));
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
