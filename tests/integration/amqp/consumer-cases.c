/* The consumer: topology, acknowledgements, lost connections, refusals, the end. */
#include "tests/integration/amqp/fixture.h"

#include <gio/gio.h>
#include <string.h>

static void
test_topology (void)
{
  g_autoptr (Fixture) f = fixture_start ();
  amqp_connection_state_t plain = plain_open ();
  /* Declaring again succeeds only with the same attributes. */
  amqp_queue_declare (plain, CHANNEL, amqp_cstring_bytes (f->queue), 0, 1, 0, 0, amqp_empty_table);
  g_assert_true (plain_is_ok (plain));
  amqp_exchange_declare (plain, CHANNEL, amqp_cstring_bytes (f->exchange),
                         amqp_cstring_bytes ("topic"), 0, 1, 0, 0, amqp_empty_table);
  g_assert_true (plain_is_ok (plain));
  plain_publish (plain, f->exchange, "a.in", amqp_cstring_bytes ("one"));
  plain_publish (plain, f->exchange, "a.in.do.ID", amqp_cstring_bytes ("two"));
  plain_publish (plain, f->exchange, "a.other", amqp_cstring_bytes ("three"));
  plain_close (plain);
  wait_for_deliveries (f, 2);
  const ElvesDelivery *delivery = f->deliveries->pdata[1];
  g_assert_cmpstr (delivery->routing_key, ==, "a.in.do.ID");
  g_assert_cmpstr (delivery->reply_to, ==, "back");
  g_assert_cmpstr (delivery->correlation_id, ==, "corr");
  g_assert_cmpstr (delivery->message_id, ==, "mid");
  g_assert_cmpmem (g_bytes_get_data (delivery->body, NULL), 3, "two", 3);
  g_assert_false (delivery->redelivered);
}

static void
test_acks_out_of_order (void)
{
  g_autoptr (Fixture) f = fixture_start ();
  send_numbers (f, 1000);
  wait_for_deliveries (f, 1000);
  for (guint i = 0; i < 1000; i++)
    {
      g_autofree char *text = g_strdup_printf ("%u", i);
      const ElvesDelivery *delivery = f->deliveries->pdata[i];
      g_autofree char *body =
          g_strndup (g_bytes_get_data (delivery->body, NULL), g_bytes_get_size (delivery->body));
      g_assert_cmpstr (body, ==, text);
    }
  /* 7 and 1000 have no common divisor: every one once, in a wild order; all but number 500. */
  for (guint i = 0; i < 1000; i++)
    {
      const ElvesDelivery *delivery = f->deliveries->pdata[i * 7 % 1000];
      if (i * 7 % 1000 != 500)
        elves_amqp_consumer_ack (f->consumer, delivery->epoch, delivery->tag);
      if (i % 50 == 0)
        g_main_context_iteration (NULL, FALSE);
    }
  elves_amqp_consumer_free (g_steal_pointer (&f->consumer));
  g_assert_cmpuint (plain_count (f->queue), ==, 1);
}

static void
test_requeue (void)
{
  g_autoptr (Fixture) f = fixture_start ();
  send_numbers (f, 1);
  wait_for_deliveries (f, 1);
  const ElvesDelivery *first = f->deliveries->pdata[0];
  elves_amqp_consumer_requeue (f->consumer, first->epoch, first->tag);
  wait_for_deliveries (f, 2);
  const ElvesDelivery *second = f->deliveries->pdata[1];
  g_assert_true (second->redelivered);
  elves_amqp_consumer_ack (f->consumer, second->epoch, second->tag);
  elves_amqp_consumer_free (g_steal_pointer (&f->consumer));
  g_assert_cmpuint (plain_count (f->queue), ==, 0);
}

static void
test_large (void)
{
  g_autoptr (Fixture) f = fixture_start ();
  gsize size = 5 * 1024 * 1024 + 1;
  g_autofree char *body = g_malloc (size);
  for (gsize i = 0; i < size; i++)
    body[i] = (char) (i * 31 % 251);
  amqp_connection_state_t plain = plain_open ();
  plain_publish (plain, f->exchange, "a.in", (amqp_bytes_t){ .len = size, .bytes = body });
  plain_publish (plain, f->exchange, "a.in", amqp_empty_bytes);
  plain_close (plain);
  wait_for_deliveries (f, 2);
  const ElvesDelivery *large = f->deliveries->pdata[0];
  const ElvesDelivery *empty = f->deliveries->pdata[1];
  g_assert_cmpmem (g_bytes_get_data (large->body, NULL), g_bytes_get_size (large->body), body,
                   size);
  g_assert_cmpuint (g_bytes_get_size (empty->body), ==, 0);
}

