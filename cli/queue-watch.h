/* Looks at a queue until nothing in it can move any more. */
#pragma once

#include "cli/desk.h"
#include "cli/queue-file.h"

G_BEGIN_DECLS

/* Returns the exit status of what became of the tasks, or -1 with @error set. */
int elves_queue_watch (ElvesCliDesk *desk,
                       const ElvesQueueFile *file,
                       const char *queue_id,
                       gboolean json,
                       GError **error);

G_END_DECLS
