/* How a job is named that is with an agent. */
#include "cli/named.h"

#include "cli/desk.h"
#include "common/error.h"

void
elves_cli_named_clear (ElvesCliNamed *self)
{
  g_free (self->ip);
  g_free (self->id);
  g_free (self->type);
  g_free (self->execution);
}

/**
 * elves_cli_named_parse:
 * @self: all zero; to be filled.
 * @summary: of the command.
 * @more: its own options.
 * @argc: number of arguments.
 * @argv: the command's name, then its own.
 * @error: what is wrong.
 *
 * Returns: whether it names a job.
 */
gboolean
elves_cli_named_parse (ElvesCliNamed *self,
                       const char *summary,
                       const GOptionEntry *more,
                       int argc,
                       char **argv,
                       GError **error)
{
  GOptionEntry entries[] = {
    { "type", 't', 0, G_OPTION_ARG_STRING, &self->type, "Only a job of this type",
      "rt|queue|cron" },
    { "execution", 'x', 0, G_OPTION_ARG_STRING, &self->execution,
      "This one execution; no ID is needed then", "KEY" },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("IP [ID]");

  g_option_context_set_summary (context, summary);
  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_add_main_entries (context, more, NULL);
  if (!g_option_context_parse (context, &argc, &argv, error))
    return FALSE;
  if (argc == 3 || (argc == 2 && self->execution != NULL))
    {
      self->ip = g_strdup (argv[1]);
      self->id = argc == 3 ? g_strdup (argv[2]) : NULL;
      return TRUE;
    }
  g_set_error_literal (error, ELVES_ERROR, ELVES_ERROR_CONFIG,
                       "a host and the id of a job on it are needed, or --execution");
  return FALSE;
}

/**
 * elves_cli_named_body:
 * @self: a job.
 *
 * Returns: (transfer full): for elves_cli_desk_ask().
 */
JsonBuilder *
elves_cli_named_body (const ElvesCliNamed *self)
{
  JsonBuilder *body = elves_cli_body_new ();

  elves_cli_body_add (body, "ip", self->ip);
  elves_cli_body_add (body, "id", self->id);
  elves_cli_body_add (body, "type", self->type);
  elves_cli_body_add (body, "execution", self->execution);
  return body;
}
