/* Takes one worker through its life: agent/runner-life says what follows what, here is what belongs
 * to entering a state. One timer belongs to the state.
 *
 * Time from the timeout to the result is at most grace + drain + CLEAR_MS, whatever the processes
 * do. The zombie of the worker stays until its exit was handled here, so its session cannot be
 * somebody else's. Main thread only. */
#include "agent/runner.h"

#include "agent/capture.h"
#include "agent/runner-life.h"
#include "common/error.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CLEAR_MS 1000 /* a process that was killed goes when it gets its turn */
#define CLEAR_TICK_MS 2

struct ElvesRunner
{
  ElvesPoller *poller;
  ElvesReaper *reaper;
  ElvesDeadlines *deadlines;
  ElvesRunnerSpec spec; /* only its numbers; the strings are gone after the start */
  ElvesRunFinishedFunc finished;
  gpointer user_data;

  ElvesRunnerState state;
  ElvesRunEnd end;
  int wait_status;
  pid_t pid; /* 0: not started, or reaped */
  ElvesCell *cell;
  ElvesCapture output, error_output;
  ElvesDeadline timer;
  GError *error;
  gint64 started_us;
  gint64 drain_until_us; /* 0: drain has not begun */
  gint64 clear_until_us;
  guint killed, survivors;
};

static void handle (ElvesRunner *self, ElvesRunnerEvent event);

static gboolean
have_pipes_ended (const ElvesRunner *self)
{
  return elves_capture_has_ended (&self->output) && elves_capture_has_ended (&self->error_output);
}

static void
on_output_read (gpointer user_data)
{
  ElvesRunner *self = user_data;
  if (have_pipes_ended (self))
    handle (self, ELVES_RUNNER_PIPES_ENDED);
}

static void
on_output_came (const guint8 *bytes, gsize length, gpointer user_data)
{
  ElvesRunner *self = user_data;
  self->spec.output (self, bytes, length, self->user_data);
}

/* --- States ---------------------------------------------------------------------------------- */

static void
on_time_passed (ElvesDeadline *timer, gpointer user_data)
{
  handle (user_data, ELVES_RUNNER_TIME_PASSED);
}

static void
stop_timer (ElvesRunner *self)
{
  elves_deadlines_disarm (self->deadlines, &self->timer);
}

static void
start_timer (ElvesRunner *self, gint64 at_us)
{
  elves_deadlines_arm (self->deadlines, &self->timer, at_us, on_time_passed, self);
}

static void
start_timer_after (ElvesRunner *self, guint after_ms)
{
  start_timer (self, g_get_monotonic_time () + (gint64) after_ms * 1000);
}

/* However often it is asked for: the drain is one span of time. */
static void
start_drain_timer (ElvesRunner *self)
{
  if (self->drain_until_us == 0)
    self->drain_until_us = g_get_monotonic_time () + (gint64) self->spec.drain_ms * 1000;
  start_timer (self, self->drain_until_us);
}

static gboolean
was_stopped (const ElvesRunner *self)
{
  return self->end == ELVES_RUN_TIMED_OUT || self->end == ELVES_RUN_CANCELLED;
}

static void
kill_tree (ElvesRunner *self)
{
  guint n = elves_cell_signal (self->cell, SIGKILL);
  /* Those killed the first time may still be dying the second time. */
  self->killed = MAX (self->killed, n);
}

static guint
cost_ms (const ElvesRunner *self)
{
  return (g_get_monotonic_time () - self->started_us) / 1000;
}

static void
finish (ElvesRunner *self)
{
  gboolean exited = self->end == ELVES_RUN_EXITED;
  g_autoptr (GBytes) output = elves_capture_take (&self->output);
  g_autoptr (GBytes) error_output = elves_capture_take (&self->error_output);
  g_autoptr (GError) error = g_steal_pointer (&self->error);
  ElvesRunResult result = {
    .end = self->end,
    .status = exited                             ? WEXITSTATUS (self->wait_status)
              : self->end == ELVES_RUN_SIGNALLED ? WTERMSIG (self->wait_status)
                                                 : 0,
    .error = error,
    .output = output,
    .output_bytes = self->output.n_bytes,
    .error_output = error_output,
    .killed = self->killed,
    .survivors = self->survivors,
    .cost_ms = cost_ms (self),
  };
  /* The last thing: the owner may free us in there. */
  self->finished (self, &result, self->user_data);
}

static void
release_processes (ElvesRunner *self)
{
  if (self->pid != 0)
    elves_reaper_forget (self->reaper, self->pid);
  self->pid = 0;
  elves_capture_close (&self->output);
  elves_capture_close (&self->error_output);
  g_clear_pointer (&self->cell, elves_cell_close);
}

static void
enter_draining (ElvesRunner *self)
{
  if (was_stopped (self))
    kill_tree (self);
  /* Most often all is in the pipes by now: no need to wait for another turn. */
  elves_capture_read (&self->output);
  elves_capture_read (&self->error_output);
  if (have_pipes_ended (self))
    handle (self, ELVES_RUNNER_PIPES_ENDED);
  else
    start_drain_timer (self);
}

