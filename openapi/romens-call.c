/* One call: what was sent is read, elves-cron is asked, and its answer becomes ours. */
#include "openapi/romens-private.h"

#include "common/error.h"
#include "common/json-writer.h"

#include <string.h>

/* ---- answers: each ends the call ---- */

void
elves_romens_call_answer (ElvesRomensCall *self, guint status, GString *body)
{
  elves_door_answer (self->request, status, body);
  g_free (self->id);
  g_free (self);
}

GString *
elves_romens_fault_body (guint code, const char *message)
{
  GString *body = g_string_new (NULL);

  elves_json_open (body, NULL);
  elves_json_add_number (body, "code", code);
  elves_json_add_text (body, "message", message);
  elves_json_close (body);
  return body;
}

void
elves_romens_call_fail (ElvesRomensCall *self, guint code, const char *message)
{
  elves_romens_call_answer (self, code, elves_romens_fault_body (code, message));
}

/* Nobody has said what came of it. */
static void
fail_unanswered (ElvesRomensCall *self, const GError *error)
{
  g_info ("a request failed path=%s: %s", elves_http_request_path (self->request), error->message);
  if (g_error_matches (error, ELVES_ERROR, ELVES_ERROR_TIMEOUT))
    elves_romens_call_fail (self, 500, "elves-cron has not answered in time");
  else
    elves_romens_call_fail (self, 500, "elves-cron cannot be asked now");
}

static char *
member (const ElvesCallerAnswer *said, const char *name)
{
  return elves_json_value_to_text (elves_json_object_get (said->members, name));
}

/* The codes of elves-cron: 403.x what was asked for is wrong, 411.x it is not there. */
static guint
status_of (const char *error_text)
{
  if (g_str_has_prefix (error_text, "[403.") || g_str_has_prefix (error_text, "[500]Request "))
    return 400;
  return g_str_has_prefix (error_text, "[411.") ? 404 : 500;
}

static void
fail_refused (ElvesRomensCall *self, const ElvesCallerAnswer *said)
{
  g_autofree char *text = member (said, "error"), *detail = member (said, "detail");
  const char *plain = strchr (text, ']');
  guint status = status_of (text);
  g_autofree char *message = NULL;

  if (status == 404)
    message = g_strdup ("there is none of this id");
  else if (status == 400 && *detail != '\0')
    message = g_strdup (detail);
  else
    message = g_strdup (plain != NULL ? plain + 1 : text);
  elves_romens_call_fail (self, status, message);
}

/* FALSE: the call has ended. */
gboolean
elves_romens_call_went_well (ElvesRomensCall *self,
                             const ElvesCallerAnswer *said,
                             const GError *error)
{
  g_autofree char *flag = said != NULL ? member (said, "flag") : NULL;

  if (said == NULL)
    fail_unanswered (self, error);
  else if (strcmp (flag, "true") != 0)
    fail_refused (self, said);
  else
    return TRUE;
  return FALSE;
}

void
elves_romens_call_answer_or_fail (ElvesRomensCall *self, GString *body)
{
  if (body != NULL)
    elves_romens_call_answer (self, 200, body);
  else
    elves_romens_call_fail (self, 500, "elves-cron's answer is not understood");
}

/* ---- what every call does ---- */

void
elves_romens_call_ask (ElvesRomensCall *self,
                       const char *action,
                       GString *body,
                       ElvesCallerFunc func)
{
  elves_json_close (body);
  elves_door_ask (&self->door->parts, "cron", action, body, func, self);
}

void
elves_romens_call_refuse (ElvesRomensCall *self, GString *body, const GError *error)
{
  g_string_free (body, TRUE);
  elves_romens_call_fail (self, 400, error->message);
}

/* (nullable): the call has ended. */
ElvesJsonObject *
elves_romens_call_read_body (ElvesRomensCall *self)
{
  g_autoptr (GError) error = NULL;
  ElvesJsonObject *object = elves_door_read_json (self->request, &error);
  g_autofree char *why = object == NULL ? g_strconcat ("the body: ", error->message, NULL) : NULL;

  if (object == NULL)
    elves_romens_call_fail (self, 400, why);
  return object;
}

/* (nullable): the call has ended. */
ElvesParameters *
elves_romens_call_read_query (ElvesRomensCall *self)
{
  g_autoptr (ElvesParameters) query = elves_parameters_new ();
  const char *text = elves_http_request_query (self->request);
  g_autoptr (GError) error = NULL;

  if (text == NULL || elves_parameters_add (query, text, strlen (text), &error))
    return g_steal_pointer (&query);
  elves_romens_call_fail (self, 400, error->message);
  return NULL;
}
