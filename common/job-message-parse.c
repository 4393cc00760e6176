/* Bytes from the broker -> ElvesJob, or the reason why not (elves-amqp.md sections 4, 9, 10).

   The three generations of messages differ in their head (where the words are, what names the
   asker) and in which fields are mandatory. The head is read here: it decides the generation and
   the kind, and the address of the answer follows from it and the AMQP properties. The fields are
   read in job-message-fields.c.

   Promises: any input has a verdict; every text of the job is valid UTF-8 without NUL. Does not
   look at the content type, the routing key, or whether the agent exists. */
#include "common/error.h"
#include "common/job-message-private.h"

#include <string.h>

/* mqkey and the ID in mqtype are routing keys, and AMQP has no longer ones. */
#define ROUTING_KEY_LIMIT_BYTES 255

static void
job_reading_clear (ElvesJobReading *reading)
{
  elves_json_object_free (reading->message);
  elves_json_object_free (reading->inner);
  g_free (reading->inner_text);
  elves_job_unref (reading->job);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ElvesJobReading, job_reading_clear)

static gboolean
drop (GError **error, const char *why)
{
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_INVALID, "Message structure error! %s", why);
  return FALSE;
}

/* The trimmed text of a head member, NULL if it is no string or too long. */
static char *
read_word (const ElvesJsonObject *message, const char *name)
{
  ElvesJsonValue value = elves_json_object_get (message, name);
  if (value.kind != ELVES_JSON_STRING)
    return NULL;
  g_autofree char *text = g_strstrip (elves_json_value_to_text (value));
  return strlen (text) <= ROUTING_KEY_LIMIT_BYTES ? g_steal_pointer (&text) : NULL;
}

static gboolean
read_key (ElvesJobReading *reading, GError **error)
{
  ElvesJob *job = reading->job;
  g_autofree char *key = read_word (reading->message, "mqkey");
  if (!key)
    return drop (error, "no mqkey");
  g_auto (GStrv) words = g_strsplit (key, ".", 5);
  guint n_words = g_strv_length (words);
  if (n_words != 3 && n_words != 4)
    return drop (error, "mqkey must have 3 or 4 parts");
  for (guint i = 0; i < n_words; i++)
    if (*words[i] == '\0')
      return drop (error, "mqkey has an empty part");
  job->generation = n_words == 4 ? ELVES_GENERATION_FLAT : ELVES_GENERATION_REPLY_TO;
  job->from = g_strdup (words[0]);
  job->to = g_strdup (words[1]);
  job->action = g_strdup (words[2]);
  job->correlation = g_strdup (words[3]);
  return TRUE;
}

static gboolean
read_type (ElvesJobReading *reading, GError **error)
{
  ElvesJob *job = reading->job;
  g_autofree char *type = read_word (reading->message, "mqtype");
  if (!type)
    return drop (error, "no mqtype");
  reading->is_call = strcmp (type, "call") == 0;
  if (reading->is_call || strcmp (type, "cast") == 0)
    return TRUE;
  const char *id = type + strlen ("call.");
  if (job->generation == ELVES_GENERATION_FLAT || !g_str_has_prefix (type, "call.") ||
      *id == '\0' || strchr (id, '.'))
    return drop (error, "mqtype must be call, cast or call.ID");
  job->generation = ELVES_GENERATION_CALL_ID;
  job->correlation = g_strdup (id);
  reading->is_call = TRUE;
  return TRUE;
}

static gboolean
read_action (ElvesJobReading *reading, GError **error)
{
  static const struct
  {
    const char *action;
    ElvesJobKind kind;
  } actions[] = { { "syncJob", ELVES_JOB_SYNC },
                  { "sendSync", ELVES_JOB_SYNC },
                  { "asyncJob", ELVES_JOB_ASYNC },
                  { "sendAsync", ELVES_JOB_ASYNC } };
  for (gsize i = 0; i < G_N_ELEMENTS (actions); i++)
    if (strcmp (reading->job->action, actions[i].action) == 0)
      {
        reading->job->kind = actions[i].kind;
        return TRUE;
      }
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_INVALID, "unknown action '%s'",
               reading->job->action);
  return FALSE;
}

