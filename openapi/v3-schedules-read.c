/* A timed task as clients write it -> the members of createCron. The rules between members are
 * elves-cron's, but for those that lie in the nesting. */
#include "openapi/v3-schedules.h"

#include <string.h>

#define NUMBER_MAX 1000000
#define INTERVAL_MAX_MS G_GINT64_CONSTANT (1000000000000)

static gboolean
is_time (const char *text)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_iso8601 (text, NULL);

  return time != NULL;
}

/* clang-format off */
static const ElvesV3Field job_fields[] = {
  { "agent", ELVES_V3_TEXT, 1, 64, .required = TRUE, .is_valid = elves_v3_is_agent,
    .expected = "an IPv4 address" },
  { "app", ELVES_V3_TEXT, 1, 255, .required = TRUE },
  { "func", ELVES_V3_TEXT, 1, 255, .required = TRUE },
  { "param", ELVES_V3_ANY, 0, G_MAXINT },
  { "mode", ELVES_V3_TEXT, 1, 2, .is_valid = elves_v3_is_mode, .expected = "np or p" },
  { "proxy", ELVES_V3_TEXT, 0, 255 },
  { "timeout", ELVES_V3_INTEGER, 1, NUMBER_MAX },
  { NULL }
};

static const ElvesV3Field http_fields[] = {
  { "urls", ELVES_V3_TEXTS, 1, 16, .required = TRUE },
  { "method", ELVES_V3_TEXT, 1, 16 },
  { "headers", ELVES_V3_OBJECT, 0, 64 },
  { "content_type", ELVES_V3_TEXT, 0, 255 },
  { "body", ELVES_V3_ANY, 0, G_MAXINT },
  { "timeout", ELVES_V3_INTEGER, 1, NUMBER_MAX },
  { "retries", ELVES_V3_INTEGER, 0, 100 },
  { NULL }
};

static const ElvesV3Field message_fields[] = {
  { "topic", ELVES_V3_TEXT, 1, 255, .required = TRUE },
  { "exchange", ELVES_V3_TEXT, 0, 127 },
  { "content_type", ELVES_V3_TEXT, 0, 255 },
  { "body", ELVES_V3_ANY, 0, G_MAXINT },
  { NULL }
};

const ElvesV3Field elves_v3_schedule_fields[] = {
  { "name", ELVES_V3_TEXT, 0, 255 },
  { "rule", ELVES_V3_TEXT, 1, 1024 },
  { "dialect", ELVES_V3_TEXT, 1, 32 },
  { "timezone", ELVES_V3_TEXT, 1, 64 },
  { "gap", ELVES_V3_TEXT, 1, 16 },
  { "fold", ELVES_V3_TEXT, 1, 16 },
  { "every_ms", ELVES_V3_INTEGER, 1, INTERVAL_MAX_MS },
  { "at", ELVES_V3_TEXT, 1, 64, .is_valid = is_time, .expected = "a time of RFC 3339" },
  { "start", ELVES_V3_TEXT, 1, 64, .is_valid = is_time, .expected = "a time of RFC 3339" },
  { "end", ELVES_V3_TEXT, 1, 64, .is_valid = is_time, .expected = "a time of RFC 3339" },
  { "count", ELVES_V3_INTEGER, 0, G_MAXINT32 },
  { "overlap", ELVES_V3_TEXT, 1, 16 },
  { "missed", ELVES_V3_TEXT, 1, 16 },
  { "missed_cap", ELVES_V3_INTEGER, 0, 10000 },
  { "started", ELVES_V3_BOOLEAN },
  { "job", ELVES_V3_OBJECT, .fields = job_fields },
  { "http", ELVES_V3_OBJECT, .fields = http_fields },
  { "message", ELVES_V3_OBJECT, .fields = message_fields },
  { NULL }
};
/* clang-format on */

/* @as: what elves-cron calls it. */
static void
copy (GString *out, const ElvesJsonObject *from, const char *name, const char *as)
{
  ElvesJsonValue value = elves_json_object_get (from, name);
  g_autofree char *text = elves_json_value_to_text (value);

  if (value.kind == ELVES_JSON_NUMBER)
    elves_json_add_json (out, as, value.text, value.length);
  else if (value.kind != ELVES_JSON_ABSENT)
    elves_json_add_text (out, as, text);
}

static void
copy_json (GString *out, const ElvesJsonObject *from, const char *name)
{
  ElvesJsonValue value = elves_json_object_get (from, name);

  if (value.kind != ELVES_JSON_ABSENT)
    elves_json_add_json (out, name, value.text, value.length);
}

