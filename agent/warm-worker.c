/* One warm worker: its process, its lines, the calls that it has.
 *
 *   starting -> ready -> retiring -> ended        its calls are answered, then its input is closed
 *          \________\________\_______/            it ends by itself, or is stopped
 *
 * It is contained, stopped and cleared away by agent/runner, as any worker. When it is stopped, for
 * one call's timeout, for a line that is none, because it is not ready in time, its other calls are
 * over, too: they were handed over, and what became of them is not known. No call is handed over
 * twice.
 *
 * Limits: a line has at most warm.lineLimit bytes, the error output kept is worker.stderrLimit,
 * what waits for its input are the calls it has room for. Its memory is looked at after an answer,
 * at most once a second. */
#include "agent/warm-line.h"
#include "agent/warm-pipe.h"
#include "agent/warm-private.h"

#include "agent/containment-private.h"
#include "agent/metrics.h"
#include "common/error.h"
#include "common/log.h"
#include "common/utf8.h"

#include <string.h>

#define SHOWN_BYTES 200 /* of a line that is none */
#define MEMORY_INTERVAL_US G_USEC_PER_SEC

typedef enum
{
  STARTING,
  READY,
  RETIRING,
  STOPPING
} State;

struct ElvesWarmWorker
{
  ElvesWarmPool *pool;
  const ElvesWarmParts *parts;
  ElvesCommand *command;
  ElvesRunner *runner;
  State state;
  gboolean was_ready, was_meant;

  ElvesWarmInput input;
  ElvesWarmLines lines; /* of its output */

  guint concurrency;
  GQueue calls;     /* of ElvesWarmCall, by its link: all that have a place */
  GHashTable *sent; /* number -> ElvesWarmCall: of these */
  guint64 n_sent, n_answered;

  char *fault;         /* (nullable) why it was stopped, when that was its own doing */
  ElvesReason reason;  /* of it */
  char *stopped;       /* (nullable) why it was stopped otherwise */
  ElvesDeadline timer; /* of the state: start, idle, grace */
  gint64 memory_due_us;
};

/* ---- end ------------------------------------------------------------------------------------ */

static void
set_timer (ElvesWarmWorker *self, gint64 after_ms, ElvesDeadlineFunc func)
{
  elves_deadlines_arm (self->parts->deadlines, &self->timer,
                       g_get_monotonic_time () + after_ms * 1000, func, self);
}

static void
stop_timer (ElvesWarmWorker *self)
{
  elves_deadlines_disarm (self->parts->deadlines, &self->timer);
}

static void
stop_process (ElvesWarmWorker *self)
{
  stop_timer (self);
  self->state = STOPPING;
  elves_warm_input_close (&self->input);
  elves_runner_cancel (self->runner);
}

/* Its own doing: what is wrong with it is what its calls are told. */
static void
stop_for_fault (ElvesWarmWorker *self, ElvesReason reason, char *fault)
{
  if (self->state == STOPPING)
    {
      g_free (fault);
      return;
    }
  self->fault = fault;
  self->reason = reason;
  stop_process (self);
}

void
elves_warm_worker_stop (ElvesWarmWorker *self, const char *why)
{
  if (self->state == STOPPING)
    return;
  self->stopped = g_strdup (why);
  stop_process (self);
}

static void
on_grace_over (ElvesDeadline *timer, gpointer user_data)
{
  elves_warm_worker_stop (user_data, "it did not end when its input was closed");
}

static void
end_if_done (ElvesWarmWorker *self)
{
  if (self->state != RETIRING || !g_queue_is_empty (&self->calls))
    return;
  elves_warm_input_close (&self->input);
  set_timer (self, self->parts->config->grace_ms, on_grace_over);
}

/* It gets no more calls; when it has none it is asked to end. */
void
elves_warm_worker_retire (ElvesWarmWorker *self)
{
  if (self->state == RETIRING || self->state == STOPPING)
    return;
  self->state = RETIRING;
  self->was_meant = TRUE;
  stop_timer (self);
  end_if_done (self);
}

/* What a call is told that was sent. */
static ElvesReinstruct *
result_of_end (ElvesWarmWorker *self, const ElvesWarmCall *call, const ElvesRunResult *run)
{
  const ElvesAgentConfig *config = self->parts->config;
  if (call->timed_out || call->cancelled || (self->fault == NULL && self->stopped == NULL))
    return elves_warm_answer_of_end (config, call, run);
  if (self->fault != NULL)
    return elves_warm_answer_of_fault (call, self->reason, self->fault, run);
  g_autofree char *what = g_strconcat ("the worker was stopped: ", self->stopped, NULL);
  return elves_warm_answer_of_fault (call, ELVES_REASON_OUTCOME_UNKNOWN, what, run);
}

