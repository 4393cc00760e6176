/* A child that borrows our memory and is born in a cgroup: clone3(), for which the C library has no
   function. */
#pragma once

#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

typedef struct
{
  void *stack; /* its lowest byte */
  gsize stack_bytes;
  int group_fd; /* folder of the cgroup; -1: that of the caller */
} ElvesCloneSpec;

/* Does not return; runs while the caller's thread waits. */
typedef void (*ElvesCloneFunc) (gpointer data);

pid_t elves_spawn_clone (const ElvesCloneSpec *spec, ElvesCloneFunc func, gpointer data);
gboolean elves_spawn_clone_is_missing (int number);
gboolean elves_spawn_clone_works (int group_fd);

G_END_DECLS
