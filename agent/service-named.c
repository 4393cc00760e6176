/* Calls about jobs that somebody names: cancel, readOutput (idl/elves.thrift).
 *
 * A job has one outcome (P1), also when it is cancelled: of what waits or runs it becomes
 * `cancelled`, and is written and reported as any; what has ended, has ended. Whoever cancels is
 * told at once which it is, and of what is being stopped only that. */
#include "agent/service-private.h"

#define OUTPUT_LIMIT_BYTES (64 * 1024)
#define FINISHED_WITHIN_S (365 * 86400) /* the journal knows of less */

/* (nullable): answered, it names no job. */
static ElvesInstruct *
take_question (ElvesThriftCall *call)
{
  GPtrArray *asked = elves_thrift_call_request (call)->instructs;
  ElvesInstruct *question = asked->len > 0 ? asked->pdata[0] : NULL;
  if (question != NULL &&
      ((question->execution != NULL && question->execution[0] != '\0') || question->id[0] != '\0'))
    return question;
  elves_thrift_call_answer_exception (call, ELVES_RPC_EXCEPTION_PROTOCOL_ERROR,
                                      "ins needs an execution or an id");
  return NULL;
}

/* ---- cancel --------------------------------------------------------------------------------- */

static void
answer_cancel (ElvesThriftCall *call, ElvesCancelled cancelled)
{
  static const char *const words[] = {
    [ELVES_CANCEL_UNKNOWN] = "not-found",
    [ELVES_CANCEL_FINISHED] = "finished",
    [ELVES_CANCEL_STOPPED] = "cancelled",
    [ELVES_CANCEL_STOPPING] = "cancelling",
  };
  const char *word = words[cancelled];
  g_autoptr (ElvesReinstruct) answer =
      elves_reinstruct_new (elves_thrift_call_request (call)->instructs->pdata[0]);
  answer->flag = 1;
  answer->result = g_bytes_new_static (word, strlen (word));
  elves_thrift_call_answer_reinstruct (call, answer);
}

static void
on_looked_up (const ElvesJournalReply *reply, gpointer user_data)
{
  ElvesThriftCall *call = user_data;
  gboolean ended = reply->known && (reply->state == ELVES_EXECUTION_FINISHED ||
                                    reply->state == ELVES_EXECUTION_TAKEN);
  if (reply->error == NULL)
    {
      answer_cancel (call, ended ? ELVES_CANCEL_FINISHED : ELVES_CANCEL_UNKNOWN);
      return;
    }
  g_autoptr (ElvesReinstruct) failure =
      elves_reinstruct_failure (elves_thrift_call_request (call)->instructs->pdata[0],
                                ELVES_REASON_BUSY, reply->error->message);
  elves_thrift_call_answer_reinstruct (call, failure);
}

/* Nothing of it is here: has it ended? By id alone that is known with its type only. */
static void
look_up (ElvesService *self, const ElvesInstruct *question, ElvesThriftCall *call)
{
  ElvesJournalAcceptance what = {
    .key = question->execution,
    .id = question->id,
    .type = question->type,
    .seen_within_s = question->execution == NULL ? FINISHED_WITHIN_S : 0,
  };
  if (self->parts.journal != NULL)
    elves_journal_find (self->parts.journal, &what, on_looked_up, call);
  else
    answer_cancel (call, ELVES_CANCEL_UNKNOWN);
}

static gboolean
is_waiting_for_scheduler (ElvesService *self, const ElvesInstruct *question)
{
  return question->execution != NULL &&
         elves_outbox_holds (self->parts.outbox, question->execution);
}

/* A call of cancel; takes @call. */
void
elves_service_cancel (ElvesService *self, ElvesThriftCall *call)
{
  ElvesInstruct *question = take_question (call);
  if (question == NULL)
    return;
  ElvesCancelled cancelled = elves_executor_cancel (self->parts.executor, question);
  if (cancelled == ELVES_CANCEL_UNKNOWN)
    cancelled = elves_service_cancel_promise (self, question);
  if (cancelled == ELVES_CANCEL_UNKNOWN && is_waiting_for_scheduler (self, question))
    cancelled = ELVES_CANCEL_FINISHED;
  if (cancelled == ELVES_CANCEL_UNKNOWN)
    {
      look_up (self, question, call);
      return;
    }
  g_autofree char *id = elves_log_field ("job", question->id);
  g_message ("a job is cancelled %s found=%s", id,
             cancelled == ELVES_CANCEL_FINISHED ? "ended" : "alive");
  answer_cancel (call, cancelled);
}

/* ---- readOutput ----------------------------------------------------------------------------- */

static void
answer_output (ElvesThriftCall *call, const ElvesPrinted *printed, gboolean ended)
{
  const ElvesRpcRequest *request = elves_thrift_call_request (call);
  gint64 offset = MAX (request->offset, 0);
  gint32 limit = request->limit > 0 ? MIN (request->limit, OUTPUT_LIMIT_BYTES) : OUTPUT_LIMIT_BYTES;
  gsize begin = (gsize) MIN ((guint64) offset, printed->kept_bytes);
  gsize length = MIN ((gsize) limit, printed->kept_bytes - begin);
  g_auto (ElvesOutputChunk) chunk = {
    .data = length > 0 ? g_bytes_new (printed->kept + begin, length) : NULL,
    .offset = offset,
    .total = (gint64) MIN (printed->total_bytes, G_MAXINT64),
    .ended = ended,
  };
  elves_thrift_call_answer_output (call, &chunk);
}

/* A call of readOutput; takes @call. */
void
elves_service_read_output (ElvesService *self, ElvesThriftCall *call)
{
  ElvesInstruct *question = take_question (call);
  ElvesPrinted printed = { NULL };
  if (question == NULL)
    return;
  gboolean runs = elves_executor_output (self->parts.executor, question, &printed);
  if (!runs)
    elves_output_keep_find (self->parts.outputs, question, &printed);
  answer_output (call, &printed, !runs);
}
