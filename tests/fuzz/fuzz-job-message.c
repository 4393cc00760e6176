/* Any bytes as a message: there is a verdict, and whatever is answered is valid JSON.

   The first byte of the input chooses the properties and rules, the rest is the body; the whole
   input is also what the worker says. */
#include "common/job-message.h"
#include "common/json-reader.h"
#include "tests/fuzz/fuzz.h"

static void
check_publication (ElvesPublication *publication)
{
  if (!publication)
    return;
  gsize length;
  g_autoptr (GError) error = NULL;
  const char *text = g_bytes_get_data (publication->body, &length);
  g_autoptr (ElvesJsonObject) object = elves_json_object_parse (text, length, &error);
  g_assert_no_error (error);
  g_assert_nonnull (object);
  g_assert_true (publication->exchange && publication->routing_key && publication->content_type);
  elves_publication_free (publication);
}

static void
check_texts (const ElvesJob *job)
{
  const ElvesInstruct *instruct = job->instruct;
  gsize length;
  const char *param = g_bytes_get_data (instruct->param, &length);
  const char *texts[] = { instruct->id,  instruct->ip,   instruct->type,  instruct->mode,
                          instruct->app, instruct->func, instruct->proxy, job->mode,
                          job->from,     job->to };
  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    g_assert_true (g_utf8_validate (texts[i], -1, NULL));
  g_assert_true (length == 0 || g_utf8_validate_len (param, length, NULL));
  g_assert_true (instruct->timeout_s >= 0);
  g_assert_true (!instruct->execution || g_utf8_validate (instruct->execution, -1, NULL));
}

static void
answer (const ElvesMessageRules *rules, const ElvesJob *job, const ElvesOutcome *outcome)
{
  check_publication (elves_job_message_reply (rules, job, outcome));
  check_publication (elves_job_message_acceptance (rules, job, outcome));
  check_publication (elves_job_message_result (rules, job->instruct, job->rand_id, outcome));
}

static void
answer_all (const ElvesMessageRules *rules, const ElvesJob *job, const uint8_t *data, size_t size)
{
  g_autoptr (ElvesReinstruct) reinstruct = elves_reinstruct_new (job->instruct);
  reinstruct->flag = (gint32) (data[0] % 3) - 1;
  reinstruct->reason = ELVES_REASON_TIMEOUT;
  reinstruct->result = g_bytes_new (data, size);
  g_auto (ElvesOutcome) answered = { 0 };
  elves_outcome_init_answer (&answered, reinstruct);
  answer (rules, job, &answered);

  g_autofree char *detail = g_strndup ((const char *) data, size);
  g_auto (ElvesOutcome) failed = { 0 };
  elves_outcome_init_failure (&failed, ELVES_REASON_UNREACHABLE, detail);
  answer (rules, job, &failed);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  if (size == 0)
    return 0;
  ElvesMessageRules rules = { .exchange = "elves",
                              .default_timeout_s = 90,
                              .legacy_timeout_ms = data[0] & 1,
                              .max_message_bytes = 65536 };
  ElvesMessageProperties properties = { .reply_to = data[0] & 2 ? "amq.gen-1" : NULL,
                                        .correlation_id = data[0] & 4 ? "c" : NULL,
                                        .message_id = data[0] & 8 ? "m" : NULL };
  g_autoptr (ElvesJob) job = NULL;
  ElvesPublication *refusal = NULL;
  g_autoptr (GError) error = NULL;
  ElvesMessageVerdict verdict =
      elves_job_message_parse (&rules, &properties, data + 1, size - 1, &job, &refusal, &error);
  g_assert_true ((verdict == ELVES_MESSAGE_JOB) == (job != NULL));
  g_assert_true ((verdict == ELVES_MESSAGE_JOB) == (error == NULL));
  g_assert_true (verdict == ELVES_MESSAGE_REFUSED || !refusal);
  check_publication (refusal);
  if (job)
    {
      check_texts (job);
      answer_all (&rules, job, data, size);
    }
  return 0;
}
