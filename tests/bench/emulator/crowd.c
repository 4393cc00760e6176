/* What emulated agents do with calls.
 *
 * A sync call is answered with its parameter, as the built-in ping does. An async job is accepted
 * at once and its result reported to the job's origin. A key that comes again gets the state of its
 * execution, as from an agent with a journal; keys are never forgotten, a run is short. */
#include "tests/bench/emulator/crowd.h"

#include "agent/courier.h"
#include "agent/reply.h"
#include "common/deadlines.h"
#include "common/thrift-server.h"
#include "tests/bench/emulator/roster.h"

#include <stdlib.h>
#include <string.h>

enum
{
  COURIER_TIMEOUT_MS = 10000,
  RETRY_MS = 200 /* a result that was not taken */
};

/* What an agent says of an execution: Reinstruct.state. */
enum
{
  ACCEPTED = 0,
  RUNNING = 1,
  TAKEN = 3,
  NEVER_SEEN = 4
};

typedef struct
{
  Crowd *crowd;
  ElvesThriftServer *server;
  gboolean hangs, asked;
} Agent;

struct Crowd
{
  CrowdOptions options;
  ElvesPoller *poller;
  ElvesDeadlines *deadlines;
  GPtrArray *agents;
  GPtrArray *swallowed; /* of ElvesThriftCall */
  GHashTable *states;   /* execution -> RUNNING or TAKEN */
  GHashTable *couriers; /* origin -> ElvesCourier */
  GHashTable *jobs;     /* set of Job */
  gboolean holding;
  CrowdCounts counts;
};

/* An async job, or the delayed answer of a sync call. */
typedef struct
{
  Crowd *crowd;
  ElvesReinstruct *result;
  ElvesReply *reply; /* NULL: async */
  ElvesDeadline deadline;
} Job;

/* --- results --------------------------------------------------------------------------------- */

static void on_job_due (ElvesDeadline *deadline, gpointer user_data);

static void
job_free (gpointer data)
{
  Job *job = data;
  elves_deadlines_disarm (job->crowd->deadlines, &job->deadline);
  elves_reinstruct_unref (job->result);
  g_free (job);
}

static void
arm (Job *job, guint delay_ms)
{
  elves_deadlines_arm (job->crowd->deadlines, &job->deadline,
                       g_get_monotonic_time () + delay_ms * G_GINT64_CONSTANT (1000), on_job_due,
                       job);
}

static void
on_carried (ElvesCourier *courier,
            gpointer parcel,
            ElvesCarried how,
            const char *detail,
            gpointer user_data)
{
  Job *job = parcel;
  Crowd *self = job->crowd;
  const char *key = job->result->instruct->execution;
  if (how != ELVES_CARRIED_TAKEN)
    {
      self->counts.results_refused++;
      arm (job, RETRY_MS);
      return;
    }
  self->counts.results_taken++;
  if (key != NULL)
    g_hash_table_insert (self->states, g_strdup (key), GINT_TO_POINTER (TAKEN));
  g_hash_table_remove (self->jobs, job);
}

/* @origin: "host:port" */
static ElvesCourier *
courier_to (Crowd *self, const char *origin)
{
  ElvesCourier *courier = g_hash_table_lookup (self->couriers, origin);
  if (courier != NULL)
    return courier;
  const char *colon = strrchr (origin, ':');
  if (colon == NULL)
    return NULL;
  g_autofree char *host = g_strndup (origin, (gsize) (colon - origin));
  ElvesCourierOptions options = { .host = host,
                                  .port = (guint16) atoi (colon + 1),
                                  .max_links = self->options.result_links,
                                  .timeout_ms = COURIER_TIMEOUT_MS };
  courier = elves_courier_new (self->poller, self->deadlines, &options, on_carried, self);
  g_hash_table_insert (self->couriers, g_strdup (origin), courier);
  return courier;
}

static void
on_job_due (ElvesDeadline *deadline, gpointer user_data)
{
  Job *job = user_data;
  ElvesCourier *courier = NULL;
  if (job->reply != NULL)
    {
      elves_reply_give (g_steal_pointer (&job->reply), job->result);
      g_hash_table_remove (job->crowd->jobs, job);
      return;
    }
  if (job->result->instruct->origin != NULL)
    courier = courier_to (job->crowd, job->result->instruct->origin);
  if (courier != NULL)
    elves_courier_send (courier, job->result, job);
}

static Job *
job_new (Crowd *self, ElvesInstruct *instruct, ElvesReply *reply)
{
  Job *job = g_new0 (Job, 1);
  job->crowd = self;
  job->reply = reply;
  job->result = elves_reinstruct_new (instruct);
  job->result->flag = 1;
  job->result->result = g_bytes_ref (instruct->param);
  g_hash_table_add (self->jobs, job);
  return job;
}

/* --- calls ----------------------------------------------------------------------------------- */

static void
answer_sync (Crowd *self, ElvesInstruct *instruct, ElvesReply *reply)
{
  self->counts.sync_calls++;
  Job *job = job_new (self, instruct, reply);
  if (self->options.delay_ms == 0)
    on_job_due (NULL, job);
  else
    arm (job, self->options.delay_ms);
}

static gint32
accept (Crowd *self, ElvesInstruct *instruct)
{
  const char *key = instruct->execution;
  gint32 state = key != NULL ? GPOINTER_TO_INT (g_hash_table_lookup (self->states, key)) : 0;
  self->counts.again += state != 0;
  if (state != 0 || instruct->query_only)
    return state != 0 ? state : NEVER_SEEN;
  if (key != NULL)
    g_hash_table_insert (self->states, g_strdup (key), GINT_TO_POINTER (RUNNING));
  self->counts.async_jobs++;
  Job *job = job_new (self, instruct, NULL);
  if (!self->holding)
    arm (job, self->options.delay_ms);
  return ACCEPTED;
}

