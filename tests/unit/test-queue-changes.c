/* Queues in a real SQLite store, without a broker: random graphs with random outcomes against a
   model, deadlines, limits, repeated requests, removal; and the documents of elves-queue. */
#include "queue/changes.h"
#include "queue/config.h"
#include "queue/history.h"
#include "queue/metrics.h"
#include "queue/progress.h"
#include "queue/tables.h"
#include "tests/lib/config-documentation.h"

typedef struct
{
  char *folder, *url;
  ElvesStore *store;
  ElvesQueueLimits limits;
  ElvesQueueChange change;
} Fixture;

static void
set_up (Fixture *self, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  self->folder = g_dir_make_tmp ("elves-queue-XXXXXX", NULL);
  self->url = g_strdup_printf ("sqlite:%s/q.db", self->folder);
  ElvesStoreOptions options = { .url = self->url,
                                .schema = ELVES_QUEUE_SCHEMA,
                                .queue_limit = 10,
                                .timeout_ms = 1000,
                                .retry_first_ms = 10,
                                .retry_cap_ms = 10 };
  self->store = elves_store_open (&options, elves_queue_migrations, &error);
  g_assert_no_error (error);
  self->limits = (ElvesQueueLimits){
    .max_open = 1000, .max_tasks = 100, .max_bytes = 10000, .grace_ms = 1000
  };
  self->change =
      (ElvesQueueChange){ .limits = &self->limits, .now_ms = 1000000, .fingerprint = "f" };
}

static void
tear_down (Fixture *self, gconstpointer unused)
{
  elves_store_free (self->store);
  static const char *const names[] = { "q.db", "q.db-wal", "q.db-shm", "q.db.lock" };
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = g_build_filename (self->folder, names[i], NULL);
      g_remove (path);
    }
  g_rmdir (self->folder);
  g_free (self->folder);
  g_free (self->url);
}

static void
run (Fixture *self, ElvesStoreWork work, gpointer data)
{
  g_autoptr (GError) error = NULL;
  elves_store_run (self->store, work, data, &error);
  g_assert_no_error (error);
}

/* ---- the changes as works ------------------------------------------------------------------- */

typedef struct
{
  Fixture *fixture;
  const char *queue_id, *task_id;
  ElvesOnFailure on_failure;
  const ElvesQueueTask *task;
  ElvesTaskOutcome outcome;
  char *id, *text;
  ElvesQueueVerdict verdict;
  guint expired;
  gint64 next_ms;
  gboolean removed;
} Step;

static gboolean
on_create (ElvesStoreTx *tx, gpointer data, GError **error)
{
  Step *step = data;
  return elves_queue_tx_create (tx, &step->fixture->change, "app", step->on_failure, &step->id,
                                &step->verdict, error);
}

static gboolean
on_add (ElvesStoreTx *tx, gpointer data, GError **error)
{
  Step *step = data;
  return elves_queue_tx_add (tx, &step->fixture->change, step->queue_id, step->task, &step->id,
                             &step->verdict, error);
}

static gboolean
on_commit (ElvesStoreTx *tx, gpointer data, GError **error)
{
  Step *step = data;
  return elves_queue_tx_commit (tx, &step->fixture->change, step->queue_id, &step->verdict, error);
}

static gboolean
on_end (ElvesStoreTx *tx, gpointer data, GError **error)
{
  Step *step = data;
  return elves_queue_tx_end_task (tx, &step->fixture->change, step->task_id, &step->outcome,
                                  &step->verdict, error);
}

static gboolean
on_expire (ElvesStoreTx *tx, gpointer data, GError **error)
{
  Step *step = data;
  return elves_queue_tx_expire (tx, &step->fixture->change, &step->expired, &step->next_ms, error);
}

static gboolean
on_forget (ElvesStoreTx *tx, gpointer data, GError **error)
{
  Step *step = data;
  return elves_queue_tx_forget (tx, step->next_ms, 1, &step->removed, error);
}

static gboolean
on_status (ElvesStoreTx *tx, gpointer data, GError **error)
{
  Step *step = data;
  g_autoptr (ElvesStoreRows) rows =
      elves_store_tx_query (tx, "SELECT status FROM queue_task WHERE task_id = ?",
                            ELVES_VALUES (ELVES_TEXT (step->task_id)), error);
  g_assert_true (elves_store_rows_next (rows));
  step->text = g_strdup (elves_store_rows_text (rows, 0));
  return elves_store_rows_end (rows, error);
}