static void
copy_time (GString *out, const ElvesJsonObject *from, const char *name)
{
  g_autofree char *text = elves_v3_text (from, name);

  if (*text != '\0')
    elves_v3_add_time (out, name, text);
}

/* ---- what it fires ---- */

static void
read_job (GString *out, const ElvesJsonObject *job)
{
  static const char *const names[] = { "app", "func", "param", "proxy", "timeout" };

  copy (out, job, "agent", "ip");
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    copy (out, job, names[i], names[i]);
  if (elves_v3_has (job, "mode"))
    copy (out, job, "mode", "mode");
  else
    elves_json_add_text (out, "mode", "np");
}

/* One URL is "url", too: what says which kind of task it is. */
static void
read_http (GString *out, const ElvesJsonObject *http)
{
  static const char *const names[] = { "method", "content_type", "timeout", "retries" };
  ElvesJsonValue urls = elves_json_object_get (http, "urls"), first = { 0 };
  gsize position = 0;
  g_autofree char *url = NULL;

  elves_json_array_next (urls, &position, &first);
  url = elves_json_value_to_text (first);
  elves_json_add_text (out, "url", url);
  copy_json (out, http, "urls");
  copy_json (out, http, "headers");
  copy (out, http, "body", "param");
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    copy (out, http, names[i], names[i]);
}

static void
read_message (GString *out, const ElvesJsonObject *message)
{
  copy (out, message, "topic", "topic");
  copy (out, message, "exchange", "exchange");
  copy (out, message, "content_type", "content_type");
  copy (out, message, "body", "param");
}

static void
read_action (GString *out, const ElvesJsonObject *body)
{
  static const struct
  {
    const char *name;
    void (*read) (GString *out, const ElvesJsonObject *from);
  } actions[] = { { "job", read_job }, { "http", read_http }, { "message", read_message } };

  for (guint i = 0; i < G_N_ELEMENTS (actions); i++)
    {
      g_autoptr (ElvesJsonObject) action = elves_v3_object (body, actions[i].name);
      if (action != NULL)
        actions[i].read (out, action);
    }
}

gboolean
elves_v3_schedule_target (const ElvesV3Call *call, char **out_agent, char **out_app)
{
  g_autoptr (ElvesJsonObject) job = elves_v3_object (call->body, "job");

  if (job == NULL)
    return FALSE;
  *out_agent = elves_v3_text (job, "agent");
  *out_app = elves_v3_text (job, "app");
  return TRUE;
}

/* ---- when ---- */

static void
read_timing (GString *out, const ElvesJsonObject *body)
{
  static const char *const names[] = { "name",  "rule",    "dialect", "gap",        "fold",
                                       "count", "overlap", "missed",  "missed_cap", "started" };
  gint64 every_ms = elves_v3_integer (body, "every_ms", 0);

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    copy (out, body, names[i], names[i]);
  copy (out, body, "timezone", "tz");
  copy_time (out, body, "at");
  copy_time (out, body, "start");
  copy_time (out, body, "end");
  if (every_ms > 0)
    {
      g_autofree char *every =
          g_strdup_printf ("%" G_GINT64_FORMAT ".%03d", every_ms / 1000, (int) (every_ms % 1000));
      elves_json_add_text (out, "every", every);
    }
}

static gboolean
refuse (ElvesV3Call *call, const char *why)
{
  g_autoptr (GString) errors = g_string_new (NULL);

  elves_v3_fields_blame (errors, "", why);
  elves_v3_fail_with (call, 422, "invalid", "The body is not as it has to be.", errors);
  return FALSE;
}

static guint
count_of (const ElvesJsonObject *body, const char *a, const char *b, const char *c)
{
  return (elves_v3_has (body, a) ? 1 : 0) + (elves_v3_has (body, b) ? 1 : 0) +
         (elves_v3_has (body, c) ? 1 : 0);
}

gboolean
elves_v3_schedule_read (ElvesV3Call *call, GString *out)
{
  if (count_of (call->body, "job", "http", "message") != 1)
    return refuse (call, "expected one of job, http and message");
  if (count_of (call->body, "rule", "every_ms", "at") != 1)
    return refuse (call, "expected one of rule, every_ms and at");
  read_timing (out, call->body);
  if (!elves_v3_has (call->body, "started"))
    elves_json_add_text (out, "started", "true");
  read_action (out, call->body);
  return TRUE;
}
