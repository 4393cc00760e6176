/* Reads one JSON object from outside.

   Messages come from anybody who can reach the broker. So the whole text is checked against RFC
   8259 first, strictly: UTF-8, one object and nothing else, no text with a NUL (it would be cut
   where a C string ends), whole surrogate pairs, bounded depth, bounded number of members. What
   passes is kept as spans of the text: a number stays as its sender wrote it, an object can be
   handed on as it stands, and nothing is copied that nobody asks for.

   json-glib is not used for this: 1.6 recurses without a limit (a body of "[[[[..." ends the
   process), makes invalid UTF-8 of a lone surrogate, cuts texts at \u0000, wraps integers beyond 64
   bits, and takes hexadecimal, octal and comments.

   It does not build a tree: a nested object is read by parsing its span. */
#include "common/json-reader.h"

#include "common/error.h"
#include "common/json-plain.h"
#include "common/utf8.h"

#include <string.h>

typedef struct
{
  ElvesJsonValue name; /* a string */
  ElvesJsonValue value;
} Member;

struct ElvesJsonObject
{
  GArray *members; /* of Member, in the order of the text */
};

typedef struct
{
  const char *at, *end;
  guint depth;
  const char *fault; /* set by the first step that fails */
} Cursor;

static gboolean skip_value (Cursor *cursor, ElvesJsonValue *out_value);

static gboolean
fail (Cursor *cursor, const char *fault)
{
  cursor->fault = fault;
  return FALSE;
}

/* What is next; NUL at the end, which is not a character of any JSON text. */
static char
peek (const Cursor *cursor)
{
  return cursor->at < cursor->end ? *cursor->at : '\0';
}

static gboolean
take (Cursor *cursor, char wanted)
{
  if (peek (cursor) != wanted)
    return FALSE;
  cursor->at++;
  return TRUE;
}

static void
skip_space (Cursor *cursor)
{
  while (peek (cursor) == ' ' || peek (cursor) == '\t' || peek (cursor) == '\n' ||
         peek (cursor) == '\r')
    cursor->at++;
}

/* The four digits of \uXXXX. */
static gboolean
take_unit (Cursor *cursor, gunichar *out_unit)
{
  gunichar unit = 0;
  for (int i = 0; i < 4; i++)
    {
      int digit = g_ascii_xdigit_value (peek (cursor));
      if (digit < 0)
        return fail (cursor, "bad escape");
      unit = unit << 4 | (gunichar) digit;
      cursor->at++;
    }
  *out_unit = unit;
  return TRUE;
}

static gboolean
take_unicode_escape (Cursor *cursor, gunichar *out_character)
{
  gunichar unit, low;
  if (!take_unit (cursor, &unit))
    return FALSE;
  if (unit == 0)
    return fail (cursor, "NUL in a text");
  if (unit >= 0xD800 && unit < 0xDC00)
    {
      if (!take (cursor, '\\') || !take (cursor, 'u'))
        return fail (cursor, "half a surrogate pair");
      if (!take_unit (cursor, &low))
        return FALSE;
      if (low < 0xDC00 || low > 0xDFFF)
        return fail (cursor, "half a surrogate pair");
      unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
    }
  else if (unit >= 0xDC00 && unit <= 0xDFFF)
    return fail (cursor, "half a surrogate pair");
  *out_character = unit;
  return TRUE;
}

/* From the backslash to behind the escape. */
static gboolean
take_escape (Cursor *cursor, gunichar *out_character)
{
  static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
  cursor->at++;
  char letter = peek (cursor);
  if (letter == '\0')
    return fail (cursor, "bad escape");
  cursor->at++;
  if (letter == 'u')
    return take_unicode_escape (cursor, out_character);
  const char *found = strchr (letters, letter);
  if (!found)
    return fail (cursor, "bad escape");
  *out_character = (gunichar) meanings[found - letters];
  return TRUE;
}