static gboolean
on_ended (ElvesStoreTx *tx, gpointer data, GError **error)
{
  Step *step = data;
  g_autoptr (ElvesStoreRows) rows =
      elves_store_tx_query (tx, "SELECT ended_ms, running FROM queue WHERE queue_id = ?",
                            ELVES_VALUES (ELVES_TEXT (step->queue_id)), error);
  g_assert_true (elves_store_rows_next (rows));
  step->next_ms = elves_store_rows_int (rows, 0);
  g_assert_cmpint (step->next_ms != 0, ==, elves_store_rows_int (rows, 1) == 0);
  return elves_store_rows_end (rows, error);
}

static char *
create (Fixture *self, ElvesOnFailure on_failure)
{
  Step step = { .fixture = self, .on_failure = on_failure };
  run (self, on_create, &step);
  g_assert_cmpint (step.verdict, ==, ELVES_VERDICT_DONE);
  return step.id;
}

static ElvesQueueVerdict
try_add (Fixture *self, const char *queue_id, GPtrArray *needs, const char *param, char **out_id)
{
  ElvesQueueTask task = { .ip = (char *) "h",
                          .mode = (char *) "NP",
                          .func = (char *) "f",
                          .param = (char *) param,
                          .proxy = (char *) "",
                          .timeout_s = 1,
                          .needs = needs };
  Step step = { .fixture = self, .queue_id = queue_id, .task = &task };
  run (self, on_add, &step);
  *out_id = step.id;
  return step.verdict;
}

static char *
add (Fixture *self, const char *queue_id)
{
  g_autoptr (GPtrArray) none = g_ptr_array_new ();
  char *id;
  g_assert_cmpint (try_add (self, queue_id, none, "", &id), ==, ELVES_VERDICT_DONE);
  return id;
}

static void
commit_queue (Fixture *self, const char *queue_id)
{
  Step step = { .fixture = self, .queue_id = queue_id };
  run (self, on_commit, &step);
  g_assert_cmpint (step.verdict, ==, ELVES_VERDICT_DONE);
}

static ElvesQueueVerdict
end_task (Fixture *self, const char *task_id, gboolean success)
{
  Step step = { .fixture = self,
                .task_id = task_id,
                .outcome = { .flag = "true",
                             .error = "",
                             .reason = "",
                             .worker_message = "",
                             .worker_flag = success } };
  run (self, on_end, &step);
  return step.verdict;
}

static void
assert_status (Fixture *self, const char *task_id, const char *expected)
{
  Step step = { .fixture = self, .task_id = task_id };
  run (self, on_status, &step);
  g_assert_cmpstr (step.text, ==, expected);
  g_free (step.text);
}

static gint64
ended_ms (Fixture *self, const char *queue_id)
{
  Step step = { .fixture = self, .queue_id = queue_id };
  run (self, on_ended, &step);
  return step.next_ms;
}

/* ---- random graphs -------------------------------------------------------------------------- */

enum
{
  MAX_TASKS = 12
};

typedef struct
{
  guint n;
  char *ids[MAX_TASKS];
  gboolean needs[MAX_TASKS][MAX_TASKS];
  ElvesTaskState states[MAX_TASKS];
  gboolean succeeded[MAX_TASKS];
  ElvesOnFailure on_failure;
} Model;

static void
add_random_tasks (Fixture *self, const char *queue_id, Model *model)
{
  for (guint i = 0; i < model->n; i++)
    {
      g_autoptr (GPtrArray) needs = g_ptr_array_new ();
      for (guint j = 0; j < i; j++)
        if ((model->needs[i][j] = g_test_rand_int_range (0, 4) == 0))
          g_ptr_array_add (needs, model->ids[j]);
      g_assert_cmpint (try_add (self, queue_id, needs, "", &model->ids[i]), ==, ELVES_VERDICT_DONE);
    }
}

static gboolean
is_ready (const Model *model, guint i)
{
  for (guint j = 0; j < i; j++)
    if (model->needs[i][j] && !model->succeeded[j])
      return FALSE;
  return TRUE;
}

