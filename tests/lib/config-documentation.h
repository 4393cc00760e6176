/* Does the documentation of an option table say what the table says? For the tests of both
   daemons: every key, default and range is in the example file and in the manual page, and the
   example file is a good file, as it is and with every key in force. */
#pragma once

#include "common/config.h"

#include <glib/gstdio.h>
#include <string.h>

static inline char *
documentation_read (const char *folder, const char *name)
{
  const char *top = g_getenv ("top_srcdir");
  g_autofree char *path = g_build_filename (top ? top : ".", folder, name, NULL);
  g_autoptr (GError) error = NULL;
  char *text = NULL;
  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  return text;
}

/* The text with line breaks and comment signs as blanks, so that wrapping does not matter. */
static inline char *
documentation_unwrap (const char *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n# ", -1);
  g_autofree char *joined = g_strjoinv (" ", lines);
  return g_strdelimit (g_steal_pointer (&joined), "\n", ' ');
}

static inline void
documentation_assert_facts (const ElvesOption *option, const char *block)
{
  g_autofree char *text = documentation_unwrap (block);
  g_autofree char *range = g_strdup_printf ("Range: %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT,
                                            option->min, option->max);
  g_autofree char *value = g_strconcat ("Default: ", option->default_text, NULL);

  g_test_message ("%s: %s", option->key, text);
  if (option->max > 0)
    g_assert_nonnull (strstr (text, range));
  if (option->default_text)
    g_assert_nonnull (strstr (text, *option->default_text ? value : "Default: empty"));
  if (option->flags & ELVES_OPTION_REQUIRED)
    g_assert_nonnull (strstr (text, "Required."));
  for (guint i = 0; option->choices && option->choices[i]; i++)
    g_assert_nonnull (strstr (text, option->choices[i]));
}

/* In the manual page: from ".It Li key" to the next item. */
static inline void
documentation_assert_manual (const ElvesOption *table, const char *name)
{
  g_autofree char *page = documentation_read ("man", name);
  for (const ElvesOption *option = table; option->key; option++)
    {
      g_autofree char *item = g_strconcat (".It Li ", option->key, "\n", NULL);
      g_auto (GStrv) around = g_strsplit (page, item, 2);
      g_test_message ("%s in %s", option->key, name);
      g_assert_nonnull (around[1]);
      g_auto (GStrv) blocks = g_strsplit (around[1], "\n.", 2);
      documentation_assert_facts (option, blocks[0]);
    }
}

/* In the example file: the paragraph that the key ends. */
static inline void
documentation_assert_example (const ElvesOption *table, const char *name)
{
  g_autofree char *text = documentation_read ("conf", name);
  g_auto (GStrv) paragraphs = g_strsplit (text, "\n\n", -1);
  for (const ElvesOption *option = table; option->key; option++)
    {
      gboolean is_map = option->type == ELVES_OPTION_MAP;
      g_autofree char *line =
          g_strconcat (is_map ? "# " : "", option->key, is_map ? "\n" : " =", NULL);
      const char *found = NULL;
      for (guint i = 0; paragraphs[i] && !found; i++)
        {
          const char *at = strstr (paragraphs[i], line);
          if (at && at > paragraphs[i] && (at[-1] == '\n' || at[-1] == '#'))
            found = paragraphs[i];
        }
      g_test_message ("%s in %s", option->key, name);
      g_assert_nonnull (found);
      documentation_assert_facts (option, found);
    }
}

/* "#key = value" becomes "key = value". */
static inline char *
documentation_uncomment (const char *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i]; i++)
    if (lines[i][0] == '#' && g_ascii_isalpha (lines[i][1]))
      lines[i][0] = ' ';
  return g_strjoinv ("\n", lines);
}

/* Writes @text to a file and loads that. */
static inline gboolean
documentation_load (const ElvesOption *table, gpointer target, const char *text, GError **error)
{
  g_autofree char *path = NULL;
  int fd = g_file_open_tmp ("elves-test-XXXXXX", &path, NULL);
  g_assert_cmpint (fd, >=, 0);
  g_assert_true (g_close (fd, NULL));
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  gboolean ok = elves_config_load (table, target, path, NULL, NULL, FALSE, error);
  g_assert_cmpint (g_unlink (path), ==, 0);
  return ok;
}

static inline void
documentation_assert_example_loads (const ElvesOption *table,
                                    gpointer target,
                                    const char *name,
                                    gboolean (*check) (gconstpointer, GError **))
{
  g_autofree char *text = documentation_read ("conf", name);
  g_autofree char *in_force = documentation_uncomment (text);
  const char *const texts[] = { text, in_force };
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;
      documentation_load (table, target, texts[i], &error);
      g_assert_no_error (error);
      check (target, &error);
      g_assert_no_error (error);
      elves_config_clear (table, target);
    }
}
