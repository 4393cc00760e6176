/* Who belongs to a job, and who does not, whatever processes do to get away. Once with cgroups,
   once without. The runner's test has the behaviour over time; here are the cells themselves. */
#include "agent/containment.h"
#include "agent/spawn.h"

#include "common/error.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define TICK_US 20000 /* more than one of /proc/PID/stat */
#define STRAY_SCRIPT "(env -i setsid sh -c 'echo; exec sleep 60' &)"

static const char *own_path;

typedef struct
{
  ElvesContainment *containment; /* NULL: not to be had here */
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer mode)
{
  fixture->containment = elves_containment_new (GPOINTER_TO_INT (mode), NULL, NULL);
  if (fixture->containment == NULL)
    g_test_skip ("no cgroup can be made here");
}

static void
tear_down (Fixture *fixture, gconstpointer mode)
{
  elves_containment_free (fixture->containment);
  g_assert_cmpint (waitpid (-1, NULL, 0), ==, -1);
  g_assert_cmpint (errno, ==, ECHILD);
}

/* Starts a script as the leader of a cell; returns when it has written one line. */
static pid_t
start_leader (ElvesCell *cell, const char *script)
{
  g_autoptr (GError) error = NULL;
  int ends[2];
  g_assert_cmpint (pipe2 (ends, O_CLOEXEC), ==, 0);
  const char *const argv[] = { "sh", "-c", script, NULL };
  const char *const environment[] = { "PATH=/usr/bin:/bin", elves_cell_tracking_entry (cell),
                                      NULL };
  ElvesSpawnSpec spec = { .program = "/bin/sh",
                          .argv = argv,
                          .environment = environment,
                          .group_fd = elves_cell_group_fd (cell),
                          .join_fd = elves_cell_join_fd (cell),
                          .stdin_fd = -1,
                          .stdout_fd = ends[1],
                          .stderr_fd = ends[1] };
  pid_t pid = elves_spawn (&spec, &error);
  g_assert_no_error (error);
  elves_cell_set_leader (cell, pid);
  close (ends[1]);
  char byte;
  g_assert_cmpint (read (ends[0], &byte, 1), ==, 1);
  close (ends[0]);
  return pid;
}

static void
wait_for_all (void)
{
  while (waitpid (-1, NULL, 0) > 0)
    ;
}

/* Waits until @n of the job are alive: a shell forks when it likes. */
static void
assert_count_becomes (ElvesCell *cell, guint n)
{
  for (gint64 end_us = g_get_monotonic_time () + 10 * G_USEC_PER_SEC;
       elves_cell_count (cell) != n && g_get_monotonic_time () < end_us;)
    g_thread_yield ();
  g_assert_cmpuint (elves_cell_count (cell), ==, n);
}

typedef struct
{
  const char *name, *script;
  guint n_alive;
} TreeCase;

static const TreeCase tree_cases[] = {
  { "one", "echo; exec sleep 60", 1 },
  { "children", "sleep 60 & sleep 60 & echo; wait", 3 },
  { "own session", "setsid sleep 60 & echo; wait", 2 },
  { "own session and no environment", "env -i setsid sleep 60 & echo; wait", 2 },
  { "daemon", "(setsid sleep 60 &); sleep 60 & echo; wait", 3 },
  { "daemon in the group, no environment", "(env -i sleep 60 &); echo; exec sleep 60", 2 },
  { "zombie not counted", "sleep 0 & echo; exec sleep 60", 1 },
};

static void
test_tree (Fixture *fixture, gconstpointer mode)
{
  for (guint i = 0; fixture->containment != NULL && i < G_N_ELEMENTS (tree_cases); i++)
    {
      g_test_message ("%s", tree_cases[i].name);
      g_autoptr (GError) error = NULL;
      ElvesCell *cell = elves_containment_open_cell (fixture->containment, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (elves_cell_count (cell), ==, 0);
      start_leader (cell, tree_cases[i].script);
      assert_count_becomes (cell, tree_cases[i].n_alive);
      g_assert_cmpuint (elves_cell_signal (cell, SIGKILL), ==, tree_cases[i].n_alive);
      wait_for_all ();
      g_assert_cmpuint (elves_cell_count (cell), ==, 0);
      g_assert_cmpuint (elves_cell_signal (cell, SIGKILL), ==, 0);
      elves_cell_close (cell);
    }
}

/* A daemon whose leader has ended and was reaped. */
static void
test_after_leader (Fixture *fixture, gconstpointer mode)
{
  if (fixture->containment == NULL)
    return;
  ElvesCell *cell = elves_containment_open_cell (fixture->containment, NULL);
  pid_t pid = start_leader (cell, "(setsid sleep 60 >/dev/null 2>&1 &); echo");
  g_assert_cmpint (waitpid (pid, NULL, 0), ==, pid);
  assert_count_becomes (cell, 1);
  g_assert_cmpuint (elves_cell_signal (cell, SIGTERM), ==, 1);
  wait_for_all ();
  g_assert_cmpuint (elves_cell_count (cell), ==, 0);
  elves_cell_close (cell);
}

/* Connections have taken all descriptors: a tree can be killed all the same. */
static void
test_no_descriptors (Fixture *fixture, gconstpointer mode)
{
  if (fixture->containment == NULL)
    return;
  ElvesCell *cell = elves_containment_open_cell (fixture->containment, NULL);
  start_leader (cell, "setsid sleep 60 & echo; exec sleep 60");
  assert_count_becomes (cell, 2);
  struct rlimit before, low = { .rlim_cur = 64 };
  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &before), ==, 0);
  low.rlim_max = before.rlim_max;
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &low), ==, 0);
  int taken[64];
  guint n = 0;
  while (n < G_N_ELEMENTS (taken) && (taken[n] = open ("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
    n++;
  g_assert_cmpint (errno, ==, EMFILE);
  guint n_alive = elves_cell_count (cell);
  guint n_killed = elves_cell_signal (cell, SIGKILL);
  while (n > 0)
    close (taken[--n]);
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &before), ==, 0);
  g_assert_cmpuint (n_alive, ==, 2);
  g_assert_cmpuint (n_killed, ==, 2);
  wait_for_all ();
  elves_cell_close (cell);
}

