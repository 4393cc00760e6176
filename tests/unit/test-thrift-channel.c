#include "common/thrift-channel.h"
#include "tests/lib/run-until.h"

/* A server that keeps the way back, and one client that collects what comes by it. */
typedef struct
{
  ElvesPoller *poller;
  ElvesThriftServer *server;
  ElvesThriftChannel *channel; /* (nullable) of the last call */
  ElvesThriftLink *client;     /* (nullable) */
  GArray *numbers;             /* of gint32: answers, in the order in which they came */
  GArray *lengths;             /* of guint: of the lists in which they came */
} Fixture;

static const ElvesThriftLinkOptions link_options = {
  .limits = { 64 << 20, 64 << 20, 100000, 16 },
  .connect_timeout_ms = 10000,
  .output_limit_bytes = 64 << 20,
};

static void
on_call (ElvesThriftServer *server, ElvesThriftCall *call, gpointer user_data)
{
  Fixture *self = user_data;
  g_assert_cmpint (elves_thrift_call_request (call)->method, ==, ELVES_RPC_INVOKE_LIST);
  g_clear_pointer (&self->channel, elves_thrift_channel_unref);
  self->channel = elves_thrift_call_channel (call);
  elves_thrift_call_end (call);
}

static void
on_message (ElvesThriftLink *link, const guint8 *bytes, gsize length, gpointer user_data)
{
  Fixture *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (ElvesRpcRequest) answers = elves_rpc_decode_answers (bytes, length, &error);
  g_assert_no_error (error);
  g_array_append_val (self->lengths, answers->marks->len);
  for (guint i = 0; i < answers->marks->len; i++)
    g_array_append_val (self->numbers, g_array_index (answers->marks, ElvesRpcMark, i).call);
}

static void
on_closed (ElvesThriftLink *link, const GError *error, gpointer user_data)
{
  Fixture *self = user_data;
  g_assert_true (link == self->client);
  g_clear_pointer (&self->client, elves_thrift_link_free);
}

static ElvesThriftLink *
connect_client (Fixture *self)
{
  static const ElvesThriftLinkCallbacks callbacks = { .message = on_message, .closed = on_closed };
  return elves_thrift_link_connect (self->poller, "127.0.0.1",
                                    elves_thrift_server_port (self->server), &link_options,
                                    &callbacks, self);
}

static void
send_list (Fixture *self)
{
  g_autoptr (GPtrArray) none = g_ptr_array_new ();
  elves_rpc_encode_invoke_list (elves_thrift_link_output (self->client), none, NULL);
  elves_thrift_link_flush (self->client);
  run_until (self->channel != NULL);
}

static void
set_up (Fixture *self, gconstpointer unused)
{
  static const ElvesThriftServerCallbacks callbacks = { on_call };
  ElvesThriftServerOptions options = {
    .host = "127.0.0.1", .max_connections = 10, .idle_timeout_s = 1, .link = link_options
  };
  g_autoptr (GError) error = NULL;
  self->poller = elves_poller_new (&error);
  g_assert_no_error (error);
  self->server = elves_thrift_server_new (self->poller, &options, &callbacks, self, &error);
  g_assert_no_error (error);
  self->numbers = g_array_new (FALSE, FALSE, sizeof (gint32));
  self->lengths = g_array_new (FALSE, FALSE, sizeof (guint));
  self->client = connect_client (self);
  send_list (self);
}

static void
tear_down (Fixture *self, gconstpointer unused)
{
  elves_thrift_channel_unref (self->channel);
  elves_thrift_link_free (self->client);
  elves_thrift_server_free (self->server);
  elves_poller_free (self->poller);
  g_array_unref (self->numbers);
  g_array_unref (self->lengths);
}

static void
answer (Fixture *self, gint32 number, gsize bytes)
{
  g_autoptr (ElvesInstruct) instruct = elves_instruct_new ();
  g_autoptr (ElvesReinstruct) result = elves_reinstruct_new (instruct);
  result->result = g_bytes_new_take (g_malloc0 (bytes), bytes);
  elves_thrift_channel_expect (self->channel);
  elves_thrift_channel_answer (self->channel, number, result);
}

static void
assert_numbers (Fixture *self, guint count)
{
  g_assert_cmpuint (self->numbers->len, ==, count);
  for (guint i = 0; i < count; i++)
    g_assert_cmpint (g_array_index (self->numbers, gint32, i), ==, (gint32) i);
}

static void
test_together (Fixture *self, gconstpointer unused)
{
  for (gint32 i = 0; i < 3; i++)
    answer (self, i, 5);
  run_until (self->numbers->len >= 3);
  g_assert_cmpuint (self->lengths->len, ==, 1);
  answer (self, 3, 5);
  run_until (self->numbers->len >= 4);
  g_assert_cmpuint (self->lengths->len, ==, 2);
  assert_numbers (self, 4);
}

/* 30 MB, far more than the kernel or the output takes at a time. */
static void
test_large (Fixture *self, gconstpointer unused)
{
  for (gint32 i = 0; i < 300; i++)
    answer (self, i, 100000);
  run_until (self->numbers->len >= 300);
  assert_numbers (self, 300);
  for (guint i = 0; i < self->lengths->len; i++)
    g_assert_cmpuint (g_array_index (self->lengths, guint, i), <=, 3);
}

static void
test_many (Fixture *self, gconstpointer unused)
{
  for (gint32 i = 0; i < 2500; i++)
    answer (self, i, 0);
  run_until (self->numbers->len >= 2500);
  assert_numbers (self, 2500);
  for (guint i = 0; i < self->lengths->len; i++)
    g_assert_cmpuint (g_array_index (self->lengths, guint, i), <=, 1000);
}

static void
test_gone (Fixture *self, gconstpointer unused)
{
  elves_thrift_channel_expect (self->channel);
  g_clear_pointer (&self->client, elves_thrift_link_free);
  for (gint32 i = 0; i < 100; i++)
    {
      answer (self, i, 5); /* before and after the server sees it */
      g_main_context_iteration (NULL, FALSE);
    }
  self->client = connect_client (self);
  g_clear_pointer (&self->channel, elves_thrift_channel_unref);
  send_list (self);
  answer (self, 0, 5);
  run_until (self->numbers->len >= 1);
  assert_numbers (self, 1);
}

/* A connection that owes an answer outlives one that is idle; afterwards it is idle, too. */
static void
test_idle (Fixture *self, gconstpointer unused)
{
  g_autoptr (ElvesInstruct) instruct = elves_instruct_new ();
  g_autoptr (ElvesReinstruct) late = elves_reinstruct_new (instruct);
  ElvesThriftChannel *owing = g_steal_pointer (&self->channel);
  ElvesThriftLink *first = g_steal_pointer (&self->client);
  elves_thrift_channel_expect (owing);

  self->client = connect_client (self);
  send_list (self);
  run_until (self->client == NULL);
  elves_thrift_channel_answer (owing, 0, late);
  run_until (self->numbers->len >= 1);
  assert_numbers (self, 1);
  self->client = first;
  run_until (self->client == NULL);
  elves_thrift_channel_unref (owing);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function) \
  g_test_add ("/thrift-channel/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("together", test_together);
  ADD ("large", test_large);
  ADD ("many", test_many);
  ADD ("gone", test_gone);
  ADD ("idle", test_idle);
  return g_test_run ();
}
