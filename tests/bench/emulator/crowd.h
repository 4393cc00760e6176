/* Thousands of agents in one process: each has an address of 127.0.0.0/8 of its own and listens
   there. What they have in common: the port, the poller, a few connections for results. */
#pragma once

#include "common/poller.h"

#include <glib.h>

G_BEGIN_DECLS

typedef struct Crowd Crowd;

typedef struct
{
  guint first, count; /* agents by number; see roster.h */
  guint16 port;
  guint dead_every;    /* so often one is registered and does not listen; 0: none */
  guint hanging_every; /* so often one takes calls and never answers; 0: none */
  guint delay_ms;      /* from a call to its result */
  guint result_links;  /* connections to one scheduler, of all agents together */
} CrowdOptions;

typedef struct
{
  guint64 sync_calls, async_jobs, again; /* again: of a key that was accepted before */
  guint64 swallowed;                     /* calls of agents that hang */
  guint64 agents_asked;                  /* of how many agents something was asked */
  guint64 results_taken, results_refused;
  guint64 waiting; /* jobs whose result is not taken */
} CrowdCounts;

Crowd *crowd_new (ElvesPoller *poller, const CrowdOptions *options, GError **error);
void crowd_free (Crowd *self);
void crowd_count (const Crowd *self, CrowdCounts *out_counts);
void crowd_hold (Crowd *self);    /* async jobs come to no end */
void crowd_release (Crowd *self); /* now they do */

G_END_DECLS
