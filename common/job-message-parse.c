/* Bytes from the broker -> ElvesJob, or the reason why not (elves-amqp.md sections 4, 9, 10).

   The three generations of messages differ in their head (message-head.c) and in which fields are
   mandatory (job-message-fields.c). Here: which action it is, and what verdict.

   Promises: any input has a verdict; every text of the job is valid UTF-8 without NUL. Does not
   look at whether the agent exists. */
#include "common/error.h"
#include "common/job-message-private.h"

#include <string.h>

static void
job_reading_clear (ElvesJobReading *reading)
{
  elves_message_head_clear (&reading->head);
  elves_job_unref (reading->job);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ElvesJobReading, job_reading_clear)

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

/* What the job keeps of its message's head. */
static void
take_head (ElvesJobReading *reading)
{
  ElvesMessageHead *head = &reading->head;
  ElvesJob *job = reading->job;
  job->generation = head->generation;
  job->from = g_steal_pointer (&head->from);
  job->to = g_steal_pointer (&head->to);
  job->action = g_steal_pointer (&head->action);
  job->correlation = g_steal_pointer (&head->correlation);
  job->reply = head->reply;
  memset (&head->reply, 0, sizeof head->reply);
}

static gboolean
read_head (ElvesJobReading *reading, const void *bytes, gsize length, GError **error)
{
  ElvesJob *job = reading->job;
  if (!elves_message_head_read (&reading->head, reading->rules, reading->properties, bytes, length,
                                error))
    return FALSE;
  take_head (reading);
  if (!read_action (reading, error))
    return FALSE;
  job->wants_acceptance = job->generation == ELVES_GENERATION_FLAT &&
                          job->kind == ELVES_JOB_ASYNC && reading->head.is_call &&
                          elves_job_has_reply_address (job);
  return TRUE;
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
  if (!read_head (&reading, bytes, length, error))
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
        elves_job_message_body_refusal (rules, reading.job, reading.head.is_call, reading.fault);
  return ELVES_MESSAGE_REFUSED;
}
