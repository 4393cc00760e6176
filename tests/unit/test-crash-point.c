/* Crash points and broken promises: each case in a child, which passes points and says how often it
   got through. */

#include "common/crash-point.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct
{
  const char *crash; /* ELVES_CRASH, NULL: not set */
  int signal_number; /* ended by it; 0: not at all */
} Case;

static pid_t
start_child (const char *crash)
{
  pid_t child = fork ();
  g_assert_cmpint (child, >=, 0);
  if (child != 0)
    return child;
  if (crash != NULL)
    g_setenv ("ELVES_CRASH", crash, TRUE);
  for (int i = 0; i < 3; i++)
    {
      ELVES_CRASH_POINT ("before-send");
      ELVES_CRASH_POINT ("after-send");
    }
  _exit (7);
}

static void
test_kill (void)
{
  static const Case cases[] = {
    { NULL, 0 },
    { "", 0 },
    { "before-send", SIGKILL },
    { "after-send:3", SIGKILL },
    { "after-send:3:kill", SIGKILL },
    { "after-send:4", 0 },
    { "before-ack", 0 },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      pid_t child = start_child (cases[i].crash);
      int status = 0;
      g_assert_cmpint (waitpid (child, &status, 0), ==, child);
      g_assert_cmpint (WIFSIGNALED (status) ? WTERMSIG (status) : 0, ==, cases[i].signal_number);
      if (cases[i].signal_number == 0)
        g_assert_cmpint (WEXITSTATUS (status), ==, 7);
    }
}

/* A stopped process goes on where it was, and is not stopped again. */
static void
test_stop (void)
{
  pid_t child = start_child ("before-send:2:stop");
  int status = 0;
  g_assert_cmpint (waitpid (child, &status, WUNTRACED), ==, child);
  g_assert_true (WIFSTOPPED (status));
  g_assert_cmpint (kill (child, SIGCONT), ==, 0);
  g_assert_cmpint (waitpid (child, &status, WUNTRACED), ==, child);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, 7);
}

/* What cannot be understood is said: a warning, which ends a test. */
static void
test_wrong (void)
{
  static const char *const wrong[] = {
    "nowhere",       "before-send:",      "before-send:0",
    "before-send:x", "before-send:1:hup", "before-send:1:kill:2"
  };
  for (gsize i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_setenv ("ELVES_CRASH", wrong[i], TRUE);
      g_test_trap_subprocess ("/crash-point/wrong/child", 0, 0);
      g_test_trap_assert_failed ();
      g_test_trap_assert_stderr ("*is not understood*");
    }
  g_unsetenv ("ELVES_CRASH");
}

static void
test_wrong_child (void)
{
  if (g_test_subprocess ())
    ELVES_CRASH_POINT ("before-send");
}

/* Bits of the calls that were told to break it. */
static int
broken_calls (const char *value)
{
  pid_t child = fork ();
  g_assert_cmpint (child, >=, 0);
  if (child == 0)
    {
      if (value != NULL)
        g_setenv ("ELVES_BREAK", value, TRUE);
      int bits = 0;
      for (int i = 0; i < 4; i++)
        bits |= elves_break_promise ("start-twice") << i;
      _exit (bits);
    }
  int status = 0;
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_true (WIFEXITED (status));
  return WEXITSTATUS (status);
}

static void
test_break (void)
{
  g_assert_cmpint (broken_calls (NULL), ==, 0);
  g_assert_cmpint (broken_calls ("start-twice"), ==, 0xf);
  g_assert_cmpint (broken_calls ("start-twice:2"), ==, 0xa);
  g_assert_cmpint (broken_calls ("answer-before-confirm"), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/crash-point/kill", test_kill);
  g_test_add_func ("/crash-point/stop", test_stop);
  g_test_add_func ("/crash-point/wrong", test_wrong);
  g_test_add_func ("/crash-point/wrong/child", test_wrong_child);
  g_test_add_func ("/crash-point/break", test_break);
  return g_test_run ();
}