static gboolean
is_hopeless (const Model *model, guint i)
{
  for (guint j = 0; j < i; j++)
    if (model->needs[i][j] && ((model->states[j] == ELVES_TASK_FINISH && !model->succeeded[j]) ||
                               model->states[j] == ELVES_TASK_SKIPPED))
      return TRUE;
  return FALSE;
}

/* Needs come before what needs them: one pass is enough. */
static void
update_model (Model *model)
{
  for (guint i = 0; i < model->n; i++)
    if (model->states[i] == ELVES_TASK_PENDDING && is_ready (model, i))
      model->states[i] = ELVES_TASK_RUNNING;
    else if (model->states[i] == ELVES_TASK_PENDDING && is_hopeless (model, i) &&
             model->on_failure == ELVES_ON_FAILURE_SKIP)
      model->states[i] = ELVES_TASK_SKIPPED;
}

/* The task that ends next; -1: none runs. */
static int
pick_running (const Model *model)
{
  guint running[MAX_TASKS], n = 0;
  for (guint i = 0; i < model->n; i++)
    if (model->states[i] == ELVES_TASK_RUNNING)
      running[n++] = i;
  return n > 0 ? (int) running[g_test_rand_int_range (0, (gint) n)] : -1;
}

static void
compare (Fixture *self, const Model *model)
{
  for (guint i = 0; i < model->n; i++)
    assert_status (self, model->ids[i], elves_task_state_text (model->states[i]));
}

static void
run_random_queue (Fixture *self)
{
  Model model = { .n = (guint) g_test_rand_int_range (1, MAX_TASKS + 1),
                  .on_failure = (ElvesOnFailure) g_test_rand_int_range (0, ELVES_N_ON_FAILURE) };
  g_autofree char *queue_id = create (self, model.on_failure);
  int i;
  add_random_tasks (self, queue_id, &model);
  commit_queue (self, queue_id);
  update_model (&model);
  compare (self, &model);
  while ((i = pick_running (&model)) >= 0)
    {
      g_assert_cmpint (ended_ms (self, queue_id), ==, 0);
      gboolean success = g_test_rand_int_range (0, 5) > 0;
      g_assert_cmpint (end_task (self, model.ids[i], success), ==, ELVES_VERDICT_DONE);
      model.states[i] = ELVES_TASK_FINISH;
      model.succeeded[i] = success;
      update_model (&model);
      g_assert_cmpint (end_task (self, model.ids[i], !success), ==, ELVES_VERDICT_LATE);
      compare (self, &model);
    }
  g_assert_cmpint (ended_ms (self, queue_id), >, 0);
  for (guint k = 0; k < model.n; k++)
    g_free (model.ids[k]);
}

static void
test_random_graphs (Fixture *self, gconstpointer unused)
{
  for (guint i = 0; i < 40; i++)
    run_random_queue (self);
}

/* ---- the rest ------------------------------------------------------------------------------- */

static void
test_deadline (Fixture *self, gconstpointer unused)
{
  g_autofree char *queue_id = create (self, ELVES_ON_FAILURE_LEAVE);
  g_autofree char *task_id = add (self, queue_id);
  Step step = { .fixture = self };
  commit_queue (self, queue_id);
  self->change.now_ms += 1999; /* timeout 1 s, grace 1 s */
  run (self, on_expire, &step);
  g_assert_cmpuint (step.expired, ==, 0);
  g_assert_cmpint (step.next_ms, ==, self->change.now_ms + 1);
  self->change.now_ms += 1;
  run (self, on_expire, &step);
  g_assert_cmpuint (step.expired, ==, 1);
  g_assert_cmpint (step.next_ms, ==, G_MAXINT64);
  assert_status (self, task_id, "finish");
  g_assert_cmpint (end_task (self, task_id, TRUE), ==, ELVES_VERDICT_LATE);
}

