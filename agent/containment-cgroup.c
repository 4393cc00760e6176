/* One cgroup v2 for each job, below one for the agent: see agent/containment-base.
 *
 * No controllers are used, only that no process gets out of its cgroup by forking, and that
 * cgroup.kill ends all of them at once. So no group needs controllers enabled, and this works
 * beside v1 hierarchies, too. A job may make groups below its own; they count as its own.
 *
 * Groups that are empty at the end of their job are kept for the next ones. But not those in which
 * cgroup.kill was used: on some kernels (Linux 6.14 and later) whoever is born in one with clone3()
 * is killed, long after, because the count of kills is taken from the parent's group and compared
 * with that of the new one. */
#include "agent/containment-private.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_IDLE 32
#define MAX_ROUNDS 16
#define MAX_DEPTH 16

/* Adds the pids in a group and below it to @pids (a set). */
static void
collect_pids (int group_fd, GHashTable *pids, int depth)
{
  int fd = openat (group_fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
  FILE *file = fd >= 0 ? fdopen (fd, "r") : NULL;
  if (file == NULL)
    return;
  for (int pid; fscanf (file, "%d", &pid) == 1;)
    if (pid > 0)
      g_hash_table_add (pids, GINT_TO_POINTER (pid));
  fclose (file);

  struct stat status; /* a folder has a link for each folder in it */
  if (depth >= MAX_DEPTH || (fstat (group_fd, &status) == 0 && status.st_nlink == 2))
    return;
  int list_fd = openat (group_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *folder = list_fd >= 0 ? fdopendir (list_fd) : NULL;
  for (const struct dirent *entry; folder != NULL && (entry = readdir (folder)) != NULL;)
    {
      if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
        continue;
      int below = openat (list_fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
      if (below < 0)
        continue;
      collect_pids (below, pids, depth + 1);
      close (below);
    }
  if (folder != NULL)
    closedir (folder);
}

static GHashTable *
members_of (const ElvesCell *cell)
{
  GHashTable *pids = g_hash_table_new (NULL, NULL);
  if (!elves_group_is_empty (&cell->group))
    collect_pids (cell->group.group_fd, pids, 0);
  return pids;
}

/* A pid is looked up in the group again after the start time was read: if it has gone to somebody
   else in between, it is not in the group any more. */
static guint
signal_new_members (const ElvesCell *cell, int signal, GHashTable *seen)
{
  g_autoptr (GHashTable) first = members_of (cell);
  g_autoptr (GArray) found = g_array_new (FALSE, FALSE, sizeof (ElvesProcess));
  GHashTableIter iter;
  gpointer pid;
  g_hash_table_iter_init (&iter, first);
  while (g_hash_table_iter_next (&iter, &pid, NULL))
    {
      ElvesProcess process;
      if (!g_hash_table_contains (seen, pid) &&
          elves_process_read (GPOINTER_TO_INT (pid), &process))
        g_array_append_val (found, process);
    }
  if (found->len == 0)
    return 0;
  g_autoptr (GHashTable) second = members_of (cell);
  guint n = 0;
  for (guint i = 0; i < found->len; i++)
    {
      const ElvesProcess *process = &g_array_index (found, ElvesProcess, i);
      if (!g_hash_table_contains (second, GINT_TO_POINTER (process->pid)) ||
          !elves_process_signal (process, signal))
        continue;
      g_hash_table_add (seen, GINT_TO_POINTER (process->pid));
      if (signal != SIGKILL)
        elves_process_signal (process, SIGCONT);
      n++;
    }
  return n;
}

static guint
signal_each (const ElvesCell *cell, int signal)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);
  for (int round = 0; round < MAX_ROUNDS; round++)
    if (signal_new_members (cell, signal, seen) == 0)
      break;
  return g_hash_table_size (seen);
}

static guint
count_cell (ElvesCell *cell)
{
  g_autoptr (GHashTable) members = members_of (cell);
  return g_hash_table_size (members);
}

static guint
signal_cell (ElvesCell *cell, int signal)
{
  if (signal != SIGKILL || !cell->containment->can_kill_group)
    return signal_each (cell, signal);
  guint n = count_cell (cell);
  if (n > 0 && !elves_group_kill (&cell->group))
    return signal_each (cell, signal);
  return n;
}

/* Making a group, opening and removing it costs as much as half the start of a program. */
static gboolean
open_cell (ElvesCell *cell, GError **error)
{
  GArray *idle = cell->containment->idle;
  if (idle->len == 0 || cell->group.is_marked)
    return elves_group_make (&cell->group, cell->containment->base_fd, error);
  cell->group = g_array_index (idle, ElvesGroup, idle->len - 1);
  g_array_set_size (idle, idle->len - 1);
  return TRUE;
}

static gboolean
is_clear (const ElvesCell *cell)
{
  return elves_group_is_empty (&cell->group);
}

static gboolean
is_alone (const ElvesCell *cell)
{
  return elves_group_has_only (&cell->group, cell->leader);
}

static gboolean
close_cell (ElvesCell *cell)
{
  GArray *idle = cell->containment->idle;
  const ElvesGroup *group = &cell->group;
  gboolean may_serve = group->procs_fd >= 0 && !group->was_killed && !group->is_marked;
  if (may_serve && idle->len < MAX_IDLE && is_clear (cell))
    {
      g_array_append_val (idle, cell->group);
      cell->group.group_fd = cell->group.procs_fd = -1;
      return TRUE;
    }
  return elves_group_remove (cell->containment->base_fd, cell->group.name);
}

const ElvesContainmentKind elves_containment_cgroup = {
  .open_cell = open_cell,
  .is_clear = is_clear,
  .is_alone = is_alone,
  .signal = signal_cell,
  .count = count_cell,
  .close_cell = close_cell,
};
