/* Writes JSON objects straight into a GString: a reply needs no tree, only its bytes.

   Members are separated by what was written last, so there is no state but the string. Promises
   valid JSON as long as opens and closes are paired, names are plain ASCII of ours, and texts are
   valid UTF-8 (elves_json_add_bytes takes anything). */
#include "common/json-writer.h"

#include "common/json-plain.h"
#include "common/utf8.h"

#include <string.h>

#define KEPT_BYTES 16384

static _Thread_local GString *kept; /* (nullable) what the last message was written into */

/**
 * elves_json_begin:
 * @expected_bytes: about how long it becomes
 *
 * Returns: (transfer full): an empty string to write into
 */
GString *
elves_json_begin (gsize expected_bytes)
{
  if (kept == NULL || expected_bytes >= KEPT_BYTES)
    return g_string_sized_new (expected_bytes);
  return g_string_truncate (g_steal_pointer (&kept), 0);
}

/**
 * elves_json_end:
 * @out: (transfer full): what was written
 *
 * Messages wait for their confirmation in thousands: a short one gets as much memory as it needs.
 *
 * Returns: (transfer full): its bytes
 */
GBytes *
elves_json_end (GString *out)
{
  if (kept != NULL || out->allocated_len > KEPT_BYTES)
    return g_string_free_to_bytes (out);
  kept = out;
  return g_bytes_new (out->str, out->len);
}

/* g_string_append_len() for the many short pieces of a message, without the call. */
static void
append (GString *out, const char *text, gsize length)
{
  if (length >= out->allocated_len - out->len)
    {
      g_string_append_len (out, text, (gssize) length);
      return;
    }
  memcpy (out->str + out->len, text, length);
  out->len += length;
  out->str[out->len] = '\0';
}

static void
begin_member (GString *out, const char *name)
{
  if (out->len > 0 && out->str[out->len - 1] != '{' && out->str[out->len - 1] != '[')
    g_string_append_c (out, ',');
  if (!name)
    return;
  g_string_append_c (out, '"');
  append (out, name, strlen (name));
  append (out, "\":", 2);
}

/* What follows the backslash in the short escape of @character; NUL if it has none. */
static char
escape_letter (char character)
{
  switch (character)
    {
    case '"':
    case '\\':
      return character;
    case '\b':
      return 'b';
    case '\f':
      return 'f';
    case '\n':
      return 'n';
    case '\r':
      return 'r';
    case '\t':
      return 't';
    default:
      return '\0';
    }
}

static void
append_escape (GString *out, char character)
{
  char letter = escape_letter (character);
  if (letter != '\0')
    {
      g_string_append_c (out, '\\');
      g_string_append_c (out, letter);
    }
  else
    g_string_append_printf (out, "\\u%04x", (guint) character);
}

/* Copies what needs no escape in whole runs: results may be megabytes. */
static void
append_quoted (GString *out, const char *text, gsize length)
{
  const char *end = text + length;
  g_string_append_c (out, '"');
  while (TRUE)
    {
      gsize plain = elves_json_plain_length (text, (gsize) (end - text));
      append (out, text, plain);
      text += plain;
      if (text == end)
        break;
      append_escape (out, *text++);
    }
  g_string_append_c (out, '"');
}

/**
 * elves_json_open:
 * @out: what is written so far; must be empty for the outermost object
 * @name: (nullable): of the member; %NULL for the outermost object
 */
void
elves_json_open (GString *out, const char *name)
{
  begin_member (out, name);
  g_string_append_c (out, '{');
}

void
elves_json_close (GString *out)
{
  g_string_append_c (out, '}');
}

void
elves_json_open_array (GString *out, const char *name)
{
  begin_member (out, name);
  g_string_append_c (out, '[');
}

void
elves_json_close_array (GString *out)
{
  g_string_append_c (out, ']');
}

/**
 * elves_json_add_text:
 * @text: (nullable): valid UTF-8; %NULL is written as ""
 */
void
elves_json_add_text (GString *out, const char *name, const char *text)
{
  begin_member (out, name);
  append_quoted (out, text ? text : "", text ? strlen (text) : 0);
}

/**
 * elves_json_add_bytes:
 * @bytes: (nullable): of any content; what is not UTF-8 becomes U+FFFD, %NULL is written as ""
 */
void
elves_json_add_bytes (GString *out, const char *name, GBytes *bytes)
{
  gsize length = 0;
  const char *data = bytes ? g_bytes_get_data (bytes, &length) : NULL;
  if (length > 0 && !elves_utf8_is_clean (data, length))
    {
      g_autofree char *text = elves_utf8_clean (data, length, G_MAXSIZE, NULL);
      elves_json_add_text (out, name, text);
      return;
    }
  begin_member (out, name);
  append_quoted (out, length > 0 ? data : "", length);
}

void
elves_json_add_number (GString *out, const char *name, gint64 number)
{
  char digits[20], *at = digits + sizeof digits;
  guint64 rest = number < 0 ? -(guint64) number : (guint64) number;
  do
    *--at = (char) ('0' + rest % 10);
  while ((rest /= 10) > 0);
  begin_member (out, name);
  if (number < 0)
    g_string_append_c (out, '-');
  append (out, at, (gsize) (digits + sizeof digits - at));
}

void
elves_json_add_json (GString *out, const char *name, const char *json, gsize length)
{
  begin_member (out, name);
  g_string_append_len (out, json, (gssize) length);
}
