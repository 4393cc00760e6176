/* Children end; those who watch are told, and no zombie stays. */
#include "agent/reaper.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEADLINE_MS 20000
#define N_CHILDREN 600 /* more than are reaped in one turn */

typedef struct
{
  ElvesPoller *poller;
  ElvesReaper *reaper;
  guint n_told;
  pid_t last_pid;
  int last_status;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  fixture->poller = elves_poller_new (&error);
  g_assert_no_error (error);
  fixture->reaper = elves_reaper_new (fixture->poller, &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  elves_reaper_free (fixture->reaper);
  elves_poller_free (fixture->poller);
}

/* A child that ends at once, by a signal or with an exit status. */
static pid_t
fork_child (int exit_status, int signal_number)
{
  pid_t pid = fork ();
  g_assert_cmpint (pid, >=, 0);
  if (pid != 0)
    return pid;
  if (signal_number != 0)
    kill (getpid (), signal_number);
  _exit (exit_status);
}

static void
on_reaped (pid_t pid, int wait_status, gpointer user_data)
{
  Fixture *fixture = user_data;
  siginfo_t info = { 0 };
  fixture->n_told++;
  fixture->last_pid = pid;
  fixture->last_status = wait_status;
  /* Still a zombie. */
  g_assert_cmpint (waitid (P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT), ==, 0);
  g_assert_cmpint (info.si_pid, ==, pid);
}

static gboolean
on_deadline_passed (gpointer user_data)
{
  g_error ("the test did not end in time");
  return G_SOURCE_REMOVE;
}

static void
run_until_no_child (void)
{
  guint alarm_id = g_timeout_add (DEADLINE_MS, on_deadline_passed, NULL);
  while (waitid (P_ALL, 0, &(siginfo_t){ 0 }, WEXITED | WNOHANG | WNOWAIT) == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpint (errno, ==, ECHILD);
  g_source_remove (alarm_id);
}

static void
test_exit_status (Fixture *fixture, gconstpointer data)
{
  pid_t pid = fork_child (7, 0);
  elves_reaper_watch (fixture->reaper, pid, on_reaped, fixture);
  g_assert_cmpuint (fixture->n_told, ==, 0);
  run_until_no_child ();
  g_assert_cmpuint (fixture->n_told, ==, 1);
  g_assert_cmpint (fixture->last_pid, ==, pid);
  g_assert_true (WIFEXITED (fixture->last_status));
  g_assert_cmpint (WEXITSTATUS (fixture->last_status), ==, 7);
  g_assert_cmpuint (elves_reaper_adopted (fixture->reaper), ==, 0);
}

static void
test_signal (Fixture *fixture, gconstpointer data)
{
  static const int signals[] = { SIGKILL, SIGTERM, SIGUSR1 };
  for (guint i = 0; i < G_N_ELEMENTS (signals); i++)
    {
      elves_reaper_watch (fixture->reaper, fork_child (0, signals[i]), on_reaped, fixture);
      run_until_no_child ();
      g_assert_true (WIFSIGNALED (fixture->last_status));
      g_assert_cmpint (WTERMSIG (fixture->last_status), ==, signals[i]);
    }
  g_assert_cmpuint (fixture->n_told, ==, G_N_ELEMENTS (signals));
}

static void
test_forgotten (Fixture *fixture, gconstpointer data)
{
  pid_t pid = fork_child (0, 0);
  elves_reaper_watch (fixture->reaper, pid, on_reaped, fixture);
  elves_reaper_forget (fixture->reaper, pid);
  elves_reaper_forget (fixture->reaper, 1);
  run_until_no_child ();
  g_assert_cmpuint (fixture->n_told, ==, 0);
  g_assert_cmpuint (elves_reaper_adopted (fixture->reaper), ==, 0);
}

static void
test_adopted (Fixture *fixture, gconstpointer data)
{
  g_assert_cmpint (prctl (PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), ==, 0);
  pid_t pid = fork ();
  if (pid == 0)
    {
      fork_child (0, 0);
      fork_child (0, 0);
      _exit (0);
    }
  elves_reaper_watch (fixture->reaper, pid, on_reaped, fixture);
  run_until_no_child ();
  g_assert_cmpuint (fixture->n_told, ==, 1);
  g_assert_cmpuint (elves_reaper_adopted (fixture->reaper), ==, 2);
}

static void
test_many (Fixture *fixture, gconstpointer data)
{
  pid_t last = 0;
  for (int i = 0; i < N_CHILDREN; i++)
    elves_reaper_watch (fixture->reaper, last = fork_child (0, 0), on_reaped, fixture);
  waitid (P_PID, last, &(siginfo_t){ 0 }, WEXITED | WNOWAIT); /* most have ended */
  run_until_no_child ();
  g_assert_cmpuint (fixture->n_told, ==, N_CHILDREN);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/reaper/exit-status", Fixture, NULL, set_up, test_exit_status, tear_down);
  g_test_add ("/reaper/signal", Fixture, NULL, set_up, test_signal, tear_down);
  g_test_add ("/reaper/forgotten", Fixture, NULL, set_up, test_forgotten, tear_down);
  g_test_add ("/reaper/adopted", Fixture, NULL, set_up, test_adopted, tear_down);
  g_test_add ("/reaper/many", Fixture, NULL, set_up, test_many, tear_down);
  return g_test_run ();
}
