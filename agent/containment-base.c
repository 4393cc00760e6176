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
        elves_group_remove (fd, entry->d_name);
    }
  closedir (folder);
}

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
  ElvesGroup group = { PROBE_NAME, -1, -1, FALSE };
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
  remove_stale_bases (parent_fd);
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
