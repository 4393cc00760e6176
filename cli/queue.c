/* elvesctl queue: which of its commands; and those that show or move one queue. */
#include "cli/command.h"
#include "cli/desk.h"
#include "cli/members.h"
#include "cli/one.h"
#include "cli/print.h"
#include "common/error.h"

#include <stdio.h>

/* --- one queue ------------------------------------------------------------------------------- */

static void
print_task (JsonObject *tasks, const char *id, JsonNode *node, gpointer user_data)
{
  JsonObject *task = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  const char *error = elves_cli_text (task, "error");

  printf ("%-16s %-9s %-16s %-16s %-20s %-6s %-4" G_GINT64_FORMAT " %s\n", id,
          elves_cli_text (task, "status"), elves_cli_text (task, "ip"),
          elves_cli_text (task, "func"), elves_cli_text (task, "finish_time"),
          elves_cli_text (task, "flag"), elves_cli_number (task, "worker_flag"),
          *error != '\0' ? error : elves_cli_text (task, "worker_message"));
}

static void
print_queue (JsonObject *body)
{
  JsonObject *tasks = elves_cli_object (body, "result");

  elves_cli_print_members (elves_cli_object (body, "queue"));
  if (tasks == NULL || json_object_get_size (tasks) == 0)
    return;
  printf ("\n%-16s %-9s %-16s %-16s %-20s %-6s %-4s %s\n", "TASK", "STATUS", "HOST", "FUNC",
          "ENDED", "FLAG", "WORK", "TEXT");
  json_object_foreach_member (tasks, print_task, NULL);
}

static int
run_show (const ElvesCliContext *context, int argc, char **argv, GError **error)
{
  static const ElvesCliOne one = { "queue", "queueResult", "Prints a queue and its tasks.",
                                   print_queue };

  return elves_cli_one_run (&one, context, argc, argv, error);
}

static int
run_start (const ElvesCliContext *context, int argc, char **argv, GError **error)
{
  static const ElvesCliOne one = { "queue", "commitQueue",
                                   "Commits a queue: its tasks are run from now on.", NULL };

  return elves_cli_one_run (&one, context, argc, argv, error);
}

static int
run_stop (const ElvesCliContext *context, int argc, char **argv, GError **error)
{
  static const ElvesCliOne one = {
    "queue", "stopQueue", "Stops a queue: no further task is run; what runs, runs to its end.", NULL
  };

  return elves_cli_one_run (&one, context, argc, argv, error);
}

static int
run_cancel (const ElvesCliContext *context, int argc, char **argv, GError **error)
{
  static const ElvesCliOne one = {
    "queue", "cancelQueue", "Stops a queue, and ends on their hosts the jobs of it that run.", NULL
  };

  return elves_cli_one_run (&one, context, argc, argv, error);
}

static int
run_rm (const ElvesCliContext *context, int argc, char **argv, GError **error)
{
  static const ElvesCliOne one = { "queue", "deleteQueue",
                                   "Deletes a queue that has ended, or was never committed.",
                                   NULL };

  return elves_cli_one_run (&one, context, argc, argv, error);
}

/* --- history --------------------------------------------------------------------------------- */

static gint
compare_ends (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (elves_cli_text (*(JsonObject *const *) a, "finish_time"),
                    elves_cli_text (*(JsonObject *const *) b, "finish_time"));
}

static void
collect_ended (JsonObject *tasks, const char *id, JsonNode *node, gpointer ended)
{
  JsonObject *task = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;

  if (*elves_cli_text (task, "finish_time") != '\0')
    g_ptr_array_add (ended, task);
}

static void
print_history (JsonObject *body)
{
  g_autoptr (GPtrArray) ended = g_ptr_array_new ();
  JsonObject *tasks = elves_cli_object (body, "result");

  if (tasks != NULL)
    json_object_foreach_member (tasks, collect_ended, ended);
  g_ptr_array_sort (ended, compare_ends);
  for (guint i = 0; i < ended->len; i++)
    {
      JsonObject *task = ended->pdata[i];
      const char *error = elves_cli_text (task, "error");

      printf ("%s  %-16s %-16s %-16s %-6s %-4" G_GINT64_FORMAT " %8" G_GINT64_FORMAT " ms  %s\n",
              elves_cli_text (task, "finish_time"), elves_cli_text (task, "id"),
              elves_cli_text (task, "ip"), elves_cli_text (task, "func"),
              elves_cli_text (task, "flag"), elves_cli_number (task, "worker_flag"),
              elves_cli_number (task, "worker_costtime"),
              *error != '\0' ? error : elves_cli_text (task, "worker_message"));
    }
}

