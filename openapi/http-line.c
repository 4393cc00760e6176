#include "openapi/http-line.h"

/* ---- what is read --------------------------------------------------------------------------- */

#define TYPE_INPUT (input_get_type ())
G_DECLARE_FINAL_TYPE (Input, input, HTTP_LINE, INPUT, GFilterInputStream)

struct _Input
{
  GFilterInputStream parent_instance;
  gboolean is_idle, has_ended;
};

static void input_init_pollable (GPollableInputStreamInterface *interface, gpointer data);

G_DEFINE_FINAL_TYPE_WITH_CODE (Input,
                               input,
                               G_TYPE_FILTER_INPUT_STREAM,
                               G_IMPLEMENT_INTERFACE (G_TYPE_POLLABLE_INPUT_STREAM,
                                                      input_init_pollable))

static GInputStream *
base_of (gpointer stream)
{
  return g_filter_input_stream_get_base_stream (G_FILTER_INPUT_STREAM (stream));
}

/* The one byte, and then the end. */
static gssize
end_idle (Input *self, char *buffer, GError **error)
{
  g_clear_error (error);
  self->has_ended = TRUE;
  *buffer = 'G';
  return 1;
}

static gssize
read_or_end (Input *self,
             void *buffer,
             gsize count,
             gboolean blocking,
             GCancellable *cancellable,
             GError **error)
{
  g_autoptr (GError) why = NULL;
  gssize n_read;

  if (self->has_ended)
    return 0;
  n_read = g_pollable_stream_read (base_of (self), buffer, count, blocking, cancellable, &why);
  if (n_read <= 0 && count > 0 && self->is_idle &&
      !g_error_matches (why, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    return end_idle (self, buffer, &why);
  if (why != NULL)
    g_propagate_error (error, g_steal_pointer (&why));
  return n_read;
}

static gssize
input_read (GInputStream *stream,
            void *buffer,
            gsize count,
            GCancellable *cancellable,
            GError **error)
{
  return read_or_end (HTTP_LINE_INPUT (stream), buffer, count, TRUE, cancellable, error);
}

static gssize
input_read_nonblocking (GPollableInputStream *stream, void *buffer, gsize count, GError **error)
{
  return read_or_end (HTTP_LINE_INPUT (stream), buffer, count, FALSE, NULL, error);
}

static gboolean
input_is_readable (GPollableInputStream *stream)
{
  return HTTP_LINE_INPUT (stream)->has_ended ||
         g_pollable_input_stream_is_readable (G_POLLABLE_INPUT_STREAM (base_of (stream)));
}

static GSource *
input_create_source (GPollableInputStream *stream, GCancellable *cancellable)
{
  g_autoptr (GSource) source = g_pollable_input_stream_create_source (
      G_POLLABLE_INPUT_STREAM (base_of (stream)), cancellable);

  return g_pollable_source_new_full (stream, source, cancellable);
}

static void
input_init_pollable (GPollableInputStreamInterface *interface, gpointer data G_GNUC_UNUSED)
{
  interface->is_readable = input_is_readable;
  interface->create_source = input_create_source;
  interface->read_nonblocking = input_read_nonblocking;
}

static void
input_class_init (InputClass *class)
{
  G_INPUT_STREAM_CLASS (class)->read_fn = input_read;
}

static void
input_init (Input *self G_GNUC_UNUSED)
{
}

/* ---- the line ------------------------------------------------------------------------------- */

struct _ElvesHttpLine
{
  GIOStream parent_instance;
  GIOStream *base;
  Input *input;
};

G_DEFINE_FINAL_TYPE (ElvesHttpLine, elves_http_line, G_TYPE_IO_STREAM)

static GInputStream *
line_get_input (GIOStream *stream)
{
  return G_INPUT_STREAM (ELVES_HTTP_LINE (stream)->input);
}

static GOutputStream *
line_get_output (GIOStream *stream)
{
  return g_io_stream_get_output_stream (ELVES_HTTP_LINE (stream)->base);
}

static gboolean
line_close (GIOStream *stream, GCancellable *cancellable, GError **error)
{
  return g_io_stream_close (ELVES_HTTP_LINE (stream)->base, cancellable, error);
}

static void
line_finalize (GObject *object)
{
  ElvesHttpLine *self = ELVES_HTTP_LINE (object);

  g_clear_object (&self->input);
  g_clear_object (&self->base);
  G_OBJECT_CLASS (elves_http_line_parent_class)->finalize (object);
}

static void
elves_http_line_class_init (ElvesHttpLineClass *class)
{
  G_OBJECT_CLASS (class)->finalize = line_finalize;
  G_IO_STREAM_CLASS (class)->get_input_stream = line_get_input;
  G_IO_STREAM_CLASS (class)->get_output_stream = line_get_output;
  G_IO_STREAM_CLASS (class)->close_fn = line_close;
}

static void
elves_http_line_init (ElvesHttpLine *self G_GNUC_UNUSED)
{
}

/**
 * elves_http_line_new:
 * @base: of which the streams are pollable
 *
 * Returns: (transfer full): a stream over @base
 */
GIOStream *
elves_http_line_new (GIOStream *base)
{
  ElvesHttpLine *self = g_object_new (ELVES_TYPE_HTTP_LINE, NULL);

  self->base = g_object_ref (base);
  self->input = g_object_new (TYPE_INPUT, "base-stream", g_io_stream_get_input_stream (base), NULL);
  return G_IO_STREAM (self);
}

void
elves_http_line_set_idle (ElvesHttpLine *self, gboolean idle)
{
  self->input->is_idle = idle;
}
