/* The endpoints of elves-openapi.md section 4: one row each. An endpoint asks one component, or a
 * few in turn, and most pass on the mqbody that they are answered. */
#include "openapi/v2-private.h"

#include "common/json-writer.h"
#include "openapi/errors.h"
#include "openapi/validate.h"

#include <string.h>

enum
{
  DEFAULT_TIMEOUT_S = 90,
  TIMEOUT_GRACE_S = 5
};

/* ---- parameters ---- */

static gboolean
is_not_blank (const char *text)
{
  return text != NULL && text[strspn (text, " \t\r\n\f\v")] != '\0';
}

static const ElvesV2Check app = { "app", is_not_blank, ELVES_API_APP };
static const ElvesV2Check func = { "func", is_not_blank, ELVES_API_FUNC };
static const ElvesV2Check ip = { "ip", elves_validate_ip, ELVES_API_IP };
static const ElvesV2Check ip_of_task = { "ip", elves_validate_ip, ELVES_API_IP, ELVES_API_PARAM };
static const ElvesV2Check param = { "param", elves_validate_param, ELVES_API_PARAM };
static const ElvesV2Check param_mixed_up = { "param", elves_validate_param, ELVES_API_PARAM,
                                             ELVES_API_IP };
static const ElvesV2Check timeout = { "timeout", elves_validate_timeout, ELVES_API_TIMEOUT };
static const ElvesV2Check mode = { "mode", elves_validate_mode, ELVES_API_MODE };
static const ElvesV2Check rule = { "rule", elves_validate_rule, ELVES_API_RULE };
static const ElvesV2Check queue_id = { "queue_id", is_not_blank, ELVES_API_QUEUE_ID };
static const ElvesV2Check cron_id = { "cron_id", elves_validate_cron_id, ELVES_API_CRON_ID };

/* "" when it was not sent. */
static const char *
text_of (const ElvesV2Call *call, const char *name)
{
  const char *text = elves_parameters_get (call->parameters, name);

  return text != NULL ? text : "";
}

static guint
timeout_s (const ElvesV2Call *call)
{
  if (elves_parameters_is_blank (call->parameters, "timeout"))
    return DEFAULT_TIMEOUT_S;
  return (guint) g_ascii_strtoull (text_of (call, "timeout"), NULL, 10);
}

static void
add_parameter (const ElvesV2Call *call, GString *body, const char *name)
{
  elves_json_add_text (body, name, text_of (call, name));
}

/* What a job is, but for its timeout: every component wants that in another form. */
static void
add_job (const ElvesV2Call *call, GString *body)
{
  add_parameter (call, body, "ip");
  add_parameter (call, body, "func");
  add_parameter (call, body, "param");
  add_parameter (call, body, "proxy");
}

static void
add_mode (const ElvesV2Call *call, GString *body)
{
  elves_json_add_text (
      body, "mode",
      elves_parameters_is_blank (call->parameters, "mode") ? "np" : text_of (call, "mode"));
}

static GString *
open_body (void)
{
  GString *body = g_string_new (NULL);

  elves_json_open (body, NULL);
  return body;
}

/* ---- answers ---- */

static gboolean
succeeded (const ElvesCallerAnswer *answer)
{
  g_autofree char *flag =
      elves_json_value_to_text (elves_json_object_get (answer->members, "flag"));

  return strcmp (flag, "true") == 0;
}

static char *
id_in (const ElvesCallerAnswer *answer)
{
  return elves_json_value_to_text (elves_json_object_get (answer->members, "id"));
}

static void
pass_on (ElvesV2Call *call, const ElvesCallerAnswer *answer)
{
  elves_v2_call_answer (call, g_string_new_len (answer->text.text, (gssize) answer->text.length));
}

/* The end of most calls. */
static void
on_answer (const ElvesCallerAnswer *answer, const GError *error, gpointer user_data)
{
  if (answer != NULL)
    pass_on (user_data, answer);
  else
    elves_v2_call_fail (user_data, error);
}

/* A step towards more: TRUE when it went well; else the call has ended. */
static gboolean
step_went_well (ElvesV2Call *call, const ElvesCallerAnswer *answer, const GError *error)
{
  if (answer == NULL)
    elves_v2_call_fail (call, error);
  else if (!succeeded (answer))
    pass_on (call, answer);
  else
    return TRUE;
  return FALSE;
}

static void
answer_ids (ElvesV2Call *call)
{
  GString *body = open_body ();

  elves_json_add_text (body, "flag", "true");
  elves_json_add_text (body, "error", "");
  elves_json_open (body, "result");
  elves_json_add_text (body, "id", call->id);
  if (call->task_id != NULL)
    elves_json_add_text (body, "task_id", call->task_id);
  elves_json_close (body);
  elves_json_close (body);
  elves_v2_call_answer (call, body);
}

