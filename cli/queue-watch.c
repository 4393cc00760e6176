/* The progress of a queue: asked for every half second, drawn on stderr when that is a terminal,
 * and otherwise said line by line when something changed. What became of each task is printed to
 * stdout in the end. */
#include "cli/queue-watch.h"

#include "cli/members.h"
#include "cli/print.h"
#include "cli/progress.h"
#include "cli/task-state.h"

#include <stdio.h>

enum
{
  PAGE = 500,
  PAUSE_US = 500 * 1000
};

typedef struct
{
  const ElvesQueueFile *file;
  ElvesTaskShown *states; /* of each task of the file */
  guint counts[ELVES_N_TASK_SHOWN];
} Watch;

/* --- looking --------------------------------------------------------------------------------- */

/* In the order of the file each task comes after those it waits for. */
static void
find_blocked (Watch *self)
{
  for (guint i = 0; i < self->file->tasks->len; i++)
    {
      const ElvesQueueFileTask *task = self->file->tasks->pdata[i];

      for (guint j = 0; self->states[i] == ELVES_TASK_WAITS && j < task->needs->len; j++)
        if (self->states[g_array_index (task->needs, guint, j)] >= ELVES_TASK_FAILED)
          self->states[i] = ELVES_TASK_BLOCKED;
    }
}

static void
take_states (Watch *self, JsonObject *tasks)
{
  for (guint i = 0; i < self->file->tasks->len; i++)
    {
      const ElvesQueueFileTask *task = self->file->tasks->pdata[i];
      JsonObject *found = elves_cli_object (tasks, task->id);

      if (found != NULL)
        self->states[i] = elves_task_state (found);
    }
}

static void
count_states (Watch *self)
{
  memset (self->counts, 0, sizeof self->counts);
  for (guint i = 0; i < self->file->tasks->len; i++)
    self->counts[self->states[i]]++;
}

static JsonNode *
ask_page (ElvesCliDesk *desk, const char *queue_id, guint page, GError **error)
{
  JsonBuilder *body = elves_cli_body_new ();

  elves_cli_body_add (body, "id", queue_id);
  elves_cli_body_add_number (body, "pagesize", PAGE);
  elves_cli_body_add_number (body, "pagenumber", page);
  return elves_cli_desk_ask (desk, "queueResult", body, error);
}

/* FALSE: it was refused, or there was no answer. */
static gboolean
look (Watch *self, ElvesCliDesk *desk, const char *queue_id, JsonArray *pages, GError **error)
{
  for (guint page = 1; (page - 1) * PAGE < self->file->tasks->len; page++)
    {
      g_autoptr (JsonNode) answer = ask_page (desk, queue_id, page, error);

      if (answer == NULL || elves_cli_is_refused (answer))
        return FALSE;
      take_states (self, elves_cli_object (json_node_get_object (answer), "result"));
      json_array_add_element (pages, g_steal_pointer (&answer));
    }
  find_blocked (self);
  count_states (self);
  return TRUE;
}

static void
draw (const Watch *self, ElvesProgress *progress)
{
  g_autofree char *text = elves_task_counts_to_text (self->counts);

  elves_progress_show (progress, elves_task_counts_ended (self->counts), self->file->tasks->len,
                       text);
}

/* --- the end --------------------------------------------------------------------------------- */

static void
print_task (const Watch *self, guint index, JsonArray *pages)
{
  const ElvesQueueFileTask *task = self->file->tasks->pdata[index];
  JsonObject *found = NULL;

  for (guint i = 0; found == NULL && i < json_array_get_length (pages); i++)
    found = elves_cli_object (elves_cli_object (json_array_get_object_element (pages, i), "result"),
                              task->id);
  printf ("%-16s %-10s %-24s %s\n", task->id, elves_task_shown_names[self->states[index]],
          task->name, elves_task_text (found));
}

static void
print_end (const Watch *self, JsonArray *pages, gboolean json)
{
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_ARRAY);

  json_node_set_array (node, pages);
  if (json)
    elves_print_json (node);
  for (guint i = 0; !json && i < self->file->tasks->len; i++)
    print_task (self, i, pages);
}

/**
 * elves_queue_watch:
 * @desk: a connection to elves-queue
 * @file: what was submitted, with the ids that its tasks got
 * @queue_id: its own id
 * @json: print the answers, not a table
 * @error: why it could not be watched to the end
 *
 * Returns: 0 when all tasks succeeded, 1 when a function said no, 3 when a task could not be run;
 *   -1 with @error set.
 */
int
elves_queue_watch (ElvesCliDesk *desk,
                   const ElvesQueueFile *file,
                   const char *queue_id,
                   gboolean json,
                   GError **error)
{
  g_autofree ElvesTaskShown *states = g_new0 (ElvesTaskShown, file->tasks->len);
  Watch self = { .file = file, .states = states };
  g_auto (ElvesProgress) progress = { 0 };

  elves_progress_init (&progress);
  for (;;)
    {
      g_autoptr (JsonArray) pages = json_array_new ();

      if (!look (&self, desk, queue_id, pages, error))
        return error != NULL && *error != NULL ? -1 : ELVES_EXIT_NOT_RUN;
      draw (&self, &progress);
      if (elves_task_counts_ended (self.counts) == file->tasks->len)
        {
          elves_progress_clear (&progress);
          print_end (&self, pages, json);
          return elves_task_counts_status (self.counts);
        }
      g_usleep (PAUSE_US);
    }
}
