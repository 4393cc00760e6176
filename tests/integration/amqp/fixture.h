/* What the AMQP tests share: the other side in plain librabbitmq, and a consumer with its queue. */
#pragma once

#include "common/amqp.h"
#include "common/error.h"

#include <amqp.h>

G_BEGIN_DECLS

#define PATIENCE_MS 60000
#define CHANNEL 1

extern ElvesAmqpSettings settings; /* of the broker; from the environment */
gboolean read_environment (void);

typedef gboolean (*Condition) (gpointer data);

typedef struct
{
  char *exchange, *queue;
  ElvesAmqpTopology topology;
  const char *bindings[3];
  ElvesAmqpConsumer *consumer;
  GPtrArray *deliveries; /* all of them */
  guint wanted;          /* of deliveries */
  guint64 epoch;
  GError *error; /* the last state */
  guint failures;
  gboolean cancelled;
  gboolean acks_at_once;
} Fixture;

extern const ElvesAmqpConsumerCallbacks fixture_callbacks; /* user data: a Fixture */

gboolean run_until (Condition condition, gpointer data, guint limit_ms);
amqp_connection_state_t plain_open (void);
void plain_close (amqp_connection_state_t plain);
gboolean plain_is_ok (amqp_connection_state_t plain);
void plain_publish (amqp_connection_state_t plain,
                    const char *exchange,
                    const char *key,
                    amqp_bytes_t body);
guint plain_count (const char *queue);
void plain_declare_queue (const char *queue);
void plain_delete (const char *queue, const char *exchange);
guint cut_connections (void);
gboolean is_consuming (gpointer data);
gboolean is_failed (gpointer data);
gboolean has_wanted (gpointer data);
gboolean is_cancelled (gpointer data);
Fixture *fixture_new (void);
Fixture *fixture_start (void);
void fixture_restart (Fixture *f);
void fixture_free (Fixture *f);
void wait_for_deliveries (Fixture *f, guint wanted);
void send_numbers (Fixture *f, guint count);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Fixture, fixture_free)

void add_consumer_cases (void);
void add_publisher_cases (void);

G_END_DECLS
