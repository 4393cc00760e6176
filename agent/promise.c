/* Jobs that are in the journal: all async ones, and sync ones with a key.
 *
 *   call -> journal: known? -> answer with its state; a sync call waits for it, or reads it
 *               | new
 *               +-> acknowledged, runs -> outcome into the journal -> outbox, or the sync answer
 *
 * Promises, for what the journal has taken:
 *   P1  it reaches one outcome, whatever becomes of this agent: see also agent/recovery
 *   P2  it is started at most once: whoever comes with its key is told what became of it
 *   P5  its result is kept until a scheduler has answered success
 *   P6  its outcome is written when its processes have ended, or it says how many live on
 *
 * An acknowledgement is sent when the acceptance is on the disk, a result when the outcome is. If
 * the journal cannot be written, new jobs are refused as busy, and outcomes are reported from
 * memory. */
#include "agent/service-private.h"

#include "agent/journal-codec.h"
#include "agent/metrics.h"
#include "common/crash-point.h"
#include "common/error.h"

#define BACKLOG_S 1

typedef struct
{
  ElvesService *service;
  ElvesInstruct *instruct; /* with a key */
  gint64 seen_within_s;
  gboolean sync;
  gint64 asked_us;
  gboolean resumed; /* of an earlier agent */
  char *origin;     /* (nullable) */
  ElvesExecution *execution;
  ElvesReply *acknowledge; /* (nullable) async: until it is answered */
  GPtrArray *waiting;      /* of ElvesReply: sync calls that get the result */
  ElvesReinstruct *result; /* (nullable) */
} Promise;

static void
promise_free (Promise *self)
{
  GHashTable *promised = self->service->promised;
  if (g_hash_table_lookup (promised, self->instruct->execution) == self)
    g_hash_table_remove (promised, self->instruct->execution);
  elves_instruct_unref (self->instruct);
  elves_reinstruct_unref (self->result);
  g_ptr_array_unref (self->waiting);
  g_free (self->origin);
  g_free (self);
}

/* What is written: with a key, and without what is only about this call. (One that only asks is not
   written.) */
static ElvesInstruct *
with_key (const ElvesInstruct *asked)
{
  ElvesInstruct *instruct = elves_instruct_copy (asked);
  instruct->seen_within_s = 0;
  if (instruct->execution == NULL || instruct->execution[0] == '\0')
    {
      g_free (instruct->execution);
      instruct->execution = g_uuid_string_random ();
    }
  return instruct;
}

static Promise *
promise_new (ElvesService *service, const ElvesInstruct *asked)
{
  Promise *self = g_new0 (Promise, 1);
  self->service = service;
  self->instruct = with_key (asked);
  self->seen_within_s = asked->seen_within_s;
  self->waiting = g_ptr_array_new ();
  self->asked_us = g_get_monotonic_time ();
  return self;
}

static void
answer_waiting (Promise *self, ElvesReinstruct *result)
{
  for (guint i = 0; i < self->waiting->len; i++)
    elves_reply_give (self->waiting->pdata[i], result);
  g_ptr_array_set_size (self->waiting, 0);
}

/* Takes @answer: to whoever waits to be told whether the job is taken. */
static void
promise_answer (Promise *self, ElvesReinstruct *answer)
{
  if (self->acknowledge != NULL)
    elves_service_answer_async (g_steal_pointer (&self->acknowledge), answer);
  else
    {
      answer_waiting (self, answer);
      elves_reinstruct_unref (answer);
    }
}

/* ---- outcomes ------------------------------------------------------------------------------- */

static void
release_place (Promise *self)
{
  if (!self->sync && !self->resumed)
    elves_outbox_release (self->service->parts.outbox, self->instruct);
}

static void
on_outcome_written (const ElvesJournalReply *reply, gpointer user_data)
{
  Promise *self = user_data;
  const ElvesServiceParts *parts = &self->service->parts;
  answer_waiting (self, self->result);
  if (!self->sync)
    {
      elves_processor_notify (parts->processor, self->result);
      if (self->resumed && reply->error != NULL)
        elves_outbox_reserve_anyway (parts->outbox, self->instruct);
      if (reply->error != NULL)
        elves_outbox_add (parts->outbox, self->result, self->origin);
      else
        {
          release_place (self);
          elves_outbox_add_stored (parts->outbox, self->instruct->execution, self->instruct->id,
                                   self->result, self->origin);
        }
    }
  promise_free (self);
  if (parts->idle != NULL)
    parts->idle (parts->idle_data);
}

