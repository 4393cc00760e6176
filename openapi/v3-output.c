/* What a task has written until now: asked of its agent, by the scheduler; as one answer, or as
 * server-sent events. Of a task that has ended the agent may have forgotten everything: then its
 * result is what there is.
 *
 * Output is bytes. What is UTF-8 is told as "text", anything else as "data" (base64); a character
 * that is cut by the end of a piece belongs to the next one. */
#include "openapi/v3-private.h"

#include "common/utf8.h"

#include <string.h>

enum
{
  PIECE_MAX_BYTES = 65536,
  POLL_MS = 300,
  HEARTBEAT_POLLS = 50
};

typedef struct
{
  gint64 offset, limit;
  gint64 until_us; /* of one answer: how long to wait for more */
  guint silent;    /* of a stream: answers without anything */
  ElvesDeadline pause;

  /* What elves-queue has said of the task. */
  char *ip;
  char *result; /* (nullable) it has ended */
  gboolean is_pending;
} Reading;

/* A part of the output. */
typedef struct
{
  guint8 *bytes; /* (nullable) */
  gsize length;
  gint64 next, total;
  gboolean ended;
} Piece;

static void
piece_clear (Piece *self)
{
  g_free (self->bytes);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Piece, piece_clear)

static void
forget_task (Reading *self)
{
  g_clear_pointer (&self->ip, g_free);
  g_clear_pointer (&self->result, g_free);
}

static void
reading_free (gpointer data)
{
  forget_task (data);
  g_free (data);
}

/* ---- pieces ---- */

/* Bytes at the end that begin a character which is not whole. */
static gsize
cut_character (const guint8 *bytes, gsize length)
{
  for (gsize back = 1; back <= MIN (length, 3); back++)
    {
      guint8 byte = bytes[length - back];

      if (byte >= 0xC0)
        return (byte >= 0xF0 ? 4u : byte >= 0xE0 ? 3u : 2u) > back ? back : 0;
      if (byte < 0x80)
        return 0;
    }
  return 0;
}

/* The member of the two that says it. */
static void
tell_bytes (GString *out, const Piece *piece)
{
  gboolean is_text = elves_utf8_is_clean ((const char *) piece->bytes, piece->length);
  g_autofree char *base64 = is_text ? NULL : g_base64_encode (piece->bytes, piece->length);
  g_autofree char *text = is_text ? g_strndup ((const char *) piece->bytes, piece->length) : NULL;

  if (is_text)
    elves_json_add_text (out, "text", text);
  else
    elves_v3_add_null (out, "text");
  if (is_text)
    elves_v3_add_null (out, "data");
  else
    elves_json_add_text (out, "data", base64);
}

static void
tell_piece (GString *out, const Reading *self, const Piece *piece)
{
  elves_json_open (out, NULL);
  elves_json_add_number (out, "offset", self->offset);
  elves_json_add_number (out, "next", piece->next);
  elves_json_add_number (out, "total", piece->total);
  tell_bytes (out, piece);
  elves_v3_add_boolean (out, "ended", piece->ended);
  elves_json_close (out);
}

static void
trim_piece (Piece *piece)
{
  gsize cut = cut_character (piece->bytes, piece->length);

  if (cut < piece->length && elves_utf8_is_clean ((const char *) piece->bytes, piece->length - cut))
    {
      piece->ended = piece->ended && cut == 0;
      piece->length -= cut;
      piece->next -= (gint64) cut;
    }
}

/* Nothing is there yet. */
static void
read_nothing (const Reading *self, Piece *out_piece)
{
  *out_piece = (Piece){ .next = self->offset };
}

static void
read_result (const Reading *self, Piece *out_piece)
{
  gint64 length = (gint64) strlen (self->result);
  gint64 from = MIN (self->offset, length);
  gint64 wanted = MIN (self->limit, length - from);

  out_piece->length = (gsize) wanted;
  out_piece->bytes = g_memdup2 (self->result + from, (gsize) wanted);
  out_piece->next = from + wanted;
  out_piece->total = length;
  out_piece->ended = out_piece->next >= length;
  trim_piece (out_piece);
}