/* A daemon that nothing ties to its job any more belongs to the last open one at the latest. */
static void
test_stray (Fixture *fixture, gconstpointer mode)
{
  if (fixture->containment == NULL)
    return;
  ElvesCell *first = elves_containment_open_cell (fixture->containment, NULL);
  pid_t pid = start_leader (first, STRAY_SCRIPT);
  g_assert_cmpint (waitpid (pid, NULL, 0), ==, pid);
  elves_cell_leader_ended (first);
  assert_count_becomes (first, 1);
  ElvesCell *second = elves_containment_open_cell (fixture->containment, NULL);
  start_leader (second, "echo; exec sleep 60");
  gboolean known = GPOINTER_TO_INT (mode) == ELVES_CONTAIN_CGROUP;
  g_assert_cmpuint (elves_cell_count (first), ==, known ? 1 : 0);
  g_assert_cmpuint (elves_cell_signal (first, SIGKILL), ==, known ? 1 : 0);
  elves_cell_close (first);
  g_assert_cmpuint (elves_cell_signal (second, SIGKILL), ==, known ? 1 : 2);
  wait_for_all ();
  elves_cell_close (second);
}

/* Where leftovers live on, nobody else's job takes them along. */
static void
test_stray_spared (Fixture *fixture, gconstpointer mode)
{
  if (fixture->containment == NULL || GPOINTER_TO_INT (mode) == ELVES_CONTAIN_CGROUP)
    return;
  elves_containment_spare_strays (fixture->containment);
  ElvesCell *cell = elves_containment_open_cell (fixture->containment, NULL);
  pid_t pid = start_leader (cell, "(env -i setsid sh -c 'echo; sleep 0.2; exit 0' &)");
  g_assert_cmpint (waitpid (pid, NULL, 0), ==, pid);
  elves_cell_leader_ended (cell);
  g_assert_cmpuint (elves_cell_signal (cell, SIGKILL), ==, 0);
  elves_cell_close (cell);
  int status;
  g_assert_cmpint (waitpid (-1, &status, 0), >, 0);
  g_assert_true (WIFEXITED (status));
}

static gpointer
wait_for_ever (gpointer unused)
{
  if (write (1, "\n", 1) == 1)
    pause ();
  return NULL;
}

/* /proc calls a process whose first thread has ended a zombie: it is not. */
static void
test_first_thread_ended (Fixture *fixture, gconstpointer mode)
{
  if (fixture->containment == NULL)
    return;
  ElvesCell *cell = elves_containment_open_cell (fixture->containment, NULL);
  g_autofree char *script = g_strdup_printf ("exec '%s' --end-first-thread", own_path);
  start_leader (cell, script);
  g_usleep (TICK_US);
  g_assert_cmpuint (elves_cell_count (cell), ==, 1);
  g_assert_cmpuint (elves_cell_signal (cell, SIGTERM), ==, 1);
  wait_for_all ();
  g_assert_cmpuint (elves_cell_count (cell), ==, 0);
  elves_cell_close (cell);
}

