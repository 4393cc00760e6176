/* Finds the processes of a job where no cgroup can be made: by scans of /proc.
 *
 * A process belongs to the job when it has the leader's session or process group, when its parent
 * belongs to it, or when it was orphaned (then the agent, a child subreaper, is its parent) and has
 * the job's tracking entry in its environment.
 *
 * An orphan that made its own session and also wiped its environment is a stray: it is of some job,
 * and nothing says of which. While others are open it is left alone; it belongs to the cell that is
 * the last one open, and so is killed with it. Not so where leftovers are to live on, and not where
 * the agent is the first process of a container, which gets the orphans of everybody.
 *
 * No process is signalled by its pid alone: a pidfd is opened, then the start time compared. To
 * kill, every member is stopped first, round after round until a scan finds no new one, so that a
 * fork bomb does not outrun the scan; the rounds are bounded. */
#include "agent/containment-private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_ROUNDS 16
#define CHILDREN_LIMIT_BYTES (16 * 1024)
#define ENVIRONMENT_LIMIT_BYTES (256 * 1024)

static gssize
read_file (const char *path, char *buffer, gsize size)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return -1;
  gsize length = 0;
  gssize got = 0;
  while (length < size && (got = read (fd, buffer + length, size - length)) > 0)
    length += got;
  close (fd);
  return got < 0 ? -1 : (gssize) length;
}

/* What is in /proc/@pid/stat; FALSE: there is no such process. */
gboolean
elves_process_read (pid_t pid, ElvesProcess *out_process)
{
  char path[32], text[1024];
  snprintf (path, sizeof path, "/proc/%d/stat", (int) pid);
  gssize length = read_file (path, text, sizeof text - 1);
  if (length <= 0)
    return FALSE;
  text[length] = '\0';
  /* The name in parentheses may hold anything, also parentheses. */
  const char *after_name = strrchr (text, ')');
  int parent, group, session, n_threads;
  unsigned long long start;
  char state;
  if (after_name == NULL ||
      sscanf (after_name + 1,
              " %c %d %d %d %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %d %*s %llu",
              &state, &parent, &group, &session, &n_threads, &start) != 6)
    return FALSE;
  *out_process = (ElvesProcess){ pid, parent, group, session, start, n_threads, state };
  return TRUE;
}

/* Resident bytes; 0: not to be known. */
guint64
elves_process_memory (pid_t pid)
{
  char path[32], text[128];
  snprintf (path, sizeof path, "/proc/%d/statm", (int) pid);
  gssize length = read_file (path, text, sizeof text - 1);
  text[MAX (length, 0)] = '\0';
  unsigned long long pages = 0;
  if (sscanf (text, "%*s %llu", &pages) != 1)
    return 0;
  return pages * (guint64) sysconf (_SC_PAGESIZE);
}

/* The state is that of the first thread, which may end before the others. */
gboolean
elves_process_is_dead (const ElvesProcess *process)
{
  return (process->state == 'Z' || process->state == 'X') && process->n_threads <= 1;
}

/* TRUE: it was still that process, and got the signal. */
gboolean
elves_process_signal (const ElvesProcess *process, int signal)
{
  int fd = syscall (SYS_pidfd_open, process->pid, 0);
  if (fd < 0 && errno == ESRCH)
    return FALSE;
  ElvesProcess now;
  gboolean same = elves_process_read (process->pid, &now) && now.start == process->start &&
                  !elves_process_is_dead (&now);
  if (!same)
    ;
  else if (fd >= 0)
    same = syscall (SYS_pidfd_send_signal, fd, signal, NULL, 0) == 0;
  else
    same = kill (process->pid, signal) == 0; /* no pidfd: an old kernel, or no descriptor left */
  if (fd >= 0)
    close (fd);
  return same;
}

/* Every process there is: pid -> ElvesProcess. */
GHashTable *
elves_process_scan (void)
{
  GHashTable *all = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  DIR *folder = opendir ("/proc");
  if (folder == NULL)
    return all;
  for (const struct dirent *entry; (entry = readdir (folder)) != NULL;)
    {
      pid_t pid = g_ascii_isdigit (entry->d_name[0]) ? atoi (entry->d_name) : 0;
      ElvesProcess process;
      if (pid > 0 && elves_process_read (pid, &process))
        g_hash_table_insert (all, GINT_TO_POINTER (pid), g_memdup2 (&process, sizeof process));
    }
  closedir (folder);
  return all;
}

/* Whether a variable that begins with @wanted is there. */
static gboolean
has_variable (const char *environment, gssize length, const char *wanted, gsize wanted_length)
{
  for (const char *at = environment;
       length > 0 && (gssize) wanted_length <= environment + length - at;)
    {
      if (memcmp (at, wanted, wanted_length) == 0)
        return TRUE;
      const char *end = memchr (at, '\0', environment + length - at);
      if (end == NULL)
        return FALSE;
      at = end + 1;
    }
  return FALSE;
}

