/* Frames as bytes: what leaves, in how many pieces, and contents put together. */
#include "common/amqp-frames.h"
#include "common/error.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FRAME_MAX 64

typedef struct
{
  guint8 type;
  guint16 channel;
  gsize length;
  const guint8 *payload;
} Frame;

/* Cuts the next frame off; the frame's own head and end are checked. */
static Frame
next_frame (const ElvesAmqpOutput *output, gsize *at)
{
  const guint8 *bytes = output->bytes->data + *at;
  g_assert_cmpuint (*at + 8, <=, output->bytes->len);
  Frame frame = { .type = bytes[0],
                  .channel = (guint16) (bytes[1] << 8 | bytes[2]),
                  .length = (gsize) bytes[3] << 24 | (gsize) bytes[4] << 16 |
                            (gsize) bytes[5] << 8 | bytes[6],
                  .payload = bytes + 7 };
  g_assert_cmpuint (*at + 8 + frame.length, <=, output->bytes->len);
  g_assert_cmpuint (bytes[7 + frame.length], ==, AMQP_FRAME_END);
  *at += 8 + frame.length;
  return frame;
}

static void
test_method (void)
{
  ElvesAmqpOutput output;
  elves_amqp_output_init (&output, FRAME_MAX);
  g_assert_true (elves_amqp_output_is_empty (&output));
  amqp_basic_ack_t ack = { .delivery_tag = 0x0102, .multiple = 1 };
  elves_amqp_output_add_method (&output, 0x0301, AMQP_BASIC_ACK_METHOD, &ack);
  const guint8 expected[] = { 1, 3,  1,     /* method, channel */
                              0, 0,  0, 13, /* bytes */
                              0, 60, 0, 80, /* basic.ack */
                              0, 0,  0, 0,  0, 0, 1, 2, 1, 0xCE };
  g_assert_cmpmem (output.bytes->data, output.bytes->len, expected, sizeof expected);
  elves_amqp_output_clear (&output);
}

static void
test_heartbeat (void)
{
  ElvesAmqpOutput output;
  elves_amqp_output_init (&output, FRAME_MAX);
  elves_amqp_output_add_heartbeat (&output);
  const guint8 expected[] = { 8, 0, 0, 0, 0, 0, 0, 0xCE };
  g_assert_cmpmem (output.bytes->data, output.bytes->len, expected, sizeof expected);
  elves_amqp_output_clear (&output);
}

/* Bodies around the size of a frame: so many body frames. */
static void
test_content (void)
{
  const struct
  {
    gsize size;
    guint frames;
  } cases[] = { { 0, 0 }, { 1, 1 }, { 55, 1 }, { 56, 1 }, { 57, 2 }, { 112, 2 }, { 113, 3 } };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      ElvesAmqpOutput output;
      elves_amqp_output_init (&output, FRAME_MAX);
      g_autofree char *text = g_strnfill (cases[i].size, 'x');
      g_autoptr (GBytes) body = g_bytes_new (text, cases[i].size);
      amqp_basic_properties_t properties = { ._flags = AMQP_BASIC_DELIVERY_MODE_FLAG,
                                             .delivery_mode = 2 };
      elves_amqp_output_add_content (&output, 1, &properties, body);

      gsize at = 0, size = 0;
      Frame header = next_frame (&output, &at);
      const guint8 expected[] = { 0,    60, 0, 0, 0, 0, 0, 0, 0, 0, 0, (guint8) cases[i].size,
                                  0x10, 0,  2 };
      g_assert_cmpuint (header.type, ==, AMQP_FRAME_HEADER);
      g_assert_cmpmem (header.payload, header.length, expected, sizeof expected);
      guint frames = 0;
      for (; at < output.bytes->len; frames++)
        {
          Frame frame = next_frame (&output, &at);
          g_assert_cmpuint (frame.type, ==, AMQP_FRAME_BODY);
          g_assert_cmpuint (frame.length + 8, <=, FRAME_MAX);
          size += frame.length;
        }
      g_assert_cmpuint (frames, ==, cases[i].frames);
      g_assert_cmpuint (size, ==, cases[i].size);
      elves_amqp_output_clear (&output);
    }
}