static void
test_limits (Fixture *self, gconstpointer unused)
{
  g_autofree char *queue_id = create (self, ELVES_ON_FAILURE_LEAVE);
  g_autofree char *big = g_strnfill (9990, 'x');
  g_autofree char *id = NULL;
  g_autofree char *other = NULL;
  g_autoptr (GPtrArray) none = g_ptr_array_new ();
  g_assert_cmpint (try_add (self, queue_id, none, big, &id), ==, ELVES_VERDICT_DONE);
  g_assert_cmpint (try_add (self, queue_id, none, "0123456789", &other), ==, ELVES_VERDICT_LIMIT);
  self->limits.max_tasks = 1;
  g_assert_cmpint (try_add (self, queue_id, none, "", &other), ==, ELVES_VERDICT_LIMIT);
  self->limits.max_open = 1;
  Step step = { .fixture = self };
  run (self, on_create, &step);
  g_assert_cmpint (step.verdict, ==, ELVES_VERDICT_LIMIT);
  commit_queue (self, queue_id);
  end_task (self, id, TRUE); /* it has ended: there is room */
  run (self, on_create, &step);
  g_assert_cmpint (step.verdict, ==, ELVES_VERDICT_DONE);
  g_free (step.id);
}

/* A request that the broker gives out again is done once. */
static void
test_repeated (Fixture *self, gconstpointer unused)
{
  g_autofree char *first = create (self, ELVES_ON_FAILURE_LEAVE);
  g_autofree char *task = add (self, first);
  self->change.may_repeat = TRUE;
  g_autofree char *again = create (self, ELVES_ON_FAILURE_LEAVE);
  g_assert_cmpstr (again, ==, first);
  g_autofree char *task_again = add (self, first);
  g_assert_cmpstr (task_again, ==, task);
  commit_queue (self, first);
  commit_queue (self, first);
  self->change.fingerprint = "other";
  g_autofree char *second = create (self, ELVES_ON_FAILURE_LEAVE);
  g_assert_cmpstr (second, !=, first);
  Step step = { .fixture = self, .queue_id = first };
  run (self, on_commit, &step);
  g_assert_cmpint (step.verdict, ==, ELVES_VERDICT_WRONG_STATE);
}

static gboolean
forget_one (Fixture *self, gint64 before_ms)
{
  Step step = { .fixture = self, .next_ms = before_ms };
  run (self, on_forget, &step);
  return step.removed;
}

static void
test_history (Fixture *self, gconstpointer unused)
{
  g_free (create (self, ELVES_ON_FAILURE_LEAVE)); /* abandoned */
  self->change.now_ms++;
  g_autofree char *open = create (self, ELVES_ON_FAILURE_LEAVE);
  g_autofree char *task = add (self, open);
  commit_queue (self, open);
  g_assert_true (forget_one (self, self->change.now_ms)); /* older, and never committed */
  g_assert_false (forget_one (self, self->change.now_ms + 100));
  end_task (self, task, TRUE);
  g_autofree char *second = create (self, ELVES_ON_FAILURE_LEAVE);
  self->change.now_ms++;
  commit_queue (self, second);
  g_assert_true (forget_one (self, 0)); /* one of ended ones is kept */
  g_assert_false (forget_one (self, 0));
  g_assert_cmpint (ended_ms (self, second), >, 0);
  g_assert_true (forget_one (self, self->change.now_ms + 1));
}

static void
test_documentation (void)
{
  ElvesQueueConfig config = { 0 };
  documentation_assert_example_loads (elves_queue_options, &config, "elves-queue.properties",
                                      elves_queue_config_check);
  documentation_assert_example (elves_queue_options, "elves-queue.properties");
  documentation_assert_manual (elves_queue_options, "elves-queue.properties.5");
}

/* Every name stands in the manual, with the same sentence. */
static void
test_metrics (void)
{
  g_autofree char *text = documentation_read ("man", "elves-queue.8");
  for (const ElvesMetric *metric = elves_queue_metric_table; metric->name != NULL; metric++)
    if (metric->help != NULL)
      {
        g_autofree char *item = g_strdup_printf (".It Li %s\n%s\n", metric->name, metric->help);
        g_test_message ("%s", metric->name);
        g_assert_nonnull (strstr (text, item));
      }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/queue/random-graphs", Fixture, NULL, set_up, test_random_graphs, tear_down);
  g_test_add ("/queue/deadline", Fixture, NULL, set_up, test_deadline, tear_down);
  g_test_add ("/queue/limits", Fixture, NULL, set_up, test_limits, tear_down);
  g_test_add ("/queue/repeated", Fixture, NULL, set_up, test_repeated, tear_down);
  g_test_add ("/queue/history", Fixture, NULL, set_up, test_history, tear_down);
  g_test_add_func ("/queue/documentation", test_documentation);
  g_test_add_func ("/queue/metrics", test_metrics);
  return g_test_run ();
}
