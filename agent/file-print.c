/* Links are followed. A folder changes with every file that is made in it, so of a folder only
   counts which one it is. */
#include "agent/file-print.h"

#include <sys/stat.h>

/**
 * elves_file_print_take:
 * @path: of a file or a folder
 *
 * Returns: what it is now. Costs one stat().
 */
ElvesFilePrint
elves_file_print_take (const char *path)
{
  struct stat status;
  if (stat (path, &status) != 0)
    return (ElvesFilePrint){ 0 };
  if (S_ISDIR (status.st_mode))
    return (ElvesFilePrint){ .device = status.st_dev, .inode = status.st_ino };
  return (ElvesFilePrint){ status.st_dev, status.st_ino, status.st_size, status.st_mtim };
}

gboolean
elves_file_print_is_there (const ElvesFilePrint *self)
{
  return self->inode != 0;
}

gboolean
elves_file_print_is_still (const ElvesFilePrint *self, const char *path)
{
  ElvesFilePrint now = elves_file_print_take (path);
  return now.device == self->device && now.inode == self->inode && now.size == self->size &&
         now.changed.tv_sec == self->changed.tv_sec && now.changed.tv_nsec == self->changed.tv_nsec;
}