static void
test_connection_lost (void)
{
  g_autoptr (Fixture) f = fixture_start ();
  send_numbers (f, 10);
  wait_for_deliveries (f, 10);
  guint64 old_epoch = f->epoch;
  guint64 old_tag = ((ElvesDelivery *) f->deliveries->pdata[9])->tag;
  g_assert_cmpuint (cut_connections (), >, 0);
  g_assert_true (run_until (is_failed, f, PATIENCE_MS));
  g_assert_true (run_until (is_consuming, f, PATIENCE_MS));
  g_assert_cmpuint (f->epoch, ==, old_epoch + 1);
  wait_for_deliveries (f, 20);
  for (guint i = 10; i < 20; i++)
    g_assert_true (((ElvesDelivery *) f->deliveries->pdata[i])->redelivered);

  /* The old ack does not touch the new delivery of the same tag. */
  elves_amqp_consumer_ack (f->consumer, old_epoch, old_tag);
  elves_amqp_consumer_free (g_steal_pointer (&f->consumer));
  g_assert_cmpuint (plain_count (f->queue), ==, 10);
}

static void
test_queue_deleted (void)
{
  g_autoptr (Fixture) f = fixture_start ();
  guint64 epoch = f->epoch;
  plain_delete (f->queue, NULL);
  g_assert_true (run_until (is_failed, f, PATIENCE_MS));
  g_assert_nonnull (strstr (f->error->message, "was deleted"));
  g_assert_true (run_until (is_consuming, f, PATIENCE_MS));
  g_assert_cmpuint (f->epoch, ==, epoch + 1);
  send_numbers (f, 3);
  wait_for_deliveries (f, 3);
}

static void
test_mismatch (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  plain_declare_queue (f->queue); /* not durable */
  f->consumer = elves_amqp_consumer_new (&settings, &f->topology, &fixture_callbacks, f);
  g_assert_true (run_until (is_failed, f, PATIENCE_MS));
  g_assert_error (f->error, ELVES_ERROR, ELVES_ERROR_REFUSED);
  g_assert_nonnull (strstr (f->error->message, f->queue));
  g_assert_nonnull (strstr (f->error->message, "406 PRECONDITION_FAILED"));
  g_assert_nonnull (strstr (f->error->message, "durable"));
  /* It goes on trying. */
  plain_delete (f->queue, NULL);
  g_assert_true (run_until (is_consuming, f, PATIENCE_MS));
}

static void
test_quorum (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  f->topology.quorum = TRUE;
  f->consumer = elves_amqp_consumer_new (&settings, &f->topology, &fixture_callbacks, f);
  g_assert_true (run_until (is_consuming, f, PATIENCE_MS));
  send_numbers (f, 5);
  wait_for_deliveries (f, 5);
  f->topology.quorum = FALSE;
  elves_amqp_consumer_free (f->consumer);
  f->consumer = elves_amqp_consumer_new (&settings, &f->topology, &fixture_callbacks, f);
  g_assert_true (run_until (is_failed, f, PATIENCE_MS));
  g_assert_nonnull (strstr (f->error->message, "quorum"));
}

typedef struct
{
  const char *name;
  const char *password, *vhost;
  const char *text;
} Login;

static const Login logins[] = {
  { "password", "s3cret-guess", "/", "403 ACCESS_REFUSED" },
  { "vhost", NULL, "/nowhere", "530 NOT_ALLOWED" },
};

static void
test_login (gconstpointer data)
{
  const Login *login = data;
  g_autoptr (Fixture) f = fixture_new ();
  ElvesAmqpSettings wrong = settings;
  wrong.vhost = login->vhost;
  if (login->password != NULL)
    wrong.password = login->password;
  f->consumer = elves_amqp_consumer_new (&wrong, &f->topology, &fixture_callbacks, f);
  g_assert_true (run_until (is_failed, f, PATIENCE_MS));
  g_assert_error (f->error, ELVES_ERROR, ELVES_ERROR_REFUSED);
  g_assert_nonnull (strstr (f->error->message, login->text));
  g_assert_nonnull (strstr (f->error->message, settings.user));
  g_assert_null (strstr (f->error->message, "s3cret-guess"));
}

