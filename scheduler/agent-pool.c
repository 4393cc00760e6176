/* All agents the scheduler talks to, by address.
 *
 * Peers with something to send are pumped once, at the end of the turn of the loop in which it
 * came: that is what makes lists of single jobs. Idle connections are closed by one coarse timer,
 * sooner than an agent would close them, so that a call rarely meets a connection that is just
 * ending. */
#include "scheduler/agent-pool.h"

#include "scheduler/agent-peer.h"

enum
{
  SWEEP_S = 5
};

struct ElvesAgentPool
{
  ElvesAgentPeerShared shared;
  GHashTable *peers; /* "host:port" -> ElvesAgentPeer */
  GHashTable *due;   /* set of ElvesAgentPeer that want to be pumped */
  GHashTable *spare; /* to be the next @due; empty but during a pump */
  ElvesDeferred pump;
  GSource *sweep;
};

static void
on_pump (gpointer user_data)
{
  ElvesAgentPool *self = user_data;
  GHashTable *due = self->due;
  GHashTableIter iter;
  gpointer peer;

  self->due = self->spare;
  self->spare = due;
  g_hash_table_iter_init (&iter, due);
  while (g_hash_table_iter_next (&iter, &peer, NULL))
    elves_agent_peer_pump (peer);
  g_hash_table_remove_all (due);
}

static void
on_wants_pump (ElvesAgentPeer *peer, gpointer user_data)
{
  ElvesAgentPool *self = user_data;

  g_hash_table_add (self->due, peer);
  elves_poller_defer (self->shared.poller, &self->pump);
}

static gboolean
on_sweep (gpointer user_data)
{
  ElvesAgentPool *self = user_data;
  gint64 older_than_us =
      g_get_monotonic_time () - self->shared.options.idle_s * (gint64) G_USEC_PER_SEC;
  GHashTableIter iter;
  gpointer peer;

  g_hash_table_iter_init (&iter, self->peers);
  while (g_hash_table_iter_next (&iter, NULL, &peer))
    {
      elves_agent_peer_close_idle (peer, older_than_us);
      if (elves_agent_peer_is_unused (peer) && !g_hash_table_contains (self->due, peer))
        g_hash_table_iter_remove (&iter);
    }
  return G_SOURCE_CONTINUE;
}

/**
 * elves_agent_pool_new:
 * @poller: what sockets are polled with; must outlive the pool.
 * @deadlines: where deadlines are kept; must outlive the pool.
 * @options: limits and times.
 *
 * Returns: (transfer full): a pool without connections.
 */
ElvesAgentPool *
elves_agent_pool_new (ElvesPoller *poller,
                      ElvesDeadlines *deadlines,
                      const ElvesAgentPoolOptions *options)
{
  ElvesAgentPool *self = g_new0 (ElvesAgentPool, 1);

  self->shared.poller = poller;
  self->shared.deadlines = deadlines;
  self->shared.options = *options;
  self->shared.wants_pump = on_wants_pump;
  self->shared.user_data = self;
  self->peers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                       (GDestroyNotify) elves_agent_peer_free);
  self->due = g_hash_table_new (NULL, NULL);
  self->spare = g_hash_table_new (NULL, NULL);
  self->pump = (ElvesDeferred){ .func = on_pump, .user_data = self };
  self->sweep = g_timeout_source_new_seconds (SWEEP_S);
  g_source_set_priority (self->sweep, G_PRIORITY_LOW);
  g_source_set_callback (self->sweep, on_sweep, self, NULL);
  g_source_attach (self->sweep, g_main_context_get_thread_default ());
  return self;
}

/**
 * elves_agent_pool_free:
 * @self: (nullable): the pool; calls under way are forgotten.
 */
void
elves_agent_pool_free (ElvesAgentPool *self)
{
  if (self == NULL)
    return;

  elves_poller_cancel_deferred (self->shared.poller, &self->pump);
  g_source_destroy (self->sweep);
  g_source_unref (self->sweep);
  g_hash_table_unref (self->peers);
  g_hash_table_unref (self->due);
  g_hash_table_unref (self->spare);
  g_free (self);
}

static ElvesAgentPeer *
peer_at (ElvesAgentPool *self, const char *host, guint16 port)
{
  g_autofree char *address = g_strdup_printf ("%s:%u", host, port);
  ElvesAgentPeer *peer = g_hash_table_lookup (self->peers, address);

  if (peer == NULL)
    {
      peer = elves_agent_peer_new (&self->shared, host, port);
      g_hash_table_insert (self->peers, g_steal_pointer (&address), peer);
    }
  return peer;
}

/**
 * elves_agent_pool_call:
 * @self: the pool.
 * @host: the agent's address.
 * @port: its port.
 * @takes_lists: whether it says that it does.
 * @kind: sync: the answer is the result; async: the answer is the agent's acknowledgement.
 * @instruct: what to run.
 * @func: called once, from the main loop.
 * @user_data: for @func.
 */
void
elves_agent_pool_call (ElvesAgentPool *self,
                       const char *host,
                       guint16 port,
                       gboolean takes_lists,
                       ElvesJobKind kind,
                       ElvesInstruct *instruct,
                       ElvesAgentAnswerFunc func,
                       gpointer user_data)
{
  elves_agent_peer_add (peer_at (self, host, port), takes_lists, kind, instruct, func, user_data);
}

/**
 * elves_agent_pool_count:
 * @self: the pool.
 * @out_connected: agents to which there is a connection, or one is being made.
 * @out_waiting: calls that wait for a connection.
 *
 * Takes time that grows with the number of agents.
 */
void
elves_agent_pool_count (const ElvesAgentPool *self, guint *out_connected, guint *out_waiting)
{
  GHashTableIter iter;
  gpointer peer;

  *out_connected = *out_waiting = 0;
  g_hash_table_iter_init (&iter, self->peers);
  while (g_hash_table_iter_next (&iter, NULL, &peer))
    {
      *out_connected += elves_agent_peer_lines (peer) > 0 ? 1 : 0;
      *out_waiting += elves_agent_peer_waiting (peer);
    }
}
