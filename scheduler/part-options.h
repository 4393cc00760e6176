/* What the parts of the scheduler are told, out of its configuration. Pure: every value is a plain
 * copy, its strings are the configuration's, which must outlive them. */
#pragma once

#include "common/job-message.h"
#include "common/thrift-server.h"
#include "scheduler/config.h"
#include "scheduler/dispatch.h"
#include "scheduler/errands.h"
#include "scheduler/intake.h"
#include "scheduler/keeper.h"

G_BEGIN_DECLS

ElvesMessageRules elves_part_options_rules (const ElvesSchedulerConfig *config);
ElvesAgentPoolOptions elves_part_options_pool (const ElvesSchedulerConfig *config);
ElvesErrandOptions elves_part_options_errands (const ElvesSchedulerConfig *config);
/* Of the server that takes results; whom it lets in is not in it. */
ElvesThriftServerOptions elves_part_options_server (const ElvesSchedulerConfig *config);
ElvesKeeperOptions elves_part_options_keeper (const ElvesSchedulerConfig *config,
                                              const char *dead_queue);
ElvesDispatchOptions elves_part_options_dispatch (const ElvesSchedulerConfig *config);
ElvesIntakeOptions elves_part_options_intake (const ElvesSchedulerConfig *config,
                                              const char *origin);

G_END_DECLS
