/* What is asked for becomes a body of createCron. What elves-cron has no member for, or another
 * one, is kept in "extra" as it came, and shown from there. */
#include "openapi/qbasecron-task.h"

#include "common/civil.h"
#include "common/json-writer.h"
#include "common/schedule.h"
#include "openapi/qbasecron-data.h"
#include "openapi/qbasecron-later.h"
#include "openapi/qbasecron-time.h"

#include <string.h>

enum
{
  LATE_LIMIT_US = 1000000, /* a time that much past fires at once */
  DATA_LIMIT_BYTES = 32768,
  TEXT_LIMIT_BYTES = 8192,   /* desc, callback_url */
  EXTRA_LIMIT_BYTES = 65536, /* elves-cron's */
  TARGET_LIMIT = 16,
  RETRIES = 3
};

#define RETRY_DELAYS_S "[1,5,25]"
#define FORM_TYPE "application/x-www-form-urlencoded"

typedef struct
{
  const ElvesQbasecronRules *rules;
  const ElvesParameters *parameters;
  guint code;
  char *message;

  const char *time, *desc; /* "": not given */
  gint64 at_s;             /* 0: not given */
  const char *cron, *later;
  char *rule; /* NULL: once */
  guint64 count;
  char *callback_url; /* as given, or the usual one */
  char **targets;
  char *data, *form;
  gboolean is_raw;
  GString *extra; /* what is kept of it, as JSON */
} Reading;

/* The first counts. Takes @message. */
static void
blame (Reading *self, guint code, char *message)
{
  if (self->code == ELVES_QBASECRON_OK)
    {
      self->code = code;
      self->message = message;
    }
  else
    g_free (message);
}

static const char *
text_of (Reading *self, const char *name, gsize limit_bytes)
{
  const char *text = elves_parameters_get (self->parameters, name);

  if (text != NULL && strlen (text) > limit_bytes)
    blame (
        self, ELVES_QBASECRON_BAD,
        g_strdup_printf ("error,%s is longer than %" G_GSIZE_FORMAT " bytes", name, limit_bytes));
  return text != NULL ? text : "";
}

/* ---- when ---- */

static void
read_time (Reading *self)
{
  gint64 now_us = self->rules->now_us;

  self->time = text_of (self, "time", TEXT_LIMIT_BYTES);
  if (elves_parameters_is_blank (self->parameters, "time"))
    {
      if (self->rule == NULL)
        blame (self, ELVES_QBASECRON_MISSING, g_strdup ("error,time is missing"));
    }
  else if (!elves_qbasecron_time_parse (self->rules->zone, self->time, &self->at_s))
    blame (self, ELVES_QBASECRON_TIME,
           g_strdup ("error,指定的时间不正确: expected YYYY-MM-DD HH:mm:ss"));
  else if (self->rule == NULL && self->at_s * G_USEC_PER_SEC < now_us - LATE_LIMIT_US)
    blame (self, ELVES_QBASECRON_TIME, g_strdup ("error,指定的时间不正确: it is past"));
}

static char *
checked_rule (const Reading *self, const char *text, GError **error)
{
  g_autofree char *trimmed = g_strstrip (g_strdup (text));
  const ElvesScheduleZone zone = { .name = self->rules->zone_name };
  g_autoptr (ElvesSchedule) schedule =
      elves_schedule_new_rule (ELVES_SCHEDULE_CRONTAB_SECONDS, trimmed, &zone, error);

  return schedule != NULL ? g_steal_pointer (&trimmed) : NULL;
}

