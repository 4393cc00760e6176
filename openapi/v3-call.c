#include "openapi/v3-private.h"

#include <string.h>

#define CONTENT_TYPE "application/json"

void
elves_v3_call_free (ElvesV3Call *self)
{
  if (self->free_state != NULL)
    self->free_state (self->state);
  elves_parameters_free (self->query);
  for (guint i = 0; i < ELVES_V3_IDS_MAX; i++)
    g_free (self->ids[i]);
  elves_json_object_free (self->body);
  g_bytes_unref (self->bytes);
  g_free (self->auth_id);
  g_free (self);
}

void
elves_v3_call_keep (ElvesV3Call *self, gpointer state, GDestroyNotify free_state)
{
  if (self->free_state != NULL)
    self->free_state (self->state);
  self->state = state;
  self->free_state = free_state;
}

/**
 * elves_v3_ask:
 * @body: (transfer full): an open object
 * @wait_ms: how long the component may wait before it answers
 */
void
elves_v3_ask (ElvesV3Call *self,
              const char *to,
              const char *action,
              GString *body,
              guint wait_ms,
              ElvesCallerFunc func)
{
  const ElvesDoorParts *parts = &self->api->parts;
  ElvesCallerRequest request = { to, action, body, parts->config->call_timeout_ms + wait_ms };

  elves_json_close (body);
  elves_caller_call (parts->caller, &request, func, self);
  g_string_free (body, TRUE);
}

GString *
elves_v3_open (void)
{
  GString *body = g_string_new (NULL);

  elves_json_open (body, NULL);
  return body;
}

/* ---- the end of a call ---- */

void
elves_v3_answer (ElvesV3Call *self, guint status, GString *body)
{
  elves_http_request_answer (self->request, status, CONTENT_TYPE, body);
  elves_v3_call_free (self);
}

void
elves_v3_fail_with (ElvesV3Call *self,
                    guint status,
                    const char *code,
                    const char *detail,
                    const GString *errors)
{
  if (status == 401)
    elves_http_request_add_header (self->request, "WWW-Authenticate", "Bearer realm=\"elves\"");
  if (status == 503 || status == 429)
    elves_http_request_add_header (self->request, "Retry-After", status == 503 ? "1" : "10");
  elves_http_request_answer (self->request, status, ELVES_V3_PROBLEM_TYPE,
                             elves_v3_problem_write (status, code, detail, errors));
  elves_v3_call_free (self);
}

void
elves_v3_fail (ElvesV3Call *self, ElvesV3Problem problem)
{
  elves_v3_fail_with (self, problem.status, problem.code, problem.detail, NULL);
}

/* ---- answers of components ---- */

/* What it says about the request is said on; what about itself is not. */
static void
fail_as_told (ElvesV3Call *self, const ElvesCallerAnswer *answer)
{
  g_autofree char *text = elves_v3_text (answer->members, "error");
  g_autofree char *detail = elves_v3_text (answer->members, "detail");
  ElvesV3Problem problem = elves_v3_problem_of_text (text);

  if (problem.status >= 500)
    g_info ("a component refused path=%s: %s %s", self->route->path, text, detail);
  if (problem.detail == NULL && *detail == '\0')
    problem.detail = strchr (text, ']') != NULL ? strchr (text, ']') + 1 : text;
  else if (problem.detail == NULL)
    problem.detail = detail;
  elves_v3_fail (self, problem);
}

/**
 * elves_v3_went_well:
 * @answer: (nullable): of a component
 * @error: (nullable): why there is none
 *
 * Returns: %FALSE when the call has ended with a problem
 */
gboolean
elves_v3_went_well (ElvesV3Call *self, const ElvesCallerAnswer *answer, const GError *error)
{
  g_autofree char *flag = NULL;

  if (answer == NULL)
    {
      g_info ("a component was not heard path=%s: %s", self->route->path, error->message);
      elves_v3_fail (self, elves_v3_problem_of_call (error));
      return FALSE;
    }
  flag = elves_v3_text (answer->members, "flag");
  if (strcmp (flag, "true") == 0)
    return TRUE;
  fail_as_told (self, answer);
  return FALSE;
}

/**
 * elves_v3_result:
 *
 * Returns: (transfer full) (nullable): the member "result" of an answer that went well
 */
ElvesJsonObject *
elves_v3_result (ElvesV3Call *self, const ElvesCallerAnswer *answer, const GError *error)
{
  ElvesJsonObject *result;

  if (!elves_v3_went_well (self, answer, error))
    return NULL;
  result = elves_v3_object (answer->members, "result");
  if (result == NULL)
    elves_v3_fail_with (self, 503, "component-failed", "A component has answered nothing usable.",
                        NULL);
  return result;
}

/**
 * elves_v3_add_objects:
 * @list: an array; anything else counts as an empty one
 * @tell: writes one object
 */
void
elves_v3_add_objects (GString *out,
                      const char *name,
                      ElvesJsonValue list,
                      void (*tell) (GString *out, const ElvesJsonObject *element))
{
  ElvesJsonValue element;
  gsize position = 0;

  elves_json_open_array (out, name);
  while (list.kind == ELVES_JSON_ARRAY && elves_json_array_next (list, &position, &element))
    {
      g_autoptr (ElvesJsonObject) object =
          elves_json_object_parse (element.text, element.length, NULL);
      if (object != NULL)
        tell (out, object);
    }
  elves_json_close_array (out);
}

void
elves_v3_add_list (GString *out,
                   const char *name,
                   const ElvesCallerAnswer *answer,
                   void (*tell) (GString *out, const ElvesJsonObject *element))
{
  elves_v3_add_objects (out, name, elves_json_object_get (answer->members, "result"), tell);
}
