/* The calls to one agent and the lines that carry them.
 *
 * A call waits in its queue until the end of the turn in which it came. Then async calls leave
 * together in one list, one list at a time (what comes meanwhile makes the next one), and sync
 * calls leave one on a line. A line that is opened takes its load with it: when it cannot be
 * connected, exactly that load fails, at once, and says why.
 *
 * Limits: lines, waiting calls (one more is answered "busy"), the time a call waits for a line. */
#include "scheduler/agent-peer.h"

#include "scheduler/agent-line.h"
#include "scheduler/metrics.h"

/* A load on a line, or waiting. */
typedef struct
{
  ElvesAgentPeer *peer;
  ElvesJobKind kind;
  ElvesInstruct *instruct;
  ElvesAgentAnswerFunc func;
  gpointer user_data;
  gint64 since_us; /* it was handed in */
  gint64 sent_us;  /* it left; 0: not yet */
  ElvesDeadline waiting_deadline;
  GList place; /* in the peer's queue while waiting */
} Call;

typedef struct
{
  ElvesAgentPeer *peer;
  ElvesAgentLine *line;
  GPtrArray *load; /* of Call; empty: idle */
  GList place;     /* in idle or busy */
} Carrier;

struct ElvesAgentPeer
{
  const ElvesAgentPeerShared *shared;
  char *host;
  guint16 port;
  GQueue waiting[2]; /* of Call, by ElvesJobKind */
  GQueue idle, busy; /* of Carrier; idle: last used first */
  gboolean list_under_way;
};

static void on_answered (ElvesAgentLine *line, GPtrArray *answers, gpointer user_data);
static void
on_failed (ElvesAgentLine *line, ElvesReason reason, const char *detail, gpointer user_data);

static const ElvesAgentLineCallbacks line_callbacks = { on_answered, on_failed };

/* --- calls ----------------------------------------------------------------------------------- */

static void
call_free (gpointer data)
{
  Call *call = data;

  elves_deadlines_disarm (call->peer->shared->deadlines, &call->waiting_deadline);
  elves_instruct_unref (call->instruct);
  g_free (call);
}

static void
call_end (Call *call, const ElvesReinstruct *answer, ElvesReason reason, const char *detail)
{
  gint64 now_us = g_get_monotonic_time ();
  gint64 call_ms = (now_us - call->since_us) / 1000;

  if (call->sent_us != 0)
    elves_histogram_add (&elves_scheduler_metrics.call_to_answer, now_us - call->sent_us);
  call->func (answer, reason, detail, (gint32) MIN (call_ms, G_MAXINT32), call->user_data);
}

/* Ends every call of @load and frees it. @answers: (nullable). The peer may not be touched by what
   the callbacks do other than by more calls being added. */
static void
end_load (GPtrArray *load, GPtrArray *answers, ElvesReason reason, const char *detail)
{
  for (guint i = 0; i < load->len; i++)
    if (answers != NULL && i < answers->len)
      call_end (load->pdata[i], answers->pdata[i], ELVES_REASON_NONE, NULL);
    else
      call_end (load->pdata[i], NULL, reason, detail);
  g_ptr_array_unref (load);
}

static void
on_waited_too_long (ElvesDeadline *deadline, gpointer user_data)
{
  Call *call = user_data;
  ElvesAgentPeer *peer = call->peer;
  g_autofree char *detail = NULL;

  g_queue_unlink (&peer->waiting[call->kind], &call->place);
  detail = g_strdup_printf ("agent %s:%u: no free connection within %u ms", peer->host, peer->port,
                            peer->shared->options.call_timeout_ms);
  call_end (call, NULL, ELVES_REASON_BUSY, detail);
  call_free (call);
}

