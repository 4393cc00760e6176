/* The row of a queue: what it counts, what it allows. Read, changed in memory and written back
 * within one transaction, by the one process that has the store. On the store's thread. */
#pragma once

#include "queue/changes.h"

G_BEGIN_DECLS

typedef struct
{
  ElvesQueueState state;
  ElvesOnFailure on_failure;
  gint64 tasks, bytes;
  gint64 running, succeeded, failed, cancelled, stopped, skipped; /* tasks; the rest is pendding */
  gint64 changes;                                                 /* number of the last change */
  gint64 width, stagger_ms;                                       /* 0: no limit */
  gint64 max_failures;                                            /* -1: no limit */
  gint64 next_start_ms;                                           /* not before */
  gint64 wake_ms;               /* tasks are ready, and wait for next_start_ms; 0: none */
  gint64 ended_ms;              /* 0: not yet */
  char *made_by, *committed_by; /* (nullable) */
} ElvesQueueAccount;

void elves_queue_account_clear (ElvesQueueAccount *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ElvesQueueAccount, elves_queue_account_clear)

/* *out_verdict: DONE when there is one, else NO_QUEUE. */
gboolean elves_queue_account_read (ElvesStoreTx *tx,
                                   const char *queue_id,
                                   ElvesQueueAccount *out_account,
                                   ElvesQueueVerdict *out_verdict,
                                   GError **error);
/* One running task less, and its change is counted; read then, in one way to the database and back.
 */
gboolean elves_queue_account_end_one (ElvesStoreTx *tx,
                                      const char *queue_id,
                                      ElvesQueueEnding ending,
                                      ElvesQueueAccount *out_account,
                                      GError **error);
gboolean elves_queue_account_write (ElvesStoreTx *tx,
                                    const char *queue_id,
                                    const ElvesQueueAccount *account,
                                    GError **error);

/* Queues that have not ended. */
gboolean elves_queue_count_open (ElvesStoreTx *tx, gint64 *out_open, GError **error);

gint64 elves_queue_account_pendding (const ElvesQueueAccount *self);

G_END_DECLS
