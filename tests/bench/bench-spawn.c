/* What a per-call worker costs beside a bare posix_spawn() of the same program:
   bench-spawn [SECONDS [ROUNDS]]. Four at a time, /bin/true; the kinds take turns, so that all of
   them see the same machine. One JSON object a line; "vs" names what "ratio" compares with. */

#include "agent/runner.h"

#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM "/bin/true"
#define AT_A_TIME 4
#define MAX_ROUNDS 99
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
      waitpid (-1, NULL, 0);
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

/* ---- figures -------------------------------------------------------------------------------- */

static int
compare (const void *a, const void *b)
{
  double difference = *(const double *) a - *(const double *) b;
  return (difference > 0) - (difference < 0);
}

static double
median (const double *values, guint n)
{
  double sorted[MAX_ROUNDS];
  memcpy (sorted, values, n * sizeof *values);
  qsort (sorted, n, sizeof *sorted, compare);
  return sorted[n / 2];
}

static void
print_ratio (const char *metric, const double *values, const double *bare, guint n)
{
  double ratios[MAX_ROUNDS];
  for (guint i = 0; i < n; i++)
    ratios[i] = values[i] / bare[i];
  printf ("{\"case\":\"spawn\",\"metric\":\"%s\",\"value\":%.0f,\"unit\":\"1/s\","
          "\"vs\":\"posix_spawn\",\"ratio\":%.3f}\n",
          metric, median (values, n), median (ratios, n));
}

int
main (int argc, char **argv)
{
  double seconds = argc > 1 ? atof (argv[1]) : 1;
  guint rounds = CLAMP (argc > 2 ? atoi (argv[2]) : 7, 1, MAX_ROUNDS);
  g_autoptr (GError) error = NULL;
  Bench self = { .poller = elves_poller_new (&error), .deadlines = elves_deadlines_new () };
  self.reaper = elves_reaper_new (self.poller, &error);
  ElvesContainment *process = elves_containment_new (ELVES_CONTAIN_PROCESS, NULL, NULL);
  ElvesContainment *cgroup = elves_containment_new (ELVES_CONTAIN_CGROUP, NULL, &error);
  if (cgroup == NULL)
    fprintf (stderr, "bench-spawn: %s\n", error->message);

  double bare[MAX_ROUNDS], by_process[MAX_ROUNDS], by_cgroup[MAX_ROUNDS];
  for (guint i = 0; i < rounds; i++)
    {
      bare[i] = run_bare (seconds);
      by_process[i] = run_workers (&self, process, seconds);
      by_cgroup[i] = cgroup != NULL ? run_workers (&self, cgroup, seconds) : 0;
    }
  printf ("{\"case\":\"spawn\",\"metric\":\"posix_spawn\",\"value\":%.0f,\"unit\":\"1/s\","
          "\"vs\":null,\"ratio\":null}\n",
          median (bare, rounds));
  print_ratio ("runner-process", by_process, bare, rounds);
  if (cgroup != NULL)
    print_ratio ("runner-cgroup", by_cgroup, bare, rounds);
  elves_containment_free (cgroup);
  elves_containment_free (process);
  return 0;
}
