/* What the parts of the registry share. Nobody else includes this.
 *
 * registry-session.c   the session: opens, replaces, closes; hands events to the other two
 * registry-request.c   ZooKeeper's threads on one side, the main loop on the other
 * registry-announce.c  nodes that are kept
 * registry-record.c    persistent nodes that are written
 * registry-table.c     children that are watched */
#pragma once

#include "common/registry.h"

#include <zookeeper/zookeeper.h>

G_BEGIN_DECLS

typedef struct ElvesRegistryRecord ElvesRegistryRecord;

/* Events on their way from ZooKeeper's threads to the main loop. Reference counted: a thread that
   opens or closes a handle may outlive the registry. */
typedef struct ElvesRegistryMailbox ElvesRegistryMailbox;

/* One ZooKeeper handle and the context of its callbacks; lives until the handle is closed. */
typedef struct
{
  ElvesRegistryMailbox *mailbox;
  char *hosts;
  int timeout_ms;
  zhandle_t *handle;    /* main loop only; NULL until the event OPENED */
  GHashTable *requests; /* of ElvesRegistryEvent: sent and not answered; the mailbox's lock */
} ElvesRegistrySession;

/* What a request came to. Everything is lent. */
typedef struct
{
  int rc;
  GBytes *data;       /* get */
  const char *path;   /* create: the real path */
  char **names;       /* children */
  gint64 owner;       /* get, exists: the session of an ephemeral node, else 0 */
  gint64 change;      /* get, exists: the transaction that made or last changed it; never 0 */
  const char *target; /* the path that the request was about */
} ElvesRegistryReply;

typedef void (*ElvesRegistryReplyFunc) (gpointer owner, const ElvesRegistryReply *reply);

typedef enum
{
  ELVES_REGISTRY_EVENT_OPENED, /* zookeeper_init() came back: handle, or NULL and error_number */
  ELVES_REGISTRY_EVENT_STATE,  /* of the session: state, client_id */
  ELVES_REGISTRY_EVENT_WATCH,  /* fired: watch_type, path */
  ELVES_REGISTRY_EVENT_REPLY   /* func (owner, reply) */
} ElvesRegistryEventKind;

typedef struct
{
  ElvesRegistryEventKind kind;
  ElvesRegistrySession *session; /* a reference */
  zhandle_t *handle;             /* owned: closed with the event unless taken */
  int error_number;
  int state;
  gint64 client_id;
  int watch_type;
  char *path;
  int rc;
  GBytes *data;
  char **names;
  gint64 ephemeral_owner;
  gint64 change;
  char *target;
  ElvesRegistryReplyFunc func;
  gpointer owner;
} ElvesRegistryEvent;

typedef void (*ElvesRegistryEventFunc) (const ElvesRegistryEvent *event, gpointer user_data);

ElvesRegistryMailbox *elves_registry_mailbox_new (ElvesRegistryEventFunc func, gpointer user_data);
void elves_registry_mailbox_close (ElvesRegistryMailbox *self);
void elves_registry_mailbox_unref (ElvesRegistryMailbox *self);

ElvesRegistrySession *
elves_registry_session_open (ElvesRegistryMailbox *mailbox, const char *hosts, int timeout_ms);
void elves_registry_session_abandon (ElvesRegistrySession *self);
void elves_registry_session_close (ElvesRegistrySession *self);

/* Requests: the reply always comes later, from the main loop, also when nothing could be sent.
   After elves_registry_free() began, none comes. All but create and set and delete leave a watch.
 */
void elves_registry_request_create (ElvesRegistry *self,
                                    const char *path,
                                    GBytes *data,
                                    int mode,
                                    ElvesRegistryReplyFunc func,
                                    gpointer owner);
void elves_registry_request_set (ElvesRegistry *self,
                                 const char *path,
                                 GBytes *data,
                                 ElvesRegistryReplyFunc func,
                                 gpointer owner);
void elves_registry_request_delete (ElvesRegistry *self,
                                    const char *path,
                                    ElvesRegistryReplyFunc func,
                                    gpointer owner);
void elves_registry_request_exists (ElvesRegistry *self,
                                    const char *path,
                                    ElvesRegistryReplyFunc func,
                                    gpointer owner);
void elves_registry_request_get (ElvesRegistry *self,
                                 const char *path,
                                 ElvesRegistryReplyFunc func,
                                 gpointer owner);
void elves_registry_request_children (ElvesRegistry *self,
                                      const char *path,
                                      ElvesRegistryReplyFunc func,
                                      gpointer owner);
/* Persistent nodes for everything in front of the last '/' of @path; no reply, requests made
   afterwards find them. */
void elves_registry_create_parents (ElvesRegistry *self, const char *path);

/* registry-session.c, for the others */
ElvesRegistrySession *elves_registry_get_session (ElvesRegistry *self); /* (nullable) */
gboolean elves_registry_is_connected (ElvesRegistry *self);
gint64 elves_registry_session_id (ElvesRegistry *self);
gboolean elves_registry_was_session (ElvesRegistry *self, gint64 id);
gboolean elves_registry_stands (ElvesRegistry *self, const char *full_path);
char *elves_registry_full_path (ElvesRegistry *self, const char *path);
void elves_registry_add_announcement (ElvesRegistry *self, ElvesAnnouncement *announcement);
void elves_registry_add_table (ElvesRegistry *self, ElvesRegistryTable *table);
ElvesRegistryRecord *elves_registry_find_record (ElvesRegistry *self, const char *full_path);
void
elves_registry_add_record (ElvesRegistry *self, const char *full_path, ElvesRegistryRecord *record);
void elves_registry_drop_record (ElvesRegistry *self, const char *full_path);
/* A request failed though we are connected: everything advances again after a back-off. */
void elves_registry_retry_later (ElvesRegistry *self, const char *path, int rc);

/* Both parts are driven alike: _session_began() forgets what the old session knew, _advance() sends
   the next request when one is needed and the connection is there. */
void elves_announcement_session_began (ElvesAnnouncement *self);
void elves_announcement_advance (ElvesAnnouncement *self);
void elves_announcement_watch_fired (ElvesAnnouncement *self, const char *path);
gboolean elves_announcement_stands (ElvesAnnouncement *self, const char *full_path);
void elves_announcement_free (ElvesAnnouncement *self);

void elves_registry_record_advance (ElvesRegistryRecord *self);
void elves_registry_record_free (ElvesRegistryRecord *self);

void elves_registry_table_session_began (ElvesRegistryTable *self);
void elves_registry_table_advance (ElvesRegistryTable *self);
void elves_registry_table_watch_fired (ElvesRegistryTable *self, const char *path);
void elves_registry_table_free (ElvesRegistryTable *self);

G_END_DECLS
