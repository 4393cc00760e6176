/* The store as the main loop sees it: works go to a thread of its own, answers come back.
 *
 * While the disk is busy with one transaction the next one gathers. When the connection is lost,
 * the thread takes the same works again, after a wait that grows, until they are decided or the
 * store is freed; the queue in front of it fills up meanwhile, and then refuses. */
#include "common/store-private.h"

#include "common/backoff.h"
#include "common/error.h"
#include "common/log.h"

#define MAX_BATCH 512 /* works in one transaction */

struct ElvesStore
{
  ElvesStoreBackend *backend; /* the thread's, once it runs */
  guint queue_limit, retry_first_ms, retry_cap_ms;

  GThread *thread; /* (nullable) */
  GMutex lock;     /* of all that follows */
  GCond handed;    /* works, or the end */
  GCond finished;  /* a batch is decided */
  GQueue waiting;  /* of ElvesStoreTask */
  GQueue answered; /* of ElvesStoreTask */
  guint busy;      /* works in the batch of the thread */
  guint64 commits, failures;
  gboolean is_failing, is_taken;
  gboolean ending;

  GSource *deliver;
  guint64 works, refused; /* main loop */
};

static void
task_free (ElvesStoreTask *task)
{
  if (task->destroy != NULL)
    task->destroy (task->data);
  g_clear_error (&task->error);
  g_free (task);
}

/* ---- the thread ----------------------------------------------------------------------------- */

/* With the lock. */
static GPtrArray *
take_batch (ElvesStore *self)
{
  GPtrArray *batch = g_ptr_array_new ();
  while (self->waiting.length == 0 && !self->ending)
    g_cond_wait (&self->handed, &self->lock);
  while (self->waiting.length > 0 && batch->len < MAX_BATCH)
    g_ptr_array_add (batch, g_queue_pop_head (&self->waiting));
  self->busy = batch->len;
  return batch;
}

static void
note (ElvesStore *self, const GError *error, gboolean is_taken)
{
  g_mutex_lock (&self->lock);
  gboolean was_failing = self->is_failing;
  self->is_failing = error != NULL;
  self->is_taken = is_taken;
  self->failures += error != NULL;
  g_mutex_unlock (&self->lock);
  if (error != NULL && !was_failing)
    {
      g_autofree char *field = elves_log_field ("error", error->message);
      g_warning ("the store cannot be written %s", field);
    }
  if (error == NULL && was_failing)
    g_message ("the store can be written again");
}

/* FALSE: the store ends. */
static gboolean
wait_to_retry (ElvesStore *self, guint attempt)
{
  guint delay_ms = elves_backoff_delay_ms (attempt, self->retry_first_ms, self->retry_cap_ms,
                                           g_random_double ());
  gint64 until_us = g_get_monotonic_time () + (gint64) delay_ms * 1000;
  g_mutex_lock (&self->lock);
  while (!self->ending && g_cond_wait_until (&self->handed, &self->lock, until_us))
    ;
  gboolean go_on = !self->ending;
  g_mutex_unlock (&self->lock);
  return go_on;
}

static gboolean
try_batch (ElvesStore *self, GPtrArray *batch, GError **error)
{
  ElvesStoreTask *const *tasks = (ElvesStoreTask *const *) batch->pdata;
  gboolean committed = FALSE;
  if (!self->backend->class->connect (self->backend, &committed, error))
    return FALSE;
  elves_store_batch_settle (tasks, batch->len, committed);
  return elves_store_batch_run (self->backend, tasks, batch->len, error);
}

static const GError *
first_failure (GPtrArray *batch)
{
  for (guint i = 0; i < batch->len; i++)
    {
      const ElvesStoreTask *task = batch->pdata[i];
      if (g_error_matches (task->error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE))
        return task->error;
    }
  return NULL;
}

static void
give_up (GPtrArray *batch, const GError *error)
{
  for (guint i = 0; i < batch->len; i++)
    {
      ElvesStoreTask *task = batch->pdata[i];
      if (!task->decided && task->error == NULL)
        task->error = g_error_copy (error);
    }
}

/* FALSE: the store ends, and the database is out of reach. */
static gboolean
run_batch (ElvesStore *self, GPtrArray *batch)
{
  for (guint attempt = 0;; attempt++)
    {
      g_autoptr (GError) error = NULL;
      if (try_batch (self, batch, &error))
        {
          note (self, first_failure (batch), FALSE);
          return TRUE;
        }
      note (self, error, self->backend->class->is_taken (self->backend));
      if (!wait_to_retry (self, attempt))
        {
          give_up (batch, error);
          return FALSE;
        }
    }
}

