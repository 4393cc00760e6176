/* Bytes that somebody else wrote (the output of a child, strings of a Thrift message) become valid
   UTF-8 of a bounded length, so that they can go into JSON, into a log line, onto a terminal.

   Valid text passes unchanged. What is not valid is replaced byte by byte with U+FFFD, never
   dropped, so that a reader sees that something was there. Control characters other than NUL are
   kept: JSON and the log writer escape them on their own. */

#include "common/utf8.h"

#include <string.h>

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

enum
{
  REPLACEMENT_BYTES = 3
};

/* Eight bytes, all of them ASCII and none NUL: then taking 1 from each leaves every high bit clear.
 */
static gboolean
are_ascii (guint64 bytes)
{
  const guint64 ones = G_GUINT64_CONSTANT (0x0101010101010101);
  return ((bytes | (bytes - ones)) & (ones << 7)) == 0;
}

/**
 * elves_utf8_is_clean:
 * @text: any bytes; (nullable) with @length 0
 *
 * Returns: whether elves_utf8_clean() would leave it as it is
 */
gboolean
elves_utf8_is_clean (const char *text, gsize length)
{
  gsize at = 0;
  guint64 bytes;
  for (; at + sizeof bytes <= length; at += sizeof bytes)
    {
      memcpy (&bytes, text + at, sizeof bytes);
      if (!are_ascii (bytes))
        break;
    }
  return at == length || g_utf8_validate_len (text + at, length - at, NULL);
}

/* Appends as many whole characters of the valid UTF-8 text as the limit leaves room for; FALSE when
   some are left over. */
static gboolean
append_valid (GString *out, const char *text, gsize length, gsize limit_bytes)
{
  gsize room = limit_bytes - out->len;
  gsize take = MIN (length, room);
  while (take < length && take > 0 && ((guchar) text[take] & 0xC0) == 0x80)
    take--;
  g_string_append_len (out, text, take);
  return take == length;
}

/**
 * elves_utf8_clean:
 * @bytes: (nullable): any bytes, NUL among them; %NULL only with @length 0
 * @length: their number
 * @limit_bytes: the greatest length of the result, in bytes, without its NUL
 * @out_cut: (out) (optional): whether something did not fit
 *
 * Returns: (transfer full): valid UTF-8 text. Any thread.
 */
char *
elves_utf8_clean (const void *bytes, gsize length, gsize limit_bytes, gboolean *out_cut)
{
  const char *at = bytes;
  const char *end = at + length;
  GString *out = g_string_sized_new (MIN (length, limit_bytes));
  gboolean fits = TRUE;

  while (fits && at < end)
    {
      const char *valid_end;
      g_utf8_validate_len (at, end - at, &valid_end); /* stops at NUL, too */
      fits = append_valid (out, at, valid_end - at, limit_bytes);
      at = valid_end;
      if (!fits || at == end)
        break;
      fits = limit_bytes - out->len >= REPLACEMENT_BYTES;
      if (fits)
        g_string_append_len (out, replacement, REPLACEMENT_BYTES);
      at++;
    }

  if (out_cut)
    *out_cut = !fits;
  return g_string_free (out, FALSE);
}
