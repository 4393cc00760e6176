/* What becomes of one job on many agents: each result as it comes, and a summary. */
#pragma once

#include "cli/desk.h"

G_BEGIN_DECLS

typedef struct
{
  gboolean json; /* an object a line instead of the table */
  const char
      *out; /* (nullable) a folder: what each worker said goes into a file of its agent's name */
} ElvesRunOutput;

/* The exit status; -1 with @error set. @n_tasks: of that queue. */
int elves_run_watch (ElvesCliDesk *queue,
                     const char *id,
                     guint n_tasks,
                     const ElvesRunOutput *output,
                     GError **error);

G_END_DECLS