static gboolean
skip_string (Cursor *cursor, ElvesJsonValue *out_value)
{
  gunichar ignored;
  if (!take (cursor, '"'))
    return fail (cursor, "a text expected");
  const char *start = cursor->at;
  while (TRUE)
    {
      cursor->at += elves_json_plain_length (cursor->at, (gsize) (cursor->end - cursor->at));
      if (cursor->at == cursor->end)
        return fail (cursor, "text without end");
      if (*cursor->at == '"')
        break;
      if (*cursor->at != '\\')
        return fail (cursor, "control character in a text");
      if (!take_escape (cursor, &ignored))
        return FALSE;
    }
  *out_value = (ElvesJsonValue){ ELVES_JSON_STRING, start, (gsize) (cursor->at - start) };
  cursor->at++;
  return TRUE;
}

static gboolean
skip_digits (Cursor *cursor)
{
  const char *start = cursor->at;
  while (g_ascii_isdigit (peek (cursor)))
    cursor->at++;
  return cursor->at > start || fail (cursor, "unexpected character");
}

static gboolean
skip_number (Cursor *cursor)
{
  take (cursor, '-');
  if (!take (cursor, '0') && !skip_digits (cursor))
    return FALSE;
  if (take (cursor, '.') && !skip_digits (cursor))
    return FALSE;
  if (!take (cursor, 'e') && !take (cursor, 'E'))
    return TRUE;
  if (!take (cursor, '+'))
    take (cursor, '-');
  return skip_digits (cursor);
}

static gboolean
skip_word (Cursor *cursor, const char *word)
{
  gsize length = strlen (word);
  if ((gsize) (cursor->end - cursor->at) < length || memcmp (cursor->at, word, length) != 0)
    return fail (cursor, "unexpected character");
  cursor->at += length;
  return TRUE;
}

static gboolean
skip_array (Cursor *cursor)
{
  ElvesJsonValue ignored;
  cursor->at++;
  skip_space (cursor);
  if (take (cursor, ']'))
    return TRUE;
  do
    if (!skip_value (cursor, &ignored))
      return FALSE;
  while (take (cursor, ','));
  return take (cursor, ']') || fail (cursor, "',' or ']' expected");
}

static gboolean
skip_member (Cursor *cursor, Member *out_member)
{
  skip_space (cursor);
  if (!skip_string (cursor, &out_member->name))
    return FALSE;
  skip_space (cursor);
  if (!take (cursor, ':'))
    return fail (cursor, "':' expected");
  return skip_value (cursor, &out_member->value);
}

/* @members: (nullable): where to keep them */
static gboolean
skip_object (Cursor *cursor, GArray *members)
{
  Member member;
  cursor->at++;
  skip_space (cursor);
  if (take (cursor, '}'))
    return TRUE;
  do
    {
      if (!skip_member (cursor, &member))
        return FALSE;
      if (!members)
        continue;
      if (members->len == ELVES_JSON_MEMBER_LIMIT)
        return fail (cursor, "too many members");
      g_array_append_val (members, member);
    }
  while (take (cursor, ','));
  return take (cursor, '}') || fail (cursor, "',' or '}' expected");
}

static gboolean
skip_nested (Cursor *cursor, ElvesJsonKind kind)
{
  if (cursor->depth == ELVES_JSON_DEPTH_LIMIT)
    return fail (cursor, "nested too deeply");
  cursor->depth++;
  gboolean ok = kind == ELVES_JSON_OBJECT ? skip_object (cursor, NULL) : skip_array (cursor);
  cursor->depth--;
  return ok;
}

