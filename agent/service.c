/* Translates calls into jobs and results into answers, and nothing else.
 *
 * instructionInvokeSync    runs the job (type "rt", mode "np") and answers its result
 * instructionInvokeAsync   answers one acknowledgement for each item, at once; results go to the
 *                          outbox, and for mode P to the app's processor
 * instructionInvokeList    any of both, each answered by its number as soon as its answer is there
 * aliveCheck               "success"
 * cancel, readOutput       about jobs that are here: service-named.c
 *
 * An acknowledgement has flag 1, whatever will become of the job; `state` says more: 0 accepted,
 * 1 an execution of that key runs already, 2 its result is being reported. Only flag -1 with reason
 * `busy` means that the job was not accepted: nothing will be reported for it. With a journal there
 * is also 3: its result was taken; async jobs, and sync ones with a key, go by agent/promise. A
 * call that only asks starts nothing; 4: never seen.
 */
#include "agent/service-private.h"

#include "agent/builtin.h"
#include "agent/metrics.h"
#include "common/error.h"

/* An async job until its result. */
typedef struct
{
  ElvesService *service;
  char *origin; /* (nullable) accepted */
} AsyncJob;

/* ---- sync ----------------------------------------------------------------------------------- */

static ElvesInstruct *
as_sync (const ElvesInstruct *asked)
{
  ElvesInstruct *instruct = elves_instruct_copy (asked);
  elves_instruct_set (&instruct->type, "rt");
  elves_instruct_set (&instruct->mode, "np");
  return instruct;
}

static void
on_sync_executed (ElvesReinstruct *result, gpointer user_data)
{
  elves_reply_give (user_data, result);
}

static gboolean
has_key (const ElvesInstruct *instruct)
{
  return instruct->execution != NULL && instruct->execution[0] != '\0';
}

/* What a call that only asks is told without a journal. */
static ElvesReinstruct *
describe (ElvesService *self, ElvesInstruct *instruct)
{
  const char *key = has_key (instruct) ? instruct->execution : "";
  gint32 state = elves_executor_is_running (self->parts.executor, key) ? ELVES_SERVICE_RUNNING
                 : elves_outbox_holds (self->parts.outbox, key)        ? ELVES_SERVICE_FINISHED
                                                                       : ELVES_SERVICE_NEVER_SEEN;
  return elves_service_acknowledge (instruct, state);
}

/* Takes @reply. */
static void
run_sync (ElvesService *self, const ElvesInstruct *asked, ElvesReply *reply)
{
  g_autoptr (ElvesInstruct) instruct = as_sync (asked);
  elves_agent_metrics.sync_calls++;
  if (self->parts.journal != NULL && has_key (instruct) && !elves_builtin_is_meant (instruct))
    {
      elves_service_promise_sync (self, instruct, reply);
      return;
    }
  if (instruct->query_only)
    {
      g_autoptr (ElvesReinstruct) state = describe (self, instruct);
      elves_reply_give (reply, state);
      return;
    }
  g_autoptr (GError) error = NULL;
  if (elves_executor_start (self->parts.executor, instruct, on_sync_executed, reply, &error))
    return;
  elves_agent_metrics.refused++;
  g_autoptr (ElvesReinstruct) busy =
      elves_reinstruct_failure (instruct, ELVES_REASON_BUSY, error->message);
  elves_reply_give (reply, busy);
}

static void
invoke_sync (ElvesService *self, ElvesThriftCall *call)
{
  GPtrArray *asked = elves_thrift_call_request (call)->instructs;
  if (asked->len > 0)
    run_sync (self, asked->pdata[0], elves_reply_to_call (call));
  else
    elves_thrift_call_answer_exception (call, ELVES_RPC_EXCEPTION_PROTOCOL_ERROR,
                                        "instructionInvokeSync needs ins");
}

/* ---- async ---------------------------------------------------------------------------------- */

static void
async_job_free (AsyncJob *job)
{
  g_free (job->origin);
  g_free (job);
}

static void
on_async_executed (ElvesReinstruct *result, gpointer user_data)
{
  AsyncJob *job = user_data;
  const ElvesServiceParts *parts = &job->service->parts;
  elves_outbox_add (parts->outbox, result, job->origin);
  elves_processor_notify (parts->processor, result);
  async_job_free (job);
}

/* Returns: (transfer full) (nullable): where the job wants its result, if it may. */
char *
elves_service_choose_origin (ElvesService *self,
                             const ElvesInstruct *instruct,
                             GInetAddress *caller)
{
  if (instruct->origin == NULL || instruct->origin[0] == '\0')
    return NULL;
  if (elves_schedulers_accept_origin (self->parts.schedulers, instruct->origin, caller))
    return g_strdup (instruct->origin);
  guint held_back = 0;
  if (elves_log_throttle_pass (&self->origin_log, g_get_monotonic_time (), &held_back))
    {
      g_autofree char *origin = elves_log_field ("origin", instruct->origin);
      g_autofree char *job = elves_log_field ("job", instruct->id);
      g_warning (
          "a job names an origin that is no known scheduler: it is passed over %s %s more=%u", job,
          origin, held_back);
    }
  return NULL;
}

ElvesReinstruct *
elves_service_acknowledge (ElvesInstruct *instruct, gint32 state)
{
  ElvesReinstruct *answer = elves_reinstruct_new (instruct);
  answer->flag = 1;
  answer->state = state;
  answer->result = g_bytes_new (NULL, 0);
  return answer;
}

