/* The calls to one agent: where they wait, and for how long.
 *
 * A call waits in its queue until the end of the turn in which it came. To an agent that takes
 * lists all of them leave together, on one trunk (agent-peer-trunk.c). To any other one they leave
 * on lines (agent-peer-lines.c), async calls in lists and sync calls one by one; so does, to any
 * agent, what is too large to keep others waiting behind it. A connection that is opened takes its
 * load with it: when it cannot be connected, exactly that load fails, at once, and says why.
 *
 * Limits: lines, calls on the trunk, waiting calls (one more is answered "busy"), the time a call
 * waits for a connection. */
#include "scheduler/agent-peer-private.h"

/* --- calls that wait ------------------------------------------------------------------------- */

static void
on_waited_too_long (ElvesDeadline *deadline, gpointer user_data)
{
  ElvesAgentCall *call = user_data;
  ElvesAgentPeer *peer = call->peer;
  g_autofree char *detail = NULL;

  g_queue_unlink (&peer->waiting[call->queue], &call->place);
  detail = g_strdup_printf ("agent %s:%u: no free connection within %u ms", peer->host, peer->port,
                            peer->shared->options.call_timeout_ms);
  elves_agent_call_end (call, NULL, ELVES_REASON_BUSY, detail);
}

/**
 * elves_agent_peer_take_waiting:
 * @self: the peer.
 * @queue: one of its queues, not empty.
 *
 * Returns: (transfer full): the call that has waited longest there; it waits no longer.
 */
ElvesAgentCall *
elves_agent_peer_take_waiting (ElvesAgentPeer *self, guint queue)
{
  ElvesAgentCall *call = g_queue_peek_head (&self->waiting[queue]);

  g_queue_unlink (&self->waiting[queue], &call->place);
  elves_agent_call_leave (call);
  return call;
}

/* Most calls leave in the turn in which they come: only the others need a deadline. */
static void
limit_waiting (ElvesAgentPeer *self, guint queue)
{
  gint64 timeout_us = self->shared->options.call_timeout_ms * G_GINT64_CONSTANT (1000);

  for (GList *place = self->waiting[queue].tail; place != NULL; place = place->prev)
    {
      ElvesAgentCall *call = place->data;

      if (call->deadline.place != 0)
        return; /* so have all that came before */
      elves_deadlines_arm (call->deadlines, &call->deadline, call->since_us + timeout_us,
                           on_waited_too_long, call);
    }
}

/**
 * elves_agent_peer_pump:
 * @self: the peer.
 *
 * Puts waiting calls on connections, as far as these may be had.
 */
void
elves_agent_peer_pump (ElvesAgentPeer *self)
{
  elves_agent_peer_pump_trunk (self);
  elves_agent_peer_pump_lines (self);
  for (guint queue = 0; queue < ELVES_PEER_N_QUEUES; queue++)
    limit_waiting (self, queue);
}

/* --- the peer -------------------------------------------------------------------------------- */

/**
 * elves_agent_peer_new:
 * @shared: what all peers share; must outlive it.
 * @host: the agent's address.
 * @port: its port.
 *
 * Returns: (transfer full): a peer without lines.
 */
ElvesAgentPeer *
elves_agent_peer_new (const ElvesAgentPeerShared *shared, const char *host, guint16 port)
{
  ElvesAgentPeer *self = g_new0 (ElvesAgentPeer, 1);

  self->shared = shared;
  self->host = g_strdup (host);
  self->port = port;
  elves_agent_peer_init_trunks (self);
  return self;
}

static void
free_calls (GQueue *queue)
{
  GList *place;

  while ((place = g_queue_pop_head_link (queue)) != NULL)
    elves_agent_call_free (place->data);
}

/**
 * elves_agent_peer_free:
 * @self: (nullable): the peer; its calls are forgotten.
 */
void
elves_agent_peer_free (ElvesAgentPeer *self)
{
  if (self == NULL)
    return;

  elves_agent_peer_free_lines (self);
  elves_agent_peer_free_trunks (self);
  for (guint queue = 0; queue < ELVES_PEER_N_QUEUES; queue++)
    free_calls (&self->waiting[queue]);
  g_free (self->host);
  g_free (self);
}

