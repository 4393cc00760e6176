/* A timed task in an answer: what the interface shows of it, what we do, and what its owner wants
 * to know. */
#include "cron/desk-private.h"

#include "common/json-writer.h"
#include "cron/text.h"

#include <string.h>

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

static gint64
next_of (ElvesCronDesk *self, const ElvesCronCard *card)
{
  guint64 id = 0;
  elves_cron_id_parse (card->plan->id, &id);
  return elves_cron_engine_next_us (self->parts.engine, id);
}

static void
add_flag (GString *body, const char *name, gboolean flag)
{
  elves_json_add_text (body, name, flag ? "true" : "false");
}

/* Texts of JSON, checked when they came in. */
static void
add_json (GString *body, const char *name, const char *json, const char *fallback)
{
  const char *text = *json != '\0' ? json : fallback;
  elves_json_add_json (body, name, text, strlen (text));
}

static void
add_urls (GString *body, const ElvesCronPlan *plan)
{
  if (*plan->targets != '\0')
    {
      add_json (body, "urls", plan->targets, "[]");
      return;
    }
  elves_json_open_array (body, "urls");
  if (plan->action == ELVES_CRON_HTTP)
    elves_json_add_text (body, NULL, plan->target);
  elves_json_close_array (body);
}

static void
add_owned (GString *body, const ElvesCronCard *card)
{
  const ElvesCronPlan *plan = card->plan;
  guint64 id = 0;
  g_autofree char *key = NULL;
  elves_cron_id_parse (plan->id, &id);
  key = elves_cron_id_spell (id, plan->spelling);
  elves_json_add_text (body, "key", key);
  elves_json_add_text (body, "owner", plan->owner);
  elves_json_add_text (body, "extra", plan->extra);
  elves_json_add_text (body, "unique", plan->unique_key);
  elves_json_add_text (body, "spelling", elves_cron_spelling_name (plan->spelling));
  elves_json_add_text (body, "exchange", plan->exchange);
  add_urls (body, plan);
  add_json (body, "headers", plan->headers, "{}");
  elves_json_add_text (body, "content_type", plan->content_type);
  elves_json_add_number (body, "retries", plan->retries);
  add_json (body, "retry_delays", plan->retry_delays, "[]");
  elves_json_add_text (body, "token_param", plan->token_param);
  add_flag (body, "report", plan->report_timeout_s != 0);
  elves_json_add_number (body, "report_timeout", plan->report_timeout_s);
  add_flag (body, "spawn", plan->spawn);
  elves_json_add_text (body, "spawned_by", plan->spawned_by);
  add_time (body, "created", plan->created_us);
  add_flag (body, "deleted", plan->deleted_us != 0);
  add_flag (body, "is_expired", elves_cron_card_is_expired (card, g_get_real_time ()));
  add_flag (body, "is_max_reached", elves_cron_card_is_max_reached (card));
}

void
elves_cron_desk_add_detail (ElvesCronDesk *self, GString *body, const ElvesCronCard *card)
{
  add_members (body, card);
  add_more (body, card->plan, next_of (self, card));
}

void
elves_cron_desk_add_card (ElvesCronDesk *self, GString *body, const ElvesCronCard *card)
{
  elves_cron_desk_add_detail (self, body, card);
  add_owned (body, card);
}
