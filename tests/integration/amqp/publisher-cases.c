/* The publisher: confirmations, properties, lost connections, refused messages, the end. */
#include "tests/integration/amqp/fixture.h"

#include <string.h>

typedef struct
{
  guint routed, unrouted, wanted;
  gboolean connected;
} Publishing;

static void
on_published (gboolean routed, gpointer user_data)
{
  Publishing *p = user_data;
  if (routed)
    p->routed++;
  else
    p->unrouted++;
}

static void
on_publisher_state (ElvesAmqpPublisher *publisher, const GError *error, gpointer user_data)
{
  ((Publishing *) user_data)->connected = error == NULL;
}

static gboolean
is_published (gpointer data)
{
  Publishing *p = data;
  return p->routed + p->unrouted >= p->wanted;
}

static gboolean
is_connected (gpointer data)
{
  return ((Publishing *) data)->connected;
}

static ElvesAmqpPublisher *
publisher_start (const Fixture *f, Publishing *p)
{
  ElvesAmqpPublisherCallbacks publisher_callbacks = { .state = on_publisher_state };
  ElvesAmqpPublisher *publisher =
      elves_amqp_publisher_new (&settings, &f->topology, TRUE, &publisher_callbacks, p);
  g_assert_true (run_until (is_connected, p, PATIENCE_MS));
  return publisher;
}

static ElvesPublication *
new_publication (const char *exchange, const char *key, const char *body)
{
  ElvesPublication *publication = g_new0 (ElvesPublication, 1);
  publication->exchange = g_strdup (exchange);
  publication->routing_key = g_strdup (key);
  publication->content_type = g_strdup ("text/plain");
  publication->content_encoding = g_strdup ("UTF-8");
  publication->correlation_id = g_strdup ("corr-1");
  publication->body = g_bytes_new (body, strlen (body));
  return publication;
}

static void
publish_number (ElvesAmqpPublisher *publisher, const Fixture *f, guint number, Publishing *p)
{
  g_autofree char *text = g_strdup_printf ("%u", number);
  elves_amqp_publisher_publish (publisher, new_publication (f->exchange, "test.in", text),
                                on_published, p);
}

static void
test_publish (void)
{
  g_autoptr (Fixture) f = fixture_start ();
  f->acks_at_once = TRUE;
  Publishing p = { .wanted = 3000 };
  g_autoptr (ElvesAmqpPublisher) publisher = publisher_start (f, &p);
  /* Every third one reaches no queue; some of these look alike. */
  for (guint i = 0; i < 3000; i++)
    {
      g_autofree char *text = g_strdup_printf ("%u", i / 30);
      elves_amqp_publisher_publish (
          publisher, new_publication (f->exchange, i % 3 == 0 ? "no.where" : "test.in", text),
          on_published, &p);
    }
  g_assert_cmpuint (elves_amqp_publisher_outstanding (publisher), ==, 3000);
  g_assert_true (run_until (is_published, &p, PATIENCE_MS));
  g_assert_cmpuint (p.routed, ==, 2000);
  g_assert_cmpuint (p.unrouted, ==, 1000);
  g_assert_cmpuint (elves_amqp_publisher_outstanding (publisher), ==, 0);
  wait_for_deliveries (f, 2000);
  for (guint i = 1; i < 2000; i++)
    g_assert_cmpuint (((ElvesDelivery *) f->deliveries->pdata[i - 1])->tag, <,
                      ((ElvesDelivery *) f->deliveries->pdata[i])->tag);
  g_assert_cmpstr (((ElvesDelivery *) f->deliveries->pdata[0])->correlation_id, ==, "corr-1");
}

