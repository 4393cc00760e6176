/* libelves-client: consumes the messages that timed tasks send (elves-client(3)).
 *
 * A consumer belongs to a group, and says for which tags of a topic it has handlers. All consumers
 * of a group share its messages: each goes to one of them. A message whose handler fails comes
 * again, after a delay that grows; at last it is put aside. The broker is RabbitMQ.
 *
 * Handlers are called one after the other, on one thread of the consumer's own; no main loop is
 * needed. A message may come twice (when a connection is lost, or a process dies in the middle):
 * handlers must be able to bear that. */
#ifndef ELVES_CLIENT_H
#define ELVES_CLIENT_H

#include <glib.h>

G_BEGIN_DECLS

#if defined(__GNUC__)
#define ELVES_CLIENT_API __attribute__ ((visibility ("default")))
#else
#define ELVES_CLIENT_API
#endif

#define ELVES_CONSUMER_ERROR (elves_consumer_error_quark ())
ELVES_CLIENT_API GQuark elves_consumer_error_quark (void);

typedef enum
{
  ELVES_CONSUMER_ERROR_INVALID, /* a setting or a tag cannot be what it is */
  ELVES_CONSUMER_ERROR_STATE,   /* not now: the text says what must come before */
  ELVES_CONSUMER_ERROR_BROKER   /* no connection; logged, never returned: another one is made */
} ElvesConsumerError;

/* One message. Nothing is NULL; valid while its handler runs. */
typedef struct
{
  const char *task_id; /* of the timed task; "" of a message that has none */
  const char *tag;     /* the task's name */
  const char *data;    /* as it was given; any bytes, and a NUL behind them */
  gsize length;        /* of data */
  const char *message_id;
  guint retries; /* how often its handler has failed before */
} ElvesConsumerMessage;

/* TRUE: consumed. FALSE, with or without an error: it comes again. */
typedef gboolean (*ElvesConsumerHandler) (const ElvesConsumerMessage *message,
                                          gpointer user_data,
                                          GError **error);
/* Returned: consumed. */
typedef void (*ElvesConsumerSimpleHandler) (const ElvesConsumerMessage *message,
                                            gpointer user_data);

/* A list of them ends with a NULL key. Which keys: elves-client(3). */
typedef struct
{
  const char *key, *value;
} ElvesConsumerSetting;

typedef struct ElvesConsumer ElvesConsumer;

ELVES_CLIENT_API ElvesConsumer *elves_consumer_new (const ElvesConsumerSetting *settings,
                                                    GError **error);
ELVES_CLIENT_API gboolean elves_consumer_register (ElvesConsumer *self,
                                                   const char *tags,
                                                   ElvesConsumerHandler handler,
                                                   gpointer user_data,
                                                   GError **error);
ELVES_CLIENT_API gboolean elves_consumer_register_simple (ElvesConsumer *self,
                                                          const char *tags,
                                                          ElvesConsumerSimpleHandler handler,
                                                          gpointer user_data,
                                                          GError **error);
ELVES_CLIENT_API gboolean elves_consumer_start (ElvesConsumer *self, GError **error);
ELVES_CLIENT_API gboolean elves_consumer_wait (ElvesConsumer *self, guint timeout_ms);
ELVES_CLIENT_API gboolean elves_consumer_release (ElvesConsumer *self, GError **error);
ELVES_CLIENT_API void elves_consumer_free (ElvesConsumer *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesConsumer, elves_consumer_free)

/* The one consumer of a process that needs no other. */
ELVES_CLIENT_API gboolean elves_client_init (const ElvesConsumerSetting *settings, GError **error);
ELVES_CLIENT_API gboolean elves_client_add_task_handler (const char *tags,
                                                         ElvesConsumerHandler handler,
                                                         gpointer user_data,
                                                         GError **error);
ELVES_CLIENT_API gboolean elves_client_add_simple_handler (const char *tags,
                                                           ElvesConsumerSimpleHandler handler,
                                                           gpointer user_data,
                                                           GError **error);
ELVES_CLIENT_API gboolean elves_client_start (GError **error);
ELVES_CLIENT_API gboolean elves_client_wait (guint timeout_ms);
ELVES_CLIENT_API gboolean elves_client_release (GError **error);

G_END_DECLS

#endif
