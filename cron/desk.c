/* startCron, stopCron, cronResult; and what all errands share.
 *
 * A request is an errand to the store; when the store has said what came of it, what is in memory
 * follows, and the answer goes out. The store's order is the order of the requests, so memory and
 * store agree. */
#include "cron/desk-private.h"

#include "common/error.h"
#include "common/json-writer.h"
#include "common/log.h"
#include "cron/metrics.h"
#include "cron/schedules.h"

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
  elves_cron_entry_free (self->held);
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
elves_cron_errand_refuse (ElvesCronErrand *self, const char *text, const char *detail)
{
  elves_component_refuse (self->desk->component, g_steal_pointer (&self->request), text, detail);
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

char *
elves_cron_desk_read_text (ElvesCronDesk *self, ElvesRequest *request, const char *name)
{
  g_autoptr (GError) error = NULL;
  char *text = NULL;
  if (elves_request_text (request, name, &text, &error))
    return text;
  elves_component_refuse (self->component, request, TEXT_TYPE, error->message);
  return NULL;
}

/* An id that is none of ours belongs to no task. */
gboolean
elves_cron_desk_read_task (ElvesCronDesk *self,
                           ElvesRequest *request,
                           char **out_id,
                           char **out_owner)
{
  g_autofree char *text = elves_cron_desk_read_text (self, request, "id");
  g_autofree char *owner = text != NULL ? elves_cron_desk_read_text (self, request, "owner") : NULL;
  char id[ELVES_CRON_ID_SIZE];
  guint64 number;
  if (owner == NULL)
    return FALSE;
  if (!elves_cron_id_parse (text, &number))
    {
      elves_component_refuse (self->component, request, TEXT_NOT_FOUND,
                              "id: expected 16 hex digits, or 20 decimal, or 24 hex digits");
      return FALSE;
    }
  elves_cron_id_write (number, id);
  *out_id = g_strdup (id);
  *out_owner = g_steal_pointer (&owner);
  return TRUE;
}

GPtrArray *
elves_cron_desk_read_ids (ElvesRequest *request)
{
  GPtrArray *ids = g_ptr_array_new_with_free_func (g_free);
  ElvesJsonValue all = elves_request_get (request, "ids"), element;
  char id[ELVES_CRON_ID_SIZE];
  gsize position = 0;
  guint64 number;
  while (all.kind == ELVES_JSON_ARRAY && elves_json_array_next (all, &position, &element))
    {
      g_autofree char *text = elves_json_value_to_text (element);
      if (!elves_cron_id_parse (g_strstrip (text), &number))
        continue;
      elves_cron_id_write (number, id);
      g_ptr_array_add (ids, g_strdup (id));
    }
  return ids;
}

void
elves_cron_desk_hold (ElvesCronDesk *self, ElvesCronEntry *entry)
{
  guint64 id = entry != NULL ? entry->id : 0;
  if (entry != NULL && !elves_cron_engine_add (self->parts.engine, entry))
    g_warning ("a timed task waits for a restart: more than cron.maxSchedules are started "
               "id=%016" G_GINT64_MODIFIER "X",
               id);
}

/* ---- startCron, stopCron -------------------------------------------------------------------- */

static void
on_started (ElvesCronEntry *entry, const GError *error, gpointer user_data)
{
  ElvesCronErrand *errand = user_data;
  if (errand->desk == NULL)
    elves_cron_entry_free (entry);
  else
    elves_cron_desk_hold (errand->desk, entry);
  if (elves_cron_errand_check (errand, error))
    elves_cron_errand_reply_flag (errand);
}

static void
on_start (ElvesRequest *request, gpointer user_data)
{
  ElvesCronDesk *self = user_data;
  g_autofree char *id = NULL, *owner = NULL;
  ElvesCronErrand *errand;
  if (!elves_cron_desk_read_task (self, request, &id, &owner))
    return;
  if (elves_cron_engine_size (self->parts.engine) >= self->parts.config->max_schedules)
    {
      elves_component_refuse (self->component, request, TEXT_BUSY,
                              "more than cron.maxSchedules timed tasks are started");
      return;
    }
  errand = elves_cron_errand_new (self, request);
  errand->id = g_strdup (id);
  elves_cron_schedules_start (self->parts.ledger, id, owner, on_started, errand);
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
on_stop (ElvesRequest *request, gpointer user_data)
{
  ElvesCronDesk *self = user_data;
  g_autofree char *id = NULL, *owner = NULL;
  ElvesCronErrand *errand;
  if (!elves_cron_desk_read_task (self, request, &id, &owner))
    return;
  errand = elves_cron_errand_new (self, request);
  errand->id = g_strdup (id);
  elves_cron_schedules_stop (self->parts.ledger, id, owner, on_stopped, errand);
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
  { "createCron", elves_cron_desk_create },
  { "replaceCron", elves_cron_desk_replace },
  { "startCron", on_start },
  { "stopCron", on_stop },
  { "deleteCron", elves_cron_desk_delete },
  { "delCron", elves_cron_desk_delete }, /* of the flat form */
  { "fireCron", elves_cron_desk_fire },
  { "reportCron", elves_cron_desk_report },
  { "findCron", elves_cron_desk_find },
  { "cronList", elves_cron_desk_list },
  { "cronDetail", elves_cron_desk_detail },
  { "cronResult", on_result },
  { "cronHistory", elves_cron_desk_history },
  { "cronStat", elves_cron_desk_stat },
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
