/* One row of an option table: finding it by key, reading its text, storing its value.

   The messages here say what was expected; where the text came from (file and line, environment,
   command line) and the key are put in front by config.c. A secret is never in a message. */

#include "common/option.h"

#include "common/error.h"
#include "common/names.h"

#include <string.h>

enum
{
  NEAREST_KEY_MAX_BYTES = 64,
  NEAREST_DISTANCE_MIN = 2
};

/* "app.*.user" and "app.web.user" give "web". */
static char *
match_pattern (const char *pattern, const char *key)
{
  const char *star = strchr (pattern, '*');
  gsize before = star - pattern;
  gsize after = strlen (star + 1);
  gsize length = strlen (key);
  if (length <= before + after || strncmp (key, pattern, before) != 0 ||
      !g_str_has_suffix (key, star + 1))
    return NULL;
  return g_strndup (key + before, length - before - after);
}

/**
 * elves_option_find:
 * @out_middle: (out) (transfer full) (nullable): what stands for the * of a MAP row
 *
 * Returns: (nullable): the row of @table that @key belongs to. Any thread.
 */
const ElvesOption *
elves_option_find (const ElvesOption *table, const char *key, char **out_middle)
{
  *out_middle = NULL;
  for (const ElvesOption *option = table; option->key; option++)
    {
      if (option->type == ELVES_OPTION_MAP)
        *out_middle = match_pattern (option->key, key);
      if (*out_middle || (option->type != ELVES_OPTION_MAP && g_str_equal (option->key, key)))
        return option;
    }
  return NULL;
}

/* Levenshtein distance, capitals ignored; both at most NEAREST_KEY_MAX_BYTES long. */
static guint
edit_distance (const char *a, const char *b)
{
  guint row[NEAREST_KEY_MAX_BYTES + 1];
  gsize columns = strlen (b);
  for (gsize j = 0; j <= columns; j++)
    row[j] = j;
  for (gsize i = 0; a[i]; i++)
    {
      guint diagonal = row[0];
      row[0] = i + 1;
      for (gsize j = 0; j < columns; j++)
        {
          gboolean same = g_ascii_tolower (a[i]) == g_ascii_tolower (b[j]);
          guint replaced = diagonal + (same ? 0 : 1);
          diagonal = row[j + 1];
          row[j + 1] = MIN (MIN (row[j], diagonal) + 1, replaced);
        }
    }
  return row[columns];
}

/**
 * elves_option_nearest_key:
 * @key: a key that is in no row of @table
 *
 * Returns: (nullable): the key of a row that differs in few characters, the nearest if there are
 *   several; keys of older systems are never proposed.
 */
const char *
elves_option_nearest_key (const ElvesOption *table, const char *key)
{
  const char *nearest = NULL;
  if (strlen (key) > NEAREST_KEY_MAX_BYTES)
    return NULL;

  guint limit = MAX (NEAREST_DISTANCE_MIN, strlen (key) / 4) + 1;
  for (const ElvesOption *option = table; option->key; option++)
    {
      if ((option->flags & ELVES_OPTION_IGNORED) || strlen (option->key) > NEAREST_KEY_MAX_BYTES)
        continue;
      guint distance = edit_distance (key, option->key);
      if (distance < limit)
        {
          limit = distance;
          nearest = option->key;
        }
    }
  return nearest;
}

/**
 * elves_option_environment_name:
 *
 * Returns: (transfer full): the environment variable that sets the option.
 */
char *
elves_option_environment_name (const ElvesOption *option)
{
  GString *name = g_string_new (ELVES_ENVIRONMENT_PREFIX);
  for (const char *c = option->key; *c; c++)
    g_string_append_c (name, g_ascii_isalnum (*c) ? g_ascii_toupper (*c) : '_');
  return g_string_free (name, FALSE);
}

static gboolean
parse_number (const ElvesOption *option, const char *text, guint64 *out_number, GError **error)
{
  g_autoptr (GError) number_error = NULL;
  if (g_ascii_string_to_unsigned (text, 10, option->min, option->max, out_number, &number_error))
    return TRUE;

  gboolean is_number =
      g_error_matches (number_error, G_NUMBER_PARSER_ERROR, G_NUMBER_PARSER_ERROR_OUT_OF_BOUNDS);
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG,
               "\"%s\" is %s (expected %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT "%s%s)", text,
               is_number ? "out of range" : "not a whole number", option->min, option->max,
               option->unit ? " " : "", option->unit ? option->unit : "");
  return FALSE;
}

static gboolean
parse_choice (const char *const *choices, const char *text, guint64 *out_number, GError **error)
{
  for (guint i = 0; choices[i]; i++)
    if (g_ascii_strcasecmp (choices[i], text) == 0)
      {
        *out_number = i;
        return TRUE;
      }
  g_autofree char *expected = g_strjoinv (" or ", (char **) choices);
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG, "\"%s\" is not known (expected %s)", text,
               expected);
  return FALSE;
}

