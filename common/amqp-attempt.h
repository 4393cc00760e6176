/* One attempt to open a connection to the broker, on a thread of its own: librabbitmq waits for the
 * broker's answers.
 */
#pragma once

#include "common/amqp-connection.h"

G_BEGIN_DECLS

typedef struct ElvesAmqpAttempt ElvesAmqpAttempt;

typedef struct
{
  const ElvesAmqpSettings *settings;
  const char *role; /* for the names of the thread and of the connection */
  /* On the thread: declares what is needed. */
  gboolean (*start) (ElvesAmqpConnection *connection, gpointer data, GError **error);
  gpointer data;
  void (*release) (gpointer data); /* on either side, when all of this is no longer used */
} ElvesAmqpAttemptPlan;

/* On the main loop, once. @connection: (transfer full) (nullable): else @error says why not. */
typedef void (*ElvesAmqpAttemptFunc) (ElvesAmqpConnection *connection,
                                      const GError *error,
                                      gpointer user_data);

ElvesAmqpAttempt *elves_amqp_attempt_new (const ElvesAmqpAttemptPlan *plan,
                                          ElvesAmqpAttemptFunc ended,
                                          gpointer user_data);
void elves_amqp_attempt_free (ElvesAmqpAttempt *self);

G_END_DECLS
