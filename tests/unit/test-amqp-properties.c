/* What is published is what is delivered, header by header. */

#include "common/amqp-properties.h"
#include "common/names.h"

static ElvesPublication *
new_publication (void)
{
  ElvesPublication *publication = g_new0 (ElvesPublication, 1);

  publication->exchange = g_strdup ("");
  publication->routing_key = g_strdup ("queue");
  publication->body = g_bytes_new_static ("", 0);
  return publication;
}

static void
test_round_trip (void)
{
  g_autoptr (ElvesPublication) publication = new_publication ();
  g_autoptr (ElvesDelivery) delivery = g_new0 (ElvesDelivery, 1);
  ElvesAmqpProperties properties;

  publication->cc = g_strdup ("copy");
  publication->content_type = g_strdup ("text/plain");
  publication->content_encoding = g_strdup ("UTF-8");
  publication->correlation_id = g_strdup ("correlation");
  publication->reply_to = g_strdup ("reply");
  publication->message_id = g_strdup ("message");
  publication->execution = g_strdup ("key");
  publication->is_again = TRUE;
  publication->attempts = 3;
  g_assert_true (elves_amqp_properties_set (&properties, publication, FALSE));
  g_assert_cmpint (properties.properties.headers.num_entries, ==, 3);
  g_assert_cmpint (properties.properties.delivery_mode, ==, 2);

  elves_amqp_properties_read (&properties.properties, delivery);
  g_assert_cmpstr (delivery->content_type, ==, "text/plain");
  g_assert_cmpstr (delivery->content_encoding, ==, "UTF-8");
  g_assert_cmpstr (delivery->correlation_id, ==, "correlation");
  g_assert_cmpstr (delivery->reply_to, ==, "reply");
  g_assert_cmpstr (delivery->message_id, ==, "message");
  g_assert_cmpstr (delivery->execution, ==, "key");
  g_assert_true (delivery->is_again);
  g_assert_cmpuint (delivery->attempts, ==, 3);
}

/* What a timed task says about itself is for others: it is not read here. */
static void
test_timed (void)
{
  g_autoptr (ElvesPublication) publication = new_publication ();
  ElvesAmqpProperties properties;
  const amqp_table_entry_t *headers = properties.headers;

  publication->cc = g_strdup ("copy");
  publication->task = g_strdup ("12499798081811720869");
  publication->planned_s = 1490092048;
  g_assert_true (elves_amqp_properties_set (&properties, publication, TRUE));
  g_assert_cmpint (properties.properties.headers.num_entries, ==, 3);
  g_assert_cmpmem (headers[1].key.bytes, headers[1].key.len, ELVES_HEADER_TASK, 4);
  g_assert_cmpmem (headers[1].value.value.bytes.bytes, headers[1].value.value.bytes.len,
                   publication->task, 20);
  g_assert_cmpmem (headers[2].key.bytes, headers[2].key.len, ELVES_HEADER_PLANNED, 7);
  g_assert_cmpint (headers[2].value.value.i64, ==, 1490092048);
}

static void
test_nothing (void)
{
  g_autoptr (ElvesPublication) publication = new_publication ();
  g_autoptr (ElvesDelivery) delivery = g_new0 (ElvesDelivery, 1);
  ElvesAmqpProperties properties;

  g_assert_true (elves_amqp_properties_set (&properties, publication, FALSE));
  g_assert_cmpint (properties.properties.delivery_mode, ==, 1);
  g_assert_cmpint (properties.properties._flags & AMQP_BASIC_HEADERS_FLAG, ==, 0);
  elves_amqp_properties_read (&properties.properties, delivery);
  g_assert_null (delivery->reply_to);
  g_assert_null (delivery->execution);
  g_assert_false (delivery->is_again);
}

static void
test_too_long (void)
{
  g_autoptr (ElvesPublication) publication = new_publication ();
  ElvesAmqpProperties properties;

  publication->execution = g_strnfill (255, 'x');
  g_assert_true (elves_amqp_properties_set (&properties, publication, TRUE));
  g_free (publication->execution);
  publication->execution = g_strnfill (256, 'x');
  g_assert_false (elves_amqp_properties_set (&properties, publication, TRUE));
}

/* Headers as anybody may write them. */
static void
test_foreign_headers (void)
{
  static const struct
  {
    amqp_field_value_t value;
    gboolean is_again;
    guint attempts;
  } cases[] = {
    { { .kind = AMQP_FIELD_KIND_I32, .value.i32 = 2 }, TRUE, 2 },
    { { .kind = AMQP_FIELD_KIND_I64, .value.i64 = G_MAXINT64 }, TRUE, G_MAXUINT - 1 },
    { { .kind = AMQP_FIELD_KIND_I64, .value.i64 = -1 }, FALSE, 0 },
    { { .kind = AMQP_FIELD_KIND_UTF8, .value.bytes = { 1, (void *) "3" } }, FALSE, 0 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      amqp_table_entry_t entries[] = {
        { amqp_cstring_bytes ("other"), cases[i].value },
        { amqp_cstring_bytes (ELVES_HEADER_ATTEMPTS), cases[i].value },
        { amqp_cstring_bytes (ELVES_HEADER_EXECUTION),
          { .kind = AMQP_FIELD_KIND_UTF8, .value.bytes = amqp_cstring_bytes ("\xff") } },
      };
      amqp_basic_properties_t properties = { ._flags = AMQP_BASIC_HEADERS_FLAG,
                                             .headers = { G_N_ELEMENTS (entries), entries } };
      g_autoptr (ElvesDelivery) delivery = g_new0 (ElvesDelivery, 1);

      elves_amqp_properties_read (&properties, delivery);
      g_assert_cmpint (delivery->is_again, ==, cases[i].is_again);
      g_assert_cmpuint (delivery->attempts, ==, cases[i].attempts);
      g_assert_null (delivery->execution);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/amqp-properties/round-trip", test_round_trip);
  g_test_add_func ("/amqp-properties/timed", test_timed);
  g_test_add_func ("/amqp-properties/nothing", test_nothing);
  g_test_add_func ("/amqp-properties/too-long", test_too_long);
  g_test_add_func ("/amqp-properties/foreign-headers", test_foreign_headers);
  return g_test_run ();
}
