/* Fills a plain struct from an option table and four sources: the table's defaults, a file, the
   environment, the command line; each one goes over the ones before it.

   All or nothing: every source is read and every value checked before the target is touched. A
   value is checked even when a later source replaces it, so that a file that is wrong is wrong on
   every host. No rules between keys, no reading again at run time. */

#include "common/config.h"

#include "common/error.h"
#include "common/option.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum
{
  FILE_MAX_BYTES = 1024 * 1024
};

typedef struct
{
  guint line;
  char *value;
} SeenEntry;

typedef struct
{
  const ElvesOption *table;
  gsize n_options;
  gboolean ignore_unknown;
  ElvesOptionValue *values; /* one for each row */
  GHashTable *seen;         /* char *key -> SeenEntry *: of the file */
} Loader;

static void
seen_entry_free (gpointer data)
{
  SeenEntry *self = data;
  g_free (self->value);
  g_free (self);
}

static Loader *
loader_new (const ElvesOption *table, gboolean ignore_unknown)
{
  Loader *self = g_new0 (Loader, 1);
  self->table = table;
  self->ignore_unknown = ignore_unknown;
  while (table[self->n_options].key)
    self->n_options++;
  self->values = g_new0 (ElvesOptionValue, self->n_options);
  self->seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, seen_entry_free);
  return self;
}

static void
loader_free (Loader *self)
{
  for (gsize i = 0; i < self->n_options; i++)
    elves_option_value_clear (&self->values[i]);
  g_free (self->values);
  g_hash_table_unref (self->seen);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Loader, loader_free)

static gboolean
load_defaults (Loader *self, GError **error)
{
  for (gsize i = 0; i < self->n_options; i++)
    {
      const ElvesOption *option = &self->table[i];
      ElvesOptionValue *value = &self->values[i];
      if (!option->default_text)
        continue;
      if (!elves_option_parse (option, NULL, option->default_text, value, error))
        {
          g_prefix_error (error, "built-in default: %s: ", option->key);
          return FALSE;
        }
    }
  return TRUE;
}

static void
set_unknown_key (const Loader *self, const char *key, GError **error)
{
  const char *nearest = elves_option_nearest_key (self->table, key);
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG, "%s: there is no such key%s%s%s", key,
               nearest ? " (did you mean " : "", nearest ? nearest : "", nearest ? "?)" : "");
}

/* One key from any source. */
static gboolean
take_value (Loader *self, const char *key, const char *text, GError **error)
{
  g_autofree char *middle = NULL;
  const ElvesOption *option = elves_option_find (self->table, key, &middle);
  if (!option && self->ignore_unknown)
    return TRUE;
  if (!option)
    {
      set_unknown_key (self, key, error);
      return FALSE;
    }
  if (option->flags & ELVES_OPTION_IGNORED)
    return TRUE;
  if (elves_option_parse (option, middle, text, &self->values[option - self->table], error))
    return TRUE;
  g_prefix_error (error, "%s: ", key);
  return FALSE;
}

/* The same key twice with two values is nearly always a slip, and taking the last one hides it. */
static gboolean
check_first_time (Loader *self, const char *key, const char *value, guint line, GError **error)
{
  const SeenEntry *before = g_hash_table_lookup (self->seen, key);
  if (before && !g_str_equal (before->value, value))
    {
      g_set_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG,
                   "%s: line %u gives another value for this key", key, before->line);
      return FALSE;
    }
  if (!before)
    {
      SeenEntry *entry = g_new0 (SeenEntry, 1);
      entry->line = line;
      entry->value = g_strdup (value);
      g_hash_table_insert (self->seen, g_strdup (key), entry);
    }
  return TRUE;
}

static gboolean
on_entry_read (const char *key, const char *value, guint line, gpointer user_data, GError **error)
{
  Loader *self = user_data;
  g_autofree char *middle = NULL;
  if (self->ignore_unknown && !elves_option_find (self->table, key, &middle))
    return TRUE;
  return check_first_time (self, key, value, line, error) && take_value (self, key, value, error);
}

static gboolean
set_file_error (GError **error, const char *file, const char *what)
{
  g_set_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG, "%s: %s", file, what);
  return FALSE;
}

