/* Asks other components over the broker, and waits for their answers (elves-amqp.md 4.1, 4.3).
 *
 * Answers come to one queue of our own, gone with its connection, and are told apart by
 * correlation_id. A call is not kept for later: without a connection, or when too many wait, it
 * fails at once. When the connection is lost, so are the answers: every call that waits fails.
 * Nothing is called twice here; whoever asks decides whether asking again does harm. */
#pragma once

#include "common/amqp.h"
#include "common/config-parts.h"
#include "common/deadlines.h"
#include "common/json-reader.h"

G_BEGIN_DECLS

typedef struct ElvesCaller ElvesCaller;

typedef struct
{
  const char *name; /* of the component that asks: the first word of mqkey; copied */
  const ElvesBrokerConfig *broker;
  const ElvesRetryConfig *retry;
  guint max_calls; /* that wait for an answer */
} ElvesCallerOptions;

/* The mqbody of an answer; valid during the call. */
typedef struct
{
  const ElvesJsonObject *members;
  ElvesJsonValue text; /* all of it, as it came: one JSON object */
} ElvesCallerAnswer;

/* @answer: (nullable). NULL: @error
   says why: UNAVAILABLE (nobody was asked), TIMEOUT (nobody knows), BUSY (too many wait),
   PROTOCOL (the answer is none). */
typedef void (*ElvesCallerFunc) (const ElvesCallerAnswer *answer,
                                 const GError *error,
                                 gpointer user_data);

typedef struct
{
  const char *to, *action;
  const GString *body; /* the members, as one JSON object */
  guint timeout_ms;
} ElvesCallerRequest; /* copied */

ElvesCaller *elves_caller_new (ElvesDeadlines *deadlines, const ElvesCallerOptions *options);
void elves_caller_free (ElvesCaller *self); /* calls that wait fail, from inside */

/* @func comes exactly once, from the main loop or from _free(), never from inside. */
void elves_caller_call (ElvesCaller *self,
                        const ElvesCallerRequest *request,
                        ElvesCallerFunc func,
                        gpointer user_data);
guint elves_caller_waiting (const ElvesCaller *self);
gboolean elves_caller_is_connected (const ElvesCaller *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesCaller, elves_caller_free)

G_END_DECLS
