/* Members that elves-cron does not know are in "extra", as they are shown again: the callback as it
 * was asked for, the times, the flags. The parameters of a callback that has a body are that body,
 * and not kept twice. */
#include "openapi/romens-order.h"

#include "common/error.h"
#include "common/json-writer.h"
#include "common/schedule.h"
#include "openapi/romens-callback.h"

#include <string.h>

enum
{
  NAME_LIMIT_BYTES = 255,
  EXTRA_LIMIT_BYTES = 65536
};

static const ElvesRomensName task_name = { "taskName", "name", NULL };
static const ElvesRomensName count_name = { "repeatTimes", "count", NULL };
static const ElvesRomensName rule_name = { "cronJobValue", "cronJob", NULL };
static const ElvesRomensName time_name = { "timeValue", "time", NULL };
static const ElvesRomensName start_name = { "startAt", NULL, NULL };
static const ElvesRomensName stop_name = { "stopAt", NULL, NULL };
static const ElvesRomensName overlap_name = { "isMultipleEntry", NULL, NULL };

typedef struct
{
  ElvesRomensMembers members;
  const ElvesRomensRules *rules;
  ElvesRomensCallback callback;
  GString *body, *extra;
} Order;

static void
add_flag (GString *out, const char *name, gboolean flag)
{
  const char *text = flag ? "true" : "false";

  elves_json_add_json (out, name, text, strlen (text));
}

void
elves_romens_order_add_time (GString *body, const char *name, gint64 time_s)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_utc (time_s);
  g_autofree char *text = g_date_time_format_iso8601 (time);

  elves_json_add_text (body, name, time_s != 0 ? text : "");
}

/* ---- when ---- */

/* As elves-cron's dialect "cronjob" reads it, with every field written out. */
static char *
write_rule (ElvesJsonValue value)
{
  static const char *const fields[] = { "second", "minute", "hour", "dom", "month", "dow" };
  g_autoptr (ElvesJsonObject) object = elves_json_object_parse (value.text, value.length, NULL);
  GString *rule;

  if (object == NULL)
    return NULL;
  rule = g_string_new (NULL);
  elves_json_open (rule, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (fields); i++)
    {
      ElvesJsonValue field = elves_json_object_get (object, fields[i]);
      g_autofree char *text = g_strstrip (elves_json_value_to_text (field));
      gboolean is_missing = field.kind == ELVES_JSON_ABSENT || field.kind == ELVES_JSON_NULL;
      elves_json_add_text (rule, fields[i], !is_missing ? text : i < 3 ? "0" : "*");
    }
  elves_json_close (rule);
  return g_string_free (rule, FALSE);
}

static void
add_rule (Order *self)
{
  ElvesJsonValue value = elves_romens_get (&self->members, rule_name);
  g_autofree char *rule = value.kind == ELVES_JSON_OBJECT ? write_rule (value) : NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (ElvesSchedule) schedule = NULL;

  if (rule == NULL)
    {
      elves_romens_blame (&self->members, rule_name.wire,
                          "expected an object of second, minute, hour, dom, month, dow");
      return;
    }
  schedule =
      elves_schedule_new_rule (ELVES_SCHEDULE_CRONJOB, rule, &(ElvesScheduleZone){ 0 }, &error);
  if (schedule == NULL)
    elves_romens_blame (&self->members, rule_name.wire, error->message);
  elves_json_add_text (self->body, "rule", rule);
  elves_json_add_text (self->body, "dialect", "cronjob");
  elves_json_add_json (self->extra, rule_name.wire, rule, strlen (rule));
}

static gint64
read_time (Order *self, ElvesRomensName name)
{
  return elves_romens_number (&self->members, name, ELVES_ROMENS_TIME_MAX, 0);
}

static void
add_limits (Order *self)
{
  gint64 count = elves_romens_number (&self->members, count_name, G_MAXINT32, 0);
  gint64 start_s = read_time (self, start_name), stop_s = read_time (self, stop_name);

  if (stop_s > 0 && start_s > stop_s)
    elves_romens_blame (&self->members, start_name.wire, "is later than stopAt");
  elves_json_add_number (self->body, "count", count);
  elves_romens_order_add_time (self->body, "start", start_s);
  elves_romens_order_add_time (self->body, "end", stop_s);
  elves_json_add_number (self->extra, count_name.wire, count);
  elves_json_add_number (self->extra, start_name.wire, start_s);
  elves_json_add_number (self->extra, stop_name.wire, stop_s);
}

static void
add_overlap (Order *self)
{
  gboolean may_overlap = elves_romens_flag (&self->members, overlap_name, 0) == 1;

  elves_json_add_text (self->body, "overlap", may_overlap ? "allow" : "skip");
  add_flag (self->extra, overlap_name.wire, may_overlap);
}

/* What was missed while nothing ran is not made up for. */
static void
add_timed (Order *self)
{
  add_rule (self);
  add_limits (self);
  add_overlap (self);
  elves_json_add_text (self->body, "missed", "skip");
}

/* Overdue, it is done at once. */
static void
add_quick (Order *self)
{
  g_autofree char *text = g_strstrip (elves_romens_text (&self->members, time_name));
  gint64 time_s = 0;

  if (*text != '\0' && !elves_romens_parse_number (text, ELVES_ROMENS_TIME_MAX, &time_s))
    elves_romens_blame (&self->members, time_name.wire, "expected a Unix time in seconds");
  elves_romens_order_add_time (self->body, "at", MAX (time_s, self->rules->now_s));
  elves_json_add_number (self->body, "count", 1);
  elves_json_add_text (self->body, "overlap", "allow");
  elves_json_add_text (self->body, "missed", "last");
  elves_json_add_text (self->extra, time_name.wire, text);
  elves_json_add_number (self->extra, count_name.wire, 1);
}

