/* Who leads, of several processes: ZooKeeper's recipe. Each keeps an ephemeral, sequential node
 * with a GUID of its own in the name; whose number is the lowest leads.
 *
 * A process may believe that it leads a little longer than it does (the session ends at the server
 * first): what it writes must be fenced by who is written to. */
#pragma once

#include "common/registry.h"

G_BEGIN_DECLS

typedef struct ElvesElection ElvesElection;

/* From the loop. @leads FALSE also while ZooKeeper cannot be reached for longer than a session
   lasts. */
typedef void (*ElvesElectionFunc) (gboolean leads, gpointer user_data);

/* @path: below the root, of the folder of the candidates. @holder: what the node says, for people.
 */
ElvesElection *elves_election_new (ElvesRegistry *registry,
                                   const char *path,
                                   const char *holder,
                                   guint session_timeout_ms,
                                   ElvesElectionFunc changed,
                                   gpointer user_data);
/* After the registry. */
void elves_election_free (ElvesElection *self);
/* The registry's state has changed: pass it on. */
void elves_election_connected (ElvesElection *self, gboolean connected);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesElection, elves_election_free)

G_END_DECLS
