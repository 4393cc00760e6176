/* The replies of the flat form (elves-amqp.md 4.5, 6.4, 6.5): to a sync job, to an async job that
   was handed to its agent, and to either when it was refused.

   The members of "data" are always all present, with the values of the request where there is
   nothing else to say. No processor is run by the scheduler, so processor_sync_* stays empty. */
#include "common/job-message-private.h"
#include "common/json-writer.h"
#include "common/names.h"

#include <time.h>

/* Of an async job that its agent has taken. */
#define RESULT_FLAG_RUNNING 2

/* What the head and the first members of "data" say. */
typedef struct
{
  const char *error;      /* "" is success */
  const char *sync_error; /* of the delivery to the agent */
} Texts;

static void
open_reply (GString *out, const ElvesJob *job, const char *error)
{
  g_autofree char *key = g_strjoin (".", job->to, job->from, job->action, job->correlation, NULL);
  elves_json_open (out, NULL);
  elves_json_add_text (out, "mqkey", key);
  elves_json_add_text (out, "mqtype", "cast");
  elves_json_add_text (out, "mqflag", *error == '\0' ? "1" : "0");
  elves_json_add_text (out, "mqerror", error);
  elves_json_open (out, "data");
  elves_json_add_number (out, "flag", *error == '\0' ? 0 : 1);
  elves_json_add_text (out, "error", error);
}

static ElvesPublication *
close_reply (const ElvesMessageRules *rules, const ElvesJob *job, GString *out)
{
  elves_json_close (out);
  elves_json_close (out);
  return elves_job_message_publish_reply (rules, job, out);
}

static void
add_request (GString *out, const ElvesJob *job)
{
  const ElvesInstruct *instruct = job->instruct;
  elves_json_add_text (out, "log_id", instruct->id);
  elves_json_add_text (out, "agent_ip", instruct->ip);
  elves_json_add_text (out, "mode", job->mode);
  elves_json_add_text (out, "app", instruct->app);
  elves_json_add_text (out, "func", instruct->func);
  elves_json_add_bytes (out, "param", instruct->param);
  elves_json_add_number (out, "timeout", instruct->timeout_s);
  elves_json_add_text (out, "proxy", instruct->proxy);
}

/* Local time, yyyy-MM-dd HH:mm:ss. Many replies name the same second. */
static void
add_time (GString *out, const char *name, gint64 time_us)
{
  static _Thread_local char text[64];
  static _Thread_local time_t seconds_of_text = -1;
  time_t seconds = (time_t) (time_us / G_USEC_PER_SEC);
  struct tm parts;
  if (seconds != seconds_of_text &&
      (!localtime_r (&seconds, &parts) || strftime (text, sizeof text, "%F %T", &parts) == 0))
    *text = '\0';
  seconds_of_text = seconds;
  elves_json_add_text (out, name, text);
}

static void
add_delivery (GString *out, const ElvesOutcome *outcome, const char *sync_error)
{
  elves_json_add_number (out, "agent_sync_flag", outcome->delivered ? 1 : 0);
  elves_json_add_text (out, "agent_sync_error", sync_error);
  elves_json_add_number (out, "agent_sync_costtime", outcome->call_ms);
}

static ElvesPublication *
write_sync (const ElvesMessageRules *rules,
            const ElvesJob *job,
            const ElvesOutcome *outcome,
            Texts texts)
{
  gboolean is_success = outcome->delivered && outcome->worker_flag == 1;
  GString *out = elves_json_begin (1024);
  open_reply (out, job, texts.error);
  add_request (out, job);
  add_time (out, "starttime", outcome->started_us);
  add_delivery (out, outcome, texts.sync_error);
  elves_json_add_bytes (out, "worker_message", outcome->worker_message);
  elves_json_add_number (out, "worker_costtime", outcome->worker_cost_ms);
  elves_json_add_number (out, "processor_sync_flag", 0);
  elves_json_add_text (out, "processor_sync_error", "");
  elves_json_add_number (out, "processor_sync_costtime", 0);
  add_time (out, "endtime", outcome->ended_us);
  elves_json_add_number (out, "result_flag", is_success ? 1 : 0);
  if (!outcome->delivered || outcome->worker_flag == -1)
    elves_job_message_add_cause (out, outcome);
  elves_job_message_add_timing (out, job, outcome);
  return close_reply (rules, job, out);
}

static ElvesPublication *
write_async (const ElvesMessageRules *rules,
             const ElvesJob *job,
             const ElvesOutcome *outcome,
             Texts texts)
{
  GString *out = elves_json_begin (512);
  open_reply (out, job, texts.error);
  elves_json_add_text (out, "id", job->instruct->id);
  elves_json_add_text (out, "rand_id", job->rand_id);
  add_delivery (out, outcome, texts.sync_error);
  elves_json_add_number (out, "result_flag", outcome->delivered ? RESULT_FLAG_RUNNING : 0);
  if (!outcome->delivered)
    elves_job_message_add_cause (out, outcome);
  return close_reply (rules, job, out);
}

/* To a sync job that has an address. */
ElvesPublication *
elves_job_message_flat_reply (const ElvesMessageRules *rules,
                              const ElvesJob *job,
                              const ElvesOutcome *outcome)
{
  const char *error = outcome->delivered ? "" : ELVES_ERROR_TEXT_SYNC;
  return write_sync (rules, job, outcome, (Texts){ error, error });
}

/**
 * elves_job_message_acceptance:
 * @rules: what is configured
 * @job: an async job
 * @outcome: of the delivery only; what the worker says comes later, as a result
 *
 * Returns: (transfer full) (nullable): the answer, or %NULL when none is wanted.
 */
ElvesPublication *
elves_job_message_acceptance (const ElvesMessageRules *rules,
                              const ElvesJob *job,
                              const ElvesOutcome *outcome)
{
  if (!job->wants_acceptance)
    return NULL;
  const char *error = outcome->delivered ? "" : ELVES_ERROR_TEXT_ASYNC;
  return write_async (rules, job, outcome, (Texts){ error, error });
}

/* @job is as far as it could be read. NULL: nobody waits for an answer. */
ElvesPublication *
elves_job_message_flat_refusal (const ElvesMessageRules *rules,
                                const ElvesJob *job,
                                const char *error_text)
{
  g_auto (ElvesOutcome) outcome;
  elves_outcome_init_failure (&outcome, ELVES_REASON_INVALID, NULL);
  Texts texts = { error_text, "" };
  if (job->kind == ELVES_JOB_SYNC)
    return write_sync (rules, job, &outcome, texts);
  return job->wants_acceptance ? write_async (rules, job, &outcome, texts) : NULL;
}
