/* AMQP 0-9-1 frames: many into one buffer and out with one send(), and contents put together again.
 * For one thread: the one that owns the connection.
 */
#pragma once

#include <amqp.h>
#include <amqp_framing.h>
#include <glib.h>

G_BEGIN_DECLS

#define ELVES_AMQP_SHORT_STRING_MAX 255

typedef struct
{
  GByteArray *bytes;
  gsize sent; /* of bytes */
  gsize frame_max;
} ElvesAmqpOutput;

void elves_amqp_output_init (ElvesAmqpOutput *self, gsize frame_max);
void elves_amqp_output_clear (ElvesAmqpOutput *self);
void elves_amqp_output_add_method (ElvesAmqpOutput *self,
                                   amqp_channel_t channel,
                                   amqp_method_number_t number,
                                   void *method);
void elves_amqp_output_add_content (ElvesAmqpOutput *self,
                                    amqp_channel_t channel,
                                    amqp_basic_properties_t *properties,
                                    GBytes *body);
void elves_amqp_output_add_heartbeat (ElvesAmqpOutput *self);
gboolean elves_amqp_output_is_empty (const ElvesAmqpOutput *self);
gboolean elves_amqp_output_send (ElvesAmqpOutput *self, int fd, GError **error);

typedef struct
{
  gboolean is_begun;
  guint64 missing;
  GByteArray *pieces; /* (nullable) of a body in more than one frame */
  GBytes *whole;      /* (nullable) a body in one */
} ElvesAmqpInput;

void elves_amqp_input_begin (ElvesAmqpInput *self, guint64 body_bytes);
gboolean elves_amqp_input_add (ElvesAmqpInput *self, amqp_bytes_t fragment, GError **error);
gboolean elves_amqp_input_is_whole (const ElvesAmqpInput *self);
GBytes *elves_amqp_input_steal (ElvesAmqpInput *self);
void elves_amqp_input_clear (ElvesAmqpInput *self);

G_END_DECLS
