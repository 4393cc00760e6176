/* What a per-call worker costs beside a bare posix_spawn() of the same program: case-spawn
   [--quick]. Four at a time, /bin/true: bare; by agent/runner in this process, without and with a
   cgroup for each; and as the worker of an app, by a real agent that is called by Thrift. */

#include "agent/runner.h"
#include "tests/bench/figures.h"
#include "tests/bench/lone-agent.h"

#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM "/bin/true"
#define AT_A_TIME 4
#define ROUNDS 21
#define ROUND_S 0.4
#define LIMIT_BYTES (64 * 1024)

extern char **environ;

typedef struct
{
  ElvesPoller *poller;
  ElvesReaper *reaper;
  ElvesDeadlines *deadlines;
  ElvesContainment *containment;
  ElvesRunner *runners[AT_A_TIME];
  gint64 until_us;
  guint running, ended;
} Bench;

/* ---- bare ----------------------------------------------------------------------------------- */

static void
spawn_bare (void)
{
  pid_t pid;
  char *argv[] = { PROGRAM, NULL };
  if (posix_spawn (&pid, PROGRAM, NULL, NULL, argv, environ) != 0)
    g_error ("posix_spawn failed");
}

/* Returns: programs a second. */
static double
run_bare (double seconds)
{
  gint64 began_us = g_get_monotonic_time ();
  gint64 until_us = began_us + seconds * G_USEC_PER_SEC;
  guint running = 0, ended = 0;
  for (; running < AT_A_TIME; running++)
    spawn_bare ();
  while (running > 0)
    {
      if (waitpid (-1, NULL, 0) < 0)
        g_error ("a program is lost");
      ended++;
      if (g_get_monotonic_time () < until_us)
        spawn_bare ();
      else
        running--;
    }
  return ended / ((g_get_monotonic_time () - began_us) / 1e6);
}

/* ---- workers -------------------------------------------------------------------------------- */

static void start_worker (Bench *self, guint place);

static void
on_finished (ElvesRunner *runner, const ElvesRunResult *result, gpointer user_data)
{
  Bench *self = user_data;
  guint place = 0;
  while (self->runners[place] != runner)
    place++;
  if (result->end != ELVES_RUN_EXITED || result->status != 0)
    g_error ("a worker failed");
  elves_runner_free (runner);
  self->ended++;
  self->running--;
  if (g_get_monotonic_time () < self->until_us)
    start_worker (self, place);
}

static void
start_worker (Bench *self, guint place)
{
  static const char *const argv[] = { PROGRAM, "app", "func", "", NULL };
  ElvesRunnerSpec spec = {
    .argv = argv,
    .environment = (const char *const *) environ,
    .directory = "/",
    .timeout_ms = 10000,
    .stop_signal = SIGTERM,
    .output_limit_bytes = LIMIT_BYTES,
    .stderr_limit_bytes = LIMIT_BYTES,
    .drain_ms = 200,
  };
  self->running++;
  self->runners[place] = elves_runner_start (self->poller, self->reaper, self->containment,
                                             self->deadlines, &spec, on_finished, self);
}

static double
run_workers (Bench *self, ElvesContainment *containment, double seconds)
{
  gint64 began_us = g_get_monotonic_time ();
  self->containment = containment;
  self->until_us = began_us + seconds * G_USEC_PER_SEC;
  self->ended = 0;
  for (guint place = 0; place < AT_A_TIME; place++)
    start_worker (self, place);
  while (self->running > 0)
    g_main_context_iteration (NULL, TRUE);
  return self->ended / ((g_get_monotonic_time () - began_us) / 1e6);
}

/* ---- a real agent --------------------------------------------------------------------------- */

/* The program itself, not a link: that would lead out of the app's folder. */
static void
install_true (LoneAgent *agent)
{
  g_autofree char *bytes = NULL;
  gsize length;
  if (!g_file_get_contents (PROGRAM, &bytes, &length, NULL))
    g_error ("cannot read " PROGRAM);
  lone_agent_install (agent, "bench", "true", bytes, length);
}

