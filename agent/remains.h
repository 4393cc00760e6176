/* Processes of jobs that an earlier agent has left behind. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Variable of all warm workers of an agent: a job with that tracking entry stands for all of them
   that are of no other. */
#define ELVES_WARM_OWNER "ELVES_WARM_OWNER"

/* A job that was running, as the journal knows it; the texts are borrowed. */
typedef struct
{
  const char *boot;     /* (nullable) of that time: after another boot there is nothing left */
  const char *tracking; /* (nullable) entry of the environment of its processes */
  const char *cgroup;   /* (nullable) folder of its cgroup */
  gint64 pid;           /* its first process; 0: not known */
  guint64 pid_start;    /* in clock ticks after boot */

  guint killed;    /* out: processes that were ended */
  guint survivors; /* out: processes that could not be */
} ElvesRemains;

const char *elves_remains_boot (void); /* of this boot; "" if not known */
char *elves_remains_owner (const char *folder);
gboolean elves_remains_start_of (gint64 pid, gint64 *out_start);
void elves_remains_end (ElvesRemains *jobs, guint n_jobs);

G_END_DECLS
