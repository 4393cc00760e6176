/* Poller: every socket of a daemon behind one GSource.
 *
 * GLib hands all descriptors of all sources to poll() each turn: with a thousand agents that is a
 * thousand descriptors looked at for one that is ready. Here the main context sees one descriptor,
 * the epoll set, and a turn costs what is ready.
 *
 * The same source runs deferred work: whatever one turn wants to do once at its end, such as
 * writing out all that was appended to a connection. Work deferred inside a dispatch of this source
 * runs when that dispatch ends; work deferred elsewhere makes the source ready at once.
 *
 * A watch may be removed at any moment, also while events already fetched from the kernel still
 * point at it: it is freed only when no dispatch is under way. Nothing here is thread-safe. */
#include "common/poller.h"

#include "common/error.h"

#include <errno.h>
#include <glib-unix.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS_PER_TURN 64

struct ElvesPoller
{
  GSource source; /* first: the poller is its source, so that it outlives its own dispatch */
  int epoll_fd;
  gpointer tag;
  guint n_watches;
  guint dispatching;    /* depth: somebody may turn the loop from inside a callback */
  GPtrArray *graveyard; /* removed during a dispatch, freed after it */
  GQueue deferred;
  ElvesDeadlines *deadlines;
  guint64 n_turns; /* in which deferred work ran */
};

struct ElvesWatch
{
  ElvesPoller *poller;
  int fd;
  GIOCondition events;
  ElvesWatchFunc func; /* NULL once removed */
  gpointer user_data;
};

static uint32_t
epoll_events_from_condition (GIOCondition condition)
{
  return (condition & G_IO_IN ? EPOLLIN : 0) | (condition & G_IO_OUT ? EPOLLOUT : 0);
}

static GIOCondition
condition_from_epoll_events (uint32_t events)
{
  return (GIOCondition) ((events & EPOLLIN ? G_IO_IN : 0) | (events & EPOLLOUT ? G_IO_OUT : 0) |
                         (events & EPOLLHUP ? G_IO_HUP : 0) | (events & EPOLLERR ? G_IO_ERR : 0));
}

static void
run_watches (ElvesPoller *self)
{
  struct epoll_event events[EVENTS_PER_TURN];
  int n_events = epoll_wait (self->epoll_fd, events, G_N_ELEMENTS (events), 0);
  for (int i = 0; i < n_events; i++)
    {
      ElvesWatch *watch = events[i].data.ptr;
      if (watch->func)
        watch->func (watch->fd, condition_from_epoll_events (events[i].events), watch->user_data);
    }
}

/* What is deferred by deferred work runs too, so that one turn brings everything out. Only work
   that defers itself again waits for the next turn. */
static void
run_deferred (ElvesPoller *self)
{
  self->n_turns++;
  for (;;)
    {
      ElvesDeferred *deferred = g_queue_peek_head (&self->deferred);
      if (deferred == NULL || deferred->ran_in == self->n_turns)
        return;
      g_queue_unlink (&self->deferred, &deferred->node);
      deferred->queued = FALSE;
      deferred->ran_in = self->n_turns;
      deferred->func (deferred->user_data);
    }
}

static gboolean
poller_prepare (GSource *source, int *timeout_ms)
{
  ElvesPoller *self = (ElvesPoller *) source;
  *timeout_ms = -1;
  return self->deferred.length > 0;
}

static gboolean
poller_check (GSource *source)
{
  ElvesPoller *self = (ElvesPoller *) source;
  return self->deferred.length > 0 || g_source_query_unix_fd (source, self->tag) != 0;
}

static gboolean
poller_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  ElvesPoller *self = (ElvesPoller *) source;
  self->dispatching++;
  if (g_source_query_unix_fd (source, self->tag) != 0)
    run_watches (self);
  run_deferred (self);
  if (--self->dispatching == 0)
    g_ptr_array_set_size (self->graveyard, 0);
  return G_SOURCE_CONTINUE;
}

static void
poller_finalize (GSource *source)
{
  ElvesPoller *self = (ElvesPoller *) source;
  g_ptr_array_unref (self->graveyard);
  if (self->epoll_fd >= 0)
    close (self->epoll_fd);
}

static GSourceFuncs poller_funcs = { poller_prepare, poller_check, poller_dispatch,
                                     poller_finalize };

/**
 * elves_poller_new:
 *
 * An empty set of watches on the thread-default main context, at the default priority.
 *
 * Errors: %ELVES_ERROR_UNAVAILABLE when the process is out of descriptors.
 * Returns: (transfer full): the poller
 */