/* An agent that does not know a task says that it has ended, without a byte. */
static void
read_answer (const Reading *self, const ElvesJsonObject *result, Piece *out_piece)
{
  g_autofree char *data = elves_v3_text (result, "data");
  g_autofree char *ended = elves_v3_text (result, "ended");
  gboolean has_ended = strcmp (ended, "true") == 0;

  out_piece->total = elves_v3_integer (result, "total", 0);
  if (has_ended && out_piece->total == 0)
    {
      (self->result != NULL ? read_result : read_nothing) (self, out_piece);
      return;
    }
  out_piece->bytes = g_base64_decode (data, &out_piece->length);
  out_piece->next = self->offset + (gint64) out_piece->length;
  out_piece->ended = has_ended && (out_piece->length == 0 || out_piece->next >= out_piece->total);
  trim_piece (out_piece);
}

/* ---- asking ---- */

static void on_output (const ElvesCallerAnswer *answer, const GError *error, gpointer user_data);
static void on_task (const ElvesCallerAnswer *answer, const GError *error, gpointer user_data);

static void
ask_task (ElvesV3Call *call)
{
  GString *body = elves_v3_open ();

  elves_json_add_text (body, "id", call->ids[0]);
  elves_json_add_text (body, "task", call->ids[1]);
  elves_json_add_number (body, "limit", 1);
  elves_v3_ask (call, "queue", "queueTasks", body, 0, on_task);
}

static void
ask_output (ElvesV3Call *call)
{
  const Reading *self = call->state;
  GString *body = elves_v3_open ();

  elves_json_add_text (body, "ip", self->ip);
  elves_json_add_text (body, "id", call->ids[1]);
  elves_json_add_text (body, "type", "queue");
  elves_json_add_number (body, "offset", self->offset);
  elves_json_add_number (body, "limit", self->limit);
  elves_v3_ask (call, "scheduler", "readOutput", body, 0, on_output);
}

/* ---- one answer ---- */

static void
on_pause_over (ElvesDeadline *deadline G_GNUC_UNUSED, gpointer user_data)
{
  ask_task (user_data);
}

/* There is nothing yet: once more, while the client would wait. */
static gboolean
wait_for_more (ElvesV3Call *call)
{
  Reading *self = call->state;
  gint64 now_us = g_get_monotonic_time ();

  if (now_us + POLL_MS * 1000 > self->until_us)
    return FALSE;
  elves_deadlines_arm (call->api->parts.deadlines, &self->pause, now_us + POLL_MS * 1000,
                       on_pause_over, call);
  return TRUE;
}

static void
answer_piece (ElvesV3Call *call, const Piece *piece)
{
  GString *body = g_string_new (NULL);

  if (piece->length == 0 && !piece->ended && wait_for_more (call))
    {
      g_string_free (body, TRUE);
      return;
    }
  tell_piece (body, call->state, piece);
  elves_v3_answer (call, 200, body);
}

/* ---- a stream ---- */

static void
stream_piece (ElvesV3Call *call, const Piece *piece)
{
  Reading *self = call->state;
  GString *part = g_string_new (NULL);
  g_autoptr (GString) data = g_string_new (NULL);
  g_autofree char *id = g_strdup_printf ("%" G_GINT64_FORMAT, piece->next);

  if (piece->length > 0 || piece->ended)
    {
      tell_piece (data, self, piece);
      elves_v3_stream_write (part, piece->ended ? "end" : "output", id, data);
      self->silent = 0;
    }
  self->offset = piece->next;
  if (piece->ended)
    elves_v3_stream_end (call, part);
  else if (part->len > 0 || ++self->silent % HEARTBEAT_POLLS == 0)
    elves_v3_stream_send (call, part);
  else
    {
      g_string_free (part, TRUE);
      elves_v3_stream_pause (call, POLL_MS);
    }
}

/* ---- both ---- */

/* @answer: what came, for as long as this. FALSE: the call has ended. */
static gboolean
was_heard (ElvesV3Call *call, const ElvesCallerAnswer *answer, const GError *error)
{
  g_autofree char *flag = NULL;

  if (call->stream == NULL)
    return elves_v3_went_well (call, answer, error);
  flag = answer != NULL ? elves_v3_text (answer->members, "flag") : NULL;
  if (g_strcmp0 (flag, "true") == 0)
    return TRUE;
  if (elves_v3_stream_take (call))
    elves_v3_stream_end (call, g_string_new (NULL));
  return FALSE;
}

