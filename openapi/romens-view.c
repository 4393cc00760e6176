#include "openapi/romens-view.h"

#include "common/json-writer.h"

#include <string.h>

static char *
text_of (const ElvesJsonObject *object, const char *name)
{
  return elves_json_value_to_text (elves_json_object_get (object, name));
}

/* As it stands there, of a text with its quotes. */
static void
add_as_is (GString *out, const char *name, ElvesJsonValue value)
{
  gboolean is_text = value.kind == ELVES_JSON_STRING;

  if (value.kind != ELVES_JSON_ABSENT)
    elves_json_add_json (out, name, is_text ? value.text - 1 : value.text,
                         is_text ? value.length + 2 : value.length);
}

static void
add_text (GString *out, const char *name, const ElvesJsonObject *from, const char *member)
{
  g_autofree char *text = text_of (from, member);

  elves_json_add_text (out, name, text);
}

static void
add_number (GString *out, const char *name, const ElvesJsonObject *from, const char *member)
{
  g_autofree char *text = text_of (from, member);

  elves_json_add_number (out, name, g_ascii_strtoll (text, NULL, 10));
}

static void
add_flag (GString *out, const char *name, const ElvesJsonObject *from, const char *member)
{
  g_autofree char *text = text_of (from, member);
  const char *flag = strcmp (text, "true") == 0 ? "true" : "false";

  elves_json_add_json (out, name, flag, strlen (flag));
}

/* Unix seconds of an ISO time; 0 of none. */
static void
add_time (GString *out, const char *name, const ElvesJsonObject *from, const char *member)
{
  g_autofree char *text = text_of (from, member);
  g_autoptr (GDateTime) time = g_date_time_new_from_iso8601 (text, NULL);

  elves_json_add_number (out, name, time != NULL ? g_date_time_to_unix (time) : 0);
}

static ElvesJsonObject *
object_of (ElvesJsonValue value)
{
  return value.kind == ELVES_JSON_OBJECT ? elves_json_object_parse (value.text, value.length, NULL)
                                         : NULL;
}

/* ---- tasks ---- */

/* What the order has put aside. */
static void
add_extra (GString *out, const ElvesJsonObject *card)
{
  static const char *const members[] = {
    "cronJobValue", "timeValue",   "repeatTimes",    "startAt",
    "stopAt",       "callbackUrl", "callbackMethod", "callbackContentType",
  };
  static const char *const flags[] = { "isMultipleEntry", "callbackAsync" };
  g_autofree char *text = text_of (card, "extra");
  g_autoptr (ElvesJsonObject) extra = elves_json_object_parse (text, strlen (text), NULL);
  ElvesJsonValue params;

  if (extra == NULL)
    return;
  for (gsize i = 0; i < G_N_ELEMENTS (members); i++)
    add_as_is (out, members[i], elves_json_object_get (extra, members[i]));
  for (gsize i = 0; i < G_N_ELEMENTS (flags); i++)
    add_as_is (out, flags[i], elves_json_object_get (extra, flags[i]));
  params = elves_json_object_get (extra, "callbackParams");
  if (params.kind == ELVES_JSON_ABSENT)
    params = elves_json_object_get (card, "param");
  add_as_is (out, "callbackParams", params);
}

gboolean
elves_romens_view_add_task (GString *out, const char *name, ElvesJsonValue card)
{
  g_autoptr (ElvesJsonObject) object = object_of (card);

  if (object == NULL)
    return FALSE;
  elves_json_open (out, name);
  add_text (out, "taskId", object, "key");
  add_text (out, "taskName", object, "name");
  add_extra (out, object);
  add_number (out, "executedTimes", object, "fired");
  add_flag (out, "isDeleted", object, "deleted");
  add_flag (out, "isExpired", object, "is_expired");
  add_flag (out, "isMaxReached", object, "is_max_reached");
  add_time (out, "nextAt", object, "next");
  add_time (out, "createdAt", object, "created");
  elves_json_close (out);
  return TRUE;
}

/* ---- executions ---- */

/* When it began: it was sent, or, when it never was, decided. */
static const char *
beginning_of (const ElvesJsonObject *execution)
{
  g_autofree char *sent = text_of (execution, "sent");

  return *sent != '\0' ? "sent" : "decided";
}

static void
add_message (GString *out, const ElvesJsonObject *execution)
{
  g_autofree char *message = text_of (execution, "worker_message");

  if (*message != '\0')
    elves_json_add_text (out, "message", message);
  else
    add_text (out, "message", execution, "error");
}

gboolean
elves_romens_view_add_execution (GString *out, const char *task_id, ElvesJsonValue execution)
{
  g_autoptr (ElvesJsonObject) object = object_of (execution);

  if (object == NULL)
    return FALSE;
  elves_json_open (out, NULL);
  add_text (out, "token", object, "token");
  elves_json_add_text (out, "taskId", task_id);
  add_text (out, "status", object, "status");
  add_time (out, "startAt", object, beginning_of (object));
  add_time (out, "endAt", object, "ended");
  add_number (out, "httpStatus", object, "http_status");
  add_message (out, object);
  elves_json_close (out);
  return TRUE;
}

/* ---- pages ---- */

static GString *
open_page (const ElvesJsonObject *answer, const ElvesRomensPage *page)
{
  GString *out = g_string_new (NULL);

  elves_json_open (out, NULL);
  add_number (out, "total", answer, "total");
  elves_json_add_number (out, "pageNum", page->page);
  elves_json_add_number (out, "pageSize", page->size);
  elves_json_open_array (out, "list");
  return out;
}

static GString *
close_page (GString *out)
{
  elves_json_close_array (out);
  elves_json_close (out);
  return out;
}

GString *
elves_romens_view_tasks (const ElvesJsonObject *answer, const ElvesRomensPage *page)
{
  ElvesJsonValue cards = elves_json_object_get (answer, "result"), card;
  gsize position = 0;
  GString *out;

  if (cards.kind != ELVES_JSON_ARRAY)
    return NULL;
  out = open_page (answer, page);
  while (elves_json_array_next (cards, &position, &card))
    elves_romens_view_add_task (out, NULL, card);
  return close_page (out);
}

GString *
elves_romens_view_history (const ElvesJsonObject *answer,
                           const char *task_id,
                           const ElvesRomensPage *page)
{
  ElvesJsonValue executions = elves_json_object_get (answer, "result"), execution;
  gsize position = 0;
  GString *out;

  if (executions.kind != ELVES_JSON_ARRAY)
    return NULL;
  out = open_page (answer, page);
  while (elves_json_array_next (executions, &position, &execution))
    elves_romens_view_add_execution (out, task_id, execution);
  return close_page (out);
}
