/* The decided instants in the store: recorded before anything is published, marked when the broker
   has it, ended with the outcome. Each function submits a work. */
#pragma once

#include "cron/decision.h"
#include "cron/ledger.h"
#include "cron/plan.h"
#include "cron/token.h"

G_BEGIN_DECLS

/* One decision, of one schedule. */
typedef struct
{
  guint64 id;
  ElvesCronDecision decision;
  gboolean finishes; /* no instant comes after it */
} ElvesCronRecord;

/* What is to be published now: the task as it is in the store, and which of its instants. */
typedef struct
{
  guint64 id;
  gint64 planned_us;
  ElvesCronPlan *plan;
  char *token; /* (nullable) by which the execution may be reported */
  guint tries; /* of a callback, by earlier leaders */
} ElvesCronShot;

void elves_cron_shot_free (ElvesCronShot *self);
/* (transfer full): "ID:PLANNED", the key of the execution. */
char *elves_cron_key (const char *id, gint64 planned_us);
/* FALSE: not one of ours. */
gboolean elves_cron_key_rest_parse (const char *rest, gint64 *out_planned_us);

/* @shots: of ElvesCronShot, yours to steal from: of the instants that fire. What was recorded
   before, and what belongs to a task that is no longer started, is not among them. */
typedef void (*ElvesCronShotsFunc) (GPtrArray *shots, const GError *error, gpointer user_data);

/* @records: (transfer full) of ElvesCronRecord, in order of time. */
void elves_cron_firings_record (ElvesCronLedger *ledger,
                                GArray *records,
                                ElvesCronShotsFunc done,
                                gpointer user_data);
/* An instant that was queued fires. */
void elves_cron_firings_release (ElvesCronLedger *ledger,
                                 guint64 id,
                                 gint64 planned_us,
                                 ElvesCronShotsFunc done,
                                 gpointer user_data);

/* Which executions, as (id, planned_us) pairs. */
typedef struct
{
  guint64 id;
  gint64 planned_us;
} ElvesCronInstant;

typedef void (*ElvesCronMarkedFunc) (const GError *error, gpointer user_data);
/* The broker has them. @instants: (transfer full) of ElvesCronInstant. */
void elves_cron_firings_mark_sent (ElvesCronLedger *ledger,
                                   GArray *instants,
                                   ElvesCronMarkedFunc done,
                                   gpointer user_data);

/* What is known of an execution by now. */
typedef enum
{
  ELVES_CRON_STEP_END,       /* its outcome */
  ELVES_CRON_STEP_TRIED,     /* a try of a callback has failed; there may be another one */
  ELVES_CRON_STEP_DELIVERED, /* a callback was taken; how it ends will be reported */
} ElvesCronStep;

typedef struct
{
  ElvesCronStep step;
  char *id;
  gint64 planned_us; /* 0: not known which execution */
  gint64 ended_us;
  gboolean flag;
  char *error, *message;
  gint worker_flag, cost_ms;
  const char *reason;     /* (nullable) constant */
  char *attempt;          /* (nullable) a try, as JSON */
  guint number;           /* of this try, from 0 */
  guint http_status;      /* of it */
  gint64 report_until_us; /* of what was delivered */
} ElvesCronOutcome;

/* Reason of an execution that was not reported in time. */
#define ELVES_CRON_REPORT_TIMEOUT "report-timeout"

ElvesCronOutcome *elves_cron_outcome_copy (const ElvesCronOutcome *self);
void elves_cron_outcome_free (ElvesCronOutcome *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesCronOutcome, elves_cron_outcome_free)

/* @outcome: (transfer full). @is_news FALSE: the execution had its outcome, or there is no such
   task; no outcome was changed. */
typedef void (*ElvesCronEndedFunc) (const ElvesCronOutcome *outcome,
                                    gboolean is_news,
                                    const GError *error,
                                    gpointer user_data);
void elves_cron_firings_end (ElvesCronLedger *ledger,
                             ElvesCronOutcome *outcome,
                             ElvesCronEndedFunc done,
                             gpointer user_data);

/* In a work. @out_known: (nullable) whether there is such a task. */
gboolean elves_cron_firings_write_end (ElvesStoreTx *tx,
                                       const ElvesCronOutcome *outcome,
                                       gboolean *out_known,
                                       GError **error);

/* "SUCCESS", "FAILED", ...: how an execution is known to those who report it. */
const char *elves_cron_status_name (guint life, gboolean ok, const char *reason);

/* A firing besides the plan, at once; also of what is not started. @request: the fingerprint of
   who asks; the second of one fires nothing. Errors: NOT_FOUND. */
void elves_cron_firings_fire (ElvesCronLedger *ledger,
                              const char *id,
                              const char *owner,
                              const char *request,
                              ElvesCronShotsFunc done,
                              gpointer user_data);
/* Instead of a firing: a task is made that fires once, now. @shot: of the one that makes it,
   copied. The shot of the new one is called back with; none, if that firing is done already. */
void elves_cron_firings_spawn (ElvesCronLedger *ledger,
                               const ElvesCronShot *shot,
                               ElvesCronShotsFunc done,
                               gpointer user_data);

/* What an earlier leader has left. @shots: decided, and nobody knows whether they were published;
   @running: of ElvesCronInstant, sent; @queued: of ElvesCronInstant. The last two only of tasks
   whose executions may not overlap. */
typedef void (*ElvesCronOpenFunc) (GPtrArray *shots,
                                   GArray *running,
                                   GArray *queued,
                                   const GError *error,
                                   gpointer user_data);
void elves_cron_firings_open (ElvesCronLedger *ledger, ElvesCronOpenFunc done, gpointer user_data);

G_END_DECLS
