/* One cgroup: its making, its end, and whether somebody is in it. */
#include "agent/containment-private.h"

#include "common/error.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_DEPTH 16

static gboolean
remove_tree (int parent_fd, const char *name, int depth)
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
        empty = remove_tree (fd, entry->d_name, depth + 1) && empty;
        removed_some = TRUE;
      }
  closedir (folder);
  return removed_some && empty && unlinkat (parent_fd, name, AT_REMOVEDIR) == 0;
}

/**
 * elves_group_remove:
 * @parent_fd: folder
 * @name: of a group in it
 *
 * Returns: whether it is gone, with those below it; %FALSE: something in it is alive
 */
gboolean
elves_group_remove (int parent_fd, const char *name)
{
  return remove_tree (parent_fd, name, 0);
}

static gboolean
set_system_error (GError **error, const char *what, const ElvesGroup *group)
{
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE, "Cannot %s cgroup %s: %s", what,
               group->name, g_strerror (errno));
  return FALSE;
}

/**
 * elves_group_open:
 * @self: has a name, nothing else
 * @base_fd: folder in which it is
 *
 * Returns: whether it is open; errno says why not
 */
gboolean
elves_group_open (ElvesGroup *self, int base_fd)
{
  self->procs_fd = -1;
  self->group_fd = openat (base_fd, self->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (self->group_fd >= 0)
    self->procs_fd = openat (self->group_fd, "cgroup.procs", O_RDWR | O_CLOEXEC);
  return self->procs_fd >= 0;
}

/**
 * elves_group_make:
 * @self: has a name, nothing else
 * @base_fd: folder to make it in
 *
 * Errors: %ELVES_ERROR_UNAVAILABLE.
 */
gboolean
elves_group_make (ElvesGroup *self, int base_fd, GError **error)
{
  if (mkdirat (base_fd, self->name, 0755) != 0)
    return set_system_error (error, "make", self);
  if (elves_group_open (self, base_fd))
    return TRUE;
  set_system_error (error, "open", self);
  elves_group_close (self);
  unlinkat (base_fd, self->name, AT_REMOVEDIR);
  return FALSE;
}

/**
 * elves_group_close:
 * @self: a group; only its name is left
 */
void
elves_group_close (ElvesGroup *self)
{
  if (self->procs_fd >= 0)
    close (self->procs_fd);
  if (self->group_fd >= 0)
    close (self->group_fd);
  self->procs_fd = self->group_fd = -1;
}

static gboolean
has_no_groups (const ElvesGroup *self)
{
  struct stat status; /* a folder has a link for each folder in it */
  return fstat (self->group_fd, &status) == 0 && status.st_nlink == 2;
}

/**
 * elves_group_is_empty:
 * @self: an open group
 *
 * Most groups are empty when they are asked, and then one read() says so.
 *
 * Returns: whether there is no process in it, and no group below it
 */
gboolean
elves_group_is_empty (const ElvesGroup *self)
{
  char byte;
  return pread (self->procs_fd, &byte, 1, 0) == 0 && has_no_groups (self);
}

/**
 * elves_group_has_only:
 * @self: an open group
 * @pid: a process
 *
 * Returns: whether that is the only one in it, and there is no group below it
 */
gboolean
elves_group_has_only (const ElvesGroup *self, pid_t pid)
{
  char text[32], wanted[16];
  gssize length = pread (self->procs_fd, text, sizeof text, 0);
  int wanted_length = snprintf (wanted, sizeof wanted, "%d\n", (int) pid);
  return length == wanted_length && memcmp (text, wanted, length) == 0 && has_no_groups (self);
}

/**
 * elves_group_kill:
 * @self: an open group, in which no process may be born any more
 *
 * Returns: whether the kernel kills all that is in it and below it
 */
gboolean
elves_group_kill (ElvesGroup *self)
{
  int fd = openat (self->group_fd, "cgroup.kill", O_WRONLY | O_CLOEXEC);
  self->was_killed = TRUE;
  gboolean killed = fd >= 0 && write (fd, "1", 1) == 1;
  if (fd >= 0)
    close (fd);
  return killed;
}
