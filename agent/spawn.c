/* One new process, from the decision to execve().
 *
 * The child shares the parent's memory (CLONE_VM) and the parent's thread waits until execve() or
 * the end of the child (CLONE_VFORK): no page tables are copied, so the size of the agent does not
 * matter. The price is that between clone() and execve() the child may use nothing that has state
 * in the C library: only system calls, and no credential wrappers (glibc's would try to change
 * every thread). All signals are blocked in the parent meanwhile, lest a handler run twice.
 *
 * Where the system allows it the child is born in its cgroup, without handlers of signals: see
 * agent/spawn-clone. Elsewhere it joins by a write and resets each signal. Which of the two it is
 * is found out by the first start.
 *
 * Promises: the child has the default disposition of every signal, an empty signal mask, its own
 * session, no descriptor but 0 (/dev/null), 1 and 2, umask 022, and the limit of descriptors that
 * the agent was started with: a daemon raises its own as far as it may, and a program that uses
 * select(), or that closes every number up to the limit, must not see that. (A signal that the
 * agent begins to ignore after its first start of a program is the exception.) A failure of any
 * step comes back as an error that names the step, and leaves no process behind. Main thread only:
 * there is one child stack. */
#include "agent/spawn.h"

#include "agent/spawn-clone.h"
#include "common/error.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK_BYTES (64 * 1024)
#define GUARD_BYTES (16 * 1024)
#define KERNEL_SIGNAL_SET_BYTES (_NSIG / 8)

#if defined(__clang__) || defined(__GNUC__)
#define BETWEEN_CLONE_AND_EXEC __attribute__ ((no_sanitize ("address", "undefined"), noinline))
#else
#define BETWEEN_CLONE_AND_EXEC
#endif

/* As the kernel has it, whatever rlim_t of this platform is. */
typedef struct
{
  guint64 soft, hard;
} DescriptorLimit;

/* 32 and 33, which nobody may ask for; a process that posix_spawn() has started ignores them. */
#define C_LIBRARY_SIGNALS (G_GUINT64_CONSTANT (3) << 31)

static DescriptorLimit first_limit; /* all zero: not remembered */
static gboolean cannot_clone3;      /* seen to fail */

/* What parent and child share while the parent waits. */
typedef struct
{
  const ElvesSpawnSpec *spec;
  const DescriptorLimit *limit; /* (nullable) */
  rlim_t max_descriptors;
  int stdin_fd, join_fd;   /* join_fd: -1: the child is in its cgroup, or gets none */
  guint64 signals;         /* to be reset, the first in bit 0 */
  const char *failed_step; /* written by the child; NULL: none */
  int failed_errno;
} Launch;

BETWEEN_CLONE_AND_EXEC static void
reset_signals (guint64 signals)
{
  /* A kernel sigaction of zeros: SIG_DFL, no flags, empty mask; larger than on any architecture. */
  char zeros[128] __attribute__ ((aligned (16)));
  for (gsize i = 0; i < sizeof zeros; i++)
    ((volatile char *) zeros)[i] = 0;
  for (int number = 1; signals != 0; number++, signals >>= 1)
    if (signals & 1)
      syscall (SYS_rt_sigaction, number, zeros, NULL, KERNEL_SIGNAL_SET_BYTES);
  syscall (SYS_rt_sigprocmask, SIG_SETMASK, zeros, NULL, KERNEL_SIGNAL_SET_BYTES);
}

BETWEEN_CLONE_AND_EXEC static void
close_descriptors (const Launch *launch)
{
  if (syscall (SYS_close_range, 3, ~0U, 0) == 0)
    return;
  for (rlim_t fd = 3; fd < launch->max_descriptors; fd++)
    syscall (SYS_close, (int) fd);
}

BETWEEN_CLONE_AND_EXEC static const char *
set_descriptors (const Launch *launch)
{
  if (syscall (SYS_dup3, launch->stdin_fd, 0, 0) < 0 ||
      syscall (SYS_dup3, launch->spec->stdout_fd, 1, 0) < 0 ||
      syscall (SYS_dup3, launch->spec->stderr_fd, 2, 0) < 0)
    return "dup";
  close_descriptors (launch);
  return NULL;
}

BETWEEN_CLONE_AND_EXEC static const char *
set_user (const ElvesSpawnUser *user)
{
  if (syscall (SYS_setgroups, (size_t) user->n_groups, user->groups) != 0)
    return "setgroups";
  if (syscall (SYS_setresgid, user->gid, user->gid, user->gid) != 0)
    return "setgid";
  if (syscall (SYS_setresuid, user->uid, user->uid, user->uid) != 0)
    return "setuid";
  return NULL;
}

