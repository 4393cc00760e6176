/* What is made of what an agent answers, or does not: the dispatcher with a pool that is made up
   here, under the names of the real one. P4: "never started" is only said of a job no call of which
   may have got through. */
#include "scheduler/dispatch.h"

#include <string.h>

#define IP "10.0.0.1"

typedef struct
{
  ElvesAgentTable *agents;
  ElvesDispatch *dispatch;
  ElvesFlight *flight;
} Fixture;

/* The call that is under way; tests are one at a time. */
static struct
{
  guint calls;
  char *host;
  guint16 port;
  gboolean query_only, held;
  ElvesAgentAnswerFunc func;
  gpointer data;
} pool;

/* What came of the flight; 0 and NONE: nothing. */
static struct
{
  char what; /* Accepted, Ended, Paused, Settled, Heard, unheard (U) */
  ElvesReason reason;
} came;

void
elves_agent_pool_call (ElvesAgentPool *self,
                       const char *host,
                       guint16 port,
                       gboolean takes_lists,
                       ElvesJobKind kind,
                       ElvesInstruct *instruct,
                       ElvesAgentAnswerFunc func,
                       gpointer user_data)
{
  pool.calls++;
  g_free (pool.host);
  pool.host = g_strdup (host);
  pool.port = port;
  pool.query_only = instruct->query_only;
  pool.held = instruct->held;
  pool.func = func;
  pool.data = user_data;
}

/* --- what comes of it ------------------------------------------------------------------------ */

static void
on_accepted (ElvesFlight *flight,
             const ElvesOutcome *outcome,
             const char *execution,
             gpointer user_data)
{
  came.what = 'A';
}

static void
on_ended (ElvesFlight *flight, const ElvesOutcome *outcome, gpointer user_data)
{
  came.what = 'E';
  came.reason = outcome->reason;
}

static void
on_paused (ElvesFlight *flight, gpointer user_data)
{
  came.what = 'P';
}

static void
on_settled (ElvesFlight *flight, gpointer user_data)
{
  came.what = 'S';
}

static void
on_heard (ElvesFlight *flight, gboolean answered, gpointer user_data)
{
  came.what = answered ? 'H' : 'U';
}

static const ElvesDispatchCallbacks callbacks = { on_accepted, on_ended, on_paused, on_settled,
                                                  on_heard };

/* --- the fixture ----------------------------------------------------------------------------- */

static ElvesFlight *
new_flight (ElvesJobKind kind)
{
  ElvesJob *job = elves_job_new ();

  job->kind = kind;
  elves_instruct_set (&job->instruct->ip, IP);
  job->instruct->execution = g_strdup ("key");
  job->instruct->timeout_s = 1000;
  return elves_flight_new (job, 1, 1);
}

static void
set_up (Fixture *self, gboolean dial)
{
  ElvesDispatchOptions options = { .dial_unregistered = dial,
                                   .agent_port = 11,
                                   .call_timeout_ms = 1000 };

  memset (&came, 0, sizeof came);
  pool.calls = 0;
  self->agents = elves_agent_table_new (11);
  self->dispatch = elves_dispatch_new (self->agents, NULL, &options, &callbacks, NULL);
}

static void
tear_down (Fixture *self)
{
  elves_flight_unref (self->flight);
  elves_dispatch_free (self->dispatch);
  elves_agent_table_free (self->agents);
}

typedef enum
{
  NOBODY,
  PLAIN,
  JOURNAL
} Agent;

static void
register_agent (Fixture *self, Agent agent)
{
  static const char *const contents[] = {
    [PLAIN] = "{\"port\":22}", [JOURNAL] = "{\"port\":22,\"features\":[\"journal\"]}"
  };
  g_autoptr (GError) error = NULL;

  if (agent == NOBODY)
    return;
  elves_agent_table_set (self->agents, IP, (const guint8 *) contents[agent],
                         strlen (contents[agent]), &error);
  g_assert_no_error (error);
}

/* The agent's answer, as the pool would hand it over. */
static void
answer (gint32 flag, ElvesReason reason, gint32 state)
{
  g_autoptr (ElvesInstruct) instruct = elves_instruct_new ();
  g_autoptr (ElvesReinstruct) said = elves_reinstruct_new (instruct);

  said->flag = flag;
  said->reason = reason;
  said->state = state;
  pool.func (said, ELVES_REASON_NONE, NULL, 5, pool.data);
}

static void
fail (ElvesReason reason)
{
  pool.func (NULL, reason, "made up", 5, pool.data);
}

/* --- before the call ------------------------------------------------------------------------- */

typedef struct
{
  const char *name;
  Agent agent;
  ElvesJobKind kind;
  gboolean dial, before, own_key, poison; /* before: it may have been sent */
  guint calls;                            /* expected */
  char what;
  ElvesReason reason;
} Start;

