/* Asks the scheduler to cancel running tasks: those that the tables say are to end. Asks again,
 * after longer and longer, until the result of each has come: whatever was answered may be lost, a
 * job may not have reached its agent yet, and the scheduler that was asked may not be the one that
 * has it. */
#pragma once

#include "common/caller.h"
#include "common/store.h"

G_BEGIN_DECLS

typedef struct ElvesQueueCanceller ElvesQueueCanceller;

enum
{
  ELVES_CANCELLER_CALLS = 256 /* that wait for an answer */
};

typedef struct
{
  ElvesStore *store; /* these outlive it */
  ElvesCaller *caller;
} ElvesQueueCancellerOptions;

ElvesQueueCanceller *elves_queue_canceller_new (const ElvesQueueCancellerOptions *options);
/* After the caller and the store, which may still call it. */
void elves_queue_canceller_free (ElvesQueueCanceller *self);
/* There may be something to cancel. */
void elves_queue_canceller_kick (ElvesQueueCanceller *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesQueueCanceller, elves_queue_canceller_free)

G_END_DECLS