static gsize
drain (int fd)
{
  static guint8 buffer[65536];
  gsize total = 0;
  ssize_t got;
  while ((got = recv (fd, buffer, sizeof buffer, MSG_DONTWAIT)) > 0)
    total += (gsize) got;
  return total;
}

/* A full socket is an answer, and what is left leaves later. */
static void
test_send (void)
{
  int fds[2];
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM, 0, fds), ==, 0);
  ElvesAmqpOutput output;
  elves_amqp_output_init (&output, 131072);
  g_autofree char *text = g_malloc0 (4 * 1024 * 1024);
  g_autoptr (GBytes) body = g_bytes_new (text, 4 * 1024 * 1024);
  amqp_basic_properties_t properties = { ._flags = 0 };
  elves_amqp_output_add_content (&output, 1, &properties, body);
  gsize total = output.bytes->len, got = 0;
  g_assert_true (elves_amqp_output_send (&output, fds[0], NULL));
  g_assert_false (elves_amqp_output_is_empty (&output));
  while (!elves_amqp_output_is_empty (&output))
    {
      got += drain (fds[1]);
      g_assert_true (elves_amqp_output_send (&output, fds[0], NULL));
    }
  got += drain (fds[1]);
  g_assert_cmpuint (got, ==, total);
  g_assert_cmpuint (output.bytes->len, ==, 0);

  close (fds[1]);
  g_autoptr (GError) error = NULL;
  elves_amqp_output_add_heartbeat (&output);
  g_assert_false (elves_amqp_output_send (&output, fds[0], &error));
  g_assert_error (error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE);
  close (fds[0]);
  elves_amqp_output_clear (&output);
}

static void
test_input (void)
{
  ElvesAmqpInput input = { 0 };
  g_assert_false (elves_amqp_input_is_whole (&input));
  elves_amqp_input_begin (&input, 0);
  g_assert_true (elves_amqp_input_is_whole (&input));
  elves_amqp_input_begin (&input, 5);
  g_assert_true (elves_amqp_input_add (&input, amqp_cstring_bytes ("abc"), NULL));
  g_assert_false (elves_amqp_input_is_whole (&input));
  g_assert_true (elves_amqp_input_add (&input, amqp_cstring_bytes ("de"), NULL));
  g_assert_true (elves_amqp_input_is_whole (&input));
  g_autoptr (GBytes) body = elves_amqp_input_steal (&input);
  g_assert_cmpmem (g_bytes_get_data (body, NULL), g_bytes_get_size (body), "abcde", 5);
}

static void
test_input_out_of_place (void)
{
  ElvesAmqpInput input = { 0 };
  g_autoptr (GError) error = NULL;
  g_assert_false (elves_amqp_input_add (&input, amqp_cstring_bytes ("a"), &error));
  g_assert_error (error, ELVES_ERROR, ELVES_ERROR_PROTOCOL);
  g_clear_error (&error);
  elves_amqp_input_begin (&input, 2);
  g_assert_false (elves_amqp_input_add (&input, amqp_cstring_bytes ("abc"), &error));
  g_assert_error (error, ELVES_ERROR, ELVES_ERROR_PROTOCOL);
  /* A header may promise more than there is memory for. */
  elves_amqp_input_begin (&input, G_MAXUINT64);
  g_assert_false (elves_amqp_input_is_whole (&input));
  elves_amqp_input_clear (&input);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/amqp-frames/method", test_method);
  g_test_add_func ("/amqp-frames/heartbeat", test_heartbeat);
  g_test_add_func ("/amqp-frames/content", test_content);
  g_test_add_func ("/amqp-frames/send", test_send);
  g_test_add_func ("/amqp-frames/input", test_input);
  g_test_add_func ("/amqp-frames/input-out-of-place", test_input_out_of_place);
  return g_test_run ();
}
