/* One cgroup v2 for each job, below one for the agent: <own
 * group>/elves-agent.<pid>-<start>/<number>.
 *
 * No controllers are used, only that no process gets out of its cgroup by forking, and that
 * cgroup.kill ends all of them at once. So no group needs controllers enabled, and this works
 * beside v1 hierarchies, too. What is needed is the right to make groups below the agent's own
 * (root, or a unit with Delegate=yes) or below a configured one; the probe finds out by moving a
 * process and killing it. A job may make groups below its own; they count as its own. */
#include "agent/containment-private.h"

#include "common/error.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define BASE_PREFIX "elves-agent."
#define PROBE_NAME "probe"
#define PROBE_TIMEOUT_MS 2000
#define MAX_IDLE 32
#define MAX_ROUNDS 16
#define MAX_DEPTH 16

static gboolean
set_system_error (GError **error, const char *what, const char *on)
{
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE, "%s %s: %s", what, on,
               g_strerror (errno));
  return FALSE;
}

/* Where the cgroup2 file system is mounted, from lines like
   "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw". */
static char *
find_mount (char **out_root)
{
  g_autofree char *text = NULL;
  if (!g_file_get_contents ("/proc/self/mountinfo", &text, NULL, NULL))
    return NULL;
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    {
      const char *tail = strstr (*line, " - ");
      if (tail == NULL || !g_str_has_prefix (tail, " - cgroup2 "))
        continue;
      g_auto (GStrv) words = g_strsplit (*line, " ", 6);
      *out_root = g_strcompress (words[3]); /* octal escapes */
      return g_strcompress (words[4]);
    }
  return NULL;
}

/* The agent's own group, from the line "0::/system.slice/elves-agent.service". */
static char *
find_own_group (void)
{
  g_autofree char *text = NULL;
  if (!g_file_get_contents ("/proc/self/cgroup", &text, NULL, NULL))
    return NULL;
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    if (g_str_has_prefix (*line, "0::/"))
      return g_strdup (*line + strlen ("0::"));
  return NULL;
}

static char *
find_parent (GError **error)
{
  g_autofree char *root = NULL;
  g_autofree char *mount = find_mount (&root);
  g_autofree char *own = find_own_group ();
  if (mount == NULL || own == NULL)
    {
      g_set_error_literal (error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE, "no cgroup2 is mounted");
      return NULL;
    }
  /* A bind mount of a part of the hierarchy shows only what is below that part. */
  const char *below = own;
  if (!g_str_equal (root, "/") && g_str_has_prefix (own, root))
    below = own + strlen (root);
  return g_build_filename (mount, below, NULL);
}

