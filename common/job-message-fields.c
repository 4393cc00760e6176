/* The fields of a request -> the instruction of its job
   (elves-amqp.md 6.1, 6.2, 6.4, 6.5, 9.2, 9.3).

   Which fields are mandatory depends on generation and kind: a sync job with mqbody is not
   validated (what is missing fails when it is looked up), an async one and everything flat is. Both
   names of a field are accepted in every generation. Numbers and booleans are taken as texts. */
#include "common/job-message-private.h"

#include <string.h>

/* The texts of 6.5. The last four are ours, made alike: it says nothing about these fields. */
#define FAULT_IP "[403.1]Request Params (ip) Illegal"
#define FAULT_APP "[403.3]Request Params (app) Illegal"
#define FAULT_FUNC "[403.7]Request Params (func) Illegal"
#define FAULT_MODE "[403.4]Request Params (mode) Illegal"
#define FAULT_TIMEOUT "[403.8]Request Params (timeout) Illegal"
#define FAULT_ID "[403.2]Request Params (id) Illegal"
#define FAULT_TYPE "[403.5]Request Params (job_type) Illegal"
#define FAULT_PROXY "[403.2]Request Params (proxy) Illegal"
#define FAULT_RETRY "[403.9]Request Params (retry) Illegal"
#define FAULT_RAND_ID "[403.2]Request Params (rand_id) Illegal"

#define RETRIES_LIMIT 10

static gboolean
is_scalar (ElvesJsonKind kind)
{
  return kind != ELVES_JSON_ARRAY && kind != ELVES_JSON_OBJECT;
}

static void
blame (ElvesJobReading *reading, const char *fault)
{
  if (!reading->fault)
    reading->fault = fault;
}

/* The member @name or, if that is missing or empty, @alias. */
static ElvesJsonValue
get_field (const ElvesJobReading *reading, const char *name, const char *alias)
{
  const ElvesJsonObject *fields = elves_message_head_fields (&reading->head);
  ElvesJsonValue value = elves_json_object_get (fields, name);
  gboolean is_empty = value.kind == ELVES_JSON_ABSENT || value.kind == ELVES_JSON_NULL ||
                      (value.kind == ELVES_JSON_STRING && value.length == 0);
  return is_empty && alias ? elves_json_object_get (fields, alias) : value;
}

/* A trimmed text; of an array or object "", which is a fault. */
static char *
read_text (ElvesJobReading *reading, const char *name, const char *alias, const char *fault)
{
  ElvesJsonValue value = get_field (reading, name, alias);
  if (is_scalar (value.kind))
    return g_strstrip (elves_json_value_to_text (value));
  blame (reading, fault);
  return g_strdup ("");
}

static void
read_text_into (ElvesJobReading *reading,
                char **field,
                const char *name,
                const char *alias,
                gboolean is_mandatory,
                const char *fault)
{
  elves_instruct_take (field, read_text (reading, name, alias, fault));
  if (is_mandatory && **field == '\0')
    blame (reading, fault);
}

/* Any value: an object goes to the worker as its sender wrote it. */
static void
read_param (ElvesJobReading *reading)
{
  ElvesInstruct *instruct = reading->job->instruct;
  char *text = g_strstrip (elves_json_value_to_text (get_field (reading, "param", NULL)));
  g_bytes_unref (instruct->param);
  instruct->param = g_bytes_new_take (text, strlen (text));
}

/* The processor letter of a mode of the flat form; NULL: not a mode. */
static const char *
map_flat_mode (const char *mode, ElvesJobKind kind)
{
  static const char *const with[] = { "P", "sap", "aap", "ssp", "cap", NULL };
  static const char *const without[] = { "NP", "sanp", "aanp", "ssnp", "canp", "csnp", NULL };
  for (gsize i = 0; with[i]; i++)
    if (g_ascii_strcasecmp (mode, with[i]) == 0)
      return "P";
  for (gsize i = 0; without[i]; i++)
    if (g_ascii_strcasecmp (mode, without[i]) == 0)
      return "NP";
  return kind == ELVES_JOB_SYNC && *mode == '\0' ? "NP" : NULL;
}

