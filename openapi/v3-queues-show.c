/* What is told of jobs, queues and their tasks. elves-queue spells states as the original did. */
#include "openapi/v3-private.h"

#include <string.h>

/* ---- tasks ---- */

static const char *
state_of_finished (const ElvesJsonObject *task)
{
  g_autofree char *reason = elves_v3_text (task, "reason");
  g_autofree char *flag = elves_v3_text (task, "flag");
  g_autofree char *worker_flag = elves_v3_text (task, "worker_flag");

  if (strcmp (reason, "cancelled") == 0)
    return "cancelled";
  return strcmp (flag, "true") == 0 && strcmp (worker_flag, "1") == 0 ? "succeeded" : "failed";
}

static const char *
state_of_task (const ElvesJsonObject *task)
{
  static const char *const same[] = { "running", "stopped", "skipped" };
  g_autofree char *status = elves_v3_text (task, "status");

  for (guint i = 0; i < G_N_ELEMENTS (same); i++)
    if (strcmp (status, same[i]) == 0)
      return same[i];
  return strcmp (status, "finish") == 0 ? state_of_finished (task) : "pending";
}

/* An answer of the program is there when it has ended by itself. */
void
elves_v3_tell_task (GString *out, const ElvesJsonObject *task)
{
  static const ElvesV3Member before[] = {
    { "id", "id", ELVES_V3_AS_TEXT },
    { "seq", "seq", ELVES_V3_AS_INTEGER },
    { "name", "name", ELVES_V3_AS_TEXT_OR_NULL },
    { "ip", "agent", ELVES_V3_AS_TEXT },
    { "app", "app", ELVES_V3_AS_TEXT_OR_NULL },
    { "func", "func", ELVES_V3_AS_TEXT },
    { NULL },
  };
  static const ElvesV3Member behind[] = {
    { "error", "error", ELVES_V3_AS_TEXT_OR_NULL },
    { "reason", "reason", ELVES_V3_AS_TEXT_OR_NULL },
    { "worker_message", "result", ELVES_V3_AS_TEXT_OR_NULL },
    { "worker_costtime", "cost_ms", ELVES_V3_AS_INTEGER },
    { "created", "created", ELVES_V3_AS_TIME },
    { "started", "started", ELVES_V3_AS_TIME },
    { "finished", "finished", ELVES_V3_AS_TIME },
    { NULL },
  };

  elves_json_open (out, NULL);
  elves_v3_tell (out, task, before);
  elves_json_add_text (out, "status", state_of_task (task));
  elves_v3_tell (out, task, behind);
  elves_json_close (out);
}

/* ---- jobs and queues ---- */

gboolean
elves_v3_queue_has_ended (const ElvesJsonObject *queue)
{
  g_autofree char *ended = elves_v3_text (queue, "ended");

  return *ended != '\0';
}

/* @counts: (nullable) */
static gint64
count_of (const ElvesJsonObject *counts, const char *name)
{
  return counts != NULL ? elves_v3_integer (counts, name, 0) : 0;
}

static const char *
state_of_ended (const ElvesJsonObject *queue, const ElvesJsonObject *counts, gboolean was_stopped)
{
  gint64 failed = count_of (counts, "failed");
  gint64 max_failures = elves_v3_integer (queue, "max_failures", G_MAXINT64);

  if (was_stopped && failed <= max_failures)
    return "cancelled";
  if (failed + count_of (counts, "skipped") + count_of (counts, "cancelled") > 0)
    return "failed";
  return count_of (counts, "stopped") > 0 ? "cancelled" : "succeeded";
}

static const char *
state_of_queue (const ElvesJsonObject *queue, const ElvesJsonObject *counts)
{
  g_autofree char *status = elves_v3_text (queue, "status");
  gboolean was_stopped = strcmp (status, "stopped") == 0;

  if (elves_v3_queue_has_ended (queue))
    return state_of_ended (queue, counts, was_stopped);
  if (was_stopped)
    return "stopping";
  return strcmp (status, "pendding") == 0 ? "pending" : "running";
}

static void
tell_counts (GString *out, const ElvesJsonObject *counts)
{
  static const char *const names[] = { "running", "failed", "cancelled", "stopped", "skipped" };

  elves_json_open (out, "counts");
  elves_json_add_number (out, "pending", count_of (counts, "pendding"));
  elves_json_add_number (out, "succeeded", count_of (counts, "finish"));
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    elves_json_add_number (out, names[i], count_of (counts, names[i]));
  elves_json_close (out);
}

