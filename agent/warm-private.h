/* What calls, workers and pools know of each other, and nobody else. */
#pragma once

#include "agent/runner.h"
#include "agent/warm.h"

G_BEGIN_DECLS

typedef struct ElvesWarmWorker ElvesWarmWorker;

struct ElvesWarmCall
{
  ElvesWarmPool *pool;
  ElvesInstruct *instruct;
  guint timeout_s; /* 0: none */
  const ElvesWarmCallbacks *callbacks;
  gpointer user_data;

  ElvesWarmWorker *worker; /* (nullable) that keeps a place for it, or has it */
  GList link;              /* in the pool's waiting, or the worker's calls; data NULL: in neither */
  guint64 number;          /* on the line; 0: it was not sent */
  gboolean announced;      /* the owner knows that it has a place */
  gboolean send_wanted;    /* as soon as it has one again */
  gboolean timed_out, cancelled;
  gint64 sent_us;
  ElvesDeadline deadline;
  ElvesReinstruct *result; /* (nullable) to be told when the deadline comes: now */
};

/* warm-call.c */
void elves_warm_call_place (ElvesWarmCall *self, ElvesWarmWorker *worker);
void elves_warm_call_end (ElvesWarmCall *self, ElvesReinstruct *result);
void elves_warm_call_end_later (ElvesWarmCall *self, ElvesReinstruct *result);

/* warm-worker.c. How a worker began and ended. */
typedef struct
{
  gboolean was_ready, has_answered;
  gboolean was_meant;    /* we let it end */
  gboolean is_missing;   /* there is no such program */
  const char *text;      /* why it ended, for people */
  const char *diagnosis; /* the same, with the end of its error output */
} ElvesWarmEnd;

ElvesWarmWorker *
elves_warm_worker_new (ElvesWarmPool *pool, const ElvesWarmParts *parts, ElvesCommand *command);
void elves_warm_worker_free (ElvesWarmWorker *self);                /* NULL is fine; kills it */
gboolean elves_warm_worker_is_usable (const ElvesWarmWorker *self); /* may get calls, now or soon */
gboolean elves_warm_worker_is_starting (const ElvesWarmWorker *self); /* not ready yet */
gboolean elves_warm_worker_has_place (const ElvesWarmWorker *self);
gboolean elves_warm_worker_is_idle (const ElvesWarmWorker *self);
guint elves_warm_worker_concurrency (const ElvesWarmWorker *self);
const ElvesCell *elves_warm_worker_cell (const ElvesWarmWorker *self);
void elves_warm_worker_retire (ElvesWarmWorker *self);
void elves_warm_worker_stop (ElvesWarmWorker *self, const char *why);
void elves_warm_worker_add (ElvesWarmWorker *self, ElvesWarmCall *call);
void elves_warm_worker_remove (ElvesWarmWorker *self, ElvesWarmCall *call);
void elves_warm_worker_send (ElvesWarmWorker *self, ElvesWarmCall *call);

/* warm-answer.c */
ElvesReinstruct *elves_warm_answer (const ElvesAgentConfig *config,
                                    const ElvesWarmCall *call,
                                    gboolean flag,
                                    GBytes *result);
ElvesReinstruct *elves_warm_answer_of_end (const ElvesAgentConfig *config,
                                           const ElvesWarmCall *call,
                                           const ElvesRunResult *run);
ElvesReinstruct *elves_warm_answer_of_fault (const ElvesWarmCall *call,
                                             ElvesReason reason,
                                             const char *what,
                                             const ElvesRunResult *run);

/* warm-pool.c */
ElvesWarmPool *elves_warm_pool_new (ElvesWarm *warm, const ElvesWarmParts *parts, const char *app);
void elves_warm_pool_free (ElvesWarmPool *self);
void elves_warm_pool_set (ElvesWarmPool *self,
                          const ElvesAppEntry *entry,
                          guint max_workers,
                          guint max_calls);
void elves_warm_pool_renew (ElvesWarmPool *self);
gboolean elves_warm_pool_retire_idle (ElvesWarmPool *self);
const ElvesWarmParts *elves_warm_pool_parts (const ElvesWarmPool *self);
guint elves_warm_pool_max_calls (const ElvesWarmPool *self);
void elves_warm_pool_join (ElvesWarmPool *self, ElvesWarmCall *call, gboolean first);
void elves_warm_pool_leave (ElvesWarmPool *self, ElvesWarmCall *call);
ElvesWarm *elves_warm_pool_warm (const ElvesWarmPool *self);
void elves_warm_pool_serve (ElvesWarmPool *self);
void
elves_warm_pool_on_ended (ElvesWarmPool *self, ElvesWarmWorker *worker, const ElvesWarmEnd *end);

/* warm.c */
gboolean elves_warm_may_start (ElvesWarm *self);
void elves_warm_serve (ElvesWarm *self);
void elves_warm_count_worker (ElvesWarm *self, int change);

G_END_DECLS
