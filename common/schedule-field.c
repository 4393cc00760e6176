/* Reading one field. A field is a list of items; an item is "*", a value or a range, perhaps with a
   step. Values are numbers, or names where the field has them. */

#include "common/schedule-field.h"

#include "common/error.h"

#include <string.h>

const char *const elves_month_names[] = { "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL",
                                          "AUG", "SEP", "OCT", "NOV", "DEC", NULL };
const char *const elves_weekday_names[] = { "SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT", NULL };

enum
{
  DIGITS_LIMIT = 9,
  NAME_LENGTH = 3
};

/* --- errors ---------------------------------------------------------------------------------- */

/**
 * elves_field_refuse:
 * @spec: which field
 * @text: what stands there
 * @error: set
 * @format: what was expected
 *
 * Returns: %FALSE.
 */
gboolean
elves_field_refuse (const ElvesFieldSpec *spec,
                    const char *text,
                    GError **error,
                    const char *format,
                    ...)
{
  g_autofree char *reason = NULL;
  va_list arguments;

  va_start (arguments, format);
  reason = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_INVALID, "%s \"%s\": %s", spec->name, text, reason);
  return FALSE;
}

static gboolean
refuse_value (const ElvesFieldSpec *spec, const char *item, GError **error)
{
  guint n_names = spec->names != NULL ? g_strv_length ((char **) spec->names) : 0;

  if (n_names == 0)
    return elves_field_refuse (spec, item, error, "expected %u-%u", spec->low, spec->high);
  return elves_field_refuse (spec, item, error, "expected %u-%u or %s-%s", spec->low, spec->high,
                             spec->names[0], spec->names[n_names - 1]);
}

/* --- words ----------------------------------------------------------------------------------- */

static gboolean
check_characters (const char *text, GError **error)
{
  for (const char *c = text; *c != '\0'; c++)
    if (*c != '\t' && !g_ascii_isprint (*c))
      {
        g_set_error (error, ELVES_ERROR, ELVES_ERROR_INVALID,
                     "byte %u of the rule is 0x%02x, expected printable ASCII",
                     (guint) (c - text) + 1, (guchar) *c);
        return FALSE;
      }
  return TRUE;
}

/**
 * elves_rule_split:
 * @text: a rule
 * @error: return location
 *
 * Returns: (transfer full): its words, at least one, at most %ELVES_FIELDS_LIMIT, the last of which
 *   may then hold several; %NULL with @error set.
 */
char **
elves_rule_split (const char *text, GError **error)
{
  g_autoptr (GStrvBuilder) words = g_strv_builder_new ();
  guint n_words = 0;

  if (!check_characters (text, error))
    return NULL;
  for (const char *c = text + strspn (text, " \t"); *c != '\0'; c += strspn (c, " \t"))
    {
      gsize length = ++n_words < ELVES_FIELDS_LIMIT ? strcspn (c, " \t") : strlen (c);
      g_autofree char *word = g_strndup (c, length);

      g_strv_builder_add (words, word);
      c += length;
    }
  if (n_words > 0)
    return g_strv_builder_end (words);
  g_set_error_literal (error, ELVES_ERROR, ELVES_ERROR_INVALID, "the rule is empty");
  return NULL;
}

/* --- values ---------------------------------------------------------------------------------- */

/* FALSE: no digits, or too many to be right. */
static gboolean
read_number (const char **at, guint *out_value)
{
  guint n_digits = (guint) strspn (*at, "0123456789");

  if (n_digits == 0 || n_digits > DIGITS_LIMIT)
    return FALSE;
  *out_value = (guint) g_ascii_strtoull (*at, NULL, 10);
  *at += n_digits;
  return TRUE;
}

static gboolean
read_name (const ElvesFieldSpec *spec, const char **at, guint *out_value)
{
  for (guint i = 0; spec->names != NULL && spec->names[i] != NULL; i++)
    if (g_ascii_strncasecmp (*at, spec->names[i], NAME_LENGTH) == 0)
      {
        *out_value = spec->first_name + i;
        *at += NAME_LENGTH;
        return TRUE;
      }
  return FALSE;
}

/**
 * elves_field_read_value:
 * @spec: which field
 * @item: the whole item, for errors
 * @at: where in it; moved behind the value
 * @out_value: the value
 * @error: return location
 *
 * Returns: whether there is a number or a name that the field may have.
 */
