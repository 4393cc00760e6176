/* Timed tasks: elves-cron keeps them under an owner of ours; those of others are not there, for us.
 *
 * An idempotency key is elves-cron's "unique", which belongs to the task: when the task is deleted
 * the key may be used again. The sum of the request is kept with it. */
#include "openapi/v3-schedules.h"

#include <string.h>

/* ---- one ---- */

static void
answer_card (ElvesV3Call *call, guint status, const ElvesJsonObject *card)
{
  GString *body = g_string_new (NULL);

  elves_v3_tell_schedule (body, card);
  elves_v3_answer (call, status, body);
}

/* (transfer full) (nullable) */
static ElvesJsonObject *
first_card (const ElvesCallerAnswer *answer)
{
  ElvesJsonValue list = elves_json_object_get (answer->members, "result"), element;
  gsize position = 0;

  if (list.kind != ELVES_JSON_ARRAY || !elves_json_array_next (list, &position, &element))
    return NULL;
  return elves_json_object_parse (element.text, element.length, NULL);
}

static void
on_found (const ElvesCallerAnswer *answer, const GError *error, gpointer user_data)
{
  ElvesV3Call *call = user_data;
  g_autoptr (ElvesJsonObject) card = NULL;

  if (!elves_v3_went_well (call, answer, error))
    return;
  card = first_card (answer);
  if (card != NULL)
    answer_card (call, 200, card);
  else
    elves_v3_fail (call, elves_v3_problem_of_text ("[411.1]"));
}

static GString *
open_owned (void)
{
  GString *body = elves_v3_open ();

  elves_json_add_text (body, "owner", ELVES_V3_OWNER);
  return body;
}

static void
ask_about_it (ElvesV3Call *call, const char *action, ElvesCallerFunc func)
{
  GString *body = open_owned ();

  elves_json_add_text (body, "id", call->ids[0]);
  elves_v3_ask (call, "cron", action, body, 0, func);
}

void
elves_v3_schedules_show (ElvesV3Call *call)
{
  ask_about_it (call, "findCron", on_found);
}

/* ---- started, stopped, deleted ---- */

static void
on_changed (const ElvesCallerAnswer *answer, const GError *error, gpointer user_data)
{
  ElvesV3Call *call = user_data;

  if (elves_v3_went_well (call, answer, error))
    elves_v3_schedules_show (call);
}

void
elves_v3_schedules_start (ElvesV3Call *call)
{
  ask_about_it (call, "startCron", on_changed);
}

void
elves_v3_schedules_stop (ElvesV3Call *call)
{
  ask_about_it (call, "stopCron", on_changed);
}

static void
on_deleted (const ElvesCallerAnswer *answer, const GError *error, gpointer user_data)
{
  ElvesV3Call *call = user_data;

  if (!elves_v3_went_well (call, answer, error))
    return;
  elves_http_request_answer (call->request, 204, NULL, g_string_new (NULL));
  elves_v3_call_free (call);
}

void
elves_v3_schedules_delete (ElvesV3Call *call)
{
  ask_about_it (call, "deleteCron", on_deleted);
}

/* ---- a list ---- */

typedef struct
{
  gint64 page, size;
} Page;

static void
answer_page (ElvesV3Call *call,
             const ElvesCallerAnswer *answer,
             void (*tell) (GString *out, const ElvesJsonObject *element))
{
  const Page *page = call->state;
  GString *body = elves_v3_open ();

  elves_v3_add_list (body, "items", answer, tell);
  elves_v3_add_page (body, answer, page->page, page->size);
  elves_json_close (body);
  elves_v3_answer (call, 200, body);
}

/* Takes @body. */
static void
ask_page (ElvesV3Call *call, const char *action, GString *body, ElvesCallerFunc func)
{
  Page *page = g_new0 (Page, 1);

  elves_v3_call_keep (call, page, g_free);
  if (elves_v3_query_page (call, body, &page->page, &page->size))
    elves_v3_ask (call, "cron", action, body, 0, func);
  else
    g_string_free (body, TRUE);
}

static void
on_list (const ElvesCallerAnswer *answer, const GError *error, gpointer user_data)
{
  if (elves_v3_went_well (user_data, answer, error))
    answer_page (user_data, answer, elves_v3_tell_schedule);
}

void
elves_v3_schedules_list (ElvesV3Call *call)
{
  static const char *const states[] = { "started", "stopped", "finished", "", NULL };
  const char *state = elves_v3_query_text (call, "state");
  GString *body;

  if (!g_strv_contains (states, state))
    {
      elves_v3_fail_with (call, 400, "bad-query", "state: expected started, stopped or finished.",
                          NULL);
      return;
    }
  body = open_owned ();
  if (*state != '\0')
    elves_json_add_text (body, "state", state);
  if (*elves_v3_query_text (call, "name") != '\0')
    elves_json_add_text (body, "name", elves_v3_query_text (call, "name"));
  ask_page (call, "findCron", body, on_list);
}

