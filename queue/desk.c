/* A request is read on the loop, done on the store's thread, answered on the loop. A result that
   cannot be recorded is tried until it can; its message stays unacknowledged meanwhile, so that
   mq.prefetch of them are all that wait. Any other request is answered with what is wrong. */
#include "queue/desk.h"

#include "common/log.h"
#include "queue/errand.h"

#define STORE_FAILED "[500]Queue Store Failed"

/* ---- errands -------------------------------------------------------------------------------- */

static void
clear_outcome (ElvesQueueErrand *self)
{
  g_clear_pointer (&self->id, g_free);
  if (self->body != NULL)
    g_string_free (g_steal_pointer (&self->body), TRUE);
  elves_queue_effects_clear (&self->effects);
  elves_queue_submitted_clear (&self->submitted);
}

static void
errand_free (gpointer data)
{
  ElvesQueueErrand *self = data;
  if (self->rest != 0)
    g_source_remove (self->rest);
  elves_request_free (self->request);
  g_free (self->queue_id);
  g_free (self->app);
  g_free (self->task_id);
  elves_queue_task_free (self->task);
  elves_component_result_clear (&self->result);
  elves_queue_submission_free (self->submission);
  elves_refusal_clear (&self->refusal);
  elves_queue_find_clear (&self->find);
  g_free (self->tasks_query.filter);
  clear_outcome (self);
  g_free (self);
}

static void
end (ElvesQueueErrand *self)
{
  g_hash_table_remove (self->desk->errands, self);
}

void
elves_queue_errand_refuse (ElvesQueueErrand *self, const char *error_text, const char *detail)
{
  elves_component_refuse (self->desk->component, g_steal_pointer (&self->request), error_text,
                          detail);
}

void
elves_queue_errand_answer (ElvesQueueErrand *self, GString *body)
{
  elves_component_reply (self->desk->component, g_steal_pointer (&self->request), body);
}

static gboolean
on_run (ElvesStoreTx *tx, gpointer data, GError **error)
{
  ElvesQueueErrand *self = data;
  clear_outcome (self);
  return self->kind->run (tx, self, error);
}

static void submit (ElvesQueueErrand *self);

static gboolean
on_rested (gpointer data)
{
  ElvesQueueErrand *self = data;
  self->rest = 0;
  submit (self);
  return G_SOURCE_REMOVE;
}

static void
fail (ElvesQueueErrand *self, const GError *error)
{
  ElvesQueueDesk *desk = self->desk;
  guint held_back;
  if (elves_log_throttle_pass (&desk->failure_log, g_get_monotonic_time (), &held_back))
    g_warning ("a request cannot be recorded: %s held_back=%u", error->message, held_back);
  if (!self->kind->is_cast)
    {
      elves_queue_errand_refuse (self, STORE_FAILED, error->message);
      end (self);
      return;
    }
  self->rest = g_timeout_add (desk->options.config->retry.cap_ms, on_rested, self);
}

static void
on_done (gpointer data, const GError *error)
{
  ElvesQueueErrand *self = data;
  if (error != NULL)
    {
      fail (self, error);
      return;
    }
  elves_queue_herald_tell (self->desk->herald, &self->effects);
  self->kind->done (self);
  if (!self->waits)
    end (self);
}

static void
submit (ElvesQueueErrand *self)
{
  self->change.now_ms = g_get_real_time () / 1000;
  elves_store_submit (self->desk->options.store, on_run, on_done, self, NULL);
}

static void
begin (ElvesQueueDesk *desk, ElvesRequest *request, const ElvesQueueErrandKind *kind)
{
  g_auto (ElvesRefusal) refusal = { 0 };
  ElvesQueueErrand *self = g_new0 (ElvesQueueErrand, 1);
  g_hash_table_add (desk->errands, self);
  self->desk = desk;
  self->request = request;
  self->kind = kind;
  self->change = (ElvesQueueChange){
    .limits = desk->options.limits,
    .fingerprint = elves_request_fingerprint (request),
    .may_repeat = elves_request_may_repeat (request),
    .effects = &self->effects,
  };
  if (kind->read (self, &refusal))
    {
      submit (self);
      return;
    }
  if (self->request != NULL)
    elves_queue_errand_refuse (self, refusal.error_text, refusal.detail);
  end (self);
}

/* ---- waiting -------------------------------------------------------------------------------- */

/* Its queue has changed, or its time is over. */
static void
on_waited (gpointer data, gboolean in_time)
{
  ElvesQueueErrand *self = data;
  self->waits = FALSE;
  if (in_time)
    {
      submit (self);
      return;
    }
  elves_queue_errand_answer (self, elves_queue_card_no_changes (self->tasks_query.after));
  end (self);
}

gboolean
elves_queue_errand_wait (ElvesQueueErrand *self)
{
  self->waits = elves_queue_waiters_add (self->desk->waiters, self->queue_id, self->until_us, self);
  return self->waits;
}

/* ---- requests ------------------------------------------------------------------------------- */

static void
on_request (ElvesRequest *request, gpointer user_data)
{
  begin (user_data, request, elves_queue_errand_kind (elves_request_action (request)));
}

/**
 * elves_queue_actions:
 *
 * Returns: (transfer none): what elves-queue can be asked for; user data: an #ElvesQueueDesk
 */
const ElvesComponentAction *
elves_queue_actions (void)
{
  static ElvesComponentAction actions[ELVES_QUEUE_MAX_ACTIONS + 1];
  const char *name;
  for (guint i = 0; (name = elves_queue_action_name (i)) != NULL; i++)
    actions[i] = (ElvesComponentAction){ name, on_request };
  return actions;
}

/* ---- beginning and end ---------------------------------------------------------------------- */

ElvesQueueDesk *
elves_queue_desk_new (const ElvesQueueDeskOptions *options)
{
  ElvesQueueDesk *self = g_new0 (ElvesQueueDesk, 1);
  self->options = *options;
  self->errands = g_hash_table_new_full (NULL, NULL, errand_free, NULL);
  /* Their messages are not acknowledged meanwhile: there must be room for others. */
  self->waiters = elves_queue_waiters_new (
      MIN (options->config->max_waiters, options->config->mq.prefetch / 2), on_waited);
  return self;
}

void
elves_queue_desk_set_out (ElvesQueueDesk *self, ElvesComponent *component, ElvesQueueHerald *herald)
{
  self->component = component;
  self->herald = herald;
  self->herald->waiters = self->waiters;
}

void
elves_queue_desk_on_consuming (gboolean consuming, gpointer desk)
{
  if (consuming)
    elves_daemon_ready (((ElvesQueueDesk *) desk)->options.daemon);
}

void
elves_queue_desk_free (ElvesQueueDesk *self)
{
  if (self == NULL)
    return;
  elves_queue_waiters_free (self->waiters);
  g_hash_table_unref (self->errands);
  g_free (self);
}

guint
elves_queue_desk_open (const ElvesQueueDesk *self)
{
  return g_hash_table_size (self->errands) - elves_queue_waiters_count (self->waiters);
}

guint
elves_queue_desk_waiting (const ElvesQueueDesk *self)
{
  return elves_queue_waiters_count (self->waiters);
}

void
elves_queue_desk_let_go (ElvesQueueDesk *self)
{
  elves_queue_waiters_let_go (self->waiters);
}
