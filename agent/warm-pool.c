/* The warm workers of one app, and the calls that wait for them.
 *
 * A worker is started when calls wait that those which are starting will have no room for. Which
 * worker gets a call: the first that has a place, so that those not needed become idle and end.
 *
 * A worker that ends without having answered a single call makes the next start wait, longer each
 * time. If it was not even ready, calls are not kept waiting for that: they fail with what it had
 * to say, as they do when a per-call worker cannot be started, until the next try.
 *
 * When files of the app change, its workers end after their calls; new ones are started for what
 * comes. So for some time an app may have more workers than its limit, but never with calls for
 * more than it. */
#include "agent/warm-private.h"

#include "agent/metrics.h"
#include "agent/warm-watch.h"
#include "common/backoff.h"
#include "common/log.h"

struct ElvesWarmPool
{
  ElvesWarm *warm;
  const ElvesWarmParts *parts;
  char *app;
  ElvesAppEntry entry;
  guint max_workers, max_calls;
  guint concurrency;     /* as the last worker said */
  GPtrArray *workers;    /* of ElvesWarmWorker, in the order of their start */
  GQueue waiting;        /* of ElvesWarmCall, by its link */
  ElvesWarmWatch *watch; /* (nullable) while there are workers of this state of the files */

  guint n_failed;       /* ends without an answer, in a row */
  gint64 not_before_us; /* of the next start */
  char *failure;        /* (nullable) why none can be started, as far as we know */
  gboolean is_missing;  /* that is: there is no such program */
  ElvesDeadline next_start;
  ElvesLogThrottle log;
};

/* ---- calls ---------------------------------------------------------------------------------- */

static guint
count_workers (const ElvesWarmPool *self, gboolean (*is) (const ElvesWarmWorker *))
{
  guint n = 0;
  for (guint i = 0; i < self->workers->len; i++)
    n += is (self->workers->pdata[i]) ? 1 : 0;
  return n;
}

static ElvesWarmWorker *
find_worker (const ElvesWarmPool *self, gboolean (*is) (const ElvesWarmWorker *))
{
  for (guint i = 0; i < self->workers->len; i++)
    if (is (self->workers->pdata[i]))
      return self->workers->pdata[i];
  return NULL;
}

static gboolean
cannot_start (const ElvesWarmPool *self)
{
  return self->failure != NULL && g_get_monotonic_time () < self->not_before_us &&
         find_worker (self, elves_warm_worker_is_usable) == NULL;
}

static void
fail_call (const ElvesWarmPool *self, ElvesWarmCall *call)
{
  g_autofree char *text =
      g_strconcat ("app exec error : the worker did not start: ", self->failure, NULL);
  ElvesReason reason = self->is_missing ? ELVES_REASON_WORKER_MISSING : ELVES_REASON_SPAWN_FAILED;
  elves_warm_call_end_later (call, elves_reinstruct_failure (call->instruct, reason, text));
}

static void
fail_waiting (ElvesWarmPool *self)
{
  while (!g_queue_is_empty (&self->waiting))
    {
      ElvesWarmCall *call = g_queue_pop_head_link (&self->waiting)->data;
      call->link.data = NULL;
      fail_call (self, call);
    }
}

/* @first: it had a place, and its worker has ended before it was sent. */
void
elves_warm_pool_join (ElvesWarmPool *self, ElvesWarmCall *call, gboolean first)
{
  if (cannot_start (self))
    {
      fail_call (self, call);
      return;
    }
  call->link.data = call;
  if (first)
    g_queue_push_head_link (&self->waiting, &call->link);
  else
    g_queue_push_tail_link (&self->waiting, &call->link);
  elves_warm_pool_serve (self);
}

static void
on_start_due (ElvesDeadline *deadline, gpointer user_data)
{
  elves_warm_pool_serve (user_data);
}

