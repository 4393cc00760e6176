/* agent/spawn: what a program finds when it begins, with clone3() and where that is forbidden. */

#include "agent/containment.h"
#include "agent/spawn.h"
#include "common/error.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const environment[] = { "PATH=/usr/bin:/bin", NULL };

/* What a shell script writes; @cell: (nullable). */
static char *
output_of (const char *script, int stdin_fd, const ElvesCell *cell)
{
  g_autoptr (GError) error = NULL;
  int ends[2];
  g_assert_cmpint (pipe2 (ends, O_CLOEXEC), ==, 0);
  const char *const argv[] = { "sh", "-c", script, NULL };
  ElvesSpawnSpec spec = {
    .program = "/bin/sh",
    .argv = argv,
    .environment = environment,
    .group_fd = cell != NULL ? elves_cell_group_fd (cell) : -1,
    .join_fd = cell != NULL ? elves_cell_join_fd (cell) : -1,
    .stdin_fd = stdin_fd,
    .stdout_fd = ends[1],
    .stderr_fd = ends[1],
  };
  pid_t pid = elves_spawn (&spec, &error);
  g_assert_no_error (error);
  close (ends[1]);
  GString *text = g_string_new (NULL);
  char buffer[4096];
  for (gssize n; (n = read (ends[0], buffer, sizeof buffer)) > 0;)
    g_string_append_len (text, buffer, n);
  close (ends[0]);
  int status;
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_cmpint (status, ==, 0);
  return g_string_free (text, FALSE);
}

static void
assert_born_in_group (void)
{
  g_autoptr (ElvesContainment) containment =
      elves_containment_new (ELVES_CONTAIN_CGROUP, NULL, NULL);
  if (containment == NULL)
    {
      g_test_skip ("no cgroup can be made here");
      return;
    }
  ElvesCell *cell = elves_containment_open_cell (containment, NULL);
  g_autofree char *path = elves_cell_group_path (cell);
  g_autofree char *output = output_of ("cat /proc/self/cgroup", -1, cell);
  g_autofree char *name = g_path_get_basename (path);
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *base = g_path_get_basename (folder);
  g_autofree char *end = g_strdup_printf ("/%s/%s\n", base, name);
  g_assert_nonnull (strstr (output, end));
  elves_cell_close (cell);
}

/* Ignored and handled signals, mask, session, standard input, descriptors. */
static void
assert_begins_clean (void)
{
  g_autofree char *output = output_of ("sed -nE '/Sig(Ign|Cgt|Blk)/p' /proc/self/status\n"
                                       "readlink /proc/self/fd/0; ls -m /proc/$$/fd\n"
                                       "[ $(cut -d' ' -f6 /proc/$$/stat) = $$ ] && echo leads",
                                       -1, NULL);
  g_assert_cmpstr (output, ==,
                   "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n"
                   "SigCgt:\t0000000000000000\n/dev/null\n0, 1, 2\nleads\n");
}

static void
on_signal (int number)
{
}

static void
change_signals (void)
{
  signal (SIGPIPE, SIG_IGN);
  signal (SIGHUP, SIG_IGN);
  signal (SIGUSR1, on_signal);
  sigset_t blocked;
  sigemptyset (&blocked);
  sigaddset (&blocked, SIGCHLD);
  pthread_sigmask (SIG_BLOCK, &blocked, NULL);
}

/* From now on clone3() fails with @number, as where a container's filter does not know it. */
static void
forbid_clone3 (int number)
{
  struct sock_filter program[] = {
    BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, nr)),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1),
    BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (number & SECCOMP_RET_DATA)),
    BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog filter = { G_N_ELEMENTS (program), program };
  g_assert_cmpint (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), ==, 0);
  g_assert_cmpint (prctl (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter), ==, 0);
}