/* What we have put into "extra". */
static void
tell_extra (GString *out, const ElvesJsonObject *queue, gboolean is_job)
{
  static const ElvesV3Member of_all[] = { { "by", "created_by", ELVES_V3_AS_TEXT_OR_NULL },
                                          { NULL } };
  static const ElvesV3Member of_jobs[] = { { "func", "func", ELVES_V3_AS_TEXT_OR_NULL },
                                           { "selector", "selector", ELVES_V3_AS_TEXT_OR_NULL },
                                           { NULL } };
  g_autofree char *text = elves_v3_text (queue, "extra");
  g_autoptr (ElvesJsonObject) extra = elves_json_object_parse (text, strlen (text), NULL);
  g_autoptr (ElvesJsonObject) nothing = elves_json_object_parse ("{}", 2, NULL);

  elves_v3_tell (out, extra != NULL ? extra : nothing, of_all);
  if (is_job)
    elves_v3_tell (out, extra != NULL ? extra : nothing, of_jobs);
}

/* Its object stays open. */
static void
tell (GString *out, const ElvesJsonObject *queue, gboolean is_job)
{
  static const ElvesV3Member before[] = {
    { "id", "id", ELVES_V3_AS_TEXT },
    { "name", "name", ELVES_V3_AS_TEXT_OR_NULL },
    { "app", "app", ELVES_V3_AS_TEXT },
    { NULL },
  };
  static const ElvesV3Member behind[] = {
    { "total", "total", ELVES_V3_AS_INTEGER },
    { "width", "width", ELVES_V3_AS_INTEGER },
    { "stagger_ms", "stagger_ms", ELVES_V3_AS_INTEGER },
    { "max_failures", "max_failures", ELVES_V3_AS_INTEGER_OR_NULL },
    { "created", "created", ELVES_V3_AS_TIME },
    { "committed", "started", ELVES_V3_AS_TIME },
    { "ended", "ended", ELVES_V3_AS_TIME },
    { NULL },
  };
  g_autoptr (ElvesJsonObject) counts = elves_v3_object (queue, "counts");

  elves_json_open (out, NULL);
  elves_v3_tell (out, queue, before);
  tell_extra (out, queue, is_job);
  elves_json_add_text (out, "status", state_of_queue (queue, counts));
  tell_counts (out, counts);
  elves_v3_tell (out, queue, behind);
}

void
elves_v3_tell_job (GString *out, const ElvesJsonObject *queue)
{
  tell (out, queue, TRUE);
  elves_json_close (out);
}

void
elves_v3_tell_queue (GString *out, const ElvesJsonObject *queue)
{
  tell (out, queue, FALSE);
  elves_json_close (out);
}

/* ---- the answer of a call ---- */

enum
{
  TASKS_SHOWN = 100
};

typedef struct
{
  char *id;
  guint status;
  gboolean with_tasks;
  GString *body; /* (nullable) open */
} Showing;

static void
showing_free (gpointer data)
{
  Showing *self = data;

  g_free (self->id);
  if (self->body != NULL)
    g_string_free (self->body, TRUE);
  g_free (self);
}

static void
send (ElvesV3Call *call)
{
  Showing *self = call->state;
  GString *body = g_steal_pointer (&self->body);

  elves_json_close (body);
  elves_v3_answer (call, self->status, body);
}

static void
on_tasks (const ElvesCallerAnswer *answer, const GError *error, gpointer user_data)
{
  ElvesV3Call *call = user_data;
  Showing *self = call->state;

  if (!elves_v3_went_well (call, answer, error))
    return;
  elves_v3_add_list (self->body, "tasks", answer, elves_v3_tell_task);
  send (call);
}

static void
on_queue (const ElvesCallerAnswer *answer, const GError *error, gpointer user_data)
{
  ElvesV3Call *call = user_data;
  Showing *self = call->state;
  g_autoptr (ElvesJsonObject) queue = elves_v3_own_queue (call, answer, error);
  GString *question;

  if (queue == NULL)
    return;
  if (elves_v3_queue_has_ended (queue))
    self->status = 200;
  self->body = g_string_new (NULL);
  tell (self->body, queue, elves_v3_is_job (call));
  if (!self->with_tasks)
    {
      send (call);
      return;
    }
  question = elves_v3_open ();
  elves_json_add_text (question, "id", self->id);
  elves_json_add_number (question, "limit", TASKS_SHOWN);
  elves_v3_ask (call, "queue", "queueTasks", question, 0, on_tasks);
}

/**
 * elves_v3_show_queue:
 * @id: copied
 * @status: while it has not ended
 * @with_tasks: whether its first tasks are shown, too
 *
 * Ends the call, later.
 */
void
elves_v3_show_queue (ElvesV3Call *self, const char *id, guint status, gboolean with_tasks)
{
  Showing *showing = g_new0 (Showing, 1);

  showing->id = g_strdup (id);
  showing->status = status;
  showing->with_tasks = with_tasks;
  elves_v3_call_keep (self, showing, showing_free);
  elves_v3_ask_queue (self, showing->id, on_queue);
}
