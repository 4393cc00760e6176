/* A job to its agent: look the agent up, call it, make an outcome of what comes back. */
#pragma once

#include "scheduler/agent-pool.h"
#include "scheduler/agent-table.h"
#include "scheduler/flight.h"

G_BEGIN_DECLS

typedef struct ElvesDispatch ElvesDispatch;

typedef struct
{
  gboolean dial_unregistered; /* an ip that is not registered is dialled at @agent_port */
  guint16 agent_port;
  guint call_timeout_ms; /* the pool's */
} ElvesDispatchOptions;

/* What comes of a flight; its state has moved unless it says otherwise. */
typedef struct
{
  /* The agent has an async job. @execution: the key it knows it by. */
  void (*accepted) (ElvesFlight *flight,
                    const ElvesOutcome *outcome,
                    const char *execution,
                    gpointer user_data);
  /* The state has not moved: how it ended. */
  void (*ended) (ElvesFlight *flight, const ElvesOutcome *outcome, gpointer user_data);
  void (*paused) (ElvesFlight *flight, gpointer user_data);  /* call again later */
  void (*settled) (ElvesFlight *flight, gpointer user_data); /* another took its result */
  void (*heard) (ElvesFlight *flight, gboolean answered, gpointer user_data); /* of _ask() */
} ElvesDispatchCallbacks;

ElvesDispatch *elves_dispatch_new (ElvesAgentTable *agents,
                                   ElvesAgentPool *pool,
                                   const ElvesDispatchOptions *options,
                                   const ElvesDispatchCallbacks *callbacks,
                                   gpointer user_data);
void elves_dispatch_free (ElvesDispatch *self); /* after the pool */
/* A new flight, or one that has paused. */
void elves_dispatch_flight (ElvesDispatch *self, ElvesFlight *flight);
/* What has become of an accepted one? */
void elves_dispatch_ask (ElvesDispatch *self, ElvesFlight *flight);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesDispatch, elves_dispatch_free)

G_END_DECLS