static void
write_outcome (Promise *self)
{
  g_autoptr (GBytes) bytes = elves_journal_pack_result (self->result);
  elves_journal_finish (self->service->parts.journal, self->instruct->execution, bytes,
                        on_outcome_written, self);
}

static void
on_promise_executed (ElvesReinstruct *result, gpointer user_data)
{
  Promise *self = user_data;
  if (result == NULL)
    { /* Stays in the journal for the next agent. */
      release_place (self);
      promise_free (self);
      return;
    }
  ELVES_CRASH_POINT ("after-finish");
  self->result = elves_reinstruct_ref (result);
  write_outcome (self);
}

/* ---- known executions ----------------------------------------------------------------------- */

static gint32
state_of (ElvesService *self, const ElvesJournalReply *reply)
{
  switch (reply->state)
    {
    case ELVES_EXECUTION_FINISHED:
      return ELVES_SERVICE_FINISHED;
    case ELVES_EXECUTION_TAKEN:
      return ELVES_SERVICE_TAKEN;
    default:
      return elves_outbox_holds (self->parts.outbox, reply->key) ? ELVES_SERVICE_FINISHED
                                                                 : ELVES_SERVICE_RUNNING;
    }
}

/* The result of a sync call, now wanted by way of a scheduler. */
static gboolean
is_kept_answer (const ElvesJournalReply *reply)
{
  return reply->state == ELVES_EXECUTION_TAKEN && reply->sync;
}

/* The scheduler that asks has the message now: the result goes there. */
static void
follow (Promise *self, const ElvesJournalReply *reply, gboolean was_aside)
{
  ElvesService *service = self->service;
  Promise *running = g_hash_table_lookup (service->promised, reply->key);
  const char *origin = self->origin != NULL ? self->origin : reply->origin;
  if (running != NULL)
    {
      g_free (running->origin);
      running->origin = g_strdup (origin);
    }
  if (was_aside || g_strcmp0 (origin, reply->origin) != 0)
    elves_journal_set_origin (service->parts.journal, reply->key, origin);
}

static ElvesReinstruct *
acknowledge_known (Promise *self, const ElvesJournalReply *reply)
{
  ElvesService *service = self->service;
  ElvesOutbox *outbox = service->parts.outbox;
  gint32 state = state_of (service, reply);
  gboolean aside =
      reply->state == ELVES_EXECUTION_FINISHED && !elves_outbox_holds (outbox, reply->key);
  if (state != ELVES_SERVICE_TAKEN)
    follow (self, reply, aside);
  if (is_kept_answer (reply))
    {
      elves_outbox_add_stored (outbox, reply->key, self->instruct->id, NULL, self->origin);
      state = ELVES_SERVICE_FINISHED;
    }
  else if (state == ELVES_SERVICE_FINISHED)
    elves_outbox_add_stored (outbox, reply->key, self->instruct->id, NULL, self->origin);
  g_free (self->instruct->execution);
  self->instruct->execution = g_strdup (reply->key);
  return elves_service_acknowledge (self->instruct, state);
}

static void
on_kept_answer_read (const ElvesJournalReply *reply, gpointer user_data)
{
  Promise *self = user_data;
  ElvesReinstruct *result = elves_journal_unpack_result (reply->body);
  if (result == NULL)
    result = elves_reinstruct_failure (self->instruct, ELVES_REASON_OUTCOME_UNKNOWN,
                                       "this execution has ended; its result is not kept any more");
  promise_answer (self, result);
  promise_free (self);
}

/* Its result, when it is there; at once, if it is. Takes @self. */
static void
join_known (Promise *self, const ElvesJournalReply *reply)
{
  ElvesService *service = self->service;
  Promise *first = g_hash_table_lookup (service->promised, reply->key);
  if (first == NULL)
    {
      elves_journal_read (service->parts.journal, reply->key, on_kept_answer_read, self);
      return;
    }
  g_ptr_array_extend_and_steal (first->waiting, g_steal_pointer (&self->waiting));
  self->waiting = g_ptr_array_new ();
  promise_free (self);
}

/* ---- acceptance ----------------------------------------------------------------------------- */

static void
refuse (Promise *self, const char *text)
{
  promise_answer (self, elves_reinstruct_failure (self->instruct, ELVES_REASON_BUSY, text));
  promise_free (self);
}

static void
go (Promise *self, ElvesJournaling journaling)
{
  g_hash_table_replace (self->service->promised, self->instruct->execution, self);
  elves_execution_go (self->execution, journaling);
}

