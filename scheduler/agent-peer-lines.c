/* The lines of a peer: connections that carry one list of async calls, or one sync call, at a time.
 *
 * Async calls leave together in one list, one list at a time: what comes meanwhile makes the next
 * one. */
#include "scheduler/agent-peer-private.h"

typedef struct
{
  ElvesAgentPeer *peer;
  ElvesAgentLine *line;
  GPtrArray *load; /* of ElvesAgentCall; empty: idle */
  GList place;     /* in idle or busy */
} Carrier;

static void on_answered (ElvesAgentLine *line, GPtrArray *answers, gpointer user_data);
static void
on_failed (ElvesAgentLine *line, ElvesReason reason, const char *detail, gpointer user_data);

static const ElvesAgentLineCallbacks line_callbacks = { on_answered, on_failed };

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

/* --- answers --------------------------------------------------------------------------------- */

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
      ElvesAgentCall *call = elves_agent_peer_take_waiting (self, ELVES_JOB_ASYNC);

      g_ptr_array_add (carrier->load, call);
      g_ptr_array_add (instructs, call->instruct);
    }
  self->list_under_way = TRUE;
  elves_agent_line_call_async (carrier->line, instructs, self->shared->options.call_timeout_ms);
}

static void
send_one (ElvesAgentPeer *self, Carrier *carrier)
{
  ElvesAgentCall *call = elves_agent_peer_take_waiting (self, ELVES_JOB_SYNC);

  g_ptr_array_add (carrier->load, call);
  elves_agent_line_call_sync (
      carrier->line, call->instruct,
      elves_agent_call_timeout_ms (call, self->shared->options.call_timeout_ms));
}

/**
 * elves_agent_peer_pump_lines:
 * @self: the peer.
 */
void
elves_agent_peer_pump_lines (ElvesAgentPeer *self)
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

/* --- the end --------------------------------------------------------------------------------- */

/**
 * elves_agent_peer_close_idle_lines:
 * @self: the peer.
 * @older_than_us: lines that have been idle since before this are closed.
 */
void
elves_agent_peer_close_idle_lines (ElvesAgentPeer *self, gint64 older_than_us)
{
  Carrier *carrier;

  while ((carrier = g_queue_peek_tail (&self->idle)) != NULL &&
         elves_agent_line_idle_since_us (carrier->line) < older_than_us)
    {
      g_queue_unlink (&self->idle, &carrier->place);
      carrier_free (carrier);
    }
}

static void
free_carriers (GQueue *queue)
{
  GList *place;

  while ((place = g_queue_pop_head_link (queue)) != NULL)
    carrier_free (place->data);
}

/**
 * elves_agent_peer_free_lines:
 * @self: the peer; the calls on its lines are forgotten.
 */
void
elves_agent_peer_free_lines (ElvesAgentPeer *self)
{
  free_carriers (&self->idle);
  free_carriers (&self->busy);
}
