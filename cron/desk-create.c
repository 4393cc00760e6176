/* createCron and replaceCron. */
#include "cron/desk-private.h"

#include "common/json-writer.h"
#include "cron/plan-request.h"
#include "cron/schedules.h"

static void
reply_card (ElvesCronErrand *errand, const ElvesCronCard *card, gboolean existed)
{
  GString *body = elves_cron_desk_open_body ();
  guint64 id = 0;
  g_autofree char *key = NULL;
  elves_cron_id_parse (card->plan->id, &id);
  key = elves_cron_id_spell (id, card->plan->spelling);
  elves_json_add_text (body, "id", card->plan->id);
  elves_json_add_text (body, "key", key);
  elves_json_add_text (body, "existed", existed ? "true" : "false");
  elves_json_open (body, "result");
  elves_cron_desk_add_card (errand->desk, body, card);
  elves_json_close (body);
  elves_json_close (body);
  elves_cron_errand_reply (errand, body);
}

/* NULL: it was refused. */
static ElvesCronPlan *
read_plan (ElvesCronDesk *self, ElvesRequest *request, gboolean replaces)
{
  g_autoptr (GError) error = NULL;
  const char *text = NULL;
  ElvesCronPlan *plan =
      elves_cron_plan_from_request (self->parts.config, request, replaces, &text, &error);
  if (plan == NULL)
    elves_component_refuse (self->component, request, text, error->message);
  return plan;
}

static gboolean
has_room (ElvesCronDesk *self, ElvesRequest *request)
{
  if (elves_cron_engine_size (self->parts.engine) < self->parts.config->max_schedules)
    return TRUE;
  elves_component_refuse (self->component, request, TEXT_BUSY,
                          "more than cron.maxSchedules timed tasks are started");
  return FALSE;
}

/* ---- createCron ----------------------------------------------------------------------------- */

static void
on_created (const ElvesCronCard *card,
            gboolean existed,
            ElvesCronEntry *entry,
            const GError *error,
            gpointer user_data)
{
  ElvesCronErrand *errand = user_data;
  if (errand->desk == NULL)
    elves_cron_entry_free (entry);
  else
    elves_cron_desk_hold (errand->desk, entry);
  if (elves_cron_errand_check (errand, error))
    reply_card (errand, card, existed);
}

void
elves_cron_desk_create (ElvesRequest *request, gpointer user_data)
{
  ElvesCronDesk *self = user_data;
  ElvesCronPlan *plan = has_room (self, request) ? read_plan (self, request, FALSE) : NULL;
  if (plan != NULL)
    elves_cron_schedules_create (self->parts.ledger, plan, elves_request_fingerprint (request),
                                 elves_request_may_repeat (request), on_created,
                                 elves_cron_errand_new (self, request));
}

/* ---- replaceCron ---------------------------------------------------------------------------- */

/* An execution that runs goes on holding up its task. */
static void
keep_running (ElvesCronEntry *entry, const ElvesCronEntry *held)
{
  if (entry == NULL || held == NULL || entry->overlap == ELVES_CRON_OVERLAP_ALLOW)
    return;
  entry->running_us = held->running_us;
  entry->running_until_s = held->running_until_s;
}

static void
on_replaced (const ElvesCronCard *card,
             ElvesCronEntry *entry,
             const GError *error,
             gpointer user_data)
{
  ElvesCronErrand *errand = user_data;
  if (errand->desk == NULL)
    elves_cron_entry_free (entry);
  else if (error != NULL)
    elves_cron_desk_hold (errand->desk, g_steal_pointer (&errand->held));
  else
    {
      keep_running (entry, errand->held);
      elves_cron_desk_hold (errand->desk, entry);
    }
  if (elves_cron_errand_check (errand, error))
    reply_card (errand, card, FALSE);
}

static gboolean
says_started (ElvesRequest *request)
{
  ElvesJsonKind kind = elves_request_get (request, "started").kind;
  return kind != ELVES_JSON_ABSENT && kind != ELVES_JSON_NULL;
}

/* Until the store has answered nothing is decided by the old rule. */
void
elves_cron_desk_replace (ElvesRequest *request, gpointer user_data)
{
  ElvesCronDesk *self = user_data;
  g_autofree char *id = NULL, *owner = NULL;
  ElvesCronErrand *errand;
  ElvesCronPlan *plan;
  guint64 number = 0;
  if (!elves_cron_desk_read_task (self, request, &id, &owner))
    return;
  plan = read_plan (self, request, TRUE);
  if (plan == NULL)
    return;
  g_free (plan->id);
  plan->id = g_strdup (id);
  elves_cron_id_parse (id, &number);
  errand = elves_cron_errand_new (self, request);
  errand->held = elves_cron_engine_steal (self->parts.engine, number);
  elves_cron_schedules_replace (self->parts.ledger, plan, !says_started (request), on_replaced,
                                errand);
}
