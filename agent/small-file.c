/* Reads the beginning of a file that somebody else may have put there.
 *
 * Whoever owns an app's folder can put anything behind a name in it. A FIFO, a device or a file
 * that never ends must not hold the main loop or fill the memory, and a name may change from one
 * call to the next: so the file is opened without waiting, and what was opened is looked at. */
#include "agent/small-file.h"

#include "common/error.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int
open_regular_file (const char *path, GError **error)
{
  int fd = open (path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (fd < 0)
    {
      g_set_error (error, ELVES_ERROR, ELVES_ERROR_NOT_FOUND, "%s: %s", path, g_strerror (errno));
      return -1;
    }
  struct stat status;
  if (fstat (fd, &status) == 0 && S_ISREG (status.st_mode))
    return fd;
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_INVALID, "%s: it is not a file", path);
  close (fd);
  return -1;
}

/**
 * elves_small_file_read:
 * @path: of the file
 * @max_bytes: no more is read
 * @out_length: bytes read
 * @error: return location for a #GError
 *
 * Returns: (transfer full) (nullable): the beginning of the file, with a NUL behind it
 * Errors: %ELVES_ERROR_NOT_FOUND: it cannot be opened; %ELVES_ERROR_INVALID: it is no regular file,
 * or cannot be read
 */
char *
elves_small_file_read (const char *path, gsize max_bytes, gsize *out_length, GError **error)
{
  int fd = open_regular_file (path, error);
  if (fd < 0)
    return NULL;
  g_autofree char *text = g_malloc (max_bytes + 1);
  gsize length = 0;
  gssize got = 0;
  while (length < max_bytes && (got = read (fd, text + length, max_bytes - length)) > 0)
    length += got;
  int problem = errno;
  close (fd);
  if (got < 0)
    {
      g_set_error (error, ELVES_ERROR, ELVES_ERROR_INVALID, "%s: %s", path, g_strerror (problem));
      return NULL;
    }
  text[length] = '\0';
  *out_length = length;
  return g_steal_pointer (&text);
}
