#include "scheduler/agent-pool.h"

#include "common/thrift-channel.h"

#include <gio/gio.h>

/* A scriptable agent in the same loop, and the pool that calls it. */
typedef struct
{
  ElvesPoller *poller;
  ElvesDeadlines *deadlines;
  ElvesAddressList *everybody;
  ElvesThriftServer *agent;
  ElvesAgentPool *pool;
  enum
  {
    ECHO,
    DROP,
    SILENT,
    SHORT_LIST,
    REFUSE,
    FOREIGN, /* does not know lists */
    SLOW_FIRST
  } behaviour;
  gboolean takes_lists; /* as its registration says */
  GArray *list_lengths; /* of guint: instructions in each call that came */
  GPtrArray *kept;      /* calls that are never answered in time */
  GPtrArray *answers;   /* of Answer */
} Stage;

typedef struct
{
  char *id; /* of the instruct sent back; NULL: none */
  gint32 flag;
  ElvesReason reason;
  gint32 cost_ms; /* the number of the job */
} Answer;

static void
answer_free (gpointer data)
{
  Answer *answer = data;

  g_free (answer->id);
  g_free (answer);
}

static GPtrArray *
acknowledge (Stage *stage, GPtrArray *instructs)
{
  GPtrArray *answers = g_ptr_array_new_with_free_func ((GDestroyNotify) elves_reinstruct_unref);
  guint count = stage->behaviour == SHORT_LIST ? 1 : instructs->len;

  for (guint i = 0; i < count; i++)
    {
      ElvesReinstruct *answer =
          stage->behaviour == REFUSE
              ? elves_reinstruct_failure (instructs->pdata[i], ELVES_REASON_BUSY, "full")
              : elves_reinstruct_new (instructs->pdata[i]);

      g_ptr_array_add (answers, answer);
    }
  return answers;
}

static void
answer_one (ElvesThriftChannel *channel, const ElvesRpcRequest *request, guint index)
{
  ElvesInstruct *instruct = request->instructs->pdata[index];
  g_autoptr (ElvesReinstruct) answer = elves_reinstruct_new (instruct);

  answer->flag = g_array_index (request->marks, ElvesRpcMark, index).wait ? 1 : 2;
  answer->cost_ms = atoi (instruct->id);
  elves_thrift_channel_answer (channel, g_array_index (request->marks, ElvesRpcMark, index).call,
                               answer);
}

/* Last first; SLOW_FIRST: never the first, SILENT: none. */
static void
answer_list (Stage *stage, ElvesThriftCall *call)
{
  const ElvesRpcRequest *request = elves_thrift_call_request (call);
  g_autoptr (ElvesThriftChannel) channel = elves_thrift_call_channel (call);

  for (guint i = request->instructs->len; i-- > 0;)
    {
      elves_thrift_channel_expect (channel);
      if (stage->behaviour != SILENT && (i > 0 || stage->behaviour != SLOW_FIRST))
        answer_one (channel, request, i);
    }
  elves_thrift_call_end (call);
}

static void
on_call (ElvesThriftServer *server, ElvesThriftCall *call, gpointer user_data)
{
  Stage *stage = user_data;
  const ElvesRpcRequest *request = elves_thrift_call_request (call);
  g_autoptr (GPtrArray) answers = NULL;

  g_array_append_val (stage->list_lengths, request->instructs->len);
  if (request->method == ELVES_RPC_INVOKE_LIST && stage->behaviour == FOREIGN)
    {
      elves_thrift_call_answer_exception (call, ELVES_RPC_EXCEPTION_UNKNOWN_METHOD, "no lists");
      return;
    }
  if (request->method == ELVES_RPC_INVOKE_LIST && stage->behaviour != DROP)
    {
      answer_list (stage, call);
      return;
    }
  if (stage->behaviour == SILENT)
    {
      g_ptr_array_add (stage->kept, call);
      return;
    }
  if (stage->behaviour == DROP)
    {
      elves_thrift_call_drop (call);
      return;
    }
  answers = acknowledge (stage, request->instructs);
  if (request->method == ELVES_RPC_INVOKE_ASYNC)
    elves_thrift_call_answer_list (call, answers);
  else
    elves_thrift_call_answer_reinstruct (call, answers->pdata[0]);
}

static const ElvesThriftServerCallbacks server_callbacks = { on_call };

static const ElvesThriftLinkOptions link_options = {
  .limits = { 1 << 20, 1 << 20, 1000, 16 },
  .connect_timeout_ms = 2000,
  .output_limit_bytes = 1 << 20,
};

