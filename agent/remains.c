/* Ends what an earlier agent has left running, at the start, before anything else is started.
 *
 * A process belongs to a job when it has the job's tracking entry in its environment, is in the
 * job's cgroup (whose name no other agent and no other job ever has), or is the first process by
 * pid and start time; then, when its parent belongs to it, or it is in a session or group that
 * bears the first process's number and has a member that belongs to the job. A pid alone is never
 * enough; after another boot nothing is.
 *
 * What this cannot find, where there are no cgroups: an orphan that made its own session and wiped
 * its environment. Blocks: rounds of scans of /proc and SIGKILL until nothing is found, at most
 * two seconds. */
#include "agent/remains.h"

#include "agent/containment-private.h"
#include "agent/file-print.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_US (2 * G_USEC_PER_SEC)
#define ROUND_US 2000
#define ENVIRONMENT_LIMIT_BYTES (256 * 1024)
#define BOOT_ID "/proc/sys/kernel/random/boot_id"
#define VARIABLE "ELVES_TRACKING="
#define WARM_VARIABLE ELVES_WARM_OWNER "="

typedef struct
{
  ElvesRemains *jobs;
  guint n_jobs;
  GHashTable *by_tracking; /* entry -> ElvesRemains */
  GHashTable *seen;        /* pid -> start, of what was signalled */
  GHashTable *processes;   /* of this round: pid -> ElvesProcess */
  GHashTable *owners;      /* of this round: pid -> ElvesRemains */
} Hunt;

/**
 * elves_remains_boot:
 *
 * Returns: (transfer none): what identifies this boot of the system
 */
const char *
elves_remains_boot (void)
{
  static char *boot;
  if (boot == NULL && !g_file_get_contents (BOOT_ID, &boot, NULL, NULL))
    boot = g_strdup ("");
  return g_strchomp (boot);
}

/**
 * elves_remains_owner:
 * @folder: of a journal, which one agent has at a time
 *
 * Not its name: another container may have one of that name.
 *
 * Returns: (transfer full): what tells the agents of that journal, one after another, from all
 * others of this boot
 */
char *
elves_remains_owner (const char *folder)
{
  ElvesFilePrint print = elves_file_print_take (folder);
  return g_strdup_printf ("%" G_GINT64_MODIFIER "x-%" G_GINT64_MODIFIER "x", (guint64) print.device,
                          (guint64) print.inode);
}

/**
 * elves_remains_start_of:
 * @pid: a process
 * @out_start: when it began, in clock ticks after boot
 *
 * Returns: whether there is such a process
 */
gboolean
elves_remains_start_of (gint64 pid, gint64 *out_start)
{
  ElvesProcess process;
  if (!elves_process_read (pid, &process))
    return FALSE;
  *out_start = process.start;
  return TRUE;
}

static gboolean
may_be_left (const ElvesRemains *job)
{
  return job->boot != NULL && g_str_equal (job->boot, elves_remains_boot ());
}

static void
own (Hunt *hunt, gint64 pid, ElvesRemains *job)
{
  if (pid > 0 && pid != getpid () && g_hash_table_contains (hunt->processes, GINT_TO_POINTER (pid)))
    g_hash_table_insert (hunt->owners, GINT_TO_POINTER (pid), job);
}

/* The job that a process was started for; else the one that stands for all warm workers. */
static ElvesRemains *
owner_by_entries (const Hunt *hunt, const char *entries, const char *end)
{
  ElvesRemains *owner = NULL;
  for (const char *at = entries; at < end; at += strlen (at) + 1)
    {
      gboolean by_job = g_str_has_prefix (at, VARIABLE);
      if (!by_job && !g_str_has_prefix (at, WARM_VARIABLE))
        continue;
      ElvesRemains *found = g_hash_table_lookup (hunt->by_tracking, at);
      if (found != NULL && (by_job || owner == NULL))
        owner = found;
    }
  return owner;
}