static void
test_nobody_listens (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  ElvesAmqpSettings wrong = settings;
  wrong.port = 1;
  f->consumer = elves_amqp_consumer_new (&wrong, &f->topology, &fixture_callbacks, f);
  g_assert_true (run_until (is_failed, f, PATIENCE_MS));
  g_assert_error (f->error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE);
  g_assert_nonnull (strstr (f->error->message, "refused"));
  elves_amqp_consumer_cancel (f->consumer);
  g_assert_true (run_until (is_cancelled, f, PATIENCE_MS));
}

static void
test_cancel (void)
{
  g_autoptr (Fixture) f = fixture_start ();
  send_numbers (f, 100);
  wait_for_deliveries (f, 100);
  elves_amqp_consumer_cancel (f->consumer);
  g_assert_true (run_until (is_cancelled, f, PATIENCE_MS));
  send_numbers (f, 7);
  /* Acks go on. */
  for (guint i = 0; i < 100; i++)
    {
      const ElvesDelivery *delivery = f->deliveries->pdata[i];
      elves_amqp_consumer_ack (f->consumer, delivery->epoch, delivery->tag);
    }
  fixture_restart (f);
  wait_for_deliveries (f, 7);
}

static void
test_free_with_work (void)
{
  g_autoptr (Fixture) f = fixture_start ();
  send_numbers (f, 1000);
  f->wanted = 1;
  g_assert_true (run_until (has_wanted, f, PATIENCE_MS));
  gint64 begin_us = g_get_monotonic_time ();
  elves_amqp_consumer_free (g_steal_pointer (&f->consumer));
  g_assert_cmpint (g_get_monotonic_time () - begin_us, <, 20 * G_USEC_PER_SEC);
  g_assert_cmpuint (plain_count (f->queue), ==, 1000);
}

/* A peer that accepts and says nothing: the thread is left behind, the caller is not held up. */
static void
test_free_while_connecting (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (GSocketListener) listener = g_socket_listener_new ();
  ElvesAmqpSettings mute = settings;
  mute.host = "127.0.0.1";
  mute.connect_timeout_ms = 60000;
  mute.port = g_socket_listener_add_any_inet_port (listener, NULL, NULL);
  f->consumer = elves_amqp_consumer_new (&mute, &f->topology, &fixture_callbacks, f);
  gint64 begin_us = g_get_monotonic_time ();
  elves_amqp_consumer_free (g_steal_pointer (&f->consumer));
  g_assert_cmpint (g_get_monotonic_time () - begin_us, <, 20 * G_USEC_PER_SEC);
  g_assert_cmpuint (f->failures, ==, 0);
}

typedef struct
{
  const char *path;
  void (*run) (void);
} Case;

static const Case cases[] = {
  { "/amqp/consumer/topology", test_topology },
  { "/amqp/consumer/acks-out-of-order", test_acks_out_of_order },
  { "/amqp/consumer/requeue", test_requeue },
  { "/amqp/consumer/large", test_large },
  { "/amqp/consumer/connection-lost", test_connection_lost },
  { "/amqp/consumer/queue-deleted", test_queue_deleted },
  { "/amqp/consumer/mismatch", test_mismatch },
  { "/amqp/consumer/quorum", test_quorum },
  { "/amqp/consumer/nobody-listens", test_nobody_listens },
  { "/amqp/consumer/cancel", test_cancel },
  { "/amqp/consumer/free-with-work", test_free_with_work },
  { "/amqp/consumer/free-while-connecting", test_free_while_connecting },
};

void
add_consumer_cases (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    g_test_add_func (cases[i].path, cases[i].run);
  for (gsize i = 0; i < G_N_ELEMENTS (logins); i++)
    {
      g_autofree char *path = g_strconcat ("/amqp/consumer/login/", logins[i].name, NULL);
      g_test_add_data_func (path, &logins[i], test_login);
    }
}