static void
test_properties (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  Publishing p = { .wanted = 1 };
  amqp_connection_state_t plain = plain_open ();
  amqp_queue_declare (plain, CHANNEL, amqp_cstring_bytes (f->queue), 0, 0, 0, 0, amqp_empty_table);
  g_autoptr (ElvesAmqpPublisher) publisher = publisher_start (f, &p);
  amqp_queue_bind (plain, CHANNEL, amqp_cstring_bytes (f->queue), amqp_cstring_bytes (f->exchange),
                   amqp_cstring_bytes ("copy.key"), amqp_empty_table);
  ElvesPublication *publication = new_publication (f->exchange, "no.queue", "text");
  publication->cc = g_strdup ("copy.key");
  elves_amqp_publisher_publish (publisher, publication, on_published, &p);
  g_assert_true (run_until (is_published, &p, PATIENCE_MS));
  g_assert_cmpuint (p.routed, ==, 1);

  amqp_rpc_reply_t reply = amqp_basic_get (plain, CHANNEL, amqp_cstring_bytes (f->queue), 1);
  g_assert_cmpint (reply.reply.id, ==, AMQP_BASIC_GET_OK_METHOD);
  amqp_message_t message;
  amqp_read_message (plain, CHANNEL, &message, 0);
  amqp_basic_properties_t *got = &message.properties;
  g_assert_cmpmem (got->content_type.bytes, got->content_type.len, "text/plain", 10);
  g_assert_cmpmem (got->content_encoding.bytes, got->content_encoding.len, "UTF-8", 5);
  g_assert_cmpmem (got->correlation_id.bytes, got->correlation_id.len, "corr-1", 6);
  g_assert_cmpint (got->delivery_mode, ==, 2);
  g_assert_cmpint (got->_flags & AMQP_BASIC_PRIORITY_FLAG, !=, 0);
  g_assert_cmpint (got->priority, ==, 0);
  g_assert_cmpint (got->_flags & AMQP_BASIC_REPLY_TO_FLAG, ==, 0);
  g_assert_cmpmem (message.body.bytes, message.body.len, "text", 4);
  amqp_destroy_message (&message);
  plain_close (plain);
}

static void
test_publish_large (void)
{
  g_autoptr (Fixture) f = fixture_start ();
  Publishing p = { .wanted = 1 };
  g_autoptr (ElvesAmqpPublisher) publisher = publisher_start (f, &p);
  g_autofree char *body = g_strnfill (5 * 1024 * 1024, 'x');
  elves_amqp_publisher_publish (publisher, new_publication (f->exchange, "test.in", body),
                                on_published, &p);
  g_assert_true (run_until (is_published, &p, PATIENCE_MS));
  wait_for_deliveries (f, 1);
  const ElvesDelivery *delivery = f->deliveries->pdata[0];
  g_assert_cmpmem (g_bytes_get_data (delivery->body, NULL), g_bytes_get_size (delivery->body), body,
                   strlen (body));
}

/* Every number arrives, whatever happens to the connections meanwhile. */
static void
test_publish_connection_lost (void)
{
  g_autoptr (Fixture) f = fixture_start ();
  f->acks_at_once = TRUE;
  Publishing p = { .wanted = 5000 };
  g_autoptr (ElvesAmqpPublisher) publisher = publisher_start (f, &p);
  for (guint i = 0; i < 5000; i++)
    {
      publish_number (publisher, f, i, &p);
      if (i % 100 == 0)
        g_main_context_iteration (NULL, FALSE);
      if (i % 1000 == 500)
        cut_connections ();
    }
  g_assert_true (run_until (is_published, &p, PATIENCE_MS));
  g_assert_cmpuint (p.routed, ==, 5000);
  gboolean seen[5000] = { FALSE };
  guint distinct = 0;
  /* Duplicates are allowed, hence no fixed count to wait for. */
  for (guint at = 0; distinct < 5000; at++)
    {
      f->wanted = at + 1;
      g_assert_true (run_until (has_wanted, f, PATIENCE_MS));
      const ElvesDelivery *delivery = f->deliveries->pdata[at];
      g_autofree char *text =
          g_strndup (g_bytes_get_data (delivery->body, NULL), g_bytes_get_size (delivery->body));
      guint64 number = g_ascii_strtoull (text, NULL, 10);
      distinct += !seen[number];
      seen[number] = TRUE;
    }
}

/* A message the broker closes the channel for does not hold up the others. */
static void
test_publish_refused (void)
{
  g_autoptr (Fixture) f = fixture_start ();
  Publishing p = { .wanted = 22 };
  g_autoptr (ElvesAmqpPublisher) publisher = publisher_start (f, &p);
  g_autofree char *long_key = g_strnfill (256, 'k');
  g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "*refuses a message*NOT_FOUND*");
  for (guint i = 0; i < 20; i++)
    {
      publish_number (publisher, f, i, &p);
      if (i == 10)
        elves_amqp_publisher_publish (
            publisher, new_publication ("elves-no-such-exchange", "k", "bad"), on_published, &p);
    }
  elves_amqp_publisher_publish (publisher, new_publication (f->exchange, long_key, "bad"),
                                on_published, &p);
  g_assert_true (run_until (is_published, &p, PATIENCE_MS));
  g_test_assert_expected_messages ();
  g_assert_cmpuint (p.routed, ==, 20);
  g_assert_cmpuint (p.unrouted, ==, 2);
}

