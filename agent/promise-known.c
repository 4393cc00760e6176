/* Somebody comes with an execution that the journal knows: is told its state, and gets its result.
 *
 * An async call is acknowledged with the state, and the result goes to the scheduler that asks. A
 * sync one waits with the first, or reads what is kept. */
#include "agent/promise-private.h"

#include "agent/journal-codec.h"

gint32
elves_promise_state_of (ElvesService *self, const ElvesJournalReply *reply)
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
follow (ElvesPromise *self, const ElvesJournalReply *reply, gboolean was_aside)
{
  ElvesService *service = self->service;
  ElvesPromise *running = g_hash_table_lookup (service->promised, reply->key);
  const char *origin = self->origin != NULL ? self->origin : reply->origin;
  if (running != NULL)
    {
      g_free (running->origin);
      running->origin = g_strdup (origin);
    }
  if (was_aside || g_strcmp0 (origin, reply->origin) != 0)
    elves_journal_set_origin (service->parts.journal, reply->key, origin);
}

ElvesReinstruct *
elves_promise_acknowledge_known (ElvesPromise *self, const ElvesJournalReply *reply)
{
  ElvesService *service = self->service;
  ElvesOutbox *outbox = service->parts.outbox;
  gint32 state = elves_promise_state_of (service, reply);
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
  ElvesPromise *self = user_data;
  ElvesReinstruct *result = elves_journal_unpack_result (reply->body);
  if (result == NULL)
    result = elves_reinstruct_failure (self->instruct, ELVES_REASON_OUTCOME_UNKNOWN,
                                       "this execution has ended; its result is not kept any more");
  elves_promise_answer (self, result);
  elves_promise_free (self);
}

void
elves_promise_join_known (ElvesPromise *self, const ElvesJournalReply *reply)
{
  ElvesService *service = self->service;
  ElvesPromise *first = g_hash_table_lookup (service->promised, reply->key);
  if (first == NULL)
    {
      elves_journal_read (service->parts.journal, reply->key, on_kept_answer_read, self);
      return;
    }
  g_ptr_array_extend_and_steal (first->waiting, g_steal_pointer (&self->waiting));
  self->waiting = g_ptr_array_new ();
  elves_promise_free (self);
}