/* What the agent gets for the mode the asker wrote; NULL: illegal. A sync job with mqbody has it
   copied, because the original agent sets its own. */
static const char *
map_mode (const ElvesJob *job)
{
  if (job->generation == ELVES_GENERATION_FLAT)
    return map_flat_mode (job->mode, job->kind);
  if (job->kind == ELVES_JOB_SYNC)
    return *job->mode != '\0' ? job->mode : "NP";
  if (g_ascii_strcasecmp (job->mode, "P") == 0)
    return "P";
  return g_ascii_strcasecmp (job->mode, "NP") == 0 ? "NP" : NULL;
}

static void
read_mode (ElvesJobReading *reading)
{
  ElvesJob *job = reading->job;
  read_text_into (reading, &job->mode, "mode", NULL, FALSE, FAULT_MODE);
  const char *mode = map_mode (job);
  if (mode)
    elves_instruct_set (&job->instruct->mode, mode);
  else
    blame (reading, FAULT_MODE);
}

/* A whole number, up to that of an int32: digits, and zeros behind the point if there is one. */
static gboolean
parse_seconds (const char *text, gboolean is_ms, gint64 *out_s)
{
  char *end;
  if (!g_ascii_isdigit (*text))
    return FALSE;
  gint64 number = g_ascii_strtoll (text, &end, 10);
  if (*end == '.' && end[1] == '0')
    end += 1 + strspn (end + 1, "0");
  if (*end != '\0' || number > G_MAXINT64 - 999)
    return FALSE;
  *out_s = is_ms ? (number + 999) / 1000 : number;
  return *out_s <= G_MAXINT32;
}

/* Blank is the default; in the flat form, 0 too. */
static void
read_timeout (ElvesJobReading *reading)
{
  gboolean is_flat = reading->job->generation == ELVES_GENERATION_FLAT;
  gboolean is_ms = is_flat && reading->rules->legacy_timeout_ms;
  gint64 seconds = 0;
  g_autofree char *text = read_text (reading, "timeout", NULL, FAULT_TIMEOUT);
  if (*text == '\0')
    seconds = reading->rules->default_timeout_s;
  else if (!parse_seconds (text, is_ms, &seconds))
    {
      blame (reading, FAULT_TIMEOUT);
      seconds = 0;
    }
  else if (seconds == 0 && is_flat)
    seconds = reading->rules->default_timeout_s;
  reading->job->instruct->timeout_s = (gint32) seconds;
}

/* A flat asker names its job; of the others only async ones do. Returns: whether it was given. */
static gboolean
read_id (ElvesJobReading *reading)
{
  ElvesJob *job = reading->job;
  char **id = &job->instruct->id;
  gboolean is_async = job->kind == ELVES_JOB_ASYNC;
  if (is_async || job->generation == ELVES_GENERATION_FLAT)
    read_text_into (reading, id, "id", NULL, is_async, FAULT_ID);
  if (**id != '\0' || is_async)
    return TRUE;
  elves_instruct_take (id, elves_job_new_id ());
  return FALSE;
}

static void
read_job_type (ElvesJobReading *reading)
{
  ElvesJob *job = reading->job;
  if (job->kind == ELVES_JOB_SYNC)
    {
      elves_instruct_set (&job->instruct->type, "rt");
      return;
    }
  gboolean is_flat = job->generation == ELVES_GENERATION_FLAT;
  g_autofree char *given =
      read_text (reading, is_flat ? "job_type" : "type", is_flat ? "type" : "job_type", FAULT_TYPE);
  g_autofree char *type = g_ascii_strdown (given, -1);
  if (strcmp (type, "cron") == 0 || strcmp (type, "queue") == 0)
    elves_instruct_set (&job->instruct->type, type);
  else
    blame (reading, FAULT_TYPE);
}

