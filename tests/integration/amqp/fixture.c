/* What the AMQP tests share. Every Fixture has an exchange and a queue of its own, and removes
 * them. */
#include "tests/integration/amqp/fixture.h"

#include <amqp_tcp_socket.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

ElvesAmqpSettings settings = { .vhost = "/",
                               .connect_timeout_ms = 5000,
                               .heartbeat_s = 10,
                               .retry_first_ms = 10,
                               .retry_cap_ms = 100 };

gboolean
read_environment (void)
{
  settings.host = g_getenv ("ELVES_TEST_MQ_HOST");
  const char *port = g_getenv ("ELVES_TEST_MQ_PORT");
  settings.user = g_getenv ("ELVES_TEST_MQ_USER");
  settings.password = g_getenv ("ELVES_TEST_MQ_PASSWORD");
  if (settings.host == NULL || port == NULL || settings.user == NULL || settings.password == NULL)
    return FALSE;
  settings.port = (guint16) g_ascii_strtoull (port, NULL, 10);
  return TRUE;
}

/* --- running the loop ------------------------------------------------------------------------ */

static gboolean
on_patience_ended (gpointer data)
{
  *(gboolean *) data = TRUE;
  return G_SOURCE_REMOVE;
}

gboolean
run_until (Condition condition, gpointer data, guint limit_ms)
{
  gboolean ended = FALSE;
  guint id = g_timeout_add (limit_ms, on_patience_ended, &ended);
  while (!condition (data) && !ended)
    g_main_context_iteration (NULL, TRUE);
  if (!ended)
    g_source_remove (id);
  return condition (data);
}

/* --- the other side -------------------------------------------------------------------------- */

amqp_connection_state_t
plain_open (void)
{
  amqp_connection_state_t plain = amqp_new_connection ();
  amqp_socket_t *socket = amqp_tcp_socket_new (plain);
  g_assert_cmpint (amqp_socket_open (socket, settings.host, settings.port), ==, AMQP_STATUS_OK);
  amqp_rpc_reply_t reply = amqp_login (plain, "/", 0, 131072, 0, AMQP_SASL_METHOD_PLAIN,
                                       settings.user, settings.password);
  g_assert_cmpint (reply.reply_type, ==, AMQP_RESPONSE_NORMAL);
  amqp_channel_open (plain, CHANNEL);
  amqp_confirm_select (plain, CHANNEL);
  return plain;
}

void
plain_close (amqp_connection_state_t plain)
{
  amqp_connection_close (plain, AMQP_REPLY_SUCCESS);
  amqp_destroy_connection (plain);
}

gboolean
plain_is_ok (amqp_connection_state_t plain)
{
  return amqp_get_rpc_reply (plain).reply_type == AMQP_RESPONSE_NORMAL;
}

/* A quorum queue may drop what a channel has published when the channel is closed before it is
   confirmed: nobody is there then to send it once more. */
static void
wait_for_confirmation (amqp_connection_state_t plain)
{
  amqp_frame_t frame;
  do
    {
      amqp_maybe_release_buffers (plain);
      g_assert_cmpint (amqp_simple_wait_frame (plain, &frame), ==, AMQP_STATUS_OK);
    }
  while (frame.frame_type != AMQP_FRAME_METHOD || frame.payload.method.id != AMQP_BASIC_ACK_METHOD);
}

/* Returns when the broker has the message. */
void
plain_publish (amqp_connection_state_t plain,
               const char *exchange,
               const char *key,
               amqp_bytes_t body)
{
  amqp_basic_properties_t properties = { ._flags = AMQP_BASIC_REPLY_TO_FLAG |
                                                   AMQP_BASIC_CORRELATION_ID_FLAG |
                                                   AMQP_BASIC_MESSAGE_ID_FLAG,
                                         .reply_to = amqp_cstring_bytes ("back"),
                                         .correlation_id = amqp_cstring_bytes ("corr"),
                                         .message_id = amqp_cstring_bytes ("mid") };
  g_assert_cmpint (amqp_basic_publish (plain, CHANNEL, amqp_cstring_bytes (exchange),
                                       amqp_cstring_bytes (key), 0, 0, &properties, body),
                   ==, AMQP_STATUS_OK);
  wait_for_confirmation (plain);
}

/* The number of messages that are ready in @queue. */
guint
plain_count (const char *queue)
{
  amqp_connection_state_t plain = plain_open ();
  amqp_queue_declare_ok_t *ok =
      amqp_queue_declare (plain, CHANNEL, amqp_cstring_bytes (queue), 1, 0, 0, 0, amqp_empty_table);
  g_assert_nonnull (ok);
  guint count = ok->message_count;
  plain_close (plain);
  return count;
}

void
plain_declare_queue (const char *queue)
{
  amqp_connection_state_t plain = plain_open ();
  amqp_queue_declare (plain, CHANNEL, amqp_cstring_bytes (queue), 0, 0, 0, 1, amqp_empty_table);
  g_assert_true (plain_is_ok (plain));
  plain_close (plain);
}

