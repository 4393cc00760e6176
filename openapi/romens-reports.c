#include "openapi/romens-private.h"

#include "common/json-writer.h"
#include "openapi/romens-members.h"
#include "openapi/romens-view.h"

#include <string.h>

enum
{
  MESSAGE_LIMIT_BYTES = 4096
};

static GString *
open_body (void)
{
  GString *body = g_string_new (NULL);

  elves_json_open (body, NULL);
  return body;
}

/* ---- POST status ---- */

static void
on_reported (const ElvesCallerAnswer *said, const GError *error, gpointer user_data)
{
  ElvesRomensCall *self = user_data;
  ElvesJsonValue result;
  g_autoptr (ElvesJsonObject) report = NULL;
  g_autofree char *id = NULL, *status = NULL;
  GString *body;

  if (!elves_romens_call_went_well (self, said, error))
    return;
  result = elves_json_object_get (said->members, "result");
  report = elves_json_object_parse (result.text, result.length, NULL);
  id = report != NULL ? elves_json_value_to_text (elves_json_object_get (report, "key")) : NULL;
  status =
      report != NULL ? elves_json_value_to_text (elves_json_object_get (report, "status")) : NULL;
  body = open_body ();
  elves_json_add_text (body, "taskId", id);
  elves_json_add_text (body, "status", status);
  elves_json_close (body);
  elves_romens_call_answer (self, 200, body);
}

/* What the query does not say may stand in the body, as the documentation has it; else the body is
   the message, or empty. */
static void
read_report (GBytes *bytes, char **status, char **message)
{
  gsize length;
  const char *text = g_bytes_get_data (bytes, &length);
  g_autoptr (ElvesJsonObject) object =
      length > 0 ? elves_json_object_parse (text, length, NULL) : NULL;

  if (object != NULL && *status == NULL)
    *status = elves_json_value_to_text (elves_json_object_get (object, "status"));
  if (object != NULL && elves_json_object_get (object, "message").kind != ELVES_JSON_ABSENT)
    *message = elves_json_value_to_text (elves_json_object_get (object, "message"));
  else if (object == NULL)
    *message = g_utf8_make_valid (length > 0 ? text : "", (gssize) length);
  else
    *message = g_strdup ("");
}

static void
send_report (ElvesRomensCall *self, const char *status, char *message)
{
  GString *body = open_body ();
  const char *end;

  if (strlen (message) > MESSAGE_LIMIT_BYTES)
    message[MESSAGE_LIMIT_BYTES] = '\0';
  if (!g_utf8_validate (message, -1, &end))
    message[end - message] = '\0';
  elves_json_add_text (body, "owner", ELVES_ROMENS_OWNER);
  elves_json_add_text (body, "token", self->id);
  elves_json_add_text (body, "status", status);
  elves_json_add_text (body, "message", message);
  elves_romens_call_ask (self, "reportCron", body, on_reported);
}

void
elves_romens_start_report (ElvesRomensCall *self)
{
  g_autoptr (ElvesParameters) query = elves_romens_call_read_query (self);
  g_autoptr (GBytes) bytes = NULL;
  g_autofree char *status = NULL, *message = NULL;

  if (query == NULL)
    return;
  status = g_strdup (elves_parameters_get (query, "status"));
  bytes = elves_http_request_body (self->request);
  read_report (bytes, &status, &message);
  if (g_strcmp0 (status, "SUCCESS") == 0 || g_strcmp0 (status, "FAILED") == 0)
    send_report (self, status, message);
  else
    elves_romens_call_fail (self, 400, "status should be SUCCESS or FAILED");
}

/* ---- GET history ---- */

static void
on_history (const ElvesCallerAnswer *said, const GError *error, gpointer user_data)
{
  ElvesRomensCall *self = user_data;

  if (elves_romens_call_went_well (self, said, error))
    elves_romens_call_answer_or_fail (
        self, elves_romens_view_history (said->members, self->id, &self->page));
}

/* A number of the query. FALSE: the call has ended. */
static gboolean
read_number (ElvesRomensCall *self,
             const ElvesParameters *query,
             const char *name,
             gint64 least,
             gint64 most,
             gint64 *number)
{
  const char *text = elves_parameters_get (query, name);
  g_autofree char *why = NULL;

  if (text == NULL || *text == '\0')
    return TRUE;
  if (elves_romens_parse_number (text, most, number) && *number >= least)
    return TRUE;
  why =
      g_strdup_printf ("%s: expected a whole number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT,
                       name, least, most);
  elves_romens_call_fail (self, 400, why);
  return FALSE;
}

void
elves_romens_start_history (ElvesRomensCall *self)
{
  g_autoptr (ElvesParameters) query = elves_romens_call_read_query (self);
  gint64 begin_s = 0, end_s = 0;
  GString *body;

  self->page = (ElvesRomensPage){ 1, ELVES_ROMENS_PAGE_SIZE };
  if (query == NULL || !read_number (self, query, "beginAt", 0, ELVES_ROMENS_TIME_MAX, &begin_s) ||
      !read_number (self, query, "endAt", 0, ELVES_ROMENS_TIME_MAX, &end_s) ||
      !read_number (self, query, "pageNum", 1, ELVES_ROMENS_PAGE_MAX, &self->page.page) ||
      !read_number (self, query, "pageSize", 1, ELVES_ROMENS_PAGE_SIZE_MAX, &self->page.size))
    return;
  body = open_body ();
  elves_json_add_text (body, "owner", ELVES_ROMENS_OWNER);
  elves_json_add_text (body, "id", self->id);
  elves_romens_order_add_page (body, &self->page);
  elves_romens_order_add_time (body, "begin", begin_s);
  if (self->door->parts.config->romens_end_at)
    elves_romens_order_add_time (body, "end", end_s);
  elves_romens_call_ask (self, "cronHistory", body, on_history);
}