gboolean
elves_field_read_value (const ElvesFieldSpec *spec,
                        const char *item,
                        const char **at,
                        guint *out_value,
                        GError **error)
{
  if (read_name (spec, at, out_value))
    return TRUE;
  if (read_number (at, out_value) && *out_value >= spec->low && *out_value <= spec->high)
    return TRUE;
  return refuse_value (spec, item, error);
}

/**
 * elves_field_read_step:
 * @spec: which field
 * @item: the whole item, for errors
 * @at: where in it; moved over "/" and the step, if it stands there
 * @out_step: the step; 1 when there is none
 * @error: return location
 *
 * Returns: %FALSE when there is a step that is no number from 1 on.
 */
gboolean
elves_field_read_step (const ElvesFieldSpec *spec,
                       const char *item,
                       const char **at,
                       guint *out_step,
                       GError **error)
{
  *out_step = 1;
  if (**at != '/')
    return TRUE;
  (*at)++;
  if (read_number (at, out_step) && *out_step > 0)
    return TRUE;
  return elves_field_refuse (spec, item, error, "expected a step of 1 or more after \"/\"");
}

/**
 * elves_field_at_end:
 * @spec: which field
 * @item: the whole item, for errors
 * @at: where in it
 * @error: return location
 *
 * Returns: whether the item ends there.
 */
gboolean
elves_field_at_end (const ElvesFieldSpec *spec, const char *item, const char *at, GError **error)
{
  return *at == '\0' || elves_field_refuse (spec, item, error, "\"%s\" is not expected there", at);
}

/**
 * elves_field_add:
 * @spec: which field
 * @bits: added to
 * @from: a value of the field
 * @to: a value of the field; below @from: over the end and on from the beginning
 * @step: 1 or more
 */
void
elves_field_add (const ElvesFieldSpec *spec, ElvesFieldBits *bits, guint from, guint to, guint step)
{
  guint size = spec->high - spec->low + 1;
  guint last = to < from ? to + size : to;

  for (guint64 i = from; i <= last; i += step)
    {
      guint bit = (guint) (i > spec->high ? i - size : i) - spec->base;

      bits->words[bit / 64] |= G_GUINT64_CONSTANT (1) << bit % 64;
    }
}

/* --- the crontab family ---------------------------------------------------------------------- */

static gboolean
parse_range (const ElvesFieldSpec *spec,
             ElvesFieldFlags flags,
             const char *item,
             const char **at,
             guint *from,
             guint *to,
             GError **error)
{
  if (!elves_field_read_value (spec, item, at, from, error))
    return FALSE;
  *to = **at == '/' && (flags & ELVES_FIELD_SINGLE_STEP) == 0 ? spec->high : *from;
  if (**at != '-')
    return TRUE;
  (*at)++;
  if (!elves_field_read_value (spec, item, at, to, error))
    return FALSE;
  return *to >= *from || elves_field_refuse (spec, item, error, "the range runs backwards");
}

static gboolean
parse_item (const ElvesFieldSpec *spec,
            ElvesFieldFlags flags,
            const char *item,
            ElvesFieldBits *bits,
            gboolean *star,
            GError **error)
{
  const char *at = item;
  guint from = spec->low;
  guint to = spec->high;
  guint step;

  if (*at == '*' || (*at == '?' && (flags & ELVES_FIELD_QUESTION_MARK) != 0))
    {
      *star = TRUE;
      at++;
    }
  else if (!parse_range (spec, flags, item, &at, &from, &to, error))
    return FALSE;
  if (!elves_field_read_step (spec, item, &at, &step, error) ||
      !elves_field_at_end (spec, item, at, error))
    return FALSE;
  elves_field_add (spec, bits, from, to, step);
  return TRUE;
}

/**
 * elves_field_parse:
 * @spec: which field
 * @flags: what the dialect allows
 * @text: the field
 * @out_bits: its values
 * @out_star: whether an item began with "*" or "?"
 * @error: return location
 *
 * Returns: %FALSE with @error set when it is not right.
 */
gboolean
elves_field_parse (const ElvesFieldSpec *spec,
                   ElvesFieldFlags flags,
                   const char *text,
                   ElvesFieldBits *out_bits,
                   gboolean *out_star,
                   GError **error)
{
  g_auto (GStrv) items = g_strsplit (text, ",", -1);

  *out_bits = (ElvesFieldBits){ 0 };
  *out_star = FALSE;
  for (char **item = items; *item != NULL; item++)
    if (!parse_item (spec, flags, *item, out_bits, out_star, error))
      return FALSE;
  return items[0] != NULL || refuse_value (spec, text, error);
}
