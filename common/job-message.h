/* The three generations of JSON messages <-> ElvesJob / ElvesOutcome. Pure: bytes in, bytes out.
   Nothing else in the code knows about generations. Source: elves-amqp.md sections 4, 6, 9, 10. */
#pragma once

#include "common/job.h"

G_BEGIN_DECLS

/* What the parser must know that is not in the message. */
typedef struct
{
  const char *exchange;       /* replies of flat and call.ID messages go here */
  guint default_timeout_s;    /* 90 */
  gboolean legacy_timeout_ms; /* flat form: the number is milliseconds, rounded up to seconds */
  gsize max_message_bytes;
  const char *reply_content_type; /* (nullable) instead of the interface's */
} ElvesMessageRules;

/* AMQP properties of a request that matter; each nullable. */
typedef struct
{
  const char *reply_to;
  const char *correlation_id;
  const char *message_id;
} ElvesMessageProperties;

/* Something to publish. */
typedef struct
{
  char *exchange;
  char *routing_key;
  char *cc; /* (nullable) */
  char *content_type;
  char *content_encoding; /* (nullable) */
  char *correlation_id;   /* (nullable) */
  char *reply_to;         /* (nullable) */
  char *message_id;       /* (nullable) */
  char *execution;        /* (nullable) header of our own: the key of the job's execution */
  char *task;             /* (nullable) header: the id of the timed task it is from */
  gint64 planned_s;       /* with it: the instant it was planned for, unix seconds */
  gboolean is_again;      /* a job's message, published again: the header with the next is sent */
  guint attempts;
  guint expiration_ms; /* the broker drops it when nobody has taken it by then; 0: never */
  GBytes *body;
} ElvesPublication;

void elves_publication_free (ElvesPublication *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesPublication, elves_publication_free)

typedef enum
{
  ELVES_MESSAGE_JOB,     /* *out_job is set */
  ELVES_MESSAGE_REFUSED, /* understood, but not a job: error says why; *out_refusal is what to
                            answer, NULL: nothing */
  ELVES_MESSAGE_DROPPED  /* not a message of ours: error says why */
} ElvesMessageVerdict;

/* A job that is @job in the verdict JOB. Error texts of flat refusals: elves-amqp.md 6.5. */
ElvesMessageVerdict elves_job_message_parse (const ElvesMessageRules *rules,
                                             const ElvesMessageProperties *properties,
                                             const void *bytes,
                                             gsize length,
                                             ElvesJob **out_job,
                                             ElvesPublication **out_refusal,
                                             GError **error);

/* The reply of a sync job. NULL: there is nobody to answer. */
ElvesPublication *elves_job_message_reply (const ElvesMessageRules *rules,
                                           const ElvesJob *job,
                                           const ElvesOutcome *outcome);
/* The answer of a flat async call after the agent took it, or could not be reached. NULL: none
 * wanted. */
ElvesPublication *elves_job_message_acceptance (const ElvesMessageRules *rules,
                                                const ElvesJob *job,
                                                const ElvesOutcome *outcome);
/* The result cast of an async job. @instruct: as the agent sent it back, or the job's; @rand_id:
   (nullable). NULL: type is neither cron nor queue. */
ElvesPublication *elves_job_message_result (const ElvesMessageRules *rules,
                                            const ElvesInstruct *instruct,
                                            const char *rand_id,
                                            const ElvesOutcome *outcome);

G_END_DECLS
