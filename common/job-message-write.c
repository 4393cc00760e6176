/* ElvesOutcome -> bytes for the broker: the replies with mqbody, and the result casts
   (elves-amqp.md 4.3, 6.1-6.3). The replies of the flat form are in job-message-flat.c.

   Promises: valid JSON with exactly the members and types of the interface, whatever the worker
   wrote. Only a failure has more: "reason", machine-readable, and "detail", beside the error; and
   whoever asks for "timing" gets it. */
#include "common/job-message-private.h"
#include "common/json-writer.h"
#include "common/names.h"
#include "common/utf8.h"

#include <string.h>

#define DETAIL_LIMIT_BYTES 1024

/**
 * elves_publication_free:
 * @self: (nullable): the publication
 */
void
elves_publication_free (ElvesPublication *self)
{
  if (!self)
    return;
  g_free (self->exchange);
  g_free (self->routing_key);
  g_free (self->cc);
  g_free (self->content_type);
  g_free (self->content_encoding);
  g_free (self->correlation_id);
  g_free (self->reply_to);
  g_free (self->message_id);
  g_free (self->execution);
  g_free (self->task);
  g_bytes_unref (self->body);
  g_free (self);
}

/* Sends @body, which it takes, to the reply address of @job. */
ElvesPublication *
elves_job_message_publish_reply (const ElvesMessageRules *rules, const ElvesJob *job, GString *body)
{
  return elves_message_reply (rules, job->generation, &job->reply, body);
}

/* "reason" and "detail", if there are any. */
void
elves_job_message_add_cause (GString *out, const ElvesOutcome *outcome)
{
  if (outcome->reason != ELVES_REASON_NONE)
    elves_json_add_text (out, "reason", elves_reason_text (outcome->reason));
  if (!outcome->detail)
    return;
  g_autofree char *detail =
      elves_utf8_clean (outcome->detail, strlen (outcome->detail), DETAIL_LIMIT_BYTES, NULL);
  elves_json_add_text (out, "detail", detail);
}

/* What a request with "timing": true asked for: the microseconds that the scheduler had the job,
   and those of them in which it waited for the agent. */
void
elves_job_message_add_timing (GString *out, const ElvesJob *job, const ElvesOutcome *outcome)
{
  if (!job->wants_timing)
    return;
  elves_json_open (out, "timing");
  elves_json_add_number (out, "scheduler_us", MAX (outcome->ended_us - outcome->started_us, 0));
  elves_json_add_number (out, "agent_us", outcome->call_us);
  elves_json_close (out);
}

static void
add_worker (GString *out, const ElvesOutcome *outcome)
{
  elves_json_add_number (out, "worker_flag", outcome->worker_flag);
  if (outcome->worker_flag == -1)
    elves_job_message_add_cause (out, outcome);
  if (outcome->worker_message)
    elves_json_add_bytes (out, "worker_message", outcome->worker_message);
  elves_json_add_number (out, "worker_costtime", outcome->worker_cost_ms);
}

/* The member mqbody, open behind its flag, error and cause. */
static void
open_body (GString *out, const ElvesOutcome *outcome, const char *error_text)
{
  elves_json_open (out, "mqbody");
  elves_json_add_text (out, "flag", outcome->delivered ? "true" : "false");
  elves_json_add_text (out, "error", outcome->delivered ? "" : error_text);
  if (!outcome->delivered)
    elves_job_message_add_cause (out, outcome);
}

/* Room for the members and a worker message of the usual size. */
static GString *
new_body (const ElvesOutcome *outcome)
{
  gsize length = outcome->worker_message ? g_bytes_get_size (outcome->worker_message) : 0;
  return elves_json_begin (length + 512);
}

