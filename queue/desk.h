/* The actions of elves-queue: each request becomes a work of the store and, after the commit, an
 * answer. In the order in which they came. */
#pragma once

#include "common/component.h"
#include "common/daemon.h"
#include "common/store.h"
#include "queue/config.h"
#include "queue/herald.h"

G_BEGIN_DECLS

typedef struct ElvesQueueDesk ElvesQueueDesk;

typedef struct
{
  const ElvesQueueConfig *config; /* these outlive it */
  const ElvesQueueLimits *limits;
  ElvesStore *store;
  ElvesDaemon *daemon; /* told when requests are taken */
} ElvesQueueDeskOptions;

const ElvesComponentAction *elves_queue_actions (void); /* user data: an ElvesQueueDesk */

ElvesQueueDesk *elves_queue_desk_new (const ElvesQueueDeskOptions *options);
/* Before the first request: who answers, and who is told what has changed. */
void elves_queue_desk_set_out (ElvesQueueDesk *self,
                               ElvesComponent *component,
                               ElvesQueueHerald *herald);
void elves_queue_desk_on_consuming (gboolean consuming, gpointer desk);
/* After the component and the store. */
void elves_queue_desk_free (ElvesQueueDesk *self);
/* Requests in hand, without those that wait for changes. */
guint elves_queue_desk_open (const ElvesQueueDesk *self);
guint elves_queue_desk_waiting (const ElvesQueueDesk *self);
void elves_queue_desk_let_go (ElvesQueueDesk *self); /* those that wait are answered */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesQueueDesk, elves_queue_desk_free)

G_END_DECLS
