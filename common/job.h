/* One request to run a function, whatever generation of message asked for it, and what came of it.
 */
#pragma once

#include "common/instruct.h"

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  ELVES_GENERATION_FLAT,    /* L1: four-part mqkey, flat members */
  ELVES_GENERATION_CALL_ID, /* L2: three parts, mqtype call.ID */
  ELVES_GENERATION_REPLY_TO /* L3: three parts, mqtype call or cast */
} ElvesGeneration;

typedef enum
{
  ELVES_JOB_SYNC,
  ELVES_JOB_ASYNC
} ElvesJobKind;

/* Where an answer goes; all NULL: nowhere. */
typedef struct
{
  char *exchange; /* "" is the default exchange */
  char *routing_key;
  char *cc;             /* (nullable) one more routing key, sent as the CC header */
  char *correlation_id; /* (nullable) copied from the request */
} ElvesReplyAddress;

void elves_reply_address_clear (ElvesReplyAddress *self); /* frees what it holds */

/* Immutable after the parser made it; reference-counted. */
typedef struct
{
  ElvesGeneration generation;
  ElvesJobKind kind;
  char *from, *to, *action; /* the words of mqkey */
  char *correlation;        /* (nullable) the ID of mqkey (flat) or of mqtype (call.ID) */
  ElvesReplyAddress reply;
  gboolean wants_acceptance; /* flat async with mqtype call and a reply address */
  char *mode;                /* as the asker wrote it: echoed */
  char *rand_id;             /* (nullable) flat async */
  gboolean wants_timing;     /* the reply says where the time went */
  guint retries;             /* tried so often again when it provably never started */
  ElvesInstruct
      *instruct; /* what goes to the agent: mode mapped, timeout effective, execution key set */
} ElvesJob;

ElvesJob *elves_job_new (void);
ElvesJob *elves_job_ref (ElvesJob *self);
void elves_job_unref (ElvesJob *self);
gboolean elves_job_has_reply_address (const ElvesJob *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesJob, elves_job_unref)

/* 16 upper-case hex digits, as the original makes them (elves-amqp.md section 8). */
char *elves_job_new_id (void);

/* What came of a job. */
typedef struct
{
  gboolean delivered; /* the agent answered; else reason says why not */
  ElvesReason reason; /* cause when not delivered, or when flag is -1 */
  char *detail;       /* (nullable) for the log and the member "detail": which step, which peer */
  gint32 worker_flag;
  gint32 worker_cost_ms;
  GBytes *worker_message; /* (nullable) */
  gint64 started_us;      /* wall clock, microseconds since the epoch */
  gint64 ended_us;
  gint32 call_ms; /* of the Thrift call */
  gint64 call_us; /* the same; 0: there was none */
} ElvesOutcome;

void elves_outcome_init_failure (ElvesOutcome *self, ElvesReason reason, const char *detail);
void elves_outcome_init_answer (ElvesOutcome *self, const ElvesReinstruct *answer);
void elves_outcome_copy (ElvesOutcome *self, const ElvesOutcome *other);
void elves_outcome_clear (ElvesOutcome *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ElvesOutcome, elves_outcome_clear)

G_END_DECLS
