/* Results of async jobs, as agents report them.
 *
 * `dataTransport` is answered "success" when the broker has confirmed the result, not before: an
 * agent that keeps results until then never loses one to us. `dataTransportList` brings many of
 * them, and is answered when the broker has confirmed all. The same result reported again while
 * the first report is being published waits for the same confirmation and is not published twice.
 * A result that comes after its job has been given another outcome changes nothing: it is answered,
 * dropped and counted.
 *
 * A job whose message the broker keeps until the outcome (`held`: of an agent with a journal) is
 * ended by the scheduler that has the message, and by nobody else: two could say two things, one
 * that the agent was lost and one how the job ended. So its result is not taken by who knows
 * nothing of it, or has lost the message: the one that gets the message asks the agent, which
 * reports there then. Any other result nobody waits for here is published all the same: nobody else
 * will.
 */
#include "scheduler/results.h"

#include "common/crash-point.h"
#include "common/log.h"
#include "common/names.h"
#include "scheduler/final-keys.h"
#include "scheduler/metrics.h"
#include "scheduler/receipt.h"

#include <string.h>

struct ElvesResults
{
  ElvesThriftServer *server;
  ElvesJobTable *jobs;
  ElvesReplies *replies;
  GHashTable *reports; /* fingerprint -> Report being published */
  GQueue open;         /* of Report, by its place: all that are being published */
  ElvesLogThrottle dropped_throttle;
  guint64 dropped;
};

/* A result on its way to the broker, and the agents' reports that wait for its confirmation. */
typedef struct
{
  ElvesResults *results;
  ElvesInstruct *instruct; /* with its key, if that is known */
  guint64 fingerprint;
  GPtrArray *receipts; /* of ElvesReceipt */
  GList place;
} Report;

static void
report_free (Report *report)
{
  elves_instruct_unref (report->instruct);
  g_ptr_array_unref (report->receipts);
  g_free (report);
}

static void
on_report_confirmed (gboolean routed, gpointer user_data)
{
  Report *report = user_data;

  if (report->instruct->execution != NULL)
    {
      g_hash_table_remove (report->results->reports, &report->fingerprint);
      elves_job_table_add_final (report->results->jobs, report->instruct);
    }
  for (guint i = 0; i < report->receipts->len; i++)
    elves_receipt_give (report->receipts->pdata[i], ELVES_RESULT_TAKEN);
  g_queue_unlink (&report->results->open, &report->place);
  report_free (report);
}

/* The flat form's execution key is "id:rand_id" (job-message-parse.c); that is all that is left of
   rand_id when the job is not ours. */
static const char *
rand_id_of (const ElvesInstruct *instruct)
{
  gsize id_length = strlen (instruct->id);

  if (instruct->execution == NULL || strncmp (instruct->execution, instruct->id, id_length) != 0 ||
      instruct->execution[id_length] != ':')
    return NULL;
  return instruct->execution + id_length + 1;
}

static Report *
new_report (ElvesResults *self, ElvesInstruct *instruct, ElvesReceipt *receipt)
{
  Report *report = g_new0 (Report, 1);

  report->results = self;
  report->place.data = report;
  g_queue_push_tail_link (&self->open, &report->place);
  report->instruct = elves_instruct_ref (instruct);
  report->receipts = g_ptr_array_new ();
  g_ptr_array_add (report->receipts, receipt);
  if (instruct->execution != NULL)
    {
      report->fingerprint = elves_execution_fingerprint (instruct->type, instruct->execution);
      g_hash_table_insert (self->reports, &report->fingerprint, report);
    }
  return report;
}

/* @instruct: the job's, or the agent's if nobody waits for it. */
static void
publish (ElvesResults *self,
         ElvesReceipt *receipt,
         const ElvesReinstruct *result,
         ElvesInstruct *instruct,
         GPtrArray *flights)
{
  const ElvesFlight *first = flights->len > 0 ? flights->pdata[0] : NULL;
  const char *rand_id = first != NULL ? first->job->rand_id : rand_id_of (instruct);
  g_auto (ElvesOutcome) outcome = { 0 };

  elves_outcome_init_answer (&outcome, result);
  elves_replies_result (self->replies, flights, instruct, rand_id, &outcome, on_report_confirmed,
                        new_report (self, instruct, receipt));
}

