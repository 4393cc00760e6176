/* What a consumer and a publisher share: a connection to the broker, made again for ever. A thread
 * opens it, the main loop serves it.
 */
#pragma once

#include "common/amqp-connection.h"

G_BEGIN_DECLS

typedef struct ElvesAmqpSession ElvesAmqpSession;

typedef struct
{
  const char *role; /* for the thread's and the connection's name */

  /* On the thread: declares what is needed. Of @data, what the main loop leaves alone meanwhile. */
  gboolean (*start) (ElvesAmqpConnection *connection, gpointer data, GError **error);

  /* --- on the main loop --- */

  gboolean (*wanted) (gpointer data); /* whether to connect (again) */
  void (*opened) (gpointer data);
  /* FALSE: the connection is given up. It calls no callback of the owner. */
  gboolean (*frame) (ElvesAmqpConnection *connection,
                     const amqp_frame_t *frame,
                     gpointer data,
                     GError **error);
  void (*received) (gpointer data); /* after some frames: call the owner's callbacks */
  /* After elves_amqp_session_schedule(): lay out what is to be sent. @connection NULL: there is
     none now. @timeout_ms: -1, or when the next turn is due; lower it for an earlier one. */
  void (*turn) (ElvesAmqpConnection *connection, gpointer data, int *timeout_ms);
  /* @connection NULL: an attempt to connect failed. */
  void (*lost) (const ElvesAmqpConnection *connection, gpointer data, const GError *error);

  /* --- on either, at the very end --- */

  void (*free) (gpointer data);
} ElvesAmqpSessionClass;

ElvesAmqpSession *elves_amqp_session_new (const ElvesAmqpSettings *settings,
                                          const ElvesAmqpSessionClass *class,
                                          gpointer data);
void elves_amqp_session_run (ElvesAmqpSession *self);
void elves_amqp_session_stop (ElvesAmqpSession *self);

/* Gives the connection up at the end of this turn, if there is one, and makes another. */
void elves_amqp_session_rebuild (ElvesAmqpSession *self, const char *why);
void
elves_amqp_session_schedule (ElvesAmqpSession *self); /* a turn, before the loop sleeps again */
gboolean elves_amqp_session_is_open (const ElvesAmqpSession *self);
gboolean elves_amqp_session_is_stopped (const ElvesAmqpSession *self); /* no more callbacks */

G_END_DECLS
