/* How fast calls go through a link and a server: bench-thrift [CONNECTIONS [SECONDS]].
   Two processes on loopback; each connection has one aliveCheck under way. Prints calls per second
   and the processor time per call of each side. */

#include "common/rpc-codec.h"
#include "common/thrift-link.h"
#include "common/thrift-server.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct
{
  GMainLoop *loop;
  guint waiting; /* links that are not open yet */
  guint64 calls;
} Client;

static double
cpu_us (const struct rusage *usage)
{
  return (usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1e6 + usage->ru_utime.tv_usec +
         usage->ru_stime.tv_usec;
}

static void
on_call (ElvesThriftServer *server, ElvesThriftCall *call, gpointer user_data)
{
  elves_thrift_call_answer_text (call, "success");
}

static void
run_server (int port_pipe)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  ElvesThriftServerOptions options = {
    .host = "127.0.0.1",
    .max_connections = 10000,
    .link = { .limits = elves_thrift_default_limits, .output_limit_bytes = 1024 * 1024 },
  };
  static const ElvesThriftServerCallbacks callbacks = { on_call };
  ElvesThriftServer *server =
      elves_thrift_server_new (elves_poller_new (NULL), &options, &callbacks, NULL, NULL);
  guint16 port = elves_thrift_server_port (server);
  if (write (port_pipe, &port, sizeof port) != sizeof port)
    exit (1);
  g_main_loop_run (g_main_loop_new (NULL, FALSE));
}

static void
send_call (ElvesThriftLink *link)
{
  elves_rpc_encode_alive_check (elves_thrift_link_output (link), 1);
  elves_thrift_link_flush (link);
}

static void
on_opened (ElvesThriftLink *link, gpointer user_data)
{
  ((Client *) user_data)->waiting--;
  send_call (link);
}

static void
on_message (ElvesThriftLink *link, const guint8 *bytes, gsize length, gpointer user_data)
{
  gint32 seqid;
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  if (!elves_rpc_decode_text (bytes, length, ELVES_RPC_ALIVE_CHECK, &seqid, &text, &error))
    g_error ("%s", error->message);
  ((Client *) user_data)->calls++;
  send_call (link);
}

static void
on_closed (ElvesThriftLink *link, const GError *error, gpointer user_data)
{
  g_error ("The link closed: %s", error ? error->message : "by the peer");
}

static gboolean
on_time_over (gpointer user_data)
{
  g_main_loop_quit (user_data);
  return G_SOURCE_REMOVE;
}

/* Returns: processor time of this process while it measured, in us */
static double
run_client (Client *self, guint16 port, guint n_links, guint seconds)
{
  static const ElvesThriftLinkCallbacks callbacks = { on_opened, on_message, on_closed };
  ElvesThriftLinkOptions options = { .limits = elves_thrift_default_limits,
                                     .connect_timeout_ms = 5000,
                                     .output_limit_bytes = 1024 * 1024 };
  ElvesPoller *poller = elves_poller_new (NULL);
  self->loop = g_main_loop_new (NULL, FALSE);
  self->waiting = n_links;
  for (guint i = 0; i < n_links; i++)
    elves_thrift_link_connect (poller, "127.0.0.1", port, &options, &callbacks, self);
  while (self->waiting > 0)
    g_main_context_iteration (NULL, TRUE);

  struct rusage before, after;
  getrusage (RUSAGE_SELF, &before);
  self->calls = 0;
  g_timeout_add (seconds * 1000, on_time_over, self->loop);
  g_main_loop_run (self->loop);
  getrusage (RUSAGE_SELF, &after);
  return cpu_us (&after) - cpu_us (&before);
}

int
main (int argc, char **argv)
{
  guint n_links = argc > 1 ? atoi (argv[1]) : 1;
  guint seconds = argc > 2 ? atoi (argv[2]) : 3;
  int port_pipe[2];
  guint16 port;
  if (pipe (port_pipe) != 0)
    return 1;
  pid_t pid = fork ();
  if (pid == 0)
    run_server (port_pipe[1]);
  if (read (port_pipe[0], &port, sizeof port) != sizeof port)
    return 1;

  Client client = { NULL };
  double client_us = run_client (&client, port, n_links, seconds);
  struct rusage server_usage;
  kill (pid, SIGKILL);
  wait4 (pid, NULL, 0, &server_usage);
  printf ("%u connections: %.1f k calls/s, CPU us per call: client %.1f, server %.1f\n", n_links,
          client.calls / 1e3 / seconds, client_us / client.calls,
          cpu_us (&server_usage) / client.calls);
  return 0;
}
