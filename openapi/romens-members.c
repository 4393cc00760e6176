#include "openapi/romens-members.h"

#include "common/error.h"

#include <string.h>

ElvesJsonValue
elves_romens_get (const ElvesRomensMembers *self, ElvesRomensName name)
{
  ElvesJsonValue value = elves_json_object_get (self->object, name.wire);

  if (value.kind == ELVES_JSON_ABSENT && name.alias != NULL)
    value = elves_json_object_get (self->object, name.alias);
  if (value.kind == ELVES_JSON_ABSENT && name.inner != NULL && self->callback != NULL)
    value = elves_json_object_get (self->callback, name.inner);
  if (value.kind == ELVES_JSON_NULL)
    value.kind = ELVES_JSON_ABSENT;
  return value;
}

/**
 * elves_romens_blame:
 * @member: its name on the wire
 * @why: what was expected
 */
void
elves_romens_blame (ElvesRomensMembers *self, const char *member, const char *why)
{
  if (self->error == NULL)
    self->error = g_error_new (ELVES_ERROR, ELVES_ERROR_INVALID, "%s: %s", member, why);
}

/**
 * elves_romens_text:
 *
 * Returns: (transfer full): its text; "" of what is missing or no text
 */
char *
elves_romens_text (ElvesRomensMembers *self, ElvesRomensName name)
{
  ElvesJsonValue value = elves_romens_get (self, name);

  if (value.kind == ELVES_JSON_STRING || value.kind == ELVES_JSON_NUMBER ||
      value.kind == ELVES_JSON_ABSENT)
    return elves_json_value_to_text (value);
  elves_romens_blame (self, name.wire, "expected a text");
  return g_strdup ("");
}

/**
 * elves_romens_parse_number:
 * @text: any
 *
 * Returns: whether it is digits, of a number up to @max
 */
gboolean
elves_romens_parse_number (const char *text, gint64 max, gint64 *out_number)
{
  gsize n_digits = strspn (text, "0123456789");
  gint64 number;

  if (n_digits == 0 || n_digits > 18 || text[n_digits] != '\0')
    return FALSE;
  number = g_ascii_strtoll (text, NULL, 10);
  if (number > max)
    return FALSE;
  *out_number = number;
  return TRUE;
}

/**
 * elves_romens_number:
 *
 * Returns: the number; @fallback of what is missing or none
 */
gint64
elves_romens_number (ElvesRomensMembers *self, ElvesRomensName name, gint64 max, gint64 fallback)
{
  ElvesJsonValue value = elves_romens_get (self, name);
  g_autofree char *text = g_strstrip (elves_json_value_to_text (value));
  gint64 number = fallback;

  if (value.kind == ELVES_JSON_ABSENT)
    return fallback;
  if ((value.kind != ELVES_JSON_NUMBER && value.kind != ELVES_JSON_STRING) ||
      !elves_romens_parse_number (text, max, &number))
    {
      g_autofree char *why =
          g_strdup_printf ("expected a whole number from 0 to %" G_GINT64_FORMAT, max);
      elves_romens_blame (self, name.wire, why);
    }
  return number;
}

/**
 * elves_romens_flag:
 *
 * Returns: 1 of true, 0 of false, in JSON or as a text; @fallback of what is missing or neither
 */
int
elves_romens_flag (ElvesRomensMembers *self, ElvesRomensName name, int fallback)
{
  ElvesJsonValue value = elves_romens_get (self, name);
  g_autofree char *text = elves_json_value_to_text (value);

  if (value.kind == ELVES_JSON_ABSENT)
    return fallback;
  if (strcmp (text, "true") == 0)
    return 1;
  if (strcmp (text, "false") == 0)
    return 0;
  elves_romens_blame (self, name.wire, "expected true or false");
  return fallback;
}