static void
answer_async (Crowd *self, ElvesInstruct *instruct, ElvesReply *reply)
{
  g_autoptr (ElvesReinstruct) answer = elves_reinstruct_new (instruct);
  answer->flag = 1;
  answer->state = accept (self, instruct);
  answer->result = g_bytes_new (NULL, 0);
  elves_reply_give (reply, answer);
}

static void
answer_each_async (Crowd *self, GPtrArray *instructs, ElvesThriftCall *call)
{
  ElvesReplyList *replies = elves_reply_list_new (call, instructs->len);
  for (guint i = 0; i < instructs->len; i++)
    answer_async (self, instructs->pdata[i], elves_reply_to_list (replies, i));
  elves_reply_list_seal (replies);
}

static void
answer_list (Crowd *self, const ElvesRpcRequest *request, ElvesThriftCall *call)
{
  g_autoptr (ElvesThriftChannel) channel = elves_thrift_call_channel (call);
  for (guint i = 0; i < request->instructs->len; i++)
    {
      const ElvesRpcMark *mark = &g_array_index (request->marks, ElvesRpcMark, i);
      ElvesReply *reply = elves_reply_to_channel (channel, mark->call);
      (mark->wait ? answer_sync : answer_async) (self, request->instructs->pdata[i], reply);
    }
  elves_thrift_call_end (call);
}

static void
on_call (ElvesThriftServer *server, ElvesThriftCall *call, gpointer user_data)
{
  Agent *agent = user_data;
  Crowd *self = agent->crowd;
  const ElvesRpcRequest *request = elves_thrift_call_request (call);
  self->counts.agents_asked += !agent->asked;
  agent->asked = TRUE;
  if (agent->hangs)
    {
      self->counts.swallowed++;
      g_ptr_array_add (self->swallowed, call);
    }
  else if (request->method == ELVES_RPC_ALIVE_CHECK)
    elves_thrift_call_answer_text (call, "success");
  else if (request->method == ELVES_RPC_INVOKE_ASYNC)
    answer_each_async (self, request->instructs, call);
  else if (request->method == ELVES_RPC_INVOKE_LIST)
    answer_list (self, request, call);
  else if (request->method == ELVES_RPC_INVOKE_SYNC && request->instructs->len == 1)
    answer_sync (self, request->instructs->pdata[0], elves_reply_to_call (call));
  else
    elves_thrift_call_answer_exception (call, ELVES_RPC_EXCEPTION_UNKNOWN_METHOD, "not emulated");
}

/* --- the crowd ------------------------------------------------------------------------------- */

static void
agent_free (gpointer data)
{
  Agent *agent = data;
  elves_thrift_server_free (agent->server);
  g_free (agent);
}

static gboolean
add_agent (Crowd *self, guint number, GError **error)
{
  static const ElvesThriftServerCallbacks callbacks = { on_call };
  const CrowdOptions *options = &self->options;
  g_autofree char *host = roster_address (number);
  ElvesThriftServerOptions server_options = {
    .host = host,
    .port = options->port,
    .max_connections = 10000,
    .link = { .limits = elves_thrift_default_limits, .output_limit_bytes = 64 * 1024 * 1024 },
  };
  Agent *agent = g_new0 (Agent, 1);
  agent->crowd = self;
  agent->hangs = roster_hangs (number, options->hanging_every);
  g_ptr_array_add (self->agents, agent);
  agent->server = elves_thrift_server_new (self->poller, &server_options, &callbacks, agent, error);
  return agent->server != NULL;
}

Crowd *
crowd_new (ElvesPoller *poller, const CrowdOptions *options, GError **error)
{
  Crowd *self = g_new0 (Crowd, 1);
  self->options = *options;
  self->poller = poller;
  self->deadlines = elves_deadlines_new ();
  self->agents = g_ptr_array_new_with_free_func (agent_free);
  self->swallowed = g_ptr_array_new_with_free_func ((GDestroyNotify) elves_thrift_call_drop);
  self->states = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->couriers =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) elves_courier_free);
  self->jobs = g_hash_table_new_full (NULL, NULL, job_free, NULL);
  for (guint number = options->first; number < options->first + options->count; number++)
    if (!roster_is_dead (number, options->dead_every) && !add_agent (self, number, error))
      {
        crowd_free (self);
        return NULL;
      }
  return self;
}

void
crowd_free (Crowd *self)
{
  g_hash_table_unref (self->couriers);
  g_hash_table_unref (self->jobs);
  g_ptr_array_unref (self->swallowed);
  g_ptr_array_unref (self->agents);
  g_hash_table_unref (self->states);
  elves_deadlines_free (self->deadlines);
  g_free (self);
}

void
crowd_count (const Crowd *self, CrowdCounts *out_counts)
{
  *out_counts = self->counts;
  out_counts->waiting = g_hash_table_size (self->jobs);
}

void
crowd_hold (Crowd *self)
{
  self->holding = TRUE;
}

void
crowd_release (Crowd *self)
{
  GHashTableIter iter;
  gpointer job;
  self->holding = FALSE;
  g_hash_table_iter_init (&iter, self->jobs);
  while (g_hash_table_iter_next (&iter, &job, NULL))
    if (((Job *) job)->deadline.place == 0)
      arm (job, 0);
}
