/* AMQP 0-9-1 frames, out and in.
 *
 * librabbitmq writes each frame with a system call of its own, three for a message. Here the frames
 * of a whole batch are laid one behind the other and leave with one send(), which halves what a
 * message costs; and a full socket is an answer ("later"), not a wait. What stands inside a frame
 * is encoded by librabbitmq.
 *
 * Contents arrive as a header frame and any number of body frames. ElvesAmqpInput collects them
 * without waiting for the next.
 */
#include "common/amqp-frames.h"

#include "common/error.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* What a method or a header of ours can take: a few short strings and one table of one. */
#define PAYLOAD_MAX_BYTES 4096
#define FRAME_OVERHEAD_BYTES 8
#define RESERVE_MAX_BYTES (1024 * 1024)
#define KEPT_BYTES (256 * 1024)

void
elves_amqp_output_init (ElvesAmqpOutput *self, gsize frame_max)
{
  self->bytes = g_byte_array_new ();
  self->sent = 0;
  self->frame_max = frame_max;
}

void
elves_amqp_output_clear (ElvesAmqpOutput *self)
{
  g_clear_pointer (&self->bytes, g_byte_array_unref);
}

static void
add_frame (ElvesAmqpOutput *self,
           guint8 type,
           amqp_channel_t channel,
           const guint8 *payload,
           gsize length)
{
  guint8 head[7] = { type,
                     (guint8) (channel >> 8),
                     (guint8) channel,
                     (guint8) (length >> 24),
                     (guint8) (length >> 16),
                     (guint8) (length >> 8),
                     (guint8) length };
  const guint8 end = AMQP_FRAME_END;
  g_byte_array_append (self->bytes, head, sizeof head);
  if (length > 0)
    g_byte_array_append (self->bytes, payload, (guint) length);
  g_byte_array_append (self->bytes, &end, 1);
}

/**
 * elves_amqp_output_add_method:
 * @method: the struct that belongs to @number; its short strings are at most 255 bytes
 */
void
elves_amqp_output_add_method (ElvesAmqpOutput *self,
                              amqp_channel_t channel,
                              amqp_method_number_t number,
                              void *method)
{
  guint8 payload[PAYLOAD_MAX_BYTES];
  guint32 id = GUINT32_TO_BE (number);
  memcpy (payload, &id, sizeof id);
  amqp_bytes_t space = { .len = sizeof payload - sizeof id, .bytes = payload + sizeof id };
  int length = amqp_encode_method (number, method, space);
  g_return_if_fail (length >= 0);
  add_frame (self, AMQP_FRAME_METHOD, channel, payload, sizeof id + (gsize) length);
}

/**
 * elves_amqp_output_add_content:
 * @properties: strings at most 255 bytes each
 * @body: cut into as many frames as the broker's frame size asks for
 *
 * The header and the body that follow a basic.publish.
 */
void
elves_amqp_output_add_content (ElvesAmqpOutput *self,
                               amqp_channel_t channel,
                               amqp_basic_properties_t *properties,
                               GBytes *body)
{
  gsize size;
  const guint8 *bytes = g_bytes_get_data (body, &size);
  guint8 payload[PAYLOAD_MAX_BYTES];
  guint16 class_id = GUINT16_TO_BE (AMQP_BASIC_CLASS);
  guint64 body_size = GUINT64_TO_BE ((guint64) size);
  memcpy (payload, &class_id, 2);
  memset (payload + 2, 0, 2); /* weight */
  memcpy (payload + 4, &body_size, 8);
  amqp_bytes_t space = { .len = sizeof payload - 12, .bytes = payload + 12 };
  int length = amqp_encode_properties (AMQP_BASIC_CLASS, properties, space);
  g_return_if_fail (length >= 0);
  add_frame (self, AMQP_FRAME_HEADER, channel, payload, 12 + (gsize) length);

  gsize piece_max = self->frame_max - FRAME_OVERHEAD_BYTES;
  for (gsize at = 0; at < size; at += piece_max)
    add_frame (self, AMQP_FRAME_BODY, channel, bytes + at, MIN (piece_max, size - at));
}