static void
enter_clearing (ElvesRunner *self)
{
  elves_capture_close (&self->output);
  elves_capture_close (&self->error_output);
  gboolean leave = self->spec.leave_leftovers && !was_stopped (self);
  if (leave)
    self->survivors = elves_cell_count (self->cell);
  else
    kill_tree (self);
  if (leave || self->killed == 0)
    {
      handle (self, ELVES_RUNNER_TIME_PASSED);
      return;
    }
  self->clear_until_us = g_get_monotonic_time () + CLEAR_MS * 1000;
  start_timer_after (self, 0);
}

/* TRUE: all that was killed is gone, or there is no more time. */
static gboolean
is_clear (ElvesRunner *self)
{
  if (self->clear_until_us == 0)
    return TRUE;
  self->survivors = elves_cell_count (self->cell);
  return self->survivors == 0 || g_get_monotonic_time () >= self->clear_until_us;
}

static void
enter_state (ElvesRunner *self)
{
  stop_timer (self);
  switch (self->state)
    {
    case ELVES_RUNNER_RUNNING:
      if (self->spec.timeout_ms > 0)
        start_timer_after (self, self->spec.timeout_ms);
      break;
    case ELVES_RUNNER_STOPPING:
      elves_cell_signal (self->cell, self->spec.stop_signal);
      start_timer_after (self, self->spec.grace_ms);
      break;
    case ELVES_RUNNER_KILLING:
      kill_tree (self);
      start_drain_timer (self);
      break;
    case ELVES_RUNNER_DRAINING:
      enter_draining (self);
      break;
    case ELVES_RUNNER_CLEARING:
      enter_clearing (self);
      break;
    default:
      release_processes (self);
      finish (self);
    }
}

static void
handle (ElvesRunner *self, ElvesRunnerEvent event)
{
  ElvesRunnerState next = elves_runner_next_state (self->state, event);
  if (self->state == ELVES_RUNNER_CLEARING && next == ELVES_RUNNER_ENDED && !is_clear (self))
    {
      start_timer_after (self, CLEAR_TICK_MS);
      return;
    }
  if (next == self->state)
    return;
  if (next == ELVES_RUNNER_STOPPING)
    self->end = event == ELVES_RUNNER_STOP_WANTED ? ELVES_RUN_CANCELLED : ELVES_RUN_TIMED_OUT;
  self->state = next;
  enter_state (self);
}

static void
on_worker_ended (pid_t pid, int wait_status, gpointer user_data)
{
  ElvesRunner *self = user_data;
  self->pid = 0;
  self->wait_status = wait_status;
  elves_cell_leader_ended (self->cell);
  if (!was_stopped (self))
    self->end = WIFSIGNALED (wait_status) ? ELVES_RUN_SIGNALLED : ELVES_RUN_EXITED;
  handle (self, ELVES_RUNNER_WORKER_EXITED);
}

/* --- Start ----------------------------------------------------------------------------------- */

static char **
make_environment (const ElvesRunnerSpec *spec, const ElvesCell *cell)
{
  guint n = g_strv_length ((char **) spec->environment);
  char **environment = g_new (char *, n + 2);
  memcpy (environment, spec->environment, n * sizeof (char *));
  environment[n] = (char *) elves_cell_tracking_entry (cell);
  environment[n + 1] = NULL;
  return environment; /* the strings are borrowed */
}

static gboolean
spawn_worker (ElvesRunner *self,
              const ElvesRunnerSpec *spec,
              int stdout_fd,
              int stderr_fd,
              GError **error)
{
  g_autofree char **environment = make_environment (spec, self->cell);
  const char *path = g_environ_getenv (environment, "PATH");
  g_autofree char *program = elves_spawn_find_program (spec->argv[0], path, error);
  if (program == NULL)
    return FALSE;
  ElvesSpawnSpec spawn = {
    .program = program,
    .argv = spec->argv,
    .environment = (const char *const *) environment,
    .directory = spec->directory,
    .user = spec->user,
    .group_fd = elves_cell_group_fd (self->cell),
    .join_fd = elves_cell_join_fd (self->cell),
    .stdin_fd = spec->stdin_fd > 0 ? spec->stdin_fd : -1,
    .stdout_fd = stdout_fd,
    .stderr_fd = stderr_fd,
  };
  self->pid = elves_spawn (&spawn, error);
  return self->pid != 0;
}

static gboolean
spawn_with_pipes (ElvesRunner *self, const ElvesRunnerSpec *spec, GError **error)
{
  int stdout_fd = elves_capture_open (&self->output);
  int stderr_fd = stdout_fd >= 0 ? elves_capture_open (&self->error_output) : -1;
  int pipe_errno = errno;
  gboolean started = FALSE;
  if (stdout_fd < 0 || stderr_fd < 0)
    g_set_error (error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE, "fork/exec %s: no pipe: %s",
                 spec->argv[0], g_strerror (pipe_errno));
  else
    started = spawn_worker (self, spec, stdout_fd, stderr_fd, error);
  if (stdout_fd >= 0)
    close (stdout_fd);
  if (stderr_fd >= 0)
    close (stderr_fd);
  return started;
}

