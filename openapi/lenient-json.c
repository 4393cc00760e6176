/* The lenient form of JSON, as Gson's JsonReader takes it with setLenient(true), which the original
 * checked `param` with. Nothing is kept: the text goes on as it is, the function it is meant for
 * reads it. Promises to end after one look at each byte, with bounded recursion. */
#include "openapi/validate.h"

#include <string.h>

#define DEPTH_LIMIT 64

typedef struct
{
  const char *at;
  guint depth;
} Reader;

static gboolean read_value (Reader *self);

/* Blanks and comments: // and # to the end of the line, and those of C. FALSE: one has no end. */
static gboolean
skip_blanks (Reader *self)
{
  for (;;)
    {
      self->at += strspn (self->at, " \t\r\n");
      if (*self->at == '#' || g_str_has_prefix (self->at, "//"))
        self->at += strcspn (self->at, "\r\n");
      else if (g_str_has_prefix (self->at, "/*"))
        {
          const char *end = strstr (self->at + 2, "*/");
          if (end == NULL)
            return FALSE;
          self->at = end + 2;
        }
      else
        return TRUE;
    }
}

static gboolean
read_escape (Reader *self)
{
  if (*self->at == 'u')
    {
      for (guint i = 1; i <= 4; i++)
        if (!g_ascii_isxdigit (self->at[i]))
          return FALSE;
      self->at += 5;
      return TRUE;
    }
  if (*self->at == '\0' || strchr ("tbnrf\n'\"\\/", *self->at) == NULL)
    return FALSE;
  self->at++;
  return TRUE;
}

static gboolean
read_quoted (Reader *self)
{
  char quote = *self->at++;

  while (*self->at != '\0')
    {
      char next = *self->at++;
      if (next == quote)
        return TRUE;
      if (next == '\\' && !read_escape (self))
        return FALSE;
    }
  return FALSE;
}

static gboolean
read_bare_word (Reader *self)
{
  gsize length = strcspn (self->at, "/\\;#=:{}[], \t\f\r\n");

  self->at += length;
  return length > 0;
}

static gboolean
read_name (Reader *self)
{
  gboolean is_read =
      *self->at == '"' || *self->at == '\'' ? read_quoted (self) : read_bare_word (self);

  if (!is_read || !skip_blanks (self))
    return FALSE;
  if (*self->at == ':')
    self->at++;
  else if (*self->at == '=')
    self->at += self->at[1] == '>' ? 2 : 1;
  else
    return FALSE;
  return skip_blanks (self);
}

static gboolean
is_separator (char next)
{
  return next == ',' || next == ';';
}

static gboolean
read_object (Reader *self)
{
  self->at++;
  if (!skip_blanks (self))
    return FALSE;
  while (*self->at != '}')
    {
      if (!read_name (self) || !read_value (self) || !skip_blanks (self))
        return FALSE;
      if (*self->at == '}')
        break;
      if (!is_separator (*self->at++) || !skip_blanks (self) || *self->at == '}')
        return FALSE;
    }
  self->at++;
  return TRUE;
}

/* An element that is not there is a null. */
static gboolean
read_array (Reader *self)
{
  self->at++;
  for (;;)
    {
      if (!skip_blanks (self))
        return FALSE;
      if (*self->at != ']' && !is_separator (*self->at) &&
          (!read_value (self) || !skip_blanks (self)))
        return FALSE;
      if (*self->at == ']')
        break;
      if (!is_separator (*self->at++))
        return FALSE;
    }
  self->at++;
  return TRUE;
}

static gboolean
read_nested (Reader *self, gboolean (*read) (Reader *self))
{
  gboolean is_read;

  if (self->depth == DEPTH_LIMIT)
    return FALSE;
  self->depth++;
  is_read = read (self);
  self->depth--;
  return is_read;
}

static gboolean
read_value (Reader *self)
{
  switch (*self->at)
    {
    case '{':
      return read_nested (self, read_object);
    case '[':
      return read_nested (self, read_array);
    case '"':
    case '\'':
      return read_quoted (self);
    default:
      return read_bare_word (self);
    }
}

/**
 * elves_validate_lenient_json:
 * @text: UTF-8
 *
 * Returns: whether it is one value, and nothing more
 */
gboolean
elves_validate_lenient_json (const char *text)
{
  Reader reader = { .at = text };

  return skip_blanks (&reader) && read_value (&reader) && skip_blanks (&reader) &&
         *reader.at == '\0';
}
