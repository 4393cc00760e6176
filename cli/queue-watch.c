/* The progress of a queue: asked for every half second, drawn on stderr when that is a terminal,
 * and otherwise said line by line when something changed. What became of each task is printed to
 * stdout in the end. */
#include "cli/queue-watch.h"

#include "cli/members.h"
#include "cli/print.h"

#include <stdio.h>
#include <unistd.h>

enum
{
  PAGE = 500,
  PAUSE_US = 500 * 1000,
  BAR_WIDTH = 30
};

typedef enum
{
  WAITING,
  RUNNING,
  SUCCEEDED,
  FAILED,  /* the function said no */
  NOT_RUN, /* could not be run, or its outcome is not known; stopped; skipped */
  BLOCKED, /* waits for one that did not succeed */
  N_STATES
} State;

static const char *const state_names[] = { "waiting", "running", "succeeded",
                                           "failed",  "not run", "blocked" };

typedef struct
{
  const ElvesQueueFile *file;
  State *states; /* of each task of the file */
  guint counts[N_STATES];
  guint last_counts[N_STATES];
} Watch;

/* --- looking --------------------------------------------------------------------------------- */

static State
state_of (JsonObject *task)
{
  const char *status = elves_cli_text (task, "status");
  gint64 worker_flag = elves_cli_number (task, "worker_flag");

  if (g_str_equal (status, "pendding"))
    return WAITING;
  if (g_str_equal (status, "running"))
    return RUNNING;
  if (!g_str_equal (status, "finish") || !g_str_equal (elves_cli_text (task, "flag"), "true"))
    return NOT_RUN;
  return worker_flag == 1 ? SUCCEEDED : worker_flag == 0 ? FAILED : NOT_RUN;
}

/* In the order of the file each task comes after those it waits for. */
static void
find_blocked (Watch *self)
{
  for (guint i = 0; i < self->file->tasks->len; i++)
    {
      const ElvesQueueFileTask *task = self->file->tasks->pdata[i];

      for (guint j = 0; self->states[i] == WAITING && j < task->needs->len; j++)
        if (self->states[g_array_index (task->needs, guint, j)] >= FAILED)
          self->states[i] = BLOCKED;
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
        self->states[i] = state_of (found);
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

/* --- drawing --------------------------------------------------------------------------------- */

static void
print_counts (const Watch *self)
{
  guint n_tasks = self->file->tasks->len;

  fprintf (stderr, "%u of %u ended", n_tasks - self->counts[WAITING] - self->counts[RUNNING],
           n_tasks);
  for (guint i = RUNNING; i < N_STATES; i++)
    if (self->counts[i] > 0)
      fprintf (stderr, ", %u %s", self->counts[i], state_names[i]);
}

static void
draw_bar (const Watch *self)
{
  guint n_tasks = self->file->tasks->len;
  guint ended = n_tasks - self->counts[WAITING] - self->counts[RUNNING];
  guint full = ended * BAR_WIDTH / n_tasks;

  fputs ("\r[", stderr);
  for (guint i = 0; i < BAR_WIDTH; i++)
    fputc (i < full ? '#' : '.', stderr);
  fputs ("] ", stderr);
  print_counts (self);
  fputs ("\033[K", stderr); /* what the line before had more */
}

static void
draw (Watch *self, gboolean on_terminal)
{
  if (on_terminal)
    draw_bar (self);
  else if (memcmp (self->counts, self->last_counts, sizeof self->counts) != 0)
    {
      print_counts (self);
      fputc ('\n', stderr);
    }
  memcpy (self->last_counts, self->counts, sizeof self->counts);
}

/* --- the end --------------------------------------------------------------------------------- */

static void
print_task (const Watch *self, guint index, JsonArray *pages)
{
  const ElvesQueueFileTask *task = self->file->tasks->pdata[index];
  JsonObject *found = NULL;
  const char *error;

  for (guint i = 0; found == NULL && i < json_array_get_length (pages); i++)
    found = elves_cli_object (elves_cli_object (json_array_get_object_element (pages, i), "result"),
                              task->id);
  error = elves_cli_text (found, "error");
  printf ("%-16s %-10s %-24s %s\n", task->id, state_names[self->states[index]], task->name,
          *error != '\0' ? error : elves_cli_text (found, "worker_message"));
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

static int
status_of (const Watch *self)
{
  if (self->counts[SUCCEEDED] == self->file->tasks->len)
    return ELVES_EXIT_SUCCESS;
  return self->counts[NOT_RUN] > 0 ? ELVES_EXIT_NOT_RUN : ELVES_EXIT_WORKER_SAID_NO;
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
  g_autofree State *states = g_new0 (State, file->tasks->len);
  Watch self = { .file = file, .states = states };
  gboolean on_terminal = isatty (STDERR_FILENO);

  for (;;)
    {
      g_autoptr (JsonArray) pages = json_array_new ();

      if (!look (&self, desk, queue_id, pages, error))
        return error != NULL && *error != NULL ? -1 : ELVES_EXIT_NOT_RUN;
      draw (&self, on_terminal);
      if (self.counts[WAITING] + self.counts[RUNNING] == 0)
        {
          if (on_terminal)
            fputc ('\n', stderr);
          print_end (&self, pages, json);
          return status_of (&self);
        }
      g_usleep (PAUSE_US);
    }
}
