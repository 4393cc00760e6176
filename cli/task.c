/* elvesctl task: the timed tasks of the older systems' programs, which elves-cron keeps for them.
 */
#include "cli/command.h"
#include "cli/cron-row.h"
#include "cli/desk.h"
#include "cli/members.h"
#include "cli/one.h"
#include "cli/print.h"
#include "common/error.h"

#include <stdio.h>
#include <string.h>

enum
{
  LIST_SIZE = 1000
};

/* Asks once, prints the answer. */
static int
finish (ElvesCliDesk *desk,
        const char *action,
        JsonBuilder *body,
        void (*print) (JsonObject *answer, gboolean json),
        gboolean json,
        GError **error)
{
  g_autoptr (JsonNode) answer = elves_cli_desk_ask (desk, action, body, error);

  if (answer == NULL)
    return -1;
  if (elves_cli_is_refused (answer))
    return ELVES_EXIT_NOT_RUN;
  print (json_node_get_object (answer), json);
  return ELVES_EXIT_SUCCESS;
}

/* --- list ------------------------------------------------------------------------------------ */

typedef struct
{
  char *owner, *name;
  int page;
  gboolean deleted, json;
} List;

static void
list_clear (List *self)
{
  g_free (self->owner);
  g_free (self->name);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (List, list_clear)

static gboolean
parse_list (List *self, int argc, char **argv, GError **error)
{
  GOptionEntry entries[] = {
    { "name", 'n', 0, G_OPTION_ARG_STRING, &self->name, "Only those of this name", "NAME" },
    { "page", 'p', 0, G_OPTION_ARG_INT, &self->page, "A thousand a page; the first if not given",
      "N" },
    { "deleted", 0, 0, G_OPTION_ARG_NONE, &self->deleted, "Those that were deleted", NULL },
    { "json", 'j', 0, G_OPTION_ARG_NONE, &self->json, "Print all of each as JSON", NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("OWNER");

  g_option_context_set_summary (context, "Lists the timed tasks of OWNER, the newest first:\n"
                                         "taskcenter, romens, qbasecron or v3.");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, error))
    return FALSE;
  self->owner = g_strdup (argv[1]);
  if (argc == 2 && self->page > 0)
    return TRUE;
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG,
               "task list needs one OWNER, and -p a number from 1 on (elvesctl task list --help)");
  return FALSE;
}

static void
print_cards (JsonObject *answer, gboolean json)
{
  JsonArray *cards = elves_cli_array (answer, "result");
  guint length = cards != NULL ? json_array_get_length (cards) : 0;

  if (json && cards != NULL)
    elves_print_json (json_object_get_member (answer, "result"));
  else if (length > 0)
    elves_cron_row_print_head ();
  for (guint i = 0; !json && i < length; i++)
    elves_cron_row_print (json_array_get_object_element (cards, i));
}

static int
run_list (const ElvesCliContext *context, int argc, char **argv, GError **error)
{
  g_auto (List) self = { .page = 1 };
  g_autoptr (ElvesCliDesk) desk = NULL;
  JsonBuilder *body;

  if (!parse_list (&self, argc, argv, error) ||
      (desk = elves_cli_desk_open (context, "cron", error)) == NULL)
    return -1;
  body = elves_cli_body_new ();
  elves_cli_body_add (body, "owner", self.owner);
  elves_cli_body_add (body, "name", self.name);
  elves_cli_body_add (body, "deleted", self.deleted ? "true" : "false");
  elves_cli_body_add_number (body, "page", self.page);
  elves_cli_body_add_number (body, "size", LIST_SIZE);
  return finish (desk, "findCron", body, print_cards, self.json, error);
}

/* --- rm -------------------------------------------------------------------------------------- */

static gboolean
parse_words (const char *usage,
             const char *summary,
             int least,
             int *argc,
             char **argv,
             GError **error)
{
  g_autoptr (GOptionContext) context = g_option_context_new (usage);

  g_option_context_set_summary (context, summary);
  if (!g_option_context_parse (context, argc, &argv, error))
    return FALSE;
  if (*argc > least)
    return TRUE;
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG, "task %s needs %s", argv[0], usage);
  return FALSE;
}