/* Its place, or its waiting, is given up. */
void
elves_warm_pool_leave (ElvesWarmPool *self, ElvesWarmCall *call)
{
  elves_deadlines_disarm (self->parts->deadlines, &call->deadline);
  if (call->worker != NULL)
    { /* Whoever gets it hears of that from the loop. */
      elves_warm_worker_remove (call->worker, call);
      elves_deadlines_arm (self->parts->deadlines, &self->next_start, g_get_monotonic_time (),
                           on_start_due, self);
    }
  else if (call->link.data != NULL)
    g_queue_unlink (&self->waiting, &call->link);
  call->link.data = NULL;
}

/* ---- workers -------------------------------------------------------------------------------- */

static void
on_files_changed (gpointer user_data)
{
  elves_warm_pool_renew (user_data);
}

static void
start_worker (ElvesWarmPool *self)
{
  const char *user = elves_apps_user (self->parts->apps, self->app);
  g_autoptr (GError) error = NULL;
  ElvesCommand *command =
      elves_commands_build_warm (self->parts->commands, self->app, &self->entry, user, &error);
  if (command == NULL)
    {
      ElvesWarmEnd end = { .text = error->message, .diagnosis = error->message };
      elves_warm_pool_on_ended (self, NULL, &end);
      return;
    }
  if (self->watch == NULL)
    self->watch = elves_warm_watch_new (self->parts->poller, &self->entry, on_files_changed, self);
  g_ptr_array_add (self->workers, elves_warm_worker_new (self, self->parts, command));
  elves_warm_count_worker (self->warm, 1);
  elves_agent_metrics.warm_starts++;
}

static gboolean
needs_worker (ElvesWarmPool *self)
{
  guint n_starting = count_workers (self, elves_warm_worker_is_starting);
  return self->waiting.length > n_starting * self->concurrency &&
         count_workers (self, elves_warm_worker_is_usable) < self->max_workers;
}

static void
start_needed (ElvesWarmPool *self)
{
  while (needs_worker (self))
    {
      if (g_get_monotonic_time () < self->not_before_us)
        {
          elves_deadlines_arm (self->parts->deadlines, &self->next_start, self->not_before_us,
                               on_start_due, self);
          return;
        }
      if (!elves_warm_may_start (self->warm))
        return; /* served again when a worker has ended */
      start_worker (self);
    }
}

/* Gives places to those that wait, and starts what is missing. */
void
elves_warm_pool_serve (ElvesWarmPool *self)
{
  ElvesWarmWorker *worker;
  while (!g_queue_is_empty (&self->waiting) &&
         (worker = find_worker (self, elves_warm_worker_has_place)) != NULL)
    {
      self->concurrency = elves_warm_worker_concurrency (worker);
      ElvesWarmCall *call = g_queue_pop_head_link (&self->waiting)->data;
      elves_warm_call_place (call, worker);
    }
  start_needed (self);
}

static void
log_end (ElvesWarmPool *self, const ElvesWarmEnd *end)
{
  guint held_back = 0;
  if (!elves_log_throttle_pass (&self->log, g_get_monotonic_time (), &held_back))
    return;
  g_autofree char *why = elves_log_field ("why", end->text);
  g_warning ("a warm worker has ended app=%s %s more=%u", self->app, why, held_back);
}

static void
wait_longer (ElvesWarmPool *self)
{
  const ElvesAgentConfig *config = self->parts->config;
  guint delay_ms = elves_backoff_delay_ms (
      self->n_failed++, config->warm_retry_first_ms,
      MAX (config->warm_retry_first_ms, config->warm_retry_cap_ms), g_random_double ());
  self->not_before_us = g_get_monotonic_time () + (gint64) delay_ms * 1000;
}

/* @worker: (nullable): there was none */
void
elves_warm_pool_on_ended (ElvesWarmPool *self, ElvesWarmWorker *worker, const ElvesWarmEnd *end)
{
  if (worker != NULL)
    {
      g_ptr_array_remove (self->workers, worker);
      elves_warm_count_worker (self->warm, -1);
    }
  if (end->was_meant)
    return;
  elves_agent_metrics.warm_failures++;
  log_end (self, end);
  g_clear_pointer (&self->failure, g_free);
  if (end->has_answered)
    self->n_failed = 0;
  else
    wait_longer (self);
  if (end->was_ready)
    return;
  self->failure = g_strdup (end->diagnosis);
  self->is_missing = end->is_missing;
  if (cannot_start (self))
    fail_waiting (self);
}