static Call *
take_waiting (ElvesAgentPeer *self, ElvesJobKind kind)
{
  Call *call = g_queue_peek_head (&self->waiting[kind]);

  g_queue_unlink (&self->waiting[kind], &call->place);
  elves_deadlines_disarm (self->shared->deadlines, &call->waiting_deadline);
  call->sent_us = g_get_monotonic_time ();
  elves_histogram_add (&elves_scheduler_metrics.wait_for_call, call->sent_us - call->since_us);
  return call;
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
  carrier->load = g_ptr_array_new_with_free_func (call_free);
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
  Call *first = load->len > 0 ? load->pdata[0] : NULL;

  if (first != NULL && first->kind == ELVES_JOB_ASYNC)
    carrier->peer->list_under_way = FALSE;
  carrier->load = g_ptr_array_new_with_free_func (call_free);
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
      Call *call = take_waiting (self, ELVES_JOB_ASYNC);

      g_ptr_array_add (carrier->load, call);
      g_ptr_array_add (instructs, call->instruct);
    }
  self->list_under_way = TRUE;
  elves_agent_line_call_async (carrier->line, instructs, self->shared->options.call_timeout_ms);
}

static void
send_one (ElvesAgentPeer *self, Carrier *carrier)
{
  Call *call = take_waiting (self, ELVES_JOB_SYNC);
  gint64 timeout_ms = (gint64) MAX (call->instruct->timeout_s, 0) * 1000;

  g_ptr_array_add (carrier->load, call);
  elves_agent_line_call_sync (carrier->line, call->instruct,
                              timeout_ms + self->shared->options.call_timeout_ms);
}

/**
 * elves_agent_peer_pump:
 * @self: the peer.
 *
 * Puts waiting calls on lines, as far as lines may be had.
 */
void
elves_agent_peer_pump (ElvesAgentPeer *self)
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
    call_free (place->data);
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
  free_calls (&self->waiting[ELVES_JOB_SYNC]);
  free_calls (&self->waiting[ELVES_JOB_ASYNC]);
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

/**
 * elves_agent_peer_add:
 * @self: the peer.
 * @kind: sync or async.
 * @instruct: what to run; a reference is taken.
 * @func: called once, from the main loop.
 * @user_data: for @func.
 */
void
elves_agent_peer_add (ElvesAgentPeer *self,
                      ElvesJobKind kind,
                      ElvesInstruct *instruct,
                      ElvesAgentAnswerFunc func,
                      gpointer user_data)
{
  Call *call;

  if (self->waiting[0].length + self->waiting[1].length >= self->shared->options.max_waiting)
    {
      refuse (self, func, user_data);
      return;
    }

  call = g_new0 (Call, 1);
  call->peer = self;
  call->kind = kind;
  call->instruct = elves_instruct_ref (instruct);
  call->func = func;
  call->user_data = user_data;
  call->since_us = g_get_monotonic_time ();
  call->place.data = call;
  g_queue_push_tail_link (&self->waiting[kind], &call->place);
  elves_deadlines_arm (self->shared->deadlines, &call->waiting_deadline,
                       call->since_us +
                           self->shared->options.call_timeout_ms * G_GINT64_CONSTANT (1000),
                       on_waited_too_long, call);
  self->shared->wants_pump (self, self->shared->user_data);
}

/**
 * elves_agent_peer_close_idle:
 * @self: the peer.
 * @older_than_us: lines that have been idle since before this are closed.
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
}

/**
 * elves_agent_peer_is_unused:
 * @self: the peer.
 *
 * Returns: whether it has neither lines nor calls.
 */
gboolean
elves_agent_peer_is_unused (const ElvesAgentPeer *self)
{
  return self->idle.length + self->busy.length + self->waiting[0].length +
             self->waiting[1].length ==
         0;
}

/**
 * elves_agent_peer_lines:
 * @self: the peer.
 *
 * Returns: how many lines it has, idle or busy.
 */
guint
elves_agent_peer_lines (const ElvesAgentPeer *self)
{
  return self->idle.length + self->busy.length;
}

/**
 * elves_agent_peer_waiting:
 * @self: the peer.
 *
 * Returns: how many calls wait for a line.
 */
guint
elves_agent_peer_waiting (const ElvesAgentPeer *self)
{
  return self->waiting[ELVES_JOB_SYNC].length + self->waiting[ELVES_JOB_ASYNC].length;
}