BETWEEN_CLONE_AND_EXEC static const char *
set_limit (const DescriptorLimit *limit)
{
  if (limit == NULL || syscall (SYS_prlimit64, 0, RLIMIT_NOFILE, limit, NULL) == 0)
    return NULL;
  return "setrlimit";
}

/* Returns the name of the step that failed, errno then says why; does not return on success. */
BETWEEN_CLONE_AND_EXEC static const char *
become_program (const Launch *launch)
{
  const ElvesSpawnSpec *spec = launch->spec;
  reset_signals (launch->signals);
  if (syscall (SYS_setsid) < 0)
    return "setsid";
  if (launch->join_fd >= 0 && syscall (SYS_write, launch->join_fd, "0", (size_t) 1) != 1)
    return "join cgroup";
  const char *failed = set_descriptors (launch);
  if (failed != NULL)
    return failed;
  if ((failed = set_limit (launch->limit)) != NULL)
    return failed;
  if (spec->directory != NULL && syscall (SYS_chdir, spec->directory) != 0)
    return "chdir";
  if (spec->user != NULL && (failed = set_user (spec->user)) != NULL)
    return failed;
  syscall (SYS_umask, 022);
  syscall (SYS_execve, spec->program, spec->argv, spec->environment);
  return "exec";
}

BETWEEN_CLONE_AND_EXEC static void
child_main (void *data)
{
  Launch *launch = data;
  launch->failed_step = become_program (launch);
  launch->failed_errno = errno;
  syscall (SYS_exit_group, 127);
}

BETWEEN_CLONE_AND_EXEC static int
child_main_of_clone (void *data)
{
  child_main (data);
  return 127;
}