static gboolean
parse_string (const ElvesOption *option, const char *text, GError **error)
{
  if (*text || !(option->flags & ELVES_OPTION_REQUIRED))
    return TRUE;
  g_set_error_literal (error, ELVES_ERROR, ELVES_ERROR_CONFIG, "must not be empty");
  return FALSE;
}

static gboolean
parse_map_item (const ElvesOption *option,
                const char *middle,
                const char *text,
                GHashTable *map,
                GError **error)
{
  guint64 number;
  if (option->max > 0 && !parse_number (option, text, &number, error))
    return FALSE;
  g_hash_table_replace (map, g_strdup (middle), g_strdup (text));
  return TRUE;
}

/**
 * elves_option_parse:
 * @middle: (nullable): of a MAP row, what elves_option_find() gave
 * @text: the value as it was written
 * @value: goes from its old content, if any, to the new one
 *
 * Errors: %ELVES_ERROR_CONFIG says what was expected; the caller adds key and place. @value may
 *   then hold either content.
 */
gboolean
elves_option_parse (const ElvesOption *option,
                    const char *middle,
                    const char *text,
                    ElvesOptionValue *value,
                    GError **error)
{
  static const char *const booleans[] = { "false", "true", NULL };
  g_autofree char *trimmed = g_strstrip (g_strdup (text));
  gboolean ok = TRUE;

  switch (option->type)
    {
    case ELVES_OPTION_STRING:
      ok = parse_string (option, trimmed, error);
      g_free (value->text);
      value->text = g_steal_pointer (&trimmed);
      break;
    case ELVES_OPTION_SECRET:
      g_free (value->text);
      value->text = g_strdup (text);
      break;
    case ELVES_OPTION_UINT:
    case ELVES_OPTION_UINT64:
      ok = parse_number (option, trimmed, &value->number, error);
      break;
    case ELVES_OPTION_BOOL:
      ok = parse_choice (booleans, trimmed, &value->number, error);
      break;
    case ELVES_OPTION_CHOICE:
      ok = parse_choice (option->choices, trimmed, &value->number, error);
      break;
    case ELVES_OPTION_SWITCH:
      value->number = g_ascii_strcasecmp (trimmed, "true") == 0;
      break;
    case ELVES_OPTION_MAP:
      if (!value->map)
        value->map = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
      ok = parse_map_item (option, middle, trimmed, value->map, error);
      break;
    }
  value->is_given |= ok;
  return ok;
}

/**
 * elves_option_value_clear:
 *
 * Frees what @value holds, not @value itself.
 */
void
elves_option_value_clear (ElvesOptionValue *value)
{
  g_clear_pointer (&value->text, g_free);
  g_clear_pointer (&value->map, g_hash_table_unref);
}

/**
 * elves_option_store:
 * @value: strings and maps are moved out of it
 * @target: the struct that the row's offset points into; the field's old content is not freed
 *
 * A string that was not given becomes "", a map an empty one.
 */
void
elves_option_store (const ElvesOption *option, ElvesOptionValue *value, gpointer target)
{
  gpointer field = G_STRUCT_MEMBER_P (target, option->offset);
  if (option->flags & ELVES_OPTION_IGNORED)
    return;

  switch (option->type)
    {
    case ELVES_OPTION_STRING:
    case ELVES_OPTION_SECRET:
      *(char **) field = value->text ? g_steal_pointer (&value->text) : g_strdup ("");
      break;
    case ELVES_OPTION_UINT:
      *(guint *) field = value->number;
      break;
    case ELVES_OPTION_UINT64:
      *(guint64 *) field = value->number;
      break;
    case ELVES_OPTION_BOOL:
      *(gboolean *) field = value->number != 0;
      break;
    case ELVES_OPTION_CHOICE:
      *(int *) field = value->number;
      break;
    case ELVES_OPTION_SWITCH:
      *(int *) field = value->is_given ? (int) value->number : -1;
      break;
    case ELVES_OPTION_MAP:
      *(GHashTable **) field =
          value->map ? g_steal_pointer (&value->map)
                     : g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
      break;
    }
}

/**
 * elves_option_clear:
 * @target: what elves_option_store() filled, or all zero
 *
 * Frees a string or map and sets its field to %NULL.
 */
void
elves_option_clear (const ElvesOption *option, gpointer target)
{
  gpointer field = G_STRUCT_MEMBER_P (target, option->offset);
  if (option->flags & ELVES_OPTION_IGNORED)
    return;
  if (option->type == ELVES_OPTION_STRING || option->type == ELVES_OPTION_SECRET)
    g_clear_pointer ((char **) field, g_free);
  else if (option->type == ELVES_OPTION_MAP)
    g_clear_pointer ((GHashTable **) field, g_hash_table_unref);
}
