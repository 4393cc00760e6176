/* `elvesctl COMPONENT COMMAND ID [--json]` */
#include "cli/one.h"

#include "cli/desk.h"
#include "cli/print.h"
#include "common/error.h"

#include <stdio.h>

static const char *
parse_arguments (const ElvesCliOne *one, int argc, char **argv, gboolean *json, GError **error)
{
  GOptionEntry entries[] = {
    { "json", 'j', 0, G_OPTION_ARG_NONE, json, "Print the whole answer as JSON", NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("ID");
  const char *name = argv[0];

  g_option_context_set_summary (context, one->summary);
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, error))
    return NULL;
  if (argc == 2)
    return argv[1];
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG, "%s %s needs one ID (elvesctl %s %s --help)",
               one->component, name, one->component, name);
  return NULL;
}

/**
 * elves_cli_one_run:
 * @one: which command
 * @context: where the broker is.
 * @argc: number of arguments.
 * @argv: its name, then its own.
 * @error: what went wrong.
 *
 * Returns: the exit status, or -1 with @error set.
 */
int
elves_cli_one_run (const ElvesCliOne *one,
                   const ElvesCliContext *context,
                   int argc,
                   char **argv,
                   GError **error)
{
  gboolean json = FALSE;
  const char *id = parse_arguments (one, argc, argv, &json, error);
  g_autoptr (ElvesCliDesk) desk = NULL;
  g_autoptr (JsonNode) answer = NULL;
  JsonBuilder *body;

  if (id == NULL || (desk = elves_cli_desk_open (context, one->component, error)) == NULL)
    return -1;
  body = elves_cli_body_new ();
  elves_cli_body_add (body, "id", id);
  answer = elves_cli_desk_ask (desk, one->action, body, error);
  if (answer == NULL)
    return -1;
  if (json)
    elves_print_json (answer);
  if (elves_cli_is_refused (answer))
    return ELVES_EXIT_NOT_RUN;
  if (!json && one->print != NULL)
    one->print (json_node_get_object (answer));
  return ELVES_EXIT_SUCCESS;
}

static void
print_member (JsonObject *object, const char *name, JsonNode *value, gpointer user_data)
{
  if (!JSON_NODE_HOLDS_VALUE (value))
    return;
  if (json_node_get_value_type (value) == G_TYPE_STRING)
    printf ("%-16s %s\n", name, json_node_get_string (value));
  else
    printf ("%-16s %" G_GINT64_FORMAT "\n", name, json_node_get_int (value));
}

/**
 * elves_cli_print_members:
 * @object: (nullable): what to print
 */
void
elves_cli_print_members (JsonObject *object)
{
  if (object != NULL)
    json_object_foreach_member (object, print_member, NULL);
}
