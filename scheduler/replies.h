/* What goes back to the askers, and the end of a job: publish, be confirmed, acknowledge. */
#pragma once

#include "common/amqp.h"
#include "scheduler/flight.h"

G_BEGIN_DECLS

typedef struct ElvesReplies ElvesReplies;

/* The flight's outcome is confirmed (or there was nobody to tell): acknowledge its delivery. */
typedef void (*ElvesFlightEndedFunc) (ElvesFlight *flight, gpointer user_data);
/* The flight's @outcome has not left: its message may be with somebody else, who says something
   else. It is to be held. */
typedef void (*ElvesFlightTakenBackFunc) (ElvesFlight *flight,
                                          const ElvesOutcome *outcome,
                                          gpointer user_data);
/* @routed FALSE: it reached no queue. */
typedef void (*ElvesReplyDoneFunc) (gboolean routed, gpointer user_data);

typedef struct
{
  ElvesFlightEndedFunc ended;
  ElvesFlightTakenBackFunc taken_back;
} ElvesRepliesCallbacks;

ElvesReplies *elves_replies_new (ElvesAmqpPublisher *publisher,
                                 const ElvesMessageRules *rules,
                                 const ElvesRepliesCallbacks *callbacks,
                                 gpointer user_data);
void elves_replies_free (ElvesReplies *self); /* after the publisher */

/* A flat async job was taken (@outcome delivered), or not. Nothing for all others. */
void
elves_replies_acceptance (ElvesReplies *self, ElvesFlight *flight, const ElvesOutcome *outcome);
/* The job's outcome: a sync reply, or the result cast of an async job. */
void elves_replies_outcome (ElvesReplies *self, ElvesFlight *flight, const ElvesOutcome *outcome);
/* The result of an async job as its agent reported it, for all @flights (perhaps none) that wait
   for it; @done when it is confirmed. */
void elves_replies_result (ElvesReplies *self,
                           GPtrArray *flights,
                           const ElvesInstruct *instruct,
                           const char *rand_id,
                           const ElvesOutcome *outcome,
                           ElvesReplyDoneFunc done,
                           gpointer done_data);
/* Anything else; takes @publication. */
void elves_replies_send (ElvesReplies *self,
                         ElvesPublication *publication,
                         ElvesReplyDoneFunc done,
                         gpointer done_data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesReplies, elves_replies_free)

G_END_DECLS
