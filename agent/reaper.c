/* Waits for every child of this process, and for nobody else's.
 *
 * SIGCHLD is blocked and read from a signalfd on the main loop. Because signals merge, each wake-up
 * looks for every ended child. waitid(WNOWAIT) shows a child without reaping it, so that the
 * watcher can still signal its process group safely; only then it is reaped.
 *
 * As the agent is a child subreaper, descendants of workers whose parents ended come here, too:
 * reaped, counted, nobody told. At most so many children are taken in one turn of the loop; the
 * rest waits for the next turn. Main thread only. */
#include "agent/reaper.h"

#include "common/error.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_REAPED_PER_TURN 256

typedef struct
{
  ElvesReapedFunc func; /* NULL: forgotten */
  gpointer user_data;
} Watcher;

struct ElvesReaper
{
  GHashTable *watchers; /* pid -> Watcher */
  ElvesWatch *watch;
  GSource *again; /* the rest, in the next turn */
  int signal_fd;
  guint64 adopted;
};

static int
wait_status_of (const siginfo_t *info)
{
  switch (info->si_code)
    {
    case CLD_EXITED:
      return (info->si_status & 0xff) << 8;
    case CLD_DUMPED:
      return info->si_status | 0x80;
    default:
      return info->si_status;
    }
}

static void
tell_watcher (ElvesReaper *self, const siginfo_t *info)
{
  gpointer value = NULL;
  if (!g_hash_table_steal_extended (self->watchers, GINT_TO_POINTER (info->si_pid), NULL, &value))
    {
      self->adopted++;
      return;
    }
  g_autofree Watcher *watcher = value;
  if (watcher->func != NULL)
    watcher->func (info->si_pid, wait_status_of (info), watcher->user_data);
}

/* TRUE: there was one. */
static gboolean
reap_one (ElvesReaper *self)
{
  siginfo_t info = { 0 };
  if (waitid (P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0)
    return FALSE;
  tell_watcher (self, &info);
  waitpid (info.si_pid, NULL, WNOHANG);
  return TRUE;
}

static gboolean on_turn_came (gpointer user_data);

static void
reap_some (ElvesReaper *self)
{
  for (int n = 0; n < MAX_REAPED_PER_TURN; n++)
    if (!reap_one (self))
      return;
  if (self->again != NULL)
    return;
  self->again = g_idle_source_new ();
  g_source_set_priority (self->again, G_PRIORITY_DEFAULT);
  g_source_set_callback (self->again, on_turn_came, self, NULL);
  g_source_attach (self->again, g_main_context_get_thread_default ());
}

static gboolean
on_turn_came (gpointer user_data)
{
  ElvesReaper *self = user_data;
  g_clear_pointer (&self->again, g_source_unref);
  reap_some (self);
  return G_SOURCE_REMOVE;
}

static void
on_child_signalled (int fd, GIOCondition condition, gpointer user_data)
{
  struct signalfd_siginfo drained[16];
  while (read (fd, drained, sizeof drained) == sizeof drained)
    ;
  reap_some (user_data);
}

/**
 * elves_reaper_new:
 * @poller: where to wait; must outlive the reaper
 * @error: return location for a #GError
 *
 * Blocks SIGCHLD in the calling thread, and so in those it starts later.
 *
 * Returns: (transfer full): a reaper, or NULL.
 */
ElvesReaper *
elves_reaper_new (ElvesPoller *poller, GError **error)
{
  sigset_t child;
  sigemptyset (&child);
  sigaddset (&child, SIGCHLD);
  pthread_sigmask (SIG_BLOCK, &child, NULL);
  int fd = signalfd (-1, &child, SFD_NONBLOCK | SFD_CLOEXEC);
  if (fd < 0)
    {
      g_set_error (error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE, "Cannot wait for children: %s",
                   g_strerror (errno));
      return NULL;
    }
  ElvesReaper *self = g_new0 (ElvesReaper, 1);
  self->signal_fd = fd;
  self->watchers = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  self->watch = elves_poller_watch (poller, fd, G_IO_IN, on_child_signalled, self);
  return self;
}

/**
 * elves_reaper_free:
 * @self: (nullable): a reaper
 *
 * Children that still run are not waited for any more. SIGCHLD stays blocked.
 */
void
elves_reaper_free (ElvesReaper *self)
{
  if (self == NULL)
    return;
  if (self->again != NULL)
    {
      g_source_destroy (self->again);
      g_source_unref (self->again);
    }
  elves_watch_remove (self->watch);
  close (self->signal_fd);
  g_hash_table_unref (self->watchers);
  g_free (self);
}

/**
 * elves_reaper_watch:
 * @self: a reaper
 * @pid: a child started in this turn of the main loop
 * @func: told once, from the main loop, when @pid has ended
 * @user_data: for @func
 */
void
elves_reaper_watch (ElvesReaper *self, pid_t pid, ElvesReapedFunc func, gpointer user_data)
{
  Watcher *watcher = g_new (Watcher, 1);
  *watcher = (Watcher){ func, user_data };
  g_hash_table_insert (self->watchers, GINT_TO_POINTER (pid), watcher);
}

/**
 * elves_reaper_forget:
 * @self: a reaper
 * @pid: a child
 *
 * Nobody is told when @pid ends. Nothing happens when it is not watched.
 */
void
elves_reaper_forget (ElvesReaper *self, pid_t pid)
{
  Watcher *watcher = g_hash_table_lookup (self->watchers, GINT_TO_POINTER (pid));
  if (watcher != NULL)
    watcher->func = NULL;
}

/**
 * elves_reaper_adopted:
 * @self: a reaper
 *
 * Returns: how many processes nobody watched were reaped.
 */
guint64
elves_reaper_adopted (const ElvesReaper *self)
{
  return self->adopted;
}