static void
read_rule (Reading *self)
{
  gboolean has_cron = !elves_parameters_is_blank (self->parameters, "cron");
  gboolean has_later = !elves_parameters_is_blank (self->parameters, "later");
  g_autoptr (GError) error = NULL;

  self->cron = text_of (self, "cron", ELVES_SCHEDULE_TEXT_LIMIT);
  self->later = text_of (self, "later", ELVES_SCHEDULE_TEXT_LIMIT);
  if (has_cron && has_later)
    blame (self, ELVES_QBASECRON_BAD, g_strdup ("error,cron and later: expected one of them"));
  else if (has_cron)
    self->rule = checked_rule (self, self->cron, &error);
  else if (has_later)
    self->rule = elves_qbasecron_later_to_rule (self->later, &error);
  if (error != NULL)
    blame (self, ELVES_QBASECRON_BAD,
           g_strdup_printf ("error,%s%s", has_cron ? "cron: " : "", error->message));
}

static void
read_count (Reading *self)
{
  const char *text = text_of (self, "count", 16);

  if (!elves_parameters_is_blank (self->parameters, "count") &&
      !g_ascii_string_to_unsigned (text, 10, 0, G_MAXINT32, &self->count, NULL))
    blame (self, ELVES_QBASECRON_BAD, g_strdup ("error,count: expected a number"));
}

/* ---- what ---- */

static gboolean
is_target (const char *text)
{
  g_autoptr (GUri) uri = g_uri_parse (text, G_URI_FLAGS_ENCODED, NULL);
  const char *scheme = uri != NULL ? g_uri_get_scheme (uri) : "";

  return (strcmp (scheme, "http") == 0 || strcmp (scheme, "https") == 0) &&
         g_uri_get_host (uri) != NULL && *g_uri_get_host (uri) != '\0';
}

/* Where the next URL begins, behind its comma; NULL: there is none. A comma may be part of a URL.
 */
static const char *
next_target (const char *text)
{
  for (const char *comma = strchr (text, ','); comma != NULL; comma = strchr (comma + 1, ','))
    {
      const char *next = comma + 1 + strspn (comma + 1, " \t");
      if (g_ascii_strncasecmp (next, "http://", 7) == 0 ||
          g_ascii_strncasecmp (next, "https://", 8) == 0)
        return comma + 1;
    }
  return NULL;
}

char **
elves_qbasecron_targets (const char *text)
{
  g_autoptr (GPtrArray) targets = g_ptr_array_new_with_free_func (g_free);

  while (text != NULL)
    {
      const char *next = next_target (text);
      char *target = next != NULL ? g_strndup (text, (gsize) (next - text) - 1) : g_strdup (text);

      g_ptr_array_add (targets, g_strstrip (target));
      if (!is_target (target) || targets->len > TARGET_LIMIT)
        return NULL;
      text = next;
    }
  g_ptr_array_add (targets, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&targets), FALSE);
}

static void
read_callback (Reading *self)
{
  const char *text = text_of (self, "callback_url", TEXT_LIMIT_BYTES);

  if (elves_parameters_is_blank (self->parameters, "callback_url"))
    text = self->rules->callback_url;
  self->callback_url = g_strstrip (g_strdup (text));
  self->targets = elves_qbasecron_targets (self->callback_url);
  if (self->targets == NULL)
    blame (self, ELVES_QBASECRON_BAD,
           g_strdup ("error,callback_url: expected http(s) URLs, at most 16, by commas"));
}

static void
read_data (Reading *self)
{
  self->desc = text_of (self, "desc", TEXT_LIMIT_BYTES);
  self->data = elves_qbasecron_data_mend (text_of (self, "data", DATA_LIMIT_BYTES));
  self->form = elves_qbasecron_data_to_form (self->data, &self->is_raw);
}

/* ---- the order ---- */

static void
add_given (GString *body, const char *name, const char *text)
{
  if (*text != '\0')
    elves_json_add_text (body, name, text);
}

static void
write_extra (Reading *self)
{
  GString *extra = self->extra = g_string_new (NULL);

  elves_json_open (extra, NULL);
  elves_json_add_text (extra, "time", self->time);
  elves_json_add_text (extra, "desc", self->desc);
  elves_json_add_text (extra, "callback_url", self->callback_url);
  elves_json_add_text (extra, "callback_param", self->data);
  add_given (extra, "cron", self->cron);
  add_given (extra, "later", self->later);
  if (self->is_raw)
    elves_json_add_text (extra, "data_error", "data is not the base64 text of a JSON object");
  elves_json_close (extra);
  if (extra->len > EXTRA_LIMIT_BYTES)
    blame (self, ELVES_QBASECRON_BAD, g_strdup ("error,the parameters are too long together"));
}

