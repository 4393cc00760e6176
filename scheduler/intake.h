/* Deliveries in: each becomes a flight, an answer that says what is wrong with it, or a counted
 * drop. */
#pragma once

#include "common/amqp.h"
#include "scheduler/desk.h"
#include "scheduler/keeper.h"
#include "scheduler/replies.h"

G_BEGIN_DECLS

typedef struct ElvesIntake ElvesIntake;

typedef struct
{
  const char *origin;   /* "host:port" where agents shall report to */
  const char *queue;    /* where messages are published again */
  guint max_attempts;   /* given out again more often, a message is put aside */
  gint32 seen_within_s; /* how long ago a message given out again can have been delivered */
} ElvesIntakeOptions;   /* strings are copied */

ElvesIntake *elves_intake_new (const ElvesMessageRules *rules,
                               const ElvesIntakeOptions *options,
                               ElvesJobTable *jobs,
                               ElvesKeeper *keeper,
                               ElvesReplies *replies,
                               ElvesDesk *desk,
                               ElvesDeliveryDoneFunc done,
                               gpointer user_data);
void elves_intake_free (ElvesIntake *self); /* after the publisher behind @replies */
void elves_intake_take (ElvesIntake *self, ElvesDelivery *delivery); /* takes it */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesIntake, elves_intake_free)

G_END_DECLS