/* Removes a group and those below it; FALSE: something in it is alive. */
static gboolean
remove_group (int parent_fd, const char *name, int depth)
{
  if (unlinkat (parent_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
    return TRUE;
  int fd = depth < MAX_DEPTH ? openat (parent_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
  DIR *folder = fd >= 0 ? fdopendir (fd) : NULL;
  if (folder == NULL)
    return FALSE;
  gboolean empty = TRUE, removed_some = FALSE;
  for (const struct dirent *entry; (entry = readdir (folder)) != NULL;)
    if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
      {
        empty = remove_group (fd, entry->d_name, depth + 1) && empty;
        removed_some = TRUE;
      }
  closedir (folder);
  return removed_some && empty && unlinkat (parent_fd, name, AT_REMOVEDIR) == 0;
}

/* Groups of agents that are no more: those that are empty are removed. */
static void
remove_stale_bases (int parent_fd)
{
  int fd = openat (parent_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *folder = fd >= 0 ? fdopendir (fd) : NULL;
  if (folder == NULL)
    return;
  for (const struct dirent *entry; (entry = readdir (folder)) != NULL;)
    {
      int pid = g_str_has_prefix (entry->d_name, BASE_PREFIX)
                    ? atoi (entry->d_name + strlen (BASE_PREFIX))
                    : 0;
      if (pid > 0 && (pid == getpid () || (kill (pid, 0) != 0 && errno == ESRCH)))
        remove_group (fd, entry->d_name, 0);
    }
  closedir (folder);
}

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

/* Most cells are empty at their end, and then one read() says so. */
static gboolean
is_empty (const ElvesCell *cell)
{
  char byte;
  struct stat status;
  return pread (cell->group.procs_fd, &byte, 1, 0) == 0 &&
         fstat (cell->group.group_fd, &status) == 0 && status.st_nlink == 2;
}

static GHashTable *
members_of (const ElvesCell *cell)
{
  GHashTable *pids = g_hash_table_new (NULL, NULL);
  if (!is_empty (cell))
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

static gboolean
kill_group (int group_fd)
{
  int fd = openat (group_fd, "cgroup.kill", O_WRONLY | O_CLOEXEC);
  gboolean killed = fd >= 0 && write (fd, "1", 1) == 1;
  if (fd >= 0)
    close (fd);
  return killed;
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
  if (n > 0 && !kill_group (cell->group.group_fd))
    return signal_each (cell, signal);
  return n;
}

static gboolean
make_group (ElvesCell *cell, GError **error)
{
  int base_fd = cell->containment->base_fd;
  if (mkdirat (base_fd, cell->group.name, 0755) != 0)
    return set_system_error (error, "Cannot make cgroup", cell->group.name);
  cell->group.group_fd = openat (base_fd, cell->group.name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (cell->group.group_fd >= 0)
    cell->group.procs_fd = openat (cell->group.group_fd, "cgroup.procs", O_RDWR | O_CLOEXEC);
  if (cell->group.procs_fd >= 0)
    return TRUE;
  set_system_error (error, "Cannot open cgroup", cell->group.name);
  unlinkat (base_fd, cell->group.name, AT_REMOVEDIR);
  return FALSE;
}

/* Making a group, opening and removing it costs as much as moving a process into it. */
static gboolean
open_cell (ElvesCell *cell, GError **error)
{
  GArray *idle = cell->containment->idle;
  if (idle->len == 0)
    return make_group (cell, error);
  cell->group = g_array_index (idle, ElvesGroup, idle->len - 1);
  g_array_set_size (idle, idle->len - 1);
  return TRUE;
}

static gboolean
close_cell (ElvesCell *cell)
{
  GArray *idle = cell->containment->idle;
  if (cell->group.procs_fd >= 0 && idle->len < MAX_IDLE && is_empty (cell))
    {
      g_array_append_val (idle, cell->group);
      cell->group.group_fd = cell->group.procs_fd = -1;
      return TRUE;
    }
  return remove_group (cell->containment->base_fd, cell->group.name, 0);
}

const ElvesContainmentKind elves_containment_cgroup = {
  .open_cell = open_cell,
  .signal = signal_cell,
  .count = count_cell,
  .close_cell = close_cell,
};

/* The child of the probe: gets in, says so, waits for its end. */
static void
wait_in_group (int procs_fd, int pipe_fd)
{
  char said = write (procs_fd, "0", 1) == 1 ? '1' : '0';
  if (write (pipe_fd, &said, 1) == 1 && said == '1')
    poll (NULL, 0, PROBE_TIMEOUT_MS);
  _exit (1);
}

static gboolean
probe_with_process (ElvesContainment *self, ElvesCell *cell, GError **error)
{
  int ends[2];
  if (pipe2 (ends, O_CLOEXEC) != 0)
    return set_system_error (error, "Cannot probe", self->base_path);
  pid_t pid = fork ();
  if (pid == 0)
    wait_in_group (cell->group.procs_fd, ends[1]);
  close (ends[1]);
  char said = '0';
  gboolean joined = pid > 0 && read (ends[0], &said, 1) == 1 && said == '1' && !is_empty (cell);
  close (ends[0]);
  self->can_kill_group = joined && kill_group (cell->group.group_fd);
  if (pid > 0)
    {
      kill (pid, SIGKILL);
      while (waitpid (pid, NULL, 0) < 0 && errno == EINTR)
        ;
    }
  if (!joined)
    g_set_error (error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE, "no process can be moved into %s",
                 self->base_path);
  return joined;
}

static gboolean
probe (ElvesContainment *self, GError **error)
{
  ElvesCell cell = { .containment = self, .group = { PROBE_NAME, -1, -1 } };
  gboolean works = make_group (&cell, error) && probe_with_process (self, &cell, error);
  if (cell.group.procs_fd >= 0)
    close (cell.group.procs_fd);
  if (cell.group.group_fd >= 0)
    close (cell.group.group_fd);
  remove_group (self->base_fd, PROBE_NAME, 0);
  return works;
}

/* Makes the agent's group and sees whether it is of use. */
gboolean
elves_containment_make_base (ElvesContainment *self, const char *cgroup_root, GError **error)
{
  g_autofree char *parent = cgroup_root != NULL ? g_strdup (cgroup_root) : find_parent (error);
  if (parent == NULL)
    return FALSE;
  int parent_fd = open (parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (parent_fd < 0)
    return set_system_error (error, "Cannot open cgroup", parent);
  remove_stale_bases (parent_fd);
  g_autofree char *name = g_strconcat (BASE_PREFIX, self->unique, NULL);
  self->base_path = g_build_filename (parent, name, NULL);
  if (mkdirat (parent_fd, name, 0755) != 0 && errno != EEXIST)
    set_system_error (error, "Cannot make cgroup", self->base_path);
  else if ((self->base_fd = openat (parent_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
    set_system_error (error, "Cannot open cgroup", self->base_path);
  close (parent_fd);
  if (self->base_fd >= 0 && probe (self, error))
    return TRUE;
  elves_containment_remove_base (self);
  return FALSE;
}

void
elves_containment_remove_base (ElvesContainment *self)
{
  if (self->base_fd < 0)
    return;
  for (guint i = 0; i < self->idle->len; i++)
    {
      const ElvesGroup *group = &g_array_index (self->idle, ElvesGroup, i);
      close (group->procs_fd);
      close (group->group_fd);
      remove_group (self->base_fd, group->name, 0);
    }
  g_array_set_size (self->idle, 0);
  close (self->base_fd);
  self->base_fd = -1;
  rmdir (self->base_path);
}
