/* Connections being made: to addresses that answer, refuse or never answer, and to names. */
#include "common/dial.h"

#include "common/error.h"
#include "tests/lib/run-until.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gio/gio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum
{
  PATIENCE_MS = 20000
};

typedef struct
{
  ElvesPoller *poller;
  int listener;
  guint16 port;
  guint calls;
  int fd;
  GError *error;
} Fixture;

static int
bind_socket (guint16 *out_port)
{
  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  socklen_t length = sizeof address;
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint (bind (fd, (struct sockaddr *) &address, length), ==, 0);
  g_assert_cmpint (getsockname (fd, (struct sockaddr *) &address, &length), ==, 0);
  *out_port = ntohs (address.sin_port);
  return fd;
}

static void
set_up (Fixture *self, gconstpointer data)
{
  self->poller = elves_poller_new (NULL);
  self->listener = bind_socket (&self->port);
  g_assert_cmpint (listen (self->listener, 1), ==, 0);
  self->fd = -1;
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  if (self->fd >= 0)
    close (self->fd);
  if (self->listener >= 0)
    close (self->listener);
  g_clear_error (&self->error);
  elves_poller_free (self->poller);
}

static void
on_dialled (int fd, const GError *error, gpointer user_data)
{
  Fixture *self = user_data;
  self->calls++;
  self->fd = fd;
  self->error = error != NULL ? g_error_copy (error) : NULL;
}

static void
dial (Fixture *self, const char *host, guint timeout_ms)
{
  elves_dial_new (self->poller, host, self->port, timeout_ms, on_dialled, self);
  g_assert_cmpuint (self->calls, ==, 0); /* not from inside */
  run_until (self->calls > 0);
  g_assert_cmpuint (self->calls, ==, 1);
}

static void
assert_connected (Fixture *self)
{
  g_assert_no_error (self->error);
  int accepted = accept (self->listener, NULL, NULL);
  g_assert_cmpint (accepted, >=, 0);
  g_assert_cmpint (write (accepted, "x", 1), ==, 1);
  close (accepted);
  char byte = 0;
  g_assert_cmpint (recv (self->fd, &byte, 1, 0), ==, 1);
  g_assert_cmpint (recv (self->fd, &byte, 1, MSG_PEEK), ==, 0); /* the end of it, at once */
}

static void
test_address (Fixture *self, gconstpointer data)
{
  dial (self, "127.0.0.1", PATIENCE_MS);
  assert_connected (self);
}

static void
test_name (Fixture *self, gconstpointer data)
{
  dial (self, "localhost", PATIENCE_MS);
  assert_connected (self);
}

static void
test_refused (Fixture *self, gconstpointer data)
{
  close (self->listener);
  self->listener = -1;
  dial (self, data, PATIENCE_MS);
  g_assert_error (self->error, ELVES_ERROR, ELVES_ERROR_REFUSED);
  g_assert_cmpint (self->fd, ==, -1);
}

static void
test_no_such_name (Fixture *self, gconstpointer data)
{
  dial (self, "no-such-host.invalid", PATIENCE_MS);
  g_assert_error (self->error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE);
}

static void
test_unusable_address (Fixture *self, gconstpointer data)
{
  dial (self, "255.255.255.255", PATIENCE_MS);
  g_assert_error (self->error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE);
  g_assert_nonnull (strstr (self->error->message, "255.255.255.255"));
}

/* A full backlog: the kernel answers no further SYN. */
static void
test_timeout (Fixture *self, gconstpointer data)
{
  int fillers[8];
  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_port = htons (self->port),
                                 .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  for (guint i = 0; i < G_N_ELEMENTS (fillers); i++)
    {
      fillers[i] = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      int status = connect (fillers[i], (struct sockaddr *) &address, sizeof address);
      g_assert_true (status == 0 || errno == EINPROGRESS);
    }
  dial (self, "127.0.0.1", 100);
  g_assert_error (self->error, ELVES_ERROR, ELVES_ERROR_TIMEOUT);
  for (guint i = 0; i < G_N_ELEMENTS (fillers); i++)
    close (fillers[i]);
}

static gboolean
on_idle (gpointer user_data)
{
  *(gboolean *) user_data = TRUE;
  return G_SOURCE_REMOVE;
}

static void
test_cancel (Fixture *self, gconstpointer data)
{
  gboolean idle = FALSE;
  elves_dial_cancel (
      elves_dial_new (self->poller, data, self->port, PATIENCE_MS, on_dialled, self));
  g_timeout_add (50, on_idle, &idle);
  run_until (idle);
  g_assert_cmpuint (self->calls, ==, 0);
}

#define ADD(path, data, test) g_test_add (path, Fixture, data, set_up, test, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/dial/address", NULL, test_address);
  ADD ("/dial/name", NULL, test_name);
  ADD ("/dial/refused/address", "127.0.0.1", test_refused);
  ADD ("/dial/refused/name", "localhost", test_refused);
  ADD ("/dial/no-such-name", NULL, test_no_such_name);
  ADD ("/dial/unusable-address", NULL, test_unusable_address);
  ADD ("/dial/timeout", NULL, test_timeout);
  ADD ("/dial/cancel/address", "127.0.0.1", test_cancel);
  ADD ("/dial/cancel/name", "localhost", test_cancel);
  return g_test_run ();
}