/* Ours, in every generation: how often to try again while the job provably never started. */
static void
read_retry (ElvesJobReading *reading)
{
  gint64 retries = 0;
  g_autofree char *text = read_text (reading, "retry", NULL, FAULT_RETRY);
  if (*text != '\0' && (!parse_seconds (text, FALSE, &retries) || retries > RETRIES_LIMIT))
    {
      blame (reading, FAULT_RETRY);
      return;
    }
  reading->job->retries = (guint) retries;
}

/* Ours, too: only a true is a true. */
static void
read_timing (ElvesJobReading *reading)
{
  ElvesJsonValue value = get_field (reading, "timing", NULL);
  reading->job->wants_timing = value.kind == ELVES_JSON_BOOLEAN && *value.text == 't';
}

/* What makes a second delivery of the same message recognisable. A queue runs a task once, so the
   task names its execution; a cron id runs many times and does not. None: the scheduler makes one.
 */
static void
set_execution (ElvesJobReading *reading, gboolean has_id)
{
  ElvesJob *job = reading->job;
  ElvesInstruct *instruct = job->instruct;
  const char *message_id = reading->properties->message_id;
  gboolean is_flat = job->generation == ELVES_GENERATION_FLAT;
  if (job->rand_id)
    instruct->execution = g_strconcat (instruct->id, ":", job->rand_id, NULL);
  else if (is_flat && job->kind == ELVES_JOB_SYNC && has_id)
    instruct->execution = g_strdup (instruct->id);
  else if (message_id && *message_id != '\0' && g_utf8_validate (message_id, -1, NULL))
    instruct->execution = g_strdup (message_id);
  else if (strcmp (instruct->type, "queue") == 0)
    instruct->execution = g_strdup (instruct->id);
}

/* "ID:REST" in a message_id names one execution of the job ID, as id and rand_id do in the flat
   form: elves-cron's are so. */
static void
take_rand_id_of_key (ElvesJobReading *reading)
{
  ElvesJob *job = reading->job;
  const char *id = job->instruct->id, *key = reading->properties->message_id;
  gsize id_length = strlen (id);
  if (key && id_length > 0 && strncmp (key, id, id_length) == 0 && key[id_length] == ':' &&
      key[id_length + 1] != '\0' && g_utf8_validate (key, -1, NULL))
    job->rand_id = g_strdup (key + id_length + 1);
}

static void
read_rand_id (ElvesJobReading *reading)
{
  ElvesJob *job = reading->job;
  if (job->kind != ELVES_JOB_ASYNC)
    return;
  if (job->generation != ELVES_GENERATION_FLAT)
    {
      take_rand_id_of_key (reading);
      return;
    }
  g_autofree char *rand_id = read_text (reading, "rand_id", NULL, FAULT_RAND_ID);
  if (*rand_id != '\0')
    job->rand_id = g_steal_pointer (&rand_id);
}

/* The first bad field is the fault; reading goes on, because a refusal echoes what was given. */
void
elves_job_message_read_fields (ElvesJobReading *reading)
{
  ElvesJob *job = reading->job;
  ElvesInstruct *instruct = job->instruct;
  gboolean is_flat = job->generation == ELVES_GENERATION_FLAT;
  /* A sync job with mqbody is not validated: what is missing fails when it is looked up. */
  gboolean is_strict = is_flat || job->kind == ELVES_JOB_ASYNC;
  const char *ip = is_flat ? "agent_ip" : "ip", *ip_alias = is_flat ? "ip" : "agent_ip";
  read_text_into (reading, &instruct->ip, ip, ip_alias, is_strict, FAULT_IP);
  read_text_into (reading, &instruct->app, "app", NULL, is_strict, FAULT_APP);
  read_text_into (reading, &instruct->func, "func", NULL, is_strict, FAULT_FUNC);
  read_mode (reading);
  read_timeout (reading);
  read_retry (reading);
  read_timing (reading);
  gboolean has_id = read_id (reading);
  read_job_type (reading);
  read_text_into (reading, &instruct->proxy, "proxy", NULL, FALSE, FAULT_PROXY);
  read_param (reading);
  read_rand_id (reading);
  set_execution (reading, has_id);
}