/* The entry may be anywhere in the environment that the process began with. */
static ElvesRemains *
owner_by_environment (const Hunt *hunt, pid_t pid, char *buffer)
{
  char path[32];
  snprintf (path, sizeof path, "/proc/%d/environ", (int) pid);
  int fd = open (path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return NULL;
  gsize length = 0;
  gssize got;
  while (length < ENVIRONMENT_LIMIT_BYTES - 1 &&
         (got = read (fd, buffer + length, ENVIRONMENT_LIMIT_BYTES - 1 - length)) > 0)
    length += got;
  close (fd);
  buffer[length] = '\0';
  return owner_by_entries (hunt, buffer, buffer + length);
}

static void
own_by_environment (Hunt *hunt)
{
  g_autofree char *buffer = g_malloc (ENVIRONMENT_LIMIT_BYTES);
  GHashTableIter iter;
  gpointer pid;
  g_hash_table_iter_init (&iter, hunt->processes);
  while (g_hash_table_iter_next (&iter, &pid, NULL))
    {
      ElvesRemains *job = owner_by_environment (hunt, GPOINTER_TO_INT (pid), buffer);
      if (job != NULL)
        own (hunt, GPOINTER_TO_INT (pid), job);
    }
}

static void
own_by_cgroup (Hunt *hunt, ElvesRemains *job)
{
  g_autofree char *path = g_build_filename (job->cgroup, "cgroup.procs", NULL);
  FILE *file = fopen (path, "re");
  if (file == NULL)
    return;
  for (int pid; fscanf (file, "%d", &pid) == 1;)
    own (hunt, pid, job);
  fclose (file);
}

static void
own_leader (Hunt *hunt, ElvesRemains *job)
{
  const ElvesProcess *leader = g_hash_table_lookup (hunt->processes, GINT_TO_POINTER (job->pid));
  if (job->pid > 0 && leader != NULL && leader->start == job->pid_start)
    own (hunt, job->pid, job);
}

/* A session's number is not given away while it has members: one member is proof of the others. */
static ElvesRemains *
owner_by_session (const Hunt *hunt, const ElvesProcess *process, GHashTable *sessions)
{
  ElvesRemains *job = g_hash_table_lookup (sessions, GINT_TO_POINTER (process->session));
  return job != NULL ? job : g_hash_table_lookup (sessions, GINT_TO_POINTER (process->group));
}

static GHashTable *
find_proven_sessions (const Hunt *hunt)
{
  GHashTable *sessions = g_hash_table_new (NULL, NULL);
  GHashTableIter iter;
  gpointer pid, job;
  g_hash_table_iter_init (&iter, hunt->owners);
  while (g_hash_table_iter_next (&iter, &pid, &job))
    {
      const ElvesProcess *process = g_hash_table_lookup (hunt->processes, pid);
      gint64 leader = ((const ElvesRemains *) job)->pid;
      if (leader > 0 && (process->session == leader || process->group == leader))
        g_hash_table_insert (sessions, GINT_TO_POINTER (leader), job);
    }
  return sessions;
}

/* Returns: whether there were any */
static gboolean
own_relatives (Hunt *hunt)
{
  g_autoptr (GHashTable) sessions = find_proven_sessions (hunt);
  guint before = g_hash_table_size (hunt->owners);
  GHashTableIter iter;
  gpointer pid, value;
  g_hash_table_iter_init (&iter, hunt->processes);
  while (g_hash_table_iter_next (&iter, &pid, &value))
    {
      const ElvesProcess *process = value;
      if (g_hash_table_contains (hunt->owners, pid))
        continue;
      ElvesRemains *job = g_hash_table_lookup (hunt->owners, GINT_TO_POINTER (process->parent));
      if (job == NULL)
        job = owner_by_session (hunt, process, sessions);
      if (job != NULL)
        own (hunt, process->pid, job);
    }
  return g_hash_table_size (hunt->owners) > before;
}

static void
look_around (Hunt *hunt)
{
  hunt->processes = elves_process_scan ();
  hunt->owners = g_hash_table_new (NULL, NULL);
  own_by_environment (hunt);
  for (guint i = 0; i < hunt->n_jobs; i++)
    {
      if (!may_be_left (&hunt->jobs[i]))
        continue;
      own_leader (hunt, &hunt->jobs[i]);
      if (hunt->jobs[i].cgroup != NULL)
        own_by_cgroup (hunt, &hunt->jobs[i]);
    }
  while (own_relatives (hunt))
    ;
}

static void
kill_process (Hunt *hunt, const ElvesProcess *process, ElvesRemains *job)
{
  gpointer pid = GINT_TO_POINTER (process->pid);
  const guint64 *start = g_hash_table_lookup (hunt->seen, pid);
  job->survivors++;
  if (!elves_process_signal (process, SIGKILL) || (start != NULL && *start == process->start))
    return;
  g_hash_table_insert (hunt->seen, pid, g_memdup2 (&process->start, sizeof process->start));
  job->killed++;
}

/* Returns: whether anything was alive */
static gboolean
kill_round (Hunt *hunt)
{
  look_around (hunt);
  for (guint i = 0; i < hunt->n_jobs; i++)
    hunt->jobs[i].survivors = 0;
  gboolean alive = FALSE;
  GHashTableIter iter;
  gpointer pid, job;
  g_hash_table_iter_init (&iter, hunt->owners);
  while (g_hash_table_iter_next (&iter, &pid, &job))
    {
      const ElvesProcess *process = g_hash_table_lookup (hunt->processes, pid);
      if (elves_process_is_dead (process))
        continue;
      alive = TRUE;
      kill_process (hunt, process, job);
    }
  g_clear_pointer (&hunt->owners, g_hash_table_unref);
  g_clear_pointer (&hunt->processes, g_hash_table_unref);
  return alive;
}

static void
remove_groups (const ElvesRemains *jobs, guint n_jobs)
{
  for (guint i = 0; i < n_jobs; i++)
    if (jobs[i].cgroup != NULL && may_be_left (&jobs[i]))
      rmdir (jobs[i].cgroup);
}

/**
 * elves_remains_end:
 * @jobs: what was running; told what was ended
 * @n_jobs: how many
 *
 * Kills their processes. Blocks for some milliseconds, at most two seconds.
 */
void
elves_remains_end (ElvesRemains *jobs, guint n_jobs)
{
  g_autoptr (GHashTable) by_tracking = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GHashTable) seen = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  Hunt hunt = { .jobs = jobs, .n_jobs = n_jobs, .by_tracking = by_tracking, .seen = seen };
  for (guint i = 0; i < n_jobs; i++)
    {
      jobs[i].killed = jobs[i].survivors = 0;
      if (may_be_left (&jobs[i]) && jobs[i].tracking != NULL)
        g_hash_table_insert (by_tracking, (gpointer) jobs[i].tracking, &jobs[i]);
    }
  gint64 limit_us = g_get_monotonic_time () + PATIENCE_US;
  while (kill_round (&hunt) && g_get_monotonic_time () < limit_us)
    g_usleep (ROUND_US);
  remove_groups (jobs, n_jobs);
}
