/* elvesctl cron: which of its commands; and those for the timed tasks that there are. */
#include "cli/command.h"
#include "cli/cron-row.h"
#include "cli/desk.h"
#include "cli/members.h"
#include "cli/one.h"
#include "cli/print.h"
#include "common/error.h"

#include <stdio.h>

enum
{
  LIST_LIMIT = 1000
};

/* --- list ------------------------------------------------------------------------------------ */

typedef struct
{
  char *ip;
  int count;
  gboolean ids, json;
} List;

static void
list_clear (List *self)
{
  g_free (self->ip);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (List, list_clear)

static gboolean
parse_list (List *self, int argc, char **argv, GError **error)
{
  GOptionEntry entries[] = {
    { "ip", 0, 0, G_OPTION_ARG_STRING, &self->ip, "Only those of this host", "IP" },
    { "count", 'n', 0, G_OPTION_ARG_INT, &self->count, "At most so many, 1000 if not given", "N" },
    { "ids", 0, 0, G_OPTION_ARG_NONE, &self->ids, "Print nothing but ids", NULL },
    { "json", 'j', 0, G_OPTION_ARG_NONE, &self->json, "Print all of each as JSON", NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);

  g_option_context_set_summary (context, "Lists timed tasks, the newest first.");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, error))
    return FALSE;
  if (argc == 1 && self->count > 0)
    return TRUE;
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG,
               "cron list takes no argument, and -n a number from 1 on");
  return FALSE;
}

/* One that was deleted meanwhile is left out. */
static gboolean
add_details (ElvesCliDesk *desk, JsonArray *ids, JsonArray *out, GError **error)
{
  for (guint i = 0; i < json_array_get_length (ids); i++)
    {
      JsonBuilder *body = elves_cli_body_new ();
      g_autoptr (JsonNode) answer = NULL;
      JsonObject *detail;

      elves_cli_body_add (body, "id", json_array_get_string_element (ids, i));
      answer = elves_cli_desk_ask (desk, "cronDetail", body, error);
      if (answer == NULL)
        return FALSE;
      detail = elves_cli_object (json_node_get_object (answer), "result");
      if (detail != NULL)
        json_array_add_object_element (out, json_object_ref (detail));
    }
  return TRUE;
}

static int
print_list (const List *self, ElvesCliDesk *desk, JsonArray *ids, GError **error)
{
  g_autoptr (JsonArray) tasks = json_array_new ();
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_ARRAY);

  for (guint i = 0; self->ids && i < json_array_get_length (ids); i++)
    puts (json_array_get_string_element (ids, i));
  if (self->ids)
    return ELVES_EXIT_SUCCESS;
  if (!add_details (desk, ids, tasks, error))
    return -1;
  json_node_set_array (node, tasks);
  if (self->json)
    elves_print_json (node);
  else if (json_array_get_length (tasks) > 0)
    elves_cron_row_print_head ();
  for (guint i = 0; !self->json && i < json_array_get_length (tasks); i++)
    elves_cron_row_print (json_array_get_object_element (tasks, i));
  return ELVES_EXIT_SUCCESS;
}

static int
run_list (const ElvesCliContext *context, int argc, char **argv, GError **error)
{
  g_auto (List) self = { .count = LIST_LIMIT };
  g_autoptr (ElvesCliDesk) desk = NULL;
  g_autoptr (JsonNode) answer = NULL;
  JsonBuilder *body;
  JsonArray *ids;

  if (!parse_list (&self, argc, argv, error) ||
      (desk = elves_cli_desk_open (context, "cron", error)) == NULL)
    return -1;
  body = elves_cli_body_new ();
  elves_cli_body_add (body, "ip", self.ip != NULL ? self.ip : "");
  elves_cli_body_add_number (body, "limit", self.count);
  answer = elves_cli_desk_ask (desk, "cronList", body, error);
  if (answer == NULL)
    return -1;
  ids = elves_cli_array (json_node_get_object (answer), "result");
  if (elves_cli_is_refused (answer) || ids == NULL)
    return ELVES_EXIT_NOT_RUN;
  return print_list (&self, desk, ids, error);
}

/* --- one of them ----------------------------------------------------------------------------- */

static void
print_detail (JsonObject *body)
{
  elves_cli_print_members (elves_cli_object (body, "result"));
}

static int
run_show (const ElvesCliContext *context, int argc, char **argv, GError **error)
{
  static const ElvesCliOne one = { "cron", "cronDetail", "Prints all there is to know of a task.",
                                   print_detail };

  return elves_cli_one_run (&one, context, argc, argv, error);
}

static int
run_start (const ElvesCliContext *context, int argc, char **argv, GError **error)
{
  static const ElvesCliOne one = { "cron", "startCron", "Starts a task: from now on it fires.",
                                   NULL };

  return elves_cli_one_run (&one, context, argc, argv, error);
}

static int
run_stop (const ElvesCliContext *context, int argc, char **argv, GError **error)
{
  static const ElvesCliOne one = { "cron", "stopCron", "Stops a task. What has been fired runs on.",
                                   NULL };

  return elves_cli_one_run (&one, context, argc, argv, error);
}

static int
run_rm (const ElvesCliContext *context, int argc, char **argv, GError **error)
{
  static const ElvesCliOne one = { "cron", "deleteCron", "Deletes a task.", NULL };

  return elves_cli_one_run (&one, context, argc, argv, error);
}

/* --- the table ------------------------------------------------------------------------------- */

static const ElvesCliCommand commands[] = {
  { "next", "print the coming instants of a rule; asks nobody", elves_cli_cron_next },
  { "add", "make a timed task", elves_cli_cron_add },
  { "list", "list the timed tasks", run_list },
  { "show", "print all there is to know of a task", run_show },
  { "start", "let a task fire from now on", run_start },
  { "stop", "let it fire no more", run_stop },
  { "rm", "delete a task", run_rm },
  { "history", "print what a task has fired", elves_cli_cron_history },
  { "audit", "compare what should have been fired with what was", elves_cli_cron_audit },
  { NULL },
};

/**
 * elves_cli_cron:
 * @context: handed on
 * @argc: number of arguments.
 * @argv: "cron", then the command.
 * @error: what went wrong.
 *
 * Returns: the exit status, or -1 with @error set.
 */
int
elves_cli_cron (const ElvesCliContext *context, int argc, char **argv, GError **error)
{
  return elves_cli_dispatch (commands, "elvesctl cron", context, argc, argv, error);
}
