/* The place of all cgroups of this agent: <own group>/elves-agent.<pid>-<start>/<number>.
 *
 * What is needed is the right to make groups below the agent's own (root, or a unit with
 * Delegate=yes) or below a configured one. The probe finds out what works by doing it: it moves a
 * process and kills it, and lets another one be born in a group. (That fails for good where the
 * agent's own group was once emptied with cgroup.kill: see agent/containment-cgroup.) */
#include "agent/containment-private.h"

#include "agent/spawn-clone.h"
#include "common/error.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define BASE_PREFIX "elves-agent."
#define PROBE_NAME "probe"
#define PROBE_TIMEOUT_MS 2000
#define END_TIMEOUT_MS 2000
#define END_TICK_US 2000

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

typedef void (*FolderFunc) (int folder_fd, const char *name, gpointer user_data);

/* @parent_fd: (transfer full): may be -1 */
static void
for_each_folder (int parent_fd, FolderFunc func, gpointer user_data)
{
  DIR *folder = parent_fd >= 0 ? fdopendir (parent_fd) : NULL;
  if (folder == NULL)
    {
      if (parent_fd >= 0)
        close (parent_fd);
      return;
    }
  for (const struct dirent *entry; (entry = readdir (folder)) != NULL;)
    if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
      func (parent_fd, entry->d_name, user_data);
  closedir (folder);
}

/* Of an agent that is no more. */
static gboolean
is_stale_base (const char *name)
{
  int pid = g_str_has_prefix (name, BASE_PREFIX) ? atoi (name + strlen (BASE_PREFIX)) : 0;
  return pid > 0 && (pid == getpid () || (kill (pid, 0) != 0 && errno == ESRCH));
}

static void
remove_if_stale (int parent_fd, const char *name, gpointer user_data)
{
  if (is_stale_base (name))
    elves_group_remove (parent_fd, name); /* if it is empty */
}

static int
open_folder (int at_fd, const char *name)
{
  return openat (at_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* ---- what an earlier agent has left --------------------------------------------------------- */

static void
end_group_if_marked (int base_fd, const char *name, gpointer user_data)
{
  const char *mark = user_data;
  ElvesGroup group = { "", -1, -1, FALSE, FALSE };
  if (!g_str_has_prefix (name, mark) || strlen (name) >= sizeof group.name)
    return;
  strcpy (group.name, name);
  gint64 limit_us = g_get_monotonic_time () + END_TIMEOUT_MS * 1000;
  if (elves_group_open (&group, base_fd) && elves_group_kill (&group))
    while (!elves_group_is_empty (&group) && g_get_monotonic_time () < limit_us)
      g_usleep (END_TICK_US);
  elves_group_close (&group);
  elves_group_remove (base_fd, name);
}

typedef struct
{
  const char *own_name; /* may have the number of a process that is no more */
  const char *mark;
} Hunt;

static void
end_marked_in_stale (int parent_fd, const char *name, gpointer user_data)
{
  const Hunt *hunt = user_data;
  if (!is_stale_base (name) || g_str_equal (name, hunt->own_name))
    return;
  for_each_folder (open_folder (parent_fd, name), end_group_if_marked, (gpointer) hunt->mark);
  elves_group_remove (parent_fd, name);
}

/**
 * elves_containment_end_marked:
 * @self: a containment
 * @mark: see elves_containment_open_marked_cell()
 *
 * Kills what is alive in such cgroups of agents that are no more, where there are cgroups and
 * cgroup.kill. Blocks until it has ended, at most two seconds for each.
 */
void
elves_containment_end_marked (ElvesContainment *self, const char *mark)
{
  if (self->base_fd < 0)
    return;
  g_autofree char *own_name = g_path_get_basename (self->base_path);
  Hunt hunt = { own_name, mark };
  for_each_folder (open_folder (self->base_fd, ".."), end_marked_in_stale, &hunt);
}

/* ---- probe ---------------------------------------------------------------------------------- */

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
probe_with_process (ElvesContainment *self, ElvesGroup *group, GError **error)
{
  int ends[2];
  if (pipe2 (ends, O_CLOEXEC) != 0)
    return set_system_error (error, "Cannot probe", self->base_path);
  pid_t pid = fork ();
  if (pid == 0)
    wait_in_group (group->procs_fd, ends[1]);
  close (ends[1]);
  char said = '0';
  gboolean joined =
      pid > 0 && read (ends[0], &said, 1) == 1 && said == '1' && !elves_group_is_empty (group);
  close (ends[0]);
  self->can_kill_group = joined && elves_group_kill (group);
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

typedef gboolean (*ProbeFunc) (ElvesContainment *self, ElvesGroup *group, GError **error);

static gboolean
probe_birth (ElvesContainment *self, ElvesGroup *group, GError **error)
{
  self->can_be_born_in_group = elves_spawn_clone_works (group->group_fd);
  return TRUE;
}

static gboolean
probe_in_new_group (ElvesContainment *self, ProbeFunc probe, GError **error)
{
  ElvesGroup group = { PROBE_NAME, -1, -1, FALSE, FALSE };
  gboolean works = elves_group_make (&group, self->base_fd, error) && probe (self, &group, error);
  elves_group_close (&group);
  elves_group_remove (self->base_fd, PROBE_NAME);
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
  for_each_folder (open_folder (parent_fd, "."), remove_if_stale, NULL);
  g_autofree char *name = g_strconcat (BASE_PREFIX, self->unique, NULL);
  self->base_path = g_build_filename (parent, name, NULL);
  if (mkdirat (parent_fd, name, 0755) != 0 && errno != EEXIST)
    set_system_error (error, "Cannot make cgroup", self->base_path);
  else if ((self->base_fd = openat (parent_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
    set_system_error (error, "Cannot open cgroup", self->base_path);
  close (parent_fd);
  if (self->base_fd >= 0 && probe_in_new_group (self, probe_birth, error) &&
      probe_in_new_group (self, probe_with_process, error))
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
      ElvesGroup *group = &g_array_index (self->idle, ElvesGroup, i);
      elves_group_close (group);
      elves_group_remove (self->base_fd, group->name);
    }
  g_array_set_size (self->idle, 0);
  close (self->base_fd);
  self->base_fd = -1;
  rmdir (self->base_path);
}
