/* The scheduler's two connections to RabbitMQ, and the two that look whether they work: echo and
 * canary. What a message means others know. Main thread only. Callbacks come from the loop, never
 * from inside a call of ours, and none comes after _close_consumer(). */
#pragma once

#include "common/amqp.h"
#include "common/deadlines.h"
#include "scheduler/agent-pool.h"
#include "scheduler/agent-table.h"
#include "scheduler/config.h"

G_BEGIN_DECLS

typedef struct ElvesSchedulerBroker ElvesSchedulerBroker;

/* All must outlive it, but for the pool, which goes before. */
typedef struct
{
  const ElvesSchedulerConfig *config;
  const char *dead_queue;
  ElvesPoller *poller;
  ElvesDeadlines *deadlines;
  ElvesAgentTable *agents; /* this and the pool: for the canary */
  ElvesAgentPool *pool;
} ElvesSchedulerBrokerParts;

typedef struct
{
  void (*delivered) (ElvesDelivery *delivery, gpointer user_data); /* @delivery is yours */
  void (*consuming) (gpointer user_data); /* again, or for the first time */
  /* Not consuming, or another attempt failed. @epoch: whose deliveries can no longer be
     acknowledged; 0: there are none. */
  void (*lost) (guint64 epoch, gpointer user_data);
  void (*cancelled) (gpointer user_data); /* after _cancel(): no delivery follows */
} ElvesSchedulerBrokerCallbacks;

/* Begins to publish. */
ElvesSchedulerBroker *elves_scheduler_broker_new (const ElvesSchedulerBrokerParts *parts,
                                                  const ElvesSchedulerBrokerCallbacks *callbacks,
                                                  gpointer user_data);
/* NULL is fine. Who may still be told of publications is freed after it, the status before. */
void elves_scheduler_broker_free (ElvesSchedulerBroker *self);

ElvesAmqpPublisher *
elves_scheduler_broker_publisher (ElvesSchedulerBroker *self);    /* still its own */
void elves_scheduler_broker_consume (ElvesSchedulerBroker *self); /* once is enough */
void elves_scheduler_broker_ack (ElvesSchedulerBroker *self, guint64 epoch, guint64 tag);
void elves_scheduler_broker_cancel (ElvesSchedulerBroker *self); /* consumes no more; acks go on */
/* Sends the last acknowledgements; the broker takes the rest back. NULL is fine. */
void elves_scheduler_broker_close_consumer (ElvesSchedulerBroker *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesSchedulerBroker, elves_scheduler_broker_free)

G_END_DECLS