/* "success" for every input, as the original answers: an agent would report it again for ever.
   @instruct: (nullable). */
static void
drop (ElvesResults *self, ElvesReceipt *receipt, const ElvesInstruct *instruct, const char *why)
{
  guint held_back;

  self->dropped++;
  if (elves_log_throttle_pass (&self->dropped_throttle, g_get_monotonic_time (), &held_back))
    g_warning ("a result was dropped: %s job=%s type=%s dropped=%" G_GUINT64_FORMAT " held_back=%u",
               why, instruct != NULL ? instruct->id : "", instruct != NULL ? instruct->type : "",
               self->dropped, held_back);
  elves_receipt_give (receipt, ELVES_RESULT_TAKEN);
}

static gboolean
is_async_type (const char *type)
{
  return g_ascii_strcasecmp (type, "cron") == 0 || g_ascii_strcasecmp (type, "queue") == 0;
}

static Report *
find_report (ElvesResults *self, const ElvesInstruct *instruct)
{
  guint64 fingerprint;

  if (instruct->execution == NULL)
    return NULL;
  fingerprint = elves_execution_fingerprint (instruct->type, instruct->execution);
  return g_hash_table_lookup (self->reports, &fingerprint);
}

/* Leaves those that still wait for an outcome. Returns: how many there were. */
static guint
leave_waiting (GPtrArray *flights)
{
  guint had = flights->len;

  for (guint i = flights->len; i-- > 0;)
    if (((ElvesFlight *) flights->pdata[i])->state >= ELVES_FLIGHT_PUBLISHING)
      g_ptr_array_remove_index (flights, i);
  return had;
}

static gboolean
one_owns_its_message (const GPtrArray *flights)
{
  for (guint i = 0; i < flights->len; i++)
    if (elves_flight_owns_message (flights->pdata[i]))
      return TRUE;
  return FALSE;
}

/* Of a job that is not ended here. @known: something is known of it. */
static void
send_away (ElvesReceipt *receipt, gboolean known)
{
  elves_scheduler_metrics.results_sent_away++;
  elves_receipt_give (receipt, known ? ELVES_RESULT_NOT_NOW : ELVES_RESULT_NOT_HELD);
}

static void
take_result (ElvesResults *self, ElvesReceipt *receipt, const ElvesReinstruct *result)
{
  ElvesInstruct *instruct = result->instruct;
  g_autoptr (GPtrArray) flights = NULL;
  Report *report;
  guint known;

  elves_scheduler_metrics.results++;
  if (!is_async_type (instruct->type))
    {
      elves_scheduler_metrics.results_unusable++;
      drop (self, receipt, instruct, "its type is neither cron nor queue");
      return;
    }

  if (elves_break_promise ("answer-before-confirm"))
    {
      elves_receipt_give (receipt, ELVES_RESULT_TAKEN);
      return;
    }
  flights = elves_job_table_find_result (self->jobs, instruct);
  known = leave_waiting (flights);
  if (flights->len > 0)
    instruct = ((ElvesFlight *) flights->pdata[0])->job->instruct;
  report = find_report (self, instruct);
  if (report != NULL)
    g_ptr_array_add (report->receipts, receipt);
  else if (flights->len > 0 && (!result->instruct->held || one_owns_its_message (flights)))
    publish (self, receipt, result, instruct, flights);
  else if (elves_job_table_is_final (self->jobs, instruct) ||
           (known > flights->len && !result->instruct->held))
    {
      elves_scheduler_metrics.results_duplicate++;
      drop (self, receipt, instruct, "the job has been given its outcome already");
    }
  else if (result->instruct->held)
    send_away (receipt, known > 0);
  else
    publish (self, receipt, result, instruct, flights);
}

