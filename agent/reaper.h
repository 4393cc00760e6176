/* The only one who waits for children. A direct child that ends is reported to whoever watches it;
   a process adopted as subreaper is reaped and counted. SIGCHLD comes through a signalfd on the
   main loop: workers must have their signal mask reset. */
#pragma once

#include "common/poller.h"

#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

typedef struct ElvesReaper ElvesReaper;

/* @wait_status as waitpid() gives it. The zombie is still there during the call, so that neither
   its pid nor its process group can have been given to somebody else. */
typedef void (*ElvesReapedFunc) (pid_t pid, int wait_status, gpointer user_data);

ElvesReaper *elves_reaper_new (
    ElvesPoller *poller,
    GError **error); /* blocks SIGCHLD in this thread: call before any thread starts */
void elves_reaper_free (ElvesReaper *self);
void elves_reaper_watch (ElvesReaper *self,
                         pid_t pid,
                         ElvesReapedFunc func,
                         gpointer user_data); /* before the loop runs again after the spawn */
void elves_reaper_forget (ElvesReaper *self, pid_t pid); /* it is reaped silently */
guint64 elves_reaper_adopted (const ElvesReaper *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesReaper, elves_reaper_free)

G_END_DECLS
