/* Members as Go's decoder takes them: their names in any case, the last of a name counts, null is
 * nothing, a number is whole and fits 64 bits. */
#include "openapi/taskcenter-task.h"

#include "common/error.h"
#include "common/json-writer.h"
#include "common/schedule.h"

#include <string.h>

#define NAME_LIMIT_BYTES 255 /* of a routing key */

/* What elves-cron can count with; nobody lives to see the difference. */
#define LAST_TIME_S G_GINT64_CONSTANT (7258118399) /* the end of 2199 */
#define LONGEST_LOOP_S G_GINT64_CONSTANT (1000000000)

/* ---- reading -------------------------------------------------------------------------------- */

typedef struct
{
  const ElvesJsonObject *members;
  const char *wrong; /* (nullable) the first member that is not what it should be */
} Reading;

static ElvesJsonValue
get (Reading *self, const char *name, ElvesJsonKind kind)
{
  ElvesJsonValue value = elves_json_object_get_any_case (self->members, name);
  gboolean is_none = value.kind == ELVES_JSON_ABSENT || value.kind == ELVES_JSON_NULL;

  if (!is_none && value.kind != kind && self->wrong == NULL)
    self->wrong = name;
  return is_none || value.kind == kind ? value : (ElvesJsonValue){ .kind = ELVES_JSON_ABSENT };
}

static char *
read_text (Reading *self, const char *name)
{
  return elves_json_value_to_text (get (self, name, ELVES_JSON_STRING));
}

static gint64
read_number (Reading *self, const char *name)
{
  ElvesJsonValue value = get (self, name, ELVES_JSON_NUMBER);
  g_autofree char *text = elves_json_value_to_text (value);
  gint64 number = 0;

  if (value.kind == ELVES_JSON_NUMBER &&
      !g_ascii_string_to_signed (text, 10, G_MININT64, G_MAXINT64, &number, NULL) &&
      self->wrong == NULL)
    self->wrong = name;
  return number;
}

static gboolean
read_boolean (Reading *self, const char *name)
{
  ElvesJsonValue value = get (self, name, ELVES_JSON_BOOLEAN);

  return value.kind == ELVES_JSON_BOOLEAN && *value.text == 't';
}

/* All but name and data, which elves-cron keeps itself. */
static void
read_settings (ElvesTaskcenterTask *self, Reading *reading)
{
  self->type = read_number (reading, "type");
  self->crontab = read_text (reading, "crontab");
  self->loop_time = read_number (reading, "loop_time");
  self->loop_count = read_number (reading, "loop_count");
  self->start_time = read_number (reading, "start_time");
  self->end_time = read_number (reading, "end_time");
  self->max_runtime = read_number (reading, "max_runtime");
  self->ack = read_boolean (reading, "ack");
}

/**
 * elves_taskcenter_task_parse:
 * @text: the body of a request
 * @length: of @text, in bytes
 *
 * Returns: (transfer full): what it says; not checked any further
 */
ElvesTaskcenterTask *
elves_taskcenter_task_parse (const char *text, gsize length, GError **error)
{
  g_autoptr (ElvesJsonObject) members = elves_json_object_parse_first (text, length, error);
  g_autoptr (ElvesTaskcenterTask) self = NULL;
  Reading reading = { .members = members };

  if (members == NULL)
    return NULL;
  self = g_new0 (ElvesTaskcenterTask, 1);
  self->name = read_text (&reading, "name");
  self->data = read_text (&reading, "data");
  read_settings (self, &reading);
  if (reading.wrong == NULL)
    return g_steal_pointer (&self);
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_INVALID, "%s: not of the type it has",
               reading.wrong);
  return NULL;
}

/**
 * elves_taskcenter_task_free:
 * @self: (nullable): the task
 */
void
elves_taskcenter_task_free (ElvesTaskcenterTask *self)
{
  if (self == NULL)
    return;
  g_free (self->name);
  g_free (self->data);
  g_free (self->crontab);
  g_free (self);
}

/* ---- checking ------------------------------------------------------------------------------- */

static gboolean
is_rule (const char *text)
{
  g_autoptr (ElvesSchedule) schedule =
      elves_schedule_new_rule (ELVES_SCHEDULE_CRONTAB_SECONDS, text, NULL, NULL);

  return schedule != NULL;
}

