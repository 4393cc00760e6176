#include "common/error.h"
#include "common/thrift-server.h"
#include "tests/lib/hex.h"
#include "tests/lib/run-until.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define ALIVE "80010001 0000000a 'aliveCheck' 00000001 00"
#define ALIVE_ANSWER "80010002 0000000a 'aliveCheck' 00000001 0b 0000 00000007 'success' 00"

/* A server, and plain sockets as its clients. */
typedef struct
{
  ElvesPoller *poller;
  ElvesThriftServerOptions options;
  ElvesThriftServer *server;
  guint calls;
  gint32 last_seqid;
  gboolean hold; /* answer later */
  gboolean drop;
  ElvesThriftCall *held;
} Fixture;

static void
answer (ElvesThriftCall *call)
{
  const ElvesRpcRequest *request = elves_thrift_call_request (call);
  if (request->method != ELVES_RPC_INVOKE_SYNC)
    elves_thrift_call_answer_text (call, "success");
  else if (request->instructs->len == 0)
    elves_thrift_call_answer_exception (call, ELVES_RPC_EXCEPTION_INTERNAL_ERROR, "no ins");
  else
    {
      g_autoptr (ElvesReinstruct) result = elves_reinstruct_new (request->instructs->pdata[0]);
      result->flag = 1;
      elves_thrift_call_answer_reinstruct (call, result);
    }
}

static void
on_call (ElvesThriftServer *server, ElvesThriftCall *call, gpointer user_data)
{
  Fixture *self = user_data;
  self->calls++;
  self->last_seqid = elves_thrift_call_request (call)->seqid;
  if (self->hold)
    {
      g_assert_null (self->held); /* one at a time */
      self->held = call;
    }
  else if (self->drop)
    elves_thrift_call_drop (call);
  else
    answer (call);
}

static void
fixture_init (Fixture *self)
{
  *self = (Fixture){ .poller = elves_poller_new (NULL) };
  self->options = (ElvesThriftServerOptions){
    .host = "127.0.0.1",
    .max_connections = 10,
    .link = { .limits = elves_thrift_default_limits, .output_limit_bytes = 64 * 1024 * 1024 },
  };
}

static void
serve (Fixture *self)
{
  static const ElvesThriftServerCallbacks callbacks = { on_call };
  g_autoptr (GError) error = NULL;
  self->server = elves_thrift_server_new (self->poller, &self->options, &callbacks, self, &error);
  g_assert_no_error (error);
}

static void
fixture_clear (Fixture *self)
{
  elves_thrift_server_free (self->server);
  elves_poller_free (self->poller);
}

static int
client_new (Fixture *self)
{
  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_port = htons (elves_thrift_server_port (self->server)),
                                 .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint (connect (fd, (struct sockaddr *) &address, sizeof address), ==, 0);
  return fd;
}

static void
client_send (int fd, const char *hex)
{
  g_autoptr (GByteArray) bytes = bytes_from_hex (hex);
  g_assert_cmpint (send (fd, bytes->data, bytes->len, MSG_NOSIGNAL), ==, bytes->len);
}

/* -1: nothing yet; 0: the end. */
static ssize_t
client_receive (int fd, GByteArray *into)
{
  guint8 buffer[64 * 1024];
  ssize_t length = recv (fd, buffer, sizeof buffer, MSG_DONTWAIT);
  if (length < 0)
    g_assert_cmpint (errno, ==, EAGAIN);
  if (length > 0)
    g_byte_array_append (into, buffer, length);
  return length;
}

static void
expect (int fd, const char *hex)
{
  g_autoptr (GByteArray) expected = bytes_from_hex (hex);
  g_autoptr (GByteArray) came = g_byte_array_new ();
  run_until (client_receive (fd, came) != -1 && came->len >= expected->len);
  g_assert_cmpmem (came->data, came->len, expected->data, expected->len);
}

