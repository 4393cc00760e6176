/* Consumes the messages of timed tasks, and prints them.
 *
 *   cc consume.c -o consume $(pkg-config --cflags --libs elves-client)
 *   ./consume HOST[:PORT] GROUP TAGS
 *
 * User and password at the broker: environment variables ACCESS_KEY and SECRET_KEY. Ends with
 * SIGTERM or Ctrl-C. */
#include <elves-client.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static gboolean
print_task (const ElvesConsumerMessage *message, gpointer user_data, GError **error)
{
  printf ("tag=%s taskid=%s msgid=%s data=%s\n", message->tag, message->task_id,
          message->message_id, message->data);
  if (fflush (stdout) == 0)
    return TRUE;
  g_set_error_literal (error, G_FILE_ERROR, G_FILE_ERROR_IO, "cannot print");
  return FALSE; /* it comes again */
}

static int
fail (const GError *error)
{
  fprintf (stderr, "consume: %s\n", error->message);
  return 1;
}

int
main (int argc, char **argv)
{
  const char *user = getenv ("ACCESS_KEY"), *password = getenv ("SECRET_KEY");
  const ElvesConsumerSetting settings[] = {
    { "namesvr", argc == 4 ? argv[1] : "" },
    { "groupid", argc == 4 ? argv[2] : "" },
    { "topic", "taskcenter" },
    { "access_key", user != NULL ? user : "guest" },
    { "secret_key", password != NULL ? password : "guest" },
    { NULL },
  };
  g_autoptr (GError) error = NULL;
  sigset_t signals;
  int signal;

  if (argc != 4)
    {
      fprintf (stderr, "usage: consume HOST[:PORT] GROUP TAGS\n");
      return 2;
    }
  /* Before there are threads: they inherit it. */
  sigemptyset (&signals);
  sigaddset (&signals, SIGINT);
  sigaddset (&signals, SIGTERM);
  pthread_sigmask (SIG_BLOCK, &signals, NULL);

  if (!elves_client_init (settings, &error) ||
      !elves_client_add_task_handler (argv[3], print_task, NULL, &error) ||
      !elves_client_start (&error))
    return fail (error);
  sigwait (&signals, &signal);
  return elves_client_release (&error) ? 0 : fail (error);
}
