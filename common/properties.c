/* The text of a properties file, read as java.util.Properties reads it, so that files of the
   original system keep their meaning: comments, continuation lines, the three separators, escapes.

   Three differences, each on purpose: the text is UTF-8 (a byte order mark is passed over) and not
   ISO 8859-1; text that is not valid (bytes, \u escapes, NUL) is an error and not a guess; and
   nothing is remembered here, so entries that come twice are the handler's business.

   A file is walked in two layers: natural lines (up to CR, LF or CRLF, without their leading
   blanks), and logical lines (natural lines joined where one ends in an odd number of
   backslashes). */

#include "common/config.h"
#include "common/error.h"

#include <string.h>

typedef struct
{
  const char *at, *end;
  guint line; /* of the natural line at @at, from 1 */
} Reader;

static gboolean
is_blank (char c)
{
  return c == ' ' || c == '\t' || c == '\f';
}

static gboolean
is_separator (char c)
{
  return c == '=' || c == ':';
}

static gboolean
is_line_end (char c)
{
  return c == '\n' || c == '\r';
}

/* FALSE at the end of the text. */
static gboolean
read_natural_line (Reader *self, const char **out_start, gsize *out_length)
{
  if (self->at == self->end)
    return FALSE;
  while (self->at < self->end && is_blank (*self->at))
    self->at++;

  const char *start = self->at;
  while (self->at < self->end && !is_line_end (*self->at))
    self->at++;
  *out_start = start;
  *out_length = self->at - start;

  if (self->end - self->at >= 2 && self->at[0] == '\r' && self->at[1] == '\n')
    self->at += 2;
  else if (self->at < self->end)
    self->at++;
  self->line++;
  return TRUE;
}

static gboolean
ends_in_continuation (const char *line, gsize length)
{
  gsize backslashes = 0;
  while (backslashes < length && line[length - 1 - backslashes] == '\\')
    backslashes++;
  return backslashes % 2 == 1;
}

/* The next line that may hold an entry, escapes still in it; FALSE at the end of the text. */
static gboolean
read_logical_line (Reader *self, GString *logical, guint *out_line)
{
  const char *line;
  gsize length;

  g_string_truncate (logical, 0);
  while (logical->len == 0)
    {
      *out_line = self->line;
      if (!read_natural_line (self, &line, &length))
        return FALSE;
      if (length == 0 || *line == '#' || *line == '!')
        continue;

      gboolean more = TRUE;
      while (more && ends_in_continuation (line, length))
        {
          g_string_append_len (logical, line, length - 1);
          more = read_natural_line (self, &line, &length);
        }
      if (more)
        g_string_append_len (logical, line, length);
    }
  return TRUE;
}

static gboolean
read_hex4 (const char *text, const char *end, gunichar *out_unit)
{
  gunichar unit = 0;
  if (end - text < 4)
    return FALSE;
  for (int i = 0; i < 4; i++)
    {
      int digit = g_ascii_xdigit_value (text[i]);
      if (digit < 0)
        return FALSE;
      unit = unit * 16 + (gunichar) digit;
    }
  *out_unit = unit;
  return TRUE;
}

/* @text stands behind "\u". Two escapes that form a surrogate pair are one character. Returns how
   many bytes were read, 0 on error. */
static gsize
append_unicode_escape (GString *out, const char *text, const char *end, GError **error)
{
  gunichar unit, low;
  gsize used = 4;
  gboolean ok = read_hex4 (text, end, &unit);

  if (ok && unit >= 0xD800 && unit <= 0xDBFF)
    {
      ok = end - text >= 6 && text[4] == '\\' && text[5] == 'u' &&
           read_hex4 (text + 6, end, &low) && low >= 0xDC00 && low <= 0xDFFF;
      if (ok)
        unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
      used = 10;
    }
  if (!ok || unit == 0 || !g_unichar_validate (unit))
    {
      g_set_error_literal (error, ELVES_ERROR, ELVES_ERROR_CONFIG,
                           "\\u needs four hex digits that name a character");
      return 0;
    }
  g_string_append_unichar (out, unit);
  return used;
}

static char
unescaped (char c)
{
  switch (c)
    {
    case 'n':
      return '\n';
    case 't':
      return '\t';
    case 'r':
      return '\r';
    case 'f':
      return '\f';
    default:
      return c;
    }
}

static gboolean
unescape (GString *out, const char *text, const char *end, GError **error)
{
  g_string_truncate (out, 0);
  while (text < end)
    {
      if (*text != '\\')
        g_string_append_c (out, *text++);
      else if (++text < end && *text != 'u')
        g_string_append_c (out, unescaped (*text++));
      else if (text < end)
        {
          gsize used = append_unicode_escape (out, text + 1, end, error);
          if (used == 0)
            return FALSE;
          text += 1 + used;
        }
    }
  return TRUE;
}

/* Where the key ends: before the first separator or blank without a backslash. */
static const char *
find_key_end (const char *at, const char *end)
{
  while (at < end && !is_separator (*at) && !is_blank (*at))
    at += *at == '\\' && at + 1 < end ? 2 : 1;
  return at;
}

/* Behind the key: blanks, at most one separator, blanks. */
static const char *
find_value (const char *at, const char *end)
{
  while (at < end && is_blank (*at))
    at++;
  if (at < end && is_separator (*at))
    at++;
  while (at < end && is_blank (*at))
    at++;
  return at;
}

static gboolean
check_text (const char *text, gsize length, GError **error)
{
  const char *valid_end;
  if (length == 0 || g_utf8_validate_len (text, length, &valid_end))
    return TRUE;

  Reader reader = { text, valid_end, 1 };
  const char *line;
  gsize line_length;
  while (read_natural_line (&reader, &line, &line_length))
    ;
  gboolean is_within_line = valid_end > text && !is_line_end (valid_end[-1]);
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG, "%u: %s",
               reader.line - (is_within_line ? 1 : 0),
               *valid_end ? "the text is not valid UTF-8" : "the text has a NUL byte");
  return FALSE;
}

/**
 * elves_properties_parse:
 * @text: the text of the file; need not end in NUL
 * @length: its length in bytes
 * @handler: called for each entry, in order; its error ends the walk
 *
 * Returns: %TRUE when every entry was read and taken. Pure; any thread.
 *
 * Errors: %ELVES_ERROR_CONFIG for text that is no properties file, and those of @handler; each
 *   message begins with the number of the line, a colon and a blank.
 */
gboolean
elves_properties_parse (const char *text,
                        gsize length,
                        ElvesPropertyFunc handler,
                        gpointer user_data,
                        GError **error)
{
  static const char mark[] = { '\xEF', '\xBB', '\xBF' };
  if (length >= sizeof mark && memcmp (text, mark, sizeof mark) == 0)
    {
      text += sizeof mark;
      length -= sizeof mark;
    }
  if (!check_text (text, length, error))
    return FALSE;

  Reader reader = { text, text + length, 1 };
  g_autoptr (GString) logical = g_string_new (NULL);
  g_autoptr (GString) key = g_string_new (NULL);
  g_autoptr (GString) value = g_string_new (NULL);
  guint line = 0;
  while (read_logical_line (&reader, logical, &line))
    {
      const char *end = logical->str + logical->len;
      const char *key_end = find_key_end (logical->str, end);
      if (!unescape (key, logical->str, key_end, error) ||
          !unescape (value, find_value (key_end, end), end, error) ||
          !handler (key->str, value->str, line, user_data, error))
        {
          g_prefix_error (error, "%u: ", line);
          return FALSE;
        }
    }
  return TRUE;
}
