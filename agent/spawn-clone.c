/* clone3() with CLONE_VM and CLONE_VFORK.
 *
 * Why not join the cgroup by a write to cgroup.procs: moving a process that exists stops every fork
 * and exit on the system for a grace period, a hundred microseconds of waiting for each job. A
 * process that is born in its cgroup is moved by nobody.
 *
 * The system call returns twice, the second time on another stack, so no C function can be around
 * it: the child would return into a frame that is not there. Hence the few instructions below, for
 * each machine; where there are none, or where the kernel or a filter does not allow the call, the
 * caller takes clone() and the write. */
#include "agent/spawn-clone.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef CLONE_CLEAR_SIGHAND
#define CLONE_CLEAR_SIGHAND 0x100000000ULL
#endif
#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif

#define PROBE_STACK_BYTES (16 * 1024)
/* Above the first frame: the C library's syscall() reads arguments that it was not given from
   there, when the child ends by a tail call of it. A multiple of 16. */
#define HEADROOM_BYTES 64

/* As the kernel has it since 5.7; <linux/sched.h> cannot be included beside <sched.h>. */
typedef struct
{
  guint64 flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
  guint64 set_tid, set_tid_size, cgroup;
} CloneArguments;

#if defined(__x86_64__) && defined(__LP64__)

/* Returns: in the parent, the pid or minus the error's number. The child has only @func and @data,
   in registers; its stack is aligned as before any call. */
static long
clone3_and_call (CloneArguments *arguments, ElvesCloneFunc func, gpointer data)
{
  long result;
  register ElvesCloneFunc func_register __asm__("r8") = func;
  register gpointer data_register __asm__("r9") = data;
  __asm__ volatile("syscall\n\t"
                   "testq %%rax, %%rax\n\t"
                   "jnz 1f\n\t"
                   "xorl %%ebp, %%ebp\n\t"
                   "movq %[data], %%rdi\n\t"
                   "callq *%[func]\n\t"
                   "hlt\n"
                   "1:"
                   : "=a"(result)
                   : "0"((long) SYS_clone3), "D"(arguments),
                     "S"(sizeof *arguments), [func] "r"(func_register), [data] "r"(data_register)
                   : "rcx", "r11", "memory", "cc");
  return result;
}

#else

static long
clone3_and_call (CloneArguments *arguments, ElvesCloneFunc func, gpointer data)
{
  return -ENOSYS;
}

#endif

/**
 * elves_spawn_clone:
 * @spec: its stack and its cgroup
 * @func: what the child runs: system calls only, until execve() or _exit(); it has no handler of a
 *   signal any more, and the caller's signal mask
 * @data: for @func
 *
 * The caller's thread waits until the child executes or ends; signals must be blocked in it.
 *
 * Returns: its pid; -1: errno says why, see elves_spawn_clone_is_missing()
 */
pid_t
elves_spawn_clone (const ElvesCloneSpec *spec, ElvesCloneFunc func, gpointer data)
{
  CloneArguments arguments = {
    .flags = CLONE_VM | CLONE_VFORK | CLONE_CLEAR_SIGHAND,
    .exit_signal = SIGCHLD,
    .stack = (gsize) spec->stack,
    .stack_size = spec->stack_bytes - HEADROOM_BYTES,
  };
  if (spec->group_fd >= 0)
    {
      arguments.flags |= CLONE_INTO_CGROUP;
      arguments.cgroup = spec->group_fd;
    }
  long result = clone3_and_call (&arguments, func, data);
  if (result >= 0)
    return result;
  errno = -result;
  return -1;
}

/**
 * elves_spawn_clone_is_missing:
 * @number: errno of a failed elves_spawn_clone()
 *
 * Returns: whether this machine, kernel or container does not have it at all
 */
gboolean
elves_spawn_clone_is_missing (int number)
{
  return number == ENOSYS || number == EPERM || number == EACCES || number == E2BIG ||
         number == EINVAL;
}

static void
end_at_once (gpointer data)
{
  syscall (SYS_exit_group, 0);
}

/**
 * elves_spawn_clone_works:
 * @group_fd: folder of a new cgroup
 *
 * Returns: whether a process can be born in it, and lives
 */
gboolean
elves_spawn_clone_works (int group_fd)
{
  static char stack[PROBE_STACK_BYTES] __attribute__ ((aligned (16)));
  ElvesCloneSpec spec = { stack, sizeof stack, group_fd };
  sigset_t all, before;
  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &before);
  pid_t pid = elves_spawn_clone (&spec, end_at_once, NULL);
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  int status = 0;
  while (pid > 0 && waitpid (pid, &status, 0) < 0 && errno == EINTR)
    ;
  return pid > 0 && WIFEXITED (status);
}
