/* Wiring of a leader. In order of time:
 *
 *   number (the fence) -> what is open -> the started tasks, page by page -> fire
 *                                 and what of it was published (witness) -> send the rest of it,
 *                                                                           take requests
 *
 *   due -> engine -> store -> outbox -> broker -> store
 *            ^                            |
 *            +--- an execution ended <----+--- cronResult <- desk
 *
 * What is due fires as soon as the tasks are there: reading what was published may take a second,
 * and matters only to what an earlier leader has left open. A result that comes meanwhile waits in
 * the broker, because no requests are taken until then. */
#include "cron/lead.h"

#include "cron/desk.h"
#include "cron/history.h"
#include "cron/metrics.h"
#include "cron/reports.h"
#include "cron/schedules.h"
#include "cron/witness.h"

enum
{
  PAGE = 5000
};

struct ElvesCronLead
{
  const ElvesCronConfig *config;
  ElvesCronLedger *ledger;
  ElvesCronLeadCallbacks callbacks;
  gpointer user_data;
  ElvesCronEngine *engine;
  ElvesComponent *component;
  ElvesCronOutbox *outbox;
  ElvesCronDesk *desk;
  ElvesCronTally *tally;
  ElvesCronReports *reports;
  ElvesCronHistory *history; /* (nullable) until it fires */
  ElvesCronWitness *witness; /* (nullable) until it is asked */
  GPtrArray *open_shots;     /* until they are sent */
  GArray *running, *queued;
  GHashTable *published; /* (nullable) the witness's, when it has read */
  /* When the steps were done; 0: not yet. */
  gint64 begun_us, number_us, open_us, there_us, loaded_us, published_us;
  GQueue steps; /* of Step, by its place */
};

/* A question to the store while taking over. */
typedef struct
{
  ElvesCronLead *lead; /* NULL: it was freed meanwhile */
  GList place;
} Step;

static Step *
step_new (ElvesCronLead *self)
{
  Step *step = g_new0 (Step, 1);
  step->lead = self;
  step->place.data = step;
  g_queue_push_tail_link (&self->steps, &step->place);
  return step;
}

/* Frees @step. Returns: (nullable): the lead, if it is there still and nothing went wrong. */
static ElvesCronLead *
step_end (Step *step, const GError *error)
{
  ElvesCronLead *self = step->lead;
  if (self != NULL)
    g_queue_unlink (&self->steps, &step->place);
  g_free (step);
  if (self == NULL || error == NULL)
    return self;
  self->callbacks.failed (error, self->user_data);
  return NULL;
}

/* ---- the parts speak ------------------------------------------------------------------------ */

static void
on_fire (GPtrArray *shots, gpointer user_data)
{
  ElvesCronLead *self = user_data;
  elves_cron_outbox_send (self->outbox, shots);
}

static guint
on_outstanding (gpointer user_data)
{
  ElvesCronLead *self = user_data;
  return elves_cron_outbox_load (self->outbox) + self->open_shots->len;
}

static void
on_unclean (guint64 id, gpointer user_data)
{
  ElvesCronLead *self = user_data;
  elves_cron_history_add (self->history, id);
}

static const ElvesCronEngineCallbacks engine_callbacks = { on_fire, on_outstanding, on_unclean };

static void
on_ended (guint64 id, gint64 planned_us, gpointer user_data)
{
  ElvesCronLead *self = user_data;
  elves_cron_engine_ended (self->engine, id, planned_us);
}

static void
on_delivered (gint64 report_until_us, gpointer user_data)
{
  ElvesCronLead *self = user_data;
  elves_cron_reports_expect (self->reports, report_until_us);
}

static void
on_out (gpointer user_data)
{
  ElvesCronLead *self = user_data;
  elves_cron_engine_room (self->engine);
}

static const ElvesCronOutboxCallbacks outbox_callbacks = { on_ended, on_delivered, on_out };

/* ---- taking over ---------------------------------------------------------------------------- */

