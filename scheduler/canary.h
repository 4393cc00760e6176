/* Does the whole path work? Every few seconds a no-op goes out to the broker, comes back, goes to
   an agent that is registered, and its answer through the broker again. Its times are metrics; a
   part that fails is counted, logged once, and nothing else: the watchdog mends. Every function
   takes NULL: there is no canary. */
#pragma once

#include "common/amqp.h"
#include "common/deadlines.h"
#include "scheduler/agent-pool.h"
#include "scheduler/agent-table.h"
#include "scheduler/config.h"

G_BEGIN_DECLS

typedef struct ElvesCanary ElvesCanary;

/* All must outlive it, but for the pool and the publisher, which go before. */
typedef struct
{
  ElvesDeadlines *deadlines;
  const ElvesSchedulerConfig *config;
  ElvesAmqpPublisher *publisher;
  ElvesAgentTable *agents;
  ElvesAgentPool *pool;
} ElvesCanaryParts;

ElvesCanary *elves_canary_new (const ElvesCanaryParts *parts);
void elves_canary_free (ElvesCanary *self);
/* @consumer: (nullable) none is consuming. */
void elves_canary_set_consumer (ElvesCanary *self, ElvesAmqpConsumer *consumer);
/* Whether @delivery was one of its messages; it is then done with. */
gboolean elves_canary_take (ElvesCanary *self, const ElvesDelivery *delivery);

G_END_DECLS
