#include "openapi/v3-fields.h"

#include "common/json-writer.h"

#include <string.h>

enum
{
  FAULTS_LIMIT = 16,
  FAULTS_LIMIT_BYTES = 8192,
  TEXT_ELEMENT_LIMIT_BYTES = 4096
};

/* ---- faults ---- */

/**
 * elves_v3_fields_blame:
 * @errors: where faults are collected; beyond a limit nothing is added
 * @pointer: of the member, as JSON pointer
 * @detail: what is wrong
 */
void
elves_v3_fields_blame (GString *errors, const char *pointer, const char *detail)
{
  if (errors->len > FAULTS_LIMIT_BYTES)
    return;
  elves_json_open (errors, NULL);
  elves_json_add_text (errors, "pointer", pointer);
  elves_json_add_text (errors, "detail", detail);
  elves_json_close (errors);
}

static gboolean G_GNUC_PRINTF (3, 4)
    blame (GString *errors, const char *pointer, const char *format, ...)
{
  va_list arguments;
  g_autofree char *detail = NULL;

  va_start (arguments, format);
  detail = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  elves_v3_fields_blame (errors, pointer, detail);
  return FALSE;
}

/* (transfer full) */
static char *
point (const char *pointer, const char *name)
{
  g_autoptr (GString) escaped = g_string_new (name);

  g_string_replace (escaped, "~", "~0", 0);
  g_string_replace (escaped, "/", "~1", 0);
  if (escaped->len > 100)
    g_string_truncate (escaped, 0);
  return g_strconcat (pointer, "/", escaped->str, NULL);
}

/* ---- values ---- */

static gboolean
check_text (ElvesJsonValue value, const ElvesV3Field *field, const char *pointer, GString *errors)
{
  g_autofree char *text = NULL;
  gsize length;

  if (value.kind != ELVES_JSON_STRING)
    return blame (errors, pointer, "expected a text");
  text = elves_json_value_to_text (value);
  length = strlen (text);
  if (length < (gsize) field->min)
    return blame (errors, pointer, "expected a text that is not empty");
  if (length > (gsize) field->max)
    return blame (errors, pointer, "longer than %" G_GINT64_FORMAT " bytes", field->max);
  if (field->is_valid != NULL && !field->is_valid (text))
    return blame (errors, pointer, "expected %s", field->expected);
  return TRUE;
}

static gboolean
read_integer (ElvesJsonValue value, gint64 *out_number)
{
  g_autofree char *text = elves_json_value_to_text (value);

  return value.kind == ELVES_JSON_NUMBER &&
         g_ascii_string_to_signed (text, 10, G_MININT64, G_MAXINT64, out_number, NULL);
}

static gboolean
check_integer (ElvesJsonValue value,
               const ElvesV3Field *field,
               const char *pointer,
               GString *errors)
{
  gint64 number;

  if (read_integer (value, &number) && number >= field->min && number <= field->max)
    return TRUE;
  return blame (errors, pointer,
                "expected an integer from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT, field->min,
                field->max);
}

/* ---- nested ones ---- */

static gboolean
check_nested (ElvesJsonValue value, const ElvesV3Field *field, const char *pointer, GString *errors)
{
  g_autoptr (ElvesJsonObject) object = NULL;

  if (value.kind == ELVES_JSON_OBJECT)
    object = elves_json_object_parse (value.text, value.length, NULL);
  if (object == NULL)
    return blame (errors, pointer, "expected an object of at most 256 members");
  return elves_v3_fields_check (object, field->fields, pointer, errors);
}

static gboolean
check_map (ElvesJsonValue value, const ElvesV3Field *field, const char *pointer, GString *errors)
{
  g_autoptr (ElvesJsonObject) object = NULL;
  ElvesJsonValue name, member;
  guint position = 0, count = 0;

  if (value.kind == ELVES_JSON_OBJECT)
    object = elves_json_object_parse (value.text, value.length, NULL);
  if (object == NULL)
    return blame (errors, pointer, "expected an object");
  while (elves_json_object_next (object, &position, &name, &member))
    if (member.kind != ELVES_JSON_STRING || ++count > (guint) field->max)
      return blame (errors, pointer, "expected texts, at most %" G_GINT64_FORMAT, field->max);
  return TRUE;
}

static gboolean
check_element (ElvesJsonValue value,
               const ElvesV3Field *field,
               const char *pointer,
               GString *errors)
{
  ElvesV3Field one = *field;

  if (field->kind == ELVES_V3_OBJECTS)
    return check_nested (value, field, pointer, errors);
  one.min = 1;
  one.max = TEXT_ELEMENT_LIMIT_BYTES;
  return check_text (value, &one, pointer, errors);
}