static const Start starts[] = {
  { "new", JOURNAL, ELVES_JOB_ASYNC, .calls = 1 },
  { "new-plain", PLAIN, ELVES_JOB_SYNC, .calls = 1 },
  { "unregistered", NOBODY, ELVES_JOB_ASYNC, .what = 'E', .reason = ELVES_REASON_NOT_REGISTERED },
  { "dialled", NOBODY, ELVES_JOB_ASYNC, .dial = TRUE, .calls = 1 },
  { "again", JOURNAL, ELVES_JOB_ASYNC, .before = TRUE, .calls = 1 },
  { "again-sync", JOURNAL, ELVES_JOB_SYNC, .before = TRUE, .own_key = TRUE, .calls = 1 },
  { "again-sync-keyless", JOURNAL, ELVES_JOB_SYNC, .before = TRUE, .what = 'E',
    .reason = ELVES_REASON_OUTCOME_UNKNOWN },
  { "again-plain", PLAIN, ELVES_JOB_ASYNC, .before = TRUE, .own_key = TRUE, .what = 'E',
    .reason = ELVES_REASON_OUTCOME_UNKNOWN },
  { "again-unregistered", NOBODY, ELVES_JOB_ASYNC, .before = TRUE, .what = 'P' },
  { "again-dialled", NOBODY, ELVES_JOB_ASYNC, .dial = TRUE, .before = TRUE, .what = 'E',
    .reason = ELVES_REASON_OUTCOME_UNKNOWN },
  { "poison", JOURNAL, ELVES_JOB_ASYNC, .before = TRUE, .own_key = TRUE, .poison = TRUE,
    .calls = 1 },
  { "poison-unregistered", NOBODY, ELVES_JOB_ASYNC, .before = TRUE, .own_key = TRUE, .poison = TRUE,
    .what = 'E', .reason = ELVES_REASON_OUTCOME_UNKNOWN },
};

static void
test_start (gconstpointer data)
{
  const Start *start = data;
  Fixture self;

  set_up (&self, start->dial);
  register_agent (&self, start->agent);
  self.flight = new_flight (start->kind);
  self.flight->may_have_started = start->before;
  self.flight->has_own_key = start->own_key;
  self.flight->is_poison = start->poison;
  elves_dispatch_flight (self.dispatch, self.flight);
  g_assert_cmpuint (pool.calls, ==, start->calls);
  g_assert_cmpint (came.what, ==, start->what);
  g_assert_cmpint (came.reason, ==, start->reason);
  if (start->calls > 0)
    {
      g_assert_cmpint (pool.port, ==, start->agent == NOBODY ? 11 : 22);
      g_assert_cmpint (pool.query_only, ==, start->poison);
      g_assert_cmpint (pool.held, ==, start->agent == JOURNAL);
    }
  tear_down (&self);
}

/* --- after it -------------------------------------------------------------------------------- */

enum
{
  FAILS = -2 /* as a flag: no answer */
};

typedef struct
{
  const char *name;
  Agent agent;
  ElvesJobKind kind;
  gint32 flag; /* of the answer */
  ElvesReason said;
  gint32 state;
  guint retries;
  char what; /* expected */
  ElvesReason reason;
  gboolean may_have_started;
} End;

#define ASYNC ELVES_JOB_ASYNC
#define SYNC ELVES_JOB_SYNC

static const End ends[] = {
  { "taken", JOURNAL, ASYNC, 1, .state = 0, .what = 'A' },
  { "taken-before", JOURNAL, ASYNC, 1, .state = 1, .what = 'A' },
  { "finished", JOURNAL, ASYNC, 1, .state = 2, .what = 'A' },
  { "told-already", JOURNAL, ASYNC, 1, .state = 3, .what = 'S' },
  { "taken-by-the-original", PLAIN, ASYNC, 0, .state = ELVES_STATE_UNSET, .what = 'A' },
  { "busy", JOURNAL, ASYNC, -1, ELVES_REASON_BUSY, ELVES_STATE_UNSET, .what = 'E',
    .reason = ELVES_REASON_BUSY },
  { "busy-and-tried-again", JOURNAL, ASYNC, -1, ELVES_REASON_BUSY, ELVES_STATE_UNSET, .retries = 1,
    .what = 'P' },
  { "refused-connection", JOURNAL, ASYNC, FAILS, ELVES_REASON_REFUSED, .what = 'E',
    .reason = ELVES_REASON_REFUSED },
  { "refused-and-tried-again", PLAIN, SYNC, FAILS, ELVES_REASON_REFUSED, .retries = 1,
    .what = 'P' },
  { "lost-call", JOURNAL, ASYNC, FAILS, ELVES_REASON_OUTCOME_UNKNOWN, .what = 'P',
    .may_have_started = TRUE },
  { "lost-call-plain", PLAIN, ASYNC, FAILS, ELVES_REASON_OUTCOME_UNKNOWN, .retries = 9, .what = 'E',
    .reason = ELVES_REASON_OUTCOME_UNKNOWN, .may_have_started = TRUE },
  { "sync", PLAIN, SYNC, 1, .state = ELVES_STATE_UNSET, .what = 'E' },
  { "sync-busy", JOURNAL, SYNC, -1, ELVES_REASON_BUSY, ELVES_STATE_UNSET, .what = 'E',
    .reason = ELVES_REASON_BUSY },
  { "sync-busy-and-tried-again", JOURNAL, SYNC, -1, ELVES_REASON_BUSY, ELVES_STATE_UNSET,
    .retries = 1, .what = 'P' },
};