/* @result: (nullable) */
static void
take_one (ElvesResults *self, ElvesThriftCall *call, const ElvesReinstruct *result)
{
  ElvesReceiptBook *book = elves_receipt_book_new (call, 1);
  ElvesReceipt *receipt = elves_receipt_book_open (book, 0);

  elves_receipt_book_seal (book);
  if (result != NULL)
    take_result (self, receipt, result);
  else
    drop (self, receipt, NULL, "dataTransport came without one");
}

static void
take_list (ElvesResults *self, ElvesThriftCall *call)
{
  const ElvesRpcRequest *request = elves_thrift_call_request (call);
  g_autoptr (GPtrArray) results = g_ptr_array_ref (request->reinstructs);
  ElvesReceiptBook *book = elves_receipt_book_new (call, results->len);

  for (guint i = 0; i < results->len; i++)
    take_result (self, elves_receipt_book_open (book, i), results->pdata[i]);
  elves_receipt_book_seal (book);
}

static void
on_call (ElvesThriftServer *server, ElvesThriftCall *call, gpointer user_data)
{
  ElvesResults *self = user_data;
  const ElvesRpcRequest *request = elves_thrift_call_request (call);

  switch (request->method)
    {
    case ELVES_RPC_ALIVE_CHECK:
      elves_thrift_call_answer_text (call, "success");
      break;
    case ELVES_RPC_DATA_TRANSPORT:
      take_one (self, call, request->reinstruct);
      break;
    case ELVES_RPC_TRANSPORT_LIST:
      take_list (self, call);
      break;
    default:
      elves_thrift_call_answer_exception (call, ELVES_RPC_EXCEPTION_UNKNOWN_METHOD,
                                          "the scheduler does not serve this method");
    }
}

static const ElvesThriftServerCallbacks server_callbacks = { on_call };

/**
 * elves_results_new:
 * @poller: what sockets are polled with.
 * @options: where to listen, who may call, limits.
 * @jobs: the jobs in flight; must outlive it.
 * @replies: the way back to the askers; must outlive it.
 * @error: why it cannot listen.
 *
 * Returns: (transfer full): the service, listening.
 */
ElvesResults *
elves_results_new (ElvesPoller *poller,
                   const ElvesThriftServerOptions *options,
                   ElvesJobTable *jobs,
                   ElvesReplies *replies,
                   GError **error)
{
  ElvesResults *self = g_new0 (ElvesResults, 1);

  self->jobs = jobs;
  self->replies = replies;
  self->reports = g_hash_table_new (g_int64_hash, g_int64_equal);
  self->server = elves_thrift_server_new (poller, options, &server_callbacks, self, error);
  if (self->server == NULL)
    {
      elves_results_free (self);
      return NULL;
    }
  return self;
}

static void
drop_reports (ElvesResults *self)
{
  GList *place;

  while ((place = g_queue_pop_head_link (&self->open)) != NULL)
    {
      Report *report = place->data;

      for (guint i = 0; i < report->receipts->len; i++)
        elves_receipt_drop (report->receipts->pdata[i]);
      report_free (report);
    }
}

/**
 * elves_results_free:
 * @self: (nullable): the service; reports that are still being published get no answer.
 */
void
elves_results_free (ElvesResults *self)
{
  if (self == NULL)
    return;

  elves_thrift_server_free (self->server);
  drop_reports (self);
  g_hash_table_unref (self->reports);
  g_free (self);
}

/**
 * elves_results_stop_listening:
 * @self: the service: no new connections; the open ones go on.
 */
void
elves_results_stop_listening (ElvesResults *self)
{
  elves_thrift_server_stop_listening (self->server);
}

/**
 * elves_results_port:
 * @self: the service.
 *
 * Returns: the port it listens on.
 */
guint16
elves_results_port (ElvesResults *self)
{
  return elves_thrift_server_port (self->server);
}
