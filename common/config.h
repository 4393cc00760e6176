/* Configuration: Java-properties text (the seed's syntax) and one option table per program fill a
 * plain struct. Order: default in the table, file, environment (ELVES_ + the key in capitals, every
 * character that is not a letter or digit as _; an empty one counts), command line (--set
 * key=value). Rows of type MAP have no environment name.
 *
 * An unknown key, a bad number, a value out of range, a missing required key, a key given twice in
 * one file with two values: ELVES_ERROR_CONFIG with file, line, key and what was expected. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  ELVES_OPTION_STRING, /* char *, trimmed, never NULL */
  ELVES_OPTION_SECRET, /* char *, not trimmed at its end, never shown */
  ELVES_OPTION_UINT,   /* guint, within [min, max] */
  ELVES_OPTION_UINT64, /* guint64, within [min, max] */
  ELVES_OPTION_BOOL,   /* gboolean: true or false, any case */
  ELVES_OPTION_CHOICE, /* int: index into choices, any case */
  ELVES_OPTION_SWITCH, /* int: 1 for true in any case, 0 for any other text (the original's rule),
                          -1 when it is not given */
  ELVES_OPTION_MAP     /* GHashTable * of char * -> char *: key is a pattern with one *, e.g.
                          "app.*.user" */
} ElvesOptionType;

typedef enum
{
  ELVES_OPTION_OPTIONAL = 0,
  ELVES_OPTION_REQUIRED = 1 << 0, /* no default: must be given somewhere */
  ELVES_OPTION_IGNORED = 1 << 1   /* a key of an older system: accepted, without effect */
} ElvesOptionFlags;

typedef struct
{
  const char *key;
  ElvesOptionType type;
  gsize offset;             /* into the target struct */
  const char *default_text; /* (nullable) parsed like a value from the file */
  guint64 min,
      max; /* UINT, UINT64; and of each value of a MAP whose values are numbers (max > 0) */
  const char *unit;           /* (nullable) "ms", "s", "bytes": for messages and documentation */
  const char *const *choices; /* CHOICE, NULL-terminated */
  ElvesOptionFlags flags;
  const char *help; /* one line */
} ElvesOption;      /* a table ends with a NULL key */

/* Reads the text of one properties file. Pure. @handler is called once per entry, in order; the
   strings are valid during the call. Comments (# !), continuation lines (odd number of trailing
   backslashes), escapes (\n \t \uXXXX ...), separators (= : blank) as java.util.Properties. */
typedef gboolean (*ElvesPropertyFunc) (const char *key,
                                       const char *value,
                                       guint line,
                                       gpointer user_data,
                                       GError **error);
gboolean elves_properties_parse (const char *text,
                                 gsize length,
                                 ElvesPropertyFunc handler,
                                 gpointer user_data,
                                 GError **error);

/* @file: (nullable). @environment: (nullable) as g_get_environ(). @overrides: (nullable)
   "key=value".
   @target is filled only on success. @ignore_unknown: keys that are in no row are passed over (a
   tool that reads a daemon's file). */
gboolean elves_config_load (const ElvesOption *table,
                            gpointer target,
                            const char *file,
                            const char *const *environment,
                            const char *const *overrides,
                            gboolean ignore_unknown,
                            GError **error);
void elves_config_clear (const ElvesOption *table,
                         gpointer target); /* frees what the fields hold */

G_END_DECLS
