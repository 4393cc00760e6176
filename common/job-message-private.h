/* Between the files of job-message only. */
#pragma once

#include "common/message-head.h"

G_BEGIN_DECLS

/* One message on its way to a job. */
typedef struct
{
  const ElvesMessageRules *rules;
  const ElvesMessageProperties *properties;
  ElvesMessageHead head;
  ElvesJob *job;
  const char *fault; /* (nullable) text of the first bad field */
} ElvesJobReading;

/* Reading, job-message-fields.c */
void elves_job_message_read_fields (ElvesJobReading *reading);

/* Writing, job-message-write.c */
ElvesPublication *elves_job_message_publish_reply (const ElvesMessageRules *rules,
                                                   const ElvesJob *job,
                                                   GString *body);
void elves_job_message_add_cause (GString *out, const ElvesOutcome *outcome);
void elves_job_message_add_timing (GString *out, const ElvesJob *job, const ElvesOutcome *outcome);

ElvesPublication *elves_job_message_body_refusal (const ElvesMessageRules *rules,
                                                  const ElvesJob *job,
                                                  gboolean is_call,
                                                  const char *error_text);

/* The flat form, job-message-flat.c. @error_text: "" is success. */
ElvesPublication *elves_job_message_flat_reply (const ElvesMessageRules *rules,
                                                const ElvesJob *job,
                                                const ElvesOutcome *outcome);
ElvesPublication *elves_job_message_flat_refusal (const ElvesMessageRules *rules,
                                                  const ElvesJob *job,
                                                  const char *error_text);

G_END_DECLS