static void
add_instant (GString *body, const char *name, gint64 at_s)
{
  g_autofree char *text = elves_civil_format (at_s);
  g_autofree char *with_zone = g_strconcat (g_strdelimit (text, " ", 'T'), "Z", NULL);

  elves_json_add_text (body, name, with_zone);
}

static void
add_when (GString *body, const Reading *self)
{
  if (self->rule == NULL)
    {
      add_instant (body, "at", self->at_s);
      elves_json_add_text (body, "missed", "last");
      return;
    }
  elves_json_add_text (body, "rule", self->rule);
  elves_json_add_text (body, "dialect", "crontab-seconds");
  elves_json_add_text (body, "tz", self->rules->zone_name);
  elves_json_add_text (body, "spawn", "true");
  if (self->at_s != 0)
    add_instant (body, "start", self->at_s);
  if (self->count != 0)
    elves_json_add_number (body, "count", (gint64) self->count);
}

static void
add_targets (GString *body, const Reading *self)
{
  guint n = g_strv_length (self->targets);

  elves_json_add_text (body, "url", self->targets[self->rules->turn % n]);
  if (n == 1)
    return;
  elves_json_open_array (body, "urls");
  for (guint i = 0; i < n; i++)
    elves_json_add_text (body, NULL, self->targets[(self->rules->turn + i) % n]);
  elves_json_close_array (body);
}

static GString *
write_order (const Reading *self)
{
  GString *body = g_string_new (NULL);

  elves_json_open (body, NULL);
  elves_json_add_text (body, "owner", ELVES_QBASECRON_OWNER);
  elves_json_add_text (body, "spelling", "objectid");
  elves_json_add_text (body, "started", "true");
  add_when (body, self);
  add_targets (body, self);
  elves_json_add_text (body, "method", "POST");
  elves_json_add_text (body, "content_type", FORM_TYPE);
  elves_json_add_text (body, "param", self->form);
  elves_json_add_number (body, "retries", RETRIES);
  elves_json_add_json (body, "retry_delays", RETRY_DELAYS_S, strlen (RETRY_DELAYS_S));
  elves_json_add_text (body, "extra", self->extra->str);
  elves_json_close (body);
  return body;
}

static void
reading_clear (Reading *self)
{
  g_free (self->rule);
  g_free (self->callback_url);
  g_strfreev (self->targets);
  g_free (self->data);
  g_free (self->form);
  g_string_free (self->extra, TRUE);
}

/**
 * elves_qbasecron_order:
 * @out_delay_ms: (out): until it fires; not negative; -1 of one that comes again
 * @out_code: (out): of the answer
 * @out_message: (out) (transfer full) (nullable): what is wrong
 *
 * Returns: (transfer full) (nullable): the body of createCron
 */
GString *
elves_qbasecron_order (const ElvesQbasecronRules *rules,
                       const ElvesParameters *parameters,
                       gint64 *out_delay_ms,
                       guint *out_code,
                       char **out_message)
{
  Reading reading = { .rules = rules, .parameters = parameters };
  GString *body = NULL;

  read_rule (&reading);
  read_time (&reading);
  read_count (&reading);
  read_callback (&reading);
  read_data (&reading);
  write_extra (&reading);
  if (reading.code == ELVES_QBASECRON_OK)
    body = write_order (&reading);
  *out_delay_ms = reading.rule != NULL ? -1 : MAX (reading.at_s * 1000 - rules->now_us / 1000, 0);
  *out_code = reading.code;
  *out_message = reading.message;
  reading_clear (&reading);
  return body;
}
