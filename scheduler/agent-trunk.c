/* Lists of calls to an agent, and their answers.
 *
 * instructionInvokeList is one way, and so is what comes back: each answer by its number, as soon
 * as it is there, so that no call waits for another one, and a call under way holds no connection.
 * What the end of the connection means for those calls is the same as on a line (agent-line.c).
 *
 * A call that is not answered in time ends alone: its number is forgotten, and what comes for it
 * later is dropped. */
#include "scheduler/agent-trunk.h"

#include "common/error.h"
#include "common/rpc-codec.h"

struct ElvesAgentTrunk
{
  ElvesThriftLink *link;
  ElvesDeadlines *deadlines;
  guint call_timeout_ms;
  const ElvesAgentTrunkCallbacks *callbacks;
  gpointer user_data;
  char *peer;          /* host:port, for messages */
  GHashTable *numbers; /* number -> ElvesAgentCall */
  GQueue calls;        /* of ElvesAgentCall, by its place */
  gint32 last_number;
  gint64 heard_us; /* 0: never */
  gboolean connected;
};

static void
fail (ElvesAgentTrunk *self, gboolean unknown, ElvesReason reason, const char *text)
{
  g_autofree char *detail = g_strdup_printf ("agent %s: %s", self->peer, text);

  self->callbacks->failed (self, unknown, reason, detail, self->user_data);
}

static void
forget (ElvesAgentTrunk *self, ElvesAgentCall *call)
{
  g_hash_table_remove (self->numbers, GINT_TO_POINTER (call->number));
  g_queue_unlink (&self->calls, &call->place);
  elves_deadlines_disarm (self->deadlines, &call->deadline);
}

static void
on_deadline (ElvesDeadline *deadline, gpointer user_data)
{
  ElvesAgentCall *call = user_data;
  ElvesAgentTrunk *self = call->carrier;

  forget (self, call);
  self->callbacks->timed_out (self, call, self->user_data);
}

static void
await_answer (ElvesAgentTrunk *self, ElvesAgentCall *call, gint64 now_us)
{
  gint64 timeout_ms = elves_agent_call_timeout_ms (call, self->call_timeout_ms);

  elves_deadlines_arm (self->deadlines, &call->deadline, now_us + timeout_ms * 1000, on_deadline,
                       call);
}

static void
on_opened (ElvesThriftLink *link, gpointer user_data)
{
  ElvesAgentTrunk *self = user_data;
  gint64 now_us = g_get_monotonic_time ();

  self->connected = TRUE;
  for (GList *place = self->calls.head; place != NULL; place = place->next)
    await_answer (self, place->data, now_us);
}

static void
take_answer (ElvesAgentTrunk *self, gint32 number, const ElvesReinstruct *answer)
{
  ElvesAgentCall *call = g_hash_table_lookup (self->numbers, GINT_TO_POINTER (number));

  if (call == NULL)
    return; /* it came too late */
  forget (self, call);
  self->callbacks->answered (self, call, answer, self->user_data);
}

static void
on_message (ElvesThriftLink *link, const guint8 *bytes, gsize length, gpointer user_data)
{
  ElvesAgentTrunk *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (ElvesRpcRequest) answers = elves_rpc_decode_answers (bytes, length, &error);

  self->heard_us = elves_thrift_link_last_activity_us (link);
  if (answers == NULL)
    fail (self, g_error_matches (error, ELVES_ERROR, ELVES_ERROR_NOT_FOUND),
          ELVES_REASON_OUTCOME_UNKNOWN, error->message);
  else
    for (guint i = 0; i < answers->reinstructs->len; i++)
      take_answer (self, g_array_index (answers->marks, ElvesRpcMark, i).call,
                   answers->reinstructs->pdata[i]);
}

static void
on_closed (ElvesThriftLink *link, const GError *error, gpointer user_data)
{
  ElvesAgentTrunk *self = user_data;

  fail (self, FALSE, elves_agent_call_reason_of_closing (self->connected, error),
        error != NULL ? error->message : "it closed the connection");
}

static const ElvesThriftLinkCallbacks link_callbacks = { .opened = on_opened,
                                                         .message = on_message,
                                                         .closed = on_closed };

