/* What happens to a job or a queue, task by task: for as long as a client would wait, as one
 * answer, or as server-sent events. All three ask elves-queue to answer when something has changed.
 *
 * "next" (of an answer) and the id of an event are where to go on. Of several events that belong
 * together only the last has an id: a client that lost the connection between them gets all again.
 */
#include "openapi/v3-private.h"

#include <string.h>

enum
{
  HEARTBEAT_MS = 15000,
  CHANGES_LIMIT = 100,
  CHANGES_LIMIT_MAX = 1000
};

static void
ask_changes (ElvesV3Call *call,
             const char *id,
             gint64 since,
             guint wait_ms,
             gint64 limit,
             ElvesCallerFunc func)
{
  GString *body = elves_v3_open ();

  elves_json_add_text (body, "id", id);
  elves_json_add_number (body, "since", since);
  elves_json_add_number (body, "wait_ms", wait_ms);
  elves_json_add_number (body, "limit", limit);
  elves_v3_ask (call, "queue", "queueChanges", body, wait_ms, func);
}

static gint64
next_of (const ElvesCallerAnswer *answer, gint64 since)
{
  g_autofree char *text = elves_v3_text (answer->members, "next");
  gint64 next = since;

  return g_ascii_string_to_signed (text, 10, 0, G_MAXINT64, &next, NULL) ? next : since;
}

static gboolean
has_ended (const ElvesCallerAnswer *answer)
{
  g_autofree char *text = elves_v3_text (answer->members, "ended");

  return strcmp (text, "true") == 0;
}

/* ---- until it has ended ---- */

typedef struct
{
  char *id;
  guint status;
  gint64 since, until_us;
} Waiting;

static void
waiting_free (gpointer data)
{
  Waiting *self = data;

  g_free (self->id);
  g_free (self);
}

static void wait_on (ElvesV3Call *call);

/* Whatever went wrong: what is there is shown, in its state. */
static void
stop_waiting (ElvesV3Call *call)
{
  Waiting *self = call->state;

  call->state = NULL;
  call->free_state = NULL;
  elves_v3_show_queue (call, self->id, self->status, TRUE);
  waiting_free (self);
}

static void
on_waited (const ElvesCallerAnswer *answer, const GError *error G_GNUC_UNUSED, gpointer user_data)
{
  ElvesV3Call *call = user_data;
  Waiting *self = call->state;
  g_autofree char *flag = answer != NULL ? elves_v3_text (answer->members, "flag") : NULL;

  if (g_strcmp0 (flag, "true") != 0 || has_ended (answer))
    {
      stop_waiting (call);
      return;
    }
  self->since = next_of (answer, self->since);
  wait_on (call);
}

static void
wait_on (ElvesV3Call *call)
{
  Waiting *self = call->state;
  gint64 left_ms = (self->until_us - g_get_monotonic_time ()) / 1000;

  if (left_ms <= 0)
    stop_waiting (call);
  else
    ask_changes (call, self->id, self->since, (guint) left_ms, CHANGES_LIMIT_MAX, on_waited);
}

/**
 * elves_v3_wait_for_queue:
 * @id: copied
 * @status: of the answer while it has not ended
 */
void
elves_v3_wait_for_queue (ElvesV3Call *self, const char *id, guint wait_ms, guint status)
{
  Waiting *waiting = g_new0 (Waiting, 1);

  waiting->id = g_strdup (id);
  waiting->status = status;
  waiting->until_us = g_get_monotonic_time () + wait_ms * G_GINT64_CONSTANT (1000);
  elves_v3_call_keep (self, waiting, waiting_free);
  wait_on (self);
}

/* ---- one answer ---- */

typedef struct
{
  gint64 since, limit, wait_s;
  gboolean is_over; /* of a stream: only its end is to be told */
} Following;

static void
on_changes (const ElvesCallerAnswer *answer, const GError *error, gpointer user_data)
{
  ElvesV3Call *call = user_data;
  const Following *self = call->state;
  GString *body;

  if (!elves_v3_went_well (call, answer, error))
    return;
  body = elves_v3_open ();
  elves_v3_add_list (body, "items", answer, elves_v3_tell_task);
  elves_json_add_number (body, "next", next_of (answer, self->since));
  elves_v3_add_boolean (body, "ended", has_ended (answer));
  elves_json_close (body);
  elves_v3_answer (call, 200, body);
}

/* ---- a stream ---- */