/* @error_text: of an outcome that was not delivered. */
static ElvesPublication *
write_reply (const ElvesMessageRules *rules,
             const ElvesJob *job,
             const ElvesOutcome *outcome,
             const char *error_text)
{
  GString *out = new_body (outcome);
  g_autofree char *key = g_strdup_printf ("%s.%s", job->to, job->from);
  elves_json_open (out, NULL);
  elves_json_add_text (out, "mqkey", key);
  elves_json_add_text (out, "mqflag", "cast");
  elves_json_add_text (out, "mqtype", "cast");
  open_body (out, outcome, error_text);
  if (outcome->delivered)
    {
      elves_json_open (out, "result");
      elves_json_add_text (out, "id", job->instruct->id);
      add_worker (out, outcome);
      elves_json_close (out);
    }
  elves_job_message_add_timing (out, job, outcome);
  elves_json_close (out);
  elves_json_close (out);
  return elves_job_message_publish_reply (rules, job, out);
}

/**
 * elves_job_message_reply:
 * @rules: what is configured
 * @job: a sync job
 * @outcome: what came of it
 *
 * Returns: (transfer full) (nullable): the reply in the generation of the request, or %NULL when
 * there is no address.
 */
ElvesPublication *
elves_job_message_reply (const ElvesMessageRules *rules,
                         const ElvesJob *job,
                         const ElvesOutcome *outcome)
{
  if (job->kind != ELVES_JOB_SYNC || !elves_job_has_reply_address (job))
    return NULL;
  if (job->generation == ELVES_GENERATION_FLAT)
    return elves_job_message_flat_reply (rules, job, outcome);
  return write_reply (rules, job, outcome, ELVES_ERROR_TEXT_SYNC);
}

/* The interface leaves an illegal request with mqbody unanswered, so that its caller runs into a
   time-out; we say what is wrong instead. @job is as far as it could be read. NULL: a cast of an
   async job, or nobody to answer. */
ElvesPublication *
elves_job_message_body_refusal (const ElvesMessageRules *rules,
                                const ElvesJob *job,
                                gboolean is_call,
                                const char *error_text)
{
  g_auto (ElvesOutcome) outcome;
  elves_outcome_init_failure (&outcome, ELVES_REASON_INVALID, NULL);
  if (!elves_job_has_reply_address (job) || (job->kind == ELVES_JOB_ASYNC && !is_call))
    return NULL;
  return write_reply (rules, job, &outcome, error_text);
}

static void
write_result (GString *out,
              const char *key,
              const char *id,
              const char *rand_id,
              const ElvesOutcome *outcome)
{
  elves_json_open (out, NULL);
  elves_json_add_text (out, "mqkey", key);
  elves_json_add_text (out, "mqtype", "cast");
  open_body (out, outcome, ELVES_ERROR_TEXT_ASYNC);
  elves_json_open (out, "result");
  elves_json_add_text (out, "id", id);
  if (rand_id)
    elves_json_add_text (out, "rand_id", rand_id);
  if (outcome->delivered)
    add_worker (out, outcome);
  elves_json_close (out);
  elves_json_close (out);
  elves_json_close (out);
}

/**
 * elves_job_message_result:
 * @rules: what is configured
 * @instruct: what was run: its type says who gets the result, its id what it is of
 * @rand_id: (nullable): of the execution
 * @outcome: what came of it
 *
 * Returns: (transfer full) (nullable): the cast to cron or queue; %NULL when the type is neither.
 */
ElvesPublication *
elves_job_message_result (const ElvesMessageRules *rules,
                          const ElvesInstruct *instruct,
                          const char *rand_id,
                          const ElvesOutcome *outcome)
{
  const char *routing_key, *key;
  if (g_ascii_strcasecmp (instruct->type, "cron") == 0)
    {
      routing_key = "scheduler.cron";
      key = "scheduler.cron.cronResult";
    }
  else if (g_ascii_strcasecmp (instruct->type, "queue") == 0)
    {
      routing_key = "scheduler.queue";
      key = "scheduler.queue.taskResult";
    }
  else
    return NULL;
  GString *out = new_body (outcome);
  write_result (out, key, instruct->id, rand_id, outcome);
  ElvesPublication *publication = elves_message_publication (rules, TRUE, out);
  publication->exchange = g_strdup (rules->exchange);
  publication->routing_key = g_strdup (routing_key);
  return publication;
}
