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
 * memory.
 *
 *   here               acceptance, outcomes
 *   promise-known      somebody asks again
 *   promise-resumed    what an earlier agent has left; what waits for room
 */
#include "agent/promise-private.h"

#include "agent/journal-codec.h"
#include "agent/metrics.h"
#include "common/crash-point.h"
#include "common/error.h"

void
elves_promise_free (ElvesPromise *self)
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

ElvesPromise *
elves_promise_new (ElvesService *service, const ElvesInstruct *asked)
{
  ElvesPromise *self = g_new0 (ElvesPromise, 1);
  self->service = service;
  self->instruct = with_key (asked);
  self->seen_within_s = asked->seen_within_s;
  self->waiting = g_ptr_array_new ();
  self->asked_us = g_get_monotonic_time ();
  return self;
}

static void
answer_waiting (ElvesPromise *self, ElvesReinstruct *result)
{
  for (guint i = 0; i < self->waiting->len; i++)
    elves_reply_give (self->waiting->pdata[i], result);
  g_ptr_array_set_size (self->waiting, 0);
}

void
elves_promise_answer (ElvesPromise *self, ElvesReinstruct *answer)
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
release_place (ElvesPromise *self)
{
  if (!self->sync && !self->resumed)
    elves_outbox_release (self->service->parts.outbox, self->instruct);
}

static void
on_outcome_written (const ElvesJournalReply *reply, gpointer user_data)
{
  ElvesPromise *self = user_data;
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
  elves_promise_free (self);
  if (parts->idle != NULL)
    parts->idle (parts->idle_data);
}

static void
write_outcome (ElvesPromise *self)
{
  g_autoptr (GBytes) bytes = elves_journal_pack_result (self->result);
  elves_journal_finish (self->service->parts.journal, self->instruct->execution, bytes,
                        on_outcome_written, self);
}

static void
on_promise_executed (ElvesReinstruct *result, gpointer user_data)
{
  ElvesPromise *self = user_data;
  if (result == NULL)
    { /* Stays in the journal for the next agent. */
      release_place (self);
      elves_promise_free (self);
      return;
    }
  ELVES_CRASH_POINT ("after-finish");
  self->result = elves_reinstruct_ref (result);
  write_outcome (self);
}

void
elves_promise_conclude (ElvesPromise *self)
{
  g_hash_table_replace (self->service->promised, self->instruct->execution, self);
  write_outcome (self);
}

gboolean
elves_promise_prepare (ElvesPromise *self, GError **error)
{
  self->execution = elves_executor_prepare (self->service->parts.executor, self->instruct,
                                            on_promise_executed, self, error);
  return self->execution != NULL;
}

/* ---- acceptance ----------------------------------------------------------------------------- */

static void
refuse (ElvesPromise *self, const char *text)
{
  elves_promise_answer (self, elves_reinstruct_failure (self->instruct, ELVES_REASON_BUSY, text));
  elves_promise_free (self);
}

void
elves_promise_go (ElvesPromise *self, ElvesJournaling journaling)
{
  g_hash_table_replace (self->service->promised, self->instruct->execution, self);
  elves_execution_go (self->execution, journaling);
}

static void
on_accepted (const ElvesJournalReply *reply, gpointer user_data)
{
  ElvesPromise *self = user_data;
  gboolean again = reply->known && elves_break_promise ("start-twice");
  if (reply->error == NULL && (!reply->known || again))
    {
      ELVES_CRASH_POINT ("after-accept");
      elves_histogram_add (&elves_agent_metrics.accept_to_durable,
                           g_get_monotonic_time () - self->asked_us);
      if (!self->sync)
        elves_promise_answer (self,
                              elves_service_acknowledge (self->instruct, ELVES_SERVICE_ACCEPTED));
      elves_promise_go (self, again        ? ELVES_NOT_JOURNALED
                              : self->sync ? ELVES_JOURNALED_SYNC
                                           : ELVES_JOURNALED_ASYNC);
      return;
    }

  elves_execution_drop (self->execution);
  release_place (self);
  if (reply->error != NULL)
    refuse (self, reply->error->message);
  else if (self->sync)
    elves_promise_join_known (self, reply);
  else
    {
      elves_promise_answer (self, elves_promise_acknowledge_known (self, reply));
      elves_promise_free (self);
    }
}

static void
on_found (const ElvesJournalReply *reply, gpointer user_data)
{
  ElvesPromise *self = user_data;
  if (reply->error != NULL)
    {
      refuse (self, reply->error->message);
      return;
    }
  if (reply->known && !self->sync)
    elves_promise_answer (self, elves_promise_acknowledge_known (self, reply));
  else
    {
      gint32 state =
          reply->known ? elves_promise_state_of (self->service, reply) : ELVES_SERVICE_NEVER_SEEN;
      elves_promise_answer (self, elves_service_acknowledge (self->instruct, state));
    }
  elves_promise_free (self);
}

static void
ask_journal (ElvesPromise *self, gboolean query_only)
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
accept (ElvesPromise *self)
{
  const ElvesServiceParts *parts = &self->service->parts;
  if (!self->sync && !elves_outbox_reserve (parts->outbox, self->instruct))
    {
      refuse (self, "too many results wait for a scheduler (results.max, results.maxBytes)");
      return;
    }
  g_autoptr (GError) error = NULL;
  if (elves_promise_prepare (self, &error))
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
  ElvesPromise *promise = elves_promise_new (self, instruct);
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
  ElvesPromise *promise = elves_promise_new (self, instruct);
  promise->sync = TRUE;
  g_ptr_array_add (promise->waiting, reply);
  if (instruct->query_only)
    ask_journal (promise, TRUE);
  else
    accept (promise);
}

/* ---- cancelled ------------------------------------------------------------------------------- */

/* Returns: FINISHED for one whose outcome is being written. */
ElvesCancelled
elves_service_cancel_promise (ElvesService *self, const ElvesInstruct *question)
{
  ElvesCancelled cancelled = elves_service_cancel_backlog (self, question);
  GHashTableIter iter;
  gpointer promise;
  g_hash_table_iter_init (&iter, self->promised);
  while (cancelled == ELVES_CANCEL_UNKNOWN && g_hash_table_iter_next (&iter, NULL, &promise))
    if (elves_instruct_names (question, ((ElvesPromise *) promise)->instruct))
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
  elves_service_backlog_clear (self);
  g_hash_table_unref (self->promised);
}
