/* One connection to the broker with one channel: for the thread that opened it. */
#pragma once

#include "common/amqp-frames.h"
#include "common/amqp.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define ELVES_AMQP_CHANNEL 1

typedef struct
{
  amqp_connection_state_t handle;
  int fd;                 /* of the handle */
  ElvesAmqpOutput output; /* frames to send; the library sends none after the start */
  guint8 *input;          /* what came with one receive */
  gsize received, taken;  /* bytes of it; both 0: receive again */
  gboolean has_rest;      /* the library may have received more than it waited for */
  guint heartbeat_s;      /* as agreed with the broker; 0: none */
  gint64 received_us, sent_us;
  guint16 close_code; /* the broker closed channel or connection with it; 0: it did not */
} ElvesAmqpConnection;

ElvesAmqpConnection *elves_amqp_connection_open (const ElvesAmqpSettings *settings,
                                                 const char *name,
                                                 GCancellable *cancellable,
                                                 GError **error);
void elves_amqp_connection_free (ElvesAmqpConnection *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesAmqpConnection, elves_amqp_connection_free)

gboolean elves_amqp_connection_check (ElvesAmqpConnection *self, GError **error);

/* amqp-declare.c: each waits for the broker's answer: only before the first read. */
gboolean elves_amqp_connection_declare_exchange (ElvesAmqpConnection *self,
                                                 const char *exchange,
                                                 GError **error);
gboolean elves_amqp_connection_declare_queue (ElvesAmqpConnection *self,
                                              const ElvesAmqpTopology *topology,
                                              GError **error);
/* A queue for this connection alone, named by the broker, gone with it. */
gboolean elves_amqp_connection_declare_own_queue (ElvesAmqpConnection *self,
                                                  char **out_name,
                                                  GError **error);
gboolean elves_amqp_connection_consume (ElvesAmqpConnection *self,
                                        const char *queue,
                                        guint prefetch,
                                        const char *consumer_tag,
                                        GError **error);
gboolean elves_amqp_connection_select_confirms (ElvesAmqpConnection *self, GError **error);

typedef enum
{
  ELVES_AMQP_READ_FRAME,   /* one; valid until the next read */
  ELVES_AMQP_READ_NOTHING, /* wait until the socket can be read */
  ELVES_AMQP_READ_FAILED   /* the connection is of no more use */
} ElvesAmqpRead;

ElvesAmqpRead
elves_amqp_connection_read (ElvesAmqpConnection *self, amqp_frame_t *frame, GError **error);
gboolean elves_amqp_connection_keep_alive (ElvesAmqpConnection *self, GError **error);
int elves_amqp_connection_keep_alive_ms (const ElvesAmqpConnection *self);
void elves_amqp_connection_close (ElvesAmqpConnection *self, guint timeout_ms);

G_END_DECLS