/* An orphan that only the last open cell can be asked about, if it has no tracking entry; see the
   head of this file. */
static gboolean
may_be_stray (const ElvesCell *cell, const ElvesProcess *orphan)
{
  const ElvesContainment *containment = cell->containment;
  return !containment->spare_strays && containment->n_open == 1 && getpid () != 1 &&
         containment->busy_since != 0 && orphan->start >= containment->busy_since &&
         !g_hash_table_contains (containment->leaders, GINT_TO_POINTER (orphan->pid));
}

/* By the environment that it began with, which is read once: a process that executes a program has
   none for a moment, and looked at twice it would be neither the job's nor a stray. */
static gboolean
is_orphan_of (const ElvesCell *cell, const ElvesProcess *orphan)
{
  g_autofree char *environment = g_malloc (ENVIRONMENT_LIMIT_BYTES);
  char path[32];
  snprintf (path, sizeof path, "/proc/%d/environ", (int) orphan->pid);
  gssize length = read_file (path, environment, ENVIRONMENT_LIMIT_BYTES);
  if (has_variable (environment, length, cell->tracking, strlen (cell->tracking) + 1)) /* its NUL */
    return TRUE;
  if (!may_be_stray (cell, orphan))
    return FALSE;
  g_autofree char *any = g_strdup_printf ("ELVES_TRACKING=%s-", cell->containment->unique);
  return !has_variable (environment, length, any, strlen (any)); /* else of another job, closed */
}

/* Whether this process, apart from its parents, belongs to the job. */
static gboolean
is_root_member (const ElvesCell *cell, const ElvesProcess *process, gboolean leader_is_ours)
{
  if (leader_is_ours && (process->pid == cell->leader || process->session == cell->leader ||
                         process->group == cell->leader))
    return TRUE;
  return process->parent == getpid () && !elves_process_is_dead (process) &&
         is_orphan_of (cell, process);
}

/* The pid of a reaped leader stays reserved while its session has members; if it is somebody's,
   with another start time, the session that bears its number is not ours either. */
static gboolean
is_leader_ours (const ElvesCell *cell, GHashTable *all)
{
  const ElvesProcess *leader = g_hash_table_lookup (all, GINT_TO_POINTER (cell->leader));
  return cell->leader > 0 && (leader == NULL || leader->start == cell->leader_start);
}

static gboolean
has_member_parent (const ElvesProcess *process, GHashTable *all, GHashTable *members)
{
  /* Up the chain, at most as far as there are processes: /proc is not one instant. */
  guint steps = g_hash_table_size (all);
  for (; process != NULL && process->parent > 1 && steps > 0; steps--)
    {
      if (g_hash_table_contains (members, GINT_TO_POINTER (process->parent)))
        return TRUE;
      process = g_hash_table_lookup (all, GINT_TO_POINTER (process->parent));
    }
  return FALSE;
}

/* Whether all our children are leaders, or the zombie @known. */
static gboolean
has_only_leaders (const ElvesCell *cell, pid_t known)
{
  char path[64], text[CHILDREN_LIMIT_BYTES];
  snprintf (path, sizeof path, "/proc/self/task/%d/children", (int) getpid ());
  gssize length = read_file (path, text, sizeof text - 1);
  if (length < 0 || length == sizeof text - 1)
    return FALSE; /* this kernel does not say, or too many */
  text[length] = '\0';
  char *next = text;
  for (long pid; (pid = strtol (next, &next, 10)) > 0;)
    if (pid != known && !g_hash_table_contains (cell->containment->leaders, GINT_TO_POINTER (pid)))
      return FALSE;
  return TRUE;
}

/* Whether there is no child of ours but leaders, which saves most jobs a scan. Then nothing of this
   job is alive:
   - Go up from a live descendant of its leader, parent by parent: each one is alive, because a
     process that ends gives its children away in the moment in which it becomes a zombie (one lock
     in the kernel for both). So the way does not lead over the leader, which has ended, with all
   its threads; it leads to us, as no subreaper and no init of a namespace above us is nearer, and
   the last process before us is a child of ours. That one was orphaned: it is no leader.
   - The list is that of our main thread, which starts all workers and is the first to be given
     orphans. It is not one instant, but we alone reap, and in this thread: it only grows while it
   is read, at its end, so the child that is above the descendant when reading begins is found.
   - A child whose pid is that of a leader is that leader: `leaders` has only those that were not
     reaped, whose pids nobody else can have. Our own leader is there as a zombie at most. */
