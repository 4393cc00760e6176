/* Most of every message is such text, hence eight bytes at a time. */
#include "common/json-plain.h"

#include <string.h>

#define ONES G_GUINT64_CONSTANT (0x0101010101010101)
#define HIGH_BITS (ONES << 7)

/* The high bit of the lowest byte that is less than @limit (at most 0x80) is set, and perhaps some
   above it. */
static guint64
less_than (guint64 bytes, guint8 limit)
{
  return (bytes - ONES * limit) & ~bytes & HIGH_BITS;
}

static gboolean
is_plain (guchar byte)
{
  return byte >= 0x20 && byte != '"' && byte != '\\';
}

static gboolean
are_plain (guint64 bytes)
{
  return (less_than (bytes, 0x20) | less_than (bytes ^ (ONES * '"'), 1) |
          less_than (bytes ^ (ONES * '\\'), 1)) == 0;
}

/**
 * elves_json_plain_length:
 *
 * Returns: how many bytes stand before the first quote, backslash or control character
 */
gsize
elves_json_plain_length (const char *text, gsize length)
{
  gsize at = 0;
  guint64 bytes;
  for (; at + sizeof bytes <= length; at += sizeof bytes)
    {
      memcpy (&bytes, text + at, sizeof bytes);
      if (!are_plain (bytes))
        break;
    }
  while (at < length && is_plain ((guchar) text[at]))
    at++;
  return at;
}