static void
end_calls (ElvesWarmWorker *self, const ElvesRunResult *run)
{
  while (!g_queue_is_empty (&self->calls))
    {
      ElvesWarmCall *call = g_queue_peek_head (&self->calls);
      gboolean was_sent = call->number != 0;
      ElvesReinstruct *result = was_sent ? result_of_end (self, call, run) : NULL;
      elves_warm_worker_remove (self, call);
      if (was_sent)
        elves_warm_call_end (call, result);
      else
        elves_warm_pool_join (self->pool, call, TRUE);
    }
}

static char *
describe_end (const ElvesWarmWorker *self, const ElvesRunResult *run)
{
  if (self->fault != NULL || self->stopped != NULL)
    return g_strdup (self->fault != NULL ? self->fault : self->stopped);
  if (run->end == ELVES_RUN_NOT_STARTED)
    return g_strdup (run->error->message);
  if (run->end == ELVES_RUN_SIGNALLED)
    return g_strdup_printf ("signal: %s", g_strsignal (run->status));
  return g_strdup_printf ("exit status %d", run->status);
}

static void
on_finished (ElvesRunner *runner, const ElvesRunResult *run, gpointer user_data)
{
  ElvesWarmWorker *self = user_data;
  g_autofree char *text = describe_end (self, run);
  gsize length;
  const char *error_output = g_bytes_get_data (run->error_output, &length);
  g_autofree char *tail =
      elves_utf8_clean (error_output, length, self->parts->config->stderr_limit_bytes, NULL);
  g_autofree char *whole =
      length > 0 ? g_strconcat (text, "\n[stderr]\n", g_strchomp (tail), NULL) : g_strdup (text);
  ElvesWarmEnd end = {
    .was_ready = self->was_ready,
    .has_answered = self->n_answered > 0,
    .was_meant = self->was_meant && self->fault == NULL,
    .is_missing = run->end == ELVES_RUN_NOT_STARTED &&
                  g_error_matches (run->error, ELVES_ERROR, ELVES_ERROR_NOT_FOUND),
    .text = text,
    .diagnosis = whole,
  };
  self->state = STOPPING;
  stop_timer (self);
  elves_warm_input_close (&self->input);
  ElvesWarmPool *pool = self->pool;
  elves_warm_pool_on_ended (pool, self, &end);
  end_calls (self, run);
  elves_warm_worker_free (self);
  elves_warm_serve (elves_warm_pool_warm (pool));
}

/* ---- input ---------------------------------------------------------------------------------- */

static void
on_deaf_over (ElvesDeadline *timer, gpointer user_data)
{
  stop_for_fault (user_data, ELVES_REASON_BAD_OUTPUT,
                  g_strdup ("the worker has closed its standard input"));
}

/* Most often it has ended, and we hear of that in a moment. */
static void
on_deaf (gpointer user_data)
{
  ElvesWarmWorker *self = user_data;
  set_timer (self, self->parts->config->drain_ms, on_deaf_over);
}

static void
on_timeout (ElvesDeadline *deadline, gpointer user_data)
{
  ElvesWarmCall *call = user_data;
  call->timed_out = TRUE;
  elves_warm_worker_stop (call->worker, "another call of it has timed out");
}

void
elves_warm_worker_send (ElvesWarmWorker *self, ElvesWarmCall *call)
{
  call->number = ++self->n_sent;
  call->sent_us = g_get_monotonic_time ();
  g_hash_table_insert (self->sent, &call->number, call);
  if (call->timeout_s > 0)
    elves_deadlines_arm (self->parts->deadlines, &call->deadline,
                         call->sent_us + call->timeout_s * G_USEC_PER_SEC, on_timeout, call);
  elves_agent_metrics.warm_calls++;
  if (!elves_warm_input_is_open (&self->input))
    return; /* it is ending: the call ends with it */
  gboolean waits = self->input.unsent->len > 0;
  elves_warm_line_append_call (self->input.unsent, call->number, call->instruct, call->timeout_s);
  if (!waits)
    elves_warm_input_flush (&self->input);
}

/* ---- output --------------------------------------------------------------------------------- */