static gboolean
have_no_orphans (const ElvesCell *cell)
{
  ElvesProcess leader;
  gboolean is_ours =
      elves_process_read (cell->leader, &leader) && leader.start == cell->leader_start;
  if (is_ours && !elves_process_is_dead (&leader))
    return FALSE;
  return has_only_leaders (cell, is_ours ? cell->leader : 0);
}

/* Whether a thread has no child. */
static gboolean
is_childless (pid_t pid, const char *thread)
{
  char path[64], byte;
  snprintf (path, sizeof path, "/proc/%d/task/%.12s/children", (int) pid, thread);
  return read_file (path, &byte, 1) == 0;
}

/* By the same reasoning: whoever is below the leader is below a child of it, or was orphaned. */
static gboolean
is_alone (const ElvesCell *cell)
{
  char path[32];
  snprintf (path, sizeof path, "/proc/%d/task", (int) cell->leader);
  DIR *folder = cell->leader > 0 ? opendir (path) : NULL;
  if (folder == NULL)
    return FALSE;
  gboolean childless = TRUE;
  for (const struct dirent *entry; childless && (entry = readdir (folder)) != NULL;)
    if (g_ascii_isdigit (entry->d_name[0]))
      childless = is_childless (cell->leader, entry->d_name);
  closedir (folder);
  return childless && has_only_leaders (cell, 0);
}

/* The live members now: pid -> ElvesProcess (owned by *out_all, which is NULL when there is none).
 */
static GHashTable *
scan_members (const ElvesCell *cell, GHashTable **out_all)
{
  GHashTable *members = g_hash_table_new (NULL, NULL);
  if (have_no_orphans (cell))
    {
      *out_all = NULL;
      return members;
    }
  GHashTable *all = *out_all = elves_process_scan ();
  gboolean leader_is_ours = is_leader_ours (cell, all);
  GHashTableIter iter;
  gpointer pid, process;
  g_hash_table_iter_init (&iter, all);
  while (g_hash_table_iter_next (&iter, &pid, &process))
    if (is_root_member (cell, process, leader_is_ours))
      g_hash_table_insert (members, pid, process);
  g_hash_table_iter_init (&iter, all);
  while (g_hash_table_size (members) > 0 && g_hash_table_iter_next (&iter, &pid, &process))
    if (!g_hash_table_contains (members, pid) && has_member_parent (process, all, members))
      g_hash_table_insert (members, pid, process);
  g_hash_table_iter_init (&iter, members);
  while (g_hash_table_iter_next (&iter, NULL, &process))
    if (elves_process_is_dead (process))
      g_hash_table_iter_remove (&iter);
  return members;
}

/* Sends to the members that are not in @seen (pid -> start time); how many got it. */
static guint
signal_new_members (const ElvesCell *cell, int signal, GHashTable *seen)
{
  GHashTable *scanned;
  g_autoptr (GHashTable) members = scan_members (cell, &scanned);
  g_autoptr (GHashTable) all G_GNUC_UNUSED = scanned;
  guint n = 0;
  GHashTableIter iter;
  gpointer pid, value;
  g_hash_table_iter_init (&iter, members);
  while (g_hash_table_iter_next (&iter, &pid, &value))
    {
      const ElvesProcess *process = value;
      const guint64 *start = g_hash_table_lookup (seen, pid);
      if (start != NULL && *start == process->start)
        continue;
      if (!elves_process_signal (process, signal))
        continue;
      g_hash_table_insert (seen, pid, g_memdup2 (&process->start, sizeof process->start));
      if (signal != SIGKILL && signal != SIGSTOP)
        elves_process_signal (process, SIGCONT);
      n++;
    }
  return n;
}

static guint
signal_until_stable (const ElvesCell *cell, int signal)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  for (int round = 0; round < MAX_ROUNDS; round++)
    if (signal_new_members (cell, signal, seen) == 0)
      break;
  return g_hash_table_size (seen);
}

static guint
signal_cell (ElvesCell *cell, int signal)
{
  if (signal == SIGKILL && signal_until_stable (cell, SIGSTOP) == 0)
    return 0;
  return signal_until_stable (cell, signal);
}

static guint
count_cell (ElvesCell *cell)
{
  GHashTable *scanned;
  g_autoptr (GHashTable) members = scan_members (cell, &scanned);
  g_autoptr (GHashTable) all G_GNUC_UNUSED = scanned;
  return g_hash_table_size (members);
}

static gboolean
open_cell (ElvesCell *cell, GError **error)
{
  return TRUE;
}

static gboolean
close_cell (ElvesCell *cell)
{
  return TRUE;
}

const ElvesContainmentKind elves_containment_process = {
  .open_cell = open_cell,
  .is_clear = have_no_orphans,
  .is_alone = is_alone,
  .signal = signal_cell,
  .count = count_cell,
  .close_cell = close_cell,
};
