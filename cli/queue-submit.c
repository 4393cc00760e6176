/* elvesctl queue submit: a queue from a file, committed, and perhaps watched. */
#include "cli/command.h"
#include "cli/desk.h"
#include "cli/members.h"
#include "cli/print.h"
#include "cli/queue-file.h"
#include "cli/queue-watch.h"
#include "common/error.h"

#include <stdio.h>

typedef struct
{
  const char *path;
  gboolean watch, json;
} Submit;

static const char summary[] =
    "Makes a queue of the tasks in FILE (- for stdin), commits it and prints its id.\n\n"
    "  { \"app\": \"backup\",\n"
    "    \"tasks\": [ { \"name\": \"dump\", \"ip\": \"10.0.0.7\", \"func\": \"dump\" },\n"
    "               { \"name\": \"copy\", \"ip\": \"10.0.0.8\", \"func\": \"copy\",\n"
    "                 \"after\": [\"dump\"] } ] }\n\n"
    "A task has ip and func, and perhaps name, after, param, mode, proxy and timeout.\n"
    "With \"on_failure\": \"skipped\" a queue settles what waits for a task that failed.\n\n"
    "Exit status: 0, 2 bad usage or file, 3 refused, 4 no answer; with --watch also\n"
    "1 a function said no, 3 a task could not be run.";

static gboolean
parse_arguments (Submit *self, int argc, char **argv, GError **error)
{
  GOptionEntry entries[] = {
    { "watch", 'w', 0, G_OPTION_ARG_NONE, &self->watch, "Wait for the tasks, show the progress",
      NULL },
    { "json", 'j', 0, G_OPTION_ARG_NONE, &self->json, "Print JSON", NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("FILE");

  g_option_context_set_summary (context, summary);
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, error))
    return FALSE;
  self->path = argv[1];
  if (argc == 2)
    return TRUE;
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG,
               "queue submit needs one FILE (elvesctl queue submit --help)");
  return FALSE;
}

/* --- asking ---------------------------------------------------------------------------------- */

/* -1: no answer; otherwise an exit status. */
static int
ask (ElvesCliDesk *desk, const char *action, JsonBuilder *body, char **out_id, GError **error)
{
  g_autoptr (JsonNode) answer = elves_cli_desk_ask (desk, action, body, error);

  if (answer == NULL)
    return -1;
  if (elves_cli_is_refused (answer))
    return ELVES_EXIT_NOT_RUN;
  if (out_id != NULL)
    *out_id = g_strdup (elves_cli_text (json_node_get_object (answer), "id"));
  return ELVES_EXIT_SUCCESS;
}

static int
create (ElvesCliDesk *desk, const ElvesQueueFile *file, char **out_id, GError **error)
{
  JsonBuilder *body = elves_cli_body_new ();

  elves_cli_body_add (body, "app", file->app);
  elves_cli_body_add (body, "on_failure", file->on_failure);
  return ask (desk, "createQueue", body, out_id, error);
}

/* A parameter may be written as JSON: the worker gets its text. */
static char *
param_of (JsonObject *members)
{
  JsonNode *node = json_object_get_member (members, "param");

  if (node == NULL || JSON_NODE_HOLDS_NULL (node))
    return g_strdup ("");
  return json_node_get_value_type (node) == G_TYPE_STRING ? g_strdup (json_node_get_string (node))
                                                          : json_to_string (node, FALSE);
}

static void
add_needs (JsonBuilder *body, const ElvesQueueFile *file, const ElvesQueueFileTask *task)
{
  elves_cli_body_add (body, "depend_task_id", "");
  json_builder_set_member_name (body, "depend_task_ids");
  json_builder_begin_array (body);
  for (guint i = 0; i < task->needs->len; i++)
    {
      guint index = g_array_index (task->needs, guint, i);

      json_builder_add_string_value (body, ((ElvesQueueFileTask *) file->tasks->pdata[index])->id);
    }
  json_builder_end_array (body);
}

static JsonBuilder *
task_body (const ElvesQueueFile *file, const ElvesQueueFileTask *task, const char *queue_id)
{
  JsonBuilder *body = elves_cli_body_new ();
  const char *mode = elves_cli_text (task->members, "mode");
  g_autofree char *param = param_of (task->members);

  elves_cli_body_add (body, "id", queue_id);
  elves_cli_body_add (body, "ip", elves_cli_text (task->members, "ip"));
  elves_cli_body_add (body, "func", elves_cli_text (task->members, "func"));
  elves_cli_body_add (body, "mode", *mode != '\0' ? mode : "NP");
  elves_cli_body_add (body, "proxy", elves_cli_text (task->members, "proxy"));
  elves_cli_body_add (body, "param", param);
  if (json_object_has_member (task->members, "timeout"))
    elves_cli_body_add_number (body, "timeout", elves_cli_number (task->members, "timeout"));
  add_needs (body, file, task);
  return body;
}

static int
add_tasks (ElvesCliDesk *desk, const ElvesQueueFile *file, const char *queue_id, GError **error)
{
  for (guint i = 0; i < file->tasks->len; i++)
    {
      ElvesQueueFileTask *task = file->tasks->pdata[i];
      int status = ask (desk, "addTask", task_body (file, task, queue_id), &task->id, error);

      if (status == ELVES_EXIT_NOT_RUN)
        fprintf (stderr, "elvesctl: task \"%s\" was refused, the queue is stopped\n", task->name);
      if (status != ELVES_EXIT_SUCCESS)
        return status;
    }
  return ELVES_EXIT_SUCCESS;
}

static JsonBuilder *
id_body (const char *id)
{
  JsonBuilder *body = elves_cli_body_new ();

  elves_cli_body_add (body, "id", id);
  return body;
}

/* Tasks in, then committed; what was refused half-way is stopped, so that nobody commits it. */
static int
fill (ElvesCliDesk *desk, const ElvesQueueFile *file, const char *queue_id, GError **error)
{
  int status = add_tasks (desk, file, queue_id, error);

  if (status == ELVES_EXIT_SUCCESS)
    return ask (desk, "commitQueue", id_body (queue_id), NULL, error);
  if (status == ELVES_EXIT_NOT_RUN)
    ask (desk, "stopQueue", id_body (queue_id), NULL, NULL);
  return status;
}

/**
 * elves_cli_queue_submit:
 * @context: where the broker is.
 * @argc: number of arguments.
 * @argv: "submit", then the command's own.
 * @error: what went wrong.
 *
 * Returns: the exit status, or -1 with @error set.
 */
int
elves_cli_queue_submit (const ElvesCliContext *context, int argc, char **argv, GError **error)
{
  Submit self = { NULL };
  g_autoptr (ElvesQueueFile) file = NULL;
  g_autoptr (ElvesCliDesk) desk = NULL;
  g_autofree char *queue_id = NULL;
  int status;

  if (!parse_arguments (&self, argc, argv, error) ||
      (file = elves_queue_file_load (self.path, error)) == NULL ||
      (desk = elves_cli_desk_open (context, "queue", error)) == NULL)
    return -1;
  status = create (desk, file, &queue_id, error);
  if (status == ELVES_EXIT_SUCCESS)
    status = fill (desk, file, queue_id, error);
  if (status != ELVES_EXIT_SUCCESS)
    return status;
  if (!self.json || !self.watch)
    printf (self.json ? "{\"id\": \"%s\"}\n" : "%s\n", queue_id);
  fflush (stdout);
  return self.watch ? elves_queue_watch (desk, file, queue_id, self.json, error)
                    : ELVES_EXIT_SUCCESS;
}
