/* One call of a warm worker: waits for a place, is sent, ends.
 *
 *   waiting -> placed -> sent -> ended
 *
 * Between placed and sent the journal is told that the call may have been started; so a place is
 * not the worker's for good: when that ends meanwhile, the call waits for another one. What was
 * sent is never sent again. */
#include "agent/warm-private.h"

/**
 * elves_warm_call_new:
 * @pool: of its app
 * @instruct: a reference is taken
 * @timeout_s: from its sending on, in seconds; 0: none
 * @callbacks: must stay
 * @user_data: for them
 *
 * Asks for a place. Look with elves_warm_call_has_place() whether there was one at once.
 *
 * Returns: (transfer full): the call
 */
ElvesWarmCall *
elves_warm_call_new (ElvesWarmPool *pool,
                     ElvesInstruct *instruct,
                     guint timeout_s,
                     const ElvesWarmCallbacks *callbacks,
                     gpointer user_data)
{
  ElvesWarmCall *self = g_new0 (ElvesWarmCall, 1);
  self->pool = pool;
  self->instruct = elves_instruct_ref (instruct);
  self->timeout_s = timeout_s;
  self->callbacks = callbacks;
  self->user_data = user_data;
  self->announced = TRUE; /* whoever looks */
  elves_warm_pool_join (pool, self, FALSE);
  self->announced = self->worker != NULL;
  return self;
}

/**
 * elves_warm_call_free:
 * @self: (nullable): a call; if it was sent and has not ended, its worker is stopped
 */
void
elves_warm_call_free (ElvesWarmCall *self)
{
  if (self == NULL)
    return;
  if (self->worker != NULL && self->number != 0)
    elves_warm_worker_stop (self->worker, "another call of it was given up");
  elves_warm_pool_leave (self->pool, self);
  g_clear_pointer (&self->result, elves_reinstruct_unref);
  elves_instruct_unref (self->instruct);
  g_free (self);
}

/**
 * elves_warm_call_has_place:
 * @self: a call that has not ended
 *
 * Returns: whether elves_warm_call_send() sends it at once
 */
gboolean
elves_warm_call_has_place (const ElvesWarmCall *self)
{
  return self->worker != NULL;
}

/**
 * elves_warm_call_was_sent:
 * @self: a call that has not ended
 *
 * Returns: whether a worker has got it
 */
gboolean
elves_warm_call_was_sent (const ElvesWarmCall *self)
{
  return self->number != 0;
}

/**
 * elves_warm_call_cell:
 * @self: a call that has a place
 *
 * Returns: (transfer none): what contains the processes of its worker
 */
const ElvesCell *
elves_warm_call_cell (const ElvesWarmCall *self)
{
  return elves_warm_worker_cell (self->worker);
}

/**
 * elves_warm_call_send:
 * @self: a call that has, or had, a place
 *
 * Hands it to its worker.
 */
void
elves_warm_call_send (ElvesWarmCall *self)
{
  self->send_wanted = TRUE;
  if (self->worker != NULL)
    elves_warm_worker_send (self->worker, self);
}

/**
 * elves_warm_call_cancel:
 * @self: a call; if it was sent, its worker is stopped, and it ends as `cancelled`
 *
 * Returns: whether it was sent and that is its end
 */
gboolean
elves_warm_call_cancel (ElvesWarmCall *self)
{
  if (self->number == 0 || self->worker == NULL || self->timed_out)
    return FALSE;
  self->cancelled = TRUE;
  elves_warm_worker_stop (self->worker, "another call of it was cancelled");
  return TRUE;
}

void
elves_warm_call_place (ElvesWarmCall *self, ElvesWarmWorker *worker)
{
  elves_warm_worker_add (worker, self);
  if (self->send_wanted)
    elves_warm_worker_send (worker, self);
  else if (!self->announced)
    {
      self->announced = TRUE;
      self->callbacks->placed (self, self->user_data);
    }
}

static void
on_end_due (ElvesDeadline *deadline, gpointer user_data)
{
  ElvesWarmCall *self = user_data;
  elves_warm_call_end (self, g_steal_pointer (&self->result));
}

/* Takes @result; it is told from the loop. */
void
elves_warm_call_end_later (ElvesWarmCall *self, ElvesReinstruct *result)
{
  self->result = result;
  elves_deadlines_arm (elves_warm_pool_parts (self->pool)->deadlines, &self->deadline,
                       g_get_monotonic_time (), on_end_due, self);
}

/* Takes @result. The call is gone afterwards. */
void
elves_warm_call_end (ElvesWarmCall *self, ElvesReinstruct *result)
{
  elves_warm_pool_leave (self->pool, self);
  self->callbacks->ended (self, result, self->user_data);
}
