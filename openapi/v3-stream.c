/* Server-sent events. One part is on its way at a time: more is asked for when it has been taken,
 * so a slow client costs one part. Between parts somebody is asked, or a pause goes by. */
#include "openapi/v3-private.h"

#include <string.h>

struct ElvesV3Stream
{
  ElvesV3Call *call;
  ElvesHttpStream *http;
  void (*next) (ElvesV3Call *call);
  ElvesDeadline pause;
  gboolean asks; /* and will come to _take() */
  gboolean has_gone;
};

/* With its call. */
static void
stream_free (ElvesV3Stream *self)
{
  ElvesV3Call *call = self->call;

  elves_deadlines_disarm (call->api->parts.deadlines, &self->pause);
  elves_http_stream_end (self->http);
  g_free (self);
  elves_v3_call_free (call);
}

static void
go_on (ElvesV3Stream *self)
{
  self->asks = TRUE;
  self->next (self->call);
}

static void
on_drained (gpointer user_data)
{
  go_on (user_data);
}

static void
on_gone (gpointer user_data)
{
  ElvesV3Stream *self = user_data;

  self->has_gone = TRUE;
  if (!self->asks)
    stream_free (self);
}

static void
on_paused (ElvesDeadline *deadline G_GNUC_UNUSED, gpointer user_data)
{
  go_on (user_data);
}

/**
 * elves_v3_stream_begin:
 * @next: asks somebody for more; never called twice without _take() in between
 *
 * Returns: %FALSE when there are too many streams; the call has ended
 */
gboolean
elves_v3_stream_begin (ElvesV3Call *self, void (*next) (ElvesV3Call *call))
{
  static const ElvesHttpStreamCallbacks callbacks = { on_drained, on_gone };
  ElvesV3Stream *stream = g_new0 (ElvesV3Stream, 1);

  stream->call = self;
  stream->next = next;
  stream->http = elves_http_request_stream (self->request, "text/event-stream", &callbacks, stream);
  if (stream->http == NULL)
    {
      g_free (stream);
      elves_v3_fail_with (self, 503, "too-many-streams", "Too many streams are open.", NULL);
      return FALSE;
    }
  self->request = NULL;
  self->stream = stream;
  elves_v3_stream_send (self, g_string_new ("retry: 1000\n\n"));
  return TRUE;
}

gboolean
elves_v3_stream_take (ElvesV3Call *self)
{
  self->stream->asks = FALSE;
  if (self->stream->has_gone)
    stream_free (self->stream);
  else
    return TRUE;
  return FALSE;
}

void
elves_v3_stream_send (ElvesV3Call *self, GString *part)
{
  if (part->len == 0)
    g_string_append (part, ":\n\n");
  elves_http_stream_send (self->stream->http, part);
}

void
elves_v3_stream_pause (ElvesV3Call *self, guint pause_ms)
{
  elves_deadlines_arm (self->api->parts.deadlines, &self->stream->pause,
                       g_get_monotonic_time () + pause_ms * G_GINT64_CONSTANT (1000), on_paused,
                       self->stream);
}

void
elves_v3_stream_end (ElvesV3Call *self, GString *part)
{
  if (part->len > 0)
    elves_http_stream_send (self->stream->http, part);
  else
    g_string_free (part, TRUE);
  stream_free (self->stream);
}

/**
 * elves_v3_stream_write:
 * @event: its name
 * @id: (nullable): where a client goes on that lost the connection behind it
 * @data: without line ends, as our JSON is
 */
void
elves_v3_stream_write (GString *part, const char *event, const char *id, const GString *data)
{
  if (id != NULL)
    g_string_append_printf (part, "id: %s\n", id);
  g_string_append_printf (part, "event: %s\ndata: ", event);
  g_string_append_len (part, data->str, (gssize) data->len);
  g_string_append (part, "\n\n");
}
