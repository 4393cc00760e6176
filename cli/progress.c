#include "cli/progress.h"

#include <stdio.h>
#include <unistd.h>

#define ERASE_REST "\033[K"

enum
{
  BAR_WIDTH = 30
};

void
elves_progress_init (ElvesProgress *self)
{
  self->on_terminal = isatty (STDERR_FILENO);
  self->last = NULL;
}

static void
draw_bar (guint done, guint of, const char *text)
{
  guint full = of > 0 ? (guint) ((guint64) done * BAR_WIDTH / of) : BAR_WIDTH;

  fputs ("\r[", stderr);
  for (guint i = 0; i < BAR_WIDTH; i++)
    fputc (i < full ? '#' : '.', stderr);
  fprintf (stderr, "] %s" ERASE_REST, text);
}

void
elves_progress_show (ElvesProgress *self, guint done, guint of, const char *text)
{
  if (self->on_terminal)
    draw_bar (done, of, text);
  else if (g_strcmp0 (self->last, text) != 0)
    fprintf (stderr, "%s\n", text);
  g_free (self->last);
  self->last = g_strdup (text);
}

void
elves_progress_hide (ElvesProgress *self)
{
  if (self->on_terminal && self->last != NULL)
    fputs ("\r" ERASE_REST, stderr);
}

void
elves_progress_clear (ElvesProgress *self)
{
  if (self->on_terminal && self->last != NULL)
    fputc ('\n', stderr);
  g_clear_pointer (&self->last, g_free);
}