static void
stage_set_up (Stage *stage, gconstpointer unused)
{
  ElvesThriftServerOptions server = {
    .host = "127.0.0.1",
    .max_connections = 100,
    .link = link_options,
  };
  ElvesAgentPoolOptions pool = {
    .link = link_options,
    .call_timeout_ms = 500,
    .idle_s = 60,
    .max_lines = 4,
    .max_waiting = 10,
    .max_batch = 5,
    .max_list_bytes = 4096,
    .max_in_flight = 8,
  };
  g_autoptr (GError) error = NULL;

  stage->poller = elves_poller_new (&error);
  g_assert_no_error (error);
  stage->deadlines = elves_deadlines_new ();
  stage->everybody = elves_address_list_parse ("", &error);
  server.allowed = stage->everybody;
  stage->agent = elves_thrift_server_new (stage->poller, &server, &server_callbacks, stage, &error);
  g_assert_no_error (error);
  stage->pool = elves_agent_pool_new (stage->poller, stage->deadlines, &pool);
  stage->list_lengths = g_array_new (FALSE, FALSE, sizeof (guint));
  stage->kept = g_ptr_array_new ();
  stage->answers = g_ptr_array_new_with_free_func (answer_free);
}

static void
stage_set_up_trunk (Stage *stage, gconstpointer unused)
{
  stage_set_up (stage, unused);
  stage->takes_lists = TRUE;
}

static void
stage_tear_down (Stage *stage, gconstpointer unused)
{
  elves_agent_pool_free (stage->pool);
  g_ptr_array_foreach (stage->kept, (GFunc) (void (*) (void)) elves_thrift_call_drop, NULL);
  g_ptr_array_unref (stage->kept);
  elves_thrift_server_free (stage->agent);
  elves_address_list_free (stage->everybody);
  elves_deadlines_free (stage->deadlines);
  elves_poller_free (stage->poller);
  g_array_unref (stage->list_lengths);
  g_ptr_array_unref (stage->answers);
}

static void
on_answered (const ElvesReinstruct *reinstruct,
             ElvesReason reason,
             const char *detail,
             gint64 call_us,
             gpointer user_data)
{
  Stage *stage = user_data;
  Answer *answer = g_new0 (Answer, 1);

  g_assert_cmpint (call_us, >=, 0);
  g_assert_true (reinstruct != NULL || detail != NULL);
  answer->reason = reason;
  if (reinstruct != NULL)
    {
      answer->id = g_strdup (reinstruct->instruct->id);
      answer->flag = reinstruct->flag;
      answer->cost_ms = reinstruct->cost_ms;
    }
  g_ptr_array_add (stage->answers, answer);
}

static void
ask_with (Stage *stage, guint16 port, ElvesJobKind kind, guint number, gsize param_bytes)
{
  g_autoptr (ElvesInstruct) instruct = elves_instruct_new ();
  g_autofree char *id = g_strdup_printf ("%u", number);

  g_bytes_unref (instruct->param);
  instruct->param = g_bytes_new_take (g_malloc0 (param_bytes), param_bytes);
  elves_instruct_set (&instruct->id, id);
  elves_agent_pool_call (stage->pool, "127.0.0.1", port, stage->takes_lists, kind, instruct,
                         on_answered, stage);
}

static void
ask_at (Stage *stage, guint16 port, ElvesJobKind kind, guint number)
{
  ask_with (stage, port, kind, number, 10);
}

static void
ask (Stage *stage, ElvesJobKind kind, guint number)
{
  ask_at (stage, elves_thrift_server_port (stage->agent), kind, number);
}

static Answer *
answer_at (Stage *stage, guint index)
{
  return stage->answers->pdata[index];
}

static void
run_until_answered (Stage *stage, guint count)
{
  gint64 end_us = g_get_monotonic_time () + 10 * G_USEC_PER_SEC;

  g_assert_cmpuint (stage->answers->len, <, count); /* never from inside the call */
  while (stage->answers->len < count && g_get_monotonic_time () < end_us)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (stage->answers->len, ==, count);
}

static void
test_lists (Stage *stage, gconstpointer unused)
{
  for (guint i = 0; i < 7; i++)
    ask (stage, ELVES_JOB_ASYNC, i);
  run_until_answered (stage, 7);

  /* What came in one turn left in lists of max_batch. */
  g_assert_cmpuint (stage->list_lengths->len, ==, 2);
  g_assert_cmpuint (g_array_index (stage->list_lengths, guint, 0), ==, 5);
  g_assert_cmpuint (g_array_index (stage->list_lengths, guint, 1), ==, 2);
  for (guint i = 0; i < 7; i++)
    {
      g_autofree char *id = g_strdup_printf ("%u", i);

      g_assert_cmpstr (answer_at (stage, i)->id, ==, id);
    }
}