/* With the lock. */
static void
hand_back (ElvesStore *self, GPtrArray *batch)
{
  for (guint i = 0; i < batch->len; i++)
    g_queue_push_tail (&self->answered, batch->pdata[i]);
  self->busy = 0;
  self->commits += batch->len > 0;
  g_source_set_ready_time (self->deliver, 0);
  g_cond_broadcast (&self->finished);
}

static gpointer
run_thread (gpointer data)
{
  ElvesStore *self = data;
  gboolean go_on = TRUE;
  g_mutex_lock (&self->lock);
  while (go_on && (!self->ending || self->waiting.length > 0))
    {
      g_autoptr (GPtrArray) batch = take_batch (self);
      g_mutex_unlock (&self->lock);
      if (batch->len > 0)
        go_on = run_batch (self, batch);
      g_mutex_lock (&self->lock);
      hand_back (self, batch);
    }
  g_mutex_unlock (&self->lock);
  return NULL;
}

/* ---- answers -------------------------------------------------------------------------------- */

static void
deliver_answers (ElvesStore *self)
{
  g_mutex_lock (&self->lock);
  GQueue answered = self->answered;
  g_queue_init (&self->answered);
  g_mutex_unlock (&self->lock);
  ElvesStoreTask *task;
  while ((task = g_queue_pop_head (&answered)) != NULL)
    {
      self->works++;
      if (task->done != NULL)
        task->done (task->data, task->error);
      task_free (task);
    }
}

static gboolean
on_deliver (gpointer user_data)
{
  ElvesStore *self = user_data;
  g_source_set_ready_time (self->deliver, -1);
  deliver_answers (self);
  return G_SOURCE_CONTINUE;
}

static gboolean
dispatch_deliver (GSource *source, GSourceFunc callback, gpointer user_data)
{
  return callback (user_data);
}

/* ---- works ---------------------------------------------------------------------------------- */

static void
refuse (ElvesStore *self, ElvesStoreTask *task)
{
  self->refused++;
  g_set_error (&task->error, ELVES_ERROR, ELVES_ERROR_BUSY,
               "the store is behind: %u works wait already (store.queue)", self->queue_limit);
  g_queue_push_tail (&self->answered, task);
  g_source_set_ready_time (self->deliver, 0);
}

/**
 * elves_store_submit:
 * @self: a store
 * @work: what to do, on the store's thread
 * @done: (nullable): told what came of it, on the loop
 * @data: (transfer full): of both; not touched by the loop between the two
 * @destroy: (nullable): frees @data, after @done
 */
void
elves_store_submit (ElvesStore *self,
                    ElvesStoreWork work,
                    ElvesStoreDone done,
                    gpointer data,
                    GDestroyNotify destroy)
{
  ElvesStoreTask *task = g_new0 (ElvesStoreTask, 1);
  *task = (ElvesStoreTask){ .work = work, .done = done, .data = data, .destroy = destroy };
  g_mutex_lock (&self->lock);
  if (self->waiting.length + self->busy >= self->queue_limit)
    refuse (self, task);
  else
    g_queue_push_tail (&self->waiting, task);
  g_cond_signal (&self->handed);
  g_mutex_unlock (&self->lock);
  if (self->thread == NULL)
    self->thread = g_thread_new ("store", run_thread, self);
}

/**
 * elves_store_run:
 * @self: a store to which nothing was submitted yet
 * @work: what to do
 * @data: for @work
 *
 * Does it at once, in a transaction of its own. Blocks: for the start of a daemon.
 *
 * Errors: those of @work; %ELVES_ERROR_UNAVAILABLE: the database is out of reach
 */
gboolean
elves_store_run (ElvesStore *self, ElvesStoreWork work, gpointer data, GError **error)
{
  g_return_val_if_fail (self->thread == NULL, FALSE);
  gboolean committed;
  ElvesStoreTask task = { .work = work, .data = data };
  ElvesStoreTask *tasks[] = { &task };
  if (!self->backend->class->connect (self->backend, &committed, error) ||
      !elves_store_batch_run (self->backend, tasks, 1, error))
    {
      g_clear_error (&task.error);
      return FALSE;
    }
  if (task.error == NULL)
    return TRUE;
  g_propagate_error (error, task.error);
  return FALSE;
}

