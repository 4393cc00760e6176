/* Labels: reading them, finding one, writing them as JSON.
 *
 * What is configured here is checked strictly, because every selector has to be able to spell it;
 * what others say of themselves is kept unless it would break the text. */
#include "common/labels.h"

#include "common/error.h"
#include "common/json-writer.h"

#include <string.h>

/* Selectors mean something else by them. */
static const char *const reserved[] = { "ip", "version", "type", NULL };

/**
 * elves_label_is_character:
 * @c: of a name or value
 *
 * Returns: whether it may be there.
 */
gboolean
elves_label_is_character (char c)
{
  return g_ascii_isalnum (c) || (c != '\0' && strchr ("._-/:@+", c) != NULL);
}

static gboolean
is_word (const char *text)
{
  gsize length = 0;
  while (elves_label_is_character (text[length]))
    length++;
  return text[length] == '\0' && length <= ELVES_LABEL_LIMIT_BYTES;
}

static gboolean
fail (GError **error, const char *label, const char *why)
{
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_INVALID, "label \"%.80s\": %s", label, why);
  return FALSE;
}

static gboolean
check_name (const char *name, GError **error)
{
  if (*name == '\0' || !is_word (name))
    return fail (error, name, "a name is 1 to 63 letters, digits and ._-/:@+");
  if (g_strv_contains (reserved, name) || g_str_has_prefix (name, ELVES_LABEL_APP_PREFIX))
    return fail (error, name, "the names ip, version, type and app.NAME are taken");
  return TRUE;
}

static gboolean
parse_one (GString *labels, char *text, GError **error)
{
  char *equals = strchr (text, '=');
  const char *value = equals != NULL ? g_strstrip (equals + 1) : "";
  ElvesLabelText known;
  if (equals != NULL)
    *equals = '\0';
  const char *name = g_strstrip (text);
  if (!check_name (name, error))
    return FALSE;
  if (!is_word (value))
    return fail (error, name, "a value is at most 63 letters, digits and ._-/:@+");
  if (elves_labels_find (labels->str, name, &known))
    return fail (error, name, "it is given twice");
  return elves_labels_add (labels, name, value);
}

/**
 * elves_labels_parse:
 * @text: NAME=VALUE, or NAME alone, separated by commas
 *
 * Returns: (transfer full): the labels; %NULL on error.
 * Errors: %ELVES_ERROR_INVALID.
 */
char *
elves_labels_parse (const char *text, GError **error)
{
  g_autoptr (GString) labels = g_string_new (NULL);
  g_auto (GStrv) parts = g_strsplit (text, ",", ELVES_LABELS_LIMIT + 1);
  if (parts[0] == NULL || (parts[1] == NULL && *g_strstrip (parts[0]) == '\0'))
    return g_strdup ("");
  for (guint i = 0; parts[i] != NULL; i++)
    if (i == ELVES_LABELS_LIMIT)
      {
        fail (error, parts[i], "there are more than 64");
        return NULL;
      }
    else if (!parse_one (labels, parts[i], error))
      return NULL;
  return g_string_free (g_steal_pointer (&labels), FALSE);
}

static gboolean
is_plain (const char *text)
{
  for (; *text != '\0'; text++)
    if ((guchar) *text < ' ')
      return FALSE;
  return TRUE;
}

/**
 * elves_labels_add:
 * @labels: to add to
 * @name: of any content
 * @value: of any content
 *
 * Returns: whether it was added: the name is not empty and none of both has control characters.
 */
gboolean
elves_labels_add (GString *labels, const char *name, const char *value)
{
  if (*name == '\0' || !is_plain (name) || !is_plain (value))
    return FALSE;
  g_string_append (labels, name);
  g_string_append_c (labels, '\t');
  g_string_append (labels, value);
  g_string_append_c (labels, '\n');
  return TRUE;
}

/**
 * elves_labels_next:
 * @position: where to look; moved on
 * @out_name: of the label
 * @out_value: of it
 *
 * Returns: whether there is one more.
 */
gboolean
elves_labels_next (const char **position, ElvesLabelText *out_name, ElvesLabelText *out_value)
{
  const char *begin = *position;
  if (*begin == '\0')
    return FALSE;
  const char *middle = strchr (begin, '\t');
  const char *end = strchr (middle, '\n');
  *out_name = (ElvesLabelText){ begin, middle - begin };
  *out_value = (ElvesLabelText){ middle + 1, end - middle - 1 };
  *position = end + 1;
  return TRUE;
}

/**
 * elves_labels_find:
 * @labels: to look in
 * @name: of a label
 * @out_value: of it; points into @labels
 *
 * Returns: whether it is there.
 */
gboolean
elves_labels_find (const char *labels, const char *name, ElvesLabelText *out_value)
{
  gsize length = strlen (name);
  ElvesLabelText found;
  while (elves_labels_next (&labels, &found, out_value))
    if (found.length == length && memcmp (found.text, name, length) == 0)
      return TRUE;
  return FALSE;
}

/**
 * elves_labels_write:
 * @json: to write to
 * @name: (nullable): of the member
 * @labels: to be written
 */
void
elves_labels_write (GString *json, const char *name, const char *labels)
{
  ElvesLabelText label, value;
  elves_json_open (json, name);
  while (elves_labels_next (&labels, &label, &value))
    {
      g_autofree char *label_text = g_strndup (label.text, label.length);
      g_autofree char *value_text = g_strndup (value.text, value.length);
      elves_json_add_text (json, label_text, value_text);
    }
  elves_json_close (json);
}