static void
print_keys (JsonObject *answer, gboolean json)
{
  JsonArray *keys = elves_cli_array (answer, "result");

  for (guint i = 0; keys != NULL && i < json_array_get_length (keys); i++)
    puts (json_array_get_string_element (keys, i));
}

static int
run_rm (const ElvesCliContext *context, int argc, char **argv, GError **error)
{
  g_autoptr (ElvesCliDesk) desk = NULL;
  JsonBuilder *body;

  if (!parse_words ("OWNER ID...", "Deletes timed tasks of OWNER, and prints which it did.", 2,
                    &argc, argv, error) ||
      (desk = elves_cli_desk_open (context, "cron", error)) == NULL)
    return -1;
  body = elves_cli_body_new ();
  elves_cli_body_add (body, "owner", argv[1]);
  json_builder_set_member_name (body, "ids");
  json_builder_begin_array (body);
  for (int i = 2; i < argc; i++)
    json_builder_add_string_value (body, argv[i]);
  json_builder_end_array (body);
  return finish (desk, "deleteCron", body, print_keys, FALSE, error);
}

/* --- report ---------------------------------------------------------------------------------- */

static void
print_report (JsonObject *answer, gboolean json)
{
  JsonObject *result = elves_cli_object (answer, "result");

  printf ("%s %s%s\n", elves_cli_text (result, "key"), elves_cli_text (result, "status"),
          g_str_equal (elves_cli_text (result, "already"), "true") ? " (reported before)" : "");
}

static int
run_report (const ElvesCliContext *context, int argc, char **argv, GError **error)
{
  g_autoptr (ElvesCliDesk) desk = NULL;
  JsonBuilder *body;

  if (!parse_words ("OWNER TOKEN SUCCESS|FAILED [MESSAGE]",
                    "Ends an execution in the place of its receiver, which never reported.", 3,
                    &argc, argv, error) ||
      (desk = elves_cli_desk_open (context, "cron", error)) == NULL)
    return -1;
  body = elves_cli_body_new ();
  elves_cli_body_add (body, "owner", argv[1]);
  elves_cli_body_add (body, "token", argv[2]);
  elves_cli_body_add (body, "status", argv[3]);
  elves_cli_body_add (body, "message", argc > 4 ? argv[4] : NULL);
  return finish (desk, "reportCron", body, print_report, FALSE, error);
}

/* --- one task -------------------------------------------------------------------------------- */

static void
print_detail (JsonObject *body)
{
  elves_cli_print_members (elves_cli_object (body, "result"));
}

static int
run_show (const ElvesCliContext *context, int argc, char **argv, GError **error)
{
  static const ElvesCliOne one = { "cron", "cronDetail", "Prints a timed task.", print_detail };

  return elves_cli_one_run (&one, context, argc, argv, error);
}

static int
run_fire (const ElvesCliContext *context, int argc, char **argv, GError **error)
{
  static const ElvesCliOne one = { "cron", "fireCron", "Fires a timed task now, besides its plan.",
                                   NULL };

  return elves_cli_one_run (&one, context, argc, argv, error);
}

static const ElvesCliCommand commands[] = {
  { "list", "list the timed tasks of an older system's programs", run_list },
  { "show", "print one of them", run_show },
  { "fire", "fire one now, besides its plan", run_fire },
  { "report", "end an execution that waits for a report", run_report },
  { "rm", "delete some", run_rm },
  { NULL },
};

/**
 * elves_cli_task:
 * @context: where the broker is.
 * @argc: number of arguments.
 * @argv: "task", then the command and its own.
 * @error: what went wrong.
 *
 * Returns: the exit status, or -1 with @error set.
 */
int
elves_cli_task (const ElvesCliContext *context, int argc, char **argv, GError **error)
{
  return elves_cli_dispatch (commands, "elvesctl task", context, argc, argv, error);
}