void
elves_amqp_output_add_heartbeat (ElvesAmqpOutput *self)
{
  add_frame (self, AMQP_FRAME_HEARTBEAT, 0, NULL, 0);
}

gboolean
elves_amqp_output_is_empty (const ElvesAmqpOutput *self)
{
  return self->sent == self->bytes->len;
}

/* One huge batch does not stay in memory for ever. */
static void
start_over (ElvesAmqpOutput *self)
{
  self->sent = 0;
  if (self->bytes->len <= KEPT_BYTES)
    {
      g_byte_array_set_size (self->bytes, 0);
      return;
    }
  g_byte_array_unref (self->bytes);
  self->bytes = g_byte_array_new ();
}

/**
 * elves_amqp_output_send:
 *
 * Sends as much as the socket takes now; the rest stays.
 *
 * Errors: %ELVES_ERROR_UNAVAILABLE when the connection is gone.
 */
gboolean
elves_amqp_output_send (ElvesAmqpOutput *self, int fd, GError **error)
{
  while (!elves_amqp_output_is_empty (self))
    {
      ssize_t sent = send (fd, self->bytes->data + self->sent, self->bytes->len - self->sent,
                           MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0 && errno == EINTR)
        continue;
      if (sent < 0 && errno == EAGAIN)
        return TRUE;
      if (sent < 0)
        {
          g_set_error (error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE, "Cannot send: %s",
                       g_strerror (errno));
          return FALSE;
        }
      self->sent += (gsize) sent;
    }
  start_over (self);
  return TRUE;
}

/**
 * elves_amqp_input_begin:
 * @body_bytes: as the header frame says; only what really comes is held in memory
 */
void
elves_amqp_input_begin (ElvesAmqpInput *self, guint64 body_bytes)
{
  elves_amqp_input_clear (self);
  self->is_begun = TRUE;
  self->missing = body_bytes;
}

static void
add_piece (ElvesAmqpInput *self, amqp_bytes_t piece)
{
  if (self->pieces == NULL)
    self->pieces = g_byte_array_sized_new ((guint) MIN (self->missing, RESERVE_MAX_BYTES));
  g_byte_array_append (self->pieces, piece.bytes, (guint) piece.len);
}

/**
 * elves_amqp_input_add:
 *
 * Errors: %ELVES_ERROR_PROTOCOL when a body frame is not expected or too long.
 */
gboolean
elves_amqp_input_add (ElvesAmqpInput *self, amqp_bytes_t fragment, GError **error)
{
  if (!self->is_begun || fragment.len > self->missing)
    {
      g_set_error_literal (error, ELVES_ERROR, ELVES_ERROR_PROTOCOL,
                           "The broker sent a body frame out of place");
      return FALSE;
    }
  if (self->pieces == NULL && fragment.len == self->missing && fragment.len > 0)
    self->whole = g_bytes_new (fragment.bytes, fragment.len);
  else
    add_piece (self, fragment);
  self->missing -= fragment.len;
  return TRUE;
}

gboolean
elves_amqp_input_is_whole (const ElvesAmqpInput *self)
{
  return self->is_begun && self->missing == 0;
}

/**
 * elves_amqp_input_steal:
 *
 * Returns: (transfer full): the body, which must be whole
 */
GBytes *
elves_amqp_input_steal (ElvesAmqpInput *self)
{
  g_return_val_if_fail (elves_amqp_input_is_whole (self), NULL);
  self->is_begun = FALSE;
  if (self->pieces != NULL)
    return g_byte_array_free_to_bytes (g_steal_pointer (&self->pieces));
  return self->whole != NULL ? g_steal_pointer (&self->whole) : g_bytes_new_static ("", 0);
}

void
elves_amqp_input_clear (ElvesAmqpInput *self)
{
  g_clear_pointer (&self->pieces, g_byte_array_unref);
  g_clear_pointer (&self->whole, g_bytes_unref);
  self->is_begun = FALSE;
  self->missing = 0;
}
