/* One worker process and all its descendants, from start to certain end.
 *
 * The child gets a session and process group of its own and, where containment allows, a cgroup of
 * its own. Its end is: direct child exited AND both pipes ended, or the drain time passed. At the
 * timeout the whole tree gets the stop signal, after the grace time KILL; the result comes on time
 * whatever holds a pipe. What is left of the tree at the end is killed (or left, if the spec says
 * so) and counted. finished() comes from the main loop, exactly once, never from inside a call. */
#pragma once

#include "agent/containment.h"
#include "agent/reaper.h"
#include "agent/spawn.h"
#include "common/deadlines.h"
#include "common/poller.h"

#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

typedef struct ElvesRunner ElvesRunner;

/* Gets the output as it comes: then the result has none. May cancel, must not free. */
typedef void (*ElvesRunOutputFunc) (ElvesRunner *runner,
                                    const guint8 *bytes,
                                    gsize length,
                                    gpointer user_data);

typedef struct
{
  const char *const
      *argv; /* argv[0]: the program; a name without slash is looked up in PATH of @environment */
  const char *const *environment; /* complete; the runner adds only its tracking variable */
  const char *directory;          /* working directory */
  const ElvesSpawnUser *user;     /* (nullable) */
  ElvesCell *cell; /* (nullable) (transfer full): one that was opened for this; else it is now */
  int stdin_fd;    /* 3 or above, stays the caller's; 0: /dev/null */
  ElvesRunOutputFunc output; /* (nullable) with the user_data of finished() */
  guint timeout_ms;          /* 0: none */
  int stop_signal;
  guint grace_ms;
  guint drain_ms;
  gsize output_limit_bytes;
  gsize stderr_limit_bytes;
  gboolean
      leave_leftovers; /* do not kill descendants that outlive a worker that exited by itself */
} ElvesRunnerSpec;     /* everything is copied */

typedef enum
{
  ELVES_RUN_EXITED,    /* status is the exit status */
  ELVES_RUN_SIGNALLED, /* status is the signal, not sent by us */
  ELVES_RUN_TIMED_OUT,
  ELVES_RUN_CANCELLED,
  ELVES_RUN_NOT_STARTED /* error says why; worker missing: ELVES_ERROR_NOT_FOUND, else UNAVAILABLE
                         */
} ElvesRunEnd;

typedef struct
{
  ElvesRunEnd end;
  int status;
  const GError *error;  /* (nullable) NOT_STARTED */
  GBytes *output;       /* stdout, at most the limit: its beginning */
  guint64 output_bytes; /* all that was written and read */
  GBytes *error_output; /* stderr: its end, at most the limit */
  guint killed; /* processes still alive when the worker had ended (or been stopped) and killed */
  guint survivors; /* could not be killed, or were left */
  guint cost_ms;
} ElvesRunResult;

typedef void (*ElvesRunFinishedFunc) (ElvesRunner *runner,
                                      const ElvesRunResult *result,
                                      gpointer user_data);

/* Always an object: what goes wrong at the start comes as NOT_STARTED. */
ElvesRunner *elves_runner_start (ElvesPoller *poller,
                                 ElvesReaper *reaper,
                                 ElvesContainment *containment,
                                 ElvesDeadlines *deadlines,
                                 const ElvesRunnerSpec *spec,
                                 ElvesRunFinishedFunc finished,
                                 gpointer user_data);
/* Stop signal now, KILL after grace; finished() still comes. FALSE: it has another end already. */
gboolean elves_runner_cancel (ElvesRunner *self);
/* What it has printed until now, as far as it is kept; valid until the main loop goes on. */
const guint8 *
elves_runner_output (const ElvesRunner *self, gsize *out_kept_bytes, guint64 *out_total_bytes);
void
elves_runner_free (ElvesRunner *self); /* NULL is fine; kills the tree; no callback afterwards */
const ElvesCell *elves_runner_cell (const ElvesRunner *self); /* (nullable) as long as it lives */
pid_t elves_runner_pid (const ElvesRunner *self);             /* 0: not started or ended */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesRunner, elves_runner_free)

G_END_DECLS