static gboolean
check_array (ElvesJsonValue value, const ElvesV3Field *field, const char *pointer, GString *errors)
{
  gsize position = 0;
  gint64 count = 0;
  guint faults = 0;
  ElvesJsonValue element;

  if (value.kind != ELVES_JSON_ARRAY)
    return blame (errors, pointer, "expected an array");
  while (faults < FAULTS_LIMIT && count <= field->max &&
         elves_json_array_next (value, &position, &element))
    {
      g_autofree char *place = g_strdup_printf ("%s/%" G_GINT64_FORMAT, pointer, count++);
      faults += check_element (element, field, place, errors) ? 0 : 1;
    }
  if (count < field->min || count > field->max)
    return blame (errors, pointer, "expected %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT " elements",
                  field->min, field->max);
  return faults == 0;
}

static gboolean
check_value (ElvesJsonValue value, const ElvesV3Field *field, const char *pointer, GString *errors)
{
  switch (field->kind)
    {
    case ELVES_V3_TEXT:
      return check_text (value, field, pointer, errors);
    case ELVES_V3_INTEGER:
      return check_integer (value, field, pointer, errors);
    case ELVES_V3_BOOLEAN:
      return value.kind == ELVES_JSON_BOOLEAN || blame (errors, pointer, "expected true or false");
    case ELVES_V3_ANY:
      return value.length <= (gsize) field->max ||
             blame (errors, pointer, "longer than %" G_GINT64_FORMAT " bytes", field->max);
    case ELVES_V3_OBJECT:
      return field->fields != NULL ? check_nested (value, field, pointer, errors)
                                   : check_map (value, field, pointer, errors);
    case ELVES_V3_TEXTS:
    case ELVES_V3_OBJECTS:
    default:
      return check_array (value, field, pointer, errors);
    }
}

/* ---- objects ---- */

static const ElvesV3Field *
find_field (const ElvesV3Field *fields, const char *name)
{
  for (; fields->name != NULL; fields++)
    if (strcmp (fields->name, name) == 0)
      return fields;
  return NULL;
}

static guint
check_member (ElvesJsonValue value,
              const char *name,
              const ElvesV3Field *fields,
              const char *pointer,
              GString *errors)
{
  const ElvesV3Field *field = find_field (fields, name);
  g_autofree char *place = point (pointer, name);

  if (field == NULL)
    return blame (errors, place, "there is no such member") ? 0 : 1;
  return check_value (value, field, place, errors) ? 0 : 1;
}

static guint
check_required (const ElvesJsonObject *object,
                const ElvesV3Field *fields,
                const char *pointer,
                GString *errors)
{
  guint faults = 0;

  for (; fields->name != NULL; fields++)
    if (fields->required && !elves_v3_has (object, fields->name))
      {
        g_autofree char *place = point (pointer, fields->name);
        faults += blame (errors, place, "is missing") ? 0 : 1;
      }
  return faults;
}

/**
 * elves_v3_fields_check:
 * @fields: what may be in @object; anything else is a fault, and so is a name that comes twice
 * @pointer: of @object, "" at first
 * @errors: where faults go
 *
 * Returns: whether there was none
 */
gboolean
elves_v3_fields_check (const ElvesJsonObject *object,
                       const ElvesV3Field *fields,
                       const char *pointer,
                       GString *errors)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  guint position = 0, faults = check_required (object, fields, pointer, errors);
  ElvesJsonValue name, value;

  while (faults < FAULTS_LIMIT && elves_json_object_next (object, &position, &name, &value))
    {
      char *text = elves_json_value_to_text (name);
      faults += check_member (value, text, fields, pointer, errors);
      if (!g_hash_table_add (seen, text))
        faults += blame (errors, pointer, "a member comes twice") ? 0 : 1;
    }
  return faults == 0;
}

gboolean
elves_v3_has (const ElvesJsonObject *object, const char *name)
{
  return elves_json_object_get (object, name).kind != ELVES_JSON_ABSENT;
}

char *
elves_v3_text (const ElvesJsonObject *object, const char *name)
{
  return elves_json_value_to_text (elves_json_object_get (object, name));
}

gint64
elves_v3_integer (const ElvesJsonObject *object, const char *name, gint64 fallback)
{
  gint64 number = fallback;

  return read_integer (elves_json_object_get (object, name), &number) ? number : fallback;
}

gboolean
elves_v3_boolean (const ElvesJsonObject *object, const char *name)
{
  ElvesJsonValue value = elves_json_object_get (object, name);

  return value.kind == ELVES_JSON_BOOLEAN && *value.text == 't';
}
