/* elvesctl send: a message as it stands, and everything that comes back for it.
 *
 * For whoever writes a program that talks to the scheduler: the message is any of the three
 * generations, from a file or stdin; replies and results are printed as JSON as they come. */
#include "cli/asker.h"
#include "cli/command.h"
#include "cli/print.h"
#include "common/error.h"

#include <stdio.h>

enum
{
  DEFAULT_WAIT_S = 125
};

typedef struct
{
  JsonNode *message;
  gboolean async;
  char *type; /* of an async job: "cron" or "queue" */
  char *id;
} Sent;

static void
sent_clear (Sent *self)
{
  g_clear_pointer (&self->message, json_node_unref);
  g_free (self->type);
  g_free (self->id);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Sent, sent_clear)

static char *
read_all (const char *name, GError **error)
{
  char *text = NULL;

  if (g_file_get_contents (g_str_equal (name, "-") ? "/dev/stdin" : name, &text, NULL, error))
    return text;
  return NULL;
}

static JsonObject *
parameters_of (JsonObject *root)
{
  JsonNode *body = json_object_get_member (root, "mqbody");

  return body != NULL && JSON_NODE_HOLDS_OBJECT (body) ? json_node_get_object (body) : root;
}

static char *
first_text (JsonObject *object, const char *name, const char *alias)
{
  const char *text = json_object_get_string_member_with_default (object, name, NULL);

  if (text == NULL)
    text = json_object_get_string_member_with_default (object, alias, "");
  return g_strdup (text);
}

/* What is needed to know the answers by; whether the message is right is the scheduler's to say. */
static gboolean
load_message (Sent *self, const char *name, GError **error)
{
  g_autofree char *text = read_all (name, error);
  JsonObject *root, *parameters;
  const char *key;

  if (text == NULL)
    return FALSE;
  self->message = json_from_string (text, error);
  if (self->message == NULL || !JSON_NODE_HOLDS_OBJECT (self->message))
    {
      if (error != NULL && *error == NULL)
        g_set_error (error, ELVES_ERROR, ELVES_ERROR_INVALID, "it is not a JSON object");
      g_prefix_error (error, "%s: ", name);
      return FALSE;
    }
  root = json_node_get_object (self->message);
  key = json_object_get_string_member_with_default (root, "mqkey", "");
  parameters = parameters_of (root);
  self->async = g_strrstr (key, "Async") != NULL || g_strrstr (key, "async") != NULL;
  self->type = first_text (parameters, "job_type", "type");
  self->id = first_text (parameters, "id", "id");
  return TRUE;
}

static gboolean
is_last (const Sent *sent, JsonNode *answer)
{
  if (!sent->async)
    return TRUE;
  return elves_answer_is_result_of (answer, sent->id) || !elves_answer_is_handed_over (answer);
}

static int
print_answers (const Sent *sent, ElvesAsker *asker, int wait_s, GError **error)
{
  gint64 deadline_us = g_get_monotonic_time () + wait_s * (gint64) G_USEC_PER_SEC;

  for (;;)
    {
      g_autoptr (JsonNode) answer = elves_asker_wait (asker, deadline_us, error);

      if (answer == NULL)
        return -1;
      if (elves_answer_is_result_of (answer, NULL) && !elves_answer_is_result_of (answer, sent->id))
        continue;
      if (is_last (sent, answer))
        return elves_print_answer (answer, TRUE);
      elves_print_json (answer);
      fflush (stdout);
    }
}

static char *
parse_arguments (int argc, char **argv, int *wait_s, GError **error)
{
  GOptionEntry entries[] = {
    { "timeout", 't', 0, G_OPTION_ARG_INT, wait_s, "How long to wait for the answer", "SECONDS" },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("FILE");

  g_option_context_set_summary (
      context, "Publishes the message in FILE (- for stdin) and prints what comes back as JSON.\n\n"
               "Example:\n"
               "  elvesctl send sendSync.json");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, error))
    return NULL;
  if (argc == 2 && *wait_s > 0)
    return argv[1];
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG,
               "send needs one FILE (elvesctl send --help)");
  return NULL;
}

/**
 * elves_cli_send:
 * @context: where the broker is.
 * @argc: number of arguments.
 * @argv: "send", then the command's own.
 * @error: what went wrong.
 *
 * Returns: the exit status, or -1 with @error set.
 */
int
elves_cli_send (const ElvesCliContext *context, int argc, char **argv, GError **error)
{
  g_auto (ElvesCliSettings) settings = { 0 };
  g_auto (Sent) sent = { 0 };
  g_autoptr (ElvesAsker) asker = NULL;
  int wait_s = DEFAULT_WAIT_S;
  const char *file = parse_arguments (argc, argv, &wait_s, error);
  gboolean has_result;

  if (file == NULL || !load_message (&sent, file, error) ||
      !elves_cli_settings_load (&settings, context, error))
    return -1;
  has_result = sent.async && *sent.type != '\0';
  asker = elves_asker_new (&settings, has_result ? sent.type : NULL, error);
  if (asker == NULL || !elves_asker_publish (asker, sent.message, error))
    return -1;
  return print_answers (&sent, asker, wait_s, error);
}