/* The lowest byte of the one child stack. */
static char *
child_stack (GError **error)
{
  static char *stack;
  if (stack == NULL)
    {
      char *memory = mmap (NULL, GUARD_BYTES + STACK_BYTES, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
      if (memory == MAP_FAILED)
        {
          g_set_error (error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE, "fork/exec: no stack: %s",
                       g_strerror (errno));
          return NULL;
        }
      mprotect (memory, GUARD_BYTES, PROT_NONE);
      stack = memory;
    }
  return stack + GUARD_BYTES;
}

static void
set_step_error (const char *step, int number, const ElvesSpawnSpec *spec, GError **error)
{
  /* The system's text as the original's users know it: in lower case. */
  const char *description = strerrordesc_np (number);
  g_autofree char *text = g_ascii_strdown (description != NULL ? description : "unknown error", -1);
  gboolean missing = number == ENOENT || number == ENOTDIR;
  if (g_str_equal (step, "exec"))
    g_set_error (error, ELVES_ERROR, missing ? ELVES_ERROR_NOT_FOUND : ELVES_ERROR_UNAVAILABLE,
                 "fork/exec %s: %s", spec->program, text);
  else if (g_str_equal (step, "chdir"))
    g_set_error (error, ELVES_ERROR, missing ? ELVES_ERROR_NOT_FOUND : ELVES_ERROR_UNAVAILABLE,
                 "chdir %s: %s", spec->directory, text);
  else
    g_set_error (error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE, "fork/exec %s: %s: %s", spec->program,
                 step, text);
}

/* What every program gets as its standard input that is given no other; never closed. */
static int
null_fd (void)
{
  static int fd = -1;
  if (fd >= 0)
    return fd;
  int opened = open ("/dev/null", O_RDWR | O_CLOEXEC);
  fd = opened >= 0 ? fcntl (opened, F_DUPFD_CLOEXEC, 3) : -1;
  if (opened >= 0)
    close (opened);
  return fd;
}

/**
 * elves_spawn_prepare:
 *
 * Opens what programs share, and takes the present limit of descriptors as that of every program
 * started later. To be called before the daemon raises its own; else they get what the daemon has.
 */
void
elves_spawn_prepare (void)
{
  struct rlimit limit;
  if (getrlimit (RLIMIT_NOFILE, &limit) == 0)
    first_limit = (DescriptorLimit){ limit.rlim_cur, limit.rlim_max };
  null_fd ();
}

/* A handler that is cleared needs no more; what is ignored stays ignored across clone3() and
   execve(). Asking for each costs as much as resetting each, so they are remembered. */
static guint64
ignored_signals (void)
{
  static guint64 signals;
  if (signals != 0)
    return signals;
  signals = G_GUINT64_CONSTANT (1) << (SIGPIPE - 1) | C_LIBRARY_SIGNALS;
  for (int number = 1; number < _NSIG; number++)
    {
      struct sigaction action;
      if (sigaction (number, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
        signals |= G_GUINT64_CONSTANT (1) << (number - 1);
    }
  return signals;
}

/* Returns: -1: errno says why. */
static pid_t
start_in_group (Launch *launch, char *stack)
{
  ElvesCloneSpec clone_spec = { stack, STACK_BYTES, launch->spec->group_fd };
  launch->join_fd = clone_spec.group_fd >= 0 ? -1 : launch->spec->join_fd;
  launch->signals = ignored_signals ();
  pid_t pid = elves_spawn_clone (&clone_spec, child_main, launch);
  cannot_clone3 = pid < 0 && elves_spawn_clone_is_missing (errno);
  return pid;
}

/* Stacks grow down on all that Linux runs on but one. */
static pid_t
start_and_join (Launch *launch, char *stack)
{
  launch->join_fd = launch->spec->join_fd;
  launch->signals = ~G_GUINT64_CONSTANT (0);
  return clone (child_main_of_clone, stack + STACK_BYTES, CLONE_VM | CLONE_VFORK | SIGCHLD, launch);
}

static pid_t
start_child (Launch *launch, char *stack)
{
  sigset_t all, before;
  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &before);
  pid_t pid = cannot_clone3 ? -1 : start_in_group (launch, stack);
  if (pid < 0 && cannot_clone3)
    pid = start_and_join (launch, stack);
  int clone_errno = errno;
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  errno = clone_errno;
  return pid;
}

/**
 * elves_spawn:
 * @spec: what to start, and as what
 * @error: return location for a #GError
 *
 * Starts a program in a session of its own. Blocks until it executes, some 50 us.
 *
 * Returns: its pid, which the caller must wait for; or 0.
 * Errors: %ELVES_ERROR_NOT_FOUND when the program or the directory is missing,
 * %ELVES_ERROR_UNAVAILABLE for anything else.
 */
pid_t
elves_spawn (const ElvesSpawnSpec *spec, GError **error)
{
  char *stack = child_stack (error);
  if (stack == NULL)
    return 0;
  struct rlimit limit = { .rlim_cur = 1024 };
  getrlimit (RLIMIT_NOFILE, &limit);
  Launch launch = {
    .spec = spec,
    .limit = first_limit.hard > 0 ? &first_limit : NULL,
    .max_descriptors = MIN (limit.rlim_cur, 1 << 20),
    .stdin_fd = spec->stdin_fd >= 0 ? spec->stdin_fd : null_fd (),
  };
  pid_t pid = start_child (&launch, stack);
  if (pid < 0)
    {
      set_step_error ("clone", errno, spec, error);
      return 0;
    }
  if (launch.failed_step == NULL)
    return pid;
  while (waitpid (pid, NULL, 0) < 0 && errno == EINTR)
    ;
  set_step_error (launch.failed_step, launch.failed_errno, spec, error);
  return 0;
}

static gboolean
is_program (const char *path)
{
  struct stat status;
  return stat (path, &status) == 0 && S_ISREG (status.st_mode) && (status.st_mode & 0111) != 0;
}

/**
 * elves_spawn_find_program:
 * @name: a path, or a name without slash
 * @path: (nullable): directories separated by colons; those that are not absolute are not used
 * @error: return location for a #GError
 *
 * Returns: (transfer full): @name itself when it has a slash, else the first such program in @path.
 * Errors: %ELVES_ERROR_NOT_FOUND.
 */
char *
elves_spawn_find_program (const char *name, const char *path, GError **error)
{
  if (strchr (name, '/') != NULL)
    return g_strdup (name);
  if (*name == '\0')
    {
      g_set_error_literal (error, ELVES_ERROR, ELVES_ERROR_NOT_FOUND, "exec: no command");
      return NULL;
    }
  g_auto (GStrv) directories = g_strsplit (path != NULL ? path : "", ":", -1);
  for (char **directory = directories; *directory != NULL; directory++)
    {
      if (!g_path_is_absolute (*directory))
        continue;
      g_autofree char *candidate = g_build_filename (*directory, name, NULL);
      if (is_program (candidate))
        return g_steal_pointer (&candidate);
    }
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_NOT_FOUND,
               "exec: \"%s\": executable file not found in $PATH", name);
  return NULL;
}

void
elves_spawn_user_clear (ElvesSpawnUser *self)
{
  g_clear_pointer (&self->groups, g_free);
}