/**
 * elves_agent_trunk_open:
 * @poller: what the socket is polled with.
 * @deadlines: where the answers' deadlines are kept.
 * @host: the agent's address.
 * @port: its port.
 * @options: limits and times.
 * @callbacks: what happens on the trunk; must outlive it.
 * @user_data: for @callbacks.
 *
 * Returns: (transfer full): a trunk that is connecting; it takes calls already.
 */
ElvesAgentTrunk *
elves_agent_trunk_open (ElvesPoller *poller,
                        ElvesDeadlines *deadlines,
                        const char *host,
                        guint16 port,
                        const ElvesAgentPoolOptions *options,
                        const ElvesAgentTrunkCallbacks *callbacks,
                        gpointer user_data)
{
  ElvesAgentTrunk *self = g_new0 (ElvesAgentTrunk, 1);

  self->deadlines = deadlines;
  self->call_timeout_ms = options->call_timeout_ms;
  self->callbacks = callbacks;
  self->user_data = user_data;
  self->peer = g_strdup_printf ("%s:%u", host, port);
  self->numbers = g_hash_table_new (NULL, NULL);
  self->link =
      elves_thrift_link_connect (poller, host, port, &options->link, &link_callbacks, self);
  return self;
}

/**
 * elves_agent_trunk_free:
 * @self: (nullable): a trunk; calls under way are forgotten.
 */
void
elves_agent_trunk_free (ElvesAgentTrunk *self)
{
  ElvesAgentCall *call;

  if (self == NULL)
    return;
  while ((call = elves_agent_trunk_take_call (self)) != NULL)
    elves_agent_call_free (call);
  elves_thrift_link_free (self->link);
  g_hash_table_unref (self->numbers);
  g_free (self->peer);
  g_free (self);
}

static gint32
next_number (ElvesAgentTrunk *self)
{
  do
    self->last_number = self->last_number == G_MAXINT32 ? 1 : self->last_number + 1;
  while (g_hash_table_contains (self->numbers, GINT_TO_POINTER (self->last_number)));
  return self->last_number;
}

static void
take (ElvesAgentTrunk *self, ElvesAgentCall *call)
{
  call->carrier = self;
  call->number = next_number (self);
  g_hash_table_insert (self->numbers, GINT_TO_POINTER (call->number), call);
  g_queue_push_tail_link (&self->calls, &call->place);
  if (self->connected)
    await_answer (self, call, call->sent_us);
}

/**
 * elves_agent_trunk_send:
 * @self: the trunk.
 * @calls: (element-type ElvesAgentCall): at least one; each is the trunk's from now on.
 */
void
elves_agent_trunk_send (ElvesAgentTrunk *self, GPtrArray *calls)
{
  g_autoptr (GPtrArray) instructs = g_ptr_array_sized_new (calls->len);
  g_autofree ElvesRpcMark *marks = g_new (ElvesRpcMark, calls->len);

  for (guint i = 0; i < calls->len; i++)
    {
      ElvesAgentCall *call = calls->pdata[i];

      take (self, call);
      g_ptr_array_add (instructs, call->instruct);
      marks[i] = (ElvesRpcMark){ .call = call->number, .wait = call->kind == ELVES_JOB_SYNC };
    }
  elves_rpc_encode_invoke_list (elves_thrift_link_output (self->link), instructs, marks);
  elves_thrift_link_flush (self->link);
}

/**
 * elves_agent_trunk_take_call:
 * @self: the trunk.
 *
 * Returns: (transfer full) (nullable): the oldest call under way, which it forgets.
 */
ElvesAgentCall *
elves_agent_trunk_take_call (ElvesAgentTrunk *self)
{
  ElvesAgentCall *call = g_queue_peek_head (&self->calls);

  if (call != NULL)
    forget (self, call);
  return call;
}

/**
 * elves_agent_trunk_calls:
 * @self: the trunk.
 *
 * Returns: how many calls are under way.
 */
guint
elves_agent_trunk_calls (const ElvesAgentTrunk *self)
{
  return self->calls.length;
}

/**
 * elves_agent_trunk_heard_us:
 * @self: the trunk.
 *
 * Returns: when the last answers came, in the time of g_get_monotonic_time(); 0: none have.
 */
gint64
elves_agent_trunk_heard_us (const ElvesAgentTrunk *self)
{
  return self->heard_us;
}
