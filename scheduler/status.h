/* What the scheduler says about itself over HTTP: its numbers, and whether it works. */
#pragma once

#include "common/amqp.h"
#include "scheduler/agent-pool.h"
#include "scheduler/agent-table.h"
#include "scheduler/config.h"
#include "scheduler/job-table.h"

G_BEGIN_DECLS

typedef struct ElvesSchedulerStatus ElvesSchedulerStatus;

/* What it looks at; all of it must outlive the status. */
typedef struct
{
  const ElvesSchedulerConfig *config;
  ElvesAgentTable *agents;
  ElvesAgentPool *pool;
  ElvesJobTable *jobs;
  ElvesAmqpPublisher *publisher;
} ElvesSchedulerStatusParts;

ElvesSchedulerStatus *elves_scheduler_status_new (const ElvesSchedulerStatusParts *parts);
void elves_scheduler_status_free (ElvesSchedulerStatus *self);

G_END_DECLS
