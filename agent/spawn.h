/* Starts one program without the cost of fork(): the child borrows the parent's memory until
   execve(), as with posix_spawn(), which cannot join a cgroup, a session and a user. */
#pragma once

#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

typedef struct
{
  uid_t uid;
  gid_t gid;
  gid_t *groups;
  int n_groups;
} ElvesSpawnUser;

void elves_spawn_user_clear (ElvesSpawnUser *self);

typedef struct
{
  const char *program; /* a path; see elves_spawn_find_program() */
  const char *const *argv;
  const char *const *environment;
  const char *directory;      /* (nullable) */
  const ElvesSpawnUser *user; /* (nullable) */
  int group_fd, join_fd;      /* the cgroup to be in: its folder, and its cgroup.procs for when
                                 nobody can be born in it; -1: none */
  int stdin_fd;               /* 3 or above; -1: /dev/null */
  int stdout_fd, stderr_fd;   /* 3 or above */
} ElvesSpawnSpec;

void elves_spawn_prepare (void); /* first in main() */
pid_t elves_spawn (const ElvesSpawnSpec *spec, GError **error);
char *elves_spawn_find_program (const char *name, const char *path, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ElvesSpawnUser, elves_spawn_user_clear)

G_END_DECLS