static void
on_idle_over (ElvesDeadline *timer, gpointer user_data)
{
  elves_warm_worker_retire (user_data);
}

static void
start_idle_timer (ElvesWarmWorker *self)
{
  guint limit_s = self->parts->config->warm_idle_timeout_s;
  if (self->state == READY && g_queue_is_empty (&self->calls) &&
      elves_warm_input_is_open (&self->input) && limit_s > 0)
    set_timer (self, (gint64) limit_s * 1000, on_idle_over);
}

static gboolean
has_grown (ElvesWarmWorker *self)
{
  guint64 limit_bytes = self->parts->config->warm_max_memory_bytes;
  gint64 now_us = g_get_monotonic_time ();
  if (limit_bytes == 0 || now_us < self->memory_due_us)
    return FALSE;
  self->memory_due_us = now_us + MEMORY_INTERVAL_US;
  return elves_process_memory (elves_runner_pid (self->runner)) > limit_bytes;
}

/* After an answer; before its place is given to another call. */
static void
retire_if_worn (ElvesWarmWorker *self)
{
  guint max_calls = elves_warm_pool_max_calls (self->pool);
  if (self->state == READY && ((max_calls > 0 && self->n_sent >= max_calls) || has_grown (self)))
    elves_warm_worker_retire (self);
}

/* Others than the worker itself: what the job says that it has left behind. */
static guint
count_others (const ElvesWarmWorker *self)
{
  const ElvesCell *cell = elves_runner_cell (self->runner);
  return cell != NULL ? elves_cell_count_others (cell) : 0;
}

static void
take_answer (ElvesWarmWorker *self, const ElvesWarmLine *line)
{
  ElvesWarmCall *call = g_hash_table_lookup (self->sent, &line->call);
  if (call == NULL || call->timed_out || call->cancelled)
    {
      stop_for_fault (self, ELVES_REASON_BAD_OUTPUT,
                      g_strdup_printf ("the worker has answered call %" G_GUINT64_FORMAT
                                       ", which it does not have",
                                       line->call));
      return;
    }
  ElvesReinstruct *result = elves_warm_answer (self->parts->config, call, line->flag, line->result);
  result->survivors = count_others (self);
  self->n_answered++;
  elves_warm_worker_remove (self, call);
  retire_if_worn (self);
  elves_warm_call_end (call, result);
  elves_warm_pool_serve (self->pool);
}

static void
take_hello (ElvesWarmWorker *self, const ElvesWarmLine *line)
{
  if (self->was_ready)
    {
      stop_for_fault (self, ELVES_REASON_BAD_OUTPUT,
                      g_strdup ("the worker has said twice that it is ready"));
      return;
    }
  self->was_ready = TRUE;
  self->concurrency = MIN (line->concurrency, self->parts->config->warm_max_concurrency);
  if (self->state != STARTING)
    return;
  stop_timer (self);
  self->state = READY;
  start_idle_timer (self);
  elves_warm_pool_serve (self->pool);
}

/* While it is stopped for another's timeout an answer is still an answer. */
static gboolean
on_line (const char *text, gsize length, gpointer user_data)
{
  ElvesWarmWorker *self = user_data;
  g_auto (ElvesWarmLine) line = { 0 };
  g_autoptr (GError) error = NULL;
  if (!elves_warm_line_parse (text, length, &line, &error))
    {
      g_autofree char *shown = elves_utf8_clean (text, length, SHOWN_BYTES, NULL);
      stop_for_fault (self, ELVES_REASON_BAD_OUTPUT,
                      g_strdup_printf ("the worker wrote a line that is none of the protocol "
                                       "(%s): %s",
                                       error->message, shown));
    }
  else if (line.is_hello)
    take_hello (self, &line);
  else
    take_answer (self, &line);
  return self->fault == NULL;
}

static void
on_output (ElvesRunner *runner, const guint8 *bytes, gsize length, gpointer user_data)
{
  ElvesWarmWorker *self = user_data;
  if (self->fault != NULL || elves_warm_lines_take (&self->lines, bytes, length, on_line, self))
    return;
  stop_for_fault (self, ELVES_REASON_TOO_LARGE,
                  g_strdup_printf ("the worker wrote a line of more than %" G_GUINT64_FORMAT
                                   " bytes (warm.lineLimit)",
                                   self->parts->config->warm_line_limit_bytes));
}

/* ---- places --------------------------------------------------------------------------------- */

