/* Log lines as they reach standard error, fields, and the throttle. */

#include "common/error.h"
#include "common/log.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void
log_some_lines (const char *level)
{
  g_assert_true (elves_log_init (level, NULL));
  g_log ("elves", G_LOG_LEVEL_WARNING, "a warning agent=10.0.0.1");
  g_log ("elves", G_LOG_LEVEL_MESSAGE, "two\nlines \x1b[1m\xff");
  g_log (NULL, G_LOG_LEVEL_INFO, "an info");
  g_log ("elves", G_LOG_LEVEL_DEBUG, "a debug");
}

static void
test_lines (void)
{
  if (g_test_subprocess ())
    {
      log_some_lines ("info");
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stderr ("2*-*-*T*:*:*.???Z warning elves a warning agent=10.0.0.1\n"
                             "2*-*-*T*:*:*.???Z message elves two\\nlines \\x1b[1m*\n"
                             "2*-*-*T*:*:*.???Z info - an info\n");
}

static void
test_level (void)
{
  if (g_test_subprocess ())
    {
      log_some_lines ("debug");
      log_some_lines ("error"); /* a second call changes the level */
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stderr ("*Z debug elves a debug\n");
}

static void
test_long_message (void)
{
  if (g_test_subprocess ())
    {
      g_autofree char *text = g_strnfill (100000, 'x');
      g_assert_true (elves_log_init ("message", NULL));
      g_log ("elves", G_LOG_LEVEL_MESSAGE, "%s", text);
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stderr ("*Z message elves xxx*xxx...\n");
}

/* Standard error is the journal only when JOURNAL_STREAM names the very same socket. */
static void
test_journal (void)
{
  if (g_test_subprocess ())
    {
      struct stat status;
      g_assert_cmpint (fstat (STDERR_FILENO, &status), ==, 0);
      g_autofree char *stream =
          g_strdup_printf ("%lu:%lu", (gulong) status.st_dev, (gulong) status.st_ino);
      g_setenv ("JOURNAL_STREAM", stream, TRUE);
      log_some_lines ("warning");
      g_setenv ("JOURNAL_STREAM", "1:2", TRUE);
      log_some_lines ("warning");
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stderr ("<4>warning elves a warning agent=10.0.0.1\n2*Z warning *\n");
}

static void
test_unknown_level (void)
{
  static const char *const levels[] = { "", "warn", "critical", "Error", "7" };
  for (gsize i = 0; i < G_N_ELEMENTS (levels); i++)
    {
      g_autoptr (GError) error = NULL;
      g_assert_false (elves_log_init (levels[i], &error));
      g_assert_error (error, ELVES_ERROR, ELVES_ERROR_CONFIG);
    }
}

static void
test_fields (void)
{
  static const struct
  {
    const char *value, *expected;
  } cases[] = {
    { "10.0.0.1", "key=10.0.0.1" },
    { "", "key=\"\"" },
    { NULL, "key=\"\"" },
    { "a b", "key=\"a b\"" },
    { "a=b", "key=\"a=b\"" },
    { "say \"x\"", "key=\"say \\\"x\\\"\"" },
    { "a\\b", "key=\"a\\\\b\"" },
    { "a\nb", "key=\"a\\nb\"" },
    { "a\x01", "key=\"a\\x01\"" },
    { "\xC2\x85", "key=\"\\x85\"" },
    { "\xE6\x97\xA5", "key=\xE6\x97\xA5" },
    { "\xFF", "key=\xEF\xBF\xBD" },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *field = elves_log_field ("key", cases[i].value);
      g_assert_cmpstr (field, ==, cases[i].expected);
    }

  g_autofree char *text = g_strnfill (1000, 'x');
  g_autofree char *field = elves_log_field ("key", text);
  g_assert_cmpuint (strlen (field), <, 300);
  g_assert_true (g_str_has_suffix (field, "x..."));
}

static void
test_throttle (void)
{
  ElvesLogThrottle throttle = { 0 };
  guint held_back = 99;
  gint64 start_us = 5;
  g_assert_true (elves_log_throttle_pass (&throttle, start_us, &held_back));
  g_assert_cmpuint (held_back, ==, 0);
  g_assert_false (elves_log_throttle_pass (&throttle, start_us, &held_back));
  g_assert_false (elves_log_throttle_pass (&throttle, start_us + 999999, &held_back));
  g_assert_true (elves_log_throttle_pass (&throttle, start_us + 1000000, &held_back));
  g_assert_cmpuint (held_back, ==, 2);
  g_assert_false (elves_log_throttle_pass (&throttle, start_us + 1000001, &held_back));
  g_assert_true (elves_log_throttle_pass (&throttle, start_us + 9000000, &held_back));
  g_assert_cmpuint (held_back, ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_always_fatal (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
  g_unsetenv ("JOURNAL_STREAM");
  g_test_add_func ("/log/lines", test_lines);
  g_test_add_func ("/log/level", test_level);
  g_test_add_func ("/log/long-message", test_long_message);
  g_test_add_func ("/log/journal", test_journal);
  g_test_add_func ("/log/unknown-level", test_unknown_level);
  g_test_add_func ("/log/fields", test_fields);
  g_test_add_func ("/log/throttle", test_throttle);
  return g_test_run ();
}
