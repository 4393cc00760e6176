/* Workers that stay alive, for apps that ask for it: a call is a line to one of them, and its
   answer a line back. See elves-worker(7) for what a worker must do, warm-pool.c for what happens
   to it. Main thread only. */
#pragma once

#include "agent/apps.h"
#include "agent/command.h"
#include "agent/config.h"
#include "agent/containment.h"
#include "agent/reaper.h"
#include "common/deadlines.h"
#include "common/instruct.h"
#include "common/poller.h"

G_BEGIN_DECLS

typedef struct ElvesWarm ElvesWarm;         /* one per agent */
typedef struct ElvesWarmPool ElvesWarmPool; /* the workers of an app */
typedef struct ElvesWarmCall ElvesWarmCall;

/* What it works with; all of it must outlive it. */
typedef struct
{
  const ElvesAgentConfig *config;
  ElvesPoller *poller;
  ElvesReaper *reaper;
  ElvesContainment *containment;
  ElvesDeadlines *deadlines;
  ElvesApps *apps;
  ElvesCommands *commands;
  const char *mark; /* of their cgroups; "": none */
} ElvesWarmParts;

/* From the main loop, never from inside elves_warm_call_new(). */
typedef struct
{
  /* A worker keeps a place for it: once, unless there was one at once. */
  void (*placed) (ElvesWarmCall *call, gpointer user_data);
  /* (transfer full) @result; once, at any time, also before it was sent. The call is to be freed.
   */
  void (*ended) (ElvesWarmCall *call, ElvesReinstruct *result, gpointer user_data);
} ElvesWarmCallbacks;

ElvesWarm *elves_warm_new (const ElvesWarmParts *parts);
void elves_warm_close (ElvesWarm *self);
void elves_warm_free (ElvesWarm *self); /* every call must be freed; kills all workers */

ElvesWarmPool *
elves_warm_find_pool (ElvesWarm *self, const ElvesInstruct *instruct, const ElvesAppEntry *entry);
guint elves_warm_pool_capacity (const ElvesWarmPool *self);

ElvesWarmCall *elves_warm_call_new (ElvesWarmPool *pool,
                                    ElvesInstruct *instruct,
                                    guint timeout_s,
                                    const ElvesWarmCallbacks *callbacks,
                                    gpointer user_data);
void elves_warm_call_free (ElvesWarmCall *self);
gboolean elves_warm_call_has_place (const ElvesWarmCall *self);
gboolean elves_warm_call_was_sent (const ElvesWarmCall *self);
const ElvesCell *elves_warm_call_cell (const ElvesWarmCall *self);
void elves_warm_call_send (ElvesWarmCall *self);
/* FALSE: it was not sent, or has another end already. */
gboolean elves_warm_call_cancel (ElvesWarmCall *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesWarm, elves_warm_free)

G_END_DECLS
