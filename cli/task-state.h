/* How a task of elves-queue stands, as people see it. */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

typedef enum
{
  ELVES_TASK_WAITS,
  ELVES_TASK_RUNS,
  ELVES_TASK_SUCCEEDED,
  ELVES_TASK_FAILED,  /* the function said no */
  ELVES_TASK_NOT_RUN, /* could not be run, or its outcome is not known; stopped; skipped */
  ELVES_TASK_BLOCKED, /* waits for one that did not succeed; elves_task_state() never says that */
  ELVES_N_TASK_SHOWN
} ElvesTaskShown;

extern const char *const elves_task_shown_names[ELVES_N_TASK_SHOWN];

ElvesTaskShown elves_task_state (JsonObject *task);

/* Of a number of tasks in each state: "7 of 9 ended, 2 running, 7 succeeded". */
char *elves_task_counts_to_text (const guint counts[ELVES_N_TASK_SHOWN]);
guint elves_task_counts_ended (const guint counts[ELVES_N_TASK_SHOWN]);
/* The exit status when all have ended. */
int elves_task_counts_status (const guint counts[ELVES_N_TASK_SHOWN]);

/* What there is to say of a task that has ended: why not, or what its worker said. */
const char *elves_task_text (JsonObject *task);

G_END_DECLS
