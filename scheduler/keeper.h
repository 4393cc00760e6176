/* The life of a job between its delivery and the acknowledgement of that: who may publish its
   outcome, and what is done while it takes its time. Main thread only. */
#pragma once

#include "common/deadlines.h"
#include "scheduler/dispatch.h"
#include "scheduler/job-table.h"
#include "scheduler/replies.h"

G_BEGIN_DECLS

typedef struct ElvesKeeper ElvesKeeper;

typedef struct
{
  const char *queue, *dead_queue;
  guint prefetch;
  guint ack_timeout_s;
  guint recheck_s;
  guint lost_after_s;
  guint grace_s;
  guint retry_first_ms, retry_cap_ms;
} ElvesKeeperOptions; /* strings must outlive it */

/* The delivery needs nothing more: acknowledge it. */
typedef void (*ElvesDeliveryDoneFunc) (guint64 epoch, guint64 tag, gpointer user_data);

ElvesKeeper *elves_keeper_new (ElvesDeadlines *deadlines,
                               const ElvesKeeperOptions *options,
                               ElvesJobTable *jobs,
                               ElvesReplies *replies,
                               ElvesDeliveryDoneFunc done,
                               gpointer user_data);
void elves_keeper_free (ElvesKeeper *self); /* after the pool and the publisher */
/* Before anything else: the two need each other. */
void elves_keeper_set_dispatch (ElvesKeeper *self, ElvesDispatch *dispatch);
extern const ElvesDispatchCallbacks elves_keeper_dispatch_callbacks; /* user_data: the keeper */

void elves_keeper_start (ElvesKeeper *self, ElvesFlight *flight); /* a new one */
/* Its message came again; takes @message. */
void elves_keeper_attach (ElvesKeeper *self, ElvesFlight *flight, ElvesDelivery *message);
void elves_keeper_on_ended (ElvesKeeper *self, ElvesFlight *flight); /* its outcome is confirmed */
/* Its outcome has not left. */
void
elves_keeper_on_taken_back (ElvesKeeper *self, ElvesFlight *flight, const ElvesOutcome *outcome);
/* FALSE: it may have been sent to its agent, which is to be asked. */
gboolean elves_keeper_cancel (ElvesKeeper *self, ElvesFlight *flight);
void elves_keeper_set_connected (ElvesKeeper *self, gboolean connected); /* to the broker */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesKeeper, elves_keeper_free)

G_END_DECLS
