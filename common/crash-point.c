/* Crash points: a harness that kills daemons from outside hits the moment between two steps almost
   never. A point named in the environment makes that moment certain.

   They are compiled into every build, so that what is tested is what is shipped; one that is not
   named costs a comparison. Workers never see the variables: the agent gives them an environment
   of its own making. A value that cannot be understood is said once, and ignored. */

#include "common/crash-point.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

static const char *const crash_names[] = { "after-consume",
                                           "before-send",
                                           "after-send",
                                           "before-confirm",
                                           "before-ack",
                                           "after-accept",
                                           "before-fsync",
                                           "after-start",
                                           "after-finish",
                                           "after-report",
                                           "component-after-consume",
                                           "component-before-confirm",
                                           "before-commit",
                                           "after-commit",
                                           "queue-before-publish",
                                           "queue-before-sent",
                                           "cron-after-record",
                                           "cron-before-mark",
                                           "openapi-before-ask",
                                           "openapi-before-answer",
                                           NULL };
static const char *const break_names[] = { "answer-before-confirm", "start-twice",  "new-key",
                                           "forget-callback",       "new-call-key", NULL };

/* What one variable says. Written once, before any other thread sees it; only @passed changes. */
typedef struct
{
  char *name; /* NULL: nothing is named */
  guint nth;
  int signal_number;
  guint passed; /* atomic */
} Armed;

/* NAME[:NTH[:kill|stop]] of @text into @armed. */
static gboolean
parse_armed (Armed *armed, const char *text, const char *const *names)
{
  g_auto (GStrv) parts = g_strsplit (text, ":", 0);
  guint n_parts = g_strv_length (parts);
  if (n_parts < 1 || n_parts > 3 || !g_strv_contains (names, parts[0]))
    return FALSE;
  guint64 nth = 1;
  if (n_parts > 1 && !g_ascii_string_to_unsigned (parts[1], 10, 1, G_MAXINT, &nth, NULL))
    return FALSE;
  armed->signal_number = SIGKILL;
  if (n_parts > 2 && g_str_equal (parts[2], "stop"))
    armed->signal_number = SIGSTOP;
  else if (n_parts > 2 && !g_str_equal (parts[2], "kill"))
    return FALSE;
  armed->nth = (guint) nth;
  armed->name = g_strdup (parts[0]);
  return TRUE;
}

static Armed *
armed_by (const char *variable, const char *const *names)
{
  Armed *armed = g_new0 (Armed, 1);
  const char *text = g_getenv (variable);
  if (text != NULL && *text != '\0' && !parse_armed (armed, text, names))
    g_warning ("%s=%s is not understood and ignored", variable, text);
  return armed;
}

/* Whether @name is the one, and this the time. @count: how often it was passed, with this time. */
static gboolean
is_passed (Armed *armed, const char *name, guint *count)
{
  if (G_LIKELY (armed->name == NULL) || strcmp (armed->name, name) != 0)
    return FALSE;
  *count = (guint) g_atomic_int_add (&armed->passed, 1) + 1;
  return TRUE;
}

/**
 * elves_crash_point:
 * @name: one of those in the header
 *
 * Ends or stops this process when ELVES_CRASH says so; else nothing. Any thread.
 */
void
elves_crash_point (const char *name)
{
  static Armed *armed;
  if (g_once_init_enter (&armed))
    g_once_init_leave (&armed, armed_by ("ELVES_CRASH", crash_names));

  guint count = 0;
  if (is_passed (armed, name, &count) && count == armed->nth)
    kill (getpid (), armed->signal_number);
}

/**
 * elves_break_promise:
 * @name: one of those in the header
 *
 * Returns: TRUE when ELVES_BREAK says that the caller is to do the wrong thing. Any thread.
 */
gboolean
elves_break_promise (const char *name)
{
  static Armed *armed;
  if (g_once_init_enter (&armed))
    g_once_init_leave (&armed, armed_by ("ELVES_BREAK", break_names));

  guint count = 0;
  return is_passed (armed, name, &count) && count % armed->nth == 0;
}
