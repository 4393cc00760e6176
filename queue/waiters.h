/* Requests of queueChanges that wait until their queue changes, or their time is over. On the loop.
 *
 * A change is told after its commit, and a request was looked at before it was put here, both in
 * the order of the store: so no change falls between the two. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct ElvesQueueWaiters ElvesQueueWaiters;

/* @data: what waits; it is taken out first. @in_time FALSE: its time is over, or all are let go. */
typedef void (*ElvesQueueWaiterFunc) (gpointer data, gboolean in_time);

ElvesQueueWaiters *elves_queue_waiters_new (guint limit, ElvesQueueWaiterFunc func);
void elves_queue_waiters_free (ElvesQueueWaiters *self); /* nobody is called */

/* FALSE: as many as may wait do. */
gboolean elves_queue_waiters_add (ElvesQueueWaiters *self,
                                  const char *queue_id,
                                  gint64 until_us, /* g_get_monotonic_time() */
                                  gpointer data);
/* The queue has changed. */
void elves_queue_waiters_wake (ElvesQueueWaiters *self, const char *queue_id);
void elves_queue_waiters_let_go (ElvesQueueWaiters *self);
guint elves_queue_waiters_count (const ElvesQueueWaiters *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesQueueWaiters, elves_queue_waiters_free)

G_END_DECLS