static gboolean
start_worker (ElvesRunner *self,
              ElvesContainment *containment,
              const ElvesRunnerSpec *spec,
              GError **error)
{
  self->cell = spec->cell != NULL ? spec->cell : elves_containment_open_cell (containment, error);
  if (self->cell == NULL || !spawn_with_pipes (self, spec, error))
    return FALSE;
  elves_cell_set_leader (self->cell, self->pid);
  elves_reaper_watch (self->reaper, self->pid, on_worker_ended, self);
  elves_capture_watch (&self->output, self->poller, on_output_read, self);
  elves_capture_watch (&self->error_output, self->poller, on_output_read, self);
  return TRUE;
}

static void
on_not_started (ElvesDeadline *timer, gpointer user_data)
{
  finish (user_data);
}

/**
 * elves_runner_start:
 * @poller: for the pipes
 * @reaper: for the exit
 * @containment: for the tree
 * @deadlines: for the time; all four must outlive the runner
 * @spec: what to run; copied as far as needed
 * @finished: told once, from the main loop, also when nothing could be started
 * @user_data: for @finished
 *
 * Starts a worker. Blocks until it executes, some 100 us.
 *
 * Returns: (transfer full): the runner, never NULL; to be freed in or after @finished.
 */
ElvesRunner *
elves_runner_start (ElvesPoller *poller,
                    ElvesReaper *reaper,
                    ElvesContainment *containment,
                    ElvesDeadlines *deadlines,
                    const ElvesRunnerSpec *spec,
                    ElvesRunFinishedFunc finished,
                    gpointer user_data)
{
  ElvesRunner *self = g_new0 (ElvesRunner, 1);
  self->poller = poller;
  self->reaper = reaper;
  self->deadlines = deadlines;
  self->spec = *spec;
  self->spec.argv = self->spec.environment = NULL;
  self->spec.directory = NULL;
  self->spec.user = NULL;
  self->spec.cell = NULL;
  self->finished = finished;
  self->user_data = user_data;
  self->started_us = g_get_monotonic_time ();
  elves_capture_init (&self->output, ELVES_CAPTURE_BEGINNING, spec->output_limit_bytes);
  elves_capture_init (&self->error_output, ELVES_CAPTURE_END, spec->stderr_limit_bytes);
  self->output.sink = spec->output != NULL ? on_output_came : NULL;
  self->output.sink_data = self;
  self->state = ELVES_RUNNER_RUNNING;
  if (start_worker (self, containment, spec, &self->error))
    {
      enter_state (self);
      return self;
    }
  release_processes (self);
  self->state = ELVES_RUNNER_ENDED;
  self->end = ELVES_RUN_NOT_STARTED;
  elves_deadlines_arm (deadlines, &self->timer, g_get_monotonic_time (), on_not_started, self);
  return self;
}

/**
 * elves_runner_cancel:
 * @self: a runner
 *
 * Stops the tree as at the timeout. Nothing happens when it is being stopped already, or when the
 * worker has ended by itself: then its result stands.
 *
 * Returns: whether its end is (now, or already) that it was cancelled.
 */
gboolean
elves_runner_cancel (ElvesRunner *self)
{
  handle (self, ELVES_RUNNER_STOP_WANTED);
  return self->end == ELVES_RUN_CANCELLED;
}

/**
 * elves_runner_output:
 * @self: a runner that has not finished
 * @out_kept_bytes: of what is returned: the beginning of the output
 * @out_total_bytes: that were printed
 *
 * Returns: (nullable): standard output as it is kept.
 */
const guint8 *
elves_runner_output (const ElvesRunner *self, gsize *out_kept_bytes, guint64 *out_total_bytes)
{
  const GByteArray *kept = self->output.kept;
  *out_kept_bytes = kept != NULL ? kept->len : 0;
  *out_total_bytes = self->output.n_bytes;
  return kept != NULL ? kept->data : NULL;
}

/**
 * elves_runner_free:
 * @self: (nullable): a runner
 *
 * Kills what still runs; nobody is told.
 */
void
elves_runner_free (ElvesRunner *self)
{
  if (self == NULL)
    return;
  stop_timer (self);
  if (self->cell != NULL)
    elves_cell_signal (self->cell, SIGKILL);
  release_processes (self);
  elves_capture_clear (&self->output);
  elves_capture_clear (&self->error_output);
  g_clear_error (&self->error);
  g_free (self);
}

/**
 * elves_runner_cell:
 * @self: a runner
 *
 * Returns: (transfer none) (nullable): what contains its processes; %NULL when it was not started
 * or has finished.
 */
const ElvesCell *
elves_runner_cell (const ElvesRunner *self)
{
  return self->cell;
}

/**
 * elves_runner_pid:
 * @self: a runner
 *
 * Returns: the pid of the worker; 0 when it was not started or has ended.
 */
pid_t
elves_runner_pid (const ElvesRunner *self)
{
  return self->pid;
}
