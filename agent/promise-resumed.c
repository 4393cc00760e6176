/* Jobs that an earlier agent has promised: one that it did not start is run, the outcome of one
 * that it did is written (see agent/recovery).
 *
 * They are taken already, so none is refused: the backlog is those for which there is no room yet,
 * in the order of acceptance. */
#include "agent/promise-private.h"

#define BACKLOG_S 1

static gboolean
resume (ElvesPromise *self)
{
  g_autoptr (GError) error = NULL;
  if (!elves_promise_prepare (self, &error))
    return FALSE;
  elves_promise_go (self, ELVES_JOURNALED_ASYNC);
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

static ElvesPromise *
promise_resumed (ElvesService *self, ElvesInstruct *instruct, const char *origin)
{
  ElvesPromise *promise = elves_promise_new (self, instruct);
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
  ElvesPromise *promise = promise_resumed (self, instruct, origin);
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
  ElvesPromise *promise = promise_resumed (self, result->instruct, origin);
  promise->sync = sync;
  promise->result = elves_reinstruct_ref (result);
  elves_promise_conclude (promise);
}

/* It waits for room here: its outcome is written now. */
static void
conclude_unstarted (ElvesPromise *self)
{
  self->result = elves_reinstruct_failure (self->instruct, ELVES_REASON_CANCELLED,
                                           "app exec cancelled : its worker was not started");
  elves_promise_conclude (self);
}

ElvesCancelled
elves_service_cancel_backlog (ElvesService *self, const ElvesInstruct *question)
{
  ElvesCancelled cancelled = ELVES_CANCEL_UNKNOWN;
  for (GList *link = self->backlog.head, *next; link != NULL; link = next)
    {
      ElvesPromise *promise = link->data;
      next = link->next;
      if (!elves_instruct_names (question, promise->instruct))
        continue;
      g_queue_delete_link (&self->backlog, link);
      conclude_unstarted (promise);
      cancelled = ELVES_CANCEL_STOPPED;
    }
  return cancelled;
}

void
elves_service_backlog_clear (ElvesService *self)
{
  if (self->backlog_timer != NULL)
    g_source_destroy (self->backlog_timer);
  g_clear_pointer (&self->backlog_timer, g_source_unref);
  g_queue_clear_full (&self->backlog, (GDestroyNotify) elves_promise_free);
}