/* A value of any kind and the space around it. */
static gboolean
skip_value (Cursor *cursor, ElvesJsonValue *out_value)
{
  gboolean ok;
  skip_space (cursor);
  const char *start = cursor->at;
  out_value->text = start;
  switch (peek (cursor))
    {
    case '"':
      ok = skip_string (cursor, out_value);
      skip_space (cursor);
      return ok;
    case '{':
      ok = skip_nested (cursor, out_value->kind = ELVES_JSON_OBJECT);
      break;
    case '[':
      ok = skip_nested (cursor, out_value->kind = ELVES_JSON_ARRAY);
      break;
    case 't':
      out_value->kind = ELVES_JSON_BOOLEAN;
      ok = skip_word (cursor, "true");
      break;
    case 'f':
      out_value->kind = ELVES_JSON_BOOLEAN;
      ok = skip_word (cursor, "false");
      break;
    case 'n':
      out_value->kind = ELVES_JSON_NULL;
      ok = skip_word (cursor, "null");
      break;
    default:
      out_value->kind = ELVES_JSON_NUMBER;
      ok = skip_number (cursor);
    }
  out_value->length = (gsize) (cursor->at - start);
  skip_space (cursor);
  return ok;
}

/* NULL: @cursor says what is wrong. */
static ElvesJsonObject *
read_object (Cursor *cursor)
{
  g_autoptr (ElvesJsonObject) self = g_new0 (ElvesJsonObject, 1);
  self->members = g_array_sized_new (FALSE, FALSE, sizeof (Member), 16);
  if (peek (cursor) != '{')
    fail (cursor, "not a JSON object");
  else
    skip_object (cursor, self->members);
  return cursor->fault ? NULL : g_steal_pointer (&self);
}

static ElvesJsonObject *
parse (const char *text, gsize length, gboolean first_only, GError **error)
{
  if (!elves_utf8_is_clean (text, length))
    {
      g_set_error (error, ELVES_ERROR, ELVES_ERROR_INVALID, "not UTF-8, or NUL in it");
      return NULL;
    }
  Cursor cursor = { .at = text, .end = text + length, .depth = 1 };
  skip_space (&cursor);
  if (first_only && peek (&cursor) == 'n' && skip_word (&cursor, "null"))
    return elves_json_object_parse ("{}", 2, error);
  g_autoptr (ElvesJsonObject) self = read_object (&cursor);
  skip_space (&cursor);
  if (self && !first_only && cursor.at < cursor.end)
    fail (&cursor, "text behind the object");
  if (!cursor.fault)
    return g_steal_pointer (&self);
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_INVALID, "%s at byte %" G_GSIZE_FORMAT, cursor.fault,
               (gsize) (cursor.at - text));
  return NULL;
}

/**
 * elves_json_object_parse:
 * @text: UTF-8, need not be terminated; must outlive the object
 * @length: of @text, in bytes
 *
 * Returns: (transfer full): the members of the object that @text is.
 * Errors: %ELVES_ERROR_INVALID when @text is anything but one JSON object within the limits.
 */
ElvesJsonObject *
elves_json_object_parse (const char *text, gsize length, GError **error)
{
  return parse (text, length, FALSE, error);
}

/**
 * elves_json_object_parse_first:
 * @text: UTF-8, need not be terminated; must outlive the object
 * @length: of @text, in bytes
 *
 * Returns: (transfer full): the members of the object that @text begins with.
 * Errors: %ELVES_ERROR_INVALID when it begins with anything else.
 */
ElvesJsonObject *
elves_json_object_parse_first (const char *text, gsize length, GError **error)
{
  return parse (text, length, TRUE, error);
}

/**
 * elves_json_object_free:
 * @self: (nullable): the object; its text is left alone
 */
void
elves_json_object_free (ElvesJsonObject *self)
{
  if (!self)
    return;
  g_array_unref (self->members);
  g_free (self);
}

/* @wanted: without a backslash. An escaped name is longer than what it stands for. */
static gboolean
name_equals (ElvesJsonValue name, const char *wanted)
{
  gsize length = strlen (wanted);
  if (name.length <= length)
    return name.length == length && memcmp (name.text, wanted, length) == 0;
  if (!memchr (name.text, '\\', name.length))
    return FALSE;
  g_autofree char *text = elves_json_value_to_text (name);
  return strcmp (text, wanted) == 0;
}

/**
 * elves_json_object_get:
 * @name: of the member
 *
 * Returns: the last member of that name, or a value of kind %ELVES_JSON_ABSENT.
 */