static int
run_history (const ElvesCliContext *context, int argc, char **argv, GError **error)
{
  static const ElvesCliOne one = { "queue", "queueResult",
                                   "Prints the tasks that have ended, in the order of their ends.",
                                   print_history };

  return elves_cli_one_run (&one, context, argc, argv, error);
}

/* --- all of them ----------------------------------------------------------------------------- */

typedef struct
{
  int count, page;
  gboolean json;
} List;

static gboolean
parse_list (List *self, int argc, char **argv, GError **error)
{
  GOptionEntry entries[] = {
    { "count", 'n', 0, G_OPTION_ARG_INT, &self->count, "So many a page, 100 if not given", "N" },
    { "page", 'p', 0, G_OPTION_ARG_INT, &self->page, "Which page, the first if not given", "N" },
    { "json", 'j', 0, G_OPTION_ARG_NONE, &self->json, "Print the whole answer as JSON", NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);

  g_option_context_set_summary (context, "Lists queues, the newest first.");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, error))
    return FALSE;
  if (argc == 1 && self->count > 0 && self->page > 0)
    return TRUE;
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG,
               "it takes no argument; -n and -p are numbers from 1 on");
  return FALSE;
}

static void
print_queues (JsonArray *queues)
{
  guint n_queues = queues != NULL ? json_array_get_length (queues) : 0;

  if (n_queues > 0)
    printf ("%-16s %-9s %6s %7s %-20s %-20s %-20s %s\n", "ID", "STATUS", "TASKS", "RUNNING",
            "CREATED", "COMMITTED", "ENDED", "APP");
  for (guint i = 0; i < n_queues; i++)
    {
      JsonObject *queue = json_array_get_object_element (queues, i);

      printf ("%-16s %-9s %6" G_GINT64_FORMAT " %7" G_GINT64_FORMAT " %-20s %-20s %-20s %s\n",
              elves_cli_text (queue, "id"), elves_cli_text (queue, "status"),
              elves_cli_number (queue, "tasks"), elves_cli_number (queue, "running"),
              elves_cli_text (queue, "create_time"), elves_cli_text (queue, "commit_time"),
              elves_cli_text (queue, "end_time"), elves_cli_text (queue, "app"));
    }
}

static int
run_list (const ElvesCliContext *context, int argc, char **argv, GError **error)
{
  List self = { .count = 100, .page = 1 };
  g_autoptr (ElvesCliDesk) desk = NULL;
  g_autoptr (JsonNode) answer = NULL;
  JsonBuilder *body;

  if (!parse_list (&self, argc, argv, error) ||
      (desk = elves_cli_desk_open (context, "queue", error)) == NULL)
    return -1;
  body = elves_cli_body_new ();
  elves_cli_body_add_number (body, "pagesize", self.count);
  elves_cli_body_add_number (body, "pagenumber", self.page);
  answer = elves_cli_desk_ask (desk, "queueList", body, error);
  if (answer == NULL)
    return -1;
  if (self.json)
    elves_print_json (answer);
  if (elves_cli_is_refused (answer))
    return ELVES_EXIT_NOT_RUN;
  if (!self.json)
    print_queues (elves_cli_array (json_node_get_object (answer), "result"));
  return ELVES_EXIT_SUCCESS;
}

/* --- the table ------------------------------------------------------------------------------- */

static const ElvesCliCommand commands[] = {
  { "submit", "make a queue of a file, and perhaps watch it", elves_cli_queue_submit },
  { "list", "list the queues, ended ones too", run_list },
  { "show", "print a queue and what became of its tasks", run_show },
  { "start", "commit a queue that was made by others", run_start },
  { "stop", "stop a queue", run_stop },
  { "cancel", "stop a queue, and end what runs of it", run_cancel },
  { "rm", "delete a queue", run_rm },
  { "history", "print what has ended, in the order of time", run_history },
  { NULL },
};

/**
 * elves_cli_queue:
 * @context: handed on
 * @argc: number of arguments.
 * @argv: "queue", then the command.
 * @error: what went wrong.
 *
 * Returns: the exit status, or -1 with @error set.
 */
int
elves_cli_queue (const ElvesCliContext *context, int argc, char **argv, GError **error)
{
  return elves_cli_dispatch (commands, "elvesctl queue", context, argc, argv, error);
}