void
elves_warm_worker_add (ElvesWarmWorker *self, ElvesWarmCall *call)
{
  stop_timer (self);
  call->worker = self;
  call->link.data = call;
  g_queue_push_tail_link (&self->calls, &call->link);
}

void
elves_warm_worker_remove (ElvesWarmWorker *self, ElvesWarmCall *call)
{
  elves_deadlines_disarm (self->parts->deadlines, &call->deadline);
  if (call->number != 0)
    g_hash_table_remove (self->sent, &call->number);
  g_queue_unlink (&self->calls, &call->link);
  call->link.data = NULL;
  call->worker = NULL;
  start_idle_timer (self);
  end_if_done (self);
}

gboolean
elves_warm_worker_is_usable (const ElvesWarmWorker *self)
{
  return self->state == STARTING || self->state == READY;
}

gboolean
elves_warm_worker_is_starting (const ElvesWarmWorker *self)
{
  return self->state == STARTING;
}

gboolean
elves_warm_worker_has_place (const ElvesWarmWorker *self)
{
  guint max_calls = elves_warm_pool_max_calls (self->pool);
  return self->state == READY && self->calls.length < self->concurrency &&
         elves_warm_input_is_open (&self->input) && (max_calls == 0 || self->n_sent < max_calls);
}

gboolean
elves_warm_worker_is_idle (const ElvesWarmWorker *self)
{
  return self->state == READY && self->calls.length == 0;
}

guint
elves_warm_worker_concurrency (const ElvesWarmWorker *self)
{
  return self->concurrency;
}

const ElvesCell *
elves_warm_worker_cell (const ElvesWarmWorker *self)
{
  return elves_runner_cell (self->runner);
}

/* ---- beginning ------------------------------------------------------------------------------ */

static void
on_start_over (ElvesDeadline *timer, gpointer user_data)
{
  ElvesWarmWorker *self = user_data;
  stop_for_fault (self, ELVES_REASON_SPAWN_FAILED,
                  g_strdup_printf ("the worker was not ready within %u ms (warm.startTimeout)",
                                   self->parts->config->warm_start_timeout_ms));
}

static void
start_process (ElvesWarmWorker *self)
{
  const ElvesAgentConfig *config = self->parts->config;
  int stdin_fd = elves_warm_input_open (&self->input, self->parts->poller, on_deaf, self);
  ElvesRunnerSpec spec = {
    .argv = (const char *const *) self->command->argv,
    .environment = (const char *const *) self->command->environment,
    .directory = self->command->directory,
    .user = self->command->user,
    .stdin_fd = MAX (stdin_fd, 0),
    .output = on_output,
    .stop_signal = elves_agent_config_signal_number (config->stop_signal),
    .grace_ms = config->grace_ms,
    .drain_ms = config->drain_ms,
    .stderr_limit_bytes = config->stderr_limit_bytes,
    .leave_leftovers = FALSE,
    /* NULL: the runner says why there is none. */
    .cell = elves_containment_open_marked_cell (self->parts->containment, self->parts->mark, NULL),
  };
  self->runner =
      elves_runner_start (self->parts->poller, self->parts->reaper, self->parts->containment,
                          self->parts->deadlines, &spec, on_finished, self);
  if (stdin_fd >= 0)
    close (stdin_fd);
}

/* Takes @command. Its pool is told of its end from the main loop. */
ElvesWarmWorker *
elves_warm_worker_new (ElvesWarmPool *pool, const ElvesWarmParts *parts, ElvesCommand *command)
{
  ElvesWarmWorker *self = g_new0 (ElvesWarmWorker, 1);
  self->pool = pool;
  self->parts = parts;
  self->command = command;
  elves_warm_lines_init (&self->lines, parts->config->warm_line_limit_bytes);
  self->concurrency = 1;
  self->sent = g_hash_table_new (g_int64_hash, g_int64_equal);
  g_queue_init (&self->calls);
  start_process (self);
  set_timer (self, parts->config->warm_start_timeout_ms, on_start_over);
  return self;
}

void
elves_warm_worker_free (ElvesWarmWorker *self)
{
  if (self == NULL)
    return;
  stop_timer (self);
  elves_warm_input_clear (&self->input);
  elves_runner_free (self->runner);
  elves_command_free (self->command);
  elves_warm_lines_clear (&self->lines);
  g_hash_table_unref (self->sent);
  g_free (self->fault);
  g_free (self->stopped);
  g_free (self);
}
