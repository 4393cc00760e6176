#include "common/error.h"
#include "common/rpc-codec.h"
#include "common/thrift-link.h"
#include "tests/lib/hex.h"
#include "tests/lib/run-until.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ALIVE "80010001 0000000a 'aliveCheck' 00000001 00"

/* A link and what it has reported; the peer is a plain socket of the test. */
typedef struct
{
  ElvesPoller *poller;
  ElvesThriftLinkOptions options;
  ElvesThriftLink *link;
  guint opened, messages, closed;
  gsize last_length;
  GError *error;
  gboolean pause_after_each, free_inside, echo;
  int peer;
} Fixture;

static void
on_opened (ElvesThriftLink *link, gpointer user_data)
{
  ((Fixture *) user_data)->opened++;
}

static void
on_message (ElvesThriftLink *link, const guint8 *bytes, gsize length, gpointer user_data)
{
  Fixture *self = user_data;
  self->messages++;
  self->last_length = length;
  if (self->pause_after_each)
    elves_thrift_link_pause (link);
  if (self->echo)
    {
      g_byte_array_append (elves_thrift_link_output (link), bytes, length);
      elves_thrift_link_flush (link);
    }
  if (self->free_inside)
    g_clear_pointer (&self->link, elves_thrift_link_free);
}

static void
on_closed (ElvesThriftLink *link, const GError *error, gpointer user_data)
{
  Fixture *self = user_data;
  g_assert_cmpuint (self->closed++, ==, 0);
  self->error = error ? g_error_copy (error) : NULL;
  if (self->free_inside)
    g_clear_pointer (&self->link, elves_thrift_link_free);
}

static const ElvesThriftLinkCallbacks callbacks = { on_opened, on_message, on_closed };

static int
listen_on_loopback (int backlog, guint16 *out_port)
{
  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  socklen_t length = sizeof address;
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint (bind (fd, (struct sockaddr *) &address, sizeof address), ==, 0);
  g_assert_cmpint (listen (fd, backlog), ==, 0);
  g_assert_cmpint (getsockname (fd, (struct sockaddr *) &address, &length), ==, 0);
  *out_port = ntohs (address.sin_port);
  return fd;
}

static void
fixture_init (Fixture *self)
{
  *self = (Fixture){ .peer = -1 };
  self->poller = elves_poller_new (NULL);
  self->options = (ElvesThriftLinkOptions){ .limits = elves_thrift_default_limits,
                                            .connect_timeout_ms = 3000,
                                            .output_limit_bytes = 32 * 1024 * 1024 };
}

static void
connect_to (Fixture *self, guint16 port)
{
  self->link =
      elves_thrift_link_connect (self->poller, "127.0.0.1", port, &self->options, &callbacks, self);
}