static void
on_accepted (const ElvesJournalReply *reply, gpointer user_data)
{
  Promise *self = user_data;
  gboolean again = reply->known && elves_break_promise ("start-twice");
  if (reply->error == NULL && (!reply->known || again))
    {
      ELVES_CRASH_POINT ("after-accept");
      elves_histogram_add (&elves_agent_metrics.accept_to_durable,
                           g_get_monotonic_time () - self->asked_us);
      if (!self->sync)
        promise_answer (self, elves_service_acknowledge (self->instruct, ELVES_SERVICE_ACCEPTED));
      go (self, again        ? ELVES_NOT_JOURNALED
                : self->sync ? ELVES_JOURNALED_SYNC
                             : ELVES_JOURNALED_ASYNC);
      return;
    }

  elves_execution_drop (self->execution);
  release_place (self);
  if (reply->error != NULL)
    refuse (self, reply->error->message);
  else if (self->sync)
    join_known (self, reply);
  else
    {
      promise_answer (self, acknowledge_known (self, reply));
      promise_free (self);
    }
}

static void
on_found (const ElvesJournalReply *reply, gpointer user_data)
{
  Promise *self = user_data;
  if (reply->error != NULL)
    {
      refuse (self, reply->error->message);
      return;
    }
  if (reply->known && !self->sync)
    promise_answer (self, acknowledge_known (self, reply));
  else
    promise_answer (self, elves_service_acknowledge (self->instruct,
                                                     reply->known ? state_of (self->service, reply)
                                                                  : ELVES_SERVICE_NEVER_SEEN));
  promise_free (self);
}

static void
ask_journal (Promise *self, gboolean query_only)
{
  ElvesJournal *journal = self->service->parts.journal;
  g_autoptr (GBytes) bytes = query_only ? NULL : elves_journal_pack_instruct (self->instruct);
  g_autofree char *cgroup = NULL;
  ElvesJournalStart start;
  ElvesJournalAcceptance what = {
    .key = self->instruct->execution,
    .id = self->instruct->id,
    .type = self->instruct->type,
    .origin = self->origin,
    .seen_within_s = self->seen_within_s,
    .sync = self->sync,
    .instruct = bytes,
  };
  /* The caller of a sync one waits: its acceptance and its start are one transaction. */
  if (!query_only && self->sync && elves_execution_intend (self->execution, &start, &cgroup))
    what.start = &start;
  if (query_only)
    elves_journal_find (journal, &what, on_found, self);
  else
    elves_journal_accept (journal, &what, on_accepted, self);
}

/* Takes @self. */
static void
accept (Promise *self)
{
  const ElvesServiceParts *parts = &self->service->parts;
  if (!self->sync && !elves_outbox_reserve (parts->outbox, self->instruct))
    {
      refuse (self, "too many results wait for a scheduler (results.max, results.maxBytes)");
      return;
    }
  g_autoptr (GError) error = NULL;
  self->execution =
      elves_executor_prepare (parts->executor, self->instruct, on_promise_executed, self, &error);
  if (self->execution != NULL)
    {
      ask_journal (self, FALSE);
      return;
    }
  release_place (self);
  refuse (self, error->message);
}

/* An async job; takes @reply, which is given when the journal has it. */
void
elves_service_promise_async (ElvesService *self,
                             ElvesInstruct *instruct,
                             GInetAddress *caller,
                             ElvesReply *reply)
{
  Promise *promise = promise_new (self, instruct);
  promise->origin = elves_service_choose_origin (self, instruct, caller);
  promise->acknowledge = reply;
  if (instruct->query_only)
    ask_journal (promise, TRUE);
  else
    accept (promise);
}

/* A sync job with a key; takes @reply, which is given the result. */
void
elves_service_promise_sync (ElvesService *self, ElvesInstruct *instruct, ElvesReply *reply)
{
  Promise *promise = promise_new (self, instruct);
  promise->sync = TRUE;
  g_ptr_array_add (promise->waiting, reply);
  if (instruct->query_only)
    ask_journal (promise, TRUE);
  else
    accept (promise);
}

/* ---- from an earlier agent ------------------------------------------------------------------ */

static gboolean
resume (Promise *self)
{
  const ElvesServiceParts *parts = &self->service->parts;
  g_autoptr (GError) error = NULL;
  self->execution =
      elves_executor_prepare (parts->executor, self->instruct, on_promise_executed, self, &error);
  if (self->execution == NULL)
    return FALSE;
  go (self, ELVES_JOURNALED_ASYNC);
  return TRUE;
}

