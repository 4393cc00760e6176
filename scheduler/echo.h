/* The scheduler's messages to itself through the broker, and what it does when one does not come
   back. Every function takes NULL: there is no watchdog. */
#pragma once

#include "common/amqp.h"
#include "common/deadlines.h"
#include "scheduler/config.h"

G_BEGIN_DECLS

typedef struct ElvesEcho ElvesEcho;

ElvesEcho *elves_echo_new (ElvesDeadlines *deadlines,
                           const ElvesSchedulerConfig *config,
                           ElvesAmqpPublisher *publisher);
void elves_echo_free (ElvesEcho *self);

/* @consumer: (nullable) none is consuming. */
void elves_echo_set_consumer (ElvesEcho *self, ElvesAmqpConsumer *consumer);
void elves_echo_set_publishing (ElvesEcho *self, gboolean publishing);
/* Whether @delivery was such a message; it is then done with. */
gboolean elves_echo_take (ElvesEcho *self, const ElvesDelivery *delivery);

G_END_DECLS
