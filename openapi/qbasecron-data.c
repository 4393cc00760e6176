#include "openapi/qbasecron-data.h"

#include "openapi/form-body.h"

#include <string.h>

static gboolean
is_json_text (const char *data)
{
  return data[strspn (data, " \t\r\n")] == '{';
}

char *
elves_qbasecron_data_mend (const char *data)
{
  char *mended = g_strdup (data);

  return is_json_text (mended) ? mended : g_strdelimit (mended, " ", '+');
}

/* Both alphabets, with and without padding and line breaks. (transfer full) (nullable) */
static guchar *
decode (const char *data, gsize *out_length)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (const char *at = data; *at != '\0' && *at != '='; at++)
    {
      char letter = *at == '-' ? '+' : *at == '_' ? '/' : *at;

      if (letter == '\r' || letter == '\n')
        continue;
      if (!g_ascii_isalnum (letter) && letter != '+' && letter != '/')
        return NULL;
      g_string_append_c (text, letter);
    }
  while (text->len % 4 != 0)
    g_string_append_c (text, '=');
  return g_base64_decode (text->str, out_length);
}

static gboolean
add_object (GString *form, const char *text, gsize length)
{
  ElvesJsonValue object = { ELVES_JSON_OBJECT, text, length };

  return elves_form_add_members (form, object);
}

static gboolean
add_data (GString *form, const char *data)
{
  gsize length = 0;
  g_autofree guchar *bytes = NULL;

  if (is_json_text (data))
    return add_object (form, data, strlen (data));
  bytes = decode (data, &length);
  return bytes != NULL && add_object (form, (const char *) bytes, length);
}

/**
 * elves_qbasecron_data_to_form:
 * @data: mended
 *
 * Returns: (transfer full): the body
 */
char *
elves_qbasecron_data_to_form (const char *data, gboolean *out_is_raw)
{
  GString *form = g_string_new (NULL);

  *out_is_raw = *data != '\0' && !add_data (form, data);
  if (*out_is_raw)
    elves_form_add (g_string_truncate (form, 0), "data", data);
  return g_string_free (form, FALSE);
}