/* Returns: how many. */
static guint
write_tasks (GString *part, const ElvesCallerAnswer *answer, const char *id)
{
  ElvesJsonValue list = elves_json_object_get (answer->members, "result"), element, after;
  gsize position = 0;
  guint count = 0;
  gboolean more =
      list.kind == ELVES_JSON_ARRAY && elves_json_array_next (list, &position, &element);

  while (more)
    {
      g_autoptr (ElvesJsonObject) task =
          elves_json_object_parse (element.text, element.length, NULL);
      g_autoptr (GString) data = g_string_new (NULL);

      more = elves_json_array_next (list, &position, &after);
      if (task != NULL)
        {
          elves_v3_tell_task (data, task);
          elves_v3_stream_write (part, "task", more ? NULL : id, data);
        }
      element = after;
      count++;
    }
  return count;
}

static void
on_stream_end (const ElvesCallerAnswer *answer,
               const GError *error G_GNUC_UNUSED,
               gpointer user_data)
{
  ElvesV3Call *call = user_data;
  GString *part = g_string_new (NULL);
  g_autoptr (GString) data = g_string_new (NULL);
  g_autoptr (ElvesJsonObject) queue = NULL;

  if (!elves_v3_stream_take (call))
    {
      g_string_free (part, TRUE);
      return;
    }
  if (answer != NULL)
    queue = elves_v3_object (answer->members, "result");
  if (queue != NULL)
    {
      (elves_v3_is_job (call) ? elves_v3_tell_job : elves_v3_tell_queue) (data, queue);
      elves_v3_stream_write (part, "end", NULL, data);
    }
  elves_v3_stream_end (call, part);
}

/* When elves-queue is away the stream ends, and the client comes again with its last id. */
static void
on_stream_changes (const ElvesCallerAnswer *answer,
                   const GError *error G_GNUC_UNUSED,
                   gpointer user_data)
{
  ElvesV3Call *call = user_data;
  Following *self;
  GString *part;
  g_autofree char *flag = NULL, *id = NULL;

  if (!elves_v3_stream_take (call))
    return;
  self = call->state;
  flag = answer != NULL ? elves_v3_text (answer->members, "flag") : NULL;
  part = g_string_new (NULL);
  if (g_strcmp0 (flag, "true") != 0)
    {
      elves_v3_stream_end (call, part);
      return;
    }
  self->since = next_of (answer, self->since);
  id = g_strdup_printf ("%" G_GINT64_FORMAT, self->since);
  self->is_over = write_tasks (part, answer, id) < CHANGES_LIMIT && has_ended (answer);
  elves_v3_stream_send (call, part);
}

static void
follow (ElvesV3Call *call)
{
  const Following *self = call->state;

  if (self->is_over)
    elves_v3_ask_queue (call, call->ids[0], on_stream_end);
  else
    ask_changes (call, call->ids[0], self->since, HEARTBEAT_MS, CHANGES_LIMIT, on_stream_changes);
}

/* ---- both ---- */

/* FALSE: the call has ended. */
static gboolean
read_following (ElvesV3Call *call, Following *self)
{
  const char *last = elves_http_request_header (call->request, "Last-Event-ID");

  if (!elves_v3_query_number (call, "since", 0, G_MAXINT64, 0, &self->since) ||
      !elves_v3_query_number (call, "limit", 1, CHANGES_LIMIT_MAX, CHANGES_LIMIT, &self->limit) ||
      !elves_v3_query_number (call, "wait", 0, 60, 0, &self->wait_s))
    return FALSE;
  if (last != NULL)
    g_ascii_string_to_signed (last, 10, 0, G_MAXINT64, &self->since, NULL);
  return TRUE;
}

static void
on_owner (const ElvesCallerAnswer *answer, const GError *error, gpointer user_data)
{
  ElvesV3Call *call = user_data;
  g_autoptr (ElvesJsonObject) queue = elves_v3_own_queue (call, answer, error);
  Following *self;

  if (queue == NULL)
    return;
  self = call->state;
  if (elves_v3_wants_events (call))
    elves_v3_stream_begin (call, follow);
  else
    ask_changes (call, call->ids[0], self->since, (guint) self->wait_s * 1000, self->limit,
                 on_changes);
}

void
elves_v3_queues_events (ElvesV3Call *call)
{
  Following *self = g_new0 (Following, 1);

  elves_v3_call_keep (call, self, g_free);
  if (read_following (call, self))
    elves_v3_ask_queue (call, call->ids[0], on_owner);
}
