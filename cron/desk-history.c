/* cronHistory and cronAudit. */
#include "cron/desk-private.h"

#include "common/json-writer.h"
#include "cron/audit.h"
#include "cron/firings.h"
#include "cron/history.h"
#include "cron/life.h"
#include "cron/text.h"

#include <string.h>

enum
{
  PAGE_DEFAULT = 50,
  PAGE_MAX = 1000,
  SIZE_DEFAULT = 10, /* of pages by number */
  PAGES_MAX = 1000000000,
  AUDIT_DELAY_S = 10 /* what was planned since may still be on its way */
};

static void
add_time (GString *body, const char *name, gint64 time_us)
{
  g_autofree char *text = elves_cron_time_to_text (time_us);
  elves_json_add_text (body, name, text);
}

/* FALSE: it is no time, and the request was refused. */
static gboolean
read_time (ElvesCronDesk *self,
           ElvesRequest *request,
           const char *name,
           gint64 fallback_us,
           gint64 *out_us)
{
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *why = g_strdup_printf ("%s: expected a time such as 2026-03-29T01:00:00Z", name);
  *out_us = fallback_us;
  if (elves_request_text (request, name, &text, &error) &&
      (*text == '\0' || elves_cron_text_to_time (text, out_us)))
    return TRUE;
  elves_component_refuse (self->component, request, TEXT_TYPE, why);
  return FALSE;
}

/* ---- cronHistory ---------------------------------------------------------------------------- */

static void
add_execution (GString *body, const char *id, const ElvesCronExecution *execution)
{
  gboolean has_ended = execution->life == ELVES_CRON_ENDED;
  gboolean ok = execution->flag && execution->worker_flag == 1;
  g_autofree char *key = elves_cron_key (id, execution->planned_us);
  g_autofree char *attempts =
      g_strdup_printf ("[%s]", execution->attempts != NULL ? execution->attempts : "");
  elves_json_open (body, NULL);
  add_time (body, "planned", execution->planned_us);
  add_time (body, "until", execution->until_us);
  elves_json_add_text (body, "state", elves_cron_life_name (execution->life));
  add_time (body, "decided", execution->decided_us);
  add_time (body, "sent", execution->sent_us);
  add_time (body, "ended", execution->ended_us);
  elves_json_add_text (body, "flag", !has_ended ? "" : execution->flag ? "true" : "false");
  elves_json_add_text (body, "error", execution->error);
  elves_json_add_number (body, "worker_flag", execution->worker_flag);
  elves_json_add_text (body, "worker_message", execution->message);
  elves_json_add_number (body, "worker_costtime", execution->cost_ms);
  elves_json_add_text (body, "key", key);
  elves_json_add_text (body, "token", execution->token != NULL ? execution->token : "");
  elves_json_add_text (body, "status",
                       elves_cron_status_name (execution->life, ok, execution->reason));
  elves_json_add_text (body, "reason", execution->reason != NULL ? execution->reason : "");
  elves_json_add_number (body, "http_status", execution->http_status);
  elves_json_add_json (body, "attempts", attempts, strlen (attempts));
  elves_json_close (body);
}

static void
on_page (const GPtrArray *executions,
         gboolean more,
         gint64 total,
         const GError *error,
         gpointer user_data)
{
  ElvesCronErrand *errand = user_data;
  const ElvesCronExecution *last;
  GString *body;
  if (!elves_cron_errand_check (errand, error))
    return;
  body = elves_cron_desk_open_body ();
  if (errand->limit != 0)
    elves_json_add_number (body, "total", total);
  elves_json_open_array (body, "result");
  for (guint i = 0; i < executions->len; i++)
    add_execution (body, errand->id, executions->pdata[i]);
  elves_json_close_array (body);
  last = executions->len > 0 ? executions->pdata[executions->len - 1] : NULL;
  add_time (body, "next", more && last != NULL ? last->planned_us : 0);
  elves_json_close (body);
  elves_cron_errand_reply (errand, body);
}

/* Either before an instant, or by the number of the page. */
static gboolean
read_page (ElvesCronDesk *self, ElvesRequest *request, ElvesCronPageOptions *options)
{
  g_autoptr (GError) error = NULL;
  gint64 limit = PAGE_DEFAULT, page = 0, size = 0;
  if (!elves_request_number (request, "limit", FALSE, 1, PAGE_MAX, PAGE_DEFAULT, &limit, &error) ||
      !elves_request_number (request, "page", FALSE, 1, PAGES_MAX, 0, &page, &error) ||
      !elves_request_number (request, "size", FALSE, 1, PAGE_MAX, 0, &size, &error))
    {
      elves_component_refuse (self->component, request, TEXT_TYPE, error->message);
      return FALSE;
    }
  if (page == 0 && size != 0)
    page = 1;
  options->page = (guint) page;
  options->limit = page == 0 ? (guint) limit : size != 0 ? (guint) size : SIZE_DEFAULT;
  return read_time (self, request, "before", G_MAXINT64, &options->before_us) &&
         read_time (self, request, "begin", 0, &options->begin_us) &&
         read_time (self, request, "end", G_MAXINT64, &options->end_us);
}

