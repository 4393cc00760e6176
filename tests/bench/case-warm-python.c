/* What a call of a Python function costs: case-warm-python [--quick].
 *
 * Beside each other, in turns: a bare pipe to a Python that writes back each line; the agent's
 * built-in ping by Thrift, which starts and asks nobody; a warm worker with the Python kit, by the
 * same way; a Python that is started for each call. What a warm call costs beyond the bare pipe and
 * beyond the way to the agent is "warm, beyond pipe and ping". */

#include "tests/bench/figures.h"
#include "tests/bench/lone-agent.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SOURCE_DIR /* by the Makefile */
#define SOURCE_DIR "."
#endif

#define ROUNDS 11
#define ROUND_S 0.5
#define LINE_BYTES 300
#define WINDOW 16
#define PER_CALL_WINDOW 4

static const char echo_program[] = "import sys\n"
                                   "out = sys.stdout.buffer\n"
                                   "for line in sys.stdin.buffer:\n"
                                   "    out.write(line)\n"
                                   "    out.flush()\n";

static const char warm_program[] = "import elves_worker\n"
                                   "def echo(parameter):\n"
                                   "    return parameter\n"
                                   "elves_worker.run({'echo': echo})\n";

static const char per_call_program[] =
    "import base64, sys\n"
    "param = base64.b64decode(sys.argv[3]).decode()\n"
    "print('<ElvesWFlag>true</ElvesWFlag> <ElvesWResult>%s</ElvesWResult>' % param)\n";

/* ---- the bare pipe -------------------------------------------------------------------------- */

typedef struct
{
  pid_t pid;
  int to, from;
} Pipe;

static Pipe
pipe_start (void)
{
  int to[2], from[2];
  if (pipe2 (to, O_CLOEXEC) != 0 || pipe2 (from, O_CLOEXEC) != 0)
    g_error ("no pipe");
  pid_t pid = fork ();
  if (pid == 0)
    {
      dup2 (to[0], 0);
      dup2 (from[1], 1);
      execlp ("/usr/bin/python3", "python3", "-c", echo_program, NULL);
      _exit (127);
    }
  close (to[0]);
  close (from[1]);
  return (Pipe){ pid, to[1], from[0] };
}

static void
pipe_stop (Pipe *self)
{
  close (self->to);
  close (self->from);
  waitpid (self->pid, NULL, 0);
}

static void
echo_once (const Pipe *self, const char *line)
{
  char back[LINE_BYTES];
  if (write (self->to, line, LINE_BYTES) != LINE_BYTES)
    g_error ("the echo is gone");
  for (gssize got = 0, n; got < LINE_BYTES; got += n)
    if ((n = read (self->from, back, sizeof back)) <= 0)
      g_error ("the echo is gone");
}

static int
compare (const void *a, const void *b)
{
  guint32 first = *(const guint32 *) a, second = *(const guint32 *) b;
  return (first > second) - (first < second);
}

/* Returns: the median of a call's time, in us. */
static double
pipe_run (const Pipe *self, double seconds)
{
  char line[LINE_BYTES];
  memset (line, 'x', sizeof line);
  line[LINE_BYTES - 1] = '\n';
  g_autoptr (GArray) times_us = g_array_new (FALSE, FALSE, sizeof (guint32));
  for (gint64 until_us = g_get_monotonic_time () + seconds * G_USEC_PER_SEC;
       g_get_monotonic_time () < until_us;)
    {
      gint64 began_us = g_get_monotonic_time ();
      echo_once (self, line);
      guint32 took_us = g_get_monotonic_time () - began_us;
      g_array_append_val (times_us, took_us);
    }
  qsort (times_us->data, times_us->len, sizeof (guint32), compare);
  return g_array_index (times_us, guint32, times_us->len / 2);
}

/* ---- the agent ------------------------------------------------------------------------------ */

static void
install_kit (LoneAgent *agent)
{
  const char *path = SOURCE_DIR "/examples/apps/warm-python/elves_worker.py";
  g_autofree char *text = NULL;
  if (!g_file_get_contents (path, &text, NULL, NULL))
    g_error ("cannot read %s", path);
  lone_agent_install (agent, "warm", "elves_worker.py", text, -1);
  lone_agent_install (agent, "warm", "app-worker.py", warm_program, -1);
  lone_agent_install (agent, "warm", "appcfg.json", "{\"Worker\":{\"Warm\":true,\"Workers\":2}}",
                      -1);
  lone_agent_install (agent, "cold", "app-worker.py", per_call_program, -1);
}

static LoneResult
ask (LoneAgent *agent, const char *app, const char *func, guint window, double seconds)
{
  char param[LINE_BYTES / 2] = "";
  memset (param, 'x', sizeof param - 1);
  LonePlan plan = { app, func, param, "", window, seconds };
  LoneResult result;
  lone_agent_run (agent, &plan, &result);
  return result;
}

typedef struct
{
  Figures echo, ping, warm, beyond, cpu, many, cold, many_us;
} Table;

static void
run_round (Table *table, LoneAgent *agent, const Pipe *pipe, double seconds)
{
  double echo_us = pipe_run (pipe, seconds);
  LoneResult ping = ask (agent, "elves", "ping", 1, seconds);
  LoneResult warm = ask (agent, "warm", "echo", 1, seconds);
  LoneResult many = ask (agent, "warm", "echo", WINDOW, seconds);
  LoneResult cold = ask (agent, "cold", "echo", PER_CALL_WINDOW, seconds);
  figures_add (&table->echo, echo_us);
  figures_add (&table->ping, ping.p50_us);
  figures_add (&table->warm, warm.p50_us);
  figures_add (&table->beyond, warm.p50_us - echo_us - ping.p50_us);
  figures_add (&table->cpu, many.cpu_us);
  figures_add (&table->many, many.per_second);
  figures_add (&table->many_us, 1e6 / many.per_second);
  figures_add (&table->cold, cold.per_second);
}

static void
print_table (const Table *table)
{
  const char *name = "warm-python";
  figures_print (name, "bare pipe echo, p50", &table->echo, "us", NULL, NULL);
  figures_print (name, "agent's ping, p50", &table->ping, "us", NULL, NULL);
  figures_print (name, "warm, p50", &table->warm, "us", "bare pipe echo", &table->echo);
  figures_print (name, "warm, beyond pipe and ping", &table->beyond, "us", NULL, NULL);
  figures_print (name, "warm, 16 outstanding", &table->many_us, "us/call", "bare pipe echo",
                 &table->echo);
  figures_print (name, "agent's processor time", &table->cpu, "us/call", NULL, NULL);
  figures_print (name, "started for each call", &table->cold, "1/s", NULL, NULL);
  figures_print (name, "warm", &table->many, "1/s", "started for each", &table->cold);
}

int
main (int argc, char **argv)
{
  gboolean quick = figures_is_quick (argc, argv);
  signal (SIGPIPE, SIG_IGN);
  Pipe pipe = pipe_start ();
  LoneAgent *agent = lone_agent_start ();
  install_kit (agent);
  ask (agent, "warm", "echo", WINDOW, 0.1);
  Table table = { 0 };
  for (guint i = 0; i < (quick ? 1 : ROUNDS); i++)
    run_round (&table, agent, &pipe, quick ? 0.1 : ROUND_S);
  lone_agent_stop (agent);
  pipe_stop (&pipe);
  print_table (&table);
  return 0;
}