static void
test_end (gconstpointer data)
{
  const End *end = data;
  Fixture self;

  set_up (&self, FALSE);
  register_agent (&self, end->agent);
  self.flight = new_flight (end->kind);
  self.flight->job->retries = end->retries;
  elves_dispatch_flight (self.dispatch, self.flight);
  g_assert_cmpuint (pool.calls, ==, 1);
  if (end->flag == FAILS)
    fail (end->said);
  else
    answer (end->flag, end->said, end->state);
  g_assert_cmpint (came.what, ==, end->what);
  g_assert_cmpint (came.reason, ==, end->reason);
  g_assert_cmpint (self.flight->may_have_started, ==, end->may_have_started);
  tear_down (&self);
}

/* P4: what may have been sent once is never said to have not started. */
static void
test_refused_after_a_lost_call (void)
{
  Fixture self;

  set_up (&self, FALSE);
  register_agent (&self, JOURNAL);
  self.flight = new_flight (SYNC);
  elves_dispatch_flight (self.dispatch, self.flight);
  fail (ELVES_REASON_OUTCOME_UNKNOWN);
  g_assert_cmpint (came.what, ==, 'P');
  register_agent (&self, PLAIN); /* it has lost its journal */
  elves_dispatch_flight (self.dispatch, self.flight);
  g_assert_cmpint (came.what, ==, 'E');
  g_assert_cmpint (came.reason, ==, ELVES_REASON_OUTCOME_UNKNOWN);
  tear_down (&self);
}

/* --- questions ------------------------------------------------------------------------------- */

typedef struct
{
  const char *name;
  gint32 state; /* FAILS: no answer */
  char what;    /* expected */
  guint finished_seen;
} Question;

static const Question questions[] = {
  { "running", 1, 'H', 0 },    { "finished", 2, 'H', 5 },   { "told-already", 3, 'S', 0 },
  { "never-seen", 4, 'E', 0 }, { "silent", FAILS, 'U', 0 },
};

static void
test_question (gconstpointer data)
{
  const Question *question = data;
  Fixture self;

  set_up (&self, FALSE);
  register_agent (&self, JOURNAL);
  self.flight = new_flight (ASYNC);
  elves_dispatch_flight (self.dispatch, self.flight);
  answer (1, ELVES_REASON_NONE, 0);
  self.flight->finished_seen = 4;
  elves_dispatch_ask (self.dispatch, self.flight);
  g_assert_true (pool.query_only);
  if (question->state == FAILS)
    fail (ELVES_REASON_UNREACHABLE);
  else
    answer (1, ELVES_REASON_NONE, question->state);
  g_assert_cmpint (came.what, ==, question->what);
  g_assert_cmpuint (self.flight->finished_seen, ==, question->finished_seen);
  if (question->what == 'E')
    g_assert_cmpint (came.reason, ==, ELVES_REASON_OUTCOME_UNKNOWN);
  tear_down (&self);
}

/* Its node is gone, and with it whom to ask. */
static void
test_question_to_nobody (void)
{
  Fixture self;

  set_up (&self, FALSE);
  register_agent (&self, JOURNAL);
  self.flight = new_flight (ASYNC);
  elves_dispatch_flight (self.dispatch, self.flight);
  answer (1, ELVES_REASON_NONE, 0);
  elves_agent_table_remove (self.agents, IP);
  elves_dispatch_ask (self.dispatch, self.flight);
  g_assert_cmpint (came.what, ==, 'U');
  g_assert_cmpint (self.flight->missing_since_us, >, 0);
  tear_down (&self);
}

#define ADD_ALL(cases, prefix, test)                                     \
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)                       \
    {                                                                    \
      g_autofree char *path = g_strconcat (prefix, cases[i].name, NULL); \
      g_test_add_data_func (path, &cases[i], test);                      \
    }

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD_ALL (starts, "/dispatch/start/", test_start);
  ADD_ALL (ends, "/dispatch/end/", test_end);
  ADD_ALL (questions, "/dispatch/question/", test_question);
  g_test_add_func ("/dispatch/p4-refused-after-a-lost-call", test_refused_after_a_lost_call);
  g_test_add_func ("/dispatch/question/to-nobody", test_question_to_nobody);
  int status = g_test_run ();
  g_free (pool.host);
  return status;
}
