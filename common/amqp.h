/* RabbitMQ, whole batches in and out.
 *
 * Both ends connect, declare what they need, and reconnect for ever with capped, jittered back-off.
 * Connecting waits, on a thread; what comes and goes afterwards is the main loop's and never does.
 * Callbacks come on the main context that was thread-default in _new(); no callback after _free().
 */
#pragma once

#include "common/job-message.h"
#include "common/poller.h"

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  const char *host;
  guint16 port;
  const char *user;
  const char *password;
  const char *vhost;
  guint connect_timeout_ms;
  guint heartbeat_s;
  guint retry_first_ms, retry_cap_ms;
  ElvesPoller *poller; /* (nullable) outlives what is made with it; NULL: one for each connection */
} ElvesAmqpSettings;

typedef struct
{
  const char *exchange;        /* topic, durable */
  const char *queue;           /* (nullable) durable; publishers need none, nor does an echo */
  const char *dead_queue;      /* (nullable) durable, declared like the queue; bound to nothing */
  gboolean quorum;             /* queue type */
  const char *const *bindings; /* (nullable) patterns, NULL-terminated */
  const char *const *more_exchanges; /* (nullable) topic, durable, NULL-terminated: the queue is
                                        bound to them as well */
  guint max_length; /* of the queue when it is made: then the oldest message goes; 0: no limit */
  gsize max_body_bytes; /* of all its messages, the same way */
  guint prefetch;
  gboolean echo; /* a consumer makes a queue for itself alone, too: what is published to it comes on
                    the same connection, marked */
} ElvesAmqpTopology; /* strings are copied */

/* --- consuming ------------------------------------------------------------------------------- */

typedef struct
{
  guint64 epoch; /* which connection it came on */
  guint64 tag;
  gboolean redelivered;
  gboolean is_transient; /* the broker keeps it in memory only */
  gboolean echo;         /* from the queue for itself alone */
  char *routing_key;
  char *reply_to, *correlation_id, *message_id; /* nullable */
  char *content_type, *content_encoding;        /* nullable */
  char *execution;                              /* (nullable) the header of our own */
  gboolean is_again;                            /* a scheduler published it again */
  guint attempts;                               /* then: how often it was given out before */
  GBytes *body;
} ElvesDelivery;

void elves_delivery_free (ElvesDelivery *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesDelivery, elves_delivery_free)

typedef struct ElvesAmqpConsumer ElvesAmqpConsumer;

typedef struct
{
  /* @deliveries: of ElvesDelivery, in order; yours to steal from (transfer container stays). */
  void (*deliveries) (ElvesAmqpConsumer *consumer, GPtrArray *deliveries, gpointer user_data);
  /* @error NULL: consuming (again), on @epoch. Else: lost, or another attempt failed; deliveries of
     older epochs can no longer be acknowledged, the broker gives them out again. */
  void (*state) (ElvesAmqpConsumer *consumer,
                 guint64 epoch,
                 const GError *error,
                 gpointer user_data);
  void (*cancelled) (ElvesAmqpConsumer *consumer,
                     gpointer user_data); /* after _cancel(): no delivery follows */
} ElvesAmqpConsumerCallbacks;

ElvesAmqpConsumer *elves_amqp_consumer_new (const ElvesAmqpSettings *settings,
                                            const ElvesAmqpTopology *topology,
                                            const ElvesAmqpConsumerCallbacks *callbacks,
                                            gpointer user_data);
/* Of an older epoch: no effect. Sent in batches, `multiple` where all lower tags are done. */
void elves_amqp_consumer_ack (ElvesAmqpConsumer *self, guint64 epoch, guint64 tag);
void elves_amqp_consumer_requeue (ElvesAmqpConsumer *self, guint64 epoch, guint64 tag);
/* (transfer full) (nullable): the queue for itself alone, of the connection that stands. */
char *elves_amqp_consumer_echo_queue (ElvesAmqpConsumer *self);
/* Gives the connection up, if there is one, and makes another; state() says both. */
void elves_amqp_consumer_rebuild (ElvesAmqpConsumer *self, const char *why);
void elves_amqp_consumer_cancel (ElvesAmqpConsumer *self); /* stop consuming; acks go on */
void elves_amqp_consumer_free (
    ElvesAmqpConsumer *self); /* sends pending acks, closes; the broker takes the rest back */

/* --- publishing ------------------------------------------------------------------------------ */

typedef struct ElvesAmqpPublisher ElvesAmqpPublisher;

/* Once per publication, when the broker has confirmed it. @routed FALSE: it reached no queue. */
typedef void (*ElvesPublishedFunc) (gboolean routed, gpointer user_data);
/* Each time before it leaves, once more after a lost connection. FALSE: it does not, and nobody is
   called any more. May not call the publisher. */
typedef gboolean (*ElvesWantedFunc) (gpointer user_data);

typedef struct
{
  void (*state) (ElvesAmqpPublisher *publisher,
                 const GError *error,
                 gpointer user_data); /* NULL: connected */
} ElvesAmqpPublisherCallbacks;

ElvesAmqpPublisher *elves_amqp_publisher_new (const ElvesAmqpSettings *settings,
                                              const ElvesAmqpTopology *topology,
                                              gboolean persistent,
                                              const ElvesAmqpPublisherCallbacks *callbacks,
                                              gpointer user_data);
/* Takes @publication. It is published again after a lost connection or a nack until it is
 * confirmed. */
void elves_amqp_publisher_publish (ElvesAmqpPublisher *self,
                                   ElvesPublication *publication,
                                   ElvesPublishedFunc published,
                                   gpointer user_data);
void elves_amqp_publisher_publish_while (ElvesAmqpPublisher *self,
                                         ElvesPublication *publication,
                                         ElvesWantedFunc wanted,
                                         ElvesPublishedFunc published,
                                         gpointer user_data);
/* Gives the connection up, if there is one, and makes another. */
void elves_amqp_publisher_rebuild (ElvesAmqpPublisher *self, const char *why);
guint
elves_amqp_publisher_outstanding (ElvesAmqpPublisher *self); /* handed in, not yet confirmed */
void elves_amqp_publisher_free (ElvesAmqpPublisher *self);   /* what is not confirmed is given up */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesAmqpConsumer, elves_amqp_consumer_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesAmqpPublisher, elves_amqp_publisher_free)

G_END_DECLS