ElvesPoller *
elves_poller_new (GError **error)
{
  int epoll_fd = epoll_create1 (EPOLL_CLOEXEC);
  if (epoll_fd < 0)
    {
      g_set_error (error, ELVES_ERROR, ELVES_ERROR_UNAVAILABLE, "Cannot create an epoll set: %s",
                   g_strerror (errno));
      return NULL;
    }
  ElvesPoller *self = (ElvesPoller *) g_source_new (&poller_funcs, sizeof (ElvesPoller));
  self->epoll_fd = epoll_fd;
  self->graveyard = g_ptr_array_new_with_free_func (g_free);
  g_queue_init (&self->deferred);
  self->deadlines = elves_deadlines_new ();
  self->tag = g_source_add_unix_fd (&self->source, epoll_fd, G_IO_IN);
  /* Else GLib takes the descriptor out of its set and back for each dispatch, and wakes itself up
     for it: three system calls a turn. */
  g_source_set_can_recurse (&self->source, TRUE);
  g_source_set_static_name (&self->source, "elves-poller");
  g_source_attach (&self->source, g_main_context_get_thread_default ());
  return self;
}

/**
 * elves_poller_free:
 * @self: (nullable): the poller; may be freed from inside one of its own callbacks
 */
void
elves_poller_free (ElvesPoller *self)
{
  if (!self)
    return;
  g_warn_if_fail (self->n_watches == 0);
  g_warn_if_fail (self->deferred.length == 0);
  elves_deadlines_free (self->deadlines);
  g_source_destroy (&self->source);
  g_source_unref (&self->source);
}

ElvesDeadlines *
elves_poller_deadlines (ElvesPoller *self)
{
  return self->deadlines;
}

static void
control (ElvesWatch *self, int operation)
{
  struct epoll_event event = { .events = epoll_events_from_condition (self->events),
                               .data.ptr = self };
  /* Out of memory, or a descriptor that is not ours or cannot be polled: nothing to go on with. */
  if (epoll_ctl (self->poller->epoll_fd, operation, self->fd, &event) < 0)
    g_error ("epoll_ctl on descriptor %d: %s", self->fd, g_strerror (errno));
}

/**
 * elves_poller_watch:
 * @fd: stays the caller's and must stay open until the watch is removed
 * @events: of %G_IO_IN and %G_IO_OUT, level-triggered; errors and hang-ups come always
 *
 * Returns: (transfer full): remove it with elves_watch_remove()
 */
ElvesWatch *
elves_poller_watch (ElvesPoller *self,
                    int fd,
                    GIOCondition events,
                    ElvesWatchFunc func,
                    gpointer user_data)
{
  ElvesWatch *watch = g_new0 (ElvesWatch, 1);
  watch->poller = self;
  watch->fd = fd;
  watch->events = events;
  watch->func = func;
  watch->user_data = user_data;
  control (watch, EPOLL_CTL_ADD);
  self->n_watches++;
  return watch;
}

/**
 * elves_watch_set_events:
 * @events: the new events; the same as before costs nothing
 */
void
elves_watch_set_events (ElvesWatch *self, GIOCondition events)
{
  if (self->events == events)
    return;
  self->events = events;
  control (self, EPOLL_CTL_MOD);
}

/**
 * elves_watch_remove:
 * @self: (nullable) (transfer full): the watch; its function is not called again, not even for
 *   events that have come already
 */
void
elves_watch_remove (ElvesWatch *self)
{
  if (!self)
    return;
  control (self, EPOLL_CTL_DEL);
  self->poller->n_watches--;
  self->func = NULL;
  if (self->poller->dispatching)
    g_ptr_array_add (self->poller->graveyard, self);
  else
    g_free (self);
}

/**
 * elves_poller_defer:
 * @deferred: stays the caller's, who must cancel it before it goes
 */
void
elves_poller_defer (ElvesPoller *self, ElvesDeferred *deferred)
{
  if (deferred->queued)
    return;
  deferred->queued = TRUE;
  deferred->node.data = deferred;
  g_queue_push_tail_link (&self->deferred, &deferred->node);
}

/**
 * elves_poller_cancel_deferred:
 * @deferred: queued or not
 */
void
elves_poller_cancel_deferred (ElvesPoller *self, ElvesDeferred *deferred)
{
  if (!deferred->queued)
    return;
  deferred->queued = FALSE;
  g_queue_unlink (&self->deferred, &deferred->node);
}