ElvesJsonValue
elves_json_object_get (const ElvesJsonObject *self, const char *name)
{
  for (guint i = self->members->len; i-- > 0;)
    {
      const Member *member = &g_array_index (self->members, Member, i);
      if (name_equals (member->name, name))
        return member->value;
    }
  return (ElvesJsonValue){ .kind = ELVES_JSON_ABSENT };
}

/**
 * elves_json_object_get_any_case:
 * @name: of the member, in any case of its ASCII letters
 *
 * Returns: the last member of that name, or a value of kind %ELVES_JSON_ABSENT.
 */
ElvesJsonValue
elves_json_object_get_any_case (const ElvesJsonObject *self, const char *name)
{
  for (guint i = self->members->len; i-- > 0;)
    {
      const Member *member = &g_array_index (self->members, Member, i);
      g_autofree char *text = elves_json_value_to_text (member->name);
      if (g_ascii_strcasecmp (text, name) == 0)
        return member->value;
    }
  return (ElvesJsonValue){ .kind = ELVES_JSON_ABSENT };
}

/**
 * elves_json_object_next:
 * @position: where to go on: 0 at first
 * @out_name: (out): a string, still escaped
 * @out_value: (out): of the next member
 *
 * A name that the text has twice comes twice.
 *
 * Returns: whether there is one more.
 */
gboolean
elves_json_object_next (const ElvesJsonObject *self,
                        guint *position,
                        ElvesJsonValue *out_name,
                        ElvesJsonValue *out_value)
{
  const Member *member;

  if (*position >= self->members->len)
    return FALSE;
  member = &g_array_index (self->members, Member, (*position)++);
  *out_name = member->name;
  *out_value = member->value;
  return TRUE;
}

/**
 * elves_json_parse_any:
 * @text: UTF-8, need not be terminated; must outlive the value
 * @length: of @text, in bytes
 * @out_value: (out): what it is
 *
 * Returns: whether @text is one JSON value
 */
gboolean
elves_json_parse_any (const char *text, gsize length, ElvesJsonValue *out_value)
{
  Cursor cursor = { .at = text, .end = text + length };

  return elves_utf8_is_clean (text, length) && skip_value (&cursor, out_value) &&
         cursor.at == cursor.end;
}

/**
 * elves_json_array_next:
 * @array: an array of a parsed object
 * @position: where to go on: 0 at first
 * @out_element: its next element
 *
 * Returns: whether there is one more.
 */
gboolean
elves_json_array_next (ElvesJsonValue array, gsize *position, ElvesJsonValue *out_element)
{
  Cursor cursor = { .at = array.text + *position, .end = array.text + array.length };
  if (cursor.at == array.text)
    {
      cursor.at++; /* the bracket */
      skip_space (&cursor);
    }
  if (peek (&cursor) == ']' || !skip_value (&cursor, out_element))
    return FALSE;
  take (&cursor, ',');
  *position = (gsize) (cursor.at - array.text);
  return TRUE;
}

/**
 * elves_json_value_to_text:
 * @value: a value of a parsed object
 *
 * Returns: (transfer full): the text of a string; of a number, boolean, array or object what the
 * sender wrote; "" of null and of what is absent.
 */
char *
elves_json_value_to_text (ElvesJsonValue value)
{
  if (value.kind == ELVES_JSON_ABSENT || value.kind == ELVES_JSON_NULL)
    return g_strdup ("");
  if (value.kind != ELVES_JSON_STRING || !memchr (value.text, '\\', value.length))
    return g_strndup (value.text, value.length);
  GString *text = g_string_sized_new (value.length);
  Cursor cursor = { .at = value.text, .end = value.text + value.length };
  while (cursor.at < cursor.end)
    {
      const char *escape = memchr (cursor.at, '\\', (gsize) (cursor.end - cursor.at));
      const char *plain_end = escape ? escape : cursor.end;
      g_string_append_len (text, cursor.at, plain_end - cursor.at);
      cursor.at = plain_end;
      gunichar character;
      if (escape && take_escape (&cursor, &character))
        g_string_append_unichar (text, character);
    }
  return g_string_free (text, FALSE);
}
