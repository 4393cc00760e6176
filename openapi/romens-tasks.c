#include "openapi/romens-private.h"

#include "common/json-writer.h"
#include "openapi/romens-view.h"

static GString *
open_body (void)
{
  GString *body = g_string_new (NULL);

  elves_json_open (body, NULL);
  return body;
}

/* ---- POST, PUT: tasks ---- */

static void
on_task (const ElvesCallerAnswer *said, const GError *error, gpointer user_data)
{
  ElvesRomensCall *self = user_data;
  GString *body;

  if (!elves_romens_call_went_well (self, said, error))
    return;
  body = g_string_new (NULL);
  if (!elves_romens_view_add_task (body, NULL, elves_json_object_get (said->members, "result")))
    g_string_free (g_steal_pointer (&body), TRUE);
  elves_romens_call_answer_or_fail (self, body);
}

static void
order_task (ElvesRomensCall *self, const char *action, ElvesRomensKind kind)
{
  const ElvesOpenapiConfig *config = self->door->parts.config;
  ElvesRomensRules rules = { g_get_real_time () / G_USEC_PER_SEC, config->romens_report_timeout_s,
                             config->romens_callback_timeout_s };
  g_autoptr (ElvesJsonObject) request = elves_romens_call_read_body (self);
  g_autoptr (GError) error = NULL;
  GString *body;

  if (request == NULL)
    return;
  body = open_body ();
  if (self->id != NULL)
    elves_json_add_text (body, "id", self->id);
  if (elves_romens_order_add_task (body, request, kind, &rules, &error))
    elves_romens_call_ask (self, action, body, on_task);
  else
    elves_romens_call_refuse (self, body, error);
}

void
elves_romens_start_create (ElvesRomensCall *self)
{
  order_task (self, "createCron", ELVES_ROMENS_TIMED);
}

void
elves_romens_start_quick (ElvesRomensCall *self)
{
  order_task (self, "createCron", ELVES_ROMENS_QUICK);
}

void
elves_romens_start_replace (ElvesRomensCall *self)
{
  order_task (self, "replaceCron", ELVES_ROMENS_TIMED);
}

/* ---- DELETE ---- */

static void
on_deleted (const ElvesCallerAnswer *said, const GError *error, gpointer user_data)
{
  ElvesRomensCall *self = user_data;
  ElvesJsonValue key = { 0 };
  g_autofree char *id = NULL;
  gsize position = 0;
  GString *body;

  if (!elves_romens_call_went_well (self, said, error))
    return;
  if (elves_json_object_get (said->members, "result").kind != ELVES_JSON_ARRAY ||
      !elves_json_array_next (elves_json_object_get (said->members, "result"), &position, &key))
    {
      elves_romens_call_fail (self, 404, "there is no task of this id");
      return;
    }
  id = elves_json_value_to_text (key);
  body = open_body ();
  elves_json_add_text (body, "taskId", id);
  elves_json_add_json (body, "isDeleted", "true", 4);
  elves_json_close (body);
  elves_romens_call_answer (self, 200, body);
}

/* The client sends a body of {}; whatever it is, it is not read. */
void
elves_romens_start_delete (ElvesRomensCall *self)
{
  GString *body = open_body ();

  elves_json_add_text (body, "owner", ELVES_ROMENS_OWNER);
  elves_json_open_array (body, "ids");
  elves_json_add_text (body, NULL, self->id);
  elves_json_close_array (body);
  elves_json_add_text (body, "soft", "true");
  elves_romens_call_ask (self, "deleteCron", body, on_deleted);
}

/* ---- POST list ---- */

static void
on_list (const ElvesCallerAnswer *said, const GError *error, gpointer user_data)
{
  ElvesRomensCall *self = user_data;

  if (elves_romens_call_went_well (self, said, error))
    elves_romens_call_answer_or_fail (self, elves_romens_view_tasks (said->members, &self->page));
}

void
elves_romens_start_list (ElvesRomensCall *self)
{
  g_autoptr (ElvesJsonObject) request = elves_romens_call_read_body (self);
  g_autoptr (GError) error = NULL;
  GString *body;

  if (request == NULL)
    return;
  body = open_body ();
  if (elves_romens_order_add_filter (body, request, &self->page, &error))
    elves_romens_call_ask (self, "findCron", body, on_list);
  else
    elves_romens_call_refuse (self, body, error);
}