/* Of other types it is only kept, and what is kept has a limit. */
static gboolean
has_good_crontab (const ElvesTaskcenterTask *self)
{
  if (self->type == ELVES_TASKCENTER_CRONTAB)
    return is_rule (self->crontab);
  return strlen (self->crontab) <= ELVES_SCHEDULE_TEXT_LIMIT;
}

/* It becomes a routing key, and consumers name several of them with || in between. */
static gboolean
has_good_name (const ElvesTaskcenterTask *self)
{
  return strlen (self->name) <= NAME_LIMIT_BYTES && strstr (self->name, "||") == NULL;
}

/**
 * elves_taskcenter_task_fault:
 * @strict: whether name and data must be given
 * @now_s: unix seconds
 *
 * Returns: (nullable): the first that is wrong, in the order of the interface
 */
const char *
elves_taskcenter_task_fault (const ElvesTaskcenterTask *self, gboolean strict, gint64 now_s)
{
  if (self->type < ELVES_TASKCENTER_ONCE || self->type > ELVES_TASKCENTER_CRONTAB)
    return "params type error";
  if (!has_good_crontab (self))
    return "params cron invalid";
  if (self->type == ELVES_TASKCENTER_LOOP && self->loop_time <= 0)
    return "params loop_time invalid";
  if (self->end_time > 0 && self->end_time < now_s)
    return "end_time should large than current timestamp";
  if ((strict && *self->name == '\0') || !has_good_name (self))
    return "params name invalid";
  if (strict && *self->data == '\0')
    return "params data invalid";
  return NULL;
}

/* ---- to elves-cron -------------------------------------------------------------------------- */

static char *
to_iso8601 (gint64 time_s, const char *fraction)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_utc (MIN (time_s, LAST_TIME_S));
  g_autofree char *seconds = g_date_time_format (time, "%Y-%m-%dT%H:%M:%S");

  return g_strconcat (seconds, fraction, "Z", NULL);
}

static void
add_time (GString *out, const char *name, gint64 time_s, const char *fraction)
{
  g_autofree char *text = to_iso8601 (time_s, fraction);

  elves_json_add_text (out, name, text);
}

/* The second of end_time itself still counts. */
static void
add_bounds (GString *out, const ElvesTaskcenterTask *self)
{
  if (self->type != ELVES_TASKCENTER_ONCE && self->start_time > 0)
    add_time (out, "start", self->start_time, "");
  if (self->end_time > 0)
    add_time (out, "end", self->end_time, ".999999");
}

static void
add_count (GString *out, const ElvesTaskcenterTask *self, gboolean plus_one)
{
  gint64 count = MIN (self->loop_count, G_MAXINT32 - 1);

  if (count > 0)
    elves_json_add_number (out, "count", count + (plus_one ? 1 : 0));
}

static void
add_timing (GString *out,
            const ElvesTaskcenterTask *self,
            const ElvesTaskcenterPlan *plan,
            gint64 now_s)
{
  switch ((ElvesTaskcenterType) self->type)
    {
    case ELVES_TASKCENTER_ONCE:
      add_time (out, "at", MAX (self->start_time, now_s), "");
      break;
    case ELVES_TASKCENTER_LOOP:
      elves_json_add_number (out, "every", MIN (self->loop_time, LONGEST_LOOP_S));
      elves_json_add_text (out, "first", "now");
      add_count (out, self, plan->loop_plus_one);
      break;
    case ELVES_TASKCENTER_CRONTAB:
      elves_json_add_text (out, "rule", self->crontab);
      elves_json_add_text (out, "dialect",
                           elves_schedule_dialect_name (ELVES_SCHEDULE_CRONTAB_SECONDS));
      add_count (out, self, FALSE);
      break;
    }
}

/* What one that is never sent is planned for: elves-cron takes no task without an instant. */
static void
add_no_timing (GString *out)
{
  add_time (out, "at", LAST_TIME_S, "");
}

static void
write_settings (GString *out, const ElvesTaskcenterTask *self)
{
  elves_json_add_number (out, "type", self->type);
  elves_json_add_text (out, "crontab", self->crontab);
  elves_json_add_number (out, "loop_time", self->loop_time);
  elves_json_add_number (out, "loop_count", self->loop_count);
  elves_json_add_number (out, "start_time", self->start_time);
  elves_json_add_number (out, "end_time", self->end_time);
  elves_json_add_number (out, "max_runtime", self->max_runtime);
  elves_json_add_json (out, "ack", self->ack ? "true" : "false", self->ack ? 4 : 5);
}

