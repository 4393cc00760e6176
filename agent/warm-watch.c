/* Looks after the files that a warm worker was made of.
 *
 * Two ways, because neither sees all. Where the folder leads to and the worker's own file are
 * looked at when a call comes (as is appcfg.json, by agent/warm): so a link that is set to another
 * release, or a replaced folder, counts at once. The rest, modules that the worker has read, is
 * watched by inotify: files below the folder whose name ends as that of the worker's file
 * (app-worker.py: every .py), and VERSION. So what an app writes beside its code, and the caches of
 * an interpreter, start nothing anew. Hidden folders and __pycache__ are passed over.
 *
 * Where inotify has no more to give, or the tree is too large, only the first way is left. */
#include "agent/warm-watch.h"

#include "agent/file-print.h"

#include <dirent.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define MAX_FOLDERS 256
#define MAX_DEPTH 8
#define EVENT_BYTES 4096
#define EVENTS                                                                             \
  (IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_DELETE_SELF | \
   IN_MOVE_SELF | IN_ONLYDIR)

struct ElvesWarmWatch
{
  ElvesWarmChangedFunc changed;
  gpointer user_data;
  char *folder, *program; /* paths; program: the file of the worker */
  char *suffix;           /* of files that count: ".py"; "": none but the program */
  ElvesFilePrint folder_print, program_print;
  int fd; /* -1: none */
  ElvesWatch *watch;
  guint n_folders;
};

static gboolean
is_passed_over (const char *name)
{
  return name[0] == '.' || g_str_equal (name, "__pycache__");
}

static gboolean
counts (const ElvesWarmWatch *self, const struct inotify_event *event)
{
  if (event->mask & (IN_Q_OVERFLOW | IN_DELETE_SELF | IN_MOVE_SELF))
    return TRUE;
  if (event->len == 0 || is_passed_over (event->name))
    return FALSE;
  if (event->mask & IN_ISDIR) /* with what is in it */
    return (event->mask & (IN_CREATE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE)) != 0;
  if ((event->mask & IN_CREATE) != 0)
    return FALSE; /* it is closed later */
  return (self->suffix[0] != '\0' && g_str_has_suffix (event->name, self->suffix)) ||
         g_str_equal (event->name, "VERSION");
}

static void
on_events (int fd, GIOCondition condition, gpointer user_data)
{
  ElvesWarmWatch *self = user_data;
  char buffer[EVENT_BYTES] __attribute__ ((aligned (__alignof__(struct inotify_event))));
  gboolean changed = FALSE;
  for (gssize length; (length = read (fd, buffer, sizeof buffer)) > 0;)
    for (const char *at = buffer; at < buffer + length;)
      {
        const struct inotify_event *event = (const void *) at;
        changed = changed || counts (self, event);
        at += sizeof *event + event->len;
      }
  if (changed)
    self->changed (self->user_data); /* may free us */
}

static void
watch_folder (ElvesWarmWatch *self, const char *path, guint depth)
{
  if (self->n_folders >= MAX_FOLDERS || depth > MAX_DEPTH ||
      inotify_add_watch (self->fd, path, EVENTS) < 0)
    return;
  self->n_folders++;
  DIR *folder = opendir (path);
  if (folder == NULL)
    return;
  for (const struct dirent *entry; (entry = readdir (folder)) != NULL;)
    if (entry->d_type == DT_DIR && !is_passed_over (entry->d_name))
      {
        g_autofree char *below = g_build_filename (path, entry->d_name, NULL);
        watch_folder (self, below, depth + 1);
      }
  closedir (folder);
}

/**
 * elves_warm_watch_new:
 * @poller: must outlive it
 * @entry: whose files
 * @changed: told when a file has changed; may be told again
 * @user_data: for @changed
 *
 * Remembers the files as they are now: to be made before a worker is started.
 *
 * Returns: (transfer full)
 */
ElvesWarmWatch *
elves_warm_watch_new (ElvesPoller *poller,
                      const ElvesAppEntry *entry,
                      ElvesWarmChangedFunc changed,
                      gpointer user_data)
{
  ElvesWarmWatch *self = g_new0 (ElvesWarmWatch, 1);
  self->changed = changed;
  self->user_data = user_data;
  self->folder = g_strdup (entry->directory);
  self->program = g_strdup (entry->file != NULL ? entry->file : entry->program);
  g_autofree char *name = g_path_get_basename (self->program);
  const char *dot = strrchr (name, '.');
  self->suffix = g_strdup (dot != NULL && dot != name ? dot : "");
  self->fd = inotify_init1 (IN_NONBLOCK | IN_CLOEXEC);
  if (self->fd >= 0)
    {
      watch_folder (self, self->folder, 0);
      self->watch = elves_poller_watch (poller, self->fd, G_IO_IN, on_events, self);
    }
  self->folder_print = elves_file_print_take (self->folder);
  self->program_print = elves_file_print_take (self->program);
  return self;
}

void
elves_warm_watch_free (ElvesWarmWatch *self)
{
  if (self == NULL)
    return;
  g_clear_pointer (&self->watch, elves_watch_remove);
  if (self->fd >= 0)
    close (self->fd);
  g_free (self->folder);
  g_free (self->program);
  g_free (self->suffix);
  g_free (self);
}

/**
 * elves_warm_watch_is_stale:
 * @self: a watch
 *
 * Returns: whether the folder or the worker's file is another one than when @self was made. Costs
 * two stat().
 */
gboolean
elves_warm_watch_is_stale (const ElvesWarmWatch *self)
{
  return !elves_file_print_is_still (&self->folder_print, self->folder) ||
         !elves_file_print_is_still (&self->program_print, self->program);
}
