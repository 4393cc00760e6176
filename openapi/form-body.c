#include "openapi/form-body.h"

#include "common/json-writer.h"

#include <string.h>

/* ---- an object as fields ---- */

/**
 * elves_form_add:
 * @out: gets one more field
 */
void
elves_form_add (GString *out, const char *name, const char *value)
{
  g_autofree char *safe_name = g_uri_escape_string (name, NULL, FALSE);
  g_autofree char *safe_value = g_uri_escape_string (value, NULL, FALSE);

  g_string_append_printf (out, "%s%s=%s", out->len > 0 ? "&" : "", safe_name, safe_value);
}

static gboolean add_value (GString *out, const char *name, ElvesJsonValue value, guint depth);

static gboolean
add_object (GString *out, const char *outer, ElvesJsonValue object, guint depth)
{
  g_autoptr (ElvesJsonObject) members = elves_json_object_parse (object.text, object.length, NULL);
  ElvesJsonValue name, value;
  guint position = 0;

  if (members == NULL)
    return FALSE;
  while (elves_json_object_next (members, &position, &name, &value))
    {
      g_autofree char *inner = elves_json_value_to_text (name);
      g_autofree char *whole =
          outer != NULL ? g_strdup_printf ("%s[%s]", outer, inner) : g_strdup (inner);
      if (!add_value (out, whole, value, depth))
        return FALSE;
    }
  return TRUE;
}

static gboolean
add_array (GString *out, const char *outer, ElvesJsonValue array, guint depth)
{
  ElvesJsonValue element;
  gsize position = 0;

  for (guint i = 0; elves_json_array_next (array, &position, &element); i++)
    {
      g_autofree char *whole = g_strdup_printf ("%s[%u]", outer, i);
      if (!add_value (out, whole, element, depth))
        return FALSE;
    }
  return TRUE;
}

static gboolean
add_value (GString *out, const char *name, ElvesJsonValue value, guint depth)
{
  g_autofree char *text = NULL;

  if (value.kind == ELVES_JSON_OBJECT)
    return depth < ELVES_FORM_DEPTH_LIMIT && add_object (out, name, value, depth + 1);
  if (value.kind == ELVES_JSON_ARRAY)
    return depth < ELVES_FORM_DEPTH_LIMIT && add_array (out, name, value, depth + 1);
  text = elves_json_value_to_text (value);
  elves_form_add (out, name, text);
  return out->len <= ELVES_FORM_LIMIT_BYTES;
}

/**
 * elves_form_add_members:
 * @out: gets a field for each value in @object
 *
 * Returns: whether all of it is in it
 */
gboolean
elves_form_add_members (GString *out, ElvesJsonValue object)
{
  return add_object (out, NULL, object, 0);
}

/* ---- fields as an object ---- */

/* A field below the name that is being written: what of its name is left, "[a][b]" or "". */
typedef struct
{
  const char *rest;
  const char *value;
  gboolean is_done;
} Field;

/* "[a][b]": a, and what is behind it. FALSE: not of this form. */
static gboolean
split (const char *rest, const char **out_key, gsize *out_length, const char **out_rest)
{
  const char *end;

  if (*rest != '[' || (end = strchr (rest, ']')) == NULL)
    return FALSE;
  *out_key = rest + 1;
  *out_length = (gsize) (end - rest) - 1;
  *out_rest = end + 1;
  return **out_rest == '\0' || **out_rest == '[';
}

/* (transfer full): those of @fields from @first on with its key, by what is left of their names. */
static GArray *
gather (GArray *fields, guint first, const char *key, gsize length)
{
  GArray *found = g_array_new (FALSE, FALSE, sizeof (Field));

  for (guint i = first; i < fields->len; i++)
    {
      Field *field = &g_array_index (fields, Field, i);
      Field inner = { .value = field->value };
      const char *other;
      gsize other_length;

      if (field->is_done || !split (field->rest, &other, &other_length, &inner.rest) ||
          other_length != length || memcmp (other, key, length) != 0)
        continue;
      field->is_done = TRUE;
      g_array_append_val (found, inner);
    }
  return found;
}

static void write_fields (GString *out, GArray *fields, guint depth);

/* What @fields, all of one name, are: the value of one, or an object. */
static void
write_value (GString *out, GArray *fields, guint depth)
{
  for (guint i = 0; i < fields->len; i++)
    if (*g_array_index (fields, Field, i).rest == '\0')
      {
        elves_json_add_text (out, NULL, g_array_index (fields, Field, i).value);
        return;
      }
  g_string_append_c (out, '{');
  if (depth < ELVES_FORM_DEPTH_LIMIT)
    write_fields (out, fields, depth + 1);
  g_string_append_c (out, '}');
}

static void
write_fields (GString *out, GArray *fields, guint depth)
{
  for (guint i = 0; i < fields->len; i++)
    {
      Field *field = &g_array_index (fields, Field, i);
      g_autoptr (GArray) same = NULL;
      g_autofree char *name = NULL;
      g_autoptr (GString) value = g_string_new (NULL);
      const char *key, *rest;
      gsize length;

      if (field->is_done || !split (field->rest, &key, &length, &rest))
        continue;
      name = g_strndup (key, length);
      same = gather (fields, i, key, length);
      write_value (value, same, depth);
      elves_json_add_text (out, NULL, name);
      g_string_append_printf (out, ":%s", value->str);
    }
}

/**
 * elves_form_to_json:
 * @out: gets the object
 *
 * Returns: whether there is one
 */
gboolean
elves_form_to_json (const ElvesParameters *parameters, const char *name, GString *out)
{
  g_autoptr (GArray) fields = g_array_new (FALSE, TRUE, sizeof (Field));
  const char *field_name, *value;
  guint position = 0;

  while (elves_parameters_next (parameters, &position, &field_name, &value))
    {
      Field field = { .value = value };

      if (!g_str_has_prefix (field_name, name) || field_name[strlen (name)] != '[')
        continue;
      field.rest = field_name + strlen (name);
      g_array_append_val (fields, field);
    }
  if (fields->len == 0)
    return FALSE;
  g_string_append_c (out, '{');
  write_fields (out, fields, 0);
  g_string_append_c (out, '}');
  return TRUE;
}
