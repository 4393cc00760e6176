/* What the two kinds of containment share with containment.c, and nobody else. */
#pragma once

#include "agent/containment.h"

G_BEGIN_DECLS

/* One kind of containment. Each function leaves nothing blocked for longer than some scans of
   /proc or of the cgroup. */
typedef struct
{
  gboolean (*open_cell) (ElvesCell *cell, GError **error);
  /* Whether it is easy to see that nothing is alive: most often so at the end of a job. Does
     without spare descriptors: FALSE when there is none left. */
  gboolean (*is_clear) (const ElvesCell *cell);
  /* The same for: nothing but the leader, which is alive. */
  gboolean (*is_alone) (const ElvesCell *cell);
  guint (*signal) (ElvesCell *cell, int signal);
  guint (*count) (ElvesCell *cell);
  gboolean (*close_cell) (ElvesCell *cell); /* FALSE: not empty yet, to be called again */
} ElvesContainmentKind;

#define ELVES_SPARE_DESCRIPTORS 3

struct ElvesContainment
{
  const ElvesContainmentKind *kind;
  char *description;
  guint64 n_cells; /* ever */
  char *unique;    /* of this agent, in tracking entries */

  int spares[ELVES_SPARE_DESCRIPTORS]; /* to be closed while processes are looked for; -1: none */

  /* cgroup only */
  char *base_path;
  int base_fd; /* -1: none */
  gboolean can_kill_group, can_be_born_in_group;
  GArray *idle; /* ElvesGroup: empty, ready for the next job */

  /* process only */
  GHashTable *leaders;   /* pids of leaders that were not seen to end */
  guint n_open;          /* cells */
  guint64 busy_since;    /* start of the first leader since no cell was open; 0: none is */
  gboolean spare_strays; /* see elves_containment_spare_strays() */

  GPtrArray *lingering; /* ElvesCell: closed, not empty */
  GSource *retry;       /* while there are some */
};

/* A cgroup. */
typedef struct
{
  char name[32];
  int group_fd, procs_fd; /* -1: none */
  gboolean was_killed;    /* by cgroup.kill */
  gboolean is_marked;     /* not for other jobs */
} ElvesGroup;

gboolean elves_group_open (ElvesGroup *self, int base_fd);
gboolean elves_group_make (ElvesGroup *self, int base_fd, GError **error);
void elves_group_close (ElvesGroup *self);
gboolean elves_group_is_empty (const ElvesGroup *self);
gboolean elves_group_has_only (const ElvesGroup *self, pid_t pid);
gboolean elves_group_kill (ElvesGroup *self);
gboolean elves_group_remove (int parent_fd, const char *name);

struct ElvesCell
{
  ElvesContainment *containment;
  char *tracking;
  pid_t leader;
  guint64 leader_start; /* clock ticks after boot: with the pid, unique */
  guint n_retries;

  ElvesGroup group; /* cgroup only */
};

/* A process that can be recognised again after its pid was given to another. */
typedef struct
{
  pid_t pid, parent, group, session;
  guint64 start;
  int n_threads;
  char state;
} ElvesProcess;

gboolean elves_process_read (pid_t pid, ElvesProcess *out_process);
guint64 elves_process_memory (pid_t pid);
GHashTable *elves_process_scan (void); /* pid -> ElvesProcess: every process there is */
gboolean elves_process_is_dead (const ElvesProcess *process);
gboolean elves_process_signal (const ElvesProcess *process, int signal);

extern const ElvesContainmentKind elves_containment_cgroup, elves_containment_process;

gboolean
elves_containment_make_base (ElvesContainment *self, const char *cgroup_root, GError **error);
void elves_containment_remove_base (ElvesContainment *self);

G_END_DECLS