static void
on_created (const ElvesCallerAnswer *answer, const GError *error, gpointer user_data)
{
  ElvesV2Call *call = user_data;

  if (!step_went_well (call, answer, error))
    return;
  call->id = id_in (answer);
  answer_ids (call);
}

static void
ask (ElvesV2Call *call, const char *to, const char *action, GString *body, ElvesCallerFunc done)
{
  elves_json_close (body);
  elves_v2_call_ask (call, to, action, body, elves_v2_call_config (call)->call_timeout_ms, done);
}

/* ---- rt ---- */

static void
start_exec (ElvesV2Call *call)
{
  guint seconds = timeout_s (call);
  GString *body = open_body ();
  g_autofree char *text = g_strdup_printf ("%u", seconds);

  add_parameter (call, body, "app");
  add_job (call, body);
  elves_json_add_text (body, "timeout", text);
  elves_json_close (body);
  elves_v2_call_ask (call, "scheduler", "syncJob", body, (seconds + TIMEOUT_GRACE_S) * 1000,
                     on_answer);
}

/* ---- queue ---- */

static void
ask_about_queue (ElvesV2Call *call, const char *action)
{
  GString *body = open_body ();

  elves_json_add_text (body, "id", text_of (call, "queue_id"));
  ask (call, "queue", action, body, on_answer);
}

static void
create_queue (ElvesV2Call *call, ElvesCallerFunc done)
{
  GString *body = open_body ();

  add_parameter (call, body, "app");
  ask (call, "queue", "createQueue", body, done);
}

static void
add_task (ElvesV2Call *call, const char *queue, ElvesCallerFunc done)
{
  GString *body = open_body ();

  elves_json_add_text (body, "id", queue);
  add_job (call, body);
  add_mode (call, body);
  add_parameter (call, body, "depend_task_id");
  elves_json_add_number (body, "timeout", timeout_s (call));
  ask (call, "queue", "addTask", body, done);
}

static void
start_create_queue (ElvesV2Call *call)
{
  create_queue (call, on_created);
}

static void
start_add_task (ElvesV2Call *call)
{
  add_task (call, text_of (call, "queue_id"), on_created);
}

static void
start_commit_queue (ElvesV2Call *call)
{
  ask_about_queue (call, "commitQueue");
}

static void
start_stop_queue (ElvesV2Call *call)
{
  ask_about_queue (call, "stopQueue");
}

static void
start_queue_result (ElvesV2Call *call)
{
  ask_about_queue (call, "queueResult");
}

static void
on_whole_queue_committed (const ElvesCallerAnswer *answer, const GError *error, gpointer user_data)
{
  if (step_went_well (user_data, answer, error))
    answer_ids (user_data);
}

static void
on_whole_queue_filled (const ElvesCallerAnswer *answer, const GError *error, gpointer user_data)
{
  ElvesV2Call *call = user_data;
  GString *body;

  if (!step_went_well (call, answer, error))
    return;
  call->task_id = id_in (answer);
  body = open_body ();
  elves_json_add_text (body, "id", call->id);
  ask (call, "queue", "commitQueue", body, on_whole_queue_committed);
}

static void
on_whole_queue_created (const ElvesCallerAnswer *answer, const GError *error, gpointer user_data)
{
  ElvesV2Call *call = user_data;

  if (!step_went_well (call, answer, error))
    return;
  call->id = id_in (answer);
  add_task (call, call->id, on_whole_queue_filled);
}

/* A queue of one task, committed: three steps; a failing one is the answer. */
static void
start_whole_queue (ElvesV2Call *call)
{
  create_queue (call, on_whole_queue_created);
}

/* ---- cron ---- */

static void
ask_about_cron (ElvesV2Call *call, const char *action)
{
  GString *body = open_body ();

  elves_json_add_text (body, "id", text_of (call, "cron_id"));
  ask (call, "cron", action, body, on_answer);
}

static void
start_add_cron (ElvesV2Call *call)
{
  GString *body = open_body ();

  add_parameter (call, body, "app");
  add_job (call, body);
  add_mode (call, body);
  add_parameter (call, body, "rule");
  elves_json_add_number (body, "timeout", timeout_s (call));
  ask (call, "cron", "createCron", body, on_created);
}

static void
start_start_cron (ElvesV2Call *call)
{
  ask_about_cron (call, "startCron");
}

static void
start_stop_cron (ElvesV2Call *call)
{
  ask_about_cron (call, "stopCron");
}

static void
start_delete_cron (ElvesV2Call *call)
{
  ask_about_cron (call, "deleteCron");
}

static void
start_cron_detail (ElvesV2Call *call)
{
  ask_about_cron (call, "cronDetail");
}

/* ---- info ---- */

static void
ask_supervisor (ElvesV2Call *call, const char *action)
{
  GString *body = open_body ();

  elves_json_add_text (body, "auth_id", call->auth_id);
  ask (call, "supervisor", action, body, on_answer);
}

