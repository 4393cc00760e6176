/* A card of elves-cron as a task of QBaseCron. */
#include "openapi/qbasecron-task.h"

#include "common/json-writer.h"
#include "openapi/qbasecron-time.h"

#include <string.h>

typedef struct
{
  const ElvesJsonObject *card;
  ElvesJsonObject *extra; /* (nullable) what the door has kept in it */
  char *extra_text;
  char *last_text;
  ElvesJsonObject *last; /* (nullable) its last_exec_result */
} Reading;

/* (transfer full) */
static char *
text_of (const ElvesJsonObject *object, const char *name)
{
  if (object == NULL)
    return g_strdup ("");
  return elves_json_value_to_text (elves_json_object_get (object, name));
}

static gboolean
is (const ElvesJsonObject *object, const char *name, const char *expected)
{
  g_autofree char *text = text_of (object, name);

  return strcmp (text, expected) == 0;
}

static void
reading_init (Reading *self, const ElvesJsonObject *card)
{
  self->card = card;
  self->extra_text = text_of (card, "extra");
  self->extra = elves_json_object_parse (self->extra_text, strlen (self->extra_text), NULL);
  self->last_text = text_of (card, "last_exec_result");
  self->last = elves_json_object_parse (self->last_text, strlen (self->last_text), NULL);
}

static void
reading_clear (Reading *self)
{
  elves_json_object_free (self->extra);
  elves_json_object_free (self->last);
  g_free (self->extra_text);
  g_free (self->last_text);
}

static void
copy (GString *out, const char *name, const ElvesJsonObject *from, const char *from_name)
{
  g_autofree char *text = text_of (from, from_name);

  elves_json_add_text (out, name, text);
}

static void
copy_given (GString *out, const char *name, const ElvesJsonObject *from)
{
  if (!is (from, name, ""))
    copy (out, name, from, name);
}

/* One that another one has made has a time of its own. */
static void
add_time (GString *out, const Reading *self, const ElvesZone *zone, gboolean is_spawned)
{
  g_autofree char *at = text_of (self->card, "at");
  g_autoptr (GDateTime) instant = is_spawned ? g_date_time_new_from_iso8601 (at, NULL) : NULL;
  g_autofree char *local = NULL;

  if (instant == NULL)
    {
      copy (out, "time", self->extra, "time");
      return;
    }
  local = elves_qbasecron_time_format (zone, g_date_time_to_unix (instant));
  elves_json_add_text (out, "time", local);
}

/* There is no result before the first firing, and none of its kind while tries go on. */
static gboolean
has_result (const Reading *self)
{
  return self->last != NULL && !is (self->last, "flag", "");
}

static gboolean
is_finished (const Reading *self, gboolean comes_again)
{
  if (!is (self->card, "state", "finished"))
    return FALSE;
  return comes_again || (has_result (self) && is (self->last, "flag", "true"));
}

static void
add_last_error (GString *out, const Reading *self)
{
  gboolean failed = has_result (self) && is (self->last, "flag", "false");

  if (failed)
    copy (out, "last_error", self->last, "error");
  else
    copy (out, "last_error", self->extra, "data_error");
}

/**
 * elves_qbasecron_view:
 * @out: gets the task
 * @name: (nullable): of the member that it is
 */
void
elves_qbasecron_view (GString *out,
                      const char *name,
                      const ElvesJsonObject *card,
                      const ElvesZone *zone,
                      gint64 delay_ms)
{
  gboolean is_spawned = !is (card, "spawned_by", "");
  gboolean comes_again = !is_spawned && !is (card, "rule", "");
  Reading reading;

  reading_init (&reading, card);
  elves_json_open (out, name);
  copy (out, "_id", card, "key");
  add_time (out, &reading, zone, is_spawned);
  copy (out, "desc", reading.extra, "desc");
  copy (out, "callback_url", reading.extra, "callback_url");
  copy (out, "callback_param", reading.extra, "callback_param");
  elves_json_add_number (out, "is_finished", is_finished (&reading, comes_again) ? 1 : 0);
  elves_json_add_number (out, "is_stop", is (card, "state", "stopped") ? 1 : 0);
  copy (out, "create_at", card, "created");
  add_last_error (out, &reading);
  if (comes_again)
    {
      copy_given (out, "cron", reading.extra);
      copy_given (out, "later", reading.extra);
    }
  copy_given (out, "spawned_by", card);
  if (delay_ms >= 0)
    elves_json_add_number (out, "delay", delay_ms);
  elves_json_close (out);
  reading_clear (&reading);
}