static void
expect_end (int fd)
{
  g_autoptr (GByteArray) came = g_byte_array_new ();
  run_until (client_receive (fd, came) == 0);
  g_assert_cmpuint (came->len, ==, 0);
  close (fd);
}

typedef struct
{
  const char *name;
  const char *request;
  const char *answer;
} Exchange;

#define SYNC "00000015 'instructionInvokeSync' 00000001 "
#define EMPTY                                                                            \
  "0b 0001 00000000 0b 0002 00000000 0b 0003 00000000 0b 0004 00000000 0b 0005 00000000" \
  "0b 0006 00000000 0b 0007 00000000 08 0008 00000000 0b 0009 00000000 00"

static const Exchange exchanges[] = {
  { "strict", ALIVE, ALIVE_ANSWER },
  { "non-strict", "0000000a 'aliveCheck' 01 00000001 00", ALIVE_ANSWER },
  { "oneway", "80010004 0000000a 'aliveCheck' 00000001 00", ALIVE_ANSWER },
  { "pipelined", ALIVE ALIVE ALIVE, ALIVE_ANSWER ALIVE_ANSWER ALIVE_ANSWER },
  { "sync", "80010001" SYNC "0c 0001 00 00",
    "80010002" SYNC "0c 0000 0c 0001" EMPTY
    "08 0003 00000001 08 0004 00000000 0b 0005 00000000 00 00" },
  { "sync-without-ins", "80010001" SYNC "00",
    "80010003" SYNC "0b 0001 00000006 'no ins' 08 0002 00000006 00" },
  { "unknown-method-then-a-good-one",
    "80010001 00000003 'foo' 00000009 0b 0001 00000001 'x' 00" ALIVE,
    "80010003 00000003 'foo' 00000009 0b 0001 00000014 'Unknown function foo' 08 0002 00000001 "
    "00" ALIVE_ANSWER },
  { "unknown-field-2",
    "80010001 0000000d 'dataTransport' 00000001 0c 0001 0b 0002 00000001 'x' 08 0003 00000001 00 "
    "00",
    "80010002 0000000d 'dataTransport' 00000001 0b 0000 00000007 'success' 00" },
};

static void
test_exchange (gconstpointer data)
{
  const Exchange *test = data;
  Fixture self;
  fixture_init (&self);
  serve (&self);
  int client = client_new (&self);
  client_send (client, test->request);
  expect (client, test->answer);

  g_autoptr (GByteArray) bytes = bytes_from_hex (test->request);
  for (guint i = 0; i < bytes->len; i++) /* again, byte by byte */
    {
      g_assert_cmpint (send (client, bytes->data + i, 1, 0), ==, 1);
      g_main_context_iteration (NULL, FALSE);
    }
  g_autoptr (GByteArray) expected = bytes_from_hex (test->answer);
  g_autoptr (GByteArray) came = g_byte_array_new ();
  run_until (client_receive (client, came) != 0 && came->len >= expected->len);
  g_assert_cmpmem (came->data, came->len, expected->data, expected->len);

  shutdown (client, SHUT_WR);
  expect_end (client);
  fixture_clear (&self);
}

static void
test_sequential (void)
{
  Fixture self;
  fixture_init (&self);
  serve (&self);
  int client = client_new (&self);
  for (guint i = 0; i < 10; i++)
    {
      client_send (client, ALIVE);
      expect (client, ALIVE_ANSWER);
    }
  g_assert_cmpuint (self.calls, ==, 10);
  close (client);
  fixture_clear (&self);
}

/* The second call is not handed up before the first is answered. */
static void
test_one_at_a_time (void)
{
  Fixture self;
  fixture_init (&self);
  serve (&self);
  self.hold = TRUE;
  int client = client_new (&self);
  client_send (client, ALIVE "80010001 0000000a 'aliveCheck' 00000002 00");
  for (gint32 seqid = 1; seqid <= 2; seqid++)
    {
      run_until (self.held != NULL);
      for (guint i = 0; i < 5; i++)
        g_main_context_iteration (NULL, FALSE);
      g_assert_cmpint (self.last_seqid, ==, seqid);
      answer (g_steal_pointer (&self.held));
    }
  expect (client,
          ALIVE_ANSWER "80010002 0000000a 'aliveCheck' 00000002 0b 0000 00000007 'success' 00");
  close (client);
  fixture_clear (&self);
}