static double
run_agent (LoneAgent *agent, double seconds)
{
  LonePlan plan = { "bench", "f", "", "true", AT_A_TIME, seconds };
  LoneResult result;
  lone_agent_run (agent, &plan, &result);
  return result.per_second;
}

/* ---- rounds --------------------------------------------------------------------------------- */

static ElvesContainment *
make_containment (ElvesContainmentMode mode)
{
  g_autoptr (GError) error = NULL;
  ElvesContainment *containment = elves_containment_new (mode, NULL, &error);
  if (containment == NULL)
    fprintf (stderr, "case-spawn: %s\n", error->message);
  return containment;
}

/* Processor time of this process and of the children that it has waited for, in us. */
static double
cpu_us (void)
{
  double sum_us = 0;
  for (int who = RUSAGE_CHILDREN; who <= RUSAGE_SELF; who++)
    {
      struct rusage usage;
      getrusage (who, &usage);
      sum_us += (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 + usage.ru_utime.tv_usec +
                usage.ru_stime.tv_usec;
    }
  return sum_us;
}

typedef struct
{
  Figures rate, cpu;
} Kind;

static void
add_round (Kind *kind, Bench *self, ElvesContainment *containment, double seconds)
{
  double before_us = cpu_us ();
  gint64 began_us = g_get_monotonic_time ();
  double rate = self != NULL ? run_workers (self, containment, seconds) : run_bare (seconds);
  double took_s = (g_get_monotonic_time () - began_us) / 1e6;
  figures_add (&kind->rate, rate);
  figures_add (&kind->cpu, (cpu_us () - before_us) / (rate * took_s));
}

static void
print_kind (const char *name, const Kind *kind, const Kind *bare)
{
  g_autofree char *metric = g_strconcat (name, ", processor", NULL);
  figures_print ("spawn", name, &kind->rate, "1/s", "posix_spawn", bare ? &bare->rate : NULL);
  figures_print ("spawn", metric, &kind->cpu, "us", "posix_spawn", bare ? &bare->cpu : NULL);
}

static void
measure_runner (guint rounds, double seconds)
{
  Bench self = { .poller = elves_poller_new (NULL), .deadlines = elves_deadlines_new () };
  g_autoptr (ElvesContainment) process = make_containment (ELVES_CONTAIN_PROCESS);
  g_autoptr (ElvesContainment) cgroup = make_containment (ELVES_CONTAIN_CGROUP);
  self.reaper = elves_reaper_new (self.poller, NULL);
  Kind bare = { 0 }, by_process = { 0 }, by_cgroup = { 0 };
  for (guint i = 0; i < rounds; i++)
    {
      add_round (&bare, NULL, NULL, seconds);
      add_round (&by_process, &self, process, seconds);
      if (cgroup != NULL)
        add_round (&by_cgroup, &self, cgroup, seconds);
    }
  elves_reaper_free (self.reaper);
  elves_deadlines_free (self.deadlines);
  elves_poller_free (self.poller);
  print_kind ("posix_spawn", &bare, NULL);
  print_kind ("runner, no cgroup", &by_process, &bare);
  if (cgroup != NULL)
    print_kind ("runner, cgroup", &by_cgroup, &bare);
}

/* Apart, as the agent is a child of ours that no runner knows: each would have to look for others.
 */
static void
measure_agent (guint rounds, double seconds)
{
  LoneAgent *agent = lone_agent_start ();
  install_true (agent);
  Figures bare = { 0 }, by_agent = { 0 };
  for (guint i = 0; i < rounds; i++)
    {
      figures_add (&bare, run_bare (seconds));
      figures_add (&by_agent, run_agent (agent, seconds));
    }
  lone_agent_stop (agent);
  figures_print ("spawn", "agent", &by_agent, "1/s", "posix_spawn", &bare);
}

int
main (int argc, char **argv)
{
  gboolean quick = figures_is_quick (argc, argv);
  guint rounds = quick ? 1 : ROUNDS;
  double seconds = quick ? 0.1 : ROUND_S;
  elves_spawn_prepare ();
  measure_runner (rounds, seconds);
  measure_agent (rounds, seconds);
  return 0;
}
