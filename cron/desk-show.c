/* cronList and cronDetail. */
#include "cron/desk-private.h"

#include "common/json-writer.h"
#include "cron/schedules.h"
#include "cron/text.h"

enum
{
  LIST_MAX = 10000
};

#define TEXT_TYPE "[500]Request Params Of Wrong Type"

/* ---- cronList ------------------------------------------------------------------------------- */

static void
on_listed (const GPtrArray *ids, gboolean more, const GError *error, gpointer user_data)
{
  ElvesCronErrand *errand = user_data;
  GString *body;
  if (!elves_cron_errand_check (errand, error))
    return;
  body = elves_cron_desk_open_body ();
  elves_json_open_array (body, "result");
  for (guint i = 0; i < ids->len; i++)
    elves_json_add_text (body, NULL, ids->pdata[i]);
  elves_json_close_array (body);
  elves_json_add_text (body, "more", more ? "true" : "false");
  elves_json_close (body);
  elves_cron_errand_reply (errand, body);
}

void
elves_cron_desk_list (ElvesRequest *request, gpointer user_data)
{
  ElvesCronDesk *self = user_data;
  g_autofree char *ip = NULL, *after = NULL;
  g_autoptr (GError) error = NULL;
  gint64 limit = LIST_MAX;
  if (!elves_request_text (request, "ip", &ip, &error) ||
      !elves_request_text (request, "after", &after, &error) ||
      !elves_request_number (request, "limit", FALSE, 1, LIST_MAX, LIST_MAX, &limit, &error))
    {
      elves_component_refuse (self->component, request, TEXT_TYPE, error->message);
      return;
    }
  elves_cron_schedules_list (self->parts.ledger, ip, after, (guint) limit, on_listed,
                             elves_cron_errand_new (self, request));
}

/* ---- cronDetail ----------------------------------------------------------------------------- */

static void
add_time (GString *body, const char *name, gint64 time_us)
{
  g_autofree char *text = elves_cron_time_to_text (time_us);
  elves_json_add_text (body, name, text);
}

static void
add_local_time (GString *body, const char *name, gint64 time_us)
{
  g_autofree char *text = elves_cron_time_to_local_text (time_us);
  elves_json_add_text (body, name, text);
}

static void
add_last_result (GString *body, const ElvesCronCard *card)
{
  elves_json_open (body, "last_exec_result");
  if (card->last_us != 0)
    {
      elves_json_add_text (body, "flag", card->last_flag ? "true" : "false");
      elves_json_add_text (body, "error", card->last_error);
      elves_json_open (body, "result");
      elves_json_add_number (body, "worker_flag", card->last_worker_flag);
      elves_json_add_text (body, "worker_message", card->last_message);
      elves_json_add_number (body, "worker_costtime", card->last_cost_ms);
      elves_json_close (body);
    }
  elves_json_close (body);
}

/* As the interface has them. */
static void
add_members (GString *body, const ElvesCronCard *card)
{
  const ElvesCronPlan *plan = card->plan;
  elves_json_add_text (body, "ip", plan->ip);
  elves_json_add_text (body, "app", plan->app);
  elves_json_add_text (body, "func", plan->func);
  elves_json_add_text (body, "param", plan->param);
  elves_json_add_text (body, "mode", plan->mode);
  elves_json_add_text (body, "proxy", plan->proxy);
  elves_json_add_number (body, "timeout", plan->timeout_s);
  elves_json_add_text (body, "rule", plan->rule);
  elves_json_add_number (body, "cron_flag", plan->state == ELVES_CRON_STARTED ? 1 : 0);
  add_local_time (body, "create_time", plan->created_us);
  add_local_time (body, "last_exec_time", card->last_us);
  add_last_result (body, card);
}

static void
add_every (GString *body, gint64 every_us)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];
  if (every_us != 0)
    g_ascii_dtostr (text, sizeof text, (double) every_us / G_USEC_PER_SEC);
  elves_json_add_text (body, "every", every_us != 0 ? text : "");
}

/* Ours. */
static void
add_more (GString *body, const ElvesCronPlan *plan, gint64 next_us)
{
  elves_json_add_text (body, "id", plan->id);
  elves_json_add_text (body, "name", plan->name);
  elves_json_add_text (body, "dialect", elves_schedule_dialect_name (plan->dialect));
  elves_json_add_text (body, "tz", plan->tz);
  elves_json_add_text (body, "gap", elves_schedule_gap_name (plan->gap));
  elves_json_add_text (body, "fold", elves_schedule_fold_name (plan->fold));
  add_every (body, plan->every_us);
  add_time (body, "at", plan->at_us);
  add_time (body, "start", plan->start_us);
  add_time (body, "end", plan->end_us);
  elves_json_add_number (body, "count", plan->count);
  elves_json_add_number (body, "fired", plan->fired);
  elves_json_add_text (body, "overlap", elves_cron_overlap_name (plan->overlap));
  elves_json_add_text (body, "missed", elves_cron_missed_name (plan->missed));
  elves_json_add_number (body, "missed_cap", plan->missed_cap);
  elves_json_add_text (body, "action", elves_cron_action_name (plan->action));
  elves_json_add_text (body, "url", plan->action == ELVES_CRON_HTTP ? plan->target : "");
  elves_json_add_text (body, "method", plan->method);
  elves_json_add_text (body, "topic", plan->action == ELVES_CRON_MESSAGE ? plan->target : "");
  elves_json_add_text (body, "state", elves_cron_state_name (plan->state));
  add_time (body, "next", next_us);
}

/* The interface's two readings at once: flat, and wrapped in "result". */
static void
on_shown (const ElvesCronCard *card, const GError *error, gpointer user_data)
{
  ElvesCronErrand *errand = user_data;
  GString *body;
  gint64 next_us;
  guint64 id = 0;
  if (!elves_cron_errand_check (errand, error))
    return;
  elves_cron_id_parse (card->plan->id, &id);
  next_us = elves_cron_engine_next_us (errand->desk->parts.engine, id);
  body = elves_cron_desk_open_body ();
  add_members (body, card);
  add_more (body, card->plan, next_us);
  elves_json_open (body, "result");
  add_members (body, card);
  add_more (body, card->plan, next_us);
  elves_json_close (body);
  elves_json_close (body);
  elves_cron_errand_reply (errand, body);
}

void
elves_cron_desk_detail (ElvesRequest *request, gpointer user_data)
{
  ElvesCronDesk *self = user_data;
  g_autofree char *id = elves_cron_desk_read_id (self, request);
  if (id != NULL)
    elves_cron_schedules_show (self->parts.ledger, id, on_shown,
                               elves_cron_errand_new (self, request));
}