/* A peer that sends calls and reads no answer is not served beyond what its socket takes; it gets
   all its answers when it reads. Without the pause its answers would fill the output limit. */
static void
test_answers_are_not_read (void)
{
  enum
  {
    PARAM_BYTES = 60000,
    CALLS = 1400
  };
  Fixture self;
  fixture_init (&self);
  serve (&self);
  g_autoptr (ElvesInstruct) instruct = elves_instruct_new ();
  g_bytes_unref (instruct->param);
  instruct->param = g_bytes_new_take (g_malloc0 (PARAM_BYTES), PARAM_BYTES);
  g_autoptr (GByteArray) call = g_byte_array_new ();
  elves_rpc_encode_invoke_sync (call, 1, instruct);
  g_assert_cmpuint ((guint64) PARAM_BYTES * CALLS, >, self.options.link.output_limit_bytes);

  int client = client_new (&self);
  g_autoptr (GByteArray) came = g_byte_array_new ();
  guint64 to_send = (guint64) call->len * CALLS, sent = 0, received = 0, blocked = 0;
  while (sent < to_send || received < (guint64) PARAM_BYTES * CALLS)
    {
      gsize offset = sent % call->len;
      ssize_t length = sent < to_send ? send (client, call->data + offset, call->len - offset,
                                              MSG_DONTWAIT | MSG_NOSIGNAL)
                                      : -1;
      sent += MAX (length, 0);
      blocked = length > 0 ? 0 : blocked + 1;
      if (blocked > 20) /* the server takes no more */
        {
          g_assert_cmpint (client_receive (client, came), !=, 0);
          received += came->len;
          g_byte_array_set_size (came, 0);
        }
      g_main_context_iteration (NULL, FALSE);
    }
  run_until (self.calls == CALLS);
  close (client);
  fixture_clear (&self);
}