/* Our own exchange comes back with the next connection, and nothing is given up. */
static void
test_publish_exchange_deleted (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  Publishing p = { .wanted = 1 };
  g_autoptr (ElvesAmqpPublisher) publisher = publisher_start (f, &p);
  plain_delete (NULL, f->exchange);
  publish_number (publisher, f, 1, &p);
  g_assert_true (run_until (is_published, &p, PATIENCE_MS));
  g_assert_cmpuint (p.unrouted, ==, 1); /* no queue is bound, but the broker has confirmed it */
  g_assert_true (p.connected);
  amqp_connection_state_t plain = plain_open ();
  amqp_exchange_declare (plain, CHANNEL, amqp_cstring_bytes (f->exchange),
                         amqp_cstring_bytes ("topic"), 1, 0, 0, 0, amqp_empty_table);
  g_assert_true (plain_is_ok (plain));
  plain_close (plain);
}

static void
test_publish_nacked (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  amqp_connection_state_t plain = plain_open ();
  amqp_table_entry_t limits[2] = { { .key = amqp_cstring_bytes ("x-max-length") },
                                   { .key = amqp_cstring_bytes ("x-overflow") } };
  limits[0].value.kind = AMQP_FIELD_KIND_I32;
  limits[0].value.value.i32 = 1;
  limits[1].value.kind = AMQP_FIELD_KIND_UTF8;
  limits[1].value.value.bytes = amqp_cstring_bytes ("reject-publish");
  amqp_queue_declare (plain, CHANNEL, amqp_cstring_bytes (f->queue), 0, 0, 0, 0,
                      (amqp_table_t){ .num_entries = 2, .entries = limits });
  g_assert_true (plain_is_ok (plain));
  Publishing p = { .wanted = 1 };
  g_autoptr (ElvesAmqpPublisher) publisher = publisher_start (f, &p);
  for (guint i = 0; i < 10; i++)
    {
      g_autofree char *text = g_strdup_printf ("%u", i);
      elves_amqp_publisher_publish (publisher, new_publication ("", f->queue, text), on_published,
                                    &p);
    }
  /* Whenever there is room again, more get through. */
  while (p.routed < 10)
    {
      p.wanted = p.routed + 1;
      g_assert_true (run_until (is_published, &p, PATIENCE_MS));
      amqp_queue_purge (plain, CHANNEL, amqp_cstring_bytes (f->queue));
    }
  g_assert_cmpuint (p.unrouted, ==, 0);
  plain_close (plain);
}

static void
test_publisher_free_with_work (void)
{
  g_autoptr (Fixture) f = fixture_start ();
  Publishing p = { 0 };
  ElvesAmqpPublisher *publisher = publisher_start (f, &p);
  for (guint i = 0; i < 5000; i++)
    publish_number (publisher, f, i, &p);
  gint64 begin_us = g_get_monotonic_time ();
  elves_amqp_publisher_free (publisher);
  g_assert_cmpint (g_get_monotonic_time () - begin_us, <, 20 * G_USEC_PER_SEC);
  g_assert_cmpuint (p.routed + p.unrouted, ==, 0);
}

typedef struct
{
  const char *path;
  void (*run) (void);
} Case;

static const Case cases[] = {
  { "/amqp/publisher/publish", test_publish },
  { "/amqp/publisher/properties", test_properties },
  { "/amqp/publisher/large", test_publish_large },
  { "/amqp/publisher/connection-lost", test_publish_connection_lost },
  { "/amqp/publisher/refused", test_publish_refused },
  { "/amqp/publisher/exchange-deleted", test_publish_exchange_deleted },
  { "/amqp/publisher/nacked", test_publish_nacked },
  { "/amqp/publisher/free-with-work", test_publisher_free_with_work },
};

void
add_publisher_cases (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    g_test_add_func (cases[i].path, cases[i].run);
}
