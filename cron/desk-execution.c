/* fireCron and reportCron: an execution besides the plan; how one has ended. */
#include "cron/desk-private.h"

#include "common/error.h"
#include "common/json-writer.h"
#include "cron/reports.h"

#define TEXT_NO_EXECUTION "[411.2]Not Find Execution To Report"
#define TEXT_STATUS "[403.8]Request Params (status) Illegal"

/* ---- fireCron ------------------------------------------------------------------------------- */

static void
add_shot (GString *body, const ElvesCronShot *shot)
{
  g_autofree char *execution = elves_cron_key (shot->plan->id, shot->planned_us);
  g_autofree char *key = elves_cron_id_spell (shot->id, shot->plan->spelling);
  elves_json_add_text (body, "key", key);
  elves_json_add_text (body, "execution", execution);
  elves_json_add_text (body, "token", shot->token != NULL ? shot->token : "");
}

/* Without a shot the request was here before. */
static void
on_fired (GPtrArray *shots, const GError *error, gpointer user_data)
{
  ElvesCronErrand *errand = user_data;
  GString *body;
  if (!elves_cron_errand_check (errand, error))
    return;
  body = elves_cron_desk_open_body ();
  elves_json_open (body, "result");
  if (shots->len > 0)
    add_shot (body, shots->pdata[0]);
  elves_json_close (body);
  elves_json_close (body);
  elves_cron_outbox_send (errand->desk->parts.outbox, shots);
  elves_cron_errand_reply (errand, body);
}

void
elves_cron_desk_fire (ElvesRequest *request, gpointer user_data)
{
  ElvesCronDesk *self = user_data;
  g_autofree char *id = NULL, *owner = NULL;
  if (!elves_cron_desk_read_task (self, request, &id, &owner))
    return;
  if (elves_cron_outbox_load (self->parts.outbox) >= self->parts.config->max_outstanding)
    elves_component_refuse (self->component, request, TEXT_BUSY,
                            "as much as cron.maxOutstanding is on its way");
  else
    elves_cron_firings_fire (self->parts.ledger, id, owner, elves_request_fingerprint (request),
                             on_fired, elves_cron_errand_new (self, request));
}

/* ---- reportCron ----------------------------------------------------------------------------- */

static void
reply_report (ElvesCronErrand *errand, const ElvesCronReported *reported)
{
  GString *body = elves_cron_desk_open_body ();
  g_autofree char *key = elves_cron_id_spell (reported->id, reported->spelling);
  elves_json_open (body, "result");
  elves_json_add_text (body, "key", key);
  elves_json_add_text (body, "status", reported->status);
  elves_json_add_text (body, "already", reported->already ? "true" : "false");
  elves_json_close (body);
  elves_json_close (body);
  elves_cron_errand_reply (errand, body);
}

static void
on_reported (const ElvesCronReported *reported, const GError *error, gpointer user_data)
{
  ElvesCronErrand *errand = user_data;
  ElvesCronDesk *self = errand->desk;
  if (self != NULL && reported != NULL && !reported->already)
    elves_cron_engine_ended (self->parts.engine, reported->id, reported->planned_us);
  if (self != NULL && g_error_matches (error, ELVES_ERROR, ELVES_ERROR_NOT_FOUND))
    elves_cron_errand_refuse (errand, TEXT_NO_EXECUTION, error->message);
  else if (elves_cron_errand_check (errand, error))
    reply_report (errand, reported);
}

void
elves_cron_desk_report (ElvesRequest *request, gpointer user_data)
{
  ElvesCronDesk *self = user_data;
  g_autofree char *message = elves_json_value_to_text (elves_request_get (request, "message"));
  g_autofree char *token = NULL, *owner = NULL, *status = NULL;
  g_autoptr (GError) error = NULL;
  gboolean ok;
  if (!elves_request_text (request, "token", &token, &error) ||
      !elves_request_text (request, "owner", &owner, &error) ||
      !elves_request_text (request, "status", &status, &error))
    {
      elves_component_refuse (self->component, request, TEXT_TYPE, error->message);
      return;
    }
  ok = g_ascii_strcasecmp (status, "SUCCESS") == 0;
  if (!ok && g_ascii_strcasecmp (status, "FAILED") != 0)
    elves_component_refuse (self->component, request, TEXT_STATUS,
                            "status: expected SUCCESS or FAILED");
  else if (!elves_cron_token_check (token))
    elves_component_refuse (self->component, request, TEXT_NO_EXECUTION,
                            "token: no execution has it");
  else
    elves_cron_reports_take (self->parts.ledger, token, owner, ok, message, on_reported,
                             elves_cron_errand_new (self, request));
}
