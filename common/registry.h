/* ZooKeeper as the registry: one session, nodes that are kept there, records that are written,
 * tables that are watched.
 *
 * The C client's threads only copy and hand over: every callback comes on the main context that was
 * thread-default in _new(). A lost connection keeps the session; an expired session is replaced by
 * a new one, every announced node is created again and every watch set again. Until then tables
 * keep what they last knew. Retries have capped, jittered back-off. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct ElvesRegistry ElvesRegistry;
typedef struct ElvesAnnouncement ElvesAnnouncement;
typedef struct ElvesRegistryTable ElvesRegistryTable;

typedef struct
{
  const char *hosts; /* "host[:port],..."; default port 2181 */
  const char *root;  /* absolute, without trailing slash */
  guint session_timeout_ms;
  guint retry_first_ms, retry_cap_ms;
} ElvesRegistrySettings;

typedef struct
{
  void (*state) (ElvesRegistry *registry,
                 gboolean connected,
                 const char *detail,
                 gpointer user_data); /* (nullable) */
} ElvesRegistryCallbacks;

ElvesRegistry *elves_registry_new (const ElvesRegistrySettings *settings,
                                   const ElvesRegistryCallbacks *callbacks,
                                   gpointer user_data,
                                   GError **error);
void elves_registry_free (ElvesRegistry *self); /* closes the session: ephemeral nodes go at once */

/* Keeps an ephemeral node below the root; parents are created, persistent, when missing.
   @path: relative, "agent/10.0.0.1"; ending in "/" with @sequential: the server appends ten digits.
   A node of the same name left by an older session of ours is waited out and replaced.
   @done: (nullable) each time the node stands (its full path). */
typedef void (*ElvesAnnouncedFunc) (ElvesRegistry *registry,
                                    const char *full_path,
                                    gpointer user_data);
ElvesAnnouncement *elves_registry_announce (ElvesRegistry *self,
                                            const char *path,
                                            gboolean sequential,
                                            GBytes *data,
                                            ElvesAnnouncedFunc done,
                                            gpointer user_data);
void elves_announcement_update (ElvesAnnouncement *self,
                                GBytes *data); /* new content, now and from now on */

/* Sees to it that the persistent node @path (relative) holds @data; parents and node are made when
   they are missing. At most one content per node waits while there is no connection. */
void elves_registry_write (ElvesRegistry *self, const char *path, GBytes *data);

/* Watches the children of @path (relative) and the data of each. */
typedef struct
{
  void (*set) (ElvesRegistryTable *table,
               const char *name,
               const guint8 *data,
               gsize length,
               gpointer user_data); /* added or changed */
  void (*gone) (ElvesRegistryTable *table, const char *name, gpointer user_data);
  void (*complete) (ElvesRegistryTable *table,
                    gpointer user_data); /* (nullable) the first time, and after each new session:
                                            all children were seen */
} ElvesRegistryTableCallbacks;

ElvesRegistryTable *elves_registry_watch (ElvesRegistry *self,
                                          const char *path,
                                          const ElvesRegistryTableCallbacks *callbacks,
                                          gpointer user_data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ElvesRegistry, elves_registry_free)

G_END_DECLS