static gboolean
on_backlog_due (gpointer user_data)
{
  ElvesService *self = user_data;
  while (self->backlog.length > 0 && resume (self->backlog.head->data))
    g_queue_pop_head (&self->backlog);
  if (self->backlog.length > 0)
    return G_SOURCE_CONTINUE;
  g_clear_pointer (&self->backlog_timer, g_source_unref);
  return G_SOURCE_REMOVE;
}

static Promise *
promise_resumed (ElvesService *self, ElvesInstruct *instruct, const char *origin)
{
  Promise *promise = promise_new (self, instruct);
  promise->resumed = TRUE;
  promise->origin = g_strdup (origin);
  return promise;
}

/**
 * elves_service_resume:
 * @self: a service with a journal
 * @instruct: an async job that an earlier agent accepted and did not start
 * @origin: (nullable): of it
 *
 * Runs it; when there is no room, later.
 */
void
elves_service_resume (ElvesService *self, ElvesInstruct *instruct, const char *origin)
{
  Promise *promise = promise_resumed (self, instruct, origin);
  if (self->backlog.length == 0 && resume (promise))
    return;
  g_queue_push_tail (&self->backlog, promise);
  if (self->backlog_timer != NULL)
    return;
  self->backlog_timer = g_timeout_source_new_seconds (BACKLOG_S);
  g_source_set_callback (self->backlog_timer, on_backlog_due, self, NULL);
  g_source_attach (self->backlog_timer, g_main_context_get_thread_default ());
}

/**
 * elves_service_conclude:
 * @self: a service with a journal
 * @result: outcome of an execution that an earlier agent started
 * @sync: nobody waits for it: it is kept for who asks
 * @origin: (nullable): of an async one, which is reported
 */
void
elves_service_conclude (ElvesService *self,
                        ElvesReinstruct *result,
                        gboolean sync,
                        const char *origin)
{
  Promise *promise = promise_resumed (self, result->instruct, origin);
  promise->sync = sync;
  promise->result = elves_reinstruct_ref (result);
  g_hash_table_replace (self->promised, promise->instruct->execution, promise);
  write_outcome (promise);
}

/* ---- cancelled ------------------------------------------------------------------------------- */

/* It waits for room here: its outcome is written now. */
static void
conclude_unstarted (Promise *self)
{
  self->result = elves_reinstruct_failure (self->instruct, ELVES_REASON_CANCELLED,
                                           "app exec cancelled : its worker was not started");
  g_hash_table_replace (self->service->promised, self->instruct->execution, self);
  write_outcome (self);
}

static ElvesCancelled
cancel_backlog (ElvesService *self, const ElvesInstruct *question)
{
  ElvesCancelled cancelled = ELVES_CANCEL_UNKNOWN;
  for (GList *link = self->backlog.head, *next; link != NULL; link = next)
    {
      Promise *promise = link->data;
      next = link->next;
      if (!elves_instruct_names (question, promise->instruct))
        continue;
      g_queue_delete_link (&self->backlog, link);
      conclude_unstarted (promise);
      cancelled = ELVES_CANCEL_STOPPED;
    }
  return cancelled;
}

/* Returns: FINISHED for one whose outcome is being written. */
ElvesCancelled
elves_service_cancel_promise (ElvesService *self, const ElvesInstruct *question)
{
  ElvesCancelled cancelled = cancel_backlog (self, question);
  GHashTableIter iter;
  gpointer promise;
  g_hash_table_iter_init (&iter, self->promised);
  while (cancelled == ELVES_CANCEL_UNKNOWN && g_hash_table_iter_next (&iter, NULL, &promise))
    if (elves_instruct_names (question, ((Promise *) promise)->instruct))
      cancelled = ELVES_CANCEL_FINISHED;
  return cancelled;
}

/**
 * elves_service_count:
 * @self: a service
 *
 * Returns: journaled jobs that go on in this agent, until their outcome is in the journal
 */
guint
elves_service_count (const ElvesService *self)
{
  return g_hash_table_size (self->promised);
}

void
elves_service_promises_init (ElvesService *self)
{
  self->promised = g_hash_table_new (g_str_hash, g_str_equal);
  g_queue_init (&self->backlog);
}

void
elves_service_promises_clear (ElvesService *self)
{
  if (self->backlog_timer != NULL)
    g_source_destroy (self->backlog_timer);
  g_clear_pointer (&self->backlog_timer, g_source_unref);
  g_queue_clear_full (&self->backlog, (GDestroyNotify) promise_free);
  g_hash_table_unref (self->promised);
}
