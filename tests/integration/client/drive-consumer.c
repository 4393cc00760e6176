/* A consumer for tests: what its handlers are called with is printed as a JSON object a line.
 *
 *   drive-consumer [--global] KEY=VALUE... -- TAGS=WHAT...
 *
 * WHAT a handler does: ok, simple (has no result), fail, fail-N (the first N times that a message
 * comes), sleep-MS (then ok). Prints "ready" when it consumes; ends with its input, and prints
 * "released". */
#include "client/elves-client.h"
#include "common/json-writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct
{
  const char *tags, *what;
} Handler;

static void
print (const ElvesConsumerMessage *message, const Handler *handler)
{
  g_autoptr (GString) line = g_string_new (NULL);
  g_autoptr (GBytes) data = g_bytes_new_static (message->data, message->length);

  elves_json_open (line, NULL);
  elves_json_add_text (line, "handler", handler->tags);
  elves_json_add_text (line, "taskid", message->task_id);
  elves_json_add_text (line, "tag", message->tag);
  elves_json_add_bytes (line, "data", data);
  elves_json_add_number (line, "length", (gint64) message->length);
  elves_json_add_text (line, "msgid", message->message_id);
  elves_json_add_number (line, "retries", message->retries);
  elves_json_add_number (line, "at_us", g_get_real_time ());
  elves_json_close (line);
  puts (line->str);
  fflush (stdout);
}

static gboolean
on_message (const ElvesConsumerMessage *message, gpointer user_data, GError **error)
{
  const Handler *handler = user_data;
  int number = strchr (handler->what, '-') != NULL ? atoi (strchr (handler->what, '-') + 1) : -1;

  print (message, handler);
  if (g_str_has_prefix (handler->what, "sleep"))
    g_usleep ((gulong) number * 1000);
  if (!g_str_has_prefix (handler->what, "fail"))
    return TRUE;
  if (number >= 0 && message->retries >= (guint) number)
    return TRUE;
  g_set_error_literal (error, ELVES_CONSUMER_ERROR, ELVES_CONSUMER_ERROR_INVALID, "retry error");
  return FALSE;
}

static void
on_simple (const ElvesConsumerMessage *message, gpointer user_data)
{
  print (message, user_data);
}

static gboolean
add (ElvesConsumer *consumer, Handler *handler, GError **error)
{
  gboolean is_simple = strcmp (handler->what, "simple") == 0;

  if (consumer != NULL)
    return is_simple
               ? elves_consumer_register_simple (consumer, handler->tags, on_simple, handler, error)
               : elves_consumer_register (consumer, handler->tags, on_message, handler, error);
  return is_simple ? elves_client_add_simple_handler (handler->tags, on_simple, handler, error)
                   : elves_client_add_task_handler (handler->tags, on_message, handler, error);
}

/* Cuts @argument at its "=". */
static const char *
value_of (char *argument)
{
  char *equals = strrchr (argument, '=');

  g_assert_nonnull (equals);
  *equals = '\0';
  return equals + 1;
}

static void
consume (ElvesConsumer *consumer, char **handlers)
{
  g_autoptr (GError) error = NULL;
  char byte[64];

  for (; *handlers != NULL; handlers++)
    {
      static Handler kept[16];
      static guint n_kept;
      g_assert_cmpuint (n_kept, <, G_N_ELEMENTS (kept));
      Handler *handler = &kept[n_kept++];
      *handler = (Handler){ .what = value_of (*handlers), .tags = *handlers };
      if (!add (consumer, handler, &error))
        g_error ("register: %s", error->message);
    }
  if (!(consumer != NULL ? elves_consumer_start (consumer, &error) : elves_client_start (&error)))
    g_error ("start: %s", error->message);
  while (!(consumer != NULL ? elves_consumer_wait (consumer, 1000) : elves_client_wait (1000)))
    ;
  puts ("ready");
  fflush (stdout);
  while (fgets (byte, sizeof byte, stdin) != NULL)
    ;
}

int
main (int argc, char **argv)
{
  ElvesConsumerSetting settings[32] = { 0 };
  g_autoptr (ElvesConsumer) consumer = NULL;
  g_autoptr (GError) error = NULL;
  gboolean is_global = argc > 1 && strcmp (argv[1], "--global") == 0;
  int at = is_global ? 2 : 1;

  g_log_writer_default_set_use_stderr (TRUE);
  for (guint n = 0; strcmp (argv[at], "--") != 0 && n < 31; at++, n++)
    {
      char *equals = strchr (argv[at], '=');
      *equals = '\0';
      settings[n] = (ElvesConsumerSetting){ argv[at], equals + 1 };
    }
  if (is_global ? !elves_client_init (settings, &error)
                : (consumer = elves_consumer_new (settings, &error)) == NULL)
    g_error ("settings: %s", error->message);
  consume (consumer, argv + at + 1);
  if (!(is_global ? elves_client_release (&error) : elves_consumer_release (consumer, &error)))
    g_error ("release: %s", error->message);
  puts ("released");
  return 0;
}
