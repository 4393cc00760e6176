#include "openapi/v3-problem.h"

#include "common/error.h"
#include "common/json-writer.h"
#include "openapi/errors.h"

#include <string.h>

/* Components spell their errors for the clients of the original; the first that fits counts. */
static const struct
{
  const char *text; /* begin of what a component says */
  ElvesV3Problem problem;
} meanings[] = {
  { "[404.1]", { 503, "not-supported", "The component that is asked is too old for this." } },
  { "[410.3]", { 409, "agent-too-old", "The agent does not support this." } },
  { "[411.1]", { 404, "not-found", "There is no such timed task." } },
  { "[411.2]", { 404, "not-found", "There is no such execution." } },
  { "[412.1]", { 404, "not-found", "There is no such queue." } },
  { "[412.2]", { 409, "wrong-state", "In its state that cannot be done." } },
  { "[412.3]", { 404, "not-found", "There is no such task." } },
  { "[412.4]", { 422, "no-such-task", NULL } },
  { "[412.5]Key", { 422, "key-reused", "The idempotency key belongs to another request." } },
  { "[412.5]", { 429, "limit-reached", "As much is kept as may be; try again later." } },
  { "[412.6]", { 503, "too-many-waiters", "Too many are waiting already; try again later." } },
  { "[403", { 422, "invalid", NULL } },
  { "[500]Request Params", { 422, "invalid", NULL } },
  { "[500]Too Many", { 429, "limit-reached", "As much is kept as may be; try again later." } },
  { "[500]Result Too Large", { 422, "too-large", "The answer is too large; ask for less." } },
};

static const char *
title_of (guint status)
{
  static const struct
  {
    guint status;
    const char *title;
  } titles[] = {
    { 400, "Bad Request" },
    { 401, "Unauthorized" },
    { 403, "Forbidden" },
    { 404, "Not Found" },
    { 405, "Method Not Allowed" },
    { 409, "Conflict" },
    { 413, "Content Too Large" },
    { 415, "Unsupported Media Type" },
    { 422, "Unprocessable Content" },
    { 429, "Too Many Requests" },
    { 503, "Service Unavailable" },
    { 504, "Gateway Timeout" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (titles); i++)
    if (titles[i].status == status)
      return titles[i].title;
  return "Error";
}

/**
 * elves_v3_problem_write:
 * @status: of HTTP
 * @code: for programs
 * @detail: for people
 * @errors: (nullable): JSON values, separated by commas
 *
 * Returns: (transfer full): the body
 */
GString *
elves_v3_problem_write (guint status, const char *code, const char *detail, const GString *errors)
{
  GString *body = g_string_new (NULL);

  elves_json_open (body, NULL);
  elves_json_add_text (body, "type", "about:blank");
  elves_json_add_text (body, "title", title_of (status));
  elves_json_add_number (body, "status", status);
  elves_json_add_text (body, "code", code);
  elves_json_add_text (body, "detail", detail);
  if (errors != NULL)
    g_string_append_printf (body, ",\"errors\":[%s]", errors->str);
  elves_json_close (body);
  return body;
}

/**
 * elves_v3_problem_of_text:
 * @error_text: "[code]text"
 *
 * What is not known is taken as a failure of the component: asking again may help.
 */
ElvesV3Problem
elves_v3_problem_of_text (const char *error_text)
{
  for (guint i = 0; i < G_N_ELEMENTS (meanings); i++)
    if (g_str_has_prefix (error_text, meanings[i].text))
      return meanings[i].problem;
  return (ElvesV3Problem){ 503, "component-failed", "A component could not do it." };
}

/**
 * elves_v3_problem_of_call:
 * @error: of elves_caller_call()
 */
ElvesV3Problem
elves_v3_problem_of_call (const GError *error)
{
  if (g_error_matches (error, ELVES_ERROR, ELVES_ERROR_TIMEOUT))
    return (ElvesV3Problem){
      504, "timeout", "A component has not answered in time: whether it was done is not known."
    };
  if (g_error_matches (error, ELVES_ERROR, ELVES_ERROR_BUSY))
    return (ElvesV3Problem){ 503, "busy", "Too many requests are being answered." };
  return (ElvesV3Problem){ 503, "unavailable", "A component cannot be asked now." };
}

/**
 * elves_v3_problem_of_auth:
 * @error_text: why a caller was refused
 */
ElvesV3Problem
elves_v3_problem_of_auth (const char *error_text)
{
  if (g_str_has_prefix (error_text, "[401.6]"))
    return (ElvesV3Problem){ 403, "denied", "You may not use this app or this agent." };
  if (g_str_has_prefix (error_text, "[401.1]"))
    return (ElvesV3Problem){ 401, "no-credentials",
                             "Send Authorization: Bearer TOKEN, or sign the request." };
  if (g_str_has_prefix (error_text, "[401"))
    return (ElvesV3Problem){ 401, "bad-credentials", "The token, or the signature, is not good." };
  if (strstr (error_text, "timeout") != NULL)
    return (ElvesV3Problem){ 504, "timeout", "The supervisor has not answered in time." };
  return (ElvesV3Problem){ 503, "unavailable", "The supervisor cannot be asked now." };
}
