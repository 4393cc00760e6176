/* What is told of timed tasks and of their executions. */
#include "openapi/v3-schedules.h"

#include <string.h>

/* ---- timed tasks ---- */

/* Seconds, with a fraction, as a text. */
static void
tell_interval (GString *out, const ElvesJsonObject *card)
{
  g_autofree char *text = elves_v3_text (card, "every");

  if (*text == '\0')
    elves_v3_add_null (out, "every_ms");
  else
    elves_json_add_number (out, "every_ms", (gint64) (g_ascii_strtod (text, NULL) * 1000 + 0.5));
}

static void
tell_job (GString *out, const ElvesJsonObject *card)
{
  static const ElvesV3Member members[] = {
    { "ip", "agent", ELVES_V3_AS_TEXT },           { "app", "app", ELVES_V3_AS_TEXT },
    { "func", "func", ELVES_V3_AS_TEXT },          { "param", "param", ELVES_V3_AS_TEXT },
    { "mode", "mode", ELVES_V3_AS_LOWER_CASE },    { "proxy", "proxy", ELVES_V3_AS_TEXT },
    { "timeout", "timeout", ELVES_V3_AS_INTEGER }, { NULL },
  };

  elves_json_open (out, "job");
  elves_v3_tell (out, card, members);
  elves_json_close (out);
}

static void
tell_http (GString *out, const ElvesJsonObject *card)
{
  static const ElvesV3Member members[] = {
    { "urls", "urls", ELVES_V3_AS_JSON },
    { "method", "method", ELVES_V3_AS_TEXT },
    { "headers", "headers", ELVES_V3_AS_JSON },
    { "content_type", "content_type", ELVES_V3_AS_TEXT_OR_NULL },
    { "param", "body", ELVES_V3_AS_TEXT },
    { "timeout", "timeout", ELVES_V3_AS_INTEGER },
    { "retries", "retries", ELVES_V3_AS_INTEGER },
    { NULL },
  };

  elves_json_open (out, "http");
  elves_v3_tell (out, card, members);
  elves_json_close (out);
}

static void
tell_message (GString *out, const ElvesJsonObject *card)
{
  static const ElvesV3Member members[] = {
    { "topic", "topic", ELVES_V3_AS_TEXT },
    { "exchange", "exchange", ELVES_V3_AS_TEXT_OR_NULL },
    { "content_type", "content_type", ELVES_V3_AS_TEXT_OR_NULL },
    { "param", "body", ELVES_V3_AS_TEXT },
    { NULL },
  };

  elves_json_open (out, "message");
  elves_v3_tell (out, card, members);
  elves_json_close (out);
}

static void
tell_action (GString *out, const ElvesJsonObject *card)
{
  g_autofree char *action = elves_v3_text (card, "action");

  if (strcmp (action, "http") == 0)
    tell_http (out, card);
  else if (strcmp (action, "message") == 0)
    tell_message (out, card);
  else
    tell_job (out, card);
}

void
elves_v3_tell_schedule (GString *out, const ElvesJsonObject *card)
{
  static const ElvesV3Member members[] = {
    { "id", "id", ELVES_V3_AS_TEXT },
    { "name", "name", ELVES_V3_AS_TEXT_OR_NULL },
    { "state", "state", ELVES_V3_AS_TEXT },
    { "rule", "rule", ELVES_V3_AS_TEXT_OR_NULL },
    { "dialect", "dialect", ELVES_V3_AS_TEXT },
    { "tz", "timezone", ELVES_V3_AS_TEXT },
    { "gap", "gap", ELVES_V3_AS_TEXT },
    { "fold", "fold", ELVES_V3_AS_TEXT },
    { "at", "at", ELVES_V3_AS_TIME },
    { "start", "start", ELVES_V3_AS_TIME },
    { "end", "end", ELVES_V3_AS_TIME },
    { "count", "count", ELVES_V3_AS_INTEGER },
    { "overlap", "overlap", ELVES_V3_AS_TEXT },
    { "missed", "missed", ELVES_V3_AS_TEXT },
    { "missed_cap", "missed_cap", ELVES_V3_AS_INTEGER },
    { "fired", "fired", ELVES_V3_AS_INTEGER },
    { "created", "created", ELVES_V3_AS_TIME },
    { "next", "next", ELVES_V3_AS_TIME },
    { NULL },
  };

  elves_json_open (out, NULL);
  elves_v3_tell (out, card, members);
  tell_interval (out, card);
  tell_action (out, card);
  elves_json_close (out);
}

/* ---- executions ---- */

static const char *
status_of (const ElvesJsonObject *execution)
{
  static const char *const names[][2] = {
    { "SUCCESS", "succeeded" },
    { "FAILED", "failed" },
    { "SKIPPED", "skipped" },
    { "TIMEOUT", "timed-out" },
  };
  g_autofree char *status = elves_v3_text (execution, "status");

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (strcmp (status, names[i][0]) == 0)
      return names[i][1];
  return "running";
}

static void
tell_attempt (GString *out, const ElvesJsonObject *attempt)
{
  static const ElvesV3Member members[] = {
    { "at", "at", ELVES_V3_AS_TIME },
    { "target", "target", ELVES_V3_AS_TEXT },
    { "status", "status", ELVES_V3_AS_INTEGER_OR_NULL },
    { "text", "text", ELVES_V3_AS_TEXT_OR_NULL },
    { "cost_ms", "cost_ms", ELVES_V3_AS_INTEGER },
    { NULL },
  };

  elves_json_open (out, NULL);
  elves_v3_tell (out, attempt, members);
  elves_json_close (out);
}

void
elves_v3_tell_execution (GString *out, const ElvesJsonObject *execution)
{
  static const ElvesV3Member members[] = {
    { "key", "id", ELVES_V3_AS_TEXT },
    { "planned", "planned", ELVES_V3_AS_TIME },
    { "sent", "sent", ELVES_V3_AS_TIME },
    { "ended", "ended", ELVES_V3_AS_TIME },
    { "error", "error", ELVES_V3_AS_TEXT_OR_NULL },
    { "worker_message", "result", ELVES_V3_AS_TEXT_OR_NULL },
    { "worker_costtime", "cost_ms", ELVES_V3_AS_INTEGER },
    { "http_status", "http_status", ELVES_V3_AS_INTEGER_OR_NULL },
    { NULL },
  };

  elves_json_open (out, NULL);
  elves_v3_tell (out, execution, members);
  elves_json_add_text (out, "status", status_of (execution));
  elves_v3_add_objects (out, "attempts", elves_json_object_get (execution, "attempts"),
                        tell_attempt);
  elves_json_close (out);
}