typedef struct
{
  ElvesAgentAnswerFunc func;
  gpointer user_data;
  char *detail;
} Refusal;

static gboolean
on_refusal_due (gpointer user_data)
{
  Refusal *refusal = user_data;

  refusal->func (NULL, ELVES_REASON_BUSY, refusal->detail, 0, refusal->user_data);
  return G_SOURCE_REMOVE;
}

static void
refusal_free (gpointer data)
{
  Refusal *refusal = data;

  g_free (refusal->detail);
  g_free (refusal);
}

static void
refuse (ElvesAgentPeer *self, ElvesAgentAnswerFunc func, gpointer user_data)
{
  Refusal *refusal = g_new0 (Refusal, 1);

  refusal->func = func;
  refusal->user_data = user_data;
  refusal->detail = g_strdup_printf ("agent %s:%u: %u calls wait for a connection already",
                                     self->host, self->port, self->shared->options.max_waiting);
  g_idle_add_full (G_PRIORITY_DEFAULT, on_refusal_due, refusal, refusal_free);
}

/* @takes_lists: as its registration says. */
static guint
choose_queue (const ElvesAgentPeer *self,
              ElvesJobKind kind,
              const ElvesInstruct *instruct,
              gboolean takes_lists)
{
  gboolean list = takes_lists && elves_agent_peer_may_list (self, instruct);

  return list ? ELVES_PEER_QUEUE_TRUNK : kind;
}

/**
 * elves_agent_peer_add:
 * @self: the peer.
 * @takes_lists: whether the agent says that it does.
 * @kind: sync or async.
 * @instruct: what to run; a reference is taken.
 * @func: called once, from the main loop.
 * @user_data: for @func.
 */
void
elves_agent_peer_add (ElvesAgentPeer *self,
                      gboolean takes_lists,
                      ElvesJobKind kind,
                      ElvesInstruct *instruct,
                      ElvesAgentAnswerFunc func,
                      gpointer user_data)
{
  ElvesAgentCall *call;

  if (elves_agent_peer_waiting (self) >= self->shared->options.max_waiting)
    {
      refuse (self, func, user_data);
      return;
    }

  call = elves_agent_call_new (self->shared->deadlines, kind, instruct, func, user_data);
  call->peer = self;
  call->queue = choose_queue (self, kind, instruct, takes_lists);
  g_queue_push_tail_link (&self->waiting[call->queue], &call->place);
  self->shared->wants_pump (self, self->shared->user_data);
}

/**
 * elves_agent_peer_close_idle:
 * @self: the peer.
 * @older_than_us: connections that have been idle since before this are closed.
 */
void
elves_agent_peer_close_idle (ElvesAgentPeer *self, gint64 older_than_us)
{
  elves_agent_peer_close_idle_lines (self, older_than_us);
  elves_agent_peer_close_idle_trunk (self, older_than_us);
}

/**
 * elves_agent_peer_is_unused:
 * @self: the peer.
 *
 * Returns: whether it has neither connections nor calls.
 */
gboolean
elves_agent_peer_is_unused (const ElvesAgentPeer *self)
{
  return elves_agent_peer_lines (self) + elves_agent_peer_waiting (self) == 0;
}

/**
 * elves_agent_peer_lines:
 * @self: the peer.
 *
 * Returns: how many connections it has, idle or busy.
 */
guint
elves_agent_peer_lines (const ElvesAgentPeer *self)
{
  return self->idle.length + self->busy.length + self->retired->len + (self->trunk != NULL ? 1 : 0);
}

/**
 * elves_agent_peer_waiting:
 * @self: the peer.
 *
 * Returns: how many calls wait for a connection.
 */
guint
elves_agent_peer_waiting (const ElvesAgentPeer *self)
{
  guint count = 0;

  for (guint queue = 0; queue < ELVES_PEER_N_QUEUES; queue++)
    count += self->waiting[queue].length;
  return count;
}
