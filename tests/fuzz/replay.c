/* Runs one fuzz target over its kept corpus, as a TAP test, with any compiler.

   The program's own name says which: replay-NAME reads tests/fuzz/corpus/NAME below top_srcdir.
   Each file is one test, so that a failure names the input. Each input comes in a heap block of
   exactly its size: a sanitizer sees a read behind its end. */

#include "tests/fuzz/fuzz.h"

#include <glib.h>
#include <string.h>

static void
run_bytes (const char *bytes, gsize length)
{
  g_autofree uint8_t *copy = g_memdup2 (bytes, length);
  g_assert_cmpint (LLVMFuzzerTestOneInput (copy, length), ==, 0);
}

static void
test_empty (void)
{
  run_bytes ("", 0);
}

static void
test_file (gconstpointer data)
{
  const char *path = data;
  g_autofree char *bytes = NULL;
  gsize length;
  g_autoptr (GError) error = NULL;
  g_file_get_contents (path, &bytes, &length, &error);
  g_assert_no_error (error);
  run_bytes (bytes, length);
}

static void
add_folder (const char *name)
{
  const char *top = g_getenv ("top_srcdir");
  g_autofree char *folder =
      g_build_filename (top ? top : ".", "tests", "fuzz", "corpus", name, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) dir = g_dir_open (folder, 0, &error);
  g_assert_no_error (error);

  const char *file;
  while ((file = g_dir_read_name (dir)))
    {
      g_autofree char *test = g_strconcat ("/fuzz/", name, "/", file, NULL);
      g_test_add_data_func_full (test, g_build_filename (folder, file, NULL), test_file, g_free);
    }
}

int
main (int argc, char **argv)
{
  static const char prefix[] = "replay-";
  g_autofree char *program = g_path_get_basename (argv[0]);
  g_assert_true (g_str_has_prefix (program, prefix));

  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/fuzz/empty", test_empty);
  add_folder (program + strlen (prefix));
  return g_test_run ();
}
