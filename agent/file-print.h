/* What tells one state of a file from another. */
#pragma once

#include <glib.h>
#include <sys/types.h>
#include <time.h>

G_BEGIN_DECLS

/* All zero: there is no such file. */
typedef struct
{
  dev_t device;
  ino_t inode;
  off_t size;
  struct timespec changed;
} ElvesFilePrint;

ElvesFilePrint elves_file_print_take (const char *path);
gboolean elves_file_print_is_there (const ElvesFilePrint *self);
gboolean elves_file_print_is_still (const ElvesFilePrint *self, const char *path);

G_END_DECLS
