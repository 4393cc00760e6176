/* Takes heartbeats over Thrift (elves-thrift.md 3.6) and answers which apps the agent may run. */
#pragma once

#include "common/poller.h"
#include "common/registry.h"
#include "heartbeat/app-list.h"
#include "heartbeat/config.h"
#include "heartbeat/roster.h"

G_BEGIN_DECLS

typedef struct ElvesBeats ElvesBeats;

/* All outlive the beats. */
typedef struct
{
  const ElvesHeartbeatConfig *config;
  ElvesPoller *poller;
  ElvesRoster *roster;
  const ElvesAppList *apps;
  ElvesRegistry *registry; /* (nullable) without: beats go into the roster only */
} ElvesBeatsParts;

ElvesBeats *elves_beats_new (const ElvesBeatsParts *parts, GError **error);
void elves_beats_free (ElvesBeats *self);
/* With a registry: beats are kept from now on. */
void elves_beats_start_keeping (ElvesBeats *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesBeats, elves_beats_free)

G_END_DECLS
