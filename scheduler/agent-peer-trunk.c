/* The trunk of a peer: all calls that wait leave together, in lists, on one connection.
 *
 * A trunk on which a call was not answered in time, nor anything else since it was sent, is
 * retired: nothing more is put on it, and it is closed when the last call on it has ended. An agent
 * that says it takes lists and then does not know them is asked without from then on. */
#include "scheduler/agent-peer-private.h"

/* Roughly what it takes on the wire. */
static gsize
size_of (const ElvesInstruct *instruct)
{
  return g_bytes_get_size (instruct->param) + 256;
}

/**
 * elves_agent_peer_may_list:
 * @self: the peer.
 * @instruct: what to run.
 *
 * Returns: whether it may go in a list: the agent knows them, as far as we know, and it is not so
 * large that it would keep others waiting behind it.
 */
gboolean
elves_agent_peer_may_list (const ElvesAgentPeer *self, const ElvesInstruct *instruct)
{
  return !self->knows_no_lists && size_of (instruct) <= self->shared->options.max_list_bytes;
}

/* --- what becomes of calls ------------------------------------------------------------------- */

static void
drop_trunk (ElvesAgentPeer *self, ElvesAgentTrunk *trunk)
{
  if (self->trunk == trunk)
    g_clear_pointer (&self->trunk, elves_agent_trunk_free);
  else
    g_ptr_array_remove_fast (self->retired, trunk); /* which frees it */
}

static void
drop_if_retired (ElvesAgentPeer *self, ElvesAgentTrunk *trunk)
{
  if (self->trunk != trunk && elves_agent_trunk_calls (trunk) == 0)
    drop_trunk (self, trunk);
}

static void
on_trunk_answered (ElvesAgentTrunk *trunk,
                   ElvesAgentCall *call,
                   const ElvesReinstruct *answer,
                   gpointer user_data)
{
  ElvesAgentPeer *self = user_data;

  if (self->waiting[ELVES_PEER_QUEUE_TRUNK].length > 0)
    self->shared->wants_pump (self, self->shared->user_data);
  elves_agent_call_end (call, answer, ELVES_REASON_NONE, NULL);
}

static void
on_trunk_timed_out (ElvesAgentTrunk *trunk, ElvesAgentCall *call, gpointer user_data)
{
  ElvesAgentPeer *self = user_data;
  gint64 timeout_ms = elves_agent_call_timeout_ms (call, self->shared->options.call_timeout_ms);
  g_autofree char *detail = g_strdup_printf (
      "agent %s:%u: no answer within %" G_GINT64_FORMAT " ms", self->host, self->port, timeout_ms);

  if (self->trunk == trunk && elves_agent_trunk_heard_us (trunk) < call->sent_us &&
      self->retired->len < self->shared->options.max_lines)
    g_ptr_array_add (self->retired, g_steal_pointer (&self->trunk));
  drop_if_retired (self, trunk);
  self->shared->wants_pump (self, self->shared->user_data);
  elves_agent_call_end (call, NULL, ELVES_REASON_OUTCOME_UNKNOWN, detail);
}

/* None of them was started: they are sent in the way that every agent knows. */
static void
send_without_lists (ElvesAgentPeer *self, GQueue *calls)
{
  ElvesAgentCall *call;

  if (!self->knows_no_lists)
    g_warning ("an agent says that it takes lists and does not know them agent=%s:%u", self->host,
               self->port);
  self->knows_no_lists = TRUE;
  while (self->waiting[ELVES_PEER_QUEUE_TRUNK].length > 0)
    {
      call = g_queue_peek_head (&self->waiting[ELVES_PEER_QUEUE_TRUNK]);
      g_queue_unlink (&self->waiting[ELVES_PEER_QUEUE_TRUNK], &call->place);
      g_queue_push_tail_link (calls, &call->place);
    }
  while ((call = g_queue_peek_head (calls)) != NULL)
    {
      g_queue_unlink (calls, &call->place);
      call->queue = call->kind;
      g_queue_push_tail_link (&self->waiting[call->queue], &call->place);
    }
}

static void
on_trunk_failed (ElvesAgentTrunk *trunk,
                 gboolean unknown,
                 ElvesReason reason,
                 const char *detail,
                 gpointer user_data)
{
  ElvesAgentPeer *self = user_data;
  GQueue calls = G_QUEUE_INIT;
  ElvesAgentCall *call;

  while ((call = elves_agent_trunk_take_call (trunk)) != NULL)
    g_queue_push_tail_link (&calls, &call->place);
  drop_trunk (self, trunk);
  if (unknown)
    send_without_lists (self, &calls);
  self->shared->wants_pump (self, self->shared->user_data);
  while ((call = g_queue_peek_head (&calls)) != NULL)
    {
      g_queue_unlink (&calls, &call->place);
      elves_agent_call_end (call, NULL, reason, detail);
    }
}

static const ElvesAgentTrunkCallbacks trunk_callbacks = { on_trunk_answered, on_trunk_timed_out,
                                                          on_trunk_failed };

/* --- sending --------------------------------------------------------------------------------- */

/**
 * elves_agent_peer_pump_trunk:
 * @self: the peer.
 */
void
elves_agent_peer_pump_trunk (ElvesAgentPeer *self)
{
  const ElvesAgentPoolOptions *options = &self->shared->options;
  GQueue *waiting = &self->waiting[ELVES_PEER_QUEUE_TRUNK];

  if (waiting->length > 0 && self->trunk == NULL)
    self->trunk = elves_agent_trunk_open (self->shared->poller, self->shared->deadlines, self->host,
                                          self->port, options, &trunk_callbacks, self);
  while (waiting->length > 0 && elves_agent_trunk_calls (self->trunk) < options->max_in_flight)
    {
      g_autoptr (GPtrArray) calls = g_ptr_array_new ();
      guint room = options->max_in_flight - elves_agent_trunk_calls (self->trunk);
      gsize bytes = 0;

      while (waiting->length > 0 && calls->len < MIN (options->max_batch, room) &&
             bytes < options->max_list_bytes)
        {
          ElvesAgentCall *call = elves_agent_peer_take_waiting (self, ELVES_PEER_QUEUE_TRUNK);

          bytes += size_of (call->instruct);
          g_ptr_array_add (calls, call);
        }
      elves_agent_trunk_send (self->trunk, calls);
    }
}

/* --- from start to end ----------------------------------------------------------------------- */

/**
 * elves_agent_peer_init_trunks:
 * @self: a new peer: has none.
 */
void
elves_agent_peer_init_trunks (ElvesAgentPeer *self)
{
  self->retired = g_ptr_array_new_with_free_func ((GDestroyNotify) elves_agent_trunk_free);
}

/**
 * elves_agent_peer_close_idle_trunk:
 * @self: the peer.
 * @older_than_us: the trunk is closed when it has been idle since before this.
 */
void
elves_agent_peer_close_idle_trunk (ElvesAgentPeer *self, gint64 older_than_us)
{
  if (self->trunk != NULL && elves_agent_trunk_calls (self->trunk) == 0 &&
      elves_agent_trunk_heard_us (self->trunk) < older_than_us)
    g_clear_pointer (&self->trunk, elves_agent_trunk_free);
}

/**
 * elves_agent_peer_free_trunks:
 * @self: the peer; the calls on its trunks are forgotten.
 */
void
elves_agent_peer_free_trunks (ElvesAgentPeer *self)
{
  elves_agent_trunk_free (self->trunk);
  g_ptr_array_unref (self->retired);
}