static void
test_peer_gone_before_answer (void)
{
  Fixture self;
  fixture_init (&self);
  serve (&self);
  self.hold = TRUE;
  int client = client_new (&self);
  struct linger linger = { .l_onoff = 1 };
  setsockopt (client, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  client_send (client, ALIVE);
  run_until (self.held != NULL);
  close (client);
  for (guint i = 0; i < 5; i++)
    g_main_context_iteration (NULL, FALSE);
  answer (g_steal_pointer (&self.held));
  fixture_clear (&self);
}

static void
test_server_gone_before_answer (void)
{
  Fixture self;
  fixture_init (&self);
  serve (&self);
  self.hold = TRUE;
  int client = client_new (&self);
  client_send (client, ALIVE);
  run_until (self.held != NULL);
  g_clear_pointer (&self.server, elves_thrift_server_free);
  answer (g_steal_pointer (&self.held));
  expect_end (client);
  fixture_clear (&self);
}

static void
test_drop (void)
{
  Fixture self;
  fixture_init (&self);
  serve (&self);
  self.drop = TRUE;
  int client = client_new (&self);
  client_send (client, ALIVE);
  expect_end (client);
  fixture_clear (&self);
}

/* 42 bytes that made another agent allocate 16 GiB. */
static void
test_list_2g (void)
{
  Fixture self;
  fixture_init (&self);
  serve (&self);
  int client = client_new (&self);
  client_send (client, "80010001 00000016 'instructionInvokeAsync' 00000001 0f 0001 0c 7fffffff");
  expect_end (client);
  g_assert_cmpuint (self.calls, ==, 0);

  client = client_new (&self);
  client_send (client,
               "80010001 00000015 'instructionInvokeSync' 00000001 0c 0001 0b 0001 80000000");
  expect_end (client);
  fixture_clear (&self);
}

/* The scan lets it through, the decoder does not. */
static void
test_protocol_error (void)
{
  Fixture self;
  fixture_init (&self);
  serve (&self);
  int client = client_new (&self);
  client_send (
      client,
      "80010001 00000016 'instructionInvokeAsync' 00000001 0f 0001 08 00000001 00000000 00");
  g_autoptr (GByteArray) came = g_byte_array_new ();
  run_until (client_receive (client, came) == 0);
  g_autoptr (GByteArray) begin = bytes_from_hex ("80010003 00000000 00000000 0b 0001");
  g_autoptr (GByteArray) end = bytes_from_hex ("08 0002 00000007 00");
  g_assert_cmpuint (came->len, >, begin->len + end->len);
  g_assert_cmpmem (came->data, begin->len, begin->data, begin->len);
  g_assert_cmpmem (came->data + came->len - end->len, end->len, end->data, end->len);
  close (client);
  fixture_clear (&self);
}

static void
test_allow_list (void)
{
  g_autoptr (ElvesAddressList) foreign = elves_address_list_parse ("10.9.9.9", NULL);
  g_autoptr (ElvesAddressList) own = elves_address_list_parse ("10.9.9.9, 127.0.0.1", NULL);
  Fixture self;
  fixture_init (&self);
  self.options.allowed = foreign;
  serve (&self);
  expect_end (client_new (&self));
  elves_thrift_server_free (self.server);

  self.options.allowed = own;
  serve (&self);
  int client = client_new (&self);
  client_send (client, ALIVE);
  expect (client, ALIVE_ANSWER);
  close (client);
  fixture_clear (&self);
}

/* The third one waits until one of two goes. */
static void
test_max_connections (void)
{
  Fixture self;
  fixture_init (&self);
  self.options.max_connections = 2;
  serve (&self);
  int clients[3];
  for (guint i = 0; i < 3; i++)
    {
      clients[i] = client_new (&self);
      client_send (clients[i], ALIVE);
    }
  expect (clients[0], ALIVE_ANSWER);
  expect (clients[1], ALIVE_ANSWER);
  for (guint i = 0; i < 10; i++)
    g_main_context_iteration (NULL, FALSE);
  g_assert_cmpuint (self.calls, ==, 2);
  close (clients[0]);
  expect (clients[2], ALIVE_ANSWER);
  close (clients[1]);
  close (clients[2]);
  fixture_clear (&self);
}

static void
test_out_of_descriptors (void)
{
  Fixture self;
  fixture_init (&self);
  serve (&self);
  int client = client_new (&self);
  client_send (client, ALIVE);
  int next = dup (client);
  close (next);
  struct rlimit before, none;
  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &before), ==, 0);
  none = (struct rlimit){ .rlim_cur = next, .rlim_max = before.rlim_max };
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &none), ==, 0);
  g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "Cannot accept connections*");
  for (guint i = 0; i < 5; i++)
    g_main_context_iteration (NULL, FALSE);
  g_test_assert_expected_messages ();
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &before), ==, 0);
  expect (client, ALIVE_ANSWER); /* tried again */
  close (client);
  fixture_clear (&self);
}

