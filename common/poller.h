/* Many descriptors, one GSource: an epoll set attached to the main context.
   GMainContext polls every GSource's descriptor each turn, which costs O(descriptors); this costs
   O(ready descriptors). Main thread only. */
#pragma once

#include "common/deadlines.h"

#include <glib.h>

G_BEGIN_DECLS

typedef struct ElvesPoller ElvesPoller;
typedef struct ElvesWatch ElvesWatch;

/* @condition: what is ready; G_IO_HUP and G_IO_ERR are always reported. The watch may be removed,
   and others too, from inside. */
typedef void (*ElvesWatchFunc) (int fd, GIOCondition condition, gpointer user_data);

ElvesPoller *elves_poller_new (GError **error); /* on the thread-default main context */
void elves_poller_free (ElvesPoller *self);     /* all watches must be gone */

/* Level-triggered. The descriptor stays the caller's. Aborts only when out of memory. */
ElvesWatch *elves_poller_watch (ElvesPoller *self,
                                int fd,
                                GIOCondition events,
                                ElvesWatchFunc func,
                                gpointer user_data);
void elves_watch_set_events (ElvesWatch *self, GIOCondition events); /* 0: only errors */
void elves_watch_remove (
    ElvesWatch *self); /* NULL is fine; before the fd is closed; func is not called again */

/* Deadlines for whoever watches here and has no own; live as long as the poller. */
ElvesDeadlines *elves_poller_deadlines (ElvesPoller *self);

/* Work for the end of this turn of the loop, embedded in its owner: set @func and @user_data once,
   leave the rest zero. */
typedef struct
{
  void (*func) (gpointer user_data);
  gpointer user_data;
  GList node;
  gboolean queued;
  guint64 ran_in; /* the poller's */
} ElvesDeferred;

/* Calls it once, before the loop sleeps again and never from inside this; queued already: no-op. */
void elves_poller_defer (ElvesPoller *self, ElvesDeferred *deferred);
void elves_poller_cancel_deferred (ElvesPoller *self, ElvesDeferred *deferred);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesPoller, elves_poller_free)

G_END_DECLS