/* First match wins: reply_to, then the ID, then nobody. */
static void
read_address (ElvesJobReading *reading)
{
  const char *reply_to = reading->properties->reply_to;
  ElvesJob *job = reading->job;
  ElvesReplyAddress *reply = &job->reply;
  if (reply_to && *reply_to != '\0')
    {
      reply->exchange = g_strdup ("");
      reply->routing_key = g_strdup (reply_to);
    }
  else if (job->correlation)
    {
      reply->exchange = g_strdup (reading->rules->exchange);
      reply->routing_key = g_strdup (job->correlation);
      if (job->generation == ELVES_GENERATION_FLAT)
        reply->cc = g_strdup_printf ("%s.%s", job->to, job->from);
    }
  else
    return;
  reply->correlation_id = g_strdup (reading->properties->correlation_id);
  job->wants_acceptance =
      job->generation == ELVES_GENERATION_FLAT && job->kind == ELVES_JOB_ASYNC && reading->is_call;
}

/* mqbody is an object, a string that holds one, or nothing. */
static gboolean
open_inner (ElvesJobReading *reading, GError **error)
{
  ElvesJsonValue body = elves_json_object_get (reading->message, "mqbody");
  switch (body.kind)
    {
    case ELVES_JSON_ABSENT:
    case ELVES_JSON_NULL:
      reading->inner = elves_json_object_parse ("{}", 2, error);
      break;
    case ELVES_JSON_OBJECT:
      reading->inner = elves_json_object_parse (body.text, body.length, error);
      break;
    case ELVES_JSON_STRING:
      reading->inner_text = elves_json_value_to_text (body);
      reading->inner =
          elves_json_object_parse (reading->inner_text, strlen (reading->inner_text), error);
      break;
    default:
      return drop (error, "mqbody is not an object");
    }
  g_prefix_error (error, "Message structure error! mqbody: ");
  return reading->inner != NULL;
}

static gboolean
read_head (ElvesJobReading *reading, GError **error)
{
  if (!read_key (reading, error) || !read_type (reading, error) || !read_action (reading, error))
    return FALSE;
  read_address (reading);
  return reading->job->generation == ELVES_GENERATION_FLAT || open_inner (reading, error);
}

static gboolean
read_message (ElvesJobReading *reading, const void *bytes, gsize length, GError **error)
{
  if (length == 0)
    return drop (error, "empty");
  if (length > reading->rules->max_message_bytes)
    return drop (error, "too large");
  reading->message = elves_json_object_parse (bytes, length, error);
  g_prefix_error (error, "Message structure error! ");
  return reading->message != NULL;
}

/**
 * elves_job_message_parse:
 * @rules: what is configured
 * @properties: of the AMQP message
 * @bytes: its body
 * @length: of @bytes
 * @out_job: (out): the job, only in the verdict JOB
 * @out_refusal: (out) (nullable): what to answer, only in the verdict REFUSED
 *
 * Returns: what the message is. Pure but for the clock (a refusal says when) and for new ids.
 * Errors: %ELVES_ERROR_INVALID in every verdict but JOB.
 */
ElvesMessageVerdict
elves_job_message_parse (const ElvesMessageRules *rules,
                         const ElvesMessageProperties *properties,
                         const void *bytes,
                         gsize length,
                         ElvesJob **out_job,
                         ElvesPublication **out_refusal,
                         GError **error)
{
  g_auto (ElvesJobReading)
      reading = { .rules = rules, .properties = properties, .job = elves_job_new () };
  *out_job = NULL;
  *out_refusal = NULL;
  if (!read_message (&reading, bytes, length, error) || !read_head (&reading, error))
    return ELVES_MESSAGE_DROPPED;
  elves_job_message_read_fields (&reading);
  if (!reading.fault)
    {
      *out_job = g_steal_pointer (&reading.job);
      return ELVES_MESSAGE_JOB;
    }
  g_set_error_literal (error, ELVES_ERROR, ELVES_ERROR_INVALID, reading.fault);
  if (reading.job->generation == ELVES_GENERATION_FLAT)
    *out_refusal = elves_job_message_flat_refusal (rules, reading.job, reading.fault);
  else
    *out_refusal =
        elves_job_message_body_refusal (rules, reading.job, reading.is_call, reading.fault);
  return ELVES_MESSAGE_REFUSED;
}
