/* The calls to one agent and the connections that carry them.
 *
 * A call waits in its queue until the end of the turn in which it came. To an agent that takes
 * lists all of them leave together, on one trunk. To any other one, async calls leave together in
 * one list, one list at a time (what comes meanwhile makes the next one), and sync calls leave one
 * on a line; so does, to any agent, what is too large to keep others waiting behind it. A
 * connection that is opened takes its load with it: when it cannot be connected, exactly that load
 * fails, at once, and says why.
 *
 * A trunk on which a call was not answered in time, nor anything else since it was sent, is
 * retired: nothing more is put on it, and it is closed when the last call on it has ended. An agent
 * that says it takes lists and then does not know them is asked without from then on.
 *
 * Limits: lines, calls on the trunk, waiting calls (one more is answered "busy"), the time a call
 * waits for a connection. */
#include "scheduler/agent-peer.h"

#include "scheduler/agent-call.h"
#include "scheduler/agent-line.h"
#include "scheduler/agent-trunk.h"

/* Where a call waits: for a line, by ElvesJobKind; or for the trunk. */
enum
{
  QUEUE_TRUNK = ELVES_JOB_ASYNC + 1,
  N_QUEUES
};

typedef struct
{
  ElvesAgentPeer *peer;
  ElvesAgentLine *line;
  GPtrArray *load; /* of ElvesAgentCall; empty: idle */
  GList place;     /* in idle or busy */
} Carrier;

struct ElvesAgentPeer
{
  const ElvesAgentPeerShared *shared;
  char *host;
  guint16 port;
  GQueue waiting[N_QUEUES]; /* of ElvesAgentCall */
  GQueue idle, busy;        /* of Carrier; idle: last used first */
  gboolean list_under_way;
  ElvesAgentTrunk *trunk; /* (nullable) the one to put calls on */
  GPtrArray *retired;     /* of ElvesAgentTrunk */
  gboolean knows_no_lists;
};

static void on_answered (ElvesAgentLine *line, GPtrArray *answers, gpointer user_data);
static void
on_failed (ElvesAgentLine *line, ElvesReason reason, const char *detail, gpointer user_data);

static const ElvesAgentLineCallbacks line_callbacks = { on_answered, on_failed };

/* --- calls ----------------------------------------------------------------------------------- */

static void
end_call (ElvesAgentCall *call,
          const ElvesReinstruct *answer,
          ElvesReason reason,
          const char *detail)
{
  elves_agent_call_tell (call, answer, reason, detail);
  elves_agent_call_free (call);
}

/* Ends every call of @load and frees it. @answers: (nullable). The peer may not be touched by what
   the callbacks do other than by more calls being added. */
static void
end_load (GPtrArray *load, GPtrArray *answers, ElvesReason reason, const char *detail)
{
  for (guint i = 0; i < load->len; i++)
    if (answers != NULL && i < answers->len)
      elves_agent_call_tell (load->pdata[i], answers->pdata[i], ELVES_REASON_NONE, NULL);
    else
      elves_agent_call_tell (load->pdata[i], NULL, reason, detail);
  g_ptr_array_unref (load);
}

static void
on_waited_too_long (ElvesDeadline *deadline, gpointer user_data)
{
  ElvesAgentCall *call = user_data;
  ElvesAgentPeer *peer = call->peer;
  g_autofree char *detail = NULL;

  g_queue_unlink (&peer->waiting[call->queue], &call->place);
  detail = g_strdup_printf ("agent %s:%u: no free connection within %u ms", peer->host, peer->port,
                            peer->shared->options.call_timeout_ms);
  end_call (call, NULL, ELVES_REASON_BUSY, detail);
}

static ElvesAgentCall *
take_waiting (ElvesAgentPeer *self, guint queue)
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

/* --- lines ----------------------------------------------------------------------------------- */

static void
carrier_free (Carrier *carrier)
{
  elves_agent_line_free (carrier->line);
  g_ptr_array_unref (carrier->load);
  g_free (carrier);
}

static Carrier *
open_carrier (ElvesAgentPeer *self)
{
  Carrier *carrier = g_new0 (Carrier, 1);

  carrier->peer = self;
  carrier->place.data = carrier;
  carrier->load = g_ptr_array_new_with_free_func ((GDestroyNotify) elves_agent_call_free);
  carrier->line =
      elves_agent_line_open (self->shared->poller, self->shared->deadlines, self->host, self->port,
                             &self->shared->options.link, &line_callbacks, carrier);
  return carrier;
}

/* (nullable): every line is busy and there are enough of them. */
static Carrier *
take_carrier (ElvesAgentPeer *self)
{
  Carrier *carrier = g_queue_peek_head (&self->idle);

  if (carrier != NULL)
    g_queue_unlink (&self->idle, &carrier->place);
  else if (self->busy.length < self->shared->options.max_lines)
    carrier = open_carrier (self);
  if (carrier != NULL)
    g_queue_push_tail_link (&self->busy, &carrier->place);
  return carrier;
}

/* Takes the load from the carrier, for the caller to end. */
static GPtrArray *
unload (Carrier *carrier)
{
  GPtrArray *load = carrier->load;
  ElvesAgentCall *first = load->len > 0 ? load->pdata[0] : NULL;

  if (first != NULL && first->kind == ELVES_JOB_ASYNC)
    carrier->peer->list_under_way = FALSE;
  carrier->load = g_ptr_array_new_with_free_func ((GDestroyNotify) elves_agent_call_free);
  return load;
}