/* A stream begins when it is known that there is something to read; it asks for it again. */
static void
deliver (ElvesV3Call *call, const Piece *piece)
{
  if (call->stream != NULL)
    stream_piece (call, piece);
  else if (elves_v3_wants_events (call))
    elves_v3_stream_begin (call, ask_task);
  else
    answer_piece (call, piece);
}

/* When its task has ended an agent that is away does no harm. */
static void
on_output (const ElvesCallerAnswer *answer, const GError *error, gpointer user_data)
{
  ElvesV3Call *call = user_data;
  const Reading *self = call->state;
  g_auto (Piece) piece = { 0 };
  g_autoptr (ElvesJsonObject) result = NULL;

  if (self->result == NULL && !was_heard (call, answer, error))
    return;
  if (call->stream != NULL && !elves_v3_stream_take (call))
    return;
  result = answer != NULL ? elves_v3_object (answer->members, "result") : NULL;
  if (result != NULL)
    read_answer (self, result, &piece);
  else
    (self->result != NULL ? read_result : read_nothing) (self, &piece);
  deliver (call, &piece);
}

static void
note_task (Reading *self, const ElvesJsonObject *task)
{
  g_autofree char *status = elves_v3_text (task, "status");

  forget_task (self);
  self->ip = elves_v3_text (task, "ip");
  self->is_pending = strcmp (status, "pendding") == 0;
  if (!self->is_pending && strcmp (status, "running") != 0)
    self->result = elves_v3_text (task, "worker_message");
}

/* (transfer full) (nullable) */
static ElvesJsonObject *
first_task (const ElvesCallerAnswer *answer)
{
  ElvesJsonValue list = elves_json_object_get (answer->members, "result"), element;
  gsize position = 0;

  if (list.kind != ELVES_JSON_ARRAY || !elves_json_array_next (list, &position, &element))
    return NULL;
  return elves_json_object_parse (element.text, element.length, NULL);
}

static void
go_on (ElvesV3Call *call)
{
  const Reading *self = call->state;
  Piece nothing;

  if (!self->is_pending)
    {
      ask_output (call);
      return;
    }
  read_nothing (self, &nothing);
  if (call->stream == NULL || elves_v3_stream_take (call))
    deliver (call, &nothing);
}

static void
on_task (const ElvesCallerAnswer *answer, const GError *error, gpointer user_data)
{
  ElvesV3Call *call = user_data;
  g_autoptr (ElvesJsonObject) task = NULL;

  if (!was_heard (call, answer, error))
    return;
  task = first_task (answer);
  if (task != NULL)
    {
      note_task (call->state, task);
      go_on (call);
    }
  else if (call->stream == NULL)
    elves_v3_fail (call, elves_v3_problem_of_text ("[412.3]"));
  else if (elves_v3_stream_take (call))
    elves_v3_stream_end (call, g_string_new (NULL));
}

static void
on_owner (const ElvesCallerAnswer *answer, const GError *error, gpointer user_data)
{
  ElvesV3Call *call = user_data;
  g_autoptr (ElvesJsonObject) queue = elves_v3_own_queue (call, answer, error);

  if (queue != NULL)
    ask_task (call);
}

void
elves_v3_queues_output (ElvesV3Call *call)
{
  Reading *self = g_new0 (Reading, 1);
  const char *last = elves_http_request_header (call->request, "Last-Event-ID");
  gint64 wait_s;

  elves_v3_call_keep (call, self, reading_free);
  if (!elves_v3_query_number (call, "offset", 0, G_MAXINT32, 0, &self->offset) ||
      !elves_v3_query_number (call, "limit", 4, PIECE_MAX_BYTES, PIECE_MAX_BYTES, &self->limit) ||
      !elves_v3_query_number (call, "wait", 0, 60, 0, &wait_s))
    return;
  if (last != NULL)
    g_ascii_string_to_signed (last, 10, 0, G_MAXINT32, &self->offset, NULL);
  self->until_us = g_get_monotonic_time () + wait_s * G_USEC_PER_SEC;
  elves_v3_ask_queue (call, call->ids[0], on_owner);
}
