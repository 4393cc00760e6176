/* The thread behind a consumer or a publisher: connects for ever, moves frames, wakes the main
 * loop.
 */
#pragma once

#include "common/amqp-connection.h"

G_BEGIN_DECLS

typedef struct ElvesAmqpWorker ElvesAmqpWorker;

typedef struct
{
  const char *role; /* for the thread's and the connection's name */

  /* --- on the thread; each FALSE with an error ends the connection --- */

  /* Whether to connect (again). FALSE: sleep until the next kick. */
  gboolean (*wanted) (gpointer data);
  gboolean (*start) (ElvesAmqpConnection *connection, gpointer data, GError **error);
  /* Once per turn: hand over what came, lay out what is to be sent. @timeout_ms: lower it for an
     earlier next turn. */
  void (*turn) (ElvesAmqpConnection *connection, gpointer data, int *timeout_ms);
  gboolean (*frame) (ElvesAmqpConnection *connection,
                     const amqp_frame_t *frame,
                     gpointer data,
                     GError **error);
  /* @connection NULL: an attempt to connect failed. */
  void (*lost) (ElvesAmqpConnection *connection, gpointer data, const GError *error);

  /* --- on the main context --- */

  void (*flush) (gpointer data);    /* give the thread what has gathered, if any: then kick */
  void (*dispatch) (gpointer data); /* call the callbacks */

  /* --- on either, at the very end --- */

  void (*free) (gpointer data);
} ElvesAmqpWorkerClass;

ElvesAmqpWorker *elves_amqp_worker_new (const ElvesAmqpSettings *settings,
                                        const ElvesAmqpWorkerClass *class,
                                        gpointer data);
void elves_amqp_worker_run (ElvesAmqpWorker *self);
void elves_amqp_worker_stop (ElvesAmqpWorker *self);

/* Main: the thread gives its connection up, if it has one, and connects again. */
void elves_amqp_worker_rebuild (ElvesAmqpWorker *self, const char *why);
void elves_amqp_worker_kick (ElvesAmqpWorker *self);           /* main: wake the thread */
void elves_amqp_worker_schedule (ElvesAmqpWorker *self);       /* either: wake the main loop */
gboolean elves_amqp_worker_is_stopped (ElvesAmqpWorker *self); /* main: no more callbacks */

G_END_DECLS
