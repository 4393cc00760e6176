/* How far something is: a bar on stderr when that is a terminal, else a line when it has changed.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  gboolean on_terminal;
  char *last; /* (nullable) what the last line said */
} ElvesProgress;

void elves_progress_init (ElvesProgress *self);
/* @text: what stands behind the bar. */
void elves_progress_show (ElvesProgress *self, guint done, guint of, const char *text);
/* Makes room for a line on stdout: the bar is drawn again by the next show(). */
void elves_progress_hide (ElvesProgress *self);
void elves_progress_clear (ElvesProgress *self); /* leaves what it shows */

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ElvesProgress, elves_progress_clear)

G_END_DECLS