static void
test_sync (Stage *stage, gconstpointer unused)
{
  g_autoptr (GHashTable) ids = g_hash_table_new (g_str_hash, g_str_equal);

  /* More than there may be lines: the rest waits its turn. */
  for (guint i = 0; i < 10; i++)
    ask (stage, ELVES_JOB_SYNC, i);
  run_until_answered (stage, 10);
  for (guint i = 0; i < 10; i++)
    g_hash_table_add (ids, answer_at (stage, i)->id);
  g_assert_cmpuint (g_hash_table_size (ids), ==, 10);
}

static void
provoke_failures (Stage *stage)
{
  static const struct
  {
    int behaviour;
    ElvesJobKind kind;
    ElvesReason reason;
  } cases[] = {
    { DROP, ELVES_JOB_SYNC, ELVES_REASON_AGENT_LOST },
    { DROP, ELVES_JOB_ASYNC, ELVES_REASON_AGENT_LOST },
    { SILENT, ELVES_JOB_SYNC, ELVES_REASON_OUTCOME_UNKNOWN },
    { SILENT, ELVES_JOB_ASYNC, ELVES_REASON_OUTCOME_UNKNOWN },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      stage->behaviour = cases[i].behaviour;
      ask (stage, cases[i].kind, i);
      run_until_answered (stage, i + 1);
      g_assert_null (answer_at (stage, i)->id);
      g_assert_cmpint (answer_at (stage, i)->reason, ==, cases[i].reason);
    }

  /* The agent is asked again on a new connection. */
  stage->behaviour = ECHO;
  ask (stage, ELVES_JOB_SYNC, 9);
  run_until_answered (stage, G_N_ELEMENTS (cases) + 1);
  g_assert_cmpint (answer_at (stage, G_N_ELEMENTS (cases))->reason, ==, ELVES_REASON_NONE);
}

static void
test_failures (Stage *stage, gconstpointer unused)
{
  provoke_failures (stage);
  g_assert_cmpstr (answer_at (stage, 4)->id, ==, "9");
}

static void
test_trunk_failures (Stage *stage, gconstpointer unused)
{
  provoke_failures (stage);
  g_assert_cmpint (answer_at (stage, 4)->cost_ms, ==, 9);
}

static void
test_refused_connection (Stage *stage, gconstpointer unused)
{
  guint16 port = elves_thrift_server_port (stage->agent);

  elves_thrift_server_stop_listening (stage->agent);
  ask_at (stage, port, ELVES_JOB_SYNC, 1);
  ask_at (stage, port, ELVES_JOB_ASYNC, 2);
  run_until_answered (stage, 2);
  g_assert_cmpint (answer_at (stage, 0)->reason, ==, ELVES_REASON_REFUSED);
  g_assert_cmpint (answer_at (stage, 1)->reason, ==, ELVES_REASON_REFUSED);
}

static void
test_short_list (Stage *stage, gconstpointer unused)
{
  stage->behaviour = SHORT_LIST;
  ask (stage, ELVES_JOB_ASYNC, 1);
  ask (stage, ELVES_JOB_ASYNC, 2);
  run_until_answered (stage, 2);
  g_assert_cmpstr (answer_at (stage, 0)->id, ==, "1");
  g_assert_null (answer_at (stage, 1)->id);
  g_assert_cmpint (answer_at (stage, 1)->reason, ==, ELVES_REASON_OUTCOME_UNKNOWN);
}

static void
test_refused_job (Stage *stage, gconstpointer unused)
{
  stage->behaviour = REFUSE;
  ask (stage, ELVES_JOB_ASYNC, 1);
  run_until_answered (stage, 1);
  g_assert_cmpint (answer_at (stage, 0)->flag, ==, -1);
}

static void
test_too_many_waiting (Stage *stage, gconstpointer unused)
{
  guint busy = 0;

  for (guint i = 0; i < 12; i++)
    ask (stage, ELVES_JOB_SYNC, i);
  run_until_answered (stage, 12);
  for (guint i = 0; i < 12; i++)
    if (answer_at (stage, i)->id == NULL && answer_at (stage, i)->reason == ELVES_REASON_BUSY)
      busy++;
  g_assert_cmpuint (busy, ==, 2);
}

/* ---- An agent that takes lists ---- */

