/* One kept connection to an agent.
 *
 * A line carries one call at a time, because the original agent serves a connection serially and
 * answers carry nothing to tell them apart but their order. What a failure means depends on how far
 * the call had come, and that is all this file decides:
 *
 *   not connected: refused, or unreachable      - the function was not started
 *   sent, then the connection ended: agent-lost - it may have been started
 *   sent, no answer in time: outcome-unknown    - it may have been started
 *   an answer that is none: outcome-unknown
 */
#include "scheduler/agent-line.h"

#include "common/error.h"
#include "common/rpc-codec.h"
#include "scheduler/agent-call.h"

typedef enum
{
  LINE_CONNECTING,
  LINE_IDLE,
  LINE_WAITING /* for an answer */
} LineState;

struct ElvesAgentLine
{
  ElvesThriftLink *link;
  ElvesDeadlines *deadlines;
  ElvesDeadline answer_deadline;
  gint64 answer_timeout_ms;
  gint64 idle_since_us;
  const ElvesAgentLineCallbacks *callbacks;
  gpointer user_data;
  char *peer; /* host:port, for messages */
  LineState state;
  ElvesRpcMethod awaited; /* ELVES_RPC_UNKNOWN: nothing was asked */
};

static void fail (ElvesAgentLine *self, ElvesReason reason, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

static void
fail (ElvesAgentLine *self, ElvesReason reason, const char *format, ...)
{
  g_autofree char *text = NULL, *detail = NULL;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  detail = g_strdup_printf ("agent %s: %s", self->peer, text);
  self->callbacks->failed (self, reason, detail, self->user_data);
}

static void
on_answer_deadline (ElvesDeadline *deadline, gpointer user_data)
{
  ElvesAgentLine *self = user_data;

  fail (self, ELVES_REASON_OUTCOME_UNKNOWN, "no answer within %" G_GINT64_FORMAT " ms",
        self->answer_timeout_ms);
}

static void
await_answer (ElvesAgentLine *self)
{
  self->state = LINE_WAITING;
  elves_deadlines_arm (self->deadlines, &self->answer_deadline,
                       g_get_monotonic_time () + self->answer_timeout_ms * 1000, on_answer_deadline,
                       self);
}

static void
on_opened (ElvesThriftLink *link, gpointer user_data)
{
  ElvesAgentLine *self = user_data;

  if (self->awaited != ELVES_RPC_UNKNOWN)
    await_answer (self);
  else
    self->state = LINE_IDLE;
}

static GPtrArray *
decode_answer (ElvesAgentLine *self, const guint8 *bytes, gsize length, GError **error)
{
  GPtrArray *answers = NULL;
  ElvesReinstruct *answer = NULL;
  gint32 seqid;

  if (self->awaited == ELVES_RPC_INVOKE_ASYNC)
    return elves_rpc_decode_list (bytes, length, &seqid, &answers, error) ? answers : NULL;

  if (!elves_rpc_decode_reinstruct (bytes, length, ELVES_RPC_INVOKE_SYNC, &seqid, &answer, error))
    return NULL;
  answers = g_ptr_array_new_with_free_func ((GDestroyNotify) elves_reinstruct_unref);
  g_ptr_array_add (answers, answer);
  return answers;
}

static void
on_message (ElvesThriftLink *link, const guint8 *bytes, gsize length, gpointer user_data)
{
  ElvesAgentLine *self = user_data;
  g_autoptr (GPtrArray) answers = NULL;
  g_autoptr (GError) error = NULL;

  if (self->state != LINE_WAITING)
    {
      fail (self, ELVES_REASON_OUTCOME_UNKNOWN, "it sent what nobody had asked for");
      return;
    }

  answers = decode_answer (self, bytes, length, &error);
  if (answers == NULL)
    {
      fail (self, ELVES_REASON_OUTCOME_UNKNOWN, "%s", error->message);
      return;
    }

  elves_deadlines_disarm (self->deadlines, &self->answer_deadline);
  self->state = LINE_IDLE;
  self->awaited = ELVES_RPC_UNKNOWN;
  self->idle_since_us = g_get_monotonic_time ();
  self->callbacks->answered (self, answers, self->user_data);
}

static void
on_closed (ElvesThriftLink *link, const GError *error, gpointer user_data)
{
  ElvesAgentLine *self = user_data;

  fail (self, elves_agent_call_reason_of_closing (self->state != LINE_CONNECTING, error), "%s",
        error != NULL ? error->message : "it closed the connection");
}

static const ElvesThriftLinkCallbacks link_callbacks = { on_opened, on_message, on_closed };

/**
 * elves_agent_line_open:
 * @poller: what the socket is polled with.
 * @deadlines: where the answer's deadline is kept.
 * @host: the agent's address.
 * @port: its port.
 * @options: limits and the time to connect.
 * @callbacks: what happens on the line; must outlive it.
 * @user_data: for @callbacks.
 *
 * Returns: (transfer full): a line that is connecting; it takes a call already.
 */
ElvesAgentLine *
elves_agent_line_open (ElvesPoller *poller,
                       ElvesDeadlines *deadlines,
                       const char *host,
                       guint16 port,
                       const ElvesThriftLinkOptions *options,
                       const ElvesAgentLineCallbacks *callbacks,
                       gpointer user_data)
{
  ElvesAgentLine *self = g_new0 (ElvesAgentLine, 1);

  self->deadlines = deadlines;
  self->callbacks = callbacks;
  self->user_data = user_data;
  self->peer = g_strdup_printf ("%s:%u", host, port);
  self->idle_since_us = g_get_monotonic_time ();
  self->link = elves_thrift_link_connect (poller, host, port, options, &link_callbacks, self);
  return self;
}

/**
 * elves_agent_line_free:
 * @self: (nullable): a line; a call under way is forgotten.
 */
void
elves_agent_line_free (ElvesAgentLine *self)
{
  if (self == NULL)
    return;

  elves_deadlines_disarm (self->deadlines, &self->answer_deadline);
  elves_thrift_link_free (self->link);
  g_free (self->peer);
  g_free (self);
}

static void
begin_call (ElvesAgentLine *self, ElvesRpcMethod method, gint64 answer_timeout_ms)
{
  g_assert (self->awaited == ELVES_RPC_UNKNOWN);

  self->awaited = method;
  self->answer_timeout_ms = answer_timeout_ms;
  elves_thrift_link_flush (self->link);
  if (self->state != LINE_CONNECTING)
    await_answer (self);
}

/**
 * elves_agent_line_call_sync:
 * @self: an idle or connecting line.
 * @instruct: what to run.
 * @answer_timeout_ms: for the answer, in milliseconds, from the moment the line is connected.
 */
void
elves_agent_line_call_sync (ElvesAgentLine *self,
                            const ElvesInstruct *instruct,
                            gint64 answer_timeout_ms)
{
  elves_rpc_encode_invoke_sync (elves_thrift_link_output (self->link), 0, instruct);
  begin_call (self, ELVES_RPC_INVOKE_SYNC, answer_timeout_ms);
}

/**
 * elves_agent_line_call_async:
 * @self: an idle or connecting line.
 * @instructs: of #ElvesInstruct.
 * @answer_timeout_ms: for the acknowledgement, in milliseconds, from the moment the line is
 * connected.
 */
void
elves_agent_line_call_async (ElvesAgentLine *self, GPtrArray *instructs, gint64 answer_timeout_ms)
{
  elves_rpc_encode_invoke_async (elves_thrift_link_output (self->link), 0, instructs);
  begin_call (self, ELVES_RPC_INVOKE_ASYNC, answer_timeout_ms);
}

/**
 * elves_agent_line_idle_since_us:
 * @self: a line.
 *
 * Returns: when its last answer came (or it was opened), in the time of g_get_monotonic_time().
 */
gint64
elves_agent_line_idle_since_us (ElvesAgentLine *self)
{
  return self->idle_since_us;
}
