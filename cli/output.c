/* elvesctl output: what a job on a host has printed until now, or as it prints it. */
#include "cli/command.h"
#include "cli/desk.h"
#include "cli/members.h"
#include "cli/named.h"

#include <stdio.h>

enum
{
  PAUSE_MS = 500
};

typedef struct
{
  ElvesCliNamed job;
  ElvesCliDesk *desk;
  gboolean follow;
  gint64 offset;
  gboolean refused, more, ended; /* of the last answer; more: it had data */
} Reader;

static void
reader_clear (Reader *self)
{
  elves_cli_named_clear (&self->job);
  elves_cli_desk_close (self->desk);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Reader, reader_clear)

static void
print_part (Reader *self, JsonObject *result)
{
  gsize length = 0;
  g_autofree guchar *data = g_base64_decode (elves_cli_text (result, "data"), &length);

  fwrite (data, 1, length, stdout);
  fflush (stdout);
  self->more = length > 0;
  self->offset += (gint64) length;
  self->ended = g_str_equal (elves_cli_text (result, "ended"), "true");
}

static gboolean
read_part (Reader *self, GError **error)
{
  JsonBuilder *body = elves_cli_named_body (&self->job);
  g_autoptr (JsonNode) answer = NULL;

  elves_cli_body_add_number (body, "offset", self->offset);
  answer = elves_cli_desk_ask (self->desk, "readOutput", body, error);
  if (answer == NULL)
    return FALSE;
  self->refused = elves_cli_is_refused (answer);
  if (!self->refused)
    print_part (self, elves_cli_object (json_node_get_object (answer), "result"));
  return TRUE;
}

/* All that is there; with --follow all there will be. */
static int
read_all (Reader *self, GError **error)
{
  do
    {
      if (!read_part (self, error))
        return -1;
      if (!self->refused && !self->more && !self->ended && self->follow)
        g_usleep (PAUSE_MS * 1000);
    }
  while (!self->refused && (self->more || (self->follow && !self->ended)));
  return self->refused ? ELVES_EXIT_NOT_RUN : ELVES_EXIT_SUCCESS;
}

/**
 * elves_cli_output:
 * @context: where the broker is.
 * @argc: number of arguments.
 * @argv: "output", then the command's own.
 * @error: what went wrong.
 *
 * Returns: the exit status, or -1 with @error set.
 */
int
elves_cli_output (const ElvesCliContext *context, int argc, char **argv, GError **error)
{
  g_auto (Reader) reader = { .follow = FALSE };
  const GOptionEntry more[] = {
    { "follow", 'f', 0, G_OPTION_ARG_NONE, &reader.follow, "Go on until the job has ended", NULL },
    { NULL },
  };

  if (!elves_cli_named_parse (&reader.job, "Prints what a job on a host has printed.", more, argc,
                              argv, error) ||
      (reader.desk = elves_cli_desk_open (context, "scheduler", error)) == NULL)
    return -1;
  return read_all (&reader, error);
}
