/* emulate-agents: one process that is thousands of agents.
 *
 * They listen on addresses 127.32.0.1 and up, are registered in ZooKeeper, speak the services of
 * real agents, and count what they are asked. Prints one line of JSON when all are there, and one
 * for each command it reads on stdin:
 *
 *   count     what was asked so far
 *   hold      from now on async jobs come to no end
 *   release   those that were held end now
 *   renew     the session in ZooKeeper ends; all agents register again
 *   read      how long a bare client takes to read all nodes with watches
 *
 * Ends with its stdin.
 */
#include "tests/bench/emulator/enrolment.h"

#include <gio/gio.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

typedef struct
{
  Crowd *crowd;
  Enrolment *enrolment;
  GMainLoop *loop;
} Emulator;

static void say (const char *format, ...) G_GNUC_PRINTF (1, 2);

static void
say (const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  vprintf (format, arguments);
  va_end (arguments);
  fputc ('\n', stdout);
  fflush (stdout);
}

static void
say_counts (Emulator *self)
{
  CrowdCounts counts;
  crowd_count (self->crowd, &counts);
  say ("{\"sync_calls\":%" G_GUINT64_FORMAT ",\"async_jobs\":%" G_GUINT64_FORMAT
       ",\"again\":%" G_GUINT64_FORMAT ",\"swallowed\":%" G_GUINT64_FORMAT
       ",\"agents_asked\":%" G_GUINT64_FORMAT ",\"results_taken\":%" G_GUINT64_FORMAT
       ",\"results_refused\":%" G_GUINT64_FORMAT ",\"waiting\":%" G_GUINT64_FORMAT "}",
       counts.sync_calls, counts.async_jobs, counts.again, counts.swallowed, counts.agents_asked,
       counts.results_taken, counts.results_refused, counts.waiting);
}

static void
renew (Emulator *self)
{
  g_autoptr (GError) error = NULL;
  gint64 begin_us = g_get_monotonic_time ();
  if (!enrolment_renew (self->enrolment, &error))
    g_error ("%s", error->message);
  say ("{\"seconds\":%.6f}", (double) (g_get_monotonic_time () - begin_us) / G_USEC_PER_SEC);
}

static void
obey (Emulator *self, const char *command)
{
  if (g_str_equal (command, "count"))
    say_counts (self);
  else if (g_str_equal (command, "renew"))
    renew (self);
  else if (g_str_equal (command, "read"))
    say ("{\"seconds\":%.6f}", enrolment_read (self->enrolment));
  else if (g_str_equal (command, "hold") || g_str_equal (command, "release"))
    {
      (*command == 'h' ? crowd_hold : crowd_release) (self->crowd);
      say ("{}");
    }
  else
    say ("{\"error\":\"no such command\"}");
}

static gboolean
on_command (GIOChannel *channel, GIOCondition condition, gpointer user_data)
{
  Emulator *self = user_data;
  g_autofree char *line = NULL;
  if (g_io_channel_read_line (channel, &line, NULL, NULL, NULL) != G_IO_STATUS_NORMAL)
    {
      g_main_loop_quit (self->loop);
      return G_SOURCE_REMOVE;
    }
  obey (self, g_strchomp (line));
  return G_SOURCE_CONTINUE;
}

static void
raise_descriptor_limit (void)
{
  struct rlimit limit;
  getrlimit (RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit (RLIMIT_NOFILE, &limit);
}

static gboolean
start (Emulator *self,
       const CrowdOptions *options,
       const char *zookeeper,
       const char *root,
       const char *features,
       GError **error)
{
  ElvesPoller *poller = elves_poller_new (error);
  self->crowd = poller != NULL ? crowd_new (poller, options, error) : NULL;
  if (self->crowd == NULL)
    return FALSE;
  self->enrolment = enrolment_new (zookeeper, root, features, options, error);
  return self->enrolment != NULL;
}

int
main (int argc, char **argv)
{
  CrowdOptions crowd = { .count = 1, .result_links = 16 };
  int port = 0;
  g_autofree char *zookeeper = NULL, *root = NULL, *features = NULL;
  GOptionEntry options[] = {
    { "first", 0, 0, G_OPTION_ARG_INT, &crowd.first, "Number of the first agent (0)", "N" },
    { "count", 0, 0, G_OPTION_ARG_INT, &crowd.count, "How many agents (1)", "N" },
    { "port", 0, 0, G_OPTION_ARG_INT, &port, "Where each of them listens", "PORT" },
    { "zookeeper", 0, 0, G_OPTION_ARG_STRING, &zookeeper, "ZooKeeper", "HOST:PORT" },
    { "root", 0, 0, G_OPTION_ARG_STRING, &root, "zookeeper.root", "PATH" },
    { "features", 0, 0, G_OPTION_ARG_STRING, &features, "What they announce (nothing)", "JSON" },
    { "delay", 0, 0, G_OPTION_ARG_INT, &crowd.delay_ms, "Until a result (0)", "MS" },
    { "dead-every", 0, 0, G_OPTION_ARG_INT, &crowd.dead_every, "One of N is dead", "N" },
    { "hanging-every", 0, 0, G_OPTION_ARG_INT, &crowd.hanging_every, "One of N hangs", "N" },
    { "result-links", 0, 0, G_OPTION_ARG_INT, &crowd.result_links, "Connections for results (16)",
      "N" },
    { NULL }
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("- thousands of agents");
  g_option_context_add_main_entries (context, options, NULL);
  g_autoptr (GError) error = NULL;
  Emulator self = { .loop = g_main_loop_new (NULL, FALSE) };
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  raise_descriptor_limit ();
  if (!g_option_context_parse (context, &argc, &argv, &error))
    {
      g_printerr ("emulate-agents: %s\n", error->message);
      return 2;
    }
  crowd.port = (guint16) port;
  if (!start (&self, &crowd, zookeeper, root, features != NULL ? features : "", &error))
    {
      g_printerr ("emulate-agents: %s\n", error->message);
      return 1;
    }
  say ("{\"agents\":%u}", crowd.count);
  g_autoptr (GIOChannel) channel = g_io_channel_unix_new (0);
  g_io_add_watch (channel, G_IO_IN | G_IO_HUP, on_command, &self);
  g_main_loop_run (self.loop);
  return 0;
}
