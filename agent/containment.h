/* How the processes of one job are found and killed: a cgroup of its own under cgroup v2, or, where
 * none can be made, session, process group, ancestry and a tracking variable in /proc/PID/environ
 * (the agent is a child subreaper, so a double-forked descendant comes back to it). */
#pragma once

#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

typedef struct ElvesContainment ElvesContainment; /* one per agent */
typedef struct ElvesCell ElvesCell;               /* one per job */

typedef enum
{
  ELVES_CONTAIN_AUTO,
  ELVES_CONTAIN_CGROUP,
  ELVES_CONTAIN_PROCESS
} ElvesContainmentMode;

/* Probes: finds the cgroup2 mount wherever it is (also beside v1 hierarchies), makes a group below
   the agent's own, moves a process in, kills it. AUTO falls back to PROCESS; CGROUP: error.
   Becomes child subreaper. */
ElvesContainment *elves_containment_new (ElvesContainmentMode mode,
                                         const char *cgroup_root /* (nullable) */,
                                         GError **error);
void elves_containment_free (ElvesContainment *self);
const char *elves_containment_describe (
    const ElvesContainment *self); /* for the log: which is in force, and why */

void elves_containment_spare_strays (ElvesContainment *self); /* leftovers are to live on */

ElvesCell *elves_containment_open_cell (ElvesContainment *self, GError **error);
/* Its cgroup can be found by the next agent that knows the mark, some letters and digits. */
ElvesCell *
elves_containment_open_marked_cell (ElvesContainment *self, const char *mark, GError **error);
void elves_containment_end_marked (ElvesContainment *self, const char *mark);
int elves_cell_group_fd (const ElvesCell *self); /* folder of the cgroup to be born in; -1: none */
int elves_cell_join_fd (
    const ElvesCell *self); /* cgroup.procs to write "0" to in the child; -1: none */
const char *elves_cell_tracking_entry (
    const ElvesCell *self); /* "ELVES_TRACKING=<unique>" for the environment */
char *elves_cell_group_path (const ElvesCell *self); /* (nullable) of its cgroup */
void elves_cell_set_leader (ElvesCell *self, pid_t leader);
void elves_cell_leader_ended (ElvesCell *self); /* before it is reaped */
guint elves_cell_signal (ElvesCell *self,
                         int signal);     /* to every process of the job; how many got it */
guint elves_cell_count (ElvesCell *self); /* alive (zombies not counted) */
guint elves_cell_count_others (const ElvesCell *self); /* beside the leader, which is alive */
void elves_cell_close (
    ElvesCell *self); /* NULL is fine; the cgroup is removed, now or when it is empty */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesContainment, elves_containment_free)

G_END_DECLS