static void
test_begins (gconstpointer data)
{
  int number = GPOINTER_TO_INT (data);
  if (!g_test_subprocess ())
    {
      g_test_trap_subprocess (NULL, 0, 0);
      g_test_trap_assert_passed ();
      return;
    }
  change_signals ();
  if (number != 0)
    forbid_clone3 (number);
  assert_begins_clean ();
  assert_begins_clean ();
  assert_born_in_group ();
}

static void
write_to (const char *folder, const char *file, const char *text)
{
  g_autofree char *path = g_build_filename (folder, file, NULL);
  int fd = open (path, O_WRONLY | O_CLOEXEC);
  g_assert_cmpint (write (fd, text, strlen (text)), ==, strlen (text));
  close (fd);
}

/* There the kernel kills whoever is born in another group: it must be seen, and left alone. */
static void
test_agent_in_group_once_killed (void)
{
  g_autoptr (ElvesContainment) outer = elves_containment_new (ELVES_CONTAIN_CGROUP, NULL, NULL);
  ElvesCell *cell = outer != NULL ? elves_containment_open_cell (outer, NULL) : NULL;
  g_autofree char *path = cell != NULL ? elves_cell_group_path (cell) : NULL;
  g_autofree char *kill_file = path != NULL ? g_build_filename (path, "cgroup.kill", NULL) : NULL;
  if (kill_file == NULL || access (kill_file, W_OK) != 0)
    g_test_skip ("no cgroup with cgroup.kill can be made here");
  else
    {
      write_to (path, "cgroup.kill", "1");
      write_to (path, "cgroup.procs", "0");
      assert_born_in_group ();
      write_to (path, "../../cgroup.procs", "0");
    }
  elves_cell_close (cell);
}

static void
test_standard_input (void)
{
  int ends[2];
  g_assert_cmpint (pipe2 (ends, O_CLOEXEC), ==, 0);
  g_assert_cmpint (write (ends[1], "said\n", 5), ==, 5);
  close (ends[1]);
  g_autofree char *output = output_of ("cat", ends[0], NULL);
  close (ends[0]);
  g_assert_cmpstr (output, ==, "said\n");
}

static void
assert_fails (const char *program, const char *directory, int code, const char *text)
{
  g_autoptr (GError) error = NULL;
  const char *const argv[] = { program, NULL };
  int fd = open ("/dev/null", O_RDWR | O_CLOEXEC);
  ElvesSpawnSpec spec = {
    .program = program,
    .argv = argv,
    .environment = environment,
    .directory = directory,
    .group_fd = -1,
    .join_fd = -1,
    .stdin_fd = -1,
    .stdout_fd = fd,
    .stderr_fd = fd,
  };
  g_assert_cmpint (elves_spawn (&spec, &error), ==, 0);
  g_assert_error (error, ELVES_ERROR, code);
  g_assert_cmpstr (error->message, ==, text);
  g_assert_cmpint (waitpid (-1, NULL, 0), ==, -1);
  close (fd);
}

static void
test_failures (void)
{
  assert_fails ("/no/such", "/", ELVES_ERROR_NOT_FOUND,
                "fork/exec /no/such: no such file or directory");
  assert_fails ("/bin/true", "/no/such", ELVES_ERROR_NOT_FOUND,
                "chdir /no/such: no such file or directory");
  assert_fails ("/etc/passwd", "/", ELVES_ERROR_UNAVAILABLE,
                "fork/exec /etc/passwd: permission denied");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/spawn/begins-clean", GINT_TO_POINTER (0), test_begins);
  g_test_add_data_func ("/spawn/begins-clean-without-clone3", GINT_TO_POINTER (ENOSYS),
                        test_begins);
  g_test_add_data_func ("/spawn/begins-clean-where-clone3-is-forbidden", GINT_TO_POINTER (EPERM),
                        test_begins);
  g_test_add_func ("/spawn/agent-in-group-once-killed", test_agent_in_group_once_killed);
  g_test_add_func ("/spawn/standard-input", test_standard_input);
  g_test_add_func ("/spawn/failures", test_failures);
  return g_test_run ();
}