static void
start_app_info (ElvesV2Call *call)
{
  ask_supervisor (call, "appInfo");
}

static void
start_agent_list (ElvesV2Call *call)
{
  ask_supervisor (call, "agentList");
}

static gboolean
wants_crons (const ElvesV2Call *call)
{
  return strcmp (text_of (call, "showcron"), "true") == 0;
}

/* @crons: (nullable): a JSON array. */
static void
answer_agent (ElvesV2Call *call, const ElvesJsonValue *crons)
{
  GString *body = open_body ();

  if (crons != NULL)
    elves_json_add_json (call->agent, "cron_list", crons->text, crons->length);
  elves_json_close (call->agent);
  elves_json_add_text (body, "flag", "true");
  elves_json_add_text (body, "error", "");
  elves_json_add_json (body, "result", call->agent->str, call->agent->len);
  elves_json_close (body);
  elves_v2_call_answer (call, body);
}

static void
on_agent_crons (const ElvesCallerAnswer *answer, const GError *error, gpointer user_data)
{
  ElvesV2Call *call = user_data;
  ElvesJsonValue list;

  if (!step_went_well (call, answer, error))
    return;
  list = elves_json_object_get (answer->members, "result");
  if (list.kind != ELVES_JSON_ARRAY)
    list = (ElvesJsonValue){ ELVES_JSON_ARRAY, "[]", 2 };
  answer_agent (call, &list);
}

/* All but the apps, as the original does. */
static GString *
agent_members (const ElvesCallerAnswer *answer)
{
  static const char *const names[] = { "ip", "asset", "last_hb_time" };
  ElvesJsonValue result = elves_json_object_get (answer->members, "result");
  g_autoptr (ElvesJsonObject) agent =
      result.kind == ELVES_JSON_OBJECT ? elves_json_object_parse (result.text, result.length, NULL)
                                       : NULL;
  GString *members = open_body ();

  for (guint i = 0; i < G_N_ELEMENTS (names) && agent != NULL; i++)
    {
      g_autofree char *text = elves_json_value_to_text (elves_json_object_get (agent, names[i]));
      elves_json_add_text (members, names[i], text);
    }
  return members;
}

static void
on_agent_info (const ElvesCallerAnswer *answer, const GError *error, gpointer user_data)
{
  ElvesV2Call *call = user_data;

  if (!step_went_well (call, answer, error))
    return;
  call->agent = agent_members (answer);
  if (wants_crons (call))
    {
      GString *body = open_body ();
      add_parameter (call, body, "ip");
      ask (call, "cron", "cronList", body, on_agent_crons);
    }
  else
    answer_agent (call, NULL);
}

static void
start_agent_detail (ElvesV2Call *call)
{
  GString *body;

  if (wants_crons (call) && !elves_v2_call_config (call)->cron_enabled)
    {
      elves_v2_call_refuse (call, ELVES_API_NO_CRON);
      return;
    }
  if (elves_parameters_is_blank (call->parameters, "ip"))
    {
      elves_v2_call_refuse (call, ELVES_API_IP);
      return;
    }
  body = open_body ();
  add_parameter (call, body, "ip");
  ask (call, "heartbeat", "agentInfo", body, on_agent_info);
}

const ElvesV2Endpoint elves_v2_endpoints[] = {
  { "/api/v2/rt/exec", { &app, &func, &ip, &param, &timeout }, start_exec },
  { "/api/v2/queue/create", { &app }, start_create_queue },
  { "/api/v2/queue/addtask",
    { &queue_id, &func, &ip_of_task, &param_mixed_up, &timeout, &mode },
    start_add_task },
  { "/api/v2/queue/commit", { &queue_id }, start_commit_queue },
  { "/api/v2/queue/stop", { &queue_id }, start_stop_queue },
  { "/api/v2/queue/result", { &queue_id }, start_queue_result },
  { "/api/v2/queue/qksqueue", { &app, &func, &ip, &param, &timeout, &mode }, start_whole_queue },
  { "/api/v2/cron/add",
    { &app, &func, &ip, &param_mixed_up, &timeout, &rule, &mode },
    start_add_cron },
  { "/api/v2/cron/start", { &cron_id }, start_start_cron },
  { "/api/v2/cron/stop", { &cron_id }, start_stop_cron },
  { "/api/v2/cron/delete", { &cron_id }, start_delete_cron },
  { "/api/v2/cron/detail", { &cron_id }, start_cron_detail },
  { "/api/v2/cron/info", { &cron_id }, start_cron_detail },
  { "/api/v2/info/app", { NULL }, start_app_info },
  { "/api/v2/info/apps", { NULL }, start_app_info },
  { "/api/v2/info/agents", { NULL }, start_agent_list },
  { "/api/v2/info/agents/detail", { NULL }, start_agent_detail },
  { NULL }
};