static void
add_extra (GString *out, const ElvesTaskcenterTask *self)
{
  g_autoptr (GString) extra = g_string_new (NULL);

  elves_json_open (extra, NULL);
  write_settings (extra, self);
  elves_json_close (extra);
  elves_json_add_text (out, "extra", extra->str);
}

/* Of equal tasks there is one; neither text has a NUL in it. */
static void
add_unique (GString *out, const ElvesTaskcenterTask *self)
{
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);

  g_checksum_update (sum, (const guchar *) self->name, (gssize) strlen (self->name) + 1);
  g_checksum_update (sum, (const guchar *) self->data, (gssize) strlen (self->data));
  elves_json_add_text (out, "unique", g_checksum_get_string (sum));
}

/**
 * elves_taskcenter_task_to_request:
 * @plan: what the configuration says
 * @now_s: unix seconds
 *
 * Of a task without fault.
 *
 * Returns: (transfer full): the members of createCron
 */
GString *
elves_taskcenter_task_to_request (const ElvesTaskcenterTask *self,
                                  const ElvesTaskcenterPlan *plan,
                                  gint64 now_s)
{
  GString *out = g_string_sized_new (strlen (self->data) + 1024);

  elves_json_open (out, NULL);
  elves_json_add_text (out, "owner", ELVES_TASKCENTER_OWNER);
  elves_json_add_text (out, "spelling", "objectid");
  add_unique (out, self);
  add_extra (out, self);
  elves_json_add_text (out, "name", self->name);
  elves_json_add_text (out, "exchange", plan->topic);
  elves_json_add_text (out, "topic", self->name);
  elves_json_add_text (out, "param", self->data);
  if (plan->is_dormant)
    add_no_timing (out);
  else
    {
      add_timing (out, self, plan, now_s);
      add_bounds (out, self);
    }
  elves_json_add_text (out, "missed", "last");
  elves_json_add_text (out, "overlap", "allow");
  elves_json_add_text (out, "started", plan->is_dormant ? "false" : "true");
  elves_json_close (out);
  return out;
}

/* ---- from elves-cron ------------------------------------------------------------------------ */

static gboolean
fail (GError **error, const char *what)
{
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_PROTOCOL, "a task of elves-cron has no good %s",
               what);
  return FALSE;
}

static char *
card_text (const ElvesJsonObject *card, const char *name)
{
  return elves_json_value_to_text (elves_json_object_get (card, name));
}

static void
add_created (GString *out, GDateTime *created)
{
  g_autoptr (GDateTime) local = g_date_time_to_local (created);
  g_autofree char *seconds = g_date_time_format (local, "%Y-%m-%dT%H:%M:%S");
  g_autofree char *offset = g_date_time_format (local, "%:z");
  g_autofree char *text =
      g_strdup_printf ("%s.%03d%s", seconds, g_date_time_get_microsecond (created) / 1000, offset);

  elves_json_add_number (out, "created_at", g_date_time_to_unix (created));
  elves_json_add_text (out, "created_at_rfc3339", text);
}

/**
 * elves_taskcenter_write_card:
 * @card: one task, as elves-cron shows it
 *
 * Returns: %FALSE with @error, then nothing is appended
 */
gboolean
elves_taskcenter_write_card (GString *out, const ElvesJsonObject *card, GError **error)
{
  g_autofree char *key = card_text (card, "key");
  g_autofree char *name = card_text (card, "name");
  g_autofree char *data = card_text (card, "param");
  g_autofree char *extra = card_text (card, "extra");
  g_autofree char *created_text = card_text (card, "created");
  g_autoptr (GDateTime) created = g_date_time_new_from_iso8601 (created_text, NULL);
  g_autoptr (ElvesTaskcenterTask) task = elves_taskcenter_task_parse (extra, strlen (extra), NULL);

  if (task == NULL || created == NULL || *key == '\0')
    return fail (error, task == NULL ? "extra" : created == NULL ? "time of creation" : "key");
  elves_json_open (out, NULL);
  elves_json_add_text (out, "_id", key);
  elves_json_add_text (out, "name", name);
  elves_json_add_text (out, "data", data);
  write_settings (out, task);
  add_created (out, created);
  elves_json_close (out);
  return TRUE;
}