static ElvesReinstruct *
accept (ElvesService *self, ElvesInstruct *instruct, GInetAddress *caller)
{
  ElvesOutbox *outbox = self->parts.outbox;
  if (!elves_outbox_reserve (outbox, instruct))
    return elves_reinstruct_failure (
        instruct, ELVES_REASON_BUSY,
        "too many results wait for a scheduler (results.max, results.maxBytes)");
  AsyncJob *job = g_new0 (AsyncJob, 1);
  job->service = self;
  job->origin = elves_service_choose_origin (self, instruct, caller);
  g_autoptr (GError) error = NULL;
  if (elves_executor_start (self->parts.executor, instruct, on_async_executed, job, &error))
    return elves_service_acknowledge (instruct, ELVES_SERVICE_ACCEPTED);
  elves_outbox_release (outbox, instruct);
  async_job_free (job);
  return elves_reinstruct_failure (instruct, ELVES_REASON_BUSY, error->message);
}

static ElvesReinstruct *
accept_or_recognize (ElvesService *self, ElvesInstruct *instruct, GInetAddress *caller)
{
  const char *key = instruct->execution;
  if (instruct->query_only)
    return describe (self, instruct);
  if (key != NULL && elves_executor_is_running (self->parts.executor, key))
    return elves_service_acknowledge (instruct, ELVES_SERVICE_RUNNING);
  if (key != NULL && elves_outbox_holds (self->parts.outbox, key))
    return elves_service_acknowledge (instruct, ELVES_SERVICE_FINISHED);
  return accept (self, instruct, caller);
}

static void
count_answer (const ElvesReinstruct *answer)
{
  if (answer->instruct->query_only)
    return;
  elves_agent_metrics.async_jobs++;
  if (answer->flag < 0)
    elves_agent_metrics.refused++;
  else if (answer->state != ELVES_SERVICE_ACCEPTED)
    elves_agent_metrics.duplicates++;
}

void
elves_service_answer_async (ElvesReply *reply, ElvesReinstruct *answer)
{
  count_answer (answer);
  elves_reply_give (reply, answer);
  elves_reinstruct_unref (answer);
}

/* Takes @reply. */
static void
run_async (ElvesService *self, ElvesInstruct *asked, GInetAddress *caller, ElvesReply *reply)
{
  if (self->parts.journal != NULL)
    elves_service_promise_async (self, asked, caller, reply);
  else
    elves_service_answer_async (reply, accept_or_recognize (self, asked, caller));
}

static void
invoke_async (ElvesService *self, ElvesThriftCall *call)
{
  GPtrArray *asked = elves_thrift_call_request (call)->instructs;
  g_autoptr (GInetAddress) caller = elves_thrift_call_peer (call);
  ElvesReplyList *replies = elves_reply_list_new (call, asked->len);
  for (guint i = 0; i < asked->len; i++)
    run_async (self, asked->pdata[i], caller, elves_reply_to_list (replies, i));
  elves_reply_list_seal (replies);
}

/* ---- lists ---------------------------------------------------------------------------------- */

static void
invoke_list (ElvesService *self, ElvesThriftCall *call)
{
  const ElvesRpcRequest *request = elves_thrift_call_request (call);
  g_autoptr (GInetAddress) caller = elves_thrift_call_peer (call);
  g_autoptr (ElvesThriftChannel) channel = elves_thrift_call_channel (call);
  for (guint i = 0; i < request->instructs->len; i++)
    {
      const ElvesRpcMark *mark = &g_array_index (request->marks, ElvesRpcMark, i);
      ElvesReply *reply = elves_reply_to_channel (channel, mark->call);
      if (mark->wait)
        run_sync (self, request->instructs->pdata[i], reply);
      else
        run_async (self, request->instructs->pdata[i], caller, reply);
    }
  elves_thrift_call_end (call);
}

/* ---- calls ---------------------------------------------------------------------------------- */

/**
 * elves_service_new:
 * @parts: what it forwards to; the struct is copied
 *
 * Returns: (transfer full): the service
 */
ElvesService *
elves_service_new (const ElvesServiceParts *parts)
{
  ElvesService *self = g_new0 (ElvesService, 1);
  self->parts = *parts;
  elves_service_promises_init (self);
  return self;
}

/**
 * elves_service_free:
 * @self: (nullable): the service
 */
void
elves_service_free (ElvesService *self)
{
  if (self == NULL)
    return;
  elves_service_promises_clear (self);
  g_free (self);
}

/**
 * elves_service_call:
 * @self: the service
 * @call: (transfer full): a call; answered now or when its job has ended
 */
void
elves_service_call (ElvesService *self, ElvesThriftCall *call)
{
  switch (elves_thrift_call_request (call)->method)
    {
    case ELVES_RPC_ALIVE_CHECK:
      elves_thrift_call_answer_text (call, "success");
      break;
    case ELVES_RPC_INVOKE_SYNC:
      invoke_sync (self, call);
      break;
    case ELVES_RPC_INVOKE_ASYNC:
      invoke_async (self, call);
      break;
    case ELVES_RPC_INVOKE_LIST:
      invoke_list (self, call);
      break;
    case ELVES_RPC_CANCEL:
      elves_service_cancel (self, call);
      break;
    case ELVES_RPC_READ_OUTPUT:
      elves_service_read_output (self, call);
      break;
    default:
      elves_thrift_call_answer_exception (call, ELVES_RPC_EXCEPTION_UNKNOWN_METHOD,
                                          "AgentService has no such method");
      break;
    }
}