static void
test_trunk (Stage *stage, gconstpointer unused)
{
  for (guint i = 0; i < 10; i++)
    ask (stage, i % 2 ? ELVES_JOB_ASYNC : ELVES_JOB_SYNC, i);
  run_until_answered (stage, 10);

  /* Not more in a list than max_batch, not more under way than max_in_flight. */
  g_assert_cmpuint (stage->list_lengths->len, >=, 3);
  g_assert_cmpuint (g_array_index (stage->list_lengths, guint, 0), ==, 5);
  g_assert_cmpuint (g_array_index (stage->list_lengths, guint, 1), ==, 3);
  for (guint i = 0; i < 10; i++)
    {
      const Answer *answer = answer_at (stage, i);

      g_assert_cmpint (answer->reason, ==, ELVES_REASON_NONE);
      g_assert_cmpint (answer->flag, ==, answer->cost_ms % 2 ? 2 : 1);
    }
  g_assert_cmpint (answer_at (stage, 0)->cost_ms, ==, 4);
}

static void
test_trunk_slow_first (Stage *stage, gconstpointer unused)
{
  stage->behaviour = SLOW_FIRST;
  ask (stage, ELVES_JOB_SYNC, 7);
  ask (stage, ELVES_JOB_SYNC, 8);
  run_until_answered (stage, 1);
  g_assert_cmpint (answer_at (stage, 0)->cost_ms, ==, 8);
  run_until_answered (stage, 2);
  g_assert_cmpint (answer_at (stage, 1)->reason, ==, ELVES_REASON_OUTCOME_UNKNOWN);
}

static void
test_trunk_foreign (Stage *stage, gconstpointer unused)
{
  g_test_expect_message ("elves", G_LOG_LEVEL_WARNING, "*does not know them*");
  stage->behaviour = FOREIGN;
  for (guint i = 0; i < 4; i++)
    ask (stage, i % 2 ? ELVES_JOB_ASYNC : ELVES_JOB_SYNC, i);
  run_until_answered (stage, 4);
  g_test_assert_expected_messages ();
  for (guint i = 0; i < 4; i++)
    g_assert_cmpint (answer_at (stage, i)->reason, ==, ELVES_REASON_NONE);
  /* One list of four, then two sync calls and a list of the two others; it is not tried again. */
  g_assert_cmpuint (stage->list_lengths->len, ==, 4);
  g_assert_cmpuint (g_array_index (stage->list_lengths, guint, 0), ==, 4);
  ask (stage, ELVES_JOB_SYNC, 5);
  run_until_answered (stage, 5);
  g_assert_cmpuint (stage->list_lengths->len, ==, 5);
}

static void
test_trunk_large (Stage *stage, gconstpointer unused)
{
  guint16 port = elves_thrift_server_port (stage->agent);

  /* What is larger than a list may be has a line, and an answer that says whose it is. */
  ask_with (stage, port, ELVES_JOB_SYNC, 1, 8192);
  run_until_answered (stage, 1);
  g_assert_cmpstr (answer_at (stage, 0)->id, ==, "1");
  ask_with (stage, port, ELVES_JOB_SYNC, 2, 3000);
  ask_with (stage, port, ELVES_JOB_SYNC, 3, 3000);
  ask_with (stage, port, ELVES_JOB_SYNC, 4, 3000);
  run_until_answered (stage, 4);
  g_assert_cmpuint (stage->list_lengths->len, ==, 3);
  g_assert_cmpuint (g_array_index (stage->list_lengths, guint, 1), ==, 2);
  g_assert_cmpstr (answer_at (stage, 3)->id, ==, "");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function) \
  g_test_add ("/agent-pool/" name, Stage, NULL, stage_set_up, function, stage_tear_down)
#define ADD_TRUNK(name, function) \
  g_test_add ("/agent-pool/trunk/" name, Stage, NULL, stage_set_up_trunk, function, stage_tear_down)
  ADD ("lists", test_lists);
  ADD ("sync", test_sync);
  ADD ("failures", test_failures);
  ADD ("refused-connection", test_refused_connection);
  ADD ("short-list", test_short_list);
  ADD ("refused-job", test_refused_job);
  ADD ("too-many-waiting", test_too_many_waiting);
  ADD_TRUNK ("lists", test_trunk);
  ADD_TRUNK ("failures", test_trunk_failures);
  ADD_TRUNK ("refused-connection", test_refused_connection);
  ADD_TRUNK ("slow-first", test_trunk_slow_first);
  ADD_TRUNK ("foreign", test_trunk_foreign);
  ADD_TRUNK ("large", test_trunk_large);
  return g_test_run ();
}