static gboolean
read_file (const char *file, char **out_text, gsize *out_length, GError **error)
{
  FILE *stream = fopen (file, "re");
  if (!stream)
    return set_file_error (error, file, g_strerror (errno));

  g_autofree char *text = g_malloc (FILE_MAX_BYTES + 1);
  gsize length = fread (text, 1, FILE_MAX_BYTES + 1, stream);
  int read_errno = ferror (stream) ? errno : 0; /* of a folder: EISDIR */
  fclose (stream);
  if (read_errno != 0)
    return set_file_error (error, file, g_strerror (read_errno));
  if (length > FILE_MAX_BYTES)
    return set_file_error (error, file, "larger than 1 MiB, so no configuration file");
  *out_text = g_steal_pointer (&text);
  *out_length = length;
  return TRUE;
}

static gboolean
load_file (Loader *self, const char *file, GError **error)
{
  g_autofree char *text = NULL;
  gsize length = 0;
  if (!read_file (file, &text, &length, error))
    return FALSE;
  if (elves_properties_parse (text, length, on_entry_read, self, error))
    return TRUE;
  g_prefix_error (error, "%s:", file);
  return FALSE;
}

static gboolean
load_environment (Loader *self, const char *const *environment, GError **error)
{
  for (const ElvesOption *option = self->table; option->key; option++)
    {
      if (option->type == ELVES_OPTION_MAP)
        continue;
      g_autofree char *name = elves_option_environment_name (option);
      const char *text = g_environ_getenv ((char **) environment, name);
      if (text && !take_value (self, option->key, text, error))
        {
          g_prefix_error (error, "environment %s: ", name);
          return FALSE;
        }
    }
  return TRUE;
}

static gboolean
load_overrides (Loader *self, const char *const *overrides, GError **error)
{
  for (const char *const *override = overrides; *override; override++)
    {
      const char *equals = strchr (*override, '=');
      if (!equals)
        {
          g_set_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG,
                       "command line: \"%s\" is not KEY=VALUE", *override);
          return FALSE;
        }
      g_autofree char *key = g_strstrip (g_strndup (*override, equals - *override));
      if (!take_value (self, key, equals + 1, error))
        {
          g_prefix_error (error, "command line: ");
          return FALSE;
        }
    }
  return TRUE;
}

static gboolean
check_required (const Loader *self, const char *file, GError **error)
{
  for (gsize i = 0; i < self->n_options; i++)
    {
      const ElvesOption *option = &self->table[i];
      if (!(option->flags & ELVES_OPTION_REQUIRED) || self->values[i].is_given)
        continue;
      g_set_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG, "%s%s%s is missing (%s)",
                   file ? file : "", file ? ": " : "", option->key, option->help);
      return FALSE;
    }
  return TRUE;
}

/**
 * elves_config_load:
 * @table: the rows; ends with a %NULL key
 * @target: the struct the rows' offsets point into; filled only on success
 * @file: (nullable): the path of a properties file
 * @environment: (nullable): as g_get_environ() gives it
 * @overrides: (nullable): "key=value" of the command line, the last one of a key counts
 * @ignore_unknown: pass over keys that are in no row
 *
 * Returns: whether @target was filled; elves_config_clear() then frees what it holds.
 *
 * Errors: %ELVES_ERROR_CONFIG, one line for the operator: where, which key, what was expected.
 */
gboolean
elves_config_load (const ElvesOption *table,
                   gpointer target,
                   const char *file,
                   const char *const *environment,
                   const char *const *overrides,
                   gboolean ignore_unknown,
                   GError **error)
{
  g_autoptr (Loader) self = loader_new (table, ignore_unknown);
  if (!load_defaults (self, error) || (file && !load_file (self, file, error)) ||
      (environment && !load_environment (self, environment, error)) ||
      (overrides && !load_overrides (self, overrides, error)) ||
      !check_required (self, file, error))
    return FALSE;

  for (gsize i = 0; i < self->n_options; i++)
    elves_option_store (&table[i], &self->values[i], target);
  return TRUE;
}

/**
 * elves_config_clear:
 * @target: what elves_config_load() filled, or all zero
 *
 * Frees the strings and maps of @target and sets them to %NULL; numbers stay.
 */
void
elves_config_clear (const ElvesOption *table, gpointer target)
{
  for (const ElvesOption *option = table; option->key; option++)
    elves_option_clear (option, target);
}