/**
 * elves_store_drain:
 * @self: a store
 * @timeout_ms: waits so long, at most
 *
 * Blocks until all that was submitted is done, and says so; what is submitted meanwhile as well.
 */
void
elves_store_drain (ElvesStore *self, guint timeout_ms)
{
  gint64 until_us = g_get_monotonic_time () + (gint64) timeout_ms * 1000;
  gboolean in_time = TRUE, done = FALSE;
  while (in_time && !done)
    {
      g_mutex_lock (&self->lock);
      while (in_time && self->waiting.length + self->busy > 0)
        in_time = g_cond_wait_until (&self->finished, &self->lock, until_us);
      done = self->waiting.length + self->busy + self->answered.length == 0;
      g_mutex_unlock (&self->lock);
      deliver_answers (self);
    }
}

/* ---- beginning and end ---------------------------------------------------------------------- */

typedef struct
{
  const char *schema;
  const ElvesStoreMigration *migrations;
} Update;

static gboolean
update_schema (ElvesStoreTx *tx, gpointer data, GError **error)
{
  Update *update = data;
  return elves_store_schema_update (tx, update->schema, update->migrations, error);
}

static ElvesStore *
store_new (const ElvesStoreOptions *options, ElvesStoreBackend *backend)
{
  static GSourceFuncs funcs = { .dispatch = dispatch_deliver };
  ElvesStore *self = g_new0 (ElvesStore, 1);
  self->backend = backend;
  self->queue_limit = options->queue_limit;
  self->retry_first_ms = options->retry_first_ms;
  self->retry_cap_ms = options->retry_cap_ms;
  g_mutex_init (&self->lock);
  g_cond_init (&self->handed);
  g_cond_init (&self->finished);
  self->deliver = g_source_new (&funcs, sizeof (GSource));
  g_source_set_callback (self->deliver, on_deliver, self, NULL);
  g_source_attach (self->deliver, g_main_context_get_thread_default ());
  return self;
}

/**
 * elves_store_open:
 * @options: where it is, and its limits
 * @migrations: how its tables are made
 *
 * Opens the database and brings its tables up to date. Blocks. Answers come from the
 * thread-default main context.
 *
 * Returns: (transfer full): the store
 * Errors: %ELVES_ERROR_CONFIG: the URL; %ELVES_ERROR_UNAVAILABLE: it is out of reach, another
 * process has it, it is damaged, or its tables are of a newer version
 */
ElvesStore *
elves_store_open (const ElvesStoreOptions *options,
                  const ElvesStoreMigration *migrations,
                  GError **error)
{
  if (!elves_store_url_check (options->url, error))
    return NULL;
  ElvesStoreBackend *backend = elves_store_url_is_postgres (options->url)
                                   ? elves_store_postgres_new (options, error)
                                   : elves_store_sqlite_new (options, error);
  if (backend == NULL)
    return NULL;
  g_autoptr (ElvesStore) self = store_new (options, backend);
  Update update = { options->schema, migrations };
  if (!elves_store_run (self, update_schema, &update, error))
    return NULL;
  return g_steal_pointer (&self);
}

/**
 * elves_store_free:
 * @self: (nullable): a store
 *
 * Does what was submitted if the database can be reached, which may block; nobody is called any
 * more.
 */
void
elves_store_free (ElvesStore *self)
{
  if (self == NULL)
    return;
  g_mutex_lock (&self->lock);
  self->ending = TRUE;
  g_cond_signal (&self->handed);
  g_mutex_unlock (&self->lock);
  if (self->thread != NULL)
    g_thread_join (self->thread);
  g_source_destroy (self->deliver);
  g_source_unref (self->deliver);
  g_queue_clear_full (&self->waiting, (GDestroyNotify) task_free);
  g_queue_clear_full (&self->answered, (GDestroyNotify) task_free);
  self->backend->class->free (self->backend);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->handed);
  g_cond_clear (&self->finished);
  g_free (self);
}

/**
 * elves_store_get_figures:
 * @self: a store
 * @out_figures: how it is
 */
void
elves_store_get_figures (ElvesStore *self, ElvesStoreFigures *out_figures)
{
  g_mutex_lock (&self->lock);
  *out_figures = (ElvesStoreFigures){
    .waiting = self->waiting.length + self->busy,
    .works = self->works,
    .commits = self->commits,
    .failures = self->failures,
    .refused = self->refused,
    .is_failing = self->is_failing,
    .is_taken = self->is_taken,
  };
  g_mutex_unlock (&self->lock);
}