void
plain_delete (const char *queue, const char *exchange)
{
  amqp_connection_state_t plain = plain_open ();
  if (queue != NULL)
    amqp_queue_delete (plain, CHANNEL, amqp_cstring_bytes (queue), 0, 0);
  if (exchange != NULL)
    amqp_exchange_delete (plain, CHANNEL, amqp_cstring_bytes (exchange), 0);
  plain_close (plain);
}

/* Cuts every connection of this process to the broker, as a network would. */
guint
cut_connections (void)
{
  guint cut = 0;
  for (int fd = 3; fd < 1024; fd++)
    {
      struct sockaddr_in peer;
      socklen_t length = sizeof peer;
      if (getpeername (fd, (struct sockaddr *) &peer, &length) == 0 && peer.sin_family == AF_INET &&
          ntohs (peer.sin_port) == settings.port)
        cut += shutdown (fd, SHUT_RDWR) == 0;
    }
  return cut;
}

/* --- the consumer's fixture ------------------------------------------------------------------ */

static void
on_deliveries (ElvesAmqpConsumer *consumer, GPtrArray *deliveries, gpointer user_data)
{
  Fixture *f = user_data;
  g_assert_false (f->cancelled);
  for (guint i = 0; i < deliveries->len; i++)
    {
      ElvesDelivery *delivery = g_steal_pointer (&deliveries->pdata[i]);
      g_assert_cmpuint (delivery->epoch, ==, f->epoch);
      g_ptr_array_add (f->deliveries, delivery);
      if (f->acks_at_once)
        elves_amqp_consumer_ack (consumer, delivery->epoch, delivery->tag);
    }
}

static void
on_state (ElvesAmqpConsumer *consumer, guint64 epoch, const GError *error, gpointer user_data)
{
  Fixture *f = user_data;
  g_clear_error (&f->error);
  f->epoch = epoch;
  if (error != NULL)
    {
      f->error = g_error_copy (error);
      f->failures++;
    }
}

static void
on_cancelled (ElvesAmqpConsumer *consumer, gpointer user_data)
{
  Fixture *f = user_data;
  g_assert_false (f->cancelled);
  f->cancelled = TRUE;
}

const ElvesAmqpConsumerCallbacks fixture_callbacks = { .deliveries = on_deliveries,
                                                       .state = on_state,
                                                       .cancelled = on_cancelled };

gboolean
is_consuming (gpointer data)
{
  Fixture *f = data;
  return f->epoch > 0 && f->error == NULL;
}

gboolean
is_failed (gpointer data)
{
  return ((Fixture *) data)->error != NULL;
}

gboolean
has_wanted (gpointer data)
{
  Fixture *f = data;
  return f->deliveries->len >= f->wanted;
}

gboolean
is_cancelled (gpointer data)
{
  return ((Fixture *) data)->cancelled;
}

Fixture *
fixture_new (void)
{
  static guint number;
  Fixture *f = g_new0 (Fixture, 1);
  f->exchange = g_strdup_printf ("elves-test-%d-%u", getpid (), ++number);
  f->queue = g_strdup (f->exchange);
  f->bindings[0] = "*.in";
  f->bindings[1] = "*.in.#";
  f->topology = (ElvesAmqpTopology){
    .exchange = f->exchange, .queue = f->queue, .bindings = f->bindings, .prefetch = 2000
  };
  f->deliveries = g_ptr_array_new_with_free_func ((GDestroyNotify) elves_delivery_free);
  return f;
}

Fixture *
fixture_start (void)
{
  Fixture *f = fixture_new ();
  f->consumer = elves_amqp_consumer_new (&settings, &f->topology, &fixture_callbacks, f);
  g_assert_true (run_until (is_consuming, f, PATIENCE_MS));
  return f;
}

void
fixture_restart (Fixture *f)
{
  elves_amqp_consumer_free (g_steal_pointer (&f->consumer));
  g_ptr_array_set_size (f->deliveries, 0);
  f->epoch = 0;
  f->cancelled = FALSE;
  f->consumer = elves_amqp_consumer_new (&settings, &f->topology, &fixture_callbacks, f);
  g_assert_true (run_until (is_consuming, f, PATIENCE_MS));
}

void
fixture_free (Fixture *f)
{
  elves_amqp_consumer_free (f->consumer);
  plain_delete (f->queue, f->exchange);
  g_ptr_array_unref (f->deliveries);
  g_clear_error (&f->error);
  g_free (f->exchange);
  g_free (f->queue);
  g_free (f);
}

void
wait_for_deliveries (Fixture *f, guint wanted)
{
  f->wanted = wanted;
  g_assert_true (run_until (has_wanted, f, PATIENCE_MS));
  g_assert_cmpuint (f->deliveries->len, ==, wanted);
}

void
send_numbers (Fixture *f, guint count)
{
  amqp_connection_state_t plain = plain_open ();
  for (guint i = 0; i < count; i++)
    {
      g_autofree char *text = g_strdup_printf ("%u", i);
      plain_publish (plain, f->exchange, "test.in", amqp_cstring_bytes (text));
    }
  plain_close (plain);
}
