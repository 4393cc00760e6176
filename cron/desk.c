/* createCron, startCron, stopCron, deleteCron, cronResult: what changes something.
 *
 * A request is an errand to the store; when the store has said what came of it, what is in memory
 * follows, and the answer goes out. The store's order is the order of the requests, so memory and
 * store agree. */
#include "cron/desk-private.h"

#include "common/error.h"
#include "common/json-writer.h"
#include "common/log.h"
#include "cron/metrics.h"
#include "cron/plan-request.h"
#include "cron/schedules.h"

#define TEXT_NOT_FOUND "[411.1]Not Find Cron Job To Operate"
#define TEXT_RULE "[403.5]Request Params (cron-rule) Illegal"
#define TEXT_TYPE "[500]Request Params Of Wrong Type"
#define TEXT_BUSY "[500]Too Many Requests Or Cron Jobs"
#define TEXT_FAILED "[500]The Store Failed"

/* ---- errands -------------------------------------------------------------------------------- */

ElvesCronErrand *
elves_cron_errand_new (ElvesCronDesk *desk, ElvesRequest *request)
{
  ElvesCronErrand *self = g_new0 (ElvesCronErrand, 1);
  self->desk = desk;
  self->request = request;
  self->place.data = self;
  g_queue_push_tail_link (&desk->errands, &self->place);
  return self;
}

static void
errand_free (ElvesCronErrand *self)
{
  if (self->desk != NULL)
    g_queue_unlink (&self->desk->errands, &self->place);
  elves_request_free (self->request);
  g_free (self->id);
  g_free (self);
}

static const char *
text_of (const GError *error)
{
  if (g_error_matches (error, ELVES_ERROR, ELVES_ERROR_NOT_FOUND))
    return TEXT_NOT_FOUND;
  if (g_error_matches (error, ELVES_ERROR, ELVES_ERROR_INVALID))
    return TEXT_RULE;
  if (g_error_matches (error, ELVES_ERROR, ELVES_ERROR_BUSY))
    return TEXT_BUSY;
  return TEXT_FAILED;
}

/* A leader that was deposed answers nothing: the next one gets the request. */
void
elves_cron_desk_refuse (ElvesCronDesk *self, ElvesRequest *request, const GError *error)
{
  if (g_error_matches (error, ELVES_ERROR, ELVES_ERROR_REFUSED))
    elves_request_free (request);
  else
    elves_component_refuse (self->component, request, text_of (error), error->message);
}

gboolean
elves_cron_errand_check (ElvesCronErrand *self, const GError *error)
{
  if (self->desk != NULL && error == NULL)
    return TRUE;
  if (self->desk != NULL)
    elves_cron_desk_refuse (self->desk, g_steal_pointer (&self->request), error);
  errand_free (self);
  return FALSE;
}

void
elves_cron_errand_reply (ElvesCronErrand *self, GString *body)
{
  elves_component_reply (self->desk->component, g_steal_pointer (&self->request), body);
  errand_free (self);
}

void
elves_cron_errand_reply_flag (ElvesCronErrand *self)
{
  elves_component_reply_flag (self->desk->component, g_steal_pointer (&self->request));
  errand_free (self);
}

GString *
elves_cron_desk_open_body (void)
{
  GString *body = g_string_new (NULL);
  elves_json_open (body, NULL);
  elves_json_add_text (body, "flag", "true");
  elves_json_add_text (body, "error", "");
  return body;
}

/* An id that is none of ours belongs to no task. */
char *
elves_cron_desk_read_id (ElvesCronDesk *self, ElvesRequest *request)
{
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  guint64 id;
  if (!elves_request_text (request, "id", &text, &error))
    {
      elves_component_refuse (self->component, request, TEXT_TYPE, error->message);
      return NULL;
    }
  if (!elves_cron_id_parse (text, &id))
    {
      elves_component_refuse (self->component, request, TEXT_NOT_FOUND,
                              "id: expected 16 hex digits");
      return NULL;
    }
  return g_ascii_strup (text, -1);
}

/* ---- createCron ----------------------------------------------------------------------------- */

static void
on_created (const char *id, ElvesCronEntry *entry, const GError *error, gpointer user_data)
{
  ElvesCronErrand *errand = user_data;
  GString *body;
  if (entry != NULL && errand->desk == NULL)
    elves_cron_entry_free (entry);
  else if (entry != NULL && !elves_cron_engine_add (errand->desk->parts.engine, entry))
    g_warning ("a timed task waits for a restart: more than cron.maxSchedules are started id=%s",
               id);
  if (!elves_cron_errand_check (errand, error))
    return;
  body = elves_cron_desk_open_body ();
  elves_json_add_text (body, "id", id);
  elves_json_close (body);
  elves_cron_errand_reply (errand, body);
}

static void
on_create (ElvesRequest *request, gpointer user_data)
{
  ElvesCronDesk *self = user_data;
  g_autoptr (GError) error = NULL;
  const char *text = NULL;
  ElvesCronPlan *plan = elves_cron_plan_from_request (self->parts.config, request, &text, &error);
  if (plan == NULL)
    {
      elves_component_refuse (self->component, request, text, error->message);
      return;
    }
  if (elves_cron_engine_size (self->parts.engine) >= self->parts.config->max_schedules)
    {
      elves_cron_plan_free (plan);
      elves_component_refuse (self->component, request, TEXT_BUSY,
                              "more than cron.maxSchedules timed tasks are started");
      return;
    }
  elves_cron_schedules_create (self->parts.ledger, plan, elves_request_fingerprint (request),
                               elves_request_may_repeat (request), on_created,
                               elves_cron_errand_new (self, request));
}