static void
on_executions (const ElvesCallerAnswer *answer, const GError *error, gpointer user_data)
{
  if (elves_v3_went_well (user_data, answer, error))
    answer_page (user_data, answer, elves_v3_tell_execution);
}

void
elves_v3_schedules_executions (ElvesV3Call *call)
{
  GString *body = open_owned ();

  elves_json_add_text (body, "id", call->ids[0]);
  ask_page (call, "cronHistory", body, on_executions);
}

/* ---- made, replaced ---- */

/* (transfer full): the sum of the request, as "extra" keeps it. */
static char *
extra_of (const ElvesV3Call *call)
{
  g_autofree char *sum = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, call->bytes);

  return g_strdup_printf ("{\"fingerprint\":\"%s\"}", sum);
}

static void
add_key (const ElvesV3Call *call, GString *body, const char *key)
{
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);
  g_autofree char *extra = extra_of (call);

  g_checksum_update (sum, (const guchar *) call->auth_id, (gssize) strlen (call->auth_id) + 1);
  g_checksum_update (sum, (const guchar *) key, -1);
  elves_json_add_text (body, "unique", g_checksum_get_string (sum));
  elves_json_add_text (body, "extra", extra);
}

static void
on_made (const ElvesCallerAnswer *answer, const GError *error, gpointer user_data)
{
  ElvesV3Call *call = user_data;
  g_autoptr (ElvesJsonObject) card = elves_v3_result (call, answer, error);
  g_autofree char *id = NULL, *existed = NULL, *extra = NULL, *ours = NULL, *location = NULL;

  if (card == NULL)
    return;
  id = elves_v3_text (card, "id");
  existed = elves_v3_text (answer->members, "existed");
  extra = elves_v3_text (card, "extra");
  ours = extra_of (call);
  if (strcmp (existed, "true") == 0 && strcmp (extra, ours) != 0)
    {
      elves_v3_fail (call, elves_v3_problem_of_text ("[412.5]Key"));
      return;
    }
  if (strcmp (existed, "true") == 0)
    elves_http_request_add_header (call->request, "Idempotency-Replayed", "true");
  location = g_strconcat (ELVES_V3_PREFIX "/schedules/", id, NULL);
  elves_http_request_add_header (call->request, "Location", location);
  answer_card (call, 201, card);
}

static void
on_replaced (const ElvesCallerAnswer *answer, const GError *error, gpointer user_data)
{
  g_autoptr (ElvesJsonObject) card = elves_v3_result (user_data, answer, error);

  if (card != NULL)
    answer_card (user_data, 200, card);
}

/* FALSE: the call has ended. */
static gboolean
read_key (ElvesV3Call *call, GString *body)
{
  const char *key = elves_http_request_header (call->request, "Idempotency-Key");

  if (key == NULL)
    return TRUE;
  if (elves_v3_is_key (key))
    {
      add_key (call, body, key);
      return TRUE;
    }
  elves_v3_fail_with (call, 400, "bad-key", "Idempotency-Key: expected 1 to 255 characters.", NULL);
  return FALSE;
}

static void
on_permitted (ElvesV3Call *call, GPtrArray *ips)
{
  gboolean replaces = call->ids[0] != NULL;
  GString *body = open_owned ();

  g_ptr_array_unref (ips);
  if (replaces)
    elves_json_add_text (body, "id", call->ids[0]);
  if (!elves_v3_schedule_read (call, body) || (!replaces && !read_key (call, body)))
    g_string_free (body, TRUE);
  else if (replaces)
    elves_v3_ask (call, "cron", "replaceCron", body, 0, on_replaced);
  else
    elves_v3_ask (call, "cron", "createCron", body, 0, on_made);
}

void
elves_v3_schedules_create (ElvesV3Call *call)
{
  GPtrArray *ips = g_ptr_array_new_with_free_func (g_free);
  GPtrArray *apps = g_ptr_array_new_with_free_func (g_free);
  char *agent, *app;

  if (elves_v3_schedule_target (call, &agent, &app))
    {
      g_ptr_array_add (ips, agent);
      g_ptr_array_add (apps, app);
    }
  elves_v3_targets_permit (call, apps, ips, on_permitted);
}

void
elves_v3_schedules_replace (ElvesV3Call *call)
{
  elves_v3_schedules_create (call);
}