/* Both ends. */
static void
open_pair (Fixture *self)
{
  guint16 port;
  int listener = listen_on_loopback (5, &port);
  connect_to (self, port);
  run_until (self->opened == 1);
  self->peer = accept4 (listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  g_assert_cmpint (self->peer, >=, 0);
  close (listener);
}

static void
fixture_clear (Fixture *self)
{
  elves_thrift_link_free (self->link);
  if (self->peer >= 0)
    close (self->peer);
  g_clear_error (&self->error);
  elves_poller_free (self->poller);
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

static void
peer_send (Fixture *self, const char *hex)
{
  g_autoptr (GByteArray) bytes = bytes_from_hex (hex);
  g_assert_cmpint (send (self->peer, bytes->data, bytes->len, MSG_NOSIGNAL), ==, bytes->len);
}

/* Sends and receives on the peer's side what it can. Returns: bytes that came. */
static gsize
peer_exchange (Fixture *self, GByteArray *out)
{
  static guint8 buffer[64 * 1024];
  if (out && out->len > 0)
    {
      ssize_t sent = send (self->peer, out->data, out->len, MSG_NOSIGNAL);
      if (sent > 0)
        g_byte_array_remove_range (out, 0, sent);
    }
  ssize_t length = recv (self->peer, buffer, sizeof buffer, 0);
  return length > 0 ? length : 0;
}

static void
test_message_in_pieces (void)
{
  Fixture self;
  fixture_init (&self);
  open_pair (&self);
  g_autoptr (GByteArray) bytes = bytes_from_hex (ALIVE);
  for (guint i = 0; i < bytes->len; i++)
    {
      g_assert_cmpuint (self.messages, ==, 0);
      g_assert_cmpint (send (self.peer, bytes->data + i, 1, 0), ==, 1);
      if (i + 1 < bytes->len)
        run_until (elves_thrift_link_in_message (self.link));
      g_main_context_iteration (NULL, FALSE);
    }
  run_until (self.messages == 1);
  g_assert_cmpuint (self.last_length, ==, bytes->len);
  g_assert_false (elves_thrift_link_in_message (self.link));

  /* One and a half, then the other half. */
  peer_send (&self, ALIVE "80010001 0000000a 'alive'");
  run_until (self.messages == 2 && elves_thrift_link_in_message (self.link));
  peer_send (&self, "'Check' 00000002 00" ALIVE);
  run_until (self.messages == 4);
  g_assert_cmpuint (self.closed, ==, 0);
  fixture_clear (&self);
}

static void
test_pause (void)
{
  Fixture self;
  fixture_init (&self);
  self.pause_after_each = TRUE;
  open_pair (&self);
  peer_send (&self, ALIVE ALIVE ALIVE "8001");
  for (guint i = 1; i <= 3; i++)
    {
      run_until (self.messages == i);
      for (guint turn = 0; turn < 5; turn++)
        g_main_context_iteration (NULL, FALSE);
      g_assert_cmpuint (self.messages, ==, i);
      if (i == 2)
        peer_send (&self, "0001 0000000a 'aliveCheck' 00000004 00"); /* behind what waits */
      elves_thrift_link_resume (self.link);
      g_assert_cmpuint (self.messages, ==, i); /* never from inside the call */
    }
  run_until (self.messages == 4);
  g_assert_cmpuint (self.closed, ==, 0);
  fixture_clear (&self);
}

/* All that one turn appends leaves in one segment. */
static void
test_one_send_a_turn (void)
{
  Fixture self;
  fixture_init (&self);
  open_pair (&self);
  for (gint32 i = 0; i < 10; i++)
    {
      elves_rpc_encode_alive_check (elves_thrift_link_output (self.link), i);
      elves_thrift_link_flush (self.link);
      g_assert_cmpuint (peer_exchange (&self, NULL), ==, 0);
    }
  g_main_context_iteration (NULL, FALSE);
  gsize came = 0;
  run_until ((came += peer_exchange (&self, NULL)) > 0);
  g_assert_cmpuint (came, ==, 10 * 23);
  fixture_clear (&self);
}

static void
test_output_before_open (void)
{
  Fixture self;
  fixture_init (&self);
  guint16 port;
  int listener = listen_on_loopback (5, &port);
  connect_to (&self, port);
  elves_rpc_encode_alive_check (elves_thrift_link_output (self.link), 1);
  elves_thrift_link_flush (self.link);
  run_until (self.opened == 1);
  self.peer = accept4 (listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  close (listener);
  run_until (peer_exchange (&self, NULL) == 23);
  fixture_clear (&self);
}

/* 10 MiB in and, echoed, out. */
static void
test_large (void)
{
  Fixture self;
  fixture_init (&self);
  self.echo = TRUE;
  open_pair (&self);
  g_autoptr (ElvesInstruct) instruct = elves_instruct_new ();
  g_autoptr (ElvesReinstruct) result = elves_reinstruct_new (instruct);
  result->result = g_bytes_new_take (g_malloc0 (10 * 1024 * 1024), 10 * 1024 * 1024);
  g_autoptr (GByteArray) out = g_byte_array_new ();
  elves_rpc_encode_data_transport (out, 1, result);
  gsize length = out->len, came = 0;
  gsize sent = 0;
  while (came < length)
    {
      static guint8 buffer[64 * 1024];
      ssize_t n =
          sent < length ? send (self.peer, out->data + sent, length - sent, MSG_NOSIGNAL) : 0;
      sent += MAX (n, 0);
      n = recv (self.peer, buffer, sizeof buffer, 0);
      came += MAX (n, 0);
      g_main_context_iteration (NULL, FALSE);
      g_assert_cmpuint (self.closed, ==, 0);
    }
  g_assert_cmpuint (came, ==, length);
  g_assert_cmpuint (self.messages, ==, 1);
  g_assert_cmpuint (self.last_length, ==, length);
  fixture_clear (&self);
}

static void
test_peer_closes (gconstpointer data)
{
  Fixture self;
  fixture_init (&self);
  open_pair (&self);
  const char *before = data;
  peer_send (&self, before);
  close (self.peer);
  self.peer = -1;
  run_until (self.closed == 1);
  if (*before)
    g_assert_error (self.error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE);
  else
    g_assert_no_error (self.error);
  fixture_clear (&self);
}

/* A peer that has said all it will say still gets what is for it. */
static void
test_half_close (void)
{
  Fixture self;
  fixture_init (&self);
  self.echo = TRUE;
  open_pair (&self);
  peer_send (&self, ALIVE);
  shutdown (self.peer, SHUT_WR);
  gsize came = 0;
  run_until ((came += peer_exchange (&self, NULL)) == 23);
  run_until (self.closed == 1);
  g_assert_no_error (self.error);
  fixture_clear (&self);
}

static void
test_reset_while_paused (void)
{
  Fixture self;
  fixture_init (&self);
  open_pair (&self);
  elves_thrift_link_pause (self.link);
  struct linger linger = { .l_onoff = 1 };
  setsockopt (self.peer, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  close (self.peer);
  self.peer = -1;
  run_until (self.closed == 1);
  g_assert_error (self.error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE);
  fixture_clear (&self);
}

static void
test_not_thrift (gconstpointer data)
{
  Fixture self;
  fixture_init (&self);
  open_pair (&self);
  peer_send (&self, data);
  run_until (self.closed == 1);
  g_assert_error (self.error, ELVES_ERROR, ELVES_ERROR_PROTOCOL);
  fixture_clear (&self);
}

static void
test_output_limit (void)
{
  Fixture self;
  fixture_init (&self);
  self.options.output_limit_bytes = 1024 * 1024;
  open_pair (&self);
  guint turns = 0;
  while (self.closed == 0 && turns++ < 1000)
    {
      GByteArray *out = elves_thrift_link_output (self.link);
      g_byte_array_set_size (out, out->len + 256 * 1024);
      elves_thrift_link_flush (self.link);
      g_assert_cmpuint (self.closed, ==, 0);
      g_main_context_iteration (NULL, FALSE);
    }
  g_assert_error (self.error, ELVES_ERROR, ELVES_ERROR_BUSY);
  fixture_clear (&self);
}

static void
test_finish (void)
{
  Fixture self;
  fixture_init (&self);
  open_pair (&self);
  elves_rpc_encode_alive_check (elves_thrift_link_output (self.link), 1);
  elves_thrift_link_finish (self.link);
  run_until (self.closed == 1);
  g_assert_no_error (self.error);
  g_assert_cmpuint (peer_exchange (&self, NULL), ==, 23);
  g_assert_cmpint (recv (self.peer, &(char){ 0 }, 1, 0), ==, 0);
  fixture_clear (&self);
}

static void
test_free_inside (gconstpointer data)
{
  Fixture self;
  fixture_init (&self);
  open_pair (&self);
  self.free_inside = TRUE;
  peer_send (&self, data); /* one message and more, or junk */
  run_until (self.link == NULL);
  g_assert_cmpuint (self.messages + self.closed, ==, 1);
  fixture_clear (&self);
}

static void
test_refused (void)
{
  Fixture self;
  fixture_init (&self);
  guint16 port;
  close (listen_on_loopback (1, &port));
  connect_to (&self, port);
  g_assert_cmpuint (self.closed, ==, 0);
  run_until (self.closed == 1);
  g_assert_error (self.error, ELVES_ERROR, ELVES_ERROR_REFUSED);
  g_assert_cmpuint (self.opened, ==, 0);
  fixture_clear (&self);
}

/* A listener whose queue is full does not answer. */
static void
test_connect_timeout (void)
{
  Fixture self;
  fixture_init (&self);
  self.options.connect_timeout_ms = 100;
  guint16 port;
  int listener = listen_on_loopback (0, &port);
  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_port = htons (port),
                                 .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  int fill[4];
  for (guint i = 0; i < G_N_ELEMENTS (fill); i++)
    {
      fill[i] = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      g_assert_true (connect (fill[i], (struct sockaddr *) &address, sizeof address) == 0 ||
                     errno == EINPROGRESS);
    }
  connect_to (&self, port);
  run_until (self.closed == 1);
  g_assert_error (self.error, ELVES_ERROR, ELVES_ERROR_TIMEOUT);
  for (guint i = 0; i < G_N_ELEMENTS (fill); i++)
    close (fill[i]);
  close (listener);
  fixture_clear (&self);
}

static void
test_no_such_name (void)
{
  Fixture self;
  fixture_init (&self);
  self.link = elves_thrift_link_connect (self.poller, "no..such..name", 1, &self.options,
                                         &callbacks, &self);
  run_until (self.closed == 1);
  g_assert_error (self.error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE);
  fixture_clear (&self);
}

static void
test_free_while_connecting (void)
{
  Fixture self;
  fixture_init (&self);
  guint16 port;
  int listener = listen_on_loopback (5, &port);
  connect_to (&self, port);
  elves_rpc_encode_alive_check (elves_thrift_link_output (self.link), 1);
  elves_thrift_link_flush (self.link);
  g_clear_pointer (&self.link, elves_thrift_link_free);
  for (guint i = 0; i < 50; i++)
    g_main_context_iteration (NULL, FALSE);
  g_assert_cmpuint (self.opened + self.closed, ==, 0);
  close (listener);
  fixture_clear (&self);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/thrift-link/message-in-pieces", test_message_in_pieces);
  g_test_add_func ("/thrift-link/pause", test_pause);
  g_test_add_func ("/thrift-link/one-send-a-turn", test_one_send_a_turn);
  g_test_add_func ("/thrift-link/output-before-open", test_output_before_open);
  g_test_add_func ("/thrift-link/large", test_large);
  g_test_add_data_func ("/thrift-link/peer-closes/between", "", test_peer_closes);
  g_test_add_data_func ("/thrift-link/peer-closes/within", "8001 0001 0000", test_peer_closes);
  g_test_add_func ("/thrift-link/half-close", test_half_close);
  g_test_add_func ("/thrift-link/reset-while-paused", test_reset_while_paused);
  g_test_add_data_func ("/thrift-link/not-thrift/http", "'GET / HTTP/1.1'", test_not_thrift);
  g_test_add_data_func ("/thrift-link/not-thrift/list",
                        "80010001 00000000 00000000 0f 0001 0c 7fffffff", test_not_thrift);
  g_test_add_func ("/thrift-link/output-limit", test_output_limit);
  g_test_add_func ("/thrift-link/finish", test_finish);
  g_test_add_data_func ("/thrift-link/free-inside/message", ALIVE ALIVE "8001", test_free_inside);
  g_test_add_data_func ("/thrift-link/free-inside/closed", "ffff ffff", test_free_inside);
  g_test_add_func ("/thrift-link/refused", test_refused);
  g_test_add_func ("/thrift-link/connect-timeout", test_connect_timeout);
  g_test_add_func ("/thrift-link/no-such-name", test_no_such_name);
  g_test_add_func ("/thrift-link/free-while-connecting", test_free_while_connecting);
  return g_test_run ();
}
