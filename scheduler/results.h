/* SchedulerService: agents report the results of async jobs here. */
#pragma once

#include "common/thrift-server.h"
#include "scheduler/job-table.h"
#include "scheduler/replies.h"

G_BEGIN_DECLS

typedef struct ElvesResults ElvesResults;

ElvesResults *elves_results_new (ElvesPoller *poller,
                                 const ElvesThriftServerOptions *options,
                                 ElvesJobTable *jobs,
                                 ElvesReplies *replies,
                                 GError **error);
void elves_results_free (ElvesResults *self); /* after the publisher behind @replies */
void elves_results_stop_listening (ElvesResults *self);
guint16 elves_results_port (ElvesResults *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesResults, elves_results_free)

G_END_DECLS