void
elves_cron_desk_history (ElvesRequest *request, gpointer user_data)
{
  ElvesCronDesk *self = user_data;
  g_autofree char *id = NULL, *owner = NULL;
  ElvesCronPageOptions options = { 0 };
  ElvesCronErrand *errand;
  if (!elves_cron_desk_read_task (self, request, &id, &owner) ||
      !read_page (self, request, &options))
    return;
  options.id = id;
  options.owner = owner;
  errand = elves_cron_errand_new (self, request);
  errand->id = g_strdup (id);
  errand->limit = options.page;
  elves_cron_history_page (self->parts.ledger, &options, on_page, errand);
}

/* ---- cronAudit ------------------------------------------------------------------------------ */

static void
add_finding (GString *body, const ElvesCronFinding *finding)
{
  char id[ELVES_CRON_ID_SIZE];
  elves_cron_id_write (finding->id, id);
  elves_json_open (body, NULL);
  elves_json_add_text (body, "id", id);
  add_time (body, "planned", finding->planned_us);
  elves_json_add_text (body, "kind", finding->kind);
  elves_json_add_number (body, "by_us", finding->by_us);
  elves_json_close (body);
}

static void
add_report (GString *body, const ElvesCronReport *report)
{
  elves_json_open (body, "result");
  add_time (body, "from", report->from_us);
  add_time (body, "to", report->to_us);
  elves_json_add_number (body, "schedules", (gint64) report->schedules);
  elves_json_add_number (body, "expected", (gint64) report->expected);
  elves_json_add_number (body, "fired", (gint64) report->fired);
  elves_json_add_number (body, "late", (gint64) report->late);
  elves_json_add_number (body, "overlapped", (gint64) report->overlapped);
  elves_json_add_number (body, "missed", (gint64) report->missed);
  elves_json_add_number (body, "paused", (gint64) report->paused);
  elves_json_add_number (body, "unsent", (gint64) report->unsent);
  elves_json_add_number (body, "pending", (gint64) report->pending);
  elves_json_add_number (body, "unplanned", (gint64) report->unplanned);
  elves_json_add_number (body, "lost", (gint64) report->lost);
  elves_json_add_number (body, "doubled", (gint64) report->doubled);
  elves_json_add_text (body, "complete", report->complete ? "true" : "false");
  elves_json_add_text (body, "next", report->next);
  elves_json_open_array (body, "findings");
  for (guint i = 0; i < report->findings->len; i++)
    add_finding (body, &g_array_index (report->findings, ElvesCronFinding, i));
  elves_json_close_array (body);
  elves_json_close (body);
}

static void
on_audited (const ElvesCronReport *report, const GError *error, gpointer user_data)
{
  ElvesCronErrand *errand = user_data;
  GString *body;
  if (!elves_cron_errand_check (errand, error))
    return;
  body = elves_cron_desk_open_body ();
  add_report (body, report);
  elves_json_close (body);
  elves_cron_errand_reply (errand, body);
}

void
elves_cron_desk_audit (ElvesRequest *request, gpointer user_data)
{
  ElvesCronDesk *self = user_data;
  gint64 now_us = g_get_real_time ();
  g_autofree char *id = NULL, *after = NULL;
  char hex[ELVES_CRON_ID_SIZE];
  guint64 number;
  ElvesCronAuditOptions options = {
    .late_after_us = (gint64) self->parts.config->late_after_ms * 1000,
    .kept_from_us = now_us - self->parts.config->history_age_s * (gint64) G_USEC_PER_SEC,
  };
  if (!read_time (self, request, "from", 0, &options.from_us) ||
      !read_time (self, request, "to", now_us - AUDIT_DELAY_S * (gint64) G_USEC_PER_SEC,
                  &options.to_us))
    return;
  if (!elves_request_text (request, "id", &id, NULL) ||
      !elves_request_text (request, "after", &after, NULL))
    {
      elves_component_refuse (self->component, request, TEXT_TYPE, "id, after: expected texts");
      return;
    }
  if (elves_cron_id_parse (id, &number))
    {
      elves_cron_id_write (number, hex);
      options.id = hex;
    }
  else
    options.id = id;
  options.after = after;
  elves_cron_audit (self->parts.ledger, &options, on_audited,
                    elves_cron_errand_new (self, request));
}
