/* Who is there: what agents have said of themselves, by ip. Pure, in memory, bounded.
 *
 * An agent is known by a beat (Thrift, original agents), by its node in ZooKeeper (our own), or by
 * both: then the node counts, which goes with the agent, while a beat is believed for a while. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct ElvesRoster ElvesRoster;

typedef enum
{
  ELVES_ROSTER_BEAT, /* there as long as its time is not too old */
  ELVES_ROSTER_NODE  /* there until it is removed */
} ElvesRosterSource;

typedef struct
{
  const char *ip, *asset, *version;
  const char *apps;  /* one JSON object: app -> version */
  gint64 checked_ms; /* when it was heard of, Unix time; of a node: not looked at */
} ElvesRosterAgent;

/* @online_ms: how long a beat is believed. @max_agents: of each source. */
ElvesRoster *elves_roster_new (gint64 online_ms, guint max_agents);
void elves_roster_free (ElvesRoster *self);

/* Copies. FALSE: the roster is full. */
gboolean
elves_roster_set (ElvesRoster *self, ElvesRosterSource source, const ElvesRosterAgent *agent);
void elves_roster_remove (ElvesRoster *self, ElvesRosterSource source, const char *ip);

/* NULL: unknown, or not heard of for too long. Valid until the roster changes. */
const ElvesRosterAgent *elves_roster_find (const ElvesRoster *self, const char *ip, gint64 now_ms);
/* (transfer container): of const ElvesRosterAgent, those that are there, by ip. */
GPtrArray *elves_roster_list (const ElvesRoster *self, gint64 now_ms);
guint elves_roster_size (const ElvesRoster *self, ElvesRosterSource source);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesRoster, elves_roster_free)

G_END_DECLS