/* ---- startCron, stopCron, deleteCron -------------------------------------------------------- */

static void
on_started (ElvesCronEntry *entry, const GError *error, gpointer user_data)
{
  ElvesCronErrand *errand = user_data;
  if (entry != NULL && errand->desk == NULL)
    elves_cron_entry_free (entry);
  else if (entry != NULL && !elves_cron_engine_add (errand->desk->parts.engine, entry))
    g_warning ("a timed task waits for a restart: more than cron.maxSchedules are started id=%s",
               errand->id);
  if (elves_cron_errand_check (errand, error))
    elves_cron_errand_reply_flag (errand);
}

static void
on_start (ElvesRequest *request, gpointer user_data)
{
  ElvesCronDesk *self = user_data;
  g_autofree char *id = elves_cron_desk_read_id (self, request);
  ElvesCronErrand *errand;
  if (id == NULL)
    return;
  if (elves_cron_engine_size (self->parts.engine) >= self->parts.config->max_schedules)
    {
      elves_component_refuse (self->component, request, TEXT_BUSY,
                              "more than cron.maxSchedules timed tasks are started");
      return;
    }
  errand = elves_cron_errand_new (self, request);
  errand->id = g_strdup (id);
  elves_cron_schedules_start (self->parts.ledger, id, on_started, errand);
}

static void
on_stopped (const GError *error, gpointer user_data)
{
  ElvesCronErrand *errand = user_data;
  guint64 id;
  if (!elves_cron_errand_check (errand, error))
    return;
  elves_cron_id_parse (errand->id, &id);
  elves_cron_engine_remove (errand->desk->parts.engine, id);
  elves_cron_errand_reply_flag (errand);
}

static void
stop_or_delete (ElvesCronDesk *self,
                ElvesRequest *request,
                void (*act) (ElvesCronLedger *, const char *, ElvesCronDoneFunc, gpointer))
{
  g_autofree char *id = elves_cron_desk_read_id (self, request);
  ElvesCronErrand *errand;
  if (id == NULL)
    return;
  errand = elves_cron_errand_new (self, request);
  errand->id = g_strdup (id);
  act (self->parts.ledger, id, on_stopped, errand);
}

static void
on_stop (ElvesRequest *request, gpointer user_data)
{
  stop_or_delete (user_data, request, elves_cron_schedules_stop);
}

static void
on_delete (ElvesRequest *request, gpointer user_data)
{
  stop_or_delete (user_data, request, elves_cron_schedules_delete);
}

/* ---- cronResult ----------------------------------------------------------------------------- */

static ElvesCronOutcome *
outcome_new (const ElvesComponentResult *result)
{
  ElvesCronOutcome *outcome = g_new0 (ElvesCronOutcome, 1);
  outcome->id = g_ascii_strup (result->id, -1);
  elves_cron_key_rest_parse (result->rand_id, &outcome->planned_us);
  outcome->ended_us = g_get_real_time ();
  outcome->flag = result->delivered;
  outcome->error = g_strdup (result->error);
  outcome->message = g_strdup (result->worker_message);
  outcome->worker_flag = result->worker_flag;
  outcome->cost_ms = result->worker_cost_ms;
  return outcome;
}

static void
on_result_kept (const GError *error, gpointer user_data)
{
  ElvesCronErrand *errand = user_data;
  ElvesCronDesk *self = errand->desk;
  if (self != NULL && !g_error_matches (error, ELVES_ERROR, ELVES_ERROR_REFUSED))
    elves_component_done (self->component, g_steal_pointer (&errand->request));
  if (self != NULL && error != NULL)
    g_warning ("a result is not recorded: %s", error->message);
  errand_free (errand);
}

static void
on_result (ElvesRequest *request, gpointer user_data)
{
  ElvesCronDesk *self = user_data;
  g_auto (ElvesComponentResult) result = { 0 };
  g_autoptr (GError) error = NULL;
  if (!elves_request_read_result (request, &result, &error))
    {
      g_message ("a result was dropped: %s", error->message);
      elves_cron_metrics.results_unknown++;
      elves_component_done (self->component, request);
      return;
    }
  elves_cron_outbox_end (self->parts.outbox, outcome_new (&result), on_result_kept,
                         elves_cron_errand_new (self, request));
}

/* ---- from start to end ---------------------------------------------------------------------- */

const ElvesComponentAction elves_cron_actions[] = {
  { "createCron", on_create },
  { "startCron", on_start },
  { "stopCron", on_stop },
  { "deleteCron", on_delete },
  { "delCron", on_delete }, /* of the flat form */
  { "cronList", elves_cron_desk_list },
  { "cronDetail", elves_cron_desk_detail },
  { "cronResult", on_result },
  { "cronHistory", elves_cron_desk_history },
  { "cronAudit", elves_cron_desk_audit },
  { NULL, NULL },
};

ElvesCronDesk *
elves_cron_desk_new (const ElvesCronDeskParts *parts)
{
  ElvesCronDesk *self = g_new0 (ElvesCronDesk, 1);
  self->parts = *parts;
  return self;
}

void
elves_cron_desk_set_component (ElvesCronDesk *self, ElvesComponent *component)
{
  self->component = component;
}

void
elves_cron_desk_set_outbox (ElvesCronDesk *self, ElvesCronOutbox *outbox)
{
  self->parts.outbox = outbox;
}

/**
 * elves_cron_desk_free:
 * @self: (nullable)
 */
void
elves_cron_desk_free (ElvesCronDesk *self)
{
  GList *place;
  if (self == NULL)
    return;
  while ((place = g_queue_pop_head_link (&self->errands)) != NULL)
    ((ElvesCronErrand *) place->data)->desk = NULL;
  g_free (self);
}