/* What the earlier leader has published is taken out of what is open. */
static void
note_published (ElvesCronLead *self, GHashTable *published)
{
  guint kept = 0;
  for (guint i = 0; i < self->open_shots->len; i++)
    {
      ElvesCronShot *shot = g_steal_pointer (&self->open_shots->pdata[i]);
      g_autofree char *key = elves_cron_key (shot->plan->id, shot->planned_us);
      if (g_hash_table_contains (published, key))
        elves_cron_outbox_note (self->outbox, shot);
      else
        self->open_shots->pdata[kept++] = shot;
    }
  g_ptr_array_set_size (self->open_shots, (gint) kept);
}

static void
say_leading (ElvesCronLead *self)
{
  gint64 from_us = self->begun_us;
  g_message ("leading number=%" G_GINT64_FORMAT " started=%u recovered=%u ms=%" G_GINT64_FORMAT
             " number_ms=%" G_GINT64_FORMAT " open_ms=%" G_GINT64_FORMAT
             " tasks_ms=%" G_GINT64_FORMAT " published_ms=%" G_GINT64_FORMAT,
             elves_cron_ledger_number (self->ledger), elves_cron_engine_size (self->engine),
             self->open_shots->len, (g_get_monotonic_time () - from_us) / 1000,
             (self->number_us - from_us) / 1000, (self->open_us - from_us) / 1000,
             (self->loaded_us - from_us) / 1000, (self->published_us - from_us) / 1000);
}

/* When the tasks are there, and the queue in which what is published leaves a copy. */
static void
fire (ElvesCronLead *self)
{
  if (self->there_us == 0 || self->loaded_us == 0 || self->history != NULL)
    return;
  self->history = elves_cron_history_new (self->config, self->ledger);
  elves_cron_engine_restore (self->engine, self->running, self->queued);
  elves_cron_engine_run (self->engine);
}

/* When it fires, and knows what was published. */
static void
begin (ElvesCronLead *self)
{
  if (self->published == NULL || self->history == NULL)
    return;
  note_published (self, self->published);
  say_leading (self);
  elves_cron_metrics.recovered += self->open_shots->len;
  elves_cron_outbox_send (self->outbox, self->open_shots);
  elves_cron_reports_begin (self->reports);
  elves_component_start (self->component);
  self->callbacks.ready (self->user_data);
}

static void
on_entries (GPtrArray *entries, const char *last, const GError *error, gpointer user_data)
{
  ElvesCronLead *self = step_end (user_data, error);
  guint left_out = 0;
  if (self == NULL)
    return;
  for (guint i = 0; i < entries->len; i++)
    left_out += elves_cron_engine_add (self->engine, g_steal_pointer (&entries->pdata[i])) ? 0 : 1;
  if (left_out > 0)
    g_warning ("timed tasks are left out: more than cron.maxSchedules are started tasks=%u",
               left_out);
  if (*last != '\0')
    elves_cron_schedules_load (self->ledger, last, PAGE, on_entries, step_new (self));
  else
    {
      self->loaded_us = g_get_monotonic_time ();
      fire (self);
      begin (self);
    }
}

static void
on_there (gpointer user_data)
{
  ElvesCronLead *self = user_data;
  self->there_us = g_get_monotonic_time ();
  fire (self);
}

static void
on_published (GHashTable *keys, gpointer user_data)
{
  ElvesCronLead *self = user_data;
  self->published = keys;
  self->published_us = g_get_monotonic_time ();
  begin (self);
}

static const ElvesCronWitnessCallbacks witness_callbacks = { on_there, on_published };

static void
on_open (GPtrArray *shots, GArray *running, GArray *queued, const GError *error, gpointer user_data)
{
  ElvesCronLead *self = step_end (user_data, error);
  if (self == NULL)
    return;
  self->open_us = g_get_monotonic_time ();
  self->open_shots = g_ptr_array_ref (shots);
  self->running = g_array_ref (running);
  self->queued = g_array_ref (queued);
  self->witness = elves_cron_witness_new (self->config, shots->len > 0, &witness_callbacks, self);
  elves_cron_schedules_load (self->ledger, "", PAGE, on_entries, step_new (self));
}

static void
on_number (gpointer user_data, const GError *error)
{
  ElvesCronLead *self = step_end (user_data, error);
  if (self == NULL)
    return;
  self->number_us = g_get_monotonic_time ();
  elves_cron_tally_restore (self->tally, self->ledger);
  elves_cron_firings_open (self->ledger, on_open, step_new (self));
}