/* ---- what ---- */

static void
add_callback (Order *self)
{
  const ElvesRomensCallback *callback = &self->callback;

  elves_json_add_text (self->body, "url", callback->target);
  elves_json_add_text (self->body, "method", callback->method);
  elves_json_add_text (self->body, "param", callback->body);
  elves_json_add_text (self->body, "content_type", callback->body_type);
  elves_json_add_text (self->body, "token_param", "statusToken");
  elves_json_add_number (self->body, "retries", 0);
  elves_json_add_number (self->body, "timeout", self->rules->callback_timeout_s);
  elves_json_add_text (self->body, "report", callback->is_async ? "true" : "false");
  elves_json_add_number (self->body, "report_timeout", self->rules->report_timeout_s);

  elves_json_add_text (self->extra, "callbackUrl", callback->url);
  elves_json_add_text (self->extra, "callbackMethod", callback->method);
  if (elves_romens_callback_is_bodiless (callback))
    elves_json_add_text (self->extra, "callbackParams", callback->params);
  elves_json_add_text (self->extra, "callbackContentType", callback->content_type);
  add_flag (self->extra, "callbackAsync", callback->is_async);
}

static void
add_name (Order *self)
{
  g_autofree char *name = g_strstrip (elves_romens_text (&self->members, task_name));

  if (*name == '\0')
    elves_romens_blame (&self->members, task_name.wire, "is missing");
  else if (strlen (name) > NAME_LIMIT_BYTES)
    elves_romens_blame (&self->members, task_name.wire, "is longer than 255 bytes");
  elves_json_add_text (self->body, "name", name);
}

static void
add_extra (Order *self)
{
  elves_json_close (self->extra);
  if (self->extra->len > EXTRA_LIMIT_BYTES)
    elves_romens_blame (&self->members, "callbackParams", "is too long for a URL");
  elves_json_add_text (self->body, "extra", self->extra->str);
  g_string_free (self->extra, TRUE);
}

/* (transfer full) (nullable): the documentation's object of what the wire has flat. */
static ElvesJsonObject *
nested_callback (const ElvesJsonObject *request)
{
  ElvesJsonValue value = elves_json_object_get (request, "callback");

  return value.kind == ELVES_JSON_OBJECT ? elves_json_object_parse (value.text, value.length, NULL)
                                         : NULL;
}

/**
 * elves_romens_order_add_task:
 * @body: an open object
 *
 * Returns: whether @request is a task that can be ordered
 */
gboolean
elves_romens_order_add_task (GString *body,
                             const ElvesJsonObject *request,
                             ElvesRomensKind kind,
                             const ElvesRomensRules *rules,
                             GError **error)
{
  g_autoptr (ElvesJsonObject) nested = nested_callback (request);
  Order order = { { request, nested, NULL }, rules, { 0 }, body, g_string_new (NULL) };

  elves_json_open (order.extra, NULL);
  elves_json_add_text (body, "owner", ELVES_ROMENS_OWNER);
  elves_json_add_text (body, "spelling", "decimal");
  elves_json_add_text (body, "started", "true");
  add_name (&order);
  if (kind == ELVES_ROMENS_TIMED)
    add_timed (&order);
  else
    add_quick (&order);
  elves_romens_callback_read (&order.callback, &order.members);
  add_callback (&order);
  add_extra (&order);
  elves_romens_callback_clear (&order.callback);
  if (order.members.error == NULL)
    return TRUE;
  g_propagate_error (error, order.members.error);
  return FALSE;
}

/* ---- lists ---- */

void
elves_romens_order_add_page (GString *body, const ElvesRomensPage *page)
{
  elves_json_add_number (body, "page", page->page);
  elves_json_add_number (body, "size", page->size);
}

static gint64
read_page_number (ElvesRomensMembers *members, const char *name, gint64 max, gint64 fallback)
{
  gint64 number = elves_romens_number (members, (ElvesRomensName){ .wire = name }, max, fallback);

  if (number == 0)
    elves_romens_blame (members, name, "is counted from 1");
  return number;
}

static void
add_choice (GString *body, ElvesRomensMembers *members, const char *wire, const char *name)
{
  int choice = elves_romens_flag (members, (ElvesRomensName){ .wire = wire }, -1);

  if (choice >= 0)
    elves_json_add_text (body, name, choice == 1 ? "true" : "false");
}

/**
 * elves_romens_order_add_filter:
 * @body: an open object
 * @request: the body of a list request
 *
 * Returns: whether it is a filter that can be asked for
 */
gboolean
elves_romens_order_add_filter (GString *body,
                               const ElvesJsonObject *request,
                               ElvesRomensPage *out_page,
                               GError **error)
{
  ElvesRomensMembers members = { request, NULL, NULL };
  int deleted = elves_romens_flag (&members, (ElvesRomensName){ .wire = "isDeleted" }, -1);

  elves_json_add_text (body, "owner", ELVES_ROMENS_OWNER);
  elves_json_add_text (body, "deleted", deleted < 0 ? "all" : deleted == 1 ? "true" : "false");
  add_choice (body, &members, "isExpired", "expired");
  add_choice (body, &members, "isMaxReached", "max_reached");
  out_page->page = read_page_number (&members, "pageNum", ELVES_ROMENS_PAGE_MAX, 1);
  out_page->size =
      read_page_number (&members, "pageSize", ELVES_ROMENS_PAGE_SIZE_MAX, ELVES_ROMENS_PAGE_SIZE);
  elves_romens_order_add_page (body, out_page);
  if (members.error == NULL)
    return TRUE;
  g_propagate_error (error, members.error);
  return FALSE;
}