static void
test_timeouts (void)
{
  Fixture self;
  fixture_init (&self);
  self.options.idle_timeout_s = 1;
  self.options.message_timeout_s = 1;
  serve (&self);
  int idle = client_new (&self);
  int slow = client_new (&self);
  int framed = client_new (&self);
  int busy = client_new (&self);
  client_send (framed, "00000017" ALIVE);
  self.hold = TRUE;
  client_send (busy, ALIVE);
  gint64 started_us = g_get_monotonic_time ();
  gboolean idle_ended = FALSE, slow_ended = FALSE, framed_ended = FALSE;
  g_autoptr (GByteArray) came = g_byte_array_new ();
  client_send (slow, "80010001 00000000 00000000 0b 0001 00800000");
  while (!(idle_ended && slow_ended && framed_ended))
    {
      g_assert_cmpint (g_get_monotonic_time () - started_us, <, 30 * G_TIME_SPAN_SECOND);
      g_main_context_iteration (NULL, TRUE);
      if (!slow_ended) /* keeps talking, never ends */
        slow_ended = send (slow, "x", 1, MSG_NOSIGNAL) < 0 ||
                     recv (slow, &(char){ 0 }, 1, MSG_DONTWAIT) == 0;
      idle_ended = idle_ended || client_receive (idle, came) == 0;
      framed_ended =
          framed_ended || recv (framed, &(char){ 0 }, 1, MSG_DONTWAIT) != -1 || errno != EAGAIN;
    }
  g_assert_cmpint (g_get_monotonic_time () - started_us, >=, G_TIME_SPAN_SECOND * 9 / 10);
  g_assert_cmpuint (came->len, ==, 0);
  answer (g_steal_pointer (&self.held)); /* an open call is not idle */
  expect (busy, ALIVE_ANSWER);
  close (idle);
  close (slow);
  close (framed);
  close (busy);
  fixture_clear (&self);
}

static void
test_stop_listening (void)
{
  Fixture self;
  fixture_init (&self);
  serve (&self);
  int client = client_new (&self);
  client_send (client, ALIVE);
  expect (client, ALIVE_ANSWER);
  elves_thrift_server_stop_listening (self.server);
  client_send (client, ALIVE);
  expect (client, ALIVE_ANSWER);

  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_port = htons (elves_thrift_server_port (self.server)),
                                 .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  int refused = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint (connect (refused, (struct sockaddr *) &address, sizeof address), ==, -1);
  g_assert_cmpint (errno, ==, ECONNREFUSED);
  close (refused);
  close (client);
  fixture_clear (&self);
}

static void
test_cannot_listen (void)
{
  Fixture self;
  fixture_init (&self);
  serve (&self);
  static const ElvesThriftServerCallbacks callbacks = { on_call };
  g_autoptr (GError) taken = NULL, name = NULL;
  self.options.port = elves_thrift_server_port (self.server);
  g_assert_null (elves_thrift_server_new (self.poller, &self.options, &callbacks, NULL, &taken));
  g_assert_error (taken, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE);
  self.options.host = "localhost";
  g_assert_null (elves_thrift_server_new (self.poller, &self.options, &callbacks, NULL, &name));
  g_assert_error (name, ELVES_ERROR, ELVES_ERROR_CONFIG);
  fixture_clear (&self);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (exchanges); i++)
    {
      g_autofree char *path = g_strconcat ("/thrift-server/exchange/", exchanges[i].name, NULL);
      g_test_add_data_func (path, &exchanges[i], test_exchange);
    }
  g_test_add_func ("/thrift-server/sequential", test_sequential);
  g_test_add_func ("/thrift-server/one-at-a-time", test_one_at_a_time);
  g_test_add_func ("/thrift-server/answers-are-not-read", test_answers_are_not_read);
  g_test_add_func ("/thrift-server/peer-gone-before-answer", test_peer_gone_before_answer);
  g_test_add_func ("/thrift-server/server-gone-before-answer", test_server_gone_before_answer);
  g_test_add_func ("/thrift-server/drop", test_drop);
  g_test_add_func ("/thrift-server/list-2g", test_list_2g);
  g_test_add_func ("/thrift-server/protocol-error", test_protocol_error);
  g_test_add_func ("/thrift-server/allow-list", test_allow_list);
  g_test_add_func ("/thrift-server/max-connections", test_max_connections);
  g_test_add_func ("/thrift-server/out-of-descriptors", test_out_of_descriptors);
  g_test_add_func ("/thrift-server/timeouts", test_timeouts);
  g_test_add_func ("/thrift-server/stop-listening", test_stop_listening);
  g_test_add_func ("/thrift-server/cannot-listen", test_cannot_listen);
  return g_test_run ();
}