/* ---- the pool ------------------------------------------------------------------------------- */

ElvesWarmPool *
elves_warm_pool_new (ElvesWarm *warm, const ElvesWarmParts *parts, const char *app)
{
  ElvesWarmPool *self = g_new0 (ElvesWarmPool, 1);
  self->warm = warm;
  self->parts = parts;
  self->app = g_strdup (app);
  self->concurrency = 1;
  self->workers = g_ptr_array_new ();
  g_queue_init (&self->waiting);
  return self;
}

void
elves_warm_pool_free (ElvesWarmPool *self)
{
  if (self == NULL)
    return;
  elves_deadlines_disarm (self->parts->deadlines, &self->next_start);
  elves_warm_watch_free (self->watch);
  for (guint i = 0; i < self->workers->len; i++)
    elves_warm_worker_free (self->workers->pdata[i]);
  g_ptr_array_unref (self->workers);
  elves_app_entry_clear (&self->entry);
  g_free (self->failure);
  g_free (self->app);
  g_free (self);
}

/* Ends all workers, each after its calls. The next call is for a new one; nothing is held against
   it. */
void
elves_warm_pool_renew (ElvesWarmPool *self)
{
  g_clear_pointer (&self->watch, elves_warm_watch_free);
  g_clear_pointer (&self->failure, g_free);
  self->not_before_us = 0;
  self->n_failed = 0;
  for (guint i = 0; i < self->workers->len; i++)
    elves_warm_worker_retire (self->workers->pdata[i]);
  elves_warm_pool_serve (self);
}

static gboolean
is_same_entry (const ElvesAppEntry *a, const ElvesAppEntry *b)
{
  return g_strcmp0 (a->program, b->program) == 0 && g_strcmp0 (a->file, b->file) == 0 &&
         g_strcmp0 (a->directory, b->directory) == 0;
}

/* As it is wanted now. Whatever is changed by it is renewed. */
void
elves_warm_pool_set (ElvesWarmPool *self,
                     const ElvesAppEntry *entry,
                     guint max_workers,
                     guint max_calls)
{
  self->max_workers = max_workers;
  self->max_calls = max_calls;
  gboolean is_same = is_same_entry (&self->entry, entry);
  if (is_same && (self->watch == NULL || !elves_warm_watch_is_stale (self->watch)))
    return;
  if (!is_same)
    {
      elves_app_entry_clear (&self->entry);
      self->entry = (ElvesAppEntry){ g_strdup (entry->program), g_strdup (entry->file),
                                     g_strdup (entry->directory) };
    }
  elves_warm_pool_renew (self);
}

/* Returns: whether a worker without calls was told to end. */
gboolean
elves_warm_pool_retire_idle (ElvesWarmPool *self)
{
  ElvesWarmWorker *worker = find_worker (self, elves_warm_worker_is_idle);
  if (worker != NULL)
    elves_warm_worker_retire (worker);
  return worker != NULL;
}

guint
elves_warm_pool_max_calls (const ElvesWarmPool *self)
{
  return self->max_calls;
}

ElvesWarm *
elves_warm_pool_warm (const ElvesWarmPool *self)
{
  return self->warm;
}

const ElvesWarmParts *
elves_warm_pool_parts (const ElvesWarmPool *self)
{
  return self->parts;
}

/**
 * elves_warm_pool_capacity:
 * @self: a pool
 *
 * Returns: how many calls its workers take at one time, as far as is known: more would only wait
 */
guint
elves_warm_pool_capacity (const ElvesWarmPool *self)
{
  return self->max_workers * self->concurrency;
}