/* Jobs do not touch each other, nor processes of ours that are in none. */
static void
test_others (Fixture *fixture, gconstpointer mode)
{
  if (fixture->containment == NULL)
    return;
  pid_t bystander = fork ();
  if (bystander == 0)
    {
      pause ();
      _exit (0);
    }
  g_usleep (TICK_US); /* older than the jobs, as far as /proc can tell */
  ElvesCell *first = elves_containment_open_cell (fixture->containment, NULL);
  ElvesCell *second = elves_containment_open_cell (fixture->containment, NULL);
  g_assert_cmpstr (elves_cell_tracking_entry (first), !=, elves_cell_tracking_entry (second));
  start_leader (first, "(setsid sleep 60 &); echo; exec sleep 60");
  start_leader (second, "(setsid sleep 60 &); echo; exec sleep 60");
  assert_count_becomes (first, 2);
  assert_count_becomes (second, 2);
  g_assert_cmpuint (elves_cell_signal (first, SIGKILL), ==, 2);
  g_assert_cmpint (waitpid (-1, NULL, 0), >, 0);
  g_assert_cmpint (waitpid (-1, NULL, 0), >, 0);
  g_assert_cmpuint (elves_cell_count (first), ==, 0);
  g_assert_cmpuint (elves_cell_count (second), ==, 2);
  g_assert_cmpint (waitpid (bystander, NULL, WNOHANG), ==, 0);
  elves_cell_close (first);
  g_assert_cmpuint (elves_cell_signal (second, SIGKILL), ==, 2);
  kill (bystander, SIGKILL);
  wait_for_all ();
  elves_cell_close (second);
}

/* A cell closed while its processes live; its cgroup is removed in the end. */
static void
test_closed_alive (Fixture *fixture, gconstpointer mode)
{
  if (fixture->containment == NULL)
    return;
  ElvesCell *cell = elves_containment_open_cell (fixture->containment, NULL);
  pid_t pid = start_leader (cell, "echo; exec sleep 60");
  elves_cell_close (cell);
  elves_cell_close (NULL);
  g_assert_cmpint (kill (pid, SIGKILL), ==, 0);
  wait_for_all ();
}

/* A root job may make cgroups of its own: they are found, killed and removed. */
static void
test_nested (Fixture *fixture, gconstpointer mode)
{
  if (fixture->containment == NULL || GPOINTER_TO_INT (mode) != ELVES_CONTAIN_CGROUP)
    return;
  ElvesCell *cell = elves_containment_open_cell (fixture->containment, NULL);
  g_autofree char *path =
      g_strdup (strchr (elves_containment_describe (fixture->containment), '/'));
  g_autofree char *script =
      g_strdup_printf ("for g in %s/*/; do case $g in *[0-9]/) grep -q $$ $g/cgroup.procs &&"
                       " mkdir -p $g/a/b && echo $$ >$g/a/b/cgroup.procs;; esac; done;"
                       "grep -q /a/b /proc/$$/cgroup || exit 1;"
                       "echo; exec sleep 60",
                       path);
  start_leader (cell, script);
  assert_count_becomes (cell, 1);
  g_assert_cmpuint (elves_cell_signal (cell, SIGTERM), ==, 1);
  wait_for_all ();
  elves_cell_close (cell);
  g_clear_pointer (&fixture->containment, elves_containment_free);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
}

static void
test_fallback (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("elves-test-XXXXXX", &error);
  g_assert_no_error (error);
  g_assert_null (elves_containment_new (ELVES_CONTAIN_CGROUP, folder, &error));
  g_assert_error (error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE);
  g_clear_error (&error);
  g_assert_null (elves_containment_new (ELVES_CONTAIN_CGROUP, "/no/such", &error));
  g_assert_cmpstr (error->message, ==,
                   "No cgroup for workers: Cannot open cgroup /no/such: No such file or directory");
  ElvesContainment *containment = elves_containment_new (ELVES_CONTAIN_AUTO, "/no/such", NULL);
  g_assert_cmpstr (elves_containment_describe (containment), ==,
                   "session, process group and ancestry "
                   "(Cannot open cgroup /no/such: No such file or directory)");
  elves_containment_free (containment);
  g_assert_cmpint (rmdir (folder), ==, 0); /* nothing was left in it */
}

typedef struct
{
  const char *name;
  void (*func) (Fixture *, gconstpointer);
} Test;

static const Test tests[] = {
  { "tree", test_tree },
  { "after-leader", test_after_leader },
  { "others", test_others },
  { "closed-alive", test_closed_alive },
  { "nested", test_nested },
  { "stray", test_stray },
  { "stray-spared", test_stray_spared },
  { "first-thread-ended", test_first_thread_ended },
  { "no-descriptors", test_no_descriptors },
};

static void
add_tests (const char *kind, ElvesContainmentMode mode)
{
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    {
      g_autofree char *path = g_strdup_printf ("/containment/%s/%s", kind, tests[i].name);
      g_test_add (path, Fixture, GINT_TO_POINTER (mode), set_up, tests[i].func, tear_down);
    }
}

int
main (int argc, char **argv)
{
  if (argc == 2 && strcmp (argv[1], "--end-first-thread") == 0)
    {
      g_thread_unref (g_thread_new ("second", wait_for_ever, NULL));
      pthread_exit (NULL);
    }
  g_test_init (&argc, &argv, NULL);
  g_autofree char *path = g_file_read_link ("/proc/self/exe", NULL);
  own_path = path;
  add_tests ("cgroup", ELVES_CONTAIN_CGROUP);
  add_tests ("process", ELVES_CONTAIN_PROCESS);
  g_test_add_func ("/containment/fallback", test_fallback);
  return g_test_run ();
}