static void
on_answered (ElvesAgentLine *line, GPtrArray *answers, gpointer user_data)
{
  Carrier *carrier = user_data;
  ElvesAgentPeer *self = carrier->peer;
  GPtrArray *load = unload (carrier);

  g_queue_unlink (&self->busy, &carrier->place);
  g_queue_push_head_link (&self->idle, &carrier->place);
  self->shared->wants_pump (self, self->shared->user_data);
  end_load (load, answers, ELVES_REASON_OUTCOME_UNKNOWN,
            "the agent's list of answers is too short");
}

static void
on_failed (ElvesAgentLine *line, ElvesReason reason, const char *detail, gpointer user_data)
{
  Carrier *carrier = user_data;
  ElvesAgentPeer *self = carrier->peer;
  GPtrArray *load = unload (carrier);
  g_autofree char *kept_detail = g_strdup (detail);

  g_queue_unlink (load->len > 0 ? &self->busy : &self->idle, &carrier->place);
  carrier_free (carrier);
  self->shared->wants_pump (self, self->shared->user_data);
  end_load (load, NULL, reason, kept_detail);
}

/* --- sending --------------------------------------------------------------------------------- */

static void
send_list (ElvesAgentPeer *self, Carrier *carrier)
{
  g_autoptr (GPtrArray) instructs = g_ptr_array_new ();

  while (instructs->len < self->shared->options.max_batch &&
         self->waiting[ELVES_JOB_ASYNC].length > 0)
    {
      ElvesAgentCall *call = take_waiting (self, ELVES_JOB_ASYNC);

      g_ptr_array_add (carrier->load, call);
      g_ptr_array_add (instructs, call->instruct);
    }
  self->list_under_way = TRUE;
  elves_agent_line_call_async (carrier->line, instructs, self->shared->options.call_timeout_ms);
}

static void
send_one (ElvesAgentPeer *self, Carrier *carrier)
{
  ElvesAgentCall *call = take_waiting (self, ELVES_JOB_SYNC);

  g_ptr_array_add (carrier->load, call);
  elves_agent_line_call_sync (
      carrier->line, call->instruct,
      elves_agent_call_timeout_ms (call, self->shared->options.call_timeout_ms));
}

static void
pump_lines (ElvesAgentPeer *self)
{
  for (;;)
    {
      gboolean list = self->waiting[ELVES_JOB_ASYNC].length > 0 && !self->list_under_way;
      Carrier *carrier;

      if (!list && self->waiting[ELVES_JOB_SYNC].length == 0)
        return;
      carrier = take_carrier (self);
      if (carrier == NULL)
        return;
      if (list)
        send_list (self, carrier);
      else
        send_one (self, carrier);
    }
}

/* --- the trunk ------------------------------------------------------------------------------- */

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

  if (self->waiting[QUEUE_TRUNK].length > 0)
    self->shared->wants_pump (self, self->shared->user_data);
  end_call (call, answer, ELVES_REASON_NONE, NULL);
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
  end_call (call, NULL, ELVES_REASON_OUTCOME_UNKNOWN, detail);
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
  while (self->waiting[QUEUE_TRUNK].length > 0)
    {
      call = g_queue_peek_head (&self->waiting[QUEUE_TRUNK]);
      g_queue_unlink (&self->waiting[QUEUE_TRUNK], &call->place);
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
      end_call (call, NULL, reason, detail);
    }
}

static const ElvesAgentTrunkCallbacks trunk_callbacks = { on_trunk_answered, on_trunk_timed_out,
                                                          on_trunk_failed };

/* Roughly what it takes on the wire. */
static gsize
size_of (const ElvesInstruct *instruct)
{
  return g_bytes_get_size (instruct->param) + 256;
}

static void
pump_trunk (ElvesAgentPeer *self)
{
  const ElvesAgentPoolOptions *options = &self->shared->options;
  GQueue *waiting = &self->waiting[QUEUE_TRUNK];

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
          ElvesAgentCall *call = take_waiting (self, QUEUE_TRUNK);

          bytes += size_of (call->instruct);
          g_ptr_array_add (calls, call);
        }
      elves_agent_trunk_send (self->trunk, calls);
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
  pump_trunk (self);
  pump_lines (self);
  for (guint queue = 0; queue < N_QUEUES; queue++)
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
  self->retired = g_ptr_array_new_with_free_func ((GDestroyNotify) elves_agent_trunk_free);
  return self;
}

static void
free_carriers (GQueue *queue)
{
  GList *place;

  while ((place = g_queue_pop_head_link (queue)) != NULL)
    carrier_free (place->data);
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

  free_carriers (&self->idle);
  free_carriers (&self->busy);
  elves_agent_trunk_free (self->trunk);
  g_ptr_array_unref (self->retired);
  for (guint queue = 0; queue < N_QUEUES; queue++)
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
  gboolean list = takes_lists && !self->knows_no_lists &&
                  size_of (instruct) <= self->shared->options.max_list_bytes;

  return list ? QUEUE_TRUNK : kind;
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
  Carrier *carrier;

  while ((carrier = g_queue_peek_tail (&self->idle)) != NULL &&
         elves_agent_line_idle_since_us (carrier->line) < older_than_us)
    {
      g_queue_unlink (&self->idle, &carrier->place);
      carrier_free (carrier);
    }
  if (self->trunk != NULL && elves_agent_trunk_calls (self->trunk) == 0 &&
      elves_agent_trunk_heard_us (self->trunk) < older_than_us)
    g_clear_pointer (&self->trunk, elves_agent_trunk_free);
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

  for (guint queue = 0; queue < N_QUEUES; queue++)
    count += self->waiting[queue].length;
  return count;
}