/* ---- from start to end ---------------------------------------------------------------------- */

static void
make_component (ElvesCronLead *self)
{
  ElvesComponentOptions options = {
    .name = "cron",
    .broker = &self->config->mq,
    .retry = &self->config->retry,
    .actions = elves_cron_actions,
    .metrics = &elves_cron_metrics.component,
    .user_data = self->desk,
  };
  self->component = elves_component_new (&options);
  elves_cron_desk_set_component (self->desk, self->component);
}

/* The desk is the component's user data, and needs the outbox, which needs the component. */
static gboolean
make_parts (ElvesCronLead *self, GError **error)
{
  ElvesCronDeskParts parts = { .config = self->config, .ledger = self->ledger };
  self->engine = elves_cron_engine_new (self->config, self->ledger, &engine_callbacks, self, error);
  if (self->engine == NULL)
    return FALSE;
  self->tally = elves_cron_tally_new (self->config);
  self->reports = elves_cron_reports_new (self->ledger, on_ended, self);
  parts.engine = self->engine;
  parts.tally = self->tally;
  self->desk = elves_cron_desk_new (&parts);
  make_component (self);
  self->outbox = elves_cron_outbox_new (self->config, self->ledger, self->component, self->tally,
                                        &outbox_callbacks, self);
  elves_cron_desk_set_outbox (self->desk, self->outbox);
  return TRUE;
}

/**
 * elves_cron_lead_new:
 * @config: must outlive it, as must @ledger
 * @callbacks: copied
 *
 * Begins to take over at once.
 */
ElvesCronLead *
elves_cron_lead_new (const ElvesCronConfig *config,
                     ElvesCronLedger *ledger,
                     const ElvesCronLeadCallbacks *callbacks,
                     gpointer user_data,
                     GError **error)
{
  g_autoptr (ElvesCronLead) self = g_new0 (ElvesCronLead, 1);
  self->config = config;
  self->ledger = ledger;
  self->callbacks = *callbacks;
  self->user_data = user_data;
  self->begun_us = g_get_monotonic_time ();
  if (!make_parts (self, error))
    return NULL;
  elves_cron_ledger_lead (ledger, on_number, step_new (self));
  return g_steal_pointer (&self);
}

/**
 * elves_cron_lead_free:
 * @self: (nullable): what is on its way stays in the store, and is found by the next leader
 */
void
elves_cron_lead_free (ElvesCronLead *self)
{
  GList *place;
  if (self == NULL)
    return;
  while ((place = g_queue_pop_head_link (&self->steps)) != NULL)
    ((Step *) place->data)->lead = NULL;
  elves_cron_witness_free (self->witness);
  elves_cron_history_free (self->history);
  elves_component_free (self->component);
  elves_cron_outbox_free (self->outbox);
  elves_cron_desk_free (self->desk);
  elves_cron_engine_free (self->engine);
  elves_cron_tally_free (self->tally);
  elves_cron_reports_free (self->reports);
  g_clear_pointer (&self->open_shots, g_ptr_array_unref);
  g_clear_pointer (&self->running, g_array_unref);
  g_clear_pointer (&self->queued, g_array_unref);
  g_free (self);
}

void
elves_cron_lead_stop (ElvesCronLead *self)
{
  elves_cron_engine_halt (self->engine);
  elves_component_stop (self->component);
}

guint
elves_cron_lead_outstanding (ElvesCronLead *self)
{
  return elves_cron_engine_recording (self->engine) + elves_cron_outbox_outstanding (self->outbox) +
         elves_component_outstanding (self->component);
}

void
elves_cron_lead_measure (ElvesCronLead *self)
{
  elves_cron_metrics.schedules = elves_cron_engine_size (self->engine);
  elves_cron_metrics.outstanding = elves_cron_outbox_outstanding (self->outbox);
  elves_component_measure (self->component);
}

void
elves_cron_lead_add_problems (ElvesCronLead *self, GPtrArray *problems)
{
  elves_component_add_problems (self->component, problems);
}
