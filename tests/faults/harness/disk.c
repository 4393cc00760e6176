/* Preloaded into an agent: while the file DISK_CONTROL exists, the disk below the folder
   DISK_FOLDER is slow ("slow MS": each sync takes so long) or full ("full": nothing can be
   written). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Milliseconds a sync takes; -1: the disk is full; 0: all is well. By system calls, as what is
   called here may be preloaded itself. */
static int
trouble (int fd)
{
  char link[64], path[4096], text[32];
  const char *control = getenv ("DISK_CONTROL"), *folder = getenv ("DISK_FOLDER");
  int saved = errno, file = control ? (int) syscall (SYS_openat, AT_FDCWD, control, O_RDONLY) : -1;
  ssize_t length = file >= 0 ? syscall (SYS_read, file, text, sizeof text - 1) : -1;
  if (file >= 0)
    syscall (SYS_close, file);
  errno = saved;
  if (length <= 0 || !folder)
    return 0;
  text[length] = '\0';
  snprintf (link, sizeof link, "/proc/self/fd/%d", fd);
  length = readlink (link, path, sizeof path - 1);
  errno = saved;
  if (length < 0 || strncmp (path, folder, strlen (folder)) != 0)
    return 0;
  return strncmp (text, "slow ", 5) == 0 ? atoi (text + 5) : -1;
}

static int
is_full (int fd)
{
  if (trouble (fd) >= 0)
    return 0;
  errno = ENOSPC;
  return 1;
}

#define REAL(name) ((__typeof__ (&name)) dlsym (RTLD_NEXT, #name))

ssize_t
write (int fd, const void *data, size_t length)
{
  return is_full (fd) ? -1 : syscall (SYS_write, fd, data, length);
}

ssize_t
pwrite (int fd, const void *data, size_t length, off_t offset)
{
  return is_full (fd) ? -1 : syscall (SYS_pwrite64, fd, data, length, offset);
}

ssize_t
pwrite64 (int fd, const void *data, size_t length, off64_t offset)
{
  return is_full (fd) ? -1 : syscall (SYS_pwrite64, fd, data, length, offset);
}

int
ftruncate (int fd, off_t length)
{
  return is_full (fd) ? -1 : (int) syscall (SYS_ftruncate, fd, length);
}

int
ftruncate64 (int fd, off64_t length)
{
  return is_full (fd) ? -1 : (int) syscall (SYS_ftruncate, fd, length);
}

static int
slow_sync (int fd, int (*real) (int))
{
  int delay_ms = trouble (fd);
  if (delay_ms > 0)
    usleep ((useconds_t) delay_ms * 1000);
  if (delay_ms >= 0)
    return real (fd);
  errno = EIO;
  return -1;
}

int
fsync (int fd)
{
  return slow_sync (fd, REAL (fsync));
}

int
fdatasync (int fd)
{
  return slow_sync (fd, REAL (fdatasync));
}
