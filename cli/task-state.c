#include "cli/task-state.h"

#include "cli/command.h"
#include "cli/members.h"

const char *const elves_task_shown_names[ELVES_N_TASK_SHOWN] = { "waiting", "running", "succeeded",
                                                                 "failed",  "not run", "blocked" };

ElvesTaskShown
elves_task_state (JsonObject *task)
{
  const char *status = elves_cli_text (task, "status");
  gint64 worker_flag = elves_cli_number (task, "worker_flag");

  if (g_str_equal (status, "pendding"))
    return ELVES_TASK_WAITS;
  if (g_str_equal (status, "running"))
    return ELVES_TASK_RUNS;
  if (!g_str_equal (status, "finish") || !g_str_equal (elves_cli_text (task, "flag"), "true"))
    return ELVES_TASK_NOT_RUN;
  return worker_flag == 1   ? ELVES_TASK_SUCCEEDED
         : worker_flag == 0 ? ELVES_TASK_FAILED
                            : ELVES_TASK_NOT_RUN;
}

static guint
count_all (const guint counts[ELVES_N_TASK_SHOWN])
{
  guint all = 0;

  for (guint i = 0; i < ELVES_N_TASK_SHOWN; i++)
    all += counts[i];
  return all;
}

guint
elves_task_counts_ended (const guint counts[ELVES_N_TASK_SHOWN])
{
  return count_all (counts) - counts[ELVES_TASK_WAITS] - counts[ELVES_TASK_RUNS];
}

char *
elves_task_counts_to_text (const guint counts[ELVES_N_TASK_SHOWN])
{
  GString *text = g_string_new (NULL);

  g_string_printf (text, "%u of %u ended", elves_task_counts_ended (counts), count_all (counts));
  for (guint i = ELVES_TASK_RUNS; i < ELVES_N_TASK_SHOWN; i++)
    if (counts[i] > 0)
      g_string_append_printf (text, ", %u %s", counts[i], elves_task_shown_names[i]);
  return g_string_free (text, FALSE);
}

int
elves_task_counts_status (const guint counts[ELVES_N_TASK_SHOWN])
{
  if (counts[ELVES_TASK_SUCCEEDED] == count_all (counts))
    return ELVES_EXIT_SUCCESS;
  return counts[ELVES_TASK_NOT_RUN] > 0 ? ELVES_EXIT_NOT_RUN : ELVES_EXIT_WORKER_SAID_NO;
}

const char *
elves_task_text (JsonObject *task)
{
  const char *error = elves_cli_text (task, "error");

  return *error != '\0' ? error : elves_cli_text (task, "worker_message");
}
