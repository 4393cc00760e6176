#include "openapi/parameters.h"

#include "common/error.h"
#include "common/json-reader.h"

#include <string.h>

typedef struct
{
  char *name;
  char *value;
} Parameter;

struct ElvesParameters
{
  GArray *list; /* of Parameter; each name once */
};

static void
parameter_clear (gpointer data)
{
  Parameter *parameter = data;

  g_free (parameter->name);
  g_free (parameter->value);
}

/**
 * elves_parameters_new:
 *
 * Returns: (transfer full): no parameters yet
 */
ElvesParameters *
elves_parameters_new (void)
{
  ElvesParameters *self = g_new0 (ElvesParameters, 1);

  self->list = g_array_new (FALSE, FALSE, sizeof (Parameter));
  g_array_set_clear_func (self->list, parameter_clear);
  return self;
}

/**
 * elves_parameters_free:
 * @self: (nullable): the parameters
 */
void
elves_parameters_free (ElvesParameters *self)
{
  if (self == NULL)
    return;
  g_array_unref (self->list);
  g_free (self);
}

/* NULL: a broken escape, not UTF-8, or NUL. */
static char *
decode (const char *text, gsize length)
{
  g_autofree char *plain = g_strndup (text, length);

  if (strlen (plain) != length)
    return NULL;
  g_strdelimit (plain, "+", ' ');
  /* Checks the escapes and the UTF-8 of what they stand for; "%00" is refused, too. */
  return g_uri_unescape_string (plain, NULL);
}

static gboolean
refuse (GError **error, const char *why)
{
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_INVALID, "The parameters cannot be read: %s", why);
  return FALSE;
}

/* Takes both. */
static gboolean
add (ElvesParameters *self, char *name, char *value, GError **error)
{
  Parameter parameter = { name, value };
  gboolean is_known = elves_parameters_get (self, name) != NULL;

  if (!is_known && self->list->len < ELVES_PARAMETERS_LIMIT)
    {
      g_array_append_val (self->list, parameter);
      return TRUE;
    }
  parameter_clear (&parameter);
  return is_known || refuse (error, "there are more than 256");
}

static gboolean
add_pair (ElvesParameters *self, const char *text, gsize length, GError **error)
{
  const char *equals = memchr (text, '=', length);
  gsize name_length = equals != NULL ? (gsize) (equals - text) : length;
  gsize value_start = equals != NULL ? name_length + 1 : length;
  g_autofree char *name = decode (text, name_length);
  g_autofree char *value = decode (text + value_start, length - value_start);

  if (name == NULL || value == NULL || !g_utf8_validate (name, -1, NULL) ||
      !g_utf8_validate (value, -1, NULL))
    return refuse (error, "an escape is broken, or a text is not UTF-8");
  return add (self, g_steal_pointer (&name), g_steal_pointer (&value), error);
}

/**
 * elves_parameters_add:
 * @text: (nullable): a query, or a form body
 * @length: of @text, in bytes
 *
 * Returns: %FALSE with @error
 */
gboolean
elves_parameters_add (ElvesParameters *self, const char *text, gsize length, GError **error)
{
  gsize start = 0;

  while (start < length)
    {
      const char *ampersand = memchr (text + start, '&', length - start);
      gsize end = ampersand != NULL ? (gsize) (ampersand - text) : length;

      if (end > start && !add_pair (self, text + start, end - start, error))
        return FALSE;
      start = end + 1;
    }
  return TRUE;
}

/**
 * elves_parameters_add_json:
 * @text: a JSON object; of a name that it has twice the first value counts
 *
 * Returns: %FALSE with @error
 */
gboolean
elves_parameters_add_json (ElvesParameters *self, const char *text, gsize length, GError **error)
{
  g_autoptr (ElvesJsonObject) object = elves_json_object_parse (text, length, error);
  ElvesJsonValue name, value;
  guint position = 0;

  if (object == NULL)
    {
      g_prefix_error (error, "The parameters cannot be read: ");
      return FALSE;
    }
  while (elves_json_object_next (object, &position, &name, &value))
    if (value.kind != ELVES_JSON_NULL &&
        !add (self, elves_json_value_to_text (name), elves_json_value_to_text (value), error))
      return FALSE;
  return TRUE;
}

/**
 * elves_parameters_next:
 * @position: where to go on
 *
 * Returns: whether there is one more
 */
gboolean
elves_parameters_next (const ElvesParameters *self,
                       guint *position,
                       const char **out_name,
                       const char **out_value)
{
  const Parameter *parameter;

  if (*position >= self->list->len)
    return FALSE;
  parameter = &g_array_index (self->list, Parameter, (*position)++);
  *out_name = parameter->name;
  *out_value = parameter->value;
  return TRUE;
}

/**
 * elves_parameters_get:
 *
 * Returns: (nullable): the value of @name; "" when it was sent without one
 */
const char *
elves_parameters_get (const ElvesParameters *self, const char *name)
{
  for (guint i = 0; i < self->list->len; i++)
    if (strcmp (g_array_index (self->list, Parameter, i).name, name) == 0)
      return g_array_index (self->list, Parameter, i).value;
  return NULL;
}

/**
 * elves_parameters_is_blank:
 *
 * Returns: whether @name was not sent, or with nothing but blanks
 */
gboolean
elves_parameters_is_blank (const ElvesParameters *self, const char *name)
{
  const char *value = elves_parameters_get (self, name);

  return value == NULL || value[strspn (value, " \t\r\n\f\v")] == '\0';
}

/* As Java compares strings: by UTF-16 code units, which differs from the order of UTF-8 bytes where
   surrogates meet characters from U+E000 on. */
static gint
compare_names (gconstpointer a, gconstpointer b)
{
  const Parameter *left = a, *right = b;
  g_autofree gunichar2 *left_units = g_utf8_to_utf16 (left->name, -1, NULL, NULL, NULL);
  g_autofree gunichar2 *right_units = g_utf8_to_utf16 (right->name, -1, NULL, NULL, NULL);
  gsize i = 0;

  while (left_units[i] != 0 && left_units[i] == right_units[i])
    i++;
  return (gint) left_units[i] - (gint) right_units[i];
}

/**
 * elves_parameters_to_sorted_text:
 * @left_out: names that are not in it
 *
 * Returns: (transfer full): all others as they are signed
 */
char *
elves_parameters_to_sorted_text (const ElvesParameters *self, const char *const *left_out)
{
  g_autoptr (GArray) sorted = g_array_new (FALSE, FALSE, sizeof (Parameter));
  GString *text = g_string_new (NULL);

  g_array_append_vals (sorted, self->list->data, self->list->len);
  g_array_sort (sorted, compare_names);
  for (guint i = 0; i < sorted->len; i++)
    {
      const Parameter *parameter = &g_array_index (sorted, Parameter, i);

      if (!g_strv_contains (left_out, parameter->name))
        g_string_append_printf (text, "%s%s=%s", text->len > 0 ? "&" : "", parameter->name,
                                parameter->value);
    }
  return g_string_free (text, FALSE);
}
