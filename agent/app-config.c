/* Reads appcfg.json, which belongs to an app: anybody who may change the app's folder can put
   anything there. */
#include "agent/app-config.h"

#include "agent/small-file.h"
#include "common/error.h"

#define MAX_BYTES (64 * 1024)

struct ElvesAppConfig
{
  char *text; /* what the objects are spans of */
  ElvesJsonObject *file, *part;
};

/**
 * elves_app_config_read:
 * @path: of the file
 * @part: name of a member that is an object
 * @error: return location for a #GError
 *
 * Returns: (transfer full) (nullable): that part of the file
 * Errors: %ELVES_ERROR_NOT_FOUND: there is no such file, or it has no such part;
 * %ELVES_ERROR_INVALID: it cannot be understood
 */
ElvesAppConfig *
elves_app_config_read (const char *path, const char *part, GError **error)
{
  g_autoptr (ElvesAppConfig) self = g_new0 (ElvesAppConfig, 1);
  gsize length;
  self->text = elves_small_file_read (path, MAX_BYTES + 1, &length, error);
  if (self->text == NULL)
    return NULL;
  if (length > MAX_BYTES)
    {
      g_set_error_literal (error, ELVES_ERROR, ELVES_ERROR_INVALID, "it is too large");
      return NULL;
    }
  self->file = elves_json_object_parse (self->text, length, error);
  if (self->file == NULL)
    return NULL;
  ElvesJsonValue value = elves_json_object_get_any_case (self->file, part);
  if (value.kind != ELVES_JSON_OBJECT)
    {
      g_set_error (error, ELVES_ERROR, ELVES_ERROR_NOT_FOUND, "it has no %s", part);
      return NULL;
    }
  self->part = elves_json_object_parse (value.text, value.length, error);
  return self->part != NULL ? g_steal_pointer (&self) : NULL;
}

/**
 * elves_app_config_free:
 * @self: (nullable): a part
 */
void
elves_app_config_free (ElvesAppConfig *self)
{
  if (self == NULL)
    return;
  elves_json_object_free (self->part);
  elves_json_object_free (self->file);
  g_free (self->text);
  g_free (self);
}

/**
 * elves_app_config_get:
 * @self: a part
 * @name: of a member, in any case
 *
 * Returns: its value, a span of @self
 */
ElvesJsonValue
elves_app_config_get (const ElvesAppConfig *self, const char *name)
{
  return elves_json_object_get_any_case (self->part, name);
}

/**
 * elves_app_config_number:
 * @self: a part
 * @name: of a member, in any case
 *
 * Returns: its value; 0: it is no whole number
 */
gint64
elves_app_config_number (const ElvesAppConfig *self, const char *name)
{
  ElvesJsonValue value = elves_app_config_get (self, name);
  gint64 number = 0;
  if (value.kind != ELVES_JSON_NUMBER)
    return 0;
  g_autofree char *text = elves_json_value_to_text (value);
  g_ascii_string_to_signed (text, 10, G_MININT64, G_MAXINT64, &number, NULL);
  return number;
}
